"""Gopher's quality measurements (Rae et al. 2021, table A1), as datatrove 0.10 computes them.

A word that is all punctuation is none where words are counted and measured, but is one in the denominators of the
ratios; lines are those of `str.splitlines`, blank ones counted; stop words are distinct and case-sensitive.
"""

import numpy as np

from headwater.engine.kernels import kernel
from headwater.signals import pieces
from headwater.signals.pieces import LETTER, UNPUNCTUATED, Pieces, pieces_from, pieces_of

VERSION = 1
LIBRARIES = ("rjieba", "numba")

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
    return _measured(text, pieces_of(text))


def measured(text: str, words: list[str]) -> tuple[float, ...]:
    """The same on words that some other tokeniser found."""
    return _measured(text, pieces_from(words))


def _measured(text: str, found: Pieces) -> tuple[float, ...]:
    words, characters, median, with_letter = _words(found.starts, found.kinds)
    lines = text.splitlines()
    different = set(found.words)
    all_words, all_lines = max(1, len(found.words)), max(1, len(lines))
    return (
        words,
        characters / max(1, words),
        median,
        text.count("#") / all_words,
        (text.count("...") + text.count("…")) / all_words,
        sum(line.lstrip().startswith(("•", "-")) for line in lines) / all_lines,
        sum(line.rstrip().endswith(("...", "…")) for line in lines) / all_lines,
        with_letter / all_words,
        len(STOP_WORDS & different),
        len(STOP_WORDS_ZH & different),
    )


def warm() -> None:
    """Compiles the kernels, once a machine."""
    pieces.warm()
    measure("one two three")


@kernel
def _words(starts: np.ndarray, kinds: np.ndarray) -> tuple[int, int, float, int]:
    """How many pieces are not all punctuation, their characters, their median length, how many pieces have a letter."""
    longest = 0
    for piece in range(len(kinds)):
        longest = max(longest, starts[piece + 1] - starts[piece])
    of_length = np.zeros(longest + 2, np.int64)
    words = characters = letters = 0
    for piece in range(len(kinds)):
        letters += kinds[piece] & LETTER != 0
        if kinds[piece] & UNPUNCTUATED:
            length = starts[piece + 1] - starts[piece]
            of_length[length] += 1
            words += 1
            characters += length
    if words == 0:
        return 0, 0, 0.0, letters
    low, seen = 0, of_length[0]
    while seen < (words + 1) // 2:
        low += 1
        seen += of_length[low]
    high = low
    while seen < words // 2 + 1:
        high += 1
        seen += of_length[high]
    return words, characters, (low + high) / 2, letters
