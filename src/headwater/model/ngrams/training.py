"""Counts and smooths: texts to an `NgramModel`, in memory that grows with the different n-grams, not with the text.

Lines are cut into units once, into a file of ids; then one order after another is counted over that file, in blocks:
an n-gram is its context (an n-gram one shorter, by number) and its last unit, 64 bits together, so that a block is
sorted, counted and merged into what is there. Peak: about 40 bytes a different n-gram of the highest order, and
40 bytes a unit of a block.

Smoothing. `kneser-ney`: interpolated and modified (Chen & Goodman 1998; counts at the beginning of a line and the
uniform share of single units as in Heafield 2013), the default since it ranks and predicts best here (benchmarks/
ngrams.py). `witten-bell` (Bell et al. 1990) and `stupid-backoff` (Brants et al. 2007: relative frequencies, 0.4 for
each shortening; scores, no probabilities) are what it is measured against.
"""

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np

from headwater.errors import HeadwaterError
from headwater.model import tokenizer
from headwater.model.ngram import discounts
from headwater.model.ngrams.tables import QUANTILES, NgramModel
from headwater.model.ngrams.units import BEGIN, UNITS, Units, keys_of, lines_of

SMOOTHINGS = ("kneser-ney", "witten-bell", "stupid-backoff")
BLOCK = 1 << 23  # units
SAMPLE_BYTES = 20 << 20  # of text, for a tokeniser
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
    keys, counts = none, np.zeros(0, np.int64)
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
        keys, counts = _merge(keys, counts, fresh, times)
        held.clear()
    return keys, counts


def _ids(texts: Texts, units: Units, folder: Path) -> tuple[np.ndarray, dict[str, int]]:
    """All lines' ids in a file, (units,) uint32, and what was read."""
    path = folder / "ids"
    counted = {"texts": 0, "bytes": 0, "lines": 0, "units": 0}
    with path.open("wb") as file:
        for text in texts():
            counted["texts"] += 1
            counted["bytes"] += len(text.encode())
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
        keys, counts = np.zeros(0, np.uint64), np.zeros(0, np.int64)
        for start in range(0, len(ids), BLOCK):
            fresh = _keys(ids, before, start, min(len(ids), start + BLOCK))
            fresh, times = np.unique(fresh, return_counts=True)
            keys, counts = _merge(keys, counts, fresh, times)
        after = np.memmap(folder / f"places-{length}", np.int32, "w+", shape=len(ids))
        suffix = _places(ids, before, keys, after)
        context = (keys >> np.uint64(32)).astype(np.int32)
        unit = (keys & np.uint64(0xFFFFFFFF)).astype(np.uint32)
        levels.append(Level(context, unit, counts.astype(np.int32), suffix))
        before = after
    return levels


@numba.njit(cache=True, nogil=True)
def _merge(
    a: np.ndarray, a_counts: np.ndarray, b: np.ndarray, b_counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Two ascending lists as one, equal keys counted together."""
    keys, counts = np.empty(len(a) + len(b), np.uint64), np.empty(len(a) + len(b), np.int64)
    i = j = n = 0
    while i < len(a) or j < len(b):
        if j == len(b) or (i < len(a) and a[i] <= b[j]):
            keys[n], counts[n] = a[i], a_counts[i]
            if j < len(b) and a[i] == b[j]:
                counts[n] += b_counts[j]
                j += 1
            i += 1
        else:
            keys[n], counts[n] = b[j], b_counts[j]
            j += 1
        n += 1
    return keys[:n].copy(), counts[:n].copy()


@numba.njit(cache=True, nogil=True)
def _keys(ids: np.ndarray, before: np.ndarray, start: int, stop: int) -> np.ndarray:
    """The n-grams that end in a block: context << 32 | unit. None reaches over the beginning of a line."""
    keys = np.empty(stop - start, np.uint64)
    n = 0
    for i in range(max(start, 1), stop):
        if ids[i] != BEGIN and before[i - 1] >= 0:
            keys[n] = np.uint64(before[i - 1]) << np.uint64(32) | np.uint64(ids[i])
            n += 1
    return keys[:n]


@numba.njit(cache=True, nogil=True)
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
        if smoothing == "kneser-ney" and levels:
            # how many different units stand before it; before the beginning of a line none can
            different = np.bincount(levels[0].suffix, minlength=len(level.counts))
            counts = np.where(different > 0, different, level.counts)
            counts[BEGIN] = 0 if length == 1 else counts[BEGIN]
        else:
            counts = level.counts
        contexts = len(below)
        total = np.bincount(level.context, counts, contexts)
        if smoothing == "kneser-ney":
            less = discounts(counts)[np.minimum(counts, 3)]
            taken, divisor = np.bincount(level.context, less, contexts), total
        elif smoothing == "witten-bell":
            less = np.zeros(len(counts))
            taken = np.bincount(level.context, counts > 0, contexts)
            divisor = total + taken
        else:
            less, divisor = np.zeros(len(counts)), total
            taken = np.where(total > 0, 0.4 * total, 0)
        backoff = np.divide(taken, divisor, out=np.ones(contexts), where=divisor > 0)
        own = (counts - less) / np.maximum(divisor[level.context], 1e-300)
        lower = (backoff[level.context] if length > 1 else backoff[0]) * below[level.suffix]
        probability = own + lower
        if smoothing == "stupid-backoff":
            probability = np.where(counts > 0, own, lower)
        columns["units"].append(level.unit)
        columns["nats"].append(-np.log(probability).astype(np.float32))
        suffix = level.suffix + np.int32(at_below) if length > 1 else np.full(len(counts), -1, np.int32)
        columns["suffix"].append(suffix)
        if length > 1:
            columns["backoff"].append(-np.log(backoff).astype(np.float32))
            columns["first"].append(np.searchsorted(level.context, np.arange(contexts)) + at)
        at_below, at = at, at + len(counts)
        below = probability
    columns["first"].append(np.array([at]))
    arrays = {name: np.concatenate(columns.pop(name)) for name in list(columns)}
    return NgramModel(
        {"ngrams": sizes},
        units,
        arrays["units"],
        arrays["nats"],
        arrays["backoff"],
        arrays["first"].astype(np.int64),
        arrays["suffix"],
    )
