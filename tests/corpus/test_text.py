"""Text: what normalising changes and counts, words, sentences, scripts, keys of lines."""

import itertools
import random
import unicodedata
from pathlib import Path

import pytest

from headwater.corpus.text import (
    codepoints,
    han_share,
    line_key,
    normalise,
    script,
    sentences,
    spans_of,
    words,
    words_and_symbols,
)


@pytest.mark.parametrize(
    ("raw", "clean", "changed"),
    [
        ("plain\ttext\n", "plain\ttext\n", {}),
        ("源头：“漢語”。\n", "源头：“漢語”。\n", {}),
        ("a\r\nb\rc\x85d\u2028e\x0cf", "a\nb\nc\nd\ne\nf", {"line_ends": 5}),
        ("第一\xa0章\u3000开始\u2009x", "第一 章 开始 x", {"spaces": 3}),
        ("\ufeff源\x00头\xad\x1b[0m\ud800", "源头[0m", {"control": 5}),
        ("cafe\u0301 が", "café が", {"composed": 1}),
        ("cafe\u0301，（ＡＢ１）！ﬁ", "café，（ＡＢ１）！ﬁ", {"composed": 1}),  # full width stays: never NFKC
        ("👩\u200d💻 می\u200cخواهم", "👩\u200d💻 می\u200cخواهم", {}),
    ],
)
def test_normalise(raw: str, clean: str, changed: dict[str, int]) -> None:
    assert normalise(raw) == (clean, changed)


def test_normalised_text_is_in_nfc_encodes_and_stays() -> None:
    draw = random.Random(1)
    for _ in range(300):
        raw = "".join(chr(draw.choice([draw.randrange(0x250), draw.randrange(0x2000, 0x3100),
                                       draw.randrange(0xD700, 0x10FFF)])) for _ in range(40))  # fmt: skip
        text, changed = normalise(raw)
        assert unicodedata.is_normalized("NFC", text) and text.encode("utf-8").decode("utf-8") == text
        assert normalise(text) == (text, {}) and bool(changed) == (text != raw)
        assert codepoints(text).tolist() == [ord(character) for character in text]


def all_that_is_not_white_space(text: str) -> None:
    pieces = words_and_symbols(text)
    assert "".join(pieces) == "".join(text.split())
    assert [text[start:end] for start, end in spans_of(pieces, text)] == pieces


@pytest.mark.parametrize(
    "text",
    [
        "I don't think it's O'Brien's: U.S. 3.14, io.open(x)… 12:30 well-known--",
        "我爱自然语言处理，GPT-4模型！",
        "「漢語」說話——17:00，見『冊子』",
        "𠮷野家a\nb",
    ],
)
def test_words_and_symbols_are_all_that_is_not_white_space(text: str) -> None:
    all_that_is_not_white_space(text)


def test_words_and_symbols_are_all_of_real_texts_too(real_data: Path) -> None:
    for path in [*sorted(real_data.rglob("*.txt"))[:20], real_data / "truth/langid/lingua-sentences/zh.txt"]:
        all_that_is_not_white_space(path.read_text(encoding="utf-8", errors="ignore")[:20000])


def test_words() -> None:
    assert words_and_symbols("I don't, it's “OK”...") == [
        "I",
        "do",
        "n't",
        ",",
        "it",
        "'s",
        "“",
        "OK",
        "”",
        "...",
    ]
    assert words("我爱自然语言处理，GPT-4模型！") == ["我", "爱", "自然语言", "处理", "GPT", "4", "模型"]
    assert words("他来到了网易杭研大厦")[-2:] == ["杭研", "大厦"]  # a word that no dictionary has
    assert words("繁體字：漢語、說話。") and all("。" not in word for word in words("繁體字：漢語、說話。"))
    assert words("。！？…—") == [] == words("")
    assert words_and_symbols("e.g. 3.14 io.open 1,000 a,b") == [
        "e.g.",
        "3.14",
        "io.open",
        "1,000",
        "a",
        ",",
        "b",
    ]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("他说：“你好。”然后走了……真的吗？", ["他说：“你好。”", "然后走了……", "真的吗？"]),
        ("「再見！」她說。『好。』", ["「再見！」", "她說。", "『好。』"]),
        ("Mr. Smith left. He met J. Doe at 3.14 p.m. today. Yes!", ["Mr. Smith left.", "He met J. Doe at 3.14 p.m. today.", "Yes!"]),
        ("no end\nnext line\n\n  third  ", ["no end", "next line", "third"]),
        ("wait... no? Yes... Then", ["wait... no?", "Yes...", "Then"]),
        ("", []), ("。", ["。"]),
    ],
)  # fmt: skip
def test_sentences(text: str, parts: list[str]) -> None:
    assert [text[start:end] for start, end in sentences(text)] == parts


def test_every_letter_is_in_one_sentence() -> None:
    draw = random.Random(2)
    for _ in range(200):
        text = "".join(
            draw.choice(["河", "水。", "”", "a", "B", ". ", "!", "…", "\n", " ", "Mr", "「", "」"])
            for _ in range(60)
        )
        found = sentences(text)
        assert found == sorted(found) and all(a[1] <= b[0] for a, b in itertools.pairwise(found))
        assert "".join("".join(text[s:e].split()) for s, e in found) == "".join(text.split())


def test_scripts() -> None:
    assert han_share("河水ab") == 0.5 and han_share("123") == 0.0
    assert [script(t) for t in ("说", "說", "ไทย", "ελ", "مرحبا", "한국", "")] == ["Hans", "Hant", "Thai", "Grek", "Arab", "Hang", "Zyyy"]  # fmt: skip


def test_line_keys_forget_case_digits_accents_and_punctuation() -> None:
    assert line_key("Héllo, World 12!") == line_key("hello world 99") != line_key("hello word 99")
    assert line_key("第1页，共9页") == line_key("第2页。共３页！") != line_key("第页共页")
    assert line_key("") == line_key(" \t") == line_key("———") == line_key("***") == 0
    assert line_key("ab") != line_key("a b") and 0 < line_key("源") < 2**64
