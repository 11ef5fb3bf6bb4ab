"""Gradient-boosted trees as a file of numbers, evaluated by a kernel: no library, no pickle."""

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
_ONE = np.uint64(1)


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
        flat, width = np.ascontiguousarray(matrix).reshape(-1), np.uint64(matrix.shape[1])
        return _evaluate(*self._steps, self.threshold, flat, len(matrix), width)

    @cached_property
    def _steps(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """What a step through a tree needs: the feature, the limit, and the node that follows (two a node: above the
        limit, at most); of each tree its root and how many steps its deepest leaf is away. From a leaf each step leads
        to itself. A limit is the largest float32 that is not above the threshold, which for a float32 is the same test."""
        inner = self.feature >= 0
        limit = self.threshold.astype(np.float32)
        limit = np.where(limit > self.threshold, np.nextafter(limit, np.float32(-np.inf)), limit)
        itself = np.arange(len(inner))
        following = np.stack((np.where(inner, self.right, itself), np.where(inner, self.left, itself)), 1)
        at, depths = self.roots.astype(np.int64)[:, None], np.zeros(len(self.roots), np.int64)
        while inner[at].any():
            depths += inner[at].any(axis=1)
            at = following[at].reshape(len(at), -1)
        feature, following = np.where(inner, self.feature, 0), following.reshape(-1)
        return (
            feature.astype(np.uint32),
            limit,
            following.astype(np.uint32),
            self.roots.astype(np.uint32),
            depths,
        )


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


@kernel
def _evaluate(
    feature: np.ndarray,
    limit: np.ndarray,
    following: np.ndarray,
    roots: np.ndarray,
    depths: np.ndarray,
    value: np.ndarray,
    matrix: np.ndarray,
    count: int,
    width: np.uint64,
) -> np.ndarray:
    """`matrix`: rows one after the other. Of a row that the FIRST trees find hopeless the others are not asked."""
    sums = np.zeros(count, np.float64)
    rows = np.arange(count)
    first = min(FIRST, len(roots))
    _add(feature, limit, following, roots[:first], depths, value, matrix, rows, width, sums)
    rows = rows[sums > HOPELESS]
    _add(feature, limit, following, roots[first:], depths[first:], value, matrix, rows, width, sums)
    return (1.0 / (1.0 + np.exp(-sums))).astype(np.float32)


@kernel
def _add(
    feature: np.ndarray,
    limit: np.ndarray,
    following: np.ndarray,
    roots: np.ndarray,
    depths: np.ndarray,
    value: np.ndarray,
    matrix: np.ndarray,
    rows: np.ndarray,
    width: np.uint64,
    sums: np.ndarray,
) -> None:
    """Adds what these trees say of these rows. Four rows go through a tree side by side and without a branch, so that
    the processor neither waits for one nor guesses wrong; a row that is at a leaf already waits there. Unsigned places
    need no test for negative ones."""
    whole = len(rows) // 4 * 4
    for tree in range(len(roots)):
        root = np.uint64(roots[tree])
        for four in range(0, whole, 4):
            a = b = c = d = root
            in_a, in_b = np.uint64(rows[four]) * width, np.uint64(rows[four + 1]) * width
            in_c, in_d = np.uint64(rows[four + 2]) * width, np.uint64(rows[four + 3]) * width
            for _ in range(depths[tree]):
                a = np.uint64(
                    following[a << _ONE | np.uint64(matrix[in_a + np.uint64(feature[a])] <= limit[a])]
                )
                b = np.uint64(
                    following[b << _ONE | np.uint64(matrix[in_b + np.uint64(feature[b])] <= limit[b])]
                )
                c = np.uint64(
                    following[c << _ONE | np.uint64(matrix[in_c + np.uint64(feature[c])] <= limit[c])]
                )
                d = np.uint64(
                    following[d << _ONE | np.uint64(matrix[in_d + np.uint64(feature[d])] <= limit[d])]
                )
            for k, node in enumerate((a, b, c, d)):
                sums[rows[four + k]] += value[node]
        for row in rows[whole:]:
            a, in_a = root, np.uint64(row) * width
            for _ in range(depths[tree]):
                a = np.uint64(
                    following[a << _ONE | np.uint64(matrix[in_a + np.uint64(feature[a])] <= limit[a])]
                )
            sums[row] += value[a]
