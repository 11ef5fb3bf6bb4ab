"""Decisions: what has been decided about every document after each step, one shard a documents' shard.

    start_shard       every document alive but those in languages that are not wanted, with its language and size
    edition_shard     after an edit: new sizes and text keys; documents that the edit dropped
    duplicates_shard  after duplicates were found over the whole corpus
    (judge_shard      after rules: in rules.py)

Each reads the decisions of the step before and writes all of them again, so a step's shard says by itself where
its documents stand, and the last one is the ledger but for the provenance. About 100 bytes a document on disk; in
memory there are never more than some thousand rows of a shard.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

from headwater.corpus.shards import ShardWriter, in_step, read_batches
from headwater.corpus.text import UNDETERMINED
from headwater.curate.duplicates.exchange import left_of
from headwater.engine.workspace import Output

GATE = "language"  # the reason of documents in languages that the recipe does not name
FAILED = "signal_failed"

DECISIONS_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("state", pa.string(), nullable=False),  # kept (so far), dropped, gated, quarantined
        pa.field("reason", pa.string()),
        pa.field("reasons", pa.uint64(), nullable=False),  # bits, as the plan numbers them
        pa.field("step", pa.int16()),  # the step of the plan that decided, null where none did
        pa.field("edits", pa.int32(), nullable=False),  # characters removed so far
        pa.field("bytes", pa.int64(), nullable=False),  # UTF-8 of the text as read
        pa.field("bytes_now", pa.int64(), nullable=False),  # of the text after the edits so far
        pa.field("text_key", pa.string(), nullable=False),  # of the same
        pa.field("partner", pa.string()),
        pa.field("similarity", pa.float32()),
    ]
)


def text_key(document: str, text: str) -> str:
    """Names one text of one document: 32 hex digits, xxh3-128 of its id and the text."""
    return xxhash.xxh3_128_hexdigest(f"{document}\0{text}".encode())


def read_decisions(path: Path | str) -> pa.Table:
    return pq.read_table(path, schema=DECISIONS_SCHEMA)


def write_decisions(out: Output, tables: Iterable[pa.Table]) -> dict[str, Any]:
    """Writes the shard, a table after another; its counts are the entry's result."""
    size = alive = 0
    with ShardWriter(out.path(), DECISIONS_SCHEMA) as writer:
        for table in tables:
            writer.write_table(table)
            size += pc.sum(table["bytes_now"]).as_py() or 0
            alive += pc.sum(pc.equal(table["state"], "kept")).as_py() or 0
        count = writer.rows
    return {"documents": count, "bytes": size, "alive": alive}


def in_question(decisions: pa.Table, tracks: list[str] | None, by_language: dict[str, str]) -> np.ndarray:
    """(rows,) bool: training documents still alive, of these tracks (None: of all).

    `by_language`: the track of each language in the shard's source (`Plan.by_language`). Held-out text is never in
    question.
    """
    rows = np.asarray(
        pc.and_(pc.equal(decisions["state"], "kept"), pc.equal(decisions["split"], "train")), dtype=bool
    )
    if tracks is not None and not set(by_language.values()) <= set(tracks):
        rows &= np.asarray(pc.is_in(track_of(decisions, by_language), value_set=pa.array(tracks)), dtype=bool)
    return rows


def track_of(decisions: pa.Table, by_language: dict[str, str]) -> pa.ChunkedArray:
    """(rows,) string: the track of each document; "*" stands for every language that is not named."""
    named = pa.array([language for language in by_language if language != "*"], pa.string())
    tracks = pa.array([*(by_language[language] for language in named.to_pylist()), by_language["*"]])
    places = pc.fill_null(pc.index_in(decisions["language"], value_set=named), len(named))
    return pc.take(tracks, places)


def decided(
    decisions: pa.Table, rows: np.ndarray, *, state: str, reason: pa.Array, reasons: np.ndarray, step: int
) -> pa.Table:
    """The decisions with those rows decided. *Shapes*: rows bool, reason string, reasons uint64, all (rows,)."""
    mask = pa.array(rows)
    changed = {
        "state": pc.if_else(mask, state, decisions["state"]),
        "reason": pc.if_else(mask, reason, decisions["reason"]),
        "reasons": pc.if_else(mask, pa.array(reasons, pa.uint64()), decisions["reasons"]),
        "step": pc.if_else(mask, pa.scalar(step, pa.int16()), decisions["step"]),
    }
    return replaced(decisions, changed)


def replaced(decisions: pa.Table, columns: dict[str, Any]) -> pa.Table:
    for name, column in columns.items():
        decisions = decisions.set_column(decisions.schema.get_field_index(name), name, column)
    return decisions.cast(DECISIONS_SCHEMA)


def bits(reason: pa.Array, numbers: dict[str, int]) -> np.ndarray:
    """(rows,) uint64: the one bit of each row's reason, 0 where it has none."""
    return np.array([1 << numbers[name] if name else 0 for name in reason.to_pylist()], np.uint64)


# ---------------------------------------------------------------- shard functions


def start_shard(
    out: Output, *, documents: str, language: str, languages: list[str] | None = None
) -> dict[str, Any]:
    """Documents and their measured language -> decisions, all alive. Counts training documents alive by language.

    `languages`: training documents in others than these are gated; held-out text stays.
    """
    counted: Counter[str] = Counter()

    def tables() -> Iterator[pa.Table]:
        streams = [
            read_batches(documents, ["id", "text", "split"]),
            read_batches(language, ["id", "language.label", "errors"]),
        ]
        for texts, labels in in_step(streams):
            if not texts["id"].equals(labels["id"]):
                raise AssertionError(f"{language} has not the documents of {documents}")
            rows, size = texts.num_rows, pc.binary_length(texts["text"]).cast(pa.int64())
            code = pc.fill_null(labels["language.label"], UNDETERMINED)
            keys = map(text_key, texts["id"].to_pylist(), texts["text"].to_pylist())
            table = pa.Table.from_pydict(
                {
                    "id": texts["id"], "language": code, "split": texts["split"], "state": ["kept"] * rows,
                    "reason": [None] * rows, "reasons": [0] * rows, "step": [None] * rows, "edits": [0] * rows,
                    "bytes": size, "bytes_now": size, "text_key": list(keys), "partner": [None] * rows,
                    "similarity": [None] * rows,
                },
                schema=DECISIONS_SCHEMA,
            )  # fmt: skip
            if languages is not None:
                table = _gated(table, languages, pc.is_valid(labels["errors"]))
            alive = in_question(table, None, {})
            counted.update(table["language"].filter(pa.array(alive)).to_pylist())
            yield table

    result = write_decisions(out, tables())
    return result | {"languages": dict(sorted(counted.items()))}


def _gated(decisions: pa.Table, languages: list[str], failed: pa.Array) -> pa.Table:
    """Those of other languages are gated, and those of which no language is known because its measurement `failed`
    (rows,) are quarantined."""
    other = pc.invert(pc.is_in(decisions["language"], value_set=pa.array(languages, pa.string())))
    rows = pa.array(in_question(decisions, None, {}) & np.asarray(other, dtype=bool))
    state, reason = pc.if_else(failed, "quarantined", "gated"), pc.if_else(failed, f"{FAILED}:language", GATE)
    return replaced(
        decisions,
        {
            "state": pc.if_else(rows, state, decisions["state"]),
            "reason": pc.if_else(rows, reason, decisions["reason"]),
        },
    )


def edition_shard(
    out: Output, *, decisions: str, edition: str, numbers: dict[str, int], step: int
) -> dict[str, Any]:
    """Decisions after an edit. An edition has `text` (null: unchanged), `dropped` (a reason) and `removed`."""

    def tables() -> Iterator[pa.Table]:
        streams = [read_batches(decisions), read_batches(edition, ["id", "text", "dropped", "removed"])]
        for batch, edited in in_step(streams):
            before = pa.Table.from_batches([batch])
            sizes, keys = before["bytes_now"].to_pylist(), before["text_key"].to_pylist()
            texts = edited["text"]
            for row in np.flatnonzero(np.asarray(pc.is_valid(texts), dtype=bool)).tolist():
                text = texts[row].as_py()
                sizes[row], keys[row] = len(text.encode()), text_key(edited["id"][row].as_py(), text)
            after = replaced(
                before,
                {
                    "edits": pc.add(before["edits"], edited["removed"]),
                    "bytes_now": pa.array(sizes, pa.int64()),
                    "text_key": pa.array(keys, pa.string()),
                },
            )
            reason = edited["dropped"]
            # what is held out or left before is not in the edition's hands
            rows = in_question(before, None, {}) & np.asarray(pc.is_valid(reason), dtype=bool)
            yield decided(
                after, rows, state="dropped", reason=reason, reasons=bits(reason, numbers), step=step
            )

    return write_decisions(out, tables())


def duplicates_shard(
    out: Output,
    *,
    decisions: str,
    left: dict[str, list[str]],
    first: int,
    numbers: dict[str, int],
    step: int,
) -> dict[str, Any]:
    """Decisions after duplicates were found: reason -> files of LEFT records; `first` is the shard's first position.

    A document leaves for one reason: who left for an earlier one takes no part in the later.
    """

    def tables() -> Iterator[pa.Table]:
        at = first
        for batch in read_batches(decisions):
            before = pa.Table.from_batches([batch])
            rows = np.zeros(before.num_rows, bool)
            columns = {name: np.full(len(rows), None, object) for name in ("reason", "partner", "similarity")}
            for reason, files in left.items():
                found = left_of(files, at, at + len(rows))
                here = found["position"] - at
                rows[here] = True
                columns["reason"][here] = reason
                columns["partner"][here] = [partner_id(one) for one in found]
                columns["similarity"][here] = [
                    None if value != value else value for value in found["similarity"].tolist()
                ]
            at += len(rows)
            named = {
                name: pc.if_else(pa.array(rows), pa.array(columns[name].tolist(), kind), before[name])
                for name, kind in (("partner", pa.string()), ("similarity", pa.float32()))
            }
            reason_of = pa.array(columns["reason"].tolist(), pa.string())
            yield decided(
                replaced(before, named),
                rows,
                state="dropped",
                reason=reason_of,
                reasons=bits(reason_of, numbers),
                step=step,
            )

    return write_decisions(out, tables())


def partner_id(left: np.void) -> str | None:
    """The partner's id; None where there is none to name."""
    return f"{left['high']:016x}{left['low']:016x}" if left["high"] or left["low"] else None
