"""Counts and smooths: texts to an `NgramModel`, in memory that grows with the different n-grams, not with the text.

Lines are cut into units once, into a file of ids; then one order after another is counted over that file, in blocks:
an n-gram is its context (an n-gram one shorter, by number) and its last unit, 64 bits together, so that a block is
sorted, counted and merged into what is there. Peak: about 24 bytes a different n-gram of the highest order, 16 a
shorter one, and 20 bytes a unit of a block.

Smoothing. `kneser-ney`: interpolated and modified (Chen & Goodman 1998, `discounts_of`; counts at the beginning of a line and the
uniform share of single units as in Heafield 2013), the default since it ranks and predicts best here (benchmarks/
ngrams.py). `witten-bell` (Bell et al. 1990) and `stupid-backoff` (Brants et al. 2007: relative frequencies, 0.4 for
each shortening; scores, no probabilities) are what it is measured against.
"""

import math
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from headwater.engine.kernels import kernel
from headwater.errors import HeadwaterError
from headwater.model import tokenizer
from headwater.model.ngram import discounts
from headwater.model.ngrams.tables import QUANTILES, NgramModel, packed
from headwater.model.ngrams.units import BEGIN, UNITS, Units, keys_of, lines_of

SMOOTHINGS = ("kneser-ney", "witten-bell", "stupid-backoff")
BLOCK = 1 << 23  # units
SAMPLE_BYTES = 20 << 20  # of text, for a tokeniser
SINGLE = 0.5  # discount of single units
LESS_OFF = 0.9  # times the discount of n-grams seen three times or more
RARE = 2  # characters and words that occur less often are UNKNOWN

Texts = Callable[[], Iterable[str]]


def train(
    texts: Texts,
    *,
    order: int = 5,
    unit: str = "subword",
    smoothing: str = "kneser-ney",
    vocabulary: int = 32_768,
    heldout: list[str] | None = None,
) -> NgramModel:
    """Trains on `texts()`, which is called once or twice; `heldout` texts give the quantiles of perplexity.

    `vocabulary` is the number of subwords. The same texts in the same order give the same model. HeadwaterError
    where there is no text, or an option is none of its values.
    """
    if unit not in UNITS or smoothing not in SMOOTHINGS or not 2 <= order <= 8:
        raise HeadwaterError(
            f"unit is one of {', '.join(UNITS)}, smoothing one of {', '.join(SMOOTHINGS)}, order 2 to 8; "
            f"got {unit}, {smoothing}, {order}"
        )
    units = _units(texts, unit, vocabulary)
    with tempfile.TemporaryDirectory(prefix="headwater-ngrams-") as folder:
        ids, counted = _ids(texts, units, Path(folder))
        levels = _levels(ids, units.size, order, Path(folder))
        model = _smoothed(levels, units, smoothing)
    model.about.update(order=order, unit=unit, smoothing=smoothing, **counted)
    if heldout:
        perplexities = [value for text in heldout if (value := model.perplexity(text)) == value]
        if perplexities:
            quantiles = np.quantile(perplexities, np.linspace(0, 1, QUANTILES))
            model.about.update(quantiles=quantiles.tolist(), heldout_texts=len(perplexities))
            model.about["heldout_bits_per_byte"] = model.bits_per_byte(heldout)
    return model


# ---------------------------------------------------------------- units


def _units(texts: Texts, kind: str, vocabulary: int) -> Units:
    none = np.zeros(0, np.uint64)
    if kind == "subword":
        return Units(kind, none, tokenizer.train(_sample(texts()), vocabulary))
    keys, counts = none, np.zeros(0, np.int32)
    held: list[np.ndarray] = []
    for text in texts():
        held += [keys_of(line, kind)[0] for line in lines_of(text)]
        if len(held) >= 100_000:
            keys, counts = _counted(held, keys, counts)
    keys, counts = _counted(held, keys, counts)
    return Units(kind, keys[counts >= RARE])


def _sample(texts: Iterable[str]) -> Iterable[str]:
    size = 0
    for text in texts:
        yield text
        size += len(text.encode())
        if size >= SAMPLE_BYTES:
            return


def _counted(held: list[np.ndarray], keys: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if held:
        fresh, times = np.unique(np.concatenate(held), return_counts=True)
        keys, counts = _merge(keys, counts, fresh, times.astype(np.int32))
        held.clear()
    return keys, counts


def _ids(texts: Texts, units: Units, folder: Path) -> tuple[np.ndarray, dict[str, int]]:
    """All lines' ids in a file, (units,) uint32, and what was read."""
    path = folder / "ids"
    counted = {"texts": 0, "text_bytes": 0, "lines": 0, "units": 0}
    with path.open("wb") as file:
        for text in texts():
            counted["texts"] += 1
            counted["text_bytes"] += len(text.encode())
            lines = lines_of(text)
            data = units.stream(lines)[0]
            counted["lines"] += len(lines)
            counted["units"] += len(data)
            file.write(data.tobytes())
    if not counted["lines"]:
        raise HeadwaterError("there is no text to train an n-gram model on")
    return np.memmap(path, np.uint32, "r"), counted


# ---------------------------------------------------------------- counting


@dataclass(frozen=True)
class Level:
    """The n-grams of one length, ascending by (context, last unit)."""

    context: np.ndarray  # (n-grams,) int32: number of the n-gram one shorter; 0 for single units
    unit: np.ndarray  # (n-grams,) uint32
    counts: np.ndarray  # (n-grams,) int32
    suffix: np.ndarray  # (n-grams,) int32: number of the n-gram without its first unit


def _levels(ids: np.ndarray, size: int, order: int, folder: Path) -> list[Level]:
    single = np.arange(size, dtype=np.uint32)
    counts = np.zeros(size, np.int64)
    for start in range(0, len(ids), BLOCK):
        counts += np.bincount(ids[start : start + BLOCK], minlength=size)
    counts[BEGIN] = 0
    none = np.zeros(size, np.int32)
    levels = [Level(none, single, counts.astype(np.int32), none)]
    # of each unit, the number of the n-gram that ends at it; −1 where there is none
    before = np.memmap(folder / "places-1", np.int32, "w+", shape=len(ids))
    for start in range(0, len(ids), BLOCK):
        before[start : start + BLOCK] = ids[start : start + BLOCK]
    for length in range(2, order + 1):
        keys, times = np.zeros(0, np.uint64), np.zeros(0, np.int32)
        for start in range(0, len(ids), BLOCK):
            fresh = _keys(ids, before, start, min(len(ids), start + BLOCK))
            fresh.sort()
            keys, times = _merge(keys, times, *_distinct(fresh))
        after = np.memmap(folder / f"places-{length}", np.int32, "w+", shape=len(ids))
        suffix = _places(ids, before, keys, after)
        context, unit = _halves(keys)
        del keys
        levels.append(Level(context, unit, times, suffix))
        before = after
    return levels


@kernel
def _distinct(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different ones of ascending keys, and how often each occurs."""
    size = 0
    for i in range(len(keys)):
        size += i == 0 or keys[i] != keys[i - 1]
    found, counts = np.empty(size, np.uint64), np.zeros(size, np.int32)
    n = -1
    for i in range(len(keys)):
        if i == 0 or keys[i] != keys[i - 1]:
            n += 1
            found[n] = keys[i]
        counts[n] += 1
    return found, counts


@kernel
def _merge(
    a: np.ndarray, a_counts: np.ndarray, b: np.ndarray, b_counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Two ascending lists as one, equal keys counted together. Gone through twice, so that no room is spare."""
    i = j = size = 0
    while i < len(a) and j < len(b):
        left, right = a[i], b[j]
        i += left <= right
        j += right <= left
        size += 1
    size += len(a) - i + len(b) - j
    keys, counts = np.empty(size, np.uint64), np.zeros(size, np.int32)
    i = j = 0
    for n in range(size):
        take_a = j == len(b) or (i < len(a) and a[i] <= b[j])
        take_b = i == len(a) or (j < len(b) and b[j] <= a[i])
        if take_a:
            keys[n] = a[i]
            counts[n] += a_counts[i]
            i += 1
        if take_b:
            keys[n] = b[j]
            counts[n] += b_counts[j]
            j += 1
    return keys, counts


@kernel
def _halves(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """context, unit."""
    context, unit = np.empty(len(keys), np.int32), np.empty(len(keys), np.uint32)
    for i in range(len(keys)):
        context[i], unit[i] = keys[i] >> np.uint64(32), keys[i] & np.uint64(0xFFFFFFFF)
    return context, unit


@kernel
def _keys(ids: np.ndarray, before: np.ndarray, start: int, stop: int) -> np.ndarray:
    """The n-grams that end in a block: context << 32 | unit. None reaches over the beginning of a line."""
    keys = np.empty(stop - start, np.uint64)
    n = 0
    for i in range(max(start, 1), stop):
        if ids[i] != BEGIN and before[i - 1] >= 0:
            keys[n] = np.uint64(before[i - 1]) << np.uint64(32) | np.uint64(ids[i])
            n += 1
    return keys[:n]


@kernel
def _places(ids: np.ndarray, before: np.ndarray, keys: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Fills `after`, the number of the n-gram that ends at each unit; the suffix of each n-gram."""
    suffix = np.zeros(len(keys), np.int32)
    for i in range(len(ids)):
        after[i] = -1
        if i > 0 and ids[i] != BEGIN and before[i - 1] >= 0:
            key = np.uint64(before[i - 1]) << np.uint64(32) | np.uint64(ids[i])
            low, high = 0, len(keys)
            while low < high:
                middle = (low + high) >> 1
                if keys[middle] < key:
                    low = middle + 1
                else:
                    high = middle
            after[i] = low
            suffix[low] = before[i]
    return suffix


# ---------------------------------------------------------------- smoothing


def _smoothed(levels: list[Level], units: Units, smoothing: str) -> NgramModel:
    """P of every n-gram, interpolated with its suffix's, and the back-off of every context."""
    columns: dict[str, list[np.ndarray]] = {"units": [], "nats": [], "backoff": [], "suffix": [], "first": []}
    below = np.full(1, 1 / (units.size - 1))  # BEGIN is never predicted
    at = at_below = 0
    sizes = [len(level.counts) for level in levels]
    for length in range(1, len(sizes) + 1):
        level = levels.pop(0)  # what is done with is let go
        counts = level.counts
        if smoothing == "kneser-ney" and levels:
            # how many different units stand before it; before the beginning of a line none can
            counts = _different(levels[0].suffix, counts)
            counts[BEGIN] = 0 if length == 1 else counts[BEGIN]
        less = discounts_of(counts, length) if smoothing == "kneser-ney" else np.zeros(4)
        probability, backoff, first = _interpolate(
            level.context, counts, level.suffix, less, below, SMOOTHINGS.index(smoothing)
        )
        columns["units"].append(level.unit)
        columns["nats"].append(_minus_log(probability))
        suffix = np.full(len(counts), -1, np.int32)
        if length > 1:
            suffix = np.add(level.suffix, np.int32(at_below), out=level.suffix)
            columns["backoff"].append(_minus_log(backoff))
            columns["first"].append(first + at)
        columns["suffix"].append(suffix)
        at_below, at = at, at + len(counts)
        below = probability
        del level, counts, suffix
    columns["first"].append(np.array([at]))
    del below, probability
    arrays = {name: np.concatenate(columns.pop(name)) for name in list(columns)}
    return NgramModel({"ngrams": sizes}, units, **packed(**arrays, single=sizes[0]))


def discounts_of(counts: np.ndarray, length: int) -> np.ndarray:
    """D for counts 0, 1, 2 and 3 or more, (4,), of n-grams of a length.

    Chen and Goodman's, but for two that measure better (fewer bits per byte of held-out English and Chinese pages and
    news, benchmarks/ngrams.py on books): a vocabulary has no unit that occurs once by chance, so that the numbers of
    rare units say nothing, and SINGLE is taken off each; and of frequent n-grams LESS_OFF.
    """
    if length == 1:
        return np.array([0.0, SINGLE, SINGLE, SINGLE])
    found = discounts(counts)
    return np.append(found[:3], LESS_OFF * found[3])


@kernel
def _different(suffix: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """How many n-grams have each as their suffix; its own count where none has."""
    different = np.zeros(len(counts), np.int32)
    for i in range(len(suffix)):
        different[suffix[i]] += 1
    for i in range(len(counts)):
        different[i] = different[i] if different[i] > 0 else counts[i]
    return different


@kernel
def _interpolate(
    context: np.ndarray,
    counts: np.ndarray,
    suffix: np.ndarray,
    less: np.ndarray,
    below: np.ndarray,
    smoothing: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """P of each n-gram, (n-grams,); γ of each context and where its n-grams begin, (contexts,).

    `less`: what is taken off counts of 0, 1, 2 and 3 or more; `below`: P of the n-grams one shorter, which are the
    contexts; `smoothing`: its place in SMOOTHINGS.
    """
    probability = np.empty(len(counts), np.float64)
    backoff, first = np.ones(len(below), np.float64), np.empty(len(below), np.int64)
    place = 0
    for one in range(len(below)):
        first[one] = start = place
        total = taken = 0.0
        while place < len(counts) and context[place] == one:
            total += counts[place]
            taken += less[min(counts[place], 3)] if smoothing == 0 else counts[place] > 0
            place += 1
        divisor = total + taken if smoothing == 1 else total
        if divisor > 0:
            backoff[one] = 0.4 if smoothing == 2 else taken / divisor
        for i in range(start, place):
            own = (counts[i] - less[min(counts[i], 3)]) / max(divisor, 1e-300)
            lower = backoff[one] * below[suffix[i]]
            probability[i] = own + lower if smoothing < 2 or counts[i] == 0 else own
    return probability, backoff, first


@kernel
def _minus_log(values: np.ndarray) -> np.ndarray:
    """float32."""
    found = np.empty(len(values), np.float32)
    for i in range(len(values)):
        found[i] = -math.log(values[i])
    return found
