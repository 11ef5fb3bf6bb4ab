"""MinHash signatures and their band keys, in one pass over the characters (Broder 1997; Penedo et al. 2024, 3.4).

The shingles are 5-grams of words in lower case; a Han character is a word (FineWeb-2 segments Chinese; single
characters make the same pairs similar without a dictionary). A text of fewer than 5 words is one shingle. 112
permutations h -> (a·h + b) mod 2^64, upper half, in 14 bands of 8: two texts of which a share s of shingles agrees
share a band with probability 1 - (1 - s^8)^14, half at s = 0.69.
"""

from functools import cache

import numpy as np

from headwater.corpus.text import SCRIPTS, codepoints, script_table
from headwater.engine.kernels import kernel

VERSION = 1
LIBRARIES = ("numba",)

PERMUTATIONS, BANDS, ROWS, WORDS = 112, 14, 8, 5
_MIX = np.uint64(0x9E3779B97F4A7C15)


def measure(text: str) -> tuple[np.ndarray | None, np.ndarray | None]:
    """bands, signature: (14,) uint64 and (112,) uint32, or None for a text without a word."""
    signature = np.empty(PERMUTATIONS, np.uint32)
    characters = codepoints(text)
    folded, kinds = character_tables()
    if not _sign(characters, folded, kinds, *_permutations(), signature):
        return None, None
    return _band_keys(signature), signature


def warm() -> None:
    """Compiles the kernels, once a machine."""
    measure("一二三 four")


@cache
def character_tables() -> tuple[np.ndarray, np.ndarray]:
    """(0x110000,) each: a character in lower case (uint32); 0 for no part of a word, 1 for one, 2 for a word alone."""
    everything = np.arange(0x110000, dtype=np.uint32)
    folded, kinds = everything.copy(), np.zeros(0x110000, np.uint8)
    characters = [chr(c) for c in range(0x30000)]  # beyond lie no letters but Han
    kinds[: len(characters)] = np.fromiter(map(str.isalnum, characters), np.uint8, len(characters))
    for c, character in enumerate(characters):
        if kinds[c] and not 0x3400 <= c < 0xA000 and not 0xAC00 <= c < 0xD7B0 and c < 0x20000:
            lower = character.lower()
            if len(lower) == 1:
                folded[c] = ord(lower)
    kinds[script_table() == SCRIPTS.index("Hani")] = 2
    return folded, kinds


@cache
def _permutations() -> tuple[np.ndarray, np.ndarray]:
    """(112,) uint64 each: odd multipliers and offsets, by SplitMix64 from 1."""
    with np.errstate(over="ignore"):
        state = np.arange(1, 2 * PERMUTATIONS + 1, dtype=np.uint64) * _MIX
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
    return state[:PERMUTATIONS] | np.uint64(1), state[PERMUTATIONS:]


@kernel
def _sign(
    text: np.ndarray,
    folded: np.ndarray,
    kinds: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    signature: np.ndarray,
) -> int:
    """Fills the (112,) signature; returns how many words the text has."""
    words = np.empty(len(text) + 1, np.uint64)
    count = 0
    word = np.uint64(0)
    inside = False
    for i in range(len(text)):
        kind = kinds[text[i]]
        if kind == 1:
            if not inside:
                word, inside = np.uint64(0xCBF29CE484222325), True
            word = (word ^ np.uint64(folded[text[i]])) * np.uint64(0x100000001B3)
            word ^= word >> np.uint64(29)
            continue
        if inside:
            words[count] = word
            count, inside = count + 1, False
        if kind == 2:
            words[count] = (np.uint64(text[i]) + np.uint64(77)) * _MIX
            count += 1
    if inside:
        words[count] = word
        count += 1
    signature[:] = np.uint32(0xFFFFFFFF)
    if count == 0:
        return 0
    for i in range(max(1, count - WORDS + 1)):
        shingle = np.uint64(0)
        for k in range(min(WORDS, count - i)):
            shingle = (shingle ^ words[i + k]) * _MIX
            shingle ^= shingle >> np.uint64(32)
        for j in range(len(a)):
            value = np.uint32((shingle * a[j] + b[j]) >> np.uint64(32))
            if value < signature[j]:
                signature[j] = value
    return count


@kernel
def _band_keys(signature: np.ndarray) -> np.ndarray:
    """(14,) uint64, never 0."""
    keys = np.empty(BANDS, np.uint64)
    for band in range(BANDS):
        key = np.uint64(band + 1) * _MIX
        for row in range(ROWS):
            key = (key ^ np.uint64(signature[band * ROWS + row])) * _MIX
            key ^= key >> np.uint64(31)
        keys[band] = key | np.uint64(1)
    return keys
