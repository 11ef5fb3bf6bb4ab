"""Lines to paragraphs: what wrapping broke is joined; verse, tables, headings and dialogue keep their lines."""

import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.sources.extract.chapters import is_heading
from headwater.sources.extract.paragraphs import mended

SENTENCES = (
    "It was a bright cold day in April, and the clocks were striking thirteen. Winston Smith, his chin nuzzled into "
    "his breast in an effort to escape the vile wind, slipped quickly through the glass doors of Victory Mansions, "
    "though not quickly enough to prevent a swirl of gritty dust from entering along with him."
)
VERSE = (
    "Awake, my soul, and with the sun\nThy daily stage of duty run;\nShake off dull sloth,\nAnd joyful rise."
)
TABLE = "Flour        2 cups      white\nSugar        1 cup       brown\nButter       3 ounces    soft"
DIALOGUE = '"Well, Watson?"\n\n"Yes."\n\n"What do you make of it?"'


@pytest.mark.parametrize("width", [50, 60, 72, 78])
def test_what_was_wrapped_is_whole_again_and_the_rest_is_left(width):
    parts = ["CHAPTER I", SENTENCES, VERSE, SENTENCES, TABLE, DIALOGUE, SENTENCES]
    wrapped = ["\n".join(textwrap.wrap(part, width)) if part == SENTENCES else part for part in parts]
    assert mended("\n\n".join(wrapped)) == "\n\n".join(parts)


@given(
    st.lists(st.lists(st.sampled_from(["alpha", "be", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "Iota", "kappa"]), min_size=30, max_size=80),
             min_size=4, max_size=8),
    st.integers(55, 75),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_wrapping_and_mending_is_the_text(paragraphs, width):
    texts = [" ".join(words).lower().capitalize() + "." for words in paragraphs]
    assert mended("\n\n".join("\n".join(textwrap.wrap(text, width)) for text in texts)) == "\n\n".join(texts)


def test_compounds_keep_their_hyphen_and_broken_words_lose_it():
    text = (
        "The looking-glass stood there, and remember the looking-glass well. A sentence of some\n"
        "length that has the comprehensive word in it, and then again comprehensive, the looking-\n"
        "glass was not there any more for anybody who looked for it on that morning, a compre-\n"
        "hensive loss to everyone in the house, who were used to it and to everything like that--\n"
        "and more of it than anyone could say in the short time that was left for them to say it.\n"
    )
    whole = mended(text * 2)
    assert (
        "the looking-glass was not" in whole and "a comprehensive loss" in whole and "that--and more" in whole
    )


def test_paragraphs_without_blank_lines():
    lines = [
        *textwrap.wrap(SENTENCES, 70),
        '"No," said he.',
        '"Yes."',
        *textwrap.wrap(SENTENCES, 70),
        *VERSE.split("\n"),
    ] * 5
    assert (
        mended("\n".join(lines)).split("\n")
        == [SENTENCES, '"No," said he.', '"Yes."', SENTENCES, *VERSE.split("\n")] * 5
    )


def test_long_lines_are_paragraphs_already():
    text = "\n".join([SENTENCES, "Short.", SENTENCES, "and this stays"] * 5)
    assert mended(text) == text


CLASSICAL = "盖闻明主图危以制变，忠臣虑难以立权。是以有非常之人，然后有非常之事；有非常之事，然后立非常之功。夫非常者，故非常人所拟也。"


def test_chinese_that_was_wrapped_is_whole_again():
    wrapped = "\n\n".join("    " + CLASSICAL[n : n + 23] for n in range(0, len(CLASSICAL), 23))
    assert mended(
        "\n\n".join(["第一回\u3000檄文", wrapped, "诗曰：", "床前明月光，疑是地上霜。", wrapped])
    ) == (f"第一回\u3000檄文\n\n{CLASSICAL}\n\n诗曰：\n\n床前明月光，疑是地上霜。\n\n{CLASSICAL}")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("后来大半忘却 了，但自己也并不以为可惜。", "后来大半忘却了，但自己也并不以为可惜。"),
        ("到现在便成了《 呐喊》的来由，如此而已。", "到现在便成了《呐喊》的来由，如此而已。"),
        ("我 在 年 青 时 候 也 曾 做 过 梦 ， 后 来 忘 了 。", "我在年青时候也曾做过梦，后来忘了。"),
        ("他用 Python 3 写了「源头」 ，and it works。", "他用 Python 3 写了「源头」，and it works。"),
        ("第一回 说楔子敷陈大义 借名流隐括全文", "第一回 说楔子敷陈大义 借名流隐括全文"),
        ("他念道：春眠不觉晓 处处闻啼鸟。便去了。", "他念道：春眠不觉晓 处处闻啼鸟。便去了。"),
        ("内史郡\u3000三川郡\u3000河东郡，皆秦所置也。", "内史郡\u3000三川郡\u3000河东郡，皆秦所置也。"),
        (
            "容待下回再详。\u3000\u3000\u3000\u3000诸吕之诛，虽由平勃定谋。",
            "容待下回再详。\n诸吕之诛，虽由平勃定谋。",
        ),
        (
            "便望见月\n\n下的平桥内泊着一只白篷的航船，大家跳下船。",
            "便望见月\n\n下的平桥内泊着一只白篷的航船，大家跳下船。",
        ),
        (
            "很重的心忽而轻松了，一出门便望见月\n\n下的平桥内泊着船，大家跳下船。",
            "很重的心忽而轻松了，一出门便望见月下的平桥内泊着船，大家跳下船。",
        ),
        (
            "所謂回憶者，雖說可以使人歡欣\n，有時也不免使人寂寞。",
            "所謂回憶者，雖說可以使人歡欣，有時也不免使人寂寞。",
        ),
    ],
)
def test_stray_spaces_and_breaks_in_chinese(before, after):
    assert mended(before) == after


@pytest.mark.parametrize(
    ("line", "heading"),
    [
        ("CHAPTER I. Down the Rabbit-Hole", True), ("Chapter 12", True), ("XIV", True), ("BOOK THE FIRST", True), ("Letter 4", True),
        ("PREFACE", True), ("ACT II", True), ("第一百二十回\u3000甄士隐详说太虚情", True), ("正文 第一回 宴桃园豪杰三结义", True),
        ("卷三", True), ("自序", True), ("第一章", True), ("I went home.", False), ("Chapter one of my life had ended, and", False),
        ("第一回相见时，他便说了这话。", False), ("序幕拉开之后，众人散去，", False), ("", False), ("第一", False), ("book of the dead", False),
    ],
)  # fmt: skip
def test_headings(line, heading):
    assert is_heading(line) is heading


@pytest.mark.parametrize(
    "piece",
    [
        "a ",
        "CHAPTER ",
        "第一回",
        "我 ",
        "，",
        "一",
        "\u3000",
        "a-\n",
        ". ",
        "《",
        "作者：",
        "I",
        "[",
        "第" * 5 + "回",
        "by ",
    ],
)
def test_hostile_texts_take_linear_work(piece):
    import time

    from headwater.sources.extract.chapters import title_page
    from headwater.sources.extract.gutenberg import is_gutenberg, unwrapped

    def took(length: int) -> float:
        text = piece * (length // len(piece))
        begun = time.process_time()
        for whole in (text, text.replace(" ", "\n"), "Project Gutenberg EBook\n" + text):
            mended(whole)
            title_page(whole.split("\n"))
            is_gutenberg(whole)
            unwrapped(whole)
        return time.process_time() - begun

    took(1000)
    assert took(200_000) < 40 * max(took(50_000), 0.02)
