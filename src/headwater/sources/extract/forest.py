"""Gradient-boosted trees as a file of numbers, evaluated by a kernel: no library, no pickle."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from io import BytesIO

import numba
import numpy as np

from headwater.sources.extract.features import NAMES

FILE = "main_text.npz"


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
        return _evaluate(self.feature, self.threshold, self.left, self.right, self.roots, matrix)


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


@numba.njit(cache=True, nogil=True)
def _evaluate(
    feature: np.ndarray,
    threshold: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    roots: np.ndarray,
    matrix: np.ndarray,
) -> np.ndarray:
    count = matrix.shape[0]
    sums = np.zeros(count, np.float64)
    for root in roots:
        for row in range(count):
            node = root
            while feature[node] >= 0:
                node = left[node] if matrix[row, feature[node]] <= threshold[node] else right[node]
            sums[row] += threshold[node]
    return (1.0 / (1.0 + np.exp(-sums))).astype(np.float32)
