"""Paired differences of accuracies, and what a study makes of them."""

import re

import numpy as np
import pytest

from headwater.compare.label_curves import lines_of, rows_of
from headwater.compare.paired import paired, pooled
from headwater.compare.studies import objective
from headwater.compare.studies.pretraining import judge, record_of
from headwater.compare.studies.study import lines_of as lines_of_study
from headwater.compare.studies.study import result_of_study
from headwater.studio.studies import render_studies


def strings(draws: int, items: int, accuracy: float, seed: int) -> list[str]:
    random = np.random.default_rng(seed)
    return ["".join("01"[int(random.random() < accuracy)] for _ in range(items)) for _ in range(draws)]


def measured(task: str, labels: int, pre: float, scratch: float, words: float) -> dict[str, object]:
    right = {
        "pre-trained": strings(5, 400, pre, 1),
        "from scratch": strings(5, 400, scratch, 2),
        "bag of words": strings(5, 400, words, 3),
    }
    return {"task": task, "labels": labels, "items": 400, "right": right}


def test_the_variance_is_of_draws_and_of_items() -> None:
    one = np.array([[1, 1, 0, 1], [1, 1, 1, 1]])
    other = np.array([[1, 0, 0, 1], [0, 1, 0, 1]])
    found = paired(one, other)
    assert found.delta == pytest.approx((0.25 + 0.5) / 2)
    of_draws = np.var([0.25, 0.5], ddof=1) / 2
    of_items = np.var([0.5, 0.5, 0.5, 0.0], ddof=1) / 4
    assert found.variance == pytest.approx(of_draws + of_items)
    with pytest.raises(ValueError, match="two draws"):
        paired(one[:1], other[:1])


def test_the_interval_covers_what_it_says() -> None:
    """Draws with an effect of their own, items of unequal difficulty: 95% intervals hold the truth."""
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(300):
        easy = random.uniform(0.3, 0.9, 200)
        luck = random.normal(0, 0.02, (5, 1))
        one = random.random((5, 200)) < easy + 0.05 + luck
        other = random.random((5, 200)) < easy - random.normal(0, 0.02, (5, 1))
        low, high = paired(one, other).interval()
        covered += low <= 0.05 <= high
    assert covered / 300 >= 0.92


def test_rows_and_sentence_say_who_wins() -> None:
    some = [
        measured("情感", 16, 0.80, 0.55, 0.6), measured("情感", 1000, 0.81, 0.80, 0.9), measured("topic", 16, 0.5, 0.5, 0.5),
    ]  # fmt: skip
    rows = rows_of(some)
    assert [row["verdict"] for row in rows] == ["helps", "cannot tell", "cannot tell"]
    assert [row["words"] for row in rows] == ["loses", "wins", "cannot tell"]
    text = "\n".join(lines_of(rows))
    assert "情感" in text and "helps" in text
    found = judge(record_of(some, 5))
    assert not found["as_expected"], "one of two tasks"
    assert found["sentence"]["en"].startswith("Pre-training helps on 1 of 2 tasks")
    assert "词袋模型在 3 次中胜出 1 次" in found["sentence"]["zh"]
    assert found["rows"][0]["unit"] == "points"


def test_over_tasks_a_draw_is_one_value() -> None:
    one = np.array([[1, 1, 0, 1], [1, 1, 1, 1]])
    other = np.array([[1, 0, 0, 1], [0, 1, 0, 1]])
    again = pooled([(one, other), (one, other)])
    alone = paired(one, other)
    assert again.delta == pytest.approx(alone.delta)
    assert again.parts[0] == alone.parts[0], "two tasks of the same models are no more draws"
    assert sum(part for part, _ in again.parts[1:]) == pytest.approx(alone.parts[1][0] / 2)


def test_objectives_are_compared_by_accuracy_alone() -> None:
    tasks = []
    for place, task in enumerate(("情感", "topic")):
        right = {"gpt": 0.5, "bert": 0.5, "xlnet": 0.4, "t5": 0.65, "bag of words": 0.8}
        drawn = {arm: strings(4, 500, share, 9 * place + n) for n, (arm, share) in enumerate(right.items())}
        tasks.append({"task": task, "labels": 256, "items": 500, "right": drawn})
    made = objective.record_of(tasks, 4, dict.fromkeys(objective.FAMILIES, 600_000))
    result = result_of_study(objective.STUDY, made)
    found = result["found"]
    assert [len(found["rows"]), found["as_expected"]] == [4 + 2 * 3, None]
    assert {row["unit"] for row in found["rows"]} == {"points"}
    assert not any(run["bits"] for arm in made["arms"] for run in arm["runs"]), "no likelihood is ranked"
    mlm, plm, span, words = found["rows"][:4]
    assert mlm["interval"][0] < 0 < mlm["interval"][1] and plm["interval"][1] < 0
    assert span["interval"][0] > 0 and words["percent"] == pytest.approx(30, abs=4)
    assert "span 对 LM，情感，256 个标注" in [row["name"]["zh"] for row in found["rows"]][6]
    assert "词袋 +" in found["sentence"]["zh"] and found["sentence"]["en"].count("[") == 4
    assert "nothing was expected" in "\n".join(lines_of_study(result))
    page = render_studies([result], "zh")
    assert "未作预期" in page and "exploratory" in page
    shown = re.sub(r"(?s)<style>.*?</style>|<[^>]+>", "", page)
    assert "个百分点" in shown and "%" not in re.sub(r"95%", "", shown), (
        "points are no percents, on the axis neither"
    )
    assert "every training" not in shown, "there are no bits per byte to show"
