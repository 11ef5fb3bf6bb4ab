"""Keys of all documents, in bounded memory: what is needed of 14 bands × N documents is one band at a time.

Signals are read once, shard by shard. Hashes (8 bytes a document) stay in memory; each band is appended to a file
of its own in a temporary folder, so a pass over one band needs 8 bytes a document and not 112. A *position* is
a document's place among all rows of all shards, in the order of the shards given.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headwater.corpus.shards import read_batches
from headwater.errors import HeadwaterError

BANDS = 14
PERMUTATIONS = 112


@dataclass(frozen=True)
class Layer:
    """The signals of one text stage of a shard: `hashes` and `minhash` files with the rows of its documents.

    The signals of an edition are NULL in the rows that the edition did not change; `hashes.exact` is non-null
    in every other row, which is what decides which layer a row is read from.
    """

    hashes: Path
    minhash: Path


@dataclass(frozen=True)
class AliveShard:
    """What `find` needs of one shard.

    *Shapes*: `alive` (rows,) bool, False for whatever left before this step; `lengths` (rows,) int64, UTF-8 bytes
    of the text as it is at this step. `documents` gives ids, dates and splits. `layers`: newest edition first,
    the documents' own signals last.
    """

    shard: str
    documents: Path
    layers: tuple[Layer, ...]
    alive: np.ndarray
    lengths: np.ndarray


def training_rows(shard: AliveShard) -> np.ndarray:
    """(rows,) bool: alive and in the training split; held-out text takes no part in duplicates."""
    split = pq.read_table(shard.documents, columns=["split"]).column(0)
    train = pc.equal(split, "train").to_numpy(zero_copy_only=False)
    if not len(train) == len(shard.alive) == len(shard.lengths):
        raise HeadwaterError(
            f"shard {shard.shard}: {len(train)} documents, but alive has {len(shard.alive)} rows and lengths "
            f"{len(shard.lengths)}; the three must be of one shard"
        )
    return np.asarray(train & shard.alive, dtype=bool)


def layer_of_rows(shard: AliveShard) -> tuple[np.ndarray, np.ndarray]:
    """(rows,) uint64 hash and (rows,) int8 layer it comes from, -1 where no layer measured the row."""
    hashes = np.zeros(len(shard.alive), np.uint64)
    layer_of = np.full(len(shard.alive), -1, np.int8)
    for number, layer in enumerate(shard.layers):
        column = pq.read_table(layer.hashes, columns=["hashes.exact"]).column(0)
        if len(column) != len(hashes):
            raise HeadwaterError(
                f"{layer.hashes} has {len(column)} rows, its documents {len(hashes)}; measure the shard again"
            )
        here = pc.is_valid(column).to_numpy(zero_copy_only=False) & (layer_of < 0)
        hashes[here] = pc.fill_null(column, pa.scalar(0, pa.uint64())).to_numpy()[here]
        layer_of[here] = number
    return hashes, layer_of


def list_column(path: Path, column: str, width: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """A fixed-size-list column batch by batch: (rows,) bool valid and (rows, width) values, 0 where null."""
    for batch in read_batches(path, [column]):
        lists = batch.column(0)
        valid = pc.is_valid(lists).to_numpy(zero_copy_only=False)
        # `flatten` leaves out the null lists, `values` would hold whatever lies under them
        flat = lists.flatten().to_numpy(zero_copy_only=False)
        values = np.zeros((len(lists), width), flat.dtype)
        values[valid] = flat.reshape(-1, width)
        yield valid, values


def spill_bands(shards: list[AliveShard], layers: list[np.ndarray], alive: np.ndarray, folder: Path) -> None:
    """Writes `band-00` … `band-13` into the folder, uint64, one key a position; 0 = takes no part.

    *Shapes*: `layers` one (rows,) int8 a shard, `alive` (positions,) bool; rows without a band key become
    False in `alive`.
    """
    files = [(folder / f"band-{band:02d}").open("wb") for band in range(BANDS)]
    try:
        start = 0
        for shard, layer_of in zip(shards, layers, strict=True):
            rows = len(layer_of)
            bands = np.zeros((BANDS, rows), np.uint64)
            for number, layer in enumerate(shard.layers):
                row = 0
                for valid, values in list_column(layer.minhash, "minhash.bands", BANDS):
                    here = np.flatnonzero(valid & (layer_of[row : row + len(valid)] == number))
                    bands[:, row + here] = values[here].T
                    row += len(valid)
            alive[start : start + rows] &= bands.any(axis=0)
            bands[:, ~alive[start : start + rows]] = 0
            for band, file in enumerate(files):
                file.write(bands[band].tobytes())
            start += rows
    finally:
        for file in files:
            file.close()


def buckets(keys: np.ndarray, taking_part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions that share a key: (members,) int64 grouped by key, ascending within one, and (buckets + 1,) starts.

    Keys of one document are left out; a stable sort, so the order is the same on every machine.
    """
    positions = np.flatnonzero(taking_part)
    order = positions[np.argsort(keys[positions], kind="stable")]
    if not len(order):
        return order, np.zeros(1, np.int64)
    new = np.ones(len(order), bool)
    new[1:] = keys[order[1:]] != keys[order[:-1]]
    starts = np.flatnonzero(new)
    sizes = np.diff(np.append(starts, len(order)))
    shared = sizes > 1
    members = order[np.repeat(shared, sizes)]
    return members, np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes[shared])])


@numba.njit(cache=True, nogil=True)
def root(parents: np.ndarray, node: int) -> int:
    """The representative of a node's component; halves the path on the way."""
    while parents[node] != node:
        parents[node] = parents[parents[node]]
        node = parents[node]
    return node
