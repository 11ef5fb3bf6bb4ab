"""The families that follow dolma, DCLM, ChineseWebText and ROOTS, counted by hand and by plain Python."""

import random
from collections import Counter

import pytest

from headwater.corpus.text import spaced_words, words
from headwater.signals import FAMILIES
from headwater.signals.measure import module_of
from headwater.signals.ngrams import gram_counts, numbered


def values(family: str, text: str) -> dict:
    return dict(zip([s.name for s in FAMILIES[family]], module_of(family).measure(text), strict=True))


def test_words_between_spaces_keep_their_punctuation_and_chinese_ones_are_cut():
    assert spaced_words("Well, it's  the #1 …") == ["Well,", "it's", "the", "#1", "…"]
    assert spaced_words("他说：“好。” Yes, 对。") == ["他", "说：“", "好。”", "Yes,", "对。"]
    assert spaced_words("。。。你好") == ["。。。", "你好"]


def test_dolma_counts_all_copies_and_symbols_by_words():
    text = "\n".join(["same line here", "other #line … #…", "same line here", "* a", " - b", "ends…"])
    row = values("dolma", text)
    assert row["words"] == 15 and row["median_word_length"] == 4
    assert row["symbol_words"] == 4 / 15 and row["alphabetic_words"] == 11 / 15
    assert row["bullet_lines"] == 1 / 6 and row["ellipsis_lines"] == 2 / 6
    assert row["duplicate_lines"] == 2 / 6
    assert row["duplicate_line_characters"] == 2 * len("same line here") / sum(map(len, text.split()))
    assert values("dolma", "the The the of")["stop_words"] == 3


def test_dclm_strips_lines_and_counts_stop_words_in_any_case():
    row = values("dclm", "  a line\n\na line  \n\n\n● bullet . . .\nThe the THE")
    assert row["duplicate_lines"] == 2 / 4 and row["duplicate_paragraphs"] == 2 / 3
    assert (row["bullet_lines"], row["ellipsis_lines"]) == (1 / 4, 1 / 4)
    assert row["stop_words"] == 3 and row["symbol_words"] == 1 / 12
    assert values("dclm", "one line\n")["duplicate_lines"] == 0.0


@pytest.mark.parametrize("language", ["en", "zh"])
def test_n_grams_are_those_that_plain_python_finds(language):
    draw = random.Random(language)
    some = ["水", "河水", "涨", "了", "夜里"] if language == "zh" else ["ab", "c", "a", "bc", "the"]
    for size in (0, 1, 2, 9, 60, 400):
        text = [draw.choice(some) for _ in range(size)]
        counted = gram_counts(*numbered(text))
        for n, found in counted.items():
            grams = [tuple(text[i : i + n]) for i in range(size - n + 1)]
            counts = Counter(grams)
            assert found.grams == len(grams)
            if not grams:
                continue
            best, most = counts.most_common(1)[0]
            assert (found.most, found.first_characters) == (most, len("".join(best)))
            assert found.longest_characters == max(len("".join(g)) for g, c in counts.items() if c == most)
            assert found.repeated == sum(c * len("".join(g)) for g, c in counts.items() if c > 1)
            assert found.of == sum(len("".join(g)) for g in grams)
            covered = {k for i, g in enumerate(grams) if counts[g] > 1 for k in range(i, i + n)}
            assert found.covered == sum(len(text[k]) for k in covered)


def test_chinesewebtext_counts_13_grams_of_characters_as_its_script_does():
    draw = random.Random(0)
    for size in (5, 13, 14, 30, 300, 2000):
        text = "".join(draw.choice("河水涨 了\nAb") for _ in range(size))
        if size > 100:
            text += text[:60]
        squeezed = "".join(character for character in text.strip().lower() if character not in " \n\t")
        grams = Counter(squeezed[i : i + 13] for i in range(len(squeezed) - 13)) or Counter([squeezed])
        expected = sum(count for count in grams.values() if count > 1) / max(1, sum(grams.values()))
        row = values("chinesewebtext", text)
        assert row["repeated_13_grams"] == pytest.approx(expected)
        assert row["mean_line_length"] == len(text) / len(text.split("\n"))
        assert row["han_characters"] == sum("\u4e00" <= c <= "\u9fa5" for c in text) / len(text)


def test_code_is_measured_as_roots_does():
    row = values("code", "def f(x):\n    return x + 1  # 加一\n")
    assert row["longest_line"] == len("    return x + 1  # 加一")
    text = "def f(x):\n    return x + 1  # 加一\n"
    assert row["non_word_characters"] == pytest.approx(
        sum(not (c.isalnum() or c == "_") for c in text) / len(text)
    )
    assert row["token_length_deviation"] == pytest.approx(3.5**0.5)  # of 3 5 6 1 1 1 1 2


def test_in_chinese_the_words_are_the_segmenters():
    text = "河水在夜里涨了起来，没有人记下水是什么时候到的。"
    assert values("dclm", text)["words"] == len(words(text)) > 10
    assert values("dolma", text)["words"] == len(words(text))  # dolma itself finds one
