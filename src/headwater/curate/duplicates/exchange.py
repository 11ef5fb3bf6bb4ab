"""Records spread over partitions, through files.

    spread  one shard      -> records by channel and partition, each partition's one after another (`runs` says where)
    take    one partition  <- its records of every shard

A channel is one kind of key (`exact`, `band-03`). A partition holds the keys of about two million documents, so
what a task holds does not grow with the corpus.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

PARTITION_DOCUMENTS = 1 << 21
KEY = np.dtype([("key", "<u8"), ("row", "<u4")])
# a document that leaves: its position, the id of its partner, how alike they are (NaN where nobody measured it)
LEFT = np.dtype([("position", "<i8"), ("high", "<u8"), ("low", "<u8"), ("similarity", "<f4")])


def partitions(documents: int) -> int:
    return 1 + documents // PARTITION_DOCUMENTS


def write_runs(file: BinaryIO, records: np.ndarray, parts: int, at: int = 0) -> list[int]:
    """Appends a channel's records (with a field `key`) by partition; (parts + 1) places where each begins.

    Within a partition they keep their order. `at`: records of the same kind that the file holds already.
    """
    part = records["key"] % np.uint64(parts)
    if parts > 1:
        order = np.argsort(part, kind="stable")
        records, part = records[order], part[order]
    records.tofile(file)
    return [at, *(at + np.cumsum(np.bincount(part.astype(np.int64), minlength=parts))).tolist()]


@dataclass(frozen=True)
class Spread:
    """One shard's part of a partition."""

    keys: str
    run: tuple[int, int]  # its records
    rows: int  # of the shard, alive or not
    ranks: str = ""


def spreads_of(described: list[dict[str, Any]]) -> list[Spread]:
    return [Spread(one["keys"], tuple(one["run"]), one["rows"], one["ranks"]) for one in described]


def starts_of(spreads: list[Spread]) -> np.ndarray:
    """(shards + 1,) int64: the position of each shard's first row, and the number of all."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum([one.rows for one in spreads], dtype=np.int64)])


def take(spreads: list[Spread], kind: np.dtype[Any] = KEY) -> tuple[np.ndarray, np.ndarray]:
    """A partition's records in the order of shards and rows, and (n,) int64 their positions."""
    parts = [
        np.fromfile(one.keys, kind, count=one.run[1] - one.run[0], offset=one.run[0] * kind.itemsize)
        for one in spreads
    ]
    records = np.concatenate([np.zeros(0, kind), *parts])
    sizes = [len(part) for part in parts]
    return records, records["row"] + np.repeat(starts_of(spreads)[:-1], sizes)


def left_before(files: list[str], total: int) -> np.ndarray:
    """(total,) bool: positions that left in earlier parts of the step."""
    gone = np.zeros(total, bool)
    for path in files:
        gone[np.fromfile(path, LEFT)["position"]] = True
    return gone


def left_of(files: list[str], low: int, high: int) -> np.ndarray:
    """LEFT records of the positions in [low, high), ascending; every file is in the order of positions."""
    found = [np.zeros(0, LEFT)]
    for path in files:
        if Path(path).stat().st_size:
            records = np.memmap(path, LEFT, "r")
            first, last = np.searchsorted(records["position"], [low, high])
            found.append(np.array(records[first:last]))
    together = np.concatenate(found)
    return together[np.argsort(together["position"], kind="stable")]


def shared_groups(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places of equal keys: (members,) int64 grouped by key, in order within one, and (groups + 1,) starts.

    A key that occurs once makes no group.
    """
    if not len(keys):
        return np.zeros(0, np.int64), np.zeros(1, np.int64)
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    new = np.ones(len(order), bool)
    new[1:] = ordered[1:] != ordered[:-1]
    sizes = np.diff(np.append(np.flatnonzero(new), len(order)))
    several = sizes > 1
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes[several])])
    return order[np.repeat(several, sizes)], starts
