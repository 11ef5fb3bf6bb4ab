"""Scores against the definitions that they are named after: scikit-learn, SQuAD's and CMRC's scripts, seqeval, ROUGE."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

from headwater.tasks.baseline import bag_of_words
from headwater.tasks.items import Asked, Choice, Classified, Item, Tagged, Written
from headwater.tasks.metrics import difference, scored, scores_of
from headwater.tasks.metrics.generation import rouge
from headwater.tasks.metrics.reading import cmrc, segments, squad


def test_classification_equals_scikit_learn() -> None:
    random = np.random.default_rng(0)
    labels = ["体育", "财经", "game", "never said"]
    true = [labels[n] for n in random.integers(0, 4, 300)]
    said = [labels[n] for n in random.integers(0, 3, 300)]
    items = [Classified(str(n), f"文{n}", None, label) for n, label in enumerate(true)]
    found = scored("classification", items, [{"answer": answer} for answer in said])
    assert found["accuracy"].value == pytest.approx(accuracy_score(true, said))
    assert found["macro_f1"].value == pytest.approx(f1_score(true, said, average="macro"))
    assert found["matthews"].value == pytest.approx(matthews_corrcoef(true, said))
    for score in found.values():
        assert score.low < score.value < score.high
    # the interval of a share: p ± 1.96 √(p (1 − p) / n)
    accuracy = found["accuracy"]
    half = 1.96 * (accuracy.value * (1 - accuracy.value) / 300) ** 0.5
    assert accuracy.high - accuracy.low == pytest.approx(2 * half, rel=0.1)


def test_a_difference_is_of_the_same_items() -> None:
    items = [Classified(str(n), f"文{n}", None, "好") for n in range(200)]
    ours, theirs = ([{"answer": "好" if n % 10 < right else "坏"} for n in range(200)] for right in (9, 8))
    found = difference("classification", items, ours, theirs)
    assert found.value == pytest.approx(0.1) and found.low > 0.05
    same = difference("classification", items, ours, ours)
    assert same.low == same.high == 0


@pytest.mark.parametrize(
    ("answers", "said", "exact", "f1"),
    [
        (["the Norman Dukes"], "Norman dukes.", 1.0, 1.0),  # articles, case, punctuation
        (["10th and 11th centuries"], "in the 10th century", 0.0, 2 / 7),
        (["a"], "", 1.0, 1.0),  # nothing is left of either
        ([], "", 1.0, 1.0),  # no answer, and none said
        ([], "Paris", 0.0, 0.0),
        (["Paris"], "", 0.0, 0.0),
        (["1885", "in 1885"], "in 1885", 1.0, 1.0),  # the best of several
        (["北京"], "北京。", 0.0, 0.0),  # SQuAD's knows ASCII punctuation only, and words between spaces
    ],
)
def test_squad_as_its_script_defines_it(answers: list[str], said: str, exact: float, f1: float) -> None:
    assert squad(answers, said) == pytest.approx((exact, f1))


@pytest.mark.parametrize(
    ("answers", "said", "exact", "f1"),
    [
        (["北京"], "北京。", 1.0, 1.0),  # full-width marks go
        (["《红楼梦》"], "红楼梦", 1.0, 1.0),
        (["在北京大学"], "北京大学", 0.0, 2 * 4 / 9),
        (["2007年3月"], "2007年", 0.0, 2 * 2 / 6),  # numbers are one segment
        (["甲乙丙丁"], "甲乙戊丙丁", 0.0, 2 * 2 / 9),  # the longest common substring, not subsequence
        (["Nexon开发"], "nexon开发", 1.0, 1.0),
        (["3.5%"], "3.5％", 0.0, 2 * 0 / 3),  # one segment against two: nothing in common
        ([], "", 1.0, 1.0),
        (["上海"], "", 0.0, 0.0),
        (["上海", "上海市"], "上海市", 1.0, 1.0),
    ],
)
def test_cmrc_as_its_script_defines_it(answers: list[str], said: str, exact: float, f1: float) -> None:
    assert cmrc(answers, said) == pytest.approx((exact, f1))


def test_segments_are_characters_and_words() -> None:
    assert segments("由韩国Nexon开发，2.5万人；it's (good).") == [
        "由", "韩", "国", "nexon", "开", "发", "2.5", "万", "人", "it", "'s", "(", "good", ")", "."
    ]  # fmt: skip


def test_reading_says_whose_definition_and_how_often_no_answer_was_right() -> None:
    items: list[Item] = [
        Asked("1", "王小明在北京。", "王小明在哪里？", (("北京", 4),)),
        Asked("2", "王小明在北京。", "他几岁？", ()),
    ]
    found = scores_of("reading", items, [{"answer": "北京。"}, {"answer": "王小明"}])
    assert found == {"f1": 0.5, "exact": 0.5, "squad_f1": 0.0, "squad_exact": 0.0, "no_answer_accuracy": 0.0}


def test_entities_as_seqeval_counts_them() -> None:
    true = ["B-PER I-PER O B-LOC", "O I-ORG I-ORG O", "B-PER B-PER I-LOC O", "O O", "B-LOC I-PER"]
    said = ["B-PER I-PER O B-PER", "O B-ORG I-ORG I-ORG", "B-PER I-PER I-LOC O", "B-LOC O", "B-LOC I-LOC"]
    items: list[Item] = [
        Tagged(str(n), tuple("王" * len(t.split())), tuple(t.split())) for n, t in enumerate(true)
    ]
    found = scores_of("tagging", items, [{"answer": tags.split()} for tags in said])
    # seqeval 1.2.2: f1_score, precision_score, recall_score
    assert (found["f1"], found["precision"], found["recall"]) == pytest.approx(SEQEVAL, abs=1e-6)


SEQEVAL = (4 / 15, 2 / 7, 1 / 4)


def test_rouge_has_the_values_of_rouge_score_and_counts_chinese_characters() -> None:
    # rouge-score 0.1.2 without stemming
    assert rouge("a cat was on the mat today", "the cat sat on the mat") == pytest.approx(ROUGE_A, abs=1e-6)
    assert rouge(
        "Loch Fyne provides wine and cheese; family friendly.",
        "Loch Fyne is a family-friendly restaurant providing wine and cheese.",
    ) == pytest.approx(ROUGE_B, abs=1e-6)
    # which gives 0 for Chinese; by characters 4 of 5 are the same, 2 of 4 pairs
    assert rouge("我们在北京", "我们去北京。") == pytest.approx((0.8, 0.5, 0.8))


ROUGE_A = (0.615385, 0.363636, 0.615385)
ROUGE_B = (0.736842, 0.470588, 0.526316)


def test_generation_takes_the_best_of_several_references() -> None:
    items: list[Item] = [
        Written("1", "原文一", ("他走了。", "他离开了。")),
        Written("2", "原文二", ("今天下雨。",)),
    ]
    right = scored("generation", items, [{"answer": "他离开了。"}, {"answer": "今天下雨。"}])
    assert right["rougeL"].value == right["chrf"].value == pytest.approx(100)
    wrong = scored("generation", items, [{"answer": "x"}, {"answer": ""}])
    assert wrong["rougeL"].value == wrong["bleu"].value == 0


def test_choice_and_the_bag_of_words() -> None:
    choices: list[Item] = [Choice(str(n), "", "？", ("甲", "乙"), n % 2) for n in range(4)]
    assert scores_of("choice", choices, [{"answer": 0}] * 4) == {"accuracy": 0.5}
    words = {"好": "很满意，推荐", "坏": "太差了，失望"}
    items = [Classified(str(n), f"{n}号{words[label]}", None, label) for n in range(30) for label in words]
    predictions, about = bag_of_words(items[:40], items[40:50], items[50:])
    assert [said["answer"] for said in predictions] == [item.label for item in items[50:]]
    assert about["units"] == "1 to 3 characters" and about["validation"] == 1.0
