"""A text as words and characters, its fingerprints and its windows: how exact shared passages are found.

A *word* is what stands between spaces, without the symbols at its ends (`don't`, `3.14`, `and/or` are one). Where
words are not written apart every character counts by itself, and so does the punctuation beside it: 50 characters of
Chinese are 50 characters of its text. Between words symbols do not count, but have to be the same; white space (line
breaks too) has not. Case counts: a passage is the same text.

A *window* is the shortest run from a word on that is worth `words` words or `characters` characters; in mixed text
each counts its part. Two texts share a passage where they share a window, and every window of the passage.

Most windows occur once. So a text is first known by *fingerprints* (winnowing, Schleimer et al. 2003): the least hash
of every w successive k-grams, k + w - 1 being the fewest words of a window. Whoever shares a window shares a
fingerprint in it, and only windows with a shared fingerprint are looked at (`windows`), by two hashes of 64 bits:
among N windows the chance of one false pair is N² / 2^129, 10^-19 for ten billion.
"""

import unicodedata
from dataclasses import dataclass
from functools import cache

import numpy as np

from headwater.corpus.text import codepoints
from headwater.curate.hashing import mix
from headwater.engine.kernels import kernel
from headwater.recipe.settings import Substring

VERSION = 1

_SPACE, _LETTER, _ALONE, _SYMBOL = 0, 1, 2, 3
_TABLE = 0x20000  # above it there are Han characters and little else: each is one by itself
_UNSPACED = [
    (0x0E00, 0x0EFF), (0x0F00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x19E0, 0x19FF),  # Thai to Khmer
    (0x2E80, 0x2FDF), (0x3001, 0x312F), (0x31A0, 0x31BF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF),
    (0xAA60, 0xAA7F), (0xF900, 0xFAFF), (0xFE30, 0xFE4F), (0xFF01, 0xFF9F),
]  # fmt: skip


@dataclass(frozen=True)
class Words:
    """A text's words and lone characters. *Shapes*: all (n,): `hashes` and `gaps` uint64 (the symbols before it, 0
    for none), `starts` and `ends` int64 in code points, `worth` int64."""

    hashes: np.ndarray
    gaps: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    worth: np.ndarray


def words_of(text: str, settings: Substring) -> Words:
    # a word is worth `characters`, a character is worth `words`: a window is complete at their product
    return Words(*_words(codepoints(text), _kinds(), settings.characters, settings.words))


def fingerprints(words: Words, settings: Substring) -> tuple[np.ndarray, np.ndarray]:
    """(f,) uint64 hashes of the chosen k-grams and (f,) int64 their first words, ascending."""
    grams = _grams(words.hashes, words.gaps, _size(settings))
    return _winnow(grams, fewest_words(settings) - _size(settings) + 1)


def windows(
    words: Words, places: np.ndarray, settings: Substring
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Windows that hold one of the fingerprints that begin at `places`: two uint64 hashes, start and end, all (n,)."""
    holds = np.zeros(len(words.hashes) + 1, np.int64)
    holds[places + 1] = 1
    full = settings.words * settings.characters
    return _windows(
        words.hashes, words.gaps, words.starts, words.ends, words.worth, full, np.cumsum(holds), _size(settings)
    )  # fmt: skip


def fewest_words(settings: Substring) -> int:
    """The fewest words and characters that a window can have."""
    return min(settings.words, settings.characters)


def _size(settings: Substring) -> int:
    return max(1, fewest_words(settings) // 2)


@cache
def _kinds() -> np.ndarray:
    """(131072,) uint8: what a code point is."""
    kinds = np.full(_TABLE, _SYMBOL, np.uint8)
    for code in range(_TABLE):
        character = chr(code)
        if character.isspace():
            kinds[code] = _SPACE
        elif unicodedata.category(character)[0] in "LMN":
            kinds[code] = _LETTER
    for first, last in _UNSPACED:
        kinds[first : last + 1] = _ALONE
    return kinds


@kernel
def _kind(text: np.ndarray, i: int, kinds: np.ndarray) -> int:
    if i < 0 or i >= text.shape[0]:
        return 0
    code = text[i]
    return kinds[code] if code < 0x20000 else 2


@kernel
def _words(
    text: np.ndarray, kinds: np.ndarray, a_word: int, a_character: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    length = text.shape[0]
    hashes, gaps = np.empty(length, np.uint64), np.zeros(length + 1, np.uint64)
    starts, ends, worth = np.empty(length, np.int64), np.empty(length, np.int64), np.empty(length, np.int64)
    count = 0
    inside = False  # of a word
    kind, following = 0, _kind(text, 0, kinds)
    for i in range(length):
        before, kind, following = kind, following, _kind(text, i + 1, kinds)
        code = np.uint64(text[i]) + np.uint64(0x9E3779B97F4A7C15)
        if kind == _SPACE:
            inside = False
        elif kind == _LETTER or (kind == _SYMBOL and inside and following == _LETTER):
            if inside:
                hashes[count - 1] = (hashes[count - 1] ^ code) * np.uint64(0x9FB21C651E98DF25)
                hashes[count - 1] ^= hashes[count - 1] >> np.uint64(29)
                ends[count - 1] = i + 1
            else:
                hashes[count] = mix(code)
                starts[count], ends[count], worth[count] = i, i + 1, a_word
                count += 1
                inside = True
        elif kind == _ALONE or before == _ALONE or following == _ALONE:
            hashes[count] = mix(code)
            starts[count], ends[count], worth[count] = i, i + 1, a_character
            count += 1
            inside = False
        else:
            gaps[count] = mix(gaps[count] ^ code)
            inside = False
    return hashes[:count], gaps[:count], starts[:count], ends[:count], worth[:count]


@kernel
def _grams(hashes: np.ndarray, gaps: np.ndarray, size: int) -> np.ndarray:
    """(n - size + 1,) uint64: the hash of the `size` words from each on."""
    count = max(0, hashes.shape[0] - size + 1)
    grams = np.empty(count, np.uint64)
    for begin in range(count):
        value = mix(hashes[begin])
        for i in range(begin + 1, begin + size):
            value = (value ^ hashes[i] ^ (gaps[i] >> np.uint64(1))) * np.uint64(0x9FB21C651E98DF25)
            value ^= value >> np.uint64(32)
        grams[begin] = mix(value)
    return grams


@kernel
def _winnow(grams: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The least gram, the last of equal ones, of every `width` successive ones."""
    count = grams.shape[0]
    found = np.empty(count, np.int64)
    number, least = 0, -1
    for last in range(width - 1, count):
        first = last - width + 1
        if least < first:
            least = first
            for i in range(first + 1, last + 1):
                if grams[i] <= grams[least]:
                    least = i
        elif grams[last] <= grams[least]:
            least = last
        if number == 0 or found[number - 1] != least:
            found[number] = least
            number += 1
    return grams[found[:number]], found[:number]


@kernel
def _windows(
    hashes: np.ndarray,
    gaps: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    worth: np.ndarray,
    full: int,
    holds: np.ndarray,
    size: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """`holds` (n + 1,): how many of the fingerprints begin before each word."""
    length = hashes.shape[0]
    keys, checks = np.empty(length, np.uint64), np.empty(length, np.uint64)
    first, last = np.empty(length, np.int64), np.empty(length, np.int64)
    count = end = total = 0
    for begin in range(length):
        while end < length and total < full:
            total += worth[end]
            end += 1
        if total < full:
            break
        if holds[max(begin, end - size + 1)] > holds[begin]:
            key, check = mix(hashes[begin]), mix(~hashes[begin])
            for i in range(begin + 1, end):
                word = hashes[i] ^ (gaps[i] >> np.uint64(1))
                key = (key ^ word) * np.uint64(0x9FB21C651E98DF25)
                key ^= key >> np.uint64(32)
                check = mix(check ^ word)
            keys[count], checks[count] = mix(key), check
            first[count], last[count] = starts[begin], ends[end - 1]
            count += 1
        total -= worth[begin]
    return keys[:count], checks[:count], first[:count], last[:count]


def warm() -> None:
    """Compiles the kernels, once a machine."""
    settings = Substring(words=10, characters=10)
    words = words_of("one two 三四五六七八九十。" * 4, settings)
    windows(words, fingerprints(words, settings)[1], settings)
