"""Who of a cluster stays: `longest`, `first` or `newest`; equals are decided by the lower id.

Of every cluster exactly one document stays. Whoever leaves names a *partner* and the similarity to it: the
survivor, where the two are alike by the same measure; else the neighbour through which a chain of verified
edges leads to the survivor.
"""

import numba
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headwater.curate.duplicates.keys import AliveShard
from headwater.curate.duplicates.near import equal_values


def order_of_preference(
    keep: str, positions: np.ndarray, lengths: np.ndarray, ids: np.ndarray, dates: np.ndarray
) -> np.ndarray:
    """(C,) int64: each candidate's rank, 0 = stays before all others. Arguments are (C,) and in one order."""
    by_id = np.argsort(ids, kind="stable")
    rank = np.empty(len(ids), np.int64)
    rank[by_id] = np.arange(len(ids))
    if keep == "longest":
        order = np.lexsort((rank, -lengths))
    elif keep == "newest":  # ISO dates sort as text; an unknown date is older than any
        _, age = np.unique(dates, return_inverse=True)
        order = np.lexsort((rank, -age))
    else:
        order = np.argsort(positions, kind="stable")
    preference = np.empty(len(ids), np.int64)
    preference[order] = np.arange(len(ids))
    return preference


def exact_survivors(hashes: np.ndarray, lengths: np.ndarray, preference: np.ndarray) -> np.ndarray:
    """(C,) int64: for each candidate the place of the survivor among those with its hash and its length."""
    order = np.lexsort((preference, lengths, hashes))
    new = np.ones(len(order), bool)
    new[1:] = (hashes[order[1:]] != hashes[order[:-1]]) | (lengths[order[1:]] != lengths[order[:-1]])
    survivor = np.empty(len(order), np.int64)
    survivor[order] = order[np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))]
    return survivor


@numba.njit(cache=True, nogil=True)
def near_partners(
    edges: np.ndarray, preference: np.ndarray, signatures: np.ndarray, least: int
) -> tuple[np.ndarray, np.ndarray]:
    """Partners in the forest of verified edges.

    *Shapes*: edges (E, 2) between places, preference (C,), signatures (C, 112). Returns (C,) int64 the partner's
    place, -1 for who stays, and (C,) int64 equal signature values with it.
    """
    nodes = preference.shape[0]
    degree = np.zeros(nodes + 1, np.int64)
    for e in range(edges.shape[0]):
        degree[edges[e, 0] + 1] += 1
        degree[edges[e, 1] + 1] += 1
    start = np.cumsum(degree)
    fill = start[:-1].copy()
    neighbours = np.empty(2 * edges.shape[0], np.int64)
    for e in range(edges.shape[0]):
        a, b = edges[e, 0], edges[e, 1]
        neighbours[fill[a]] = b
        neighbours[fill[b]] = a
        fill[a] += 1
        fill[b] += 1
    by_preference = np.argsort(preference)
    partner = np.full(nodes, -1, np.int64)
    equal = np.zeros(nodes, np.int64)
    seen = np.zeros(nodes, np.bool_)
    queue = np.empty(nodes, np.int64)
    for survivor in by_preference:  # the first of a component that comes up is its survivor
        if seen[survivor]:
            continue
        seen[survivor] = True
        head, tail = 0, 1
        queue[0] = survivor
        while head < tail:
            node = queue[head]
            head += 1
            for k in range(start[node], start[node + 1]):
                other = neighbours[k]
                if seen[other]:
                    continue
                seen[other] = True
                queue[tail] = other
                tail += 1
                partner[other] = survivor
                equal[other] = equal_values(signatures[other], signatures[survivor])
                if equal[other] < least:
                    partner[other] = node
                    equal[other] = equal_values(signatures[other], signatures[node])
    return partner, equal


def read_column(shards: list[AliveShard], positions: np.ndarray, column: str) -> np.ndarray:
    """(C,) text of one column of the documents at these positions (ascending); missing values are empty."""
    values, start = [np.empty(0, object)], 0
    for shard in shards:
        rows = len(shard.alive)
        low, high = np.searchsorted(positions, [start, start + rows])
        if low < high:
            taken = pq.read_table(shard.documents, columns=[column]).column(0)
            taken = taken.take(pa.array(positions[low:high] - start))
            values.append(np.array([value or "" for value in taken.to_pylist()], object))
        start += rows
    return np.concatenate(values)
