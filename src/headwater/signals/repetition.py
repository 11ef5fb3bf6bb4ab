"""Gopher's repetition measurements (Rae et al. 2021, table A1), in the two readings that public tools have.

`duplicate_*` and `top_*` are datatrove's and NeMo Curator's: a duplicate is each copy after the first, shares are of
the text's characters, a 2- to 4-gram counts the spaces between its words, and the windows of duplicate 5- to
10-grams do not overlap. `repeated_*` are dolma's and DCLM's: all copies count, the first too, and shares are of the
words' characters (here of our words; dolma splits at white space, which finds none in Chinese).
"""

import re

import numpy as np

from headwater.engine.kernels import kernel
from headwater.signals.pieces import Pieces, pieces_from, pieces_of

VERSION = 1
LIBRARIES = ("rjieba", "numba")

PARAGRAPH = re.compile(r"\n{2,}")
LINE = re.compile(r"\n+")
TOP = (2, 3, 4)
DUPLICATE = (5, 6, 7, 8, 9, 10)

# Two rolling hashes modulo primes below 2^31, side by side in 62 bits: a product never leaves 64 bits.
_P, _Q = np.uint64(2_147_483_647), np.uint64(2_147_483_629)
_A, _B = np.uint64(1_103_515_245), np.uint64(1_566_083_941)


def measure(text: str) -> tuple[float, ...]:
    """The 24 columns of the family, in their order."""
    return _measured(text, pieces_of(text))


def measured(text: str, words: list[str]) -> tuple[float, ...]:
    """The same on words that some other tokeniser found."""
    return _measured(text, pieces_from(words))


def _measured(text: str, found: Pieces) -> tuple[float, ...]:
    characters = max(1, len(text))
    lines, paragraphs = LINE.split(text), PARAGRAPH.split(text.strip())
    line_copies, line_characters = copies_after_the_first(lines)
    paragraph_copies, paragraph_characters = copies_after_the_first(paragraphs)
    word_characters = max(1, len(found.codes))
    counted = _grams(found.codes, found.starts).tolist()
    top, top_characters = counted[:3], counted[3:6]
    duplicate, repeated, of = counted[6:12], counted[12:18], counted[18:]
    repeated_lines, repeated_characters = all_copies(text.split("\n"))
    return (
        line_copies / len(lines),
        line_characters / characters,
        paragraph_copies / len(paragraphs),
        paragraph_characters / characters,
        *(n / characters for n in top),
        *(n / characters for n in duplicate),
        repeated_lines / (text.count("\n") + 1),
        repeated_characters / word_characters,
        *(n / word_characters for n in top_characters),
        *(n / max(1, all_of_them) for n, all_of_them in zip(repeated, of, strict=True)),
    )


def copies_after_the_first(pieces: list[str]) -> tuple[int, int]:
    """How many pieces are a copy of an earlier one, and their characters."""
    seen: set[str] = set()
    count = characters = 0
    for piece in pieces:
        if piece in seen:
            count += 1
            characters += len(piece)
        else:
            seen.add(piece)
    return count, characters


def all_copies(pieces: list[str]) -> tuple[int, int]:
    """How many pieces occur more than once, the first included, and their characters."""
    counts: dict[str, int] = {}
    for piece in pieces:
        counts[piece] = counts.get(piece, 0) + 1
    return (
        sum(count for count in counts.values() if count > 1),
        sum(len(piece) * count for piece, count in counts.items() if count > 1),
    )


def warm() -> None:
    """Compiles the kernels, once a machine."""
    measure("one two three")


# ---------------------------------------------------------------- kernels


@kernel
def _grams(text: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """(24,): what `_top` and `_duplicate` count, one after the other."""
    first, second = _prefix_hashes(text)
    return np.concatenate((*_top(first, second, starts), *_duplicate(first, second, starts)))


@kernel
def _prefix_hashes(text: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(characters + 1,) uint64 twice: hashes of everything before each character."""
    first, second = np.zeros(len(text) + 1, np.uint64), np.zeros(len(text) + 1, np.uint64)
    for i in range(len(text)):
        one = np.uint64(text[i]) + np.uint64(1)
        first[i + 1] = (first[i] * _A + one) % _P
        second[i + 1] = (second[i] * _B + one) % _Q
    return first, second


@kernel
def _powers(longest: int) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.ones(longest + 1, np.uint64), np.ones(longest + 1, np.uint64)
    for i in range(longest):
        first[i + 1] = first[i] * _A % _P
        second[i + 1] = second[i] * _B % _Q
    return first, second


@kernel
def _stretch(
    first: np.ndarray, second: np.ndarray, a_power: np.ndarray, b_power: np.ndarray, low: int, high: int
) -> np.uint64:
    """The hash of characters low to high, never 0 (the mark of an empty slot)."""
    a = (first[high] + _P - first[low] * a_power[high - low] % _P) % _P
    b = (second[high] + _Q - second[low] * b_power[high - low] % _Q) % _Q
    return np.uint64((a << np.uint64(31)) | b | (np.uint64(1) << np.uint64(62)))


@kernel
def _slot(table: np.ndarray, key: np.uint64) -> np.int64:
    """Where a key is, or where it would go (linear probing; the table is a power of two, at most half full)."""
    mask = np.uint64(len(table) - 1)
    at = (key * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(20)) & mask
    while table[at] != 0 and table[at] != key:
        at = (at + np.uint64(1)) & mask
    return np.int64(at)


@kernel
def _size(entries: int) -> int:
    size = 16
    while size < 2 * entries:
        size *= 2
    return size


@kernel
def _top(first: np.ndarray, second: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(3,) characters in all occurrences of the most frequent 2-, 3-, 4-gram, with the spaces between its words and
    without; of several as frequent, the one that comes first."""
    words = len(starts) - 1
    spaced, bare = np.zeros(3, np.int64), np.zeros(3, np.int64)
    if words < 2:
        return spaced, bare
    a_power, b_power = _powers(int(np.max(starts[1:] - starts[:-1])))
    single = np.empty(words, np.uint64)
    for w in range(words):
        single[w] = _stretch(first, second, a_power, b_power, starts[w], starts[w + 1])
    for place in range(3):
        n = place + 2
        grams = words - n + 1
        if grams < 1:
            break
        table = np.zeros(_size(grams), np.uint64)
        counts, earliest = np.zeros(len(table), np.int64), np.zeros(len(table), np.int64)
        best = np.int64(-1)
        for w in range(grams):
            key = np.uint64(0)
            for k in range(n):
                key = (key ^ single[w + k]) * np.uint64(0xD6E8FEB86659FD93)
                key ^= key >> np.uint64(32)
            at = _slot(table, key | np.uint64(1))
            if table[at] == 0:
                table[at], earliest[at] = key | np.uint64(1), w
            counts[at] += 1
            if (
                best < 0
                or counts[at] > counts[best]
                or (counts[at] == counts[best] and earliest[at] < earliest[best])
            ):
                best = at
        w = earliest[best]
        length = starts[w + n] - starts[w]
        spaced[place], bare[place] = (length + n - 1) * counts[best], length * counts[best]
    return spaced, bare


@kernel
def _duplicate(
    first: np.ndarray, second: np.ndarray, starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(6,) each, for 5- to 10-grams: characters in windows seen before, taken left to right without overlap;
    characters in n-grams that occur more than once; characters in all n-grams. An n-gram is its words' characters
    in a row, wherever the words end."""
    words = len(starts) - 1
    duplicate, repeated, of = np.zeros(6, np.int64), np.zeros(6, np.int64), np.zeros(6, np.int64)
    if words < 5:
        return duplicate, repeated, of
    longest = 0
    for w in range(words):
        longest = max(longest, int(starts[min(words, w + 10)] - starts[w]))
    a_power, b_power = _powers(longest)
    for place in range(6):
        n = place + 5
        grams = words - n + 1
        if grams < 1:
            break
        size = _size(grams)
        table, seen = np.zeros(size, np.uint64), np.zeros(size, np.uint8)
        counts = np.zeros(size, np.int64)
        free = 0  # the first window that may begin: no overlap with one that was counted
        for w in range(grams):
            length = starts[w + n] - starts[w]
            of[place] += length
            key = _stretch(first, second, a_power, b_power, starts[w], starts[w + n])
            at = _slot(table, key)
            table[at] = key
            counts[at] += 1
            if counts[at] == 2:
                repeated[place] += 2 * length
            elif counts[at] > 2:
                repeated[place] += length
            if w >= free:
                if seen[at]:
                    duplicate[place] += length
                    free = w + n
                else:
                    seen[at] = 1
    return duplicate, repeated, of
