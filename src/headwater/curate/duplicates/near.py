"""Near-duplicates by MinHash (Broder 1997; banded as in Lee et al. 2022: 14 bands of 8 rows).

Documents that share a band key are candidates. A candidate pair becomes an edge only if the share of equal
values in the two whole signatures (112 values: the estimate of their Jaccard similarity, standard error .038 at
.8) reaches `similarity`. Components of these *verified* edges are the clusters, so a chain is a chain of texts
that are alike, not of texts that once shared a band.

Every pair of a bucket is compared, up to 64 documents a bucket. In a larger one a document is compared with one
document of each cluster found in that bucket so far, of the first 256 clusters: a bucket of n documents then
costs at most 256 n comparisons. The other 13 bands give a pair that this misses further chances.
"""

from pathlib import Path

import numba
import numpy as np

from headwater.curate.duplicates.keys import (
    BANDS,
    PERMUTATIONS,
    AliveShard,
    buckets,
    list_column,
    root,
    spill_bands,
)

ALL_PAIRS = 64
LEADERS = 256


def clusters(
    shards: list[AliveShard], layers: list[np.ndarray], alive: np.ndarray, similarity: float, folder: Path
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The candidates' components.

    Returns (positions, edges, signatures): (C,) int64 positions of the candidates, ascending; (E, 2) int64 edges
    between places in `positions`, a spanning forest of the verified pairs; (C, 112) uint32 signatures, mapped
    from a file in `folder`. Documents that share no band key are no candidates. `alive` (positions,) bool is
    what takes part; `layers` says which layer each row of each shard is measured in.
    """
    alive = alive.copy()
    spill_bands(shards, layers, alive, folder)
    is_candidate = np.zeros(len(alive), bool)
    for band in range(BANDS):
        members, starts = buckets(_band(folder, band), alive)
        is_candidate[members] = True
        np.save(folder / f"members-{band:02d}.npy", members)
        np.save(folder / f"starts-{band:02d}.npy", starts)
    positions = np.flatnonzero(is_candidate)
    signatures = _signatures(shards, layers, is_candidate, folder)
    parents = np.arange(len(positions))
    edges = []
    for band in range(BANDS):
        members = np.load(folder / f"members-{band:02d}.npy")
        places = np.searchsorted(positions, members)
        starts = np.load(folder / f"starts-{band:02d}.npy")
        edges.append(_verify(signatures, places, starts, parents, least_equal(similarity)))
    return positions, np.concatenate(edges), signatures


def _band(folder: Path, band: int) -> np.ndarray:
    return np.fromfile(folder / f"band-{band:02d}", np.uint64)


def least_equal(similarity: float) -> int:
    """Fewest equal values that reach the similarity: 90 of 112 for 0.8."""
    return int(np.ceil(similarity * PERMUTATIONS - 1e-9))


def _signatures(
    shards: list[AliveShard], layers: list[np.ndarray], wanted: np.ndarray, folder: Path
) -> np.ndarray:
    """(C, 112) uint32 of the wanted positions, in a mapped file: random access without holding them all."""
    count = int(wanted.sum())
    if not count:
        return np.zeros((0, PERMUTATIONS), np.uint32)
    shape = (count, PERMUTATIONS)
    signatures = np.memmap(folder / "signatures", np.uint32, "w+", shape=shape)
    start = done = 0
    for shard, layer_of in zip(shards, layers, strict=True):
        here = wanted[start : start + len(layer_of)]
        place = done + np.cumsum(here) - 1
        for number, layer in enumerate(shard.layers):
            if not (here & (layer_of == number)).any():
                continue
            row = 0
            for valid, values in list_column(layer.minhash, "minhash.signature", PERMUTATIONS):
                some = slice(row, row + len(valid))
                take = np.flatnonzero(valid & here[some] & (layer_of[some] == number))
                signatures[place[row + take]] = values[take]
                row += len(valid)
        start += len(layer_of)
        done += int(here.sum())
    return signatures


@numba.njit(cache=True, nogil=True)
def equal_values(a: np.ndarray, b: np.ndarray) -> int:
    """How many of two signatures' values are equal."""
    count = 0
    for i in range(a.shape[0]):
        count += a[i] == b[i]
    return count


@numba.njit(cache=True, nogil=True)
def _verify(
    signatures: np.ndarray, places: np.ndarray, starts: np.ndarray, parents: np.ndarray, least: int
) -> np.ndarray:
    """Joins, in `parents`, what one band's buckets prove alike; (E, 2) the edges that joined two components."""
    edges = np.empty((places.shape[0], 2), np.int64)
    found = 0
    leaders = np.empty(LEADERS, np.int64)
    for bucket in range(starts.shape[0] - 1):
        first, last = starts[bucket], starts[bucket + 1]
        small = last - first <= ALL_PAIRS
        number = 0
        for i in range(first, last):
            a = places[i]
            others = i - first if small else number
            for j in range(others):
                b = places[first + j] if small else leaders[j]
                root_a, root_b = root(parents, a), root(parents, b)
                if root_a == root_b:
                    continue
                if equal_values(signatures[a], signatures[b]) >= least:
                    parents[max(root_a, root_b)] = min(root_a, root_b)
                    edges[found, 0], edges[found, 1] = a, b
                    found += 1
            if not small and number < LEADERS:
                led = False
                for j in range(number):
                    led = led or root(parents, leaders[j]) == root(parents, a)
                if not led:
                    leaders[number] = a
                    number += 1
    return edges[:found]
