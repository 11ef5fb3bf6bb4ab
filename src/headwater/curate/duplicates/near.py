"""Near-duplicates by MinHash (Broder 1997; banded as in Lee et al. 2022: 14 bands of 8 rows).

    buckets_shard   one partition of a band -> documents that share a key, bucket by bucket
    cluster_shard   all buckets             -> verified pairs, their components, survivors and partners

Documents that share a band key are candidates. A candidate pair becomes an edge only if the share of equal
values in the two whole signatures (112 values: the estimate of their Jaccard similarity, standard error .038 at
.8) reaches `similarity`. Components of these *verified* edges are the clusters, so a chain is a chain of texts
that are alike, not of texts that once shared a band.

Every pair of a bucket is compared, up to 64 documents a bucket. In a larger one a document is compared with one
document of each cluster found in that bucket so far, of the first 256 clusters: a bucket of n documents then
costs at most 256 n comparisons. The other 13 bands give a pair that this misses further chances.

Whatever grows with the candidates (their signatures, 448 bytes each, the forest of edges, 100 bytes) lies in
mapped files: the system may drop their pages at any time. One byte a document is held.
"""

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from headwater.corpus.shards import read_batches
from headwater.curate.duplicates.exchange import LEFT, left_before, shared_groups, spreads_of, starts_of, take
from headwater.curate.duplicates.keys import fixed_lists
from headwater.curate.duplicates.survivors import STANDING, standings
from headwater.engine.kernels import kernel
from headwater.engine.workspace import Output

PERMUTATIONS = 112
ALL_PAIRS = 64
LEADERS = 256
CHUNK = 1 << 20  # candidates whose ranks are looked up at a time


def buckets_shard(out: Output, *, spreads: list[dict[str, Any]], left: list[str]) -> dict[str, Any]:
    """Shard function: `.members` (int64 positions, bucket by bucket) and `.starts` (int64, where each begins)."""
    shards = spreads_of(spreads)
    records, positions = take(shards)
    keep = ~left_before(left, int(starts_of(shards)[-1]))[positions]
    members, starts = shared_groups(records["key"][keep])
    positions[keep][members].tofile(out.path("members"))
    starts.astype(np.int64).tofile(out.path("starts"))
    return {"members": len(members), "buckets": len(starts) - 1}


class Scratch:
    """Arrays in mapped files of a folder that is thrown away; `bytes` says how large they were."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bytes, self._count = folder, 0, 0
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    def array(self, dtype: Any, *shape: int) -> np.ndarray:
        """Zeros of that shape."""
        if 0 in shape:
            return np.zeros(shape, dtype)
        self._count += 1
        array = np.memmap(self.folder / str(self._count), dtype, "w+", shape=shape)
        self.bytes += array.nbytes
        return array


def cluster_shard(
    out: Output,
    *,
    spreads: list[dict[str, Any]],
    signatures: list[list[str]],
    buckets: list[list[str]],
    similarity: float,
    policy: str,
    earlier: dict[str, Any],
) -> dict[str, Any]:
    """Shard function over the whole corpus: `.left`, the documents that leave, by position.

    `signatures`: each shard's files of `minhash`, the newest edition's first; `buckets`: [members, starts] of every
    partition of every band. Of `earlier` documents none leaves: where a new one is like several clusters of the
    earlier corpus, all of these stay (`bridged` counts the documents that would have left).
    """
    shards = spreads_of(spreads)
    scratch = Scratch(out.folder / f".{out.shard}.scratch.tmp")
    try:
        positions = _candidates(buckets, int(starts_of(shards)[-1]), scratch)
        signed = _signatures(signatures, starts_of(shards), positions, scratch)
        parents = scratch.array(np.int64, len(positions))
        parents[:] = np.arange(len(positions))
        edges, compared = _edges(buckets, positions, signed, parents, least_equal(similarity), scratch)
        standing = scratch.array(STANDING, len(positions))
        for low in range(0, len(positions), CHUNK):
            some = slice(low, low + CHUNK)
            standing[some] = standings(shards, np.array(positions[some]), policy, earlier)
        era, rank, high, low_half = _columns(standing, scratch)
        partner, equal = scratch.array(np.int64, len(positions)), scratch.array(np.int64, len(positions))
        start = scratch.array(np.int64, len(positions) + 1)
        neighbours = scratch.array(np.int64, 2 * len(edges))
        queue, seen = scratch.array(np.int64, len(positions)), scratch.array(np.bool_, len(positions))
        clusters = _partners(
            edges, parents, era, rank, high, low_half, signed, least_equal(similarity), partner, equal, start,
            neighbours, queue, seen,
        )  # fmt: skip
        left = bridged = 0
        with out.path("left").open("wb") as file:
            for low in range(0, len(positions), CHUNK):
                leaves = np.flatnonzero(partner[low : low + CHUNK] >= 0) + low
                bridged += int((era[leaves] == 0).sum())
                found = np.zeros(len(leaves), LEFT)
                found["position"] = positions[leaves]
                found["similarity"] = equal[leaves] / np.float32(PERMUTATIONS)
                found["high"], found["low"] = high[partner[leaves]], low_half[partner[leaves]]
                found.tofile(file)
                left += len(found)
        return {
            "candidates": len(positions), "compared": int(compared), "clusters": int(clusters), "left": left,
            "bridged": bridged, "spilled": scratch.bytes,
        }  # fmt: skip
    finally:
        shutil.rmtree(scratch.folder, ignore_errors=True)


def _candidates(buckets: list[list[str]], total: int, scratch: Scratch) -> np.ndarray:
    """(C,) int64 positions that share a band key, ascending."""
    is_candidate = scratch.array(np.bool_, total)
    for members, _ in buckets:
        is_candidate[np.fromfile(members, np.int64)] = True
    positions = scratch.array(np.int64, int(is_candidate.sum()))
    count = 0
    for low in range(0, total, CHUNK):
        found = np.flatnonzero(is_candidate[low : low + CHUNK]) + low
        positions[count : count + len(found)] = found
        count += len(found)
    return positions


def least_equal(similarity: float) -> int:
    """Fewest equal values that reach the similarity: 90 of 112 for 0.8."""
    return int(np.ceil(similarity * PERMUTATIONS - 1e-9))


def _signatures(
    files: list[list[str]], starts: np.ndarray, positions: np.ndarray, scratch: Scratch
) -> np.ndarray:
    """(C, 112) uint32 of the candidates; of a text that an edition changed its newest."""
    signed = scratch.array(np.uint32, len(positions), PERMUTATIONS)
    for shard, layers in enumerate(files):
        low, high = np.searchsorted(positions, starts[shard : shard + 2])
        if low == high:
            continue
        rows = np.array(positions[low:high]) - starts[shard]
        for path in reversed(layers):  # the newest last, over the others
            at = 0
            for batch in read_batches(path, ["minhash.signature"]):
                first, last = np.searchsorted(rows, [at, at + batch.num_rows])
                if first < last:
                    valid, values = fixed_lists(batch.column(0), PERMUTATIONS)
                    here = rows[first:last] - at
                    signed[low + first + np.flatnonzero(valid[here])] = values[here[valid[here]]]
                at += batch.num_rows
    return signed


def _edges(
    buckets: list[list[str]],
    positions: np.ndarray,
    signed: np.ndarray,
    parents: np.ndarray,
    least: int,
    scratch: Scratch,
) -> tuple[np.ndarray, int]:
    """(E, 2) int64 places of the candidates: a spanning forest of the verified pairs; and pairs compared."""
    path, count, compared = scratch.folder / "edges", 0, 0
    with path.open("wb") as file:
        for members, starts in buckets:
            places = np.searchsorted(positions, np.fromfile(members, np.int64))
            found, more = _verify(signed, places, np.fromfile(starts, np.int64), parents, least)
            found.tofile(file)
            count, compared = count + len(found), compared + more
    scratch.bytes += path.stat().st_size
    if not count:
        return np.zeros((0, 2), np.int64), compared
    return np.memmap(path, np.int64, "r+", shape=(count, 2)), compared


def _columns(standing: np.ndarray, scratch: Scratch) -> list[np.ndarray]:
    """The columns of STANDING, each for itself, as a kernel reads them."""
    columns = []
    for name in ("era", "rank", "high", "low"):
        column = scratch.array(np.uint64, len(standing))
        column[:] = standing[name]
        columns.append(column)
    return columns


@kernel
def root(parents: np.ndarray, node: int) -> int:
    """The representative of a node's component; halves the path on the way."""
    while parents[node] != node:
        parents[node] = parents[parents[node]]
        node = parents[node]
    return node


@kernel
def equal_values(a: np.ndarray, b: np.ndarray) -> int:
    """How many of two signatures' values are equal."""
    count = 0
    for i in range(a.shape[0]):
        count += a[i] == b[i]
    return count


@kernel
def _verify(
    signatures: np.ndarray, places: np.ndarray, starts: np.ndarray, parents: np.ndarray, least: int
) -> tuple[np.ndarray, int]:
    """Joins, in `parents`, what one band's buckets prove alike; (E, 2) the edges that joined two components."""
    edges = np.empty((places.shape[0], 2), np.int64)
    found = compared = 0
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
                compared += 1
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
    return edges[:found], compared


@kernel
def _before(a: int, b: int, era: np.ndarray, rank: np.ndarray, high: np.ndarray, low: np.ndarray) -> bool:
    """Whether a stays rather than b."""
    if era[a] != era[b]:
        return bool(era[a] < era[b])
    if rank[a] != rank[b]:
        return bool(rank[a] < rank[b])
    if high[a] != high[b]:
        return bool(high[a] < high[b])
    return bool(low[a] < low[b])


@kernel
def _partners(
    edges: np.ndarray,
    parents: np.ndarray,
    era: np.ndarray,
    rank: np.ndarray,
    high: np.ndarray,
    low: np.ndarray,
    signatures: np.ndarray,
    least: int,
    partner: np.ndarray,
    equal: np.ndarray,
    start: np.ndarray,
    neighbours: np.ndarray,
    queue: np.ndarray,
    seen: np.ndarray,
) -> int:
    """Partners in the forest of verified edges; how many components have two documents or more.

    Whoever leaves names the survivor, where the two are alike by the same measure; else the neighbour through which
    a chain of verified edges leads to it. Fills `partner` (C,) with the partner's place, -1 for who stays, and
    `equal` (C,) with their equal values. *Shapes*: edges (E, 2), start (C + 1,), neighbours (2 E,), others (C,).
    """
    nodes = era.shape[0]
    best = queue  # free until the components are walked
    best[:] = -1
    for node in range(nodes):
        top = root(parents, node)
        if best[top] < 0 or _before(node, best[top], era, rank, high, low):
            best[top] = node
    for node in range(nodes):
        partner[node] = best[root(parents, node)]
    for e in range(edges.shape[0]):
        start[edges[e, 0] + 1] += 1
        start[edges[e, 1] + 1] += 1
    for node in range(nodes):
        start[node + 1] += start[node]
    fill = equal
    fill[:] = start[:nodes]
    for e in range(edges.shape[0]):
        a, b = edges[e, 0], edges[e, 1]
        neighbours[fill[a]] = b
        neighbours[fill[b]] = a
        fill[a] += 1
        fill[b] += 1
    clusters = 0
    for node in range(nodes):
        if seen[node]:
            continue
        survivor = partner[node]
        seen[survivor] = True
        partner[survivor] = -1
        clusters += start[survivor + 1] > start[survivor]
        head, tail = 0, 1
        queue[0] = survivor
        while head < tail:
            at = queue[head]
            head += 1
            for k in range(start[at], start[at + 1]):
                other = neighbours[k]
                if seen[other]:
                    continue
                seen[other] = True
                queue[tail] = other
                tail += 1
                partner[other] = survivor
                equal[other] = equal_values(signatures[other], signatures[survivor])
                if equal[other] < least:
                    partner[other] = at
                    equal[other] = equal_values(signatures[other], signatures[at])
    return clusters
