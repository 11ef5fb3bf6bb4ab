"""The traps that public tools lay for Chinese, one test each: none of the presets here falls into them."""

import pytest

from headwater.corpus.text import spaced_words, words, words_and_symbols
from headwater.curate.edits import edit
from headwater.curate.presets import C4Lines, LineEdits, load_preset
from headwater.signals import FAMILIES, fineweb, gopher
from headwater.signals.explain import spans
from headwater.sources.encoding import decode_page

PROSE = [
    "河水在夜里涨了起来，没有人记下水是什么时候到的。",
    "“你听见了吗？”老人问，“山上的石头在响，我们得走了。”",
    "「明天再說吧！」她關上門，把燈也吹滅了，屋裡只剩下雨聲。",
    "第二天早晨，教堂门口拴着十二条船，先生把它们数了两遍。",
    "他有一本册子，专记这样的事情；我们今天知道的，都从那里来。",
]


def values(family, text):
    return dict(
        zip(
            [s.name for s in FAMILIES[family]],
            {"gopher": gopher, "fineweb": fineweb}[family].measure(text),
            strict=True,
        )
    )


@pytest.mark.parametrize("preset", ["c4", "c4-datatrove", "fineweb"])
def test_line_ends_and_words_of_c4_do_not_drop_chinese_lines(preset):
    text = "\n".join(PROSE)
    assert all(len(line.split()) < 3 and not line.endswith((".", "?", "!", '"')) for line in PROSE)
    [lines] = [one.lines for one in load_preset(preset).passes if one.lines and one.lines.c4]
    assert edit(text, lines).text == text
    assert (
        edit("首页\n" + text, LineEdits(c4=C4Lines())).text == text
    )  # and it still drops what is no sentence


def test_a_closing_quote_after_the_full_stop_is_an_end_of_the_line():
    row = values("fineweb", "\n".join(PROSE))
    assert row["line_punctuation"] == 4 / 5 and row["line_punctuation_quoted"] == 1.0
    [rule] = [
        r for one in load_preset("fineweb2-zh").passes for r in one.rules or [] if "punctuation" in r.signal
    ]
    assert rule.signal == "fineweb.line_punctuation_quoted"


def test_repeated_n_grams_are_found_in_the_chinese_text_itself():
    sentence = "河水在夜里涨了起来没有人记下水是什么时候到的"
    text = f"{sentence}，{PROSE[3]}{sentence}。"
    found = spans("repetition.duplicate_10_grams", text)
    # n-grams joined by spaces ("河水 在 夜里") are nowhere in the text
    assert found and all(text[a:b] in sentence for a, b in found) and " ".join(words(sentence)) not in text


def test_stop_words_are_counted_in_both_scripts():
    simplified, traditional = (
        "因为他是这里的人，也有人说不是为了他。",
        "因為他是這裡的人，也有人說不是為了他，而是與後來的人。",
    )
    assert (
        values("gopher", simplified)["stop_words_zh"] >= 2
        and values("gopher", traditional)["stop_words_zh"] >= 2
    )
    assert {"为", "為"} <= gopher.STOP_WORDS_ZH and {"於", "與", "後"} <= gopher.STOP_WORDS_ZH
    # our own preset prefers neither script: it has no list of words
    assert not [
        r for one in load_preset("headwater-zh").passes for r in one.rules or [] if "stop" in r.signal
    ]


def test_what_a_page_says_of_its_charset_goes_before_a_guess():
    body = "<html><head><meta charset='utf-8'></head><body><p>" + PROSE[0] + "</p></body></html>"
    assert PROSE[0] in decode_page(body.encode("utf-8"), "text/html")
    declared = body.replace("utf-8", "big5").replace(PROSE[0], PROSE[2])
    assert "雨聲。" in decode_page(declared.encode("big5"), "text/html")


def test_words_are_the_segmenters_everywhere():
    assert (
        len(words(PROSE[0])) > 8 and len(words_and_symbols(PROSE[0])) > 10 and len(spaced_words(PROSE[0])) > 8
    )
