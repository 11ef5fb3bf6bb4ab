"""Gopher's measurements as dolma's tagger `gopher_v1` takes them (Soldaini et al. 2024; python/dolma/taggers/gopher.py).

Beside datatrove's reading (families `gopher` and `repetition`) the same names mean other numbers: a word is what
stands between spaces, its punctuation with it; its length is the *median*; a symbol counts once a word that holds
it; stop words count each time; a bullet is * or - with nothing before it; an ellipsis is only …; and of duplicates
all copies count, the first too, as shares of the words' characters.

dolma finds no words in Chinese, where none stand between spaces. Here a piece that holds Han is cut by the
segmenter, and punctuation stays with the word before it as it does between spaces. Of text without Han every value
is dolma's own.
"""

import statistics

from headwater.corpus.text import spaced_words
from headwater.signals.ngrams import gram_counts, numbered
from headwater.signals.repetition import all_copies

VERSION = 1
LIBRARIES = ("rjieba", "numba")

STOP_WORDS = frozenset({"the", "be", "to", "of", "and", "that", "have", "with"})


def measure(text: str) -> tuple[float, ...]:
    """words … duplicate_10_grams, in the order of the columns."""
    return measured(text, spaced_words(text))


def measured(text: str, words: list[str]) -> tuple[float, ...]:
    """The same on words that some other tokeniser found."""
    which, lengths = numbered(words)
    characters, count = max(1, int(lengths.sum())), max(1, len(words))
    grams = gram_counts(which, lengths)
    lines = text.split("\n")
    copies, copied = all_copies(lines)
    return (
        len(words),
        float(statistics.median(lengths.tolist())) if words else 0.0,
        sum("#" in word or "…" in word for word in words) / count,
        sum(any(map(str.isalpha, word)) for word in words) / count,
        sum(word in STOP_WORDS for word in words),
        sum(line.startswith(("*", "-")) for line in lines) / len(lines),
        sum(line.endswith("…") for line in lines) / len(lines),
        copies / len(lines),
        copied / characters,
        *(grams[n].most * grams[n].first_characters / characters for n in (2, 3, 4)),
        *(grams[n].repeated / max(1, grams[n].of) for n in range(5, 11)),
    )


def warm() -> None:
    """Compiles the kernels, once a machine."""
    measure("一二三 four")
