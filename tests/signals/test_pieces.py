"""Words in columns: what the families count together."""

import re
import statistics

import numpy as np
import pytest

from headwater.corpus.text import words_and_symbols
from headwater.signals import gopher
from headwater.signals.pieces import _LAST, LETTER, UNPUNCTUATED, WORD, _kinds_of_characters, pieces_of
from headwater.signals.punctuation import NO_PUNCTUATION

TEXT = "他说：“Don't go，１２ 𠮷野家。”\n— U.S. 3.14 … _x_ 『』"


def test_kinds_are_those_of_the_single_pieces() -> None:
    found = pieces_of(TEXT)
    assert found.words == words_and_symbols(TEXT)
    assert found.are(LETTER).tolist() == [any(map(str.isalpha, word)) for word in found.words]
    assert found.are(UNPUNCTUATED).tolist() == [bool(NO_PUNCTUATION.search(word)) for word in found.words]
    assert found.are(WORD).tolist() == [any(c.isalnum() or c == "_" for c in word) for word in found.words]
    assert np.diff(found.starts).tolist() == [len(word) for word in found.words]


def test_characters_past_the_last_ideographs_are_of_one_kind() -> None:
    """The table of kinds is filled by rule there, not character by character."""
    rest = "".join(map(chr, range(_LAST, 0x110000)))
    assert not any(map(str.isalpha, rest)) and not re.search(r"\w", rest)
    assert NO_PUNCTUATION.fullmatch(rest)
    assert set(_kinds_of_characters()[_LAST:].tolist()) == {UNPUNCTUATED}


def test_the_last_text_is_kept_and_no_other_is_taken_for_it() -> None:
    one, other = "河水涨了。", "The river."
    assert pieces_of(one) is pieces_of(one)
    assert pieces_of(other).words == ["The", "river", "."]
    assert pieces_of(one).words[-1] == "。" and pieces_of("").words == []


@pytest.mark.parametrize(
    "words", [[], ["。"], ["a"], ["a", "河水河"], ["a", "b", "cccc"], ["a", "bb", "ccc", "dddd", "！"]]
)
def test_the_median_is_that_of_the_words(words: list[str]) -> None:
    lengths = [len(word) for word in words if NO_PUNCTUATION.search(word)]
    row = gopher.measured("".join(words), words)
    assert row[0] == len(lengths)
    assert row[2] == (statistics.median(lengths) if lengths else 0.0)
