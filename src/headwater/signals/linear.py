"""A linear classifier over hashed n-grams: how GPT-3 and GLaM told good pages from the rest (Brown et al. 2020,
appendix A; Du et al. 2022), trained here by our own SGD.

A unit is a word in lower case, a single Han character, or a symbol (bars and arrows mark menus, full stops prose);
features are units, pairs and triples of neighbours, hashed into 2^bits weights. A feature that occurs n times counts
1 + ln n, and a text's counts are scaled to a length of one, so that neither a long text nor a line that is repeated
weighs more; its logit is the sum of count × weight, plus a bias. Two characters of Han are about a word, so that no
segmenter is needed. One kernel reads the characters and sums the weights: nothing is made in between.

Training: logistic loss, as many texts of each class (so that both weigh the same), stochastic gradient descent with a
rate that falls to nothing, in an order that hangs on the seed alone: the same texts give the same model. AdaGrad was
tried and ranks worse: it makes rare features weigh more, as inverse document frequencies do, which rank worse too.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from headwater.corpus.text import codepoints
from headwater.engine.kernels import kernel
from headwater.errors import HeadwaterError
from headwater.model.mapped import Mapped
from headwater.signals.minhash import character_tables

VERSION = 2
FORMAT = Mapped(b"HWLINEA2", "a classifier", "headwater train-classifier", {"weights": "f4"})
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
    rate: float = 10.0,
    seed: int = 0,
) -> Linear:
    """HeadwaterError where a class has no text."""
    if not positive or not negative:
        raise HeadwaterError("a classifier needs texts of both kinds, positive and negative")
    features, values = zip(*(features_of(text, bits) for text in (*positive, *negative)), strict=True)
    ends = np.cumsum(np.array([len(some) for some in features], np.int64))
    flat, counts = np.concatenate(features), np.concatenate(values)
    truth = np.repeat(np.array([1.0, 0.0]), [len(positive), len(negative)])
    order = _order(len(positive), len(negative), epochs, seed)
    weights = np.zeros(1 << bits, np.float32)
    bias = _descend(flat, counts, ends, truth, order, rate, weights)
    about = {"bits": bits, "bias": bias, "epochs": epochs, "rate": rate, "seed": seed,
             "positive": len(positive), "negative": len(negative)}  # fmt: skip
    return Linear(about, weights)


def _order(positive: int, negative: int, epochs: int, seed: int) -> np.ndarray:
    """Places of the texts: an epoch is the larger class once and as many draws of the smaller, mixed."""
    draw = np.random.default_rng(seed)
    most = max(positive, negative)
    found = []
    for _ in range(epochs):
        sides = [
            np.concatenate([draw.permutation(size) + first for _ in range(-(-most // size))])[:most]
            for size, first in ((positive, 0), (negative, positive))
        ]
        found.append(draw.permutation(np.concatenate(sides)))
    return np.concatenate(found)


def features_of(text: str, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """(features,) uint32: places of the text's different units, pairs and triples among 2^bits; (features,) float32:
    their counts, as they are weighed."""
    folded, kinds = character_tables()
    features, counts = _counted(codepoints(text[:LONGEST]), folded, kinds, np.uint64(bits))
    there = np.flatnonzero(counts)
    values = 1 + np.log(counts[there])
    return features[there], (values / max(1e-9, math.sqrt(float(values @ values)))).astype(np.float32)


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


@kernel
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


@kernel
def _counted(
    text: np.ndarray, folded: np.ndarray, kinds: np.ndarray, bits: np.uint64
) -> tuple[np.ndarray, np.ndarray]:
    """(slots,) uint32 features by hash, and (slots,) int32 how often each occurs: 0 where a slot is empty."""
    found = np.empty(3 * len(text) + 3, np.uint32)
    number = _features(text, folded, kinds, bits, found)
    size = 16
    while size < 2 * number:
        size *= 2
    features, counts = np.empty(size, np.uint32), np.zeros(size, np.int32)
    mask = np.uint32(size - 1)
    for i in range(number):
        at = np.uint32(found[i] * np.uint32(0x9E3779B1)) >> np.uint32(7) & mask
        while counts[at] > 0 and features[at] != found[i]:
            at = (at + np.uint32(1)) & mask
        features[at] = found[i]
        counts[at] += 1
    return features, counts


@kernel
def _logit(
    text: np.ndarray, folded: np.ndarray, kinds: np.ndarray, weights: np.ndarray, bits: np.uint64
) -> float:
    features, counts = _counted(text, folded, kinds, bits)
    total, squares = 0.0, 1e-18
    for i in range(len(counts)):
        if counts[i] > 0:
            value = 1.0 + (math.log(counts[i]) if counts[i] > 1 else 0.0)
            total += value * weights[features[i]]
            squares += value * value
    return total / math.sqrt(squares)


@kernel
def _descend(
    flat: np.ndarray,
    counts: np.ndarray,
    ends: np.ndarray,
    truth: np.ndarray,
    order: np.ndarray,
    rate: float,
    weights: np.ndarray,
) -> float:
    """Stochastic gradient descent in the given order of texts, the rate falling to nothing; fills the weights and
    returns the bias."""
    bias = 0.0
    for step in range(len(order)):
        text = order[step]
        start = ends[text - 1] if text > 0 else 0
        total = 0.0
        for i in range(start, ends[text]):
            total += counts[i] * weights[flat[i]]
        wrong = 1 / (1 + math.exp(-max(-700.0, total + bias))) - truth[text]
        move = np.float32(rate * (1 - step / len(order)) * wrong)
        for i in range(start, ends[text]):
            weights[flat[i]] -= move * counts[i]
        bias -= float(move)
    return bias
