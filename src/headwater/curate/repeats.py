"""Repeated lines over the whole corpus, in bounded memory: an exchange through files.

    spread_shard   one documents' shard  -> its lines' keys, sorted by partition
    count_shard    one partition         -> which of its lines go, sorted by documents' shard
    lines_to_go    one documents' shard  <- its part of every partition

Keys are CCNet's (Wenzek et al. 2020: lower case, digits to 0, no punctuation, no accents), measured once as
`lines.keys`; an empty line has key 0 and is no line here. A partition holds the lines of about 32 MB of text, so
what any task holds does not grow with the corpus. Lines are in the order of shards, rows and places in the text,
so the first occurrence is the same for any number of workers.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headwater.corpus.shards import in_step, read_batches
from headwater.curate.decisions import in_question
from headwater.curate.rules import layer_of_rows
from headwater.engine.workspace import Output

PARTITION_BYTES = 32 << 20
RUN_LINES = 1 << 20
LINE = np.dtype([("key", "<u8"), ("row", "<u4"), ("line", "<u4")])
PLACE = np.dtype([("row", "<u4"), ("line", "<u4")])


def partitions(corpus_bytes: int) -> int:
    """How many partitions a corpus of so many bytes is spread over."""
    return 1 + corpus_bytes // PARTITION_BYTES


def spread_shard(
    out: Output,
    *,
    decisions: str,
    signals: list[str],
    editions: list[str],
    tracks: list[str],
    by_language: dict[str, str],
    parts: int,
) -> dict[str, Any]:
    """`.bin`: LINE records in runs, each sorted by partition; `runs`: (parts + 1) places where the parts of it begin.

    `signals`: the files of family `lines`, newest edition first, the documents' own last.
    """
    runs, count, documents = [], 0, 0
    with out.path("bin").open("wb") as file:
        for lines, alive in _runs(decisions, signals, editions, tracks, by_language):
            part = lines["key"] % np.uint64(parts)
            lines[np.argsort(part, kind="stable")].tofile(file)
            sizes = np.bincount(part.astype(np.int64), minlength=parts)
            runs.append((count + np.concatenate([[0], np.cumsum(sizes)])).tolist())
            count += len(lines)
            documents += alive
    return {"documents": documents, "lines": count, "spilled": count * LINE.itemsize, "runs": runs}


def _runs(
    decisions: str, signals: list[str], editions: list[str], tracks: list[str], by_language: dict[str, str]
) -> Iterator[tuple[np.ndarray, int]]:
    """(LINE records, documents) of about RUN_LINES lines at a time, in order."""
    columns = ["state", "split", "language"]
    streams = [read_batches(decisions, columns), *(read_batches(path, ["removed"]) for path in editions)]
    streams += [read_batches(path, ["lines.keys"]) for path in signals]
    at = documents = count = 0
    held: list[np.ndarray] = []
    for before, *rest in in_step(streams):
        alive = in_question(pa.Table.from_batches([before]), tracks, by_language)
        removed = [batch["removed"] for batch in rest[: len(editions)]]
        layer = layer_of_rows(removed, len(alive))
        keys = [batch["lines.keys"] for batch in rest[len(editions) :]]
        held.append(_lines(keys, alive, layer, at))
        at += len(alive)
        documents += int(alive.sum())
        count += len(held[-1])
        if count >= RUN_LINES:
            yield np.concatenate(held), documents
            held, documents, count = [], 0, 0
    yield np.concatenate([np.zeros(0, LINE), *held]), documents


def _lines(keys: list[pa.Array], alive: np.ndarray, layer: np.ndarray, at: int) -> np.ndarray:
    """LINE records of a batch's documents alive; `keys` are lists, by layer; `at` is the batch's first row."""
    records = []
    for number, lists in enumerate(keys):
        here = np.flatnonzero(alive & (layer == number))
        some = lists.take(pa.array(here))
        lengths = pc.fill_null(pc.list_value_length(some), 0).to_numpy(zero_copy_only=False).astype(np.int64)
        lines = np.zeros(int(lengths.sum()), LINE)
        lines["key"] = some.flatten().to_numpy(zero_copy_only=False)
        lines["row"] = np.repeat(at + here, lengths)
        lines["line"] = np.arange(len(lines)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        records.append(lines[lines["key"] != 0])
    together = np.concatenate(records)
    return together[np.lexsort((together["line"], together["row"]))]


def count_shard(
    out: Output, *, spreads: list[str], slices: list[list[list[int]]], repeated: int, keep_first: bool
) -> dict[str, Any]:
    """`.bin`: PLACE records of the lines that go, in order; `starts` (shards + 1) says where each shard begins.

    `spreads` are the shards' files in order, `slices` the (first, last) records of this partition in each one's runs.
    """
    parts = [
        np.concatenate(
            [np.zeros(0, LINE)]
            + [
                np.fromfile(path, LINE, count=last - first, offset=first * LINE.itemsize)
                for first, last in runs
            ]
        )
        for path, runs in zip(spreads, slices, strict=True)
    ]
    counts = np.array([len(part) for part in parts])
    lines = np.concatenate([np.zeros(0, LINE), *parts])
    del parts
    order = np.argsort(lines["key"], kind="stable")
    keys = lines["key"][order]
    new = np.ones(len(keys), bool)
    new[1:] = keys[1:] != keys[:-1]
    starts = np.flatnonzero(new)
    sizes = np.diff(np.append(starts, len(keys)))
    goes = np.zeros(len(lines), bool)
    goes[order] = np.repeat(sizes > repeated, sizes)
    if keep_first:
        goes[order[starts]] = False
    with out.path("bin").open("wb") as file:
        places = np.zeros(int(goes.sum()), PLACE)
        places["row"], places["line"] = lines["row"][goes], lines["line"][goes]
        places.tofile(file)
    shard_of = np.repeat(np.arange(len(counts)), counts)
    going = np.bincount(shard_of[goes], minlength=len(counts)) if len(counts) else np.zeros(0, np.int64)
    return {"lines": len(lines), "repeated": len(places), "starts": [0, *np.cumsum(going).tolist()]}


def lines_to_go(files: list[str], slices: list[list[int]]) -> np.ndarray:
    """PLACE records of one documents' shard, by row and line; `slices` are its (first, last) in each file."""
    parts = [
        np.fromfile(Path(path), PLACE, count=last - first, offset=first * PLACE.itemsize)
        for path, (first, last) in zip(files, slices, strict=True)
    ]
    places = np.concatenate([np.zeros(0, PLACE), *parts])
    return places[np.lexsort((places["line"], places["row"]))]
