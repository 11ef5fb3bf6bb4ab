"""The profile's numbers, worked out by hand, English and Chinese."""

import math
import random

import pytest

from headwater.signals import FAMILIES, statistics


def values(text: str) -> dict:
    return dict(zip([s.name for s in FAMILIES["statistics"]], statistics.measure(text), strict=True))


def test_readability_of_english_is_flesch_and_kincaids() -> None:
    row = values("The cat sat. The little table was made there.")
    # the cat sat | the lit-tle(1: the last e is silent) ta-ble(1) was made there: 3 + 1+1+1+1+1+1
    assert row["words_per_sentence"] == 9 / 2
    assert row["flesch_kincaid"] == pytest.approx(0.39 * 9 / 2 + 11.8 * 9 / 9 - 15.59)
    assert values("Banana idea.")["flesch_kincaid"] == pytest.approx(0.39 * 2 + 11.8 * 5 / 2 - 15.59)


def test_chinese_has_characters_per_sentence_and_no_grade() -> None:
    row = values("河水涨了。人们走到河边看水！")
    assert row["characters_per_sentence"] == (5 + 9) / 2 and row["flesch_kincaid"] is None
    assert 0 < row["type_token"] <= 1


def test_types_tokens_and_the_two_laws() -> None:
    row = values("a b a c A b d e")
    assert row["type_token"] == 5 / 8  # a, b, c, d, e
    assert row["heaps"] == pytest.approx(math.log(5 / 3) / math.log(2))
    words = [f"w{rank}x" for rank in range(1, 60) for _ in range(round(600 / rank))]
    random.Random(1).shuffle(words)
    assert values(" ".join(words))["zipf"] == pytest.approx(1, abs=0.05)
    assert values("word")["zipf"] is None and values("word")["heaps"] is None


def test_what_repeats_compresses_and_noise_does_not() -> None:
    draw = random.Random(2)
    noise = "".join(chr(draw.randint(0x4E00, 0x9FFF)) for _ in range(2000))
    assert values("河水在夜里涨了起来。" * 200)["compression"] < 0.02 < 0.6 < values(noise)["compression"]
    assert set(values("。！ …").values()) == {None} == set(values("").values())
