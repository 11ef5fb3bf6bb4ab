"""The sentence says the verdict, its size and its limits, in both languages."""

from typing import Any

import pytest

from headwater.compare.sentence import LABELS, WORDS, sentence, signed
from headwater.studio import words


def one(**changes: Any) -> dict[str, Any]:
    domains = [{"name": "网页"}, {"name": "docs"}]
    return {
        "arm": "整理", "verdict": "helps", "negligible": False, "percent": -2.94, "interval": [-4.1, -1.7],
        "smallest_visible": 1.63, "seeds_needed": None, "domains": domains,
        "worst_domain": {"name": "docs", "percent": 0.4}, "ngram_percent": -3.3, "ngram_agrees": True, **changes,
    }  # fmt: skip


def said(*candidates: dict[str, Any], labels: tuple[str, ...] = ()) -> dict[str, str]:
    return sentence(
        {"candidates": list(candidates), "aa": {"percent": 0.3}, "placebos": [], "labels": list(labels)}
    )


def test_a_whole_sentence() -> None:
    spoken = said(one(), labels=("this corpus",))
    assert spoken["en"] == (
        "整理 helps: −2.9% [−4.1, −1.7] bits per byte over 2 domains, worst domain docs +0.4%; A/A +0.3%; "
        "smallest visible difference 1.6%; the n-gram agrees (−3.3%) (this corpus)."
    )
    assert spoken["zh"] == (
        "整理 有益：每字节比特数 −2.9% [−4.1, −1.7]，共 2 个领域，最差的领域 docs +0.4%；A/A +0.3%；"
        "可见的最小差别 1.6%；n-gram 一致（−3.3%）（仅就本语料而言）。"
    )


@pytest.mark.parametrize("verdict", WORDS)
def test_every_verdict_has_its_sentence(verdict: str) -> None:
    spoken = said(one(verdict=verdict))
    assert spoken["en"].startswith(f"整理{' ' if verdict in ('helps', 'hurts') else ': '}{verdict}: −2.9%")
    assert spoken["zh"].startswith(f"整理 {WORDS[verdict]}：")
    # only a direction can be agreed with
    assert ("agrees" in spoken["en"]) == ("一致" in spoken["zh"]) == (verdict in ("helps", "hurts"))


def test_what_would_decide() -> None:
    few, many = said(one(verdict="cannot tell", seeds_needed=14)), said(one(verdict="cannot tell"))
    assert (
        "; about 14 seeds an arm would decide;" in few["en"] and "；每臂约 14 个种子可见分晓；" in few["zh"]
    )
    assert "more held-out text, or more than 100 seeds" in many["en"] and "超过 100 个种子" in many["zh"]


def test_negligible_effects_and_single_domains() -> None:
    spoken = said(one(negligible=True, domains=[{"name": "网页"}]))
    assert "helps, but by a negligible amount: " in spoken["en"] and "有益，但幅度可以忽略：" in spoken["zh"]
    assert "over 1 domain;" in spoken["en"] and "worst" not in spoken["en"] and "最差" not in spoken["zh"]


def test_a_line_for_each_candidate() -> None:
    spoken = said(one(arm="甲"), one(arm="乙", verdict="hurts"), labels=tuple(LABELS))
    for language, ending in (("en", ")."), ("zh", "）。")):
        lines = spoken[language].split("\n")
        assert [line[0] for line in lines] == ["甲", "乙"] and all(line.endswith(ending) for line in lines)


def test_numbers_carry_a_sign_and_nothing_is_minus_zero() -> None:
    assert [signed(value) for value in (-2.94, 0.04, -0.04, 0.36)] == ["−2.9", "+0.0", "+0.0", "+0.4"]
    assert signed(-0.004, 2) == "+0.00" and signed(-0.006, 2) == "−0.01"


def test_the_report_says_the_same_words() -> None:
    assert {verdict: chinese for verdict, (_, chinese, _) in words.VERDICTS.items()} == WORDS
    assert {label: words.LABELS[label][:2] for label in LABELS} == {
        label: (label, chinese) for label, chinese in LABELS.items()
    }
