"""N-grams of words counted, the way the families need it that count all copies (dolma, DCLM).

A word is a number (the same word, the same number) and a length in characters; an n-gram is its n words, so that
"ab c" and "a bc" are two. Of a gram the kernels keep 64 bits of a hash; two different ones of a document have the
same with a probability of about 10^-13 for 1,000 words.
"""

from dataclasses import dataclass

import numpy as np

from headwater.engine.kernels import kernel


@dataclass(frozen=True)
class GramCounts:
    """Characters of n-grams of one n; every one of them 0 where the text has fewer than n words."""

    grams: int  # how many n-grams there are
    most: int  # how often the most frequent one occurs
    first_characters: int  # of the most frequent one (of several the one that comes first), once
    longest_characters: int  # of the most frequent one (of several the longest), once
    repeated: int  # in all n-grams that occur more than once, every occurrence counted
    of: int  # in all n-grams
    covered: int  # in words that lie in an n-gram that occurs more than once, each word once


def numbered(words: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """(words,) int64 twice: which word each is, and its characters."""
    numbers: dict[str, int] = {}
    which = np.fromiter((numbers.setdefault(word, len(numbers)) for word in words), np.int64, len(words))
    return which, np.fromiter(map(len, words), np.int64, len(words))


def gram_counts(which: np.ndarray, lengths: np.ndarray, longest: int = 10) -> dict[int, GramCounts]:
    """n -> what there is of n-grams, for n from 2 to `longest`."""
    counts = _counts(which, lengths, longest)
    return {n: GramCounts(*counts[n - 2].tolist()) for n in range(2, longest + 1)}


@kernel
def _counts(which: np.ndarray, lengths: np.ndarray, longest: int) -> np.ndarray:
    """(longest - 1, 7) int64, a row for each n from 2: the fields of GramCounts."""
    words = len(which)
    found = np.zeros((longest - 1, 7), np.int64)
    keys = np.empty(words, np.uint64)
    spans = lengths.copy()  # characters of the gram that begins at each word
    for w in range(words):
        keys[w] = _mixed(np.uint64(which[w]) + np.uint64(1))
    size = 16
    while size < 2 * words:
        size *= 2
    table, counts = np.zeros(size, np.uint64), np.zeros(size, np.int64)
    places = np.empty(words, np.int64)
    mask = np.uint64(size - 1)
    for n in range(2, longest + 1):
        grams = words - n + 1
        if grams < 1:
            break
        table[:] = 0
        counts[:] = 0
        for w in range(grams):
            keys[w] = _mixed(
                keys[w] ^ (np.uint64(which[w + n - 1]) + np.uint64(n) * np.uint64(0x9E3779B97F4A7C15))
            )
            spans[w] += lengths[w + n - 1]
            key = keys[w] | np.uint64(1)
            at = (key >> np.uint64(17)) & mask
            while table[at] != 0 and table[at] != key:
                at = (at + np.uint64(1)) & mask
            table[at] = key
            counts[at] += 1
            places[w] = at
        row = found[n - 2]
        row[0] = grams
        covered_to = 0
        for w in range(grams):
            count = counts[places[w]]
            row[5] += spans[w]
            if count > row[1]:
                row[1], row[2], row[3] = count, spans[w], spans[w]
            elif count == row[1] and spans[w] > row[3]:
                row[3] = spans[w]
            if count > 1:
                row[4] += spans[w]
                for k in range(max(w, covered_to), w + n):
                    row[6] += lengths[k]
                covered_to = w + n
    return found


@kernel
def _mixed(key: np.uint64) -> np.uint64:
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.uint64(key ^ (key >> np.uint64(31)))
