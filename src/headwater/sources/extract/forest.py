"""Gradient-boosted trees as a file of numbers, evaluated by kernels: no library, no pickle.

As QuickScorer does it (Lucchese et al., SIGIR 2015; for many rows at once: 2016): no tree is walked. Of each tree a row
has a number whose bits are the leaves it may end in, from left to right. All nodes are gone through feature by feature,
limits ascending; a node whose limit the row exceeds rules out the leaves on its left, and the first that is left in the
end is the row's. The rows of a block share each node, which the processor then does for 16 of them at a time.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from io import BytesIO

import numpy as np

from headwater.engine.kernels import kernel
from headwater.sources.extract.features import NAMES

FILE = "main_text.npz"
# A row whose sum over so many trees is no more than this hardly ever reaches a page's threshold.
FIRST, HOPELESS = 60, -3.0
LEAVES = 16  # of a tree, at most
ROWS = 128  # of a block
DE_BRUIJN = 0x09AF  # each number of four bits stands in it once
_BY_LOWEST = np.argsort([((DE_BRUIJN << bit) >> 12) & 15 for bit in range(LEAVES)])


@dataclass(frozen=True)
class Forest:
    """Trees whose nodes lie one after the other. `feature` is -1 at a leaf, whose `threshold` is then its value; at
    another node the left child follows where the feature is at most the threshold."""

    feature: np.ndarray  # int16 [nodes]
    threshold: np.ndarray  # float64 [nodes]
    left: np.ndarray  # int32 [nodes]
    right: np.ndarray  # int32 [nodes]
    roots: np.ndarray  # int32 [trees]
    keep_from: float  # blocks of at least this probability are text
    digest: str  # of all these numbers

    def __call__(self, matrix: np.ndarray) -> np.ndarray:
        """float32 [rows] of a float32 matrix [rows, features]: probabilities."""
        sums, rows = np.zeros(len(matrix)), np.arange(len(matrix))
        first, others = self._ordered
        _add(*first, matrix, rows, sums)
        _add(*others, matrix, rows[sums > HOPELESS], sums)
        found: np.ndarray = (1.0 / (1.0 + np.exp(-sums))).astype(np.float32)
        return found

    @cached_property
    def _ordered(self) -> tuple["_Ordered", "_Ordered"]:
        """The FIRST trees, and the others."""
        return self._nodes_of(self.roots[:FIRST]), self._nodes_of(self.roots[FIRST:])

    def _nodes_of(self, roots: np.ndarray) -> "_Ordered":
        """A limit is the largest float32 that is not above the node's threshold, which for a float32 is the same test."""
        nodes: list[
            tuple[int, float, int, int]
        ] = []  # feature, limit, tree, leaves that are left where it fails
        values = np.zeros((len(roots), LEAVES))

        def leaves_below(node: int, tree: int, first: int) -> int:
            """Adds what is below a node, whose first leaf has this number; the number after its last."""
            if self.feature[node] < 0:
                values[tree, first] = self.threshold[node]
                return first + 1
            middle = leaves_below(int(self.left[node]), tree, first)
            limit = np.float32(self.threshold[node])
            if limit > self.threshold[node]:
                limit = np.nextafter(limit, np.float32(-np.inf))
            left = (1 << middle) - (1 << first)
            nodes.append((int(self.feature[node]), float(limit), tree, ~left))
            return leaves_below(int(self.right[node]), tree, middle)

        for tree, root in enumerate(roots.tolist()):
            if leaves_below(root, tree, 0) > LEAVES:
                raise ValueError(f"a tree of more than {LEAVES} leaves")
        nodes.sort()
        features, limits, trees, left = zip(*nodes, strict=True) if nodes else ((), (), (), ())
        return (
            np.array(features, np.int64),
            np.array(limits, np.float32),
            np.array(trees, np.int64),
            np.array(left, np.int64).astype(np.int16),
            values[:, _BY_LOWEST],
        )


# feature, limit, tree and leaves left of each node; values [trees, LEAVES], in the order of `_lowest`
_Ordered = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@lru_cache(maxsize=1)
def shipped() -> Forest:
    """The model of the package, which `benchmarks/main_text_training.py` writes.

    Raises ValueError where the file was made for other features.
    """
    data = (files("headwater.sources.extract") / FILE).read_bytes()
    with np.load(BytesIO(data), allow_pickle=False) as numbers:
        if tuple(numbers["names"].tolist()) != NAMES:
            raise ValueError(f"{FILE} was trained on other features; run benchmarks/main_text_training.py")
        feature, threshold, left, right, roots = arrays = [
            numbers[name] for name in ("feature", "threshold", "left", "right", "roots")
        ]
        keep_from = numbers["keep_from"]
    digest = hashlib.blake2b(b"".join(array.tobytes() for array in (*arrays, keep_from)), digest_size=16)
    return Forest(feature, threshold, left, right, roots, float(keep_from), digest.hexdigest())


# ---------------------------------------------------------------- kernels


@kernel
def _add(
    features: np.ndarray,
    limits: np.ndarray,
    trees: np.ndarray,
    left: np.ndarray,
    values: np.ndarray,
    matrix: np.ndarray,
    rows: np.ndarray,
    sums: np.ndarray,
) -> None:
    """Adds what these trees say of these rows, tree by tree."""
    possible = np.empty((len(values), ROWS), np.int16)
    column, keeps, leaf = np.empty(ROWS, np.float32), np.empty(ROWS, np.int16), np.empty(ROWS, np.int32)
    for block in range(0, len(rows), ROWS):
        size = min(ROWS, len(rows) - block)
        x, keep = column[:size], keeps[:size]
        possible[:] = -1
        node = 0
        while node < len(features):
            feature = features[node]
            for row in range(size):
                x[row] = matrix[rows[block + row], feature]
            while node < len(features) and features[node] == feature and _above(x, limits[node], keep):
                limit = limits[node]
                while node < len(features) and features[node] == feature and limits[node] == limit:
                    _rule_out(possible[trees[node]][:size], keep, left[node])
                    node += 1
            while node < len(features) and features[node] == feature:  # the limits that follow are higher
                node += 1
        for tree in range(len(values)):
            _lowest(possible[tree][:size], leaf[:size])
            for row in range(size):
                sums[rows[block + row]] += values[tree, leaf[row]]


@kernel
def _above(column: np.ndarray, limit: np.float32, keep: np.ndarray) -> bool:
    """Whether a row is above the limit (or is not a number); in `keep` -1 for the others, 0 for it."""
    found = 0
    for row in range(len(column)):
        keep[row] = -1 if column[row] <= limit else 0
        found |= ~keep[row]
    return found != 0


@kernel
def _rule_out(possible: np.ndarray, keep: np.ndarray, left: np.int16) -> None:
    for row in range(len(keep)):
        possible[row] &= keep[row] | left


@kernel
def _lowest(possible: np.ndarray, leaf: np.ndarray) -> None:
    """Of each row the lowest bit, as its place in `_BY_LOWEST`: a bit times de Bruijn's sequence has a number of its own
    in its upper four."""
    for row in range(len(possible)):
        bit = np.int32(np.uint16(possible[row] & -possible[row]))
        leaf[row] = (bit * np.int32(DE_BRUIJN) >> np.int32(12)) & np.int32(15)
