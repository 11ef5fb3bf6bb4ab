"""Gopher's quality measurements (Rae et al. 2021, table A1), as datatrove 0.10 computes them.

A word that is all punctuation is none where words are counted and measured, but is one in the denominators of the
ratios; lines are those of `str.splitlines`, blank ones counted; stop words are distinct and case-sensitive.
"""

import statistics

from headwater.corpus.text import words_and_symbols
from headwater.signals.punctuation import NO_PUNCTUATION

VERSION = 1
LIBRARIES = ("rjieba",)

STOP_WORDS = frozenset({"the", "be", "to", "of", "and", "that", "have", "with"})
STOP_WORDS_ZH = frozenset(
    [
        "的",
        "年",
        "在",
        "月",
        "是",
        "和",
        "日",
        "了",
        "於",
        "·",
        "為",
        "有",
        "被",
        "人",
        "中",
        "为",
        "他",
        "與",
        "後",
        "也",
        "而",
        "由",
    ]
)  # cmn_Hani.yml


def measure(text: str) -> tuple[float, ...]:
    """words … stop_words_zh, in the order of the columns."""
    return measured(text, words_and_symbols(text))


def measured(text: str, pieces: list[str]) -> tuple[float, ...]:
    """The same on words that some other tokeniser found."""
    words = [piece for piece in pieces if NO_PUNCTUATION.search(piece)]
    lengths = [len(word) for word in words]
    lines = text.splitlines()
    different = set(pieces)
    all_words, all_lines = max(1, len(pieces)), max(1, len(lines))
    return (
        len(words),
        sum(lengths) / max(1, len(words)),
        float(statistics.median(lengths)) if lengths else 0.0,
        text.count("#") / all_words,
        (text.count("...") + text.count("…")) / all_words,
        sum(line.lstrip().startswith(("•", "-")) for line in lines) / all_lines,
        sum(line.rstrip().endswith(("...", "…")) for line in lines) / all_lines,
        sum(any(map(str.isalpha, piece)) for piece in pieces) / all_words,
        len(STOP_WORDS & different),
        len(STOP_WORDS_ZH & different),
    )
