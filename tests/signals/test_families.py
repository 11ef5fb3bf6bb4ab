"""Each family on texts whose answer can be counted by hand, English and Chinese."""

import random
from collections import Counter

import numpy as np
import pytest

from headwater.corpus.text import words_and_symbols
from headwater.signals import (
    FAMILIES,
    han,
    hashes,
    language,
    lines,
    minhash,
    numeric_signals,
    script,
)
from headwater.signals.measure import module_of

CHINESE = "河水在夜里涨了起来，没有人记下水是什么时候到的。"


def values(family: str, text: str) -> dict:
    return dict(zip([s.name for s in FAMILIES[family]], module_of(family).measure(text), strict=True))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "text", ["", "\n", " ", "一", "…", "a", "１２３", "\U0002070e", "。\n\n。", "\t\n" * 50]
)
def test_every_family_answers_for_every_text(family: str, text: str) -> None:
    row = module_of(family).measure(text)
    assert len(row) == len(FAMILIES[family])
    for signal, value in zip(FAMILIES[family], row, strict=True):
        if f"{family}.{signal.name}" in numeric_signals():
            if family == "statistics":  # a profile says nothing of what has no words; a grade may be below 0
                assert value is None or value == value, signal
            else:
                assert value == value and value >= 0, signal  # never NaN


def test_length_counts_what_is_written() -> None:
    row = values("length", "他说：“好。”\n\nTwo words here.")
    assert row["characters"] == 7 + 2 + 15 and row["bytes"] == 7 * 3 + 2 + 15
    assert (row["words"], row["lines"], row["sentences"]) == (3 + 3, 2, 2)


@pytest.mark.parametrize(
    ("text", "label"),
    [("我爱你", "zh"), ("為什麼不呢？", "zh"), ("河水", "zh"), ("說話", "zh"), (CHINESE, "zh"), ("The river rose in the night.", "en"),
     ("これは日本語の文章です。漢字もあります。", "ja"), ("안녕하세요 여러분, 반갑습니다.", "ko"),
     ("Привет, как дела?", "ru"), ("１２３ 456 …", None), ("", None)],
)  # fmt: skip
def test_language(text: str, label: str | None) -> None:
    found, score = language.measure(text)
    assert found == label and 0 <= score <= 1


def test_a_chinese_page_with_english_in_it_is_chinese_with_a_score_that_says_so() -> None:
    found, score = language.measure(CHINESE * 3 + " Python 3.11, see the manual.")
    assert found == "zh" and score > 0.65


@pytest.mark.parametrize(
    ("text", "label"),
    [("我们说话", "Hans"), ("我們說話", "Hant"), ("山水", "Hani"), ("漢字とかな", "Jpan"), ("Hello 世", "Latn"),
     ("Привет", "Cyrl"), ("한국어", "Hang"), ("123 。！", "Zyyy")],
)  # fmt: skip
def test_script(text: str, label: str) -> None:
    found, share, letters = script.measure(text)
    assert found == label
    assert (share > 0.5 and letters > 0) if label != "Zyyy" else (share == letters == 0)


def test_han_tells_the_two_ways_of_writing_apart() -> None:
    assert han.measure("说说 ab") == (0.5, 1.0, 0.0)
    assert han.measure("說說山") == (1.0, 0.0, 2 / 3)
    assert han.measure("none") == (0.0, 0.0, 0.0)
    assert script.measure("說话12。 ")[2] == 2 / 6


def test_stop_words_are_of_one_way_of_writing_or_the_other() -> None:
    assert values("gopher", "为 了")["stop_words_zh"] == 2 and values("gopher", "為 了")["stop_words_zh"] == 2
    assert values("gopher", "The THE the of")["stop_words"] == 2  # lower case, different ones


def test_gopher_reads_lines_as_splitlines_does() -> None:
    row = values("gopher", "- 等等…\n• 還有...\n")  # the last line end begins no line
    assert row["bullet_lines"] == row["ellipsis_lines"] == 1.0


def test_a_short_line_has_at_most_thirty_characters() -> None:
    assert values("fineweb", "河" * 30 + "\n\n" + "𠮷" * 31)["short_lines"] == 0.5


def test_closing_quotes_do_not_hide_the_end_of_a_sentence() -> None:
    text = "“天亮了。”\n「再見！」\n『真的？』\n（是的。）\n没有标点的行\nHe said “yes.”\n他走了……"
    row = values("fineweb", text)
    assert row["line_punctuation"] == 0.0
    assert row["line_punctuation_quoted"] == pytest.approx(6 / 7)
    assert values("fineweb", "天亮了。\n好")["line_punctuation"] == 0.5


def test_repetition_is_found_in_text_without_spaces() -> None:
    row = values("repetition", CHINESE * 20)
    assert row["duplicate_10_grams"] > 0.8 and row["repeated_10_grams"] == 1.0 and row["top_2_gram"] > 0.1


def test_one_text_two_readings_of_duplicate_lines() -> None:
    """The ten lines of PRESETS: 0.30 where copies after the first count, 0.60 where all do."""
    text = "\n".join(["甲甲", "乙乙", "丙丙"] * 2 + [f"第{n}行" for n in range(4)])
    row = values("repetition", text)
    assert (row["duplicate_lines"], row["repeated_lines"]) == (0.3, 0.6)
    row = values("repetition", "甲\n\n乙\n甲")  # a blank line is a line to the second reading only
    assert (row["duplicate_lines"], row["repeated_lines"]) == (1 / 3, 2 / 4)


def _plain(words: list[str], n: int) -> tuple[int, float, int]:
    """Characters in windows seen before, share in n-grams that occur twice, and in the most frequent n-gram."""
    at = duplicate = 0
    seen = set()
    while at <= len(words) - n:
        gram = "".join(words[at : at + n])
        duplicate += len(gram) if gram in seen else 0
        at += n if gram in seen else 1
        seen.add(gram)
    grams = ["".join(words[i : i + n]) for i in range(len(words) - n + 1)]
    counts = Counter(grams)
    repeated = sum(len(g) * c for g, c in counts.items() if c > 1) / max(1, sum(map(len, grams)))
    top = Counter(" ".join(words[i : i + n]) for i in range(len(words) - n + 1)).most_common(1)
    return duplicate, repeated, len(top[0][0]) * top[0][1] if top else 0


def test_the_kernel_counts_what_plain_python_counts() -> None:
    draw = random.Random(3)
    for size in [*range(14), 60, 400]:
        text = "".join(
            draw.choice(["river ", "a ", "。", "河水", "夜 ", "\n", "𠮷", "ab"]) for _ in range(size)
        )
        words, row = words_and_symbols(text), values("repetition", text)
        for n in range(2, 11):
            duplicate, repeated, top = _plain(words, n)
            if n < 5:
                assert row[f"top_{n}_gram"] == top / max(1, len(text))
            else:
                assert row[f"duplicate_{n}_grams"] == duplicate / max(1, len(text))
                assert row[f"repeated_{n}_grams"] == pytest.approx(repeated, abs=1e-12)


def test_equal_texts_have_equal_hashes_and_lines_their_keys() -> None:
    assert hashes.measure(CHINESE) == hashes.measure(CHINESE) != hashes.measure(CHINESE + " ")
    [keys] = lines.measure("第１章　开始\n\n第2章 开始。\n---\nCafé 12")
    assert len(keys) == 5 and keys[1] == keys[3] == 0
    assert keys[4] == lines.measure("cafe, 99!")[0][0]
    assert len(lines.measure("第一行。\n")[0]) == 2  # as many as text.split("\n") has


def _exact(one: str, other: str) -> float:
    sets = [{tuple(t[i : i + 5]) for i in range(len(t) - 4)} for t in (list(one), list(other))]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def test_signatures_estimate_jaccard_of_chinese_text() -> None:
    draw = random.Random(5)
    one = "".join(chr(draw.randint(0x4E00, 0x9F00)) for _ in range(2000))
    for changes in (0, 20, 100, 300):
        other = list(one)
        for at in draw.sample(range(2000), changes):
            other[at] = "源"
        truth = _exact(one, "".join(other))
        a, b = minhash.measure(one), minhash.measure("，".join(["".join(other)]))
        assert abs(float((a[1] == b[1]).mean()) - truth) < 4 * (truth * (1 - truth) / 112) ** 0.5 + 1e-9
        assert (a[0] == b[0]).any() == (truth == 1.0) or truth > 0.4


def test_signatures_ignore_case_punctuation_and_line_ends_and_need_a_word() -> None:
    one, other = (
        minhash.measure("The River rose. 河水涨了！"),
        minhash.measure("the river\nROSE — 河水，涨了"),
    )
    assert np.array_equal(one[1], other[1]) and np.array_equal(one[0], other[0])
    assert minhash.measure("。！…") == (None, None) == minhash.measure("")
    assert minhash.measure("一")[0].shape == (14,) and (minhash.measure("一")[0] != 0).all()


def test_equal_values_in_different_bands_are_different_keys() -> None:
    assert len(set(minhash._band_keys(np.full(112, 7, np.uint32)).tolist())) == 14


def test_symbols_are_words_only_where_ratios_are_taken() -> None:
    text = "Well-known: “天亮了”, 3.14 #tag -- end..."
    every = words_and_symbols(text)
    seen = ["Well", "known", "天亮", "了", "3.14", "tag", "end"]
    assert [word for word in every if word in seen] == seen and len(every) > len(seen)
    assert values("length", text)["words"] == values("gopher", text)["words"] == len(seen)
    assert values("gopher", text)["hash_word_ratio"] == 1 / len(every)
    assert values("gopher", text)["alphabetic_words"] == 6 / len(every)


def test_the_language_is_that_of_the_text_and_not_of_its_first_line() -> None:
    names = "Stadia xCloud Xbox PlayStation Arcade Nvidia GeForce Luna Shadow Vortex Blacknut Utomik. "
    english = (
        "There are more devices and services to choose from than ever before, and it is hard to decide. " * 8
    )
    german = "Es gibt mehr Geräte und Dienste als je zuvor, und es ist schwer, sich zu entscheiden. " * 8
    for text, label in ((names + english, "en"), (names + german, "de"), (names + CHINESE * 30, "zh")):
        found, score = language.measure(text)
        assert found == label and score > 0.8, (text[:99], found, score)


def test_languages_and_scripts_are_told_line_by_line() -> None:
    text = (
        "首页\n河水涨了，人们都说话。\n\n河水漲了，人們都說話。\nThe river rose in the night, and nobody slept.\n"
        "123 —\n山水\nПривет, как дела?"
    )
    row = values("line_language", text)
    assert row["label"] == ["zh", "zh", "zh", "en", None, "zh", "ru"]
    assert row["script"] == ["Hans", "Hans", "Hant", "Latn", "Zyyy", "Hani", "Cyrl"]
    assert len(row["score"]) == 7 and row["score"][4] == 0 and row["score"][0] == 1
    assert row["main_share"] == 4 / 6  # of six lines with a letter
    assert row["main_script_share"] == 3 / 6  # Simplified: two lines, and the one that both write
    assert values("line_language", "繁體\n山\n水")["main_script_share"] == 1
    assert values("line_language", "123\n…") == {
        "label": [None, None],
        "score": [0, 0],
        "script": ["Zyyy", "Zyyy"],
        "main_share": 0,
        "main_script_share": 0,
    }


@pytest.mark.parametrize(
    ("text", "label"),
    [("河水上漲了" * 9 + " Python", "zh"), ("한국어 문장입니다. OK", "ko"), ("Η θάλασσα ήταν ήσυχη το βράδυ", "el"), ("น้ำขึ้นในเวลากลางคืน", "th"),
     ("東京大学の研究者", "ja"), ("NOTHING IN CAPITALS IS JAPANESE HERE", "en")],
)  # fmt: skip
def test_where_the_script_or_pieces_of_the_text_decide_the_label_is_that_of_the_whole(
    text: str, label: str
) -> None:
    assert language.measure(text)[0] == label
    long = (text + "。 ") * 200
    pieces, whole = language.measure(long), language._predict(language._lower_if_shouted(long[:2000]))
    assert pieces[0] == whole[0] == label and abs(pieces[1] - whole[1]) < 0.3


def test_a_text_of_two_languages_is_judged_by_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    predict = language._predict
    monkeypatch.setattr(language, "_predict", lambda line: (seen.append(len(line)), predict(line))[1])
    language.measure("The river rose in the night, and nobody slept. " * 40)
    assert seen == [language.PIECES * (language.PIECE + 1) - 1]
    mixed = "The river rose in the night. " * 35 + "Der Fluss stieg in der Nacht, und niemand schlief. " * 20
    language.measure(mixed)
    assert len(seen) == 3 and seen[2] > 1900
