"""A text's words and symbols in columns, made once a text for all the families that count them."""

import re
from dataclasses import dataclass
from functools import cache

import numpy as np

from headwater.corpus.text import codepoints, sentences, words_and_symbols
from headwater.engine.kernels import kernel
from headwater.signals.punctuation import NO_PUNCTUATION

WORD, LETTER, UNPUNCTUATED = 1, 2, 4  # has a character of `\w`; a letter; one that is no punctuation


@dataclass(frozen=True)
class Pieces:
    """Words and symbols as some tokeniser found them, in the order of the text."""

    words: list[str]
    codes: np.ndarray  # (characters,) uint32: all pieces in a row
    starts: np.ndarray  # (pieces + 1,) int64: where each begins there
    kinds: np.ndarray  # (pieces,) uint8: WORD | LETTER | UNPUNCTUATED

    def are(self, kind: int) -> np.ndarray:
        """(pieces,) bool."""
        are: np.ndarray = (self.kinds & kind) != 0
        return are


_last: tuple[str, Pieces] | None = None


def pieces_of(text: str) -> Pieces:
    """Those of `corpus.text.words_and_symbols`; the last text's are kept."""
    global _last
    last = _last
    if last is None or last[0] is not text:
        last = _last = (text, pieces_from(words_and_symbols(text)))
    return last[1]


_last_sentences: tuple[str, list[tuple[int, int]]] = ("", [])


def sentences_of(text: str) -> list[tuple[int, int]]:
    """Spans as of `corpus.text.sentences`; the last text's are kept."""
    global _last_sentences
    last = _last_sentences
    if last[0] is not text:
        last = _last_sentences = (text, sentences(text))
    return last[1]


def pieces_from(words: list[str]) -> Pieces:
    """Words that any tokeniser found."""
    starts = np.zeros(len(words) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, words), np.int64, len(words)), out=starts[1:])
    codes = codepoints("".join(words))
    return Pieces(words, codes, starts, _kinds(codes, starts, _kinds_of_characters()))


def warm() -> None:
    """Compiles the kernel, once a machine."""
    pieces_from(["a"])


# Past the last block of ideographs that Unicode names there is nothing but variation selectors, tags and private use,
# none of which is a letter, of a word or punctuation.
_LAST = 0x33480


@cache
def _kinds_of_characters() -> np.ndarray:
    """(0x110000,) uint8."""
    named = "".join(map(chr, range(_LAST)))
    table = np.full(0x110000, UNPUNCTUATED, np.uint8)
    table[:_LAST] = np.fromiter(map(str.isalpha, named), np.uint8, _LAST) * np.uint8(LETTER)
    for kind, pattern in ((WORD, re.compile(r"\w+")), (UNPUNCTUATED, NO_PUNCTUATION)):
        for match in pattern.finditer(named):
            table[match.start() : match.end()] |= kind
    return table


@kernel
def _kinds(codes: np.ndarray, starts: np.ndarray, table: np.ndarray) -> np.ndarray:
    kinds = np.zeros(len(starts) - 1, np.uint8)
    for piece in range(len(kinds)):
        for i in range(starts[piece], starts[piece + 1]):
            kinds[piece] |= table[codes[i]]
    return kinds
