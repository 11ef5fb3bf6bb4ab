"""An n-gram model as it is stored and asked: one file of arrays (`mapped.py`), which a process maps into its memory.

The n-grams form a trie in the order of their length, the children of each side by side in ascending order of their
last unit. Each holds its interpolated probability, so that a known n-gram takes one search; an unknown one follows
suffix links, each costing the back-off of the longer context (as in KenLM's state, Heafield 2011).

Time goes into waiting for memory, so what is asked together lies together: of an n-gram its last unit and −ln P; of a
context where its children begin, −ln γ, its suffix, and 32 bits in which each child sets one, which tell of most
units that they are no child of it without a look at the children. Single units have too many children for that:
pairs are found by a hash, and only longer n-grams by halves.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from headwater.engine.kernels import inlined, kernel
from headwater.model.mapped import Mapped
from headwater.model.ngrams.units import BEGIN, Units, lines_of

FORMAT = Mapped(
    b"HWNGRAM2",
    "an n-gram model",
    "headwater train-ngram",
    {
        "entries": "u4",
        "contexts": "u4",
        "suffix": "i4",
        "pairs": "u4",
        "vocabulary": "u8",
        "tokenizer": "u1",
    },
)
NONE = np.uint32(0xFFFFFFFF)
QUANTILES = 101  # of perplexity, 0% to 100%


@dataclass(frozen=True)
class NgramModel:
    """`about`: order, unit, smoothing, texts, bytes, counts by order, quantiles of perplexity of held-out texts."""

    about: dict[str, Any]
    vocabulary: Units
    entries: (
        np.ndarray
    )  # (n-grams, 2) uint32: its last unit; the bits of a float32, −ln of the interpolated probability
    # (contexts + 1, 4) uint32, contexts being the n-grams below the highest order: where its children begin; the bits
    # of −ln γ; the n-gram without its first unit (NONE for single units); the bits that its children set
    contexts: np.ndarray
    suffix: np.ndarray  # (n-grams of the highest order,) int32: the n-gram without its first unit
    pairs: np.ndarray  # (slots,) uint32: the n-grams of two units by hash; NONE where there is none

    def lines(self, text: str) -> tuple[np.ndarray, np.ndarray]:
        """−ln P and units (END included) of each line that is not blank, (lines,) float64 and int64."""
        lines = lines_of(text)
        ids, unknown = self.vocabulary.stream(lines)
        nats, counts = self.score(ids, len(lines))
        return nats + unknown * math.log(256), counts

    def score(self, ids: np.ndarray, lines: int) -> tuple[np.ndarray, np.ndarray]:
        """−ln P and units of each line, of a stream of ids in which every line begins with BEGIN."""
        floats = (self.entries.view(np.float32), self.contexts.view(np.float32))
        arrays = (self.entries, self.contexts, self.suffix, self.pairs)
        return _score(ids, lines, self.about["ngrams"][0], *arrays, *floats)

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
        arrays = {"entries": self.entries.reshape(-1), "contexts": self.contexts.reshape(-1), "suffix": self.suffix,
                  "pairs": self.pairs, "vocabulary": self.vocabulary.vocabulary, "tokenizer": tokenizer}  # fmt: skip
        return FORMAT.save(path, self.about, arrays)

    @classmethod
    def load(cls, path: Path | str, *, check: bool = False) -> Self:
        """Maps the file; HeadwaterError where it is none, of another version, cut short or (`check`) damaged."""
        header, arrays = FORMAT.load(Path(path), check=check)
        tokenizer = bytes(arrays.pop("tokenizer")).decode()
        units = Units(header["unit"], arrays.pop("vocabulary"), tokenizer)
        entries, contexts = arrays["entries"].reshape(-1, 2), arrays["contexts"].reshape(-1, 4)
        return cls(header, units, entries, contexts, arrays["suffix"], arrays["pairs"])


def packed(
    units: np.ndarray,
    nats: np.ndarray,
    backoff: np.ndarray,
    first: np.ndarray,
    suffix: np.ndarray,
    single: int,
) -> dict[str, np.ndarray]:
    """The model's arrays from plain ones: (n-grams,) units, nats and suffix (−1 for single units), (contexts,) backoff,
    (contexts + 1,) first; `single`: how many single units there are."""
    count = len(backoff)
    entries, contexts = np.empty((len(units), 2), np.uint32), np.zeros((count + 1, 4), np.uint32)
    entries[:, 0], entries[:, 1] = units, nats.view(np.uint32)
    contexts[:, 0] = first
    contexts[:count, 1] = backoff.view(np.uint32)
    contexts[:count, 2] = suffix[:count].view(np.uint32)
    _set_bits(entries, contexts)
    pairs = np.full(1 << int(2 * (first[single] - first[0])).bit_length(), NONE)
    _hash_pairs(entries, contexts, single, pairs)
    return {"entries": entries, "contexts": contexts, "suffix": suffix[count:], "pairs": pairs}


@inlined
def _bit(unit: np.uint32) -> np.uint32:
    return np.uint32(1) << (np.uint32(unit * np.uint32(0x9E3779B1)) >> np.uint32(27))


@kernel
def _set_bits(entries: np.ndarray, contexts: np.ndarray) -> None:
    for one in range(len(contexts) - 1):
        for place in range(contexts[one, 0], contexts[one + 1, 0]):
            contexts[one, 3] |= _bit(entries[place, 0])


@inlined
def _slot(one: np.uint32, two: np.uint32, slots: int) -> np.uint64:
    key = (np.uint64(one) << np.uint64(32) | np.uint64(two)) * np.uint64(0x9E3779B97F4A7C15)
    return (key ^ (key >> np.uint64(32))) & np.uint64(slots - 1)


@kernel
def _hash_pairs(entries: np.ndarray, contexts: np.ndarray, single: int, pairs: np.ndarray) -> None:
    for one in range(single):
        for place in range(contexts[one, 0], contexts[one + 1, 0]):
            at = _slot(np.uint32(one), entries[place, 0], len(pairs))
            while pairs[at] != NONE:
                at = (at + np.uint64(1)) & np.uint64(len(pairs) - 1)
            pairs[at] = place


@kernel
def _pair(
    one: np.uint32, two: np.uint32, entries: np.ndarray, contexts: np.ndarray, pairs: np.ndarray
) -> np.uint32:
    """The n-gram of two units, or NONE."""
    at = _slot(one, two, len(pairs))
    while pairs[at] != NONE:
        place: np.uint32 = pairs[at]
        if entries[place, 0] == two and contexts[one, 0] <= place < contexts[one + 1, 0]:
            return place
        at = (at + np.uint64(1)) & np.uint64(len(pairs) - 1)
    return NONE


@kernel
def _score(
    ids: np.ndarray,
    lines: int,
    single: int,
    entries: np.ndarray,
    contexts: np.ndarray,
    suffix: np.ndarray,
    pairs: np.ndarray,
    entry_floats: np.ndarray,
    context_floats: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """−ln P and units of each line; `…_floats` are the same arrays read as float32."""
    total, counts = np.zeros(lines, np.float64), np.zeros(lines, np.int64)
    below = len(contexts) - 1
    line, state, cost, length = -1, NONE, 0.0, 0
    for unit in ids:
        if unit == BEGIN:
            if line >= 0:
                total[line], counts[line] = cost, length
            line, state, cost, length = line + 1, np.uint32(BEGIN), 0.0, 0
            continue
        node = np.int64(unit)  # alone, unless it is found after some context
        bit = _bit(unit)
        while state != NONE:
            if state < single:
                found = _pair(state, unit, entries, contexts, pairs)
                if found != NONE:
                    node = np.int64(found)
                    break
            elif contexts[state, 3] & bit:
                low = np.int64(contexts[state, 0])
                size = np.int64(contexts[state + 1, 0]) - low
                while size > 1:  # halves without a branch that would be guessed
                    half = size >> 1
                    low += half if entries[low + half, 0] <= unit else 0
                    size -= half
                if entries[low, 0] == unit:
                    node = low
                    break
            cost += context_floats[state, 1]
            state = contexts[state, 2]
        cost += entry_floats[node, 1]
        length += 1
        state = np.uint32(node if node < below else suffix[node - below])
    if line >= 0:
        total[line], counts[line] = cost, length
    return total, counts
