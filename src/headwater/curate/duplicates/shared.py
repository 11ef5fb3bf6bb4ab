"""Passages that occur elsewhere in the corpus: the later copies are cut. Exchanges through files, step by step:

    fingerprints_shard   documents' shard -> its fingerprints (KEY records by partition)
    shared_shard         a partition      -> fingerprints that occur more than once
    windows_shard        documents' shard -> windows that hold one (WINDOW records by partition)
    copies_shard         a partition      -> windows that go (COPY records by documents' shard)
    cut_shard            documents' shard <- its part of every partition: an edition

Of equal windows one stays: that of the document that stays by the policy, in it the first. All others are cut, but
for one that overlaps the one that stays. What overlaps is one cut, and a piece without a letter goes with the cuts
beside it; the rest is joined by blank lines. A text keeps every word of which no better copy is kept: each cut word
stands at the same place of a window of a better document, or earlier in the same one.

Fingerprints take 12 bytes for every 13 words, windows 28 bytes a word of a shared passage; a partition holds what
comes of some 32 MB of text.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from headwater.corpus.shards import ShardWriter, in_step, read_batches
from headwater.curate.decisions import in_question
from headwater.curate.duplicates.exchange import KEY, left_of, spreads_of, starts_of, write_runs
from headwater.curate.duplicates.passages import fingerprints, windows, words_of
from headwater.curate.duplicates.survivors import standings, survivors
from headwater.curate.editions import PASSAGES_SCHEMA
from headwater.engine.workspace import Output
from headwater.recipe.settings import Substring

FINGERPRINT_BYTES = 256 << 20  # of text that a partition of fingerprints holds
WINDOW_BYTES = 32 << 20
HELD = 1 << 20  # records that a shard's task holds before it sorts and writes them
REASON = "shared_passage"

WINDOW = np.dtype([("key", "<u8"), ("check", "<u8"), ("row", "<u4"), ("start", "<u4"), ("end", "<u4")])
COPY = np.dtype([("row", "<u4"), ("start", "<u4"), ("end", "<u4"), ("high", "<u8"), ("low", "<u8")])


def texts_alive(
    texts: list[str],
    decisions: str,
    tracks: list[str],
    by_language: dict[str, str],
    gone: frozenset[int] = frozenset(),
) -> Iterator[tuple[int, str, str]]:
    """(row, id, newest text) of the documents alive, but for the rows in `gone`; `texts`: the newest edition first,
    the documents last."""
    streams = [read_batches(decisions, ["state", "split", "language"])]
    streams += [read_batches(path, ["id", "text"]) for path in texts]
    at = 0
    for decided, *layers in in_step(streams):
        alive = in_question(pa.Table.from_batches([decided]), tracks, by_language)
        for row in np.flatnonzero(alive).tolist():
            if at + row in gone:
                continue
            newest = next(layer for layer in layers if layer["text"][row].is_valid)
            yield at + row, layers[0]["id"][row].as_py(), newest["text"][row].as_py()
        at += len(alive)


class _Runs:
    """Records of a shard written in runs, each sorted by partition, so that a large shard is never held whole."""

    def __init__(self, path: Path, kind: np.dtype[Any], parts: int) -> None:
        self.kind, self.parts, self.count, self.runs = kind, parts, 0, list[list[int]]()
        self._file, self._held, self._pending = path.open("wb"), list[np.ndarray](), 0

    def add(self, records: np.ndarray) -> None:
        self._held.append(records)
        self._pending += len(records)
        if self._pending >= HELD:
            self._flush()

    def _flush(self) -> None:
        records = np.concatenate([np.zeros(0, self.kind), *self._held])
        self.runs.append(write_runs(self._file, records, self.parts, self.count))
        self.count, self._held, self._pending = self.count + len(records), [], 0

    def close(self) -> None:
        self._flush()
        self._file.close()


def fingerprints_shard(
    out: Output,
    *,
    texts: list[str],
    decisions: str,
    tracks: list[str],
    by_language: dict[str, str],
    left: list[str],
    first: int,
    settings: dict[str, Any],
    parts: int,
) -> dict[str, Any]:
    """Shard function: `.keys`, KEY records in runs; counts documents, bytes and words.

    `left`: files of documents of an earlier corpus that left in it, by position; `first`: the shard's first position.
    """
    chosen = Substring(**settings)
    runs = _Runs(out.path("keys"), KEY, parts)
    counts = {"documents": 0, "bytes": 0, "words": 0}
    gone = frozenset((left_of(left, first, 2**62)["position"] - first).tolist())
    for row, _, text in texts_alive(texts, decisions, tracks, by_language, gone):
        words = words_of(text, chosen)
        hashes, _ = fingerprints(words, chosen)
        records = np.zeros(len(hashes), KEY)
        records["key"], records["row"] = hashes, row
        runs.add(records)
        counts["documents"] += 1
        counts["bytes"] += len(text.encode())
        counts["words"] += len(words.hashes)
    runs.close()
    return counts | {"runs": runs.runs, "spilled": runs.count * KEY.itemsize}


def _records(files: list[str], runs: list[list[list[int]]], kind: np.dtype[Any]) -> list[np.ndarray]:
    """A partition's records, by shard. `runs`: (first, last) of it in each run of each file."""
    return [
        np.concatenate(
            [np.zeros(0, kind)]
            + [
                np.fromfile(path, kind, count=last - first, offset=first * kind.itemsize)
                for first, last in some
            ]
        )
        for path, some in zip(files, runs, strict=True)
    ]


def shared_shard(out: Output, *, files: list[str], runs: list[list[list[int]]]) -> dict[str, Any]:
    """Shard function: `.keys`, uint64 ascending: the fingerprints of a partition that occur more than once."""
    keys = np.concatenate([np.zeros(0, np.uint64), *(part["key"] for part in _records(files, runs, KEY))])
    keys.sort()
    again = keys[1:] == keys[:-1]
    first = again.copy()
    first[1:] &= ~again[:-1]
    keys[:-1][first].tofile(out.path("keys"))
    return {"fingerprints": len(keys), "shared": int(first.sum())}


def windows_shard(
    out: Output,
    *,
    texts: list[str],
    decisions: str,
    tracks: list[str],
    by_language: dict[str, str],
    settings: dict[str, Any],
    fingerprints_file: str,
    runs: list[list[int]],
    shared: list[str],
    parts: int,
) -> dict[str, Any]:
    """Shard function: `.windows`, WINDOW records in runs. `runs`, `shared`: the shard's runs of fingerprints, and
    the files of shared ones by partition. Documents without a shared one are not looked at again.
    """
    chosen = Substring(**settings)
    tables = [
        np.memmap(path, np.uint64, "r") if Path(path).stat().st_size else np.zeros(0, np.uint64)
        for path in shared
    ]
    rows = np.unique(np.concatenate([np.zeros(0, np.uint32), *_rows_with(fingerprints_file, runs, tables)]))
    made = _Runs(out.path("windows"), WINDOW, parts)
    if len(rows):
        wanted = set(rows.tolist())
        for row, _, text in texts_alive(texts, decisions, tracks, by_language):
            if row not in wanted:
                continue
            words = words_of(text, chosen)
            hashes, places = fingerprints(words, chosen)
            keys, checks, starts, ends = windows(words, places[_known(hashes, tables)], chosen)
            records = np.zeros(len(keys), WINDOW)
            records["key"], records["check"], records["row"] = keys, checks, row
            records["start"], records["end"] = starts, ends
            made.add(records)
    made.close()
    return {
        "documents": len(rows),
        "windows": made.count,
        "runs": made.runs,
        "spilled": made.count * WINDOW.itemsize,
    }


def _known(keys: np.ndarray, tables: list[np.ndarray]) -> np.ndarray:
    """(n,) bool: which keys are in the table of their partition."""
    found = np.zeros(len(keys), bool)
    part = keys % np.uint64(len(tables))
    for number, table in enumerate(tables):
        here = np.flatnonzero(part == number)
        if len(table) and len(here):
            places = np.minimum(np.searchsorted(table, keys[here]), len(table) - 1)
            found[here] = table[places] == keys[here]
    return found


def _rows_with(file: str, runs: list[list[int]], tables: list[np.ndarray]) -> Iterator[np.ndarray]:
    for run in runs:
        for number, table in enumerate(tables):
            first, last = run[number : number + 2]
            records = np.fromfile(file, KEY, count=last - first, offset=first * KEY.itemsize)
            if len(table) and len(records):
                places = np.minimum(np.searchsorted(table, records["key"]), len(table) - 1)
                yield np.unique(records["row"][table[places] == records["key"]])


def copies_shard(
    out: Output,
    *,
    files: list[str],
    runs: list[list[list[int]]],
    spreads: list[dict[str, Any]],
    policy: str,
    earlier: dict[str, Any],
) -> dict[str, Any]:
    """Shard function: `.copies`, COPY records; `starts` (shards + 1) says where each documents' shard begins."""
    shards = spreads_of(spreads)
    parts = _records(files, runs, WINDOW)
    sizes = [len(part) for part in parts]
    records = np.concatenate([np.zeros(0, WINDOW), *parts])
    del parts
    shard = np.repeat(np.arange(len(sizes)), sizes)
    order = np.lexsort((records["check"], records["key"]))
    keys, checks = records["key"][order], records["check"][order]
    new = np.ones(len(order), bool)
    new[1:] = (keys[1:] != keys[:-1]) | (checks[1:] != checks[:-1])
    del keys, checks
    sizes_of = np.diff(np.append(np.flatnonzero(new), len(order)))
    several = np.repeat(sizes_of > 1, sizes_of)
    members = order[several]
    groups = np.cumsum(new[several])
    positions = starts_of(shards)[shard[members]] + records["row"][members]
    # of one document's windows the first goes first: a stable order by start, then by standing
    by_start = np.lexsort((records["start"][members], groups))
    members, groups, positions = members[by_start], groups[by_start], positions[by_start]
    standing = standings(shards, positions, policy, earlier)
    stays = survivors(groups, standing)
    here, kept = records[members], records[members[stays]]
    same = positions == positions[stays]
    goes = (stays != np.arange(len(members))) & ~(same & (here["start"] < kept["end"]))
    goes &= positions >= earlier["rows"]
    found = np.zeros(int(goes.sum()), COPY)
    for name in ("row", "start", "end"):
        found[name] = here[name][goes]
    for name in ("high", "low"):
        found[name] = standing[name][stays[goes]]
    of_shard = shard[members][goes]
    order = np.lexsort((found["start"], found["row"], of_shard))
    found[order].tofile(out.path("copies"))
    counts = np.bincount(of_shard, minlength=len(files)) if len(files) else np.zeros(0, np.int64)
    return {"windows": len(records), "copies": len(found), "starts": [0, *np.cumsum(counts).tolist()]}


def cut_shard(
    out: Output,
    *,
    texts: list[str],
    files: list[str],
    slices: list[list[int]],
) -> dict[str, Any]:
    """Shard function: an edition, rows as the documents'. `slices`: (first, last) of this shard in each file."""
    copies = np.concatenate([np.zeros(0, COPY), *_records(files, [[some] for some in slices], COPY)])
    copies = copies[np.lexsort((copies["start"], copies["row"]))]
    counts = {"documents": 0, "passages": 0, "dropped": 0, "characters": 0}
    with ShardWriter(out.path(), PASSAGES_SCHEMA) as writer:
        at = 0
        for layers in in_step([read_batches(path, ["id", "text"]) for path in texts]):
            rows: list[dict[str, Any]] = [{"id": name, "removed": 0} for name in layers[0]["id"].to_pylist()]
            low, high = np.searchsorted(copies["row"], [at, at + len(rows)])
            for number in np.unique(copies["row"][low:high]).tolist():
                row = number - at
                text = next(layer for layer in layers if layer["text"][row].is_valid)["text"][row].as_py()
                first, last = np.searchsorted(copies["row"], [number, number + 1])
                left, spans = cut(text, copies[first:last])
                rows[row] |= {
                    "text": left,
                    "removed": sum(span["end"] - span["start"] for span in spans),
                    "spans": spans,
                }
                if not left:
                    rows[row]["dropped"] = "shared_passages"
                counts["documents"] += 1
                counts["passages"] += len(spans)
                counts["dropped"] += not left
                counts["characters"] += rows[row]["removed"]
            writer.write(rows)
            at += len(rows)
    return counts


def cut(text: str, copies: np.ndarray) -> tuple[str, list[dict[str, Any]]]:
    """The text less these windows (COPY, by start), and the spans cut, each with the id of where its start stays."""
    spans: list[dict[str, Any]] = []
    for copy in copies:
        start, end = int(copy["start"]), int(copy["end"])
        between = text[spans[-1]["end"] if spans else 0 : start]
        if spans and not any(map(str.isalnum, between)):
            spans[-1]["end"] = max(spans[-1]["end"], end)
        else:
            start = start if any(map(str.isalnum, between)) else 0
            partner = f"{copy['high']:016x}{copy['low']:016x}"
            spans.append({"start": start, "end": end, "reason": REASON, "partner": partner})
    if spans and not any(map(str.isalnum, text[spans[-1]["end"] :])):
        spans[-1]["end"] = len(text)
    at, pieces = 0, []
    for span in spans:
        pieces.append(text[at : span["start"]].strip())
        at = span["end"]
    pieces.append(text[at:].strip())
    return "\n\n".join(piece for piece in pieces if piece), spans
