"""Gopher's measurements as DCLM takes them (Li et al. 2024; baselines/mappers/filters/content_filters.py).

A third reading beside datatrove's (`gopher`, `repetition`) and dolma's: lines and paragraphs are stripped and the
empty ones left out, all copies count and shares are of the characters of what is left; of a top n-gram the longest
of those as frequent; a duplicate n-gram covers words, and no word counts twice; n-grams are of words without
punctuation; stop words count each time, in any case. A text of one line (or paragraph) repeats nothing.

DCLM takes the words of repetitions and lengths from uniseg and all others from the spaces between them; here they
are ours (`corpus.text`), which agree on English but for hyphens and clitics, and are cut by the segmenter in
Chinese, of which uniseg makes words of one character.
"""

import re
from collections import Counter

from headwater.corpus.text import spaced_words, words
from headwater.signals.ngrams import gram_counts, numbered

VERSION = 1
LIBRARIES = ("rjieba", "numba")

STOP_WORDS = frozenset({"the", "be", "to", "of", "and", "that", "have", "with"})
SYMBOL = re.compile(r"#|\.\.\.|\. \. \.|…")
BULLETS, ELLIPSES = ("●", "•", "*", "-"), ("...", ". . .", "…")


def measure(text: str) -> tuple[float, ...]:
    """words … duplicate_10_grams, in the order of the columns."""
    without, spaced = words(text), spaced_words(text)
    count = max(1, len(spaced))
    which, lengths = numbered(without)
    characters = max(1, int(lengths.sum()))
    grams = gram_counts(which, lengths)
    lines, paragraphs = _pieces(text, "\n"), _pieces(text, "\n\n")
    return (
        len(without),
        sum(map(len, spaced)) / count,
        len(SYMBOL.findall(text)) / count,
        sum(any(map(str.isalpha, word)) for word in spaced) / count,
        sum(word.lower() in STOP_WORDS for word in spaced),
        sum(line.startswith(BULLETS) for line in lines) / max(1, len(lines)),
        sum(line.endswith(ELLIPSES) for line in lines) / max(1, len(lines)),
        *_copies(lines),
        *_copies(paragraphs),
        *(
            grams[n].most * grams[n].longest_characters / characters if grams[n].most > 1 else 0.0
            for n in (2, 3, 4)
        ),
        *(grams[n].covered / characters for n in range(5, 11)),
    )


def _pieces(text: str, end: str) -> list[str]:
    return [piece for part in text.split(end) if (piece := part.strip())]


def _copies(pieces: list[str]) -> tuple[float, float]:
    """The share of the pieces that occur more than once, and of their characters."""
    if len(pieces) < 2:
        return 0.0, 0.0
    repeated = [(piece, count) for piece, count in Counter(pieces).items() if count > 1]
    return (
        sum(count for _, count in repeated) / len(pieces),
        sum(len(piece) * count for piece, count in repeated) / sum(map(len, pieces)),
    )


def warm() -> None:
    """Compiles the kernels, once a machine."""
    measure("一二三 four")
