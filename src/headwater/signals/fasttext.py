"""fastText's supervised models (Joulin et al. 2017), read from its own files and evaluated by a kernel.

A `.bin` is mapped, so that the processes of a machine share one copy of it and none waits for it to load; a `.ftz`
(product quantisation, Joulin et al. 2016) is unpacked, since its rows are few. What the library does is done in its order
and precision (32-bit floats), so that labels and scores are its own. The library finds each n-gram in a table of linked
lists and puts its row together from codes; here a bit says whether the model knows an n-gram at all, which of most it
does not. Speed beside the library: `./run bench language`.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from headwater.engine.kernels import kernel
from headwater.errors import HeadwaterError
from headwater.signals.fasttext_file import hash_of, read_model

VERSION = 1  # of what is made of a text, given the model
_Vocabulary = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class FastText:
    """`labels`: without the prefix, in the model's order."""

    labels: tuple[str, ...]
    loss: int
    shape: np.ndarray  # int64: minn, maxn, word_ngrams, bucket, words
    vocabulary: _Vocabulary  # slots, hashes, begins, ends, the file's bytes, kinds
    known: np.ndarray  # uint64 [⌈bucket / 64⌉]: which n-grams have a row; empty: all
    before: np.ndarray  # uint32, as long: how many have one in the numbers before
    rows: np.ndarray  # float32 [words + n-grams, dim]
    output: np.ndarray  # float32 [labels, dim], of hierarchical softmax [inner nodes and one more, dim]
    # int32 [nodes, 2]: of hierarchical softmax the nodes below, -1 under a label; else empty
    tree: np.ndarray

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """HeadwaterError where it is none, is cut short, or is not supervised."""
        try:
            return cls(**read_model(Path(path)))
        except (struct.error, ValueError, IndexError, OverflowError, MemoryError) as error:
            raise HeadwaterError(f"{path}: not a whole fastText model ({error})") from error

    def scores(self, line: str) -> np.ndarray | None:
        """float32 [labels]: the score of each, as fastText gives them (up to 1.00001); None of a line of which the
        model knows nothing, not even its end. HeadwaterError where the line is more than one."""
        if "\n" in line:
            raise HeadwaterError("fastText judges one line at a time")
        text = np.frombuffer(line.encode("utf-8", "replace"), np.uint8)
        hidden, count = _hidden(
            text, *self.vocabulary, self.shape, self.known, self.before, self.rows, self.rows.shape[1]
        )
        if not count:
            return None
        found: np.ndarray = _scores(hidden, self.output, self.tree, self.loss, len(self.labels))
        return found

    def best(self, line: str) -> tuple[str, float] | None:
        """(label, score) of the likeliest."""
        scores = self.scores(line)
        if scores is None:
            return None
        first = int(scores.argmax())
        return self.labels[first], float(scores[first])


# ---------------------------------------------------------------- kernels


@kernel
def _entry_of(
    text: np.ndarray,
    start: int,
    end: int,
    value: np.uint32,
    slots: np.ndarray,
    hashes: np.ndarray,
    begins: np.ndarray,
    ends: np.ndarray,
    data: np.ndarray,
) -> int:
    """The number of the word or label text[start:end], whose hash is `value`; -1 where the model has none."""
    at = np.int64(value) & (len(slots) - 1)
    while slots[at] >= 0:
        entry = slots[at]
        first = begins[entry]
        if hashes[entry] == value and ends[entry] - first == end - start:
            same = True
            for i in range(end - start):
                if data[first + i] != text[start + i]:
                    same = False
                    break
            if same:
                return int(entry)
        at = (at + 1) & (len(slots) - 1)
    return -1


@kernel
def _row_of(bucket: np.int64, words: int, known: np.ndarray, before: np.ndarray) -> int:
    """The row of an n-gram; -1 where it has none."""
    if len(known) == 0:
        return int(words + bucket)
    place, bit = bucket >> 6, np.uint64(bucket & 63)
    if not known[place] >> bit & np.uint64(1):
        return -1
    rest = known[place] & (
        (np.uint64(1) << bit) - np.uint64(1)
    )  # how many of its ones come before: Warren, 5-1
    rest = rest - (rest >> np.uint64(1) & np.uint64(0x5555555555555555))
    rest = (rest & np.uint64(0x3333333333333333)) + (rest >> np.uint64(2) & np.uint64(0x3333333333333333))
    rest = (rest + (rest >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    ones = np.int64((rest * np.uint64(0x0101010101010101)) >> np.uint64(56))
    return int(words + np.int64(before[place]) + ones)


@kernel
def _hidden(
    text: np.ndarray,
    slots: np.ndarray,
    hashes: np.ndarray,
    begins: np.ndarray,
    ends: np.ndarray,
    data: np.ndarray,
    kinds: np.ndarray,
    shape: np.ndarray,
    known: np.ndarray,
    before: np.ndarray,
    rows: np.ndarray,
    width: int,
) -> tuple[np.ndarray, int]:
    """float32 [dim]: the mean row of what the line consists of, and of how many rows. dictionary.cc: getLine, and
    fasttext.cc: predict. The line's end is a word too, and where it is written out, the line ends there."""
    minn, maxn, ngrams, bucket, words = shape
    total, count = np.zeros(width, np.float32), 0
    of_words, found = np.empty(len(text) + 1, np.int32), 0
    padded = np.empty(len(text) + 6, np.uint8)
    at, last = 0, False
    while not last:
        while at < len(text) and (text[at] == 32 or 9 <= text[at] <= 13 or text[at] == 0):
            at += 1
        start = at
        while at < len(text) and not (text[at] == 32 or 9 <= text[at] <= 13 or text[at] == 0):
            at += 1
        size = at - start + 2
        padded[0] = 60  # <
        padded[1 : size - 1] = text[start:at]
        padded[size - 1] = 62  # >
        if start == at:
            size = 6
            padded[1:5] = np.frombuffer(b"</s>", np.uint8)
        last = size == 6 and _begins_with(padded, 1, 5, b"</s>")
        value = hash_of(padded, 1, size - 1, 2166136261)
        entry = _entry_of(padded, 1, size - 1, value, slots, hashes, begins, ends, data)
        if kinds[entry] == 1 if entry >= 0 else _begins_with(padded, 1, size - 1, b"__label__"):
            continue
        of_words[found] = np.int32(value)
        found += 1
        if entry >= 0:
            for d in range(width):
                total[d] += rows[entry, d]
            count += 1
        if maxn > 0 and not last:
            count += _add_pieces(padded, size, minn, maxn, bucket, words, known, before, rows, total)
    for i in range(found):
        mixed = np.uint64(np.int64(of_words[i]))
        for j in range(i + 1, min(found, i + ngrams)):
            mixed = mixed * np.uint64(116049371) + np.uint64(np.int64(of_words[j]))
            row = _row_of(np.int64(mixed % np.uint64(bucket)), words, known, before)
            if row >= 0:
                for d in range(width):
                    total[d] += rows[row, d]
                count += 1
    if count:
        scale = np.float32(1.0 / count)
        for d in range(width):
            total[d] *= scale
    return total, count


@kernel
def _begins_with(word: np.ndarray, start: int, end: int, prefix: bytes) -> bool:
    if end - start < len(prefix):
        return False
    for i in range(len(prefix)):  # noqa: SIM110
        if word[start + i] != prefix[i]:
            return False
    return True


@kernel
def _add_pieces(
    word: np.ndarray,
    size: int,
    minn: int,
    maxn: int,
    bucket: int,
    words: int,
    known: np.ndarray,
    before: np.ndarray,
    rows: np.ndarray,
    total: np.ndarray,
) -> int:
    """Adds the rows of the word's character n-grams; how many those are. dictionary.cc: computeSubwords."""
    count, share = 0, 1.0 / max(1, bucket)
    for i in range(size):
        if word[i] & 0xC0 == 0x80:
            continue
        value, j = np.uint32(2166136261), i
        for n in range(1, maxn + 1):
            if j >= size:
                break
            value = np.uint32((value ^ np.uint32(np.int8(word[j]))) * np.uint32(16777619))
            j += 1
            while j < size and word[j] & 0xC0 == 0x80:
                value = np.uint32((value ^ np.uint32(np.int8(word[j]))) * np.uint32(16777619))
                j += 1
            if n >= minn and not (n == 1 and (i == 0 or j == size)):
                # the remainder of a division by way of floats, which takes a third of the time of one by integers
                rest = np.int64(value) - np.int64(np.float64(value) * share) * bucket
                rest = rest + bucket if rest < 0 else rest - bucket if rest >= bucket else rest
                row = _row_of(rest, words, known, before)
                if row >= 0:
                    for d in range(len(total)):
                        total[d] += rows[row, d]
                    count += 1
    return count


@kernel
def _logarithm(value: np.floating) -> np.float32:
    """Loss::std_log."""
    return np.float32(np.log(value + 1e-5))


@kernel
def _scores(hidden: np.ndarray, output: np.ndarray, tree: np.ndarray, loss: int, labels: int) -> np.ndarray:
    """float32 [labels]. loss.cc: predict of each loss."""
    found = np.empty(labels, np.float32)
    if loss == 1:
        logs = np.zeros(len(tree), np.float32)
        for node in range(
            len(tree) - 1, labels - 1, -1
        ):  # from the root down: what is below has a lower number
            right = np.float32(1.0 / (1.0 + np.exp(-_dot(output, node - labels, hidden))))
            logs[tree[node, 0]] = logs[node] + _logarithm(1.0 - np.float64(right))
            logs[tree[node, 1]] = logs[node] + _logarithm(right)
        for label in range(labels):
            found[label] = np.exp(logs[label])
        return found
    for label in range(labels):
        found[label] = _dot(output, label, hidden)
    if loss == 3:
        highest, total = found.max(), np.float32(0)
        for label in range(labels):
            found[label] = np.exp(np.float64(found[label] - highest))
            total += found[label]
        found /= total
    else:
        for label in range(labels):  # a table of 512 steps from -8 to 8
            x = np.float64(found[label])
            step = np.float64(np.int64((x + 8.0) * 512 / 8.0 / 2.0)) * 2 * 8.0 / 512 - 8.0
            found[label] = 0.0 if x < -8.0 else 1.0 if x > 8.0 else 1.0 / (1.0 + np.exp(-step))
    for label in range(labels):
        found[label] = np.exp(_logarithm(found[label]))
    return found


@kernel
def _dot(matrix: np.ndarray, row: int, vector: np.ndarray) -> np.float32:
    total = np.float32(0)
    for d in range(len(vector)):
        total += matrix[row, d] * vector[d]
    return total
