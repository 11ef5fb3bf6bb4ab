"""Spans name the passages that a signal counted, in code points."""

import pytest

from headwater.signals import numeric_signals
from headwater.signals.explain import spans

TEXT = "𠮷Home | 首页\nHome | 首页\n\n- 河水涨了。\n#tag 等等…\n首页\nHome | 首页"


@pytest.mark.parametrize(
    ("signal", "passages"),
    [
        ("repetition.duplicate_lines", ["Home | 首页"]),
        ("repetition.repeated_lines", ["Home | 首页", "Home | 首页"]),
        ("fineweb.duplicate_line_characters", ["Home | 首页"]),
        ("gopher.hash_word_ratio", ["#"]),
        ("gopher.ellipsis_lines", ["…"]),
        ("gopher.bullet_lines", ["-"]),
        ("fineweb.line_punctuation", ["𠮷Home | 首页", "Home | 首页", "#tag 等等…", "首页", "Home | 首页"]),
        ("fineweb.line_punctuation_quoted", ["𠮷Home | 首页", "Home | 首页", "首页", "Home | 首页"]),
        ("gopher.words", []),
    ],
)
def test_passages(signal: str, passages: list[str]) -> None:
    assert [TEXT[start:end] for start, end in spans(signal, TEXT)] == passages


def test_repeated_windows_of_words() -> None:
    text = "河水在夜里涨了起来。" * 3
    [(start, end), *_] = spans("repetition.duplicate_5_grams", text)
    assert text[start:end] in text[:start] and start >= 5
    assert all(text[a:b] == "涨了" or len(text[a:b]) >= 2 for a, b in spans("repetition.top_2_gram", text))
    assert len(spans("repetition.top_2_gram", text)) == 3


@pytest.mark.parametrize("signal", [*numeric_signals(), "language.label", "no.signal"])
@pytest.mark.parametrize("text", ["", "。", TEXT, "a " * 40 + "河" * 40])
def test_spans_are_ascending_and_inside(signal: str, text: str) -> None:
    found = spans(signal, text)
    assert found == sorted(found) and all(0 <= start < end <= len(text) for start, end in found)
