"""A linear classifier over hashed n-grams: how GPT-3 and GLaM told good pages from the rest (Brown et al. 2020,
appendix A; Du et al. 2022), trained here by our own SGD.

A unit is a word in lower case, a single Han character, or a symbol (bars and arrows mark menus, full stops prose);
features are units, pairs and triples of neighbours, hashed into 2^bits weights. A text's logit is the sum of its features' weights over the square root of their number, plus a
bias. Two characters of Han are about a word, so that no segmenter is needed. One kernel reads the characters and sums
the weights: nothing is made in between.

Training: logistic loss, both classes weighing the same in sum, AdaGrad (Duchi et al. 2011), one text a step, in an
order that hangs on the seed alone: the same texts give the same model.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numba
import numpy as np

from headwater.corpus.text import codepoints
from headwater.errors import HeadwaterError
from headwater.model.mapped import Mapped
from headwater.signals.minhash import character_tables

VERSION = 1
FORMAT = Mapped(b"HWLINEAR", "a classifier", "headwater train-classifier", {"weights": "f4"})
LONGEST = 1 << 20  # characters of a text that are looked at
_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Linear:
    """`about`: bits, bias, what it was trained on, its figures on held-out texts."""

    about: dict[str, Any]
    weights: np.ndarray  # (2^bits,) float32

    def score(self, text: str) -> float:
        """P(positive), 0 to 1; the prior's for a text without a word."""
        folded, kinds = character_tables()
        logit = _logit(codepoints(text[:LONGEST]), folded, kinds, self.weights, np.uint64(self.about["bits"]))
        return 1 / (1 + math.exp(-max(-700.0, logit + self.about["bias"])))

    def save(self, path: Path) -> str:
        """Writes the file; the hash of its content."""
        return FORMAT.save(path, self.about, {"weights": self.weights})

    @classmethod
    def load(cls, path: Path | str, *, check: bool = False) -> Self:
        """Maps the file; HeadwaterError where it is none, cut short or (`check`) damaged."""
        header, arrays = FORMAT.load(Path(path), check=check)
        return cls(header, arrays["weights"])


def train(
    positive: Sequence[str],
    negative: Sequence[str],
    *,
    bits: int = 20,
    epochs: int = 10,
    rate: float = 0.1,
    seed: int = 0,
) -> Linear:
    """HeadwaterError where a class has no text."""
    if not positive or not negative:
        raise HeadwaterError("a classifier needs texts of both kinds, positive and negative")
    features = [features_of(text, bits) for text in (*positive, *negative)]
    ends = np.cumsum(np.array([len(some) for some in features], np.int64))
    flat = np.concatenate(features)
    truth = np.repeat(np.array([1.0, 0.0]), [len(positive), len(negative)])
    weight = np.where(truth == 1, 0.5 / len(positive), 0.5 / len(negative)) * len(truth)
    draw = np.random.default_rng(seed)
    order = np.concatenate([draw.permutation(len(truth)) for _ in range(epochs)])
    weights = np.zeros(1 << bits, np.float32)
    bias = _descend(flat, ends, truth, weight, order, np.float32(rate), weights)
    about = {"bits": bits, "bias": bias, "epochs": epochs, "rate": rate, "seed": seed,
             "positive": len(positive), "negative": len(negative)}  # fmt: skip
    return Linear(about, weights)


def features_of(text: str, bits: int) -> np.ndarray:
    """(features,) uint32: places of the text's units, pairs and triples among 2^bits."""
    folded, kinds = character_tables()
    codes = codepoints(text[:LONGEST])
    found = np.empty(3 * len(codes) + 3, np.uint32)
    return found[: _features(codes, folded, kinds, np.uint64(bits), found)].copy()


def auc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """P that a positive has a higher score than a negative, ties half (Mann & Whitney 1947)."""
    ordered = np.sort(np.asarray(negative))
    below = np.searchsorted(ordered, positive, "left")
    up_to = np.searchsorted(ordered, positive, "right")
    return float((below + up_to).sum() / 2 / max(1, len(positive) * len(negative)))


def warm() -> None:
    """Compiles the kernels, once a machine."""
    train(["a b c 一二三"], ["d"], bits=4, epochs=1).score("a b")


# ---------------------------------------------------------------- kernels


@numba.njit(cache=True, nogil=True)
def _features(
    text: np.ndarray, folded: np.ndarray, kinds: np.ndarray, bits: np.uint64, found: np.ndarray
) -> int:
    """Fills `found`; returns how many there are."""
    shift = np.uint64(64) - bits
    one = two = word = np.uint64(0)
    count, inside, units = 0, False, 0
    for i in range(len(text) + 1):
        kind = kinds[text[i]] if i < len(text) else 0
        if kind == 1:
            if not inside:
                word, inside = np.uint64(0xCBF29CE484222325), True
            word = (word ^ np.uint64(folded[text[i]])) * np.uint64(0x100000001B3)
            word ^= word >> np.uint64(29)
            continue
        for step in range(2):
            if step == 0:
                if not inside:
                    continue
                inside = False
            else:
                if kind != 2 and (i == len(text) or text[i] <= 32):
                    continue
                word = (np.uint64(text[i]) + np.uint64(77)) * _MIX
            found[count] = (word * _MIX) >> shift
            count += 1
            if units > 0:
                pair = (one * np.uint64(0xD6E8FEB86659FD93) ^ word) * _MIX
                found[count] = pair >> shift
                count += 1
                if units > 1:
                    found[count] = ((two ^ pair) * np.uint64(0xBF58476D1CE4E5B9)) >> shift
                    count += 1
            two, one = one * np.uint64(0x94D049BB133111EB), word
            units += 1
    return count


@numba.njit(cache=True, nogil=True)
def _logit(
    text: np.ndarray, folded: np.ndarray, kinds: np.ndarray, weights: np.ndarray, bits: np.uint64
) -> float:
    found = np.empty(3 * len(text) + 3, np.uint32)
    count = _features(text, folded, kinds, bits, found)
    total = 0.0
    for i in range(count):
        total += weights[found[i]]
    return total / math.sqrt(max(1, count))


@numba.njit(cache=True, nogil=True)
def _descend(
    flat: np.ndarray,
    ends: np.ndarray,
    truth: np.ndarray,
    weight: np.ndarray,
    order: np.ndarray,
    rate: np.float32,
    weights: np.ndarray,
) -> float:
    """AdaGrad in the given order of texts; fills the weights and returns the bias."""
    squares = np.full(len(weights), 1e-6, np.float32)
    bias, bias_squares = 0.0, 1e-6
    for text in order:
        start = ends[text - 1] if text > 0 else 0
        count = ends[text] - start
        scale = 1 / math.sqrt(max(1, count))
        total = 0.0
        for i in range(start, ends[text]):
            total += weights[flat[i]]
        slope = weight[text] * (1 / (1 + math.exp(-max(-700.0, total * scale + bias))) - truth[text])
        step = np.float32(slope * scale)
        for i in range(start, ends[text]):
            at = flat[i]
            squares[at] += step * step
            weights[at] -= rate * step / math.sqrt(squares[at])
        bias_squares += slope * slope
        bias -= rate * slope / math.sqrt(bias_squares)
    return bias
