"""Spans name the passages that a signal counted, in code points."""

import random

import pytest

from headwater.signals import FAMILIES, numeric_signals
from headwater.signals.explain import spans
from headwater.signals.measure import module_of

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


def test_stop_words_are_marked_as_each_reading_counts_them() -> None:
    text = "The dog and THE cat"
    marked = {
        family: [text[a:b] for a, b in spans(f"{family}.stop_words", text)] for family in ("dclm", "dolma")
    }
    assert marked == {"dclm": ["The", "and", "THE"], "dolma": ["and"]}


def test_repeated_windows_of_words() -> None:
    text = "河水在夜里涨了起来。" * 3
    [(start, end), *_] = spans("repetition.duplicate_5_grams", text)
    assert text[start:end] in text[:start] and start >= 5
    assert all(text[a:b] == "涨了" or len(text[a:b]) >= 2 for a, b in spans("repetition.top_2_gram", text))
    assert len(spans("repetition.top_2_gram", text)) == 3


def test_a_paragraph_is_found_again_before_the_line_end_that_ends_the_text() -> None:
    text = "𠮷野家。\n第二行\n\n別的話。\n\n\n𠮷野家。\n第二行\n"
    assert [text[a:b] for a, b in spans("repetition.duplicate_paragraphs", text)] == ["𠮷野家。\n第二行"]


def value(signal: str, text: str) -> float:
    family, name = signal.split(".")
    places = [one.name for one in FAMILIES[family]]
    return module_of(family).measure(text)[places.index(name)]


def test_what_is_marked_is_what_was_counted() -> None:
    draw = random.Random(4)
    pieces = [
        "河水。",
        "夜里",
        "𠮷",
        "a ",
        "Home",
        "\n",
        "\n",
        "\n\n",
        "\n  夜",
        "…",
        "...",
        "- ",
        "#",
        "。”",
        "說話 ",
    ]
    for _ in range(400):
        text = "".join(draw.choice(pieces) for _ in range(draw.randint(1, 25))) * draw.choice([1, 1, 3])
        lines = [line for line in text.split("\n") if line.strip()]

        def marked(signal: str, text: str = text) -> list[str]:
            return [text[start:end] for start, end in spans(signal, text)]

        for signal in ("repetition.duplicate_line_characters", "repetition.duplicate_paragraph_characters"):
            assert len("".join(marked(signal))) == round(value(signal, text) * len(text)), (signal, text)
        for n in range(5, 11):
            signal = f"repetition.duplicate_{n}_grams"
            found = "".join("".join(marked(signal)).split())
            assert len(found) == round(value(signal, text) * len(text)), (signal, text)
        for signal in ("fineweb.line_punctuation", "fineweb.line_punctuation_quoted"):
            assert len(lines) - len(marked(signal)) == round(value(signal, text) * len(lines)), (signal, text)
        signal = "fineweb.short_lines"
        assert len(marked(signal)) == round(value(signal, text) * len(lines)), (signal, text)
        for signal in ("gopher.bullet_lines", "gopher.ellipsis_lines"):
            assert len(marked(signal)) == round(value(signal, text) * len(text.splitlines())), (signal, text)


@pytest.mark.parametrize("signal", [*numeric_signals(), "language.label", "no.signal"])
@pytest.mark.parametrize("text", ["", "。", TEXT, "a " * 40 + "河" * 40])
def test_spans_are_ascending_and_inside(signal: str, text: str) -> None:
    found = spans(signal, text)
    assert found == sorted(found) and all(0 <= start < end <= len(text) for start, end in found)
