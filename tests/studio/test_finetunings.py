"""The report on models fine-tuned on tasks: what stands beside a score, who wins, and no name that does anything."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from headwater.engine.workspace import Workspace, write_json
from headwater.pipeline.finetune import VERSION as FORMAT
from headwater.pipeline.label_curve import VERSION as CURVES
from headwater.studio.finetunings import finetunings_view
from headwater.studio.report import report

HOSTILE = '<script>alert(1)</script>\u202e\x1b[31m"><img src=x onerror=alert(2)>'


def score(value: float) -> dict[str, Any]:
    return {"value": value, "low": value - 0.03, "high": value + 0.03, "sd_over_seeds": None}


def result(task: str, model: float, words: float, majority: float = 0.5) -> dict[str, Any]:
    lengths = {"median": 30, "95%": 60, "longest": 90}
    split = {"items": 100, "characters": lengths, "tokens": lengths, "longer_than_context": 7, "duplicates": 2,
             "conflicting": 1, "balance": {HOSTILE: 60, "好": 40}}  # fmt: skip
    card = {
        "task": task, "kind": "classification", "labels": 2, "notes": [], "left_out": {}, "files": {},
        "splits": dict.fromkeys(("train", "validation", "test"), split), "in_both": {"train and test": 12},
        "overlap": {"found": 3, "long_enough": 90, "items": 100, "words": 13, "characters": 50},
    }  # fmt: skip
    difference = {"value": model - words, "low": model - words - 0.02, "high": model - words + 0.02}
    return {
        "format": FORMAT, "task": task, "kind": "classification", "decisive": "accuracy", "model": "/w/runs/x/model",
        "family": "bert", "preset": "bert-nano", "from_scratch": False, "card": card, "search": None,
        "settings": {"epochs": 3}, "seeds": [{"seed": 0}], "test": {"accuracy": score(model)}, "parameters": 1,
        "parameters_trained": 1, "cut": 0, "scored_before": 0, "majority": majority,
        "bag_of_words": {"test": {"accuracy": score(words)}, "units": "characters"}, "against_bag_of_words": difference,
    }  # fmt: skip


def curve(labels: int, pretrained: float, scratch: float, words: float) -> dict[str, Any]:
    draw = random.Random(labels)
    right = {
        arm: ["".join(str(int(draw.random() < share)) for _ in range(200)) for _ in range(5)]
        for arm, share in (("pre-trained", pretrained), ("from scratch", scratch), ("bag of words", words))
    }
    return {"task": f"曲线{HOSTILE}", "labels": labels, "items": 200, "right": right}


@pytest.fixture
def page(tmp_path: Path) -> str:
    workspace = Workspace(tmp_path / "workspace")
    for number, one in enumerate(
        [result(HOSTILE, 0.9, 0.7), result("新闻", 0.5, 0.8, 0.6), result("评论", 0.8, 0.8)]
    ):
        write_json(workspace.path / "results" / str(number) / "result.json", one)
    measured = [curve(16, 0.6, 0.3, 0.4), curve(64, 0.8, 0.79, 0.8)]
    record = {"format": CURVES, "model": "/w/runs/x/model", "measured": measured, "folders": []}
    write_json(workspace.path / "results" / "c" / "label-curve.json", record)
    return report(workspace, tmp_path / "report.html").read_text(encoding="utf-8")


def test_scores_stand_beside_the_bag_of_words_and_curves_beside_new_weights(page: str) -> None:
    for said in (
        "the model wins", "模型胜出", "the bag of words wins", "词袋胜出", "cannot be told apart", "无法区分",
        "not above the majority label", "不高于多数类", "the task&#39;s card", "任务卡片", "[87.0,&nbsp;93.0]", "helps", "有益",
        "3 share a passage with the pre-training text", "3 道与预训练文本有相同段落",
    ):  # fmt: skip
        assert said in page, said
    assert page.count('class="curve c1"') == 1, "one line between two numbers of labels"


def test_names_of_tasks_and_labels_do_nothing(page: str) -> None:
    assert "<script" not in page and "<img" not in page
    assert "\u202e" not in page and "\x1b" not in page


def test_the_winner_is_who_the_interval_says() -> None:
    view = finetunings_view([result("a", 0.9, 0.7), result("b", 0.5, 0.8, 0.6), result("c", 0.8, 0.8)], [])
    assert [one["wins"] for one in view["results"]] == ["model", "words", "open"]
    assert [one["learnt"] for one in view["results"]] == [True, False, True]
    text = json.dumps(view, ensure_ascii=False)
    assert "好" in text
