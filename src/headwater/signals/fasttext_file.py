"""fastText's file of a supervised model, `.bin` or `.ftz`, to arrays.

fasttext.cc: loadModel; dictionary.cc: load; densematrix.cc, quantmatrix.cc and productquantizer.cc: load. Numbers are
little-endian, and stand where the ones before them end.
"""

import struct
from pathlib import Path
from typing import Any

import numpy as np

from headwater.engine.kernels import kernel

MAGIC, FORMAT = 793712314, 12  # FASTTEXT_FILEFORMAT_MAGIC_INT32, FASTTEXT_VERSION
HIERARCHICAL, NEGATIVE, SOFTMAX, ONE_VS_ALL = 1, 2, 3, 4  # args.h: loss_name
SUPERVISED = 3  # args.h: model_name
PREFIX = "__label__"
WORD, LABEL = 0, 1  # dictionary.h: entry_type
_SETTINGS = (
    "dim", "ws", "epoch", "min_count", "neg", "word_ngrams", "loss", "model", "bucket", "minn", "maxn", "rate_update",
)  # fmt: skip
_CENTROIDS = 256  # of a subspace: a code is one byte
_SLOTS = 64  # buckets of n-grams of which one number says which are known


class _Reader:
    def __init__(self, path: Path) -> None:
        self.data: Any = np.asarray(np.memmap(path, np.uint8, "r"))
        self.at = 0

    def take(self, form: str) -> tuple[Any, ...]:
        found = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return found

    def one(self, form: str) -> Any:
        return self.take(form)[0]

    def array(self, kind: Any, *shape: int) -> np.ndarray:
        """The file's own bytes, mapped."""
        size = int(np.prod(shape, dtype=object)) * np.dtype(kind).itemsize
        if min(shape) < 0 or self.at + size > len(self.data):
            raise ValueError(f"cut short: {len(self.data):,} bytes, at least {self.at + size:,} expected")
        found: np.ndarray = np.ndarray(shape, kind, self.data, self.at)
        self.at += size
        return found


def read_model(path: Path) -> dict[str, Any]:
    """The fields of `fasttext.FastText`. Raises ValueError, IndexError, struct.error and MemoryError where it is no whole
    model, ValueError where it has no labels."""
    file = _Reader(path)
    if (start := file.take("2i")) != (MAGIC, FORMAT):
        raise ValueError(f"it begins with {start}, a model of version {FORMAT} with {(MAGIC, FORMAT)}")
    settings = dict(zip(_SETTINGS, file.take("12i"), strict=True))
    file.take("d")
    if settings["model"] != SUPERVISED or settings["loss"] not in (
        HIERARCHICAL, NEGATIVE, SOFTMAX, ONE_VS_ALL,
    ):  # fmt: skip
        raise ValueError("it is no supervised model: it has no labels")
    entries, words, labels = file.take("3i")
    _, pruned = file.take("2q")
    begins, ends, counts, kinds, file.at = _entries(file.data, file.at, entries)
    if not file.at:
        raise ValueError(f"cut short: fewer words than {entries:,}")
    if words + labels != entries or (kinds[:words] != WORD).any() or (kinds[words:] != LABEL).any():
        raise ValueError("words and labels are not as many as it says")
    kept = file.array("<i4", max(0, pruned), 2)
    rows = _matrix(file, quantised := file.one("?"))
    output = _matrix(file, file.one("?") and quantised)
    named = tuple(
        bytes(file.data[begins[number] : ends[number]]).decode().removeprefix(PREFIX)
        for number in range(words, entries)
    )
    pieces = settings["maxn"] > 0 or settings["word_ngrams"] > 1
    needed = words + (settings["bucket"] if pieces and pruned < 0 else max(0, pruned))
    if rows.shape[1] != output.shape[1] or len(rows) < needed or not 0 < labels <= len(output):
        raise ValueError(
            f"its matrices, {rows.shape} and {output.shape}, do not fit {needed:,} rows, {labels:,} labels"
        )
    if pieces and settings["bucket"] < 1:
        raise ValueError("it has n-grams, and no place for them")
    known, before = np.empty(0, np.uint64), np.empty(0, np.uint32)
    if pruned >= 0:
        known, before, rows = _of_few(kept, settings["bucket"], words, rows)
    slots, hashes = _table(begins, ends, file.data)
    shape = np.array([*(settings[n] for n in ("minn", "maxn", "word_ngrams", "bucket")), words], np.int64)
    return {
        "labels": named, "loss": settings["loss"], "shape": shape,
        "vocabulary": (slots, hashes, begins, ends, file.data, kinds),
        "known": known, "before": before, "rows": rows, "output": output,
        "tree": _tree(counts[words:].tolist()) if settings["loss"] == HIERARCHICAL else np.empty((0, 2), np.int32),
    }  # fmt: skip


def _matrix(file: _Reader, quantised: bool) -> np.ndarray:
    if not quantised:
        return file.array("<f4", *file.take("2q"))
    scaled, rows, _ = file.one("?"), file.one("q"), file.one("q")
    codes = file.array("u1", file.one("i"))
    unpacked = _unpacked(file, codes, rows)
    if scaled:
        norms = file.array("u1", rows)
        unpacked *= _unpacked(file, norms, rows)
    return unpacked


def _unpacked(file: _Reader, codes: np.ndarray, rows: int) -> np.ndarray:
    """Rows of a product quantiser: the centroids that their codes name, side by side."""
    width, parts, part, last = file.take("4i")
    centroids = file.array("<f4", width * _CENTROIDS)
    if len(codes) != rows * parts or (parts - 1) * part + last != width:
        raise ValueError(f"{len(codes):,} codes for {rows:,} rows of {parts}")
    found = np.empty((rows, width), np.float32)
    for number, named in enumerate(codes.reshape(rows, parts).T):
        size, first = last if number == parts - 1 else part, number * part
        table = centroids[first * _CENTROIDS : (first + size) * _CENTROIDS].reshape(_CENTROIDS, size)
        found[:, first : first + size] = table[named]
    return found


def _of_few(
    kept: np.ndarray, bucket: int, words: int, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of a model that has rows for some n-grams alone: which, how many come before, and the rows in this order."""
    ordered = kept[np.argsort(kept[:, 0], kind="stable")].astype(np.int64)
    if len(ordered) and (ordered[0, 0] < 0 or ordered[-1, 0] >= bucket):
        raise ValueError(f"an n-gram that is not one of {bucket:,}")
    known = np.zeros(-(-bucket // _SLOTS), np.uint64)
    place, bit = ordered[:, 0] // _SLOTS, (ordered[:, 0] % _SLOTS).astype(np.uint64)
    np.bitwise_or.at(known, place, np.uint64(1) << bit)
    before = np.searchsorted(ordered[:, 0], np.arange(len(known)) * _SLOTS).astype(np.uint32)
    return known, before, np.concatenate((rows[:words], rows[words + ordered[:, 1]]))


def _tree(counts: list[int]) -> np.ndarray:
    """Huffman's tree over labels, of which the most frequent comes first, as loss.cc builds it: nodes below, the labels
    first, the root last."""
    labels = len(counts)
    weights = [*counts, *[10**15] * (labels - 1)]
    below = np.full((2 * labels - 1, 2), -1, np.int32)
    leaf, node = labels - 1, labels
    for place in range(labels, 2 * labels - 1):
        for side in range(2):
            if leaf >= 0 and weights[leaf] < weights[node]:
                below[place, side], leaf = leaf, leaf - 1
            else:
                below[place, side], node = node, node + 1
        weights[place] = weights[below[place, 0]] + weights[below[place, 1]]
    return below


# ---------------------------------------------------------------- kernels


@kernel
def hash_of(text: np.ndarray, start: int, end: int, value: int) -> np.uint32:
    """FNV-1a over signed bytes, as fastText has it (dictionary.cc: hash)."""
    found = np.uint32(value)
    for at in range(start, end):
        found = np.uint32((found ^ np.uint32(np.int8(text[at]))) * np.uint32(16777619))
    return found


@kernel
def _entries(
    data: np.ndarray, at: int, entries: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]:
    """int64 begins, ends and counts, int8 kinds, and the byte after the last; 0 where the file ends before it."""
    begins, ends = np.empty(entries, np.int64), np.empty(entries, np.int64)
    counts, kinds = np.zeros(entries, np.int64), np.empty(entries, np.int8)
    for number in range(entries):
        begins[number] = at
        while at < len(data) and data[at] != 0:
            at += 1
        if at + 10 > len(data):
            return begins, ends, counts, kinds, 0
        ends[number] = at
        for byte in range(8):
            counts[number] |= np.int64(data[at + 1 + byte]) << (8 * byte)
        kinds[number] = data[at + 9]
        at += 10
    return begins, ends, counts, kinds, at


@kernel
def _table(begins: np.ndarray, ends: np.ndarray, data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int32 slots, -1 where empty, found by hash; uint32 hashes of the entries."""
    entries, size = len(begins), 16
    while size < 2 * entries:
        size *= 2
    slots, hashes = np.full(size, -1, np.int32), np.empty(entries, np.uint32)
    for number in range(entries):
        hashes[number] = hash_of(data, begins[number], ends[number], 2166136261)
        at = np.int64(hashes[number]) & (size - 1)
        while slots[at] >= 0:
            at = (at + 1) & (size - 1)
        slots[at] = number
    return slots, hashes
