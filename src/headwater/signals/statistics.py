"""What kind of text it is, in numbers that no rule of the public recipes asks for: the profile of a corpus.

- `compression`: bytes after zstd (level 3) over bytes before. Text that repeats itself is low, noise is high; below
  some hundred bytes the format's own bytes show.
- `type_token`: different words (case folded) over words. It falls with length: compare texts of like length, or
  `heaps`, the exponent β of Heaps's law V(n) ~ n^β (Heaps 1978) between the first half of the words and all of them.
- `zipf`: the exponent s of frequency ~ rank^−s (Zipf 1949), least squares of logarithms over all ranks.
- `characters_per_sentence`, `words_per_sentence`: readability of any language; for Chinese the characters count.
- `flesch_kincaid`: the US school grade .39 words/sentence + 11.8 syllables/word − 15.59 (Kincaid et al. 1975), a group
  of vowels being a syllable and a last silent e none; null unless most letters are Latin, since it is made for English.

WIMBD (Elazar et al. 2024) profiles corpora by such numbers. On Chinese: words are segmented, sentences end in 。！？.
"""

import math
from collections import Counter
from functools import cache
from itertools import compress

import numpy as np
import zstandard

from headwater.corpus.text import letters_by_script
from headwater.engine.kernels import kernel
from headwater.signals.pieces import WORD, pieces_of, sentences_of

VERSION = 1
LIBRARIES = ("rjieba", "numba", "zstandard")

LATIN_SHARE = 0.5


def measure(text: str) -> tuple[float | None, ...]:
    """compression … flesch_kincaid, in the order of the columns."""
    data = text.encode()
    pieces = pieces_of(text)
    kept = pieces.are(WORD)
    joined = "\n".join(compress(pieces.words, kept.tolist())).lower()  # no word has a line end in it
    if not joined:
        return (None,) * 7
    words = joined.split("\n")
    counts = Counter(words)
    sentences = sentences_of(text)
    per_sentence = len(words) / max(1, len(sentences))
    letters = letters_by_script(text)
    grade = None
    if letters.get("Latn", 0) > LATIN_SHARE * sum(letters.values()):
        syllables = _syllables(pieces.codes, pieces.starts, kept)
        grade = 0.39 * per_sentence + 11.8 * syllables / len(words) - 15.59
    return (
        len(_compressor().compress(data)) / len(data),
        len(counts) / len(words),
        _zipf(counts),
        _heaps(words, len(counts)),
        sum(end - start for start, end in sentences) / max(1, len(sentences)),
        per_sentence,
        grade,
    )


def warm() -> None:
    """Compiles the kernel, once a machine."""
    measure("one two")


@cache
def _compressor() -> zstandard.ZstdCompressor:
    return zstandard.ZstdCompressor(level=3)


def _zipf(counts: "Counter[str]") -> float | None:
    """None where there are fewer than two ranks."""
    if len(counts) < 2:
        return None
    frequencies = np.sort(np.fromiter(counts.values(), np.float64, len(counts)))[::-1]
    x, y = np.log(np.arange(1, len(counts) + 1)), np.log(frequencies)
    x -= x.mean()
    return float(-(x @ y) / (x @ x))


def _heaps(words: list[str], different: int) -> float | None:
    """None for fewer than two words."""
    half = len(words) // 2
    if not half:
        return None
    return math.log(different / len(set(words[:half]))) / math.log(len(words) / half)


@kernel
def _syllables(codes: np.ndarray, starts: np.ndarray, kept: np.ndarray) -> int:
    """Groups of a, e, i, o, u, y in each word, a last e after a consonant left out; at least one a word."""
    total = 0
    for word in range(len(kept)):
        if not kept[word]:
            continue
        groups, before = 0, False
        for i in range(starts[word], starts[word + 1]):
            c = codes[i] | 32
            vowel = c == 97 or c == 101 or c == 105 or c == 111 or c == 117 or c == 121
            if vowel and not before:
                silent = c == 101 and i == starts[word + 1] - 1 and groups > 0
                groups += 0 if silent else 1
            before = vowel
        total += max(1, groups)
    return total
