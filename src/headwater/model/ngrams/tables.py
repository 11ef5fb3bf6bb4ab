"""An n-gram model as it is stored and asked: one file of arrays (`mapped.py`), which a process maps into its memory.

The n-grams form a trie in the order of their length, the children of each side by side in ascending order of their
last unit. Each holds its interpolated probability, so that a known n-gram takes one search; an unknown one follows
suffix links, each costing the back-off of the longer context (as in KenLM's state, Heafield 2011).
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numba
import numpy as np

from headwater.model.mapped import Mapped
from headwater.model.ngrams.units import BEGIN, Units, lines_of

FORMAT = Mapped(
    b"HWNGRAM1",
    "an n-gram model",
    "headwater train-ngram",
    {
        "units": "u4",
        "nats": "f4",
        "backoff": "f4",
        "first": "i8",
        "suffix": "i4",
        "vocabulary": "u8",
        "tokenizer": "u1",
    },
)
QUANTILES = 101  # of perplexity, 0% to 100%


@dataclass(frozen=True)
class NgramModel:
    """`about`: order, unit, smoothing, texts, bytes, counts by order, quantiles of perplexity of held-out texts."""

    about: dict[str, Any]
    vocabulary: Units
    units: np.ndarray  # (n-grams,) uint32: the last unit of each
    nats: np.ndarray  # (n-grams,) float32: −ln of the interpolated probability
    backoff: np.ndarray  # (contexts,) float32: −ln γ; contexts are the n-grams below the highest order
    first: np.ndarray  # (contexts + 1,) int64: where the children of each begin
    suffix: np.ndarray  # (n-grams,) int32: the n-gram without its first unit; −1 for single units

    def lines(self, text: str) -> tuple[np.ndarray, np.ndarray]:
        """−ln P and units (END included) of each line that is not blank, (lines,) float64 and int64."""
        lines = lines_of(text)
        ids, unknown = self.vocabulary.stream(lines)
        nats, counts = _score(ids, len(lines), self.units, self.nats, self.backoff, self.first, self.suffix)
        return nats + unknown * math.log(256), counts

    def perplexity(self, text: str) -> float:
        """exp of the mean −ln P of a unit; NaN for a text without any."""
        nats, units = self.lines(text)
        return math.exp(min(700.0, nats.sum() / units.sum())) if len(units) else math.nan

    def bits_per_byte(self, texts: list[str]) -> float:
        """Of the lines' UTF-8 bytes, line ends included, as one text."""
        nats = math.fsum(float(self.lines(text)[0].sum()) for text in texts)
        size = sum(len(line.encode()) + 1 for text in texts for line in lines_of(text))
        return nats / math.log(2) / max(1, size)

    def percentile(self, perplexity: float) -> float:
        """0 to 100: the share of held-out texts of a lower perplexity; NaN for a model without quantiles."""
        quantiles = self.about.get("quantiles") or []
        if not quantiles:
            return math.nan
        return float(np.interp(perplexity, quantiles, np.linspace(0, 100, len(quantiles))))

    def save(self, path: Path) -> str:
        """Writes the file, by a temporary name; the hash of its content."""
        tokenizer = np.frombuffer(self.vocabulary.tokenizer.encode(), np.uint8)
        arrays = {"units": self.units, "nats": self.nats, "backoff": self.backoff, "first": self.first,
                  "suffix": self.suffix, "vocabulary": self.vocabulary.vocabulary, "tokenizer": tokenizer}  # fmt: skip
        return FORMAT.save(path, self.about, arrays)

    @classmethod
    def load(cls, path: Path | str, *, check: bool = False) -> Self:
        """Maps the file; HeadwaterError where it is none, of another version, cut short or (`check`) damaged."""
        header, arrays = FORMAT.load(Path(path), check=check)
        tokenizer = bytes(arrays.pop("tokenizer")).decode()
        units = Units(header["unit"], arrays.pop("vocabulary"), tokenizer)
        return cls(header, units, **arrays)


@numba.njit(cache=True, nogil=True)
def _score(
    ids: np.ndarray,
    lines: int,
    units: np.ndarray,
    nats: np.ndarray,
    backoff: np.ndarray,
    first: np.ndarray,
    suffix: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """−ln P and units of each line; every line begins with BEGIN."""
    total, counts = np.zeros(lines, np.float64), np.zeros(lines, np.int64)
    contexts = len(backoff)
    line, state, cost, length = -1, np.int64(-1), 0.0, 0
    for unit in ids:
        if unit == BEGIN:
            if line >= 0:
                total[line], counts[line] = cost, length
            line, state, cost, length = line + 1, np.int64(BEGIN), 0.0, 0
            continue
        node = np.int64(unit)  # alone, unless it is found after some context
        while state >= 0:
            low, size = first[state], first[state + 1] - first[state]
            if size > 0:
                while size > 1:  # halves without a branch that would be guessed
                    half = size >> 1
                    low += half if units[low + half] <= unit else 0
                    size -= half
                if units[low] == unit:
                    node = low
                    break
            cost += backoff[state]
            state = np.int64(suffix[state])
        cost += nats[node]
        length += 1
        state = node if node < contexts else np.int64(suffix[node])
    if line >= 0:
        total[line], counts[line] = cost, length
    return total, counts
