"""What models fine-tuned on tasks have reached, for the report: test scores with what stands beside them, curves over labels.

Names of tasks and labels come from files of others: the templates escape them, and nothing here writes them into a
picture but as escaped text.
"""

import math
from collections.abc import Sequence
from typing import Any

from headwater.compare.label_curves import PRETRAINED, SCRATCH, WORDS
from headwater.studio import charts

MOST_LABELS = 12  # shown of many
SPLITS = {"train": ("train", "训练"), "validation": ("validation", "验证"), "test": ("test", "测试")}
KINDS = {
    "classification": ("classification", "分类"), "tagging": ("token labelling", "序列标注"),
    "reading": ("reading comprehension", "阅读理解"), "choice": ("multiple choice", "多项选择"),
    "generation": ("generation", "生成"),
}  # fmt: skip
WINS = {
    "model": ("the model wins", "模型胜出", "good"),
    "words": ("the bag of words wins", "词袋胜出", "bad"),
    "open": ("cannot be told apart", "无法区分", "open"),
}
ARMS = {
    PRETRAINED: ("pre-trained", "预训练", "c1"), SCRATCH: ("new weights", "全新权重", "c0"),
    WORDS: ("bag of words", "词袋", "c2"),
}  # fmt: skip


def finetunings_view(results: Sequence[dict[str, Any]], curves: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """results: contents of result.json; curves: rows of `compare.label_curves.rows_of` with their model, newest measure."""
    tasks: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in curves:
        tasks.setdefault((row["task"], row["model"]), []).append(row)
    return {
        "results": [_result(one) for one in results],
        "curves": [_curve(task, model, rows) for (task, model), rows in tasks.items()],
    }


def _result(result: dict[str, Any]) -> dict[str, Any]:
    scale = 1.0 if result["kind"] == "generation" else 100.0
    name, words = result["decisive"], result.get("bag_of_words")
    difference = result.get("against_bag_of_words")
    search = result["search"]
    return {
        "task": result["task"],
        "kind": result["kind"],
        "model": f"{result['preset']} ({result['family']})",
        "folder": result["model"],
        "from_scratch": result["from_scratch"],
        "metric": name,
        "test": _scaled(result["test"][name], scale),
        "others": [
            (one, _scaled(score, scale), score["sd_over_seeds"])
            for one, score in result["test"].items()
            if one != name
        ],
        "spread": None if (sd := result["test"][name]["sd_over_seeds"]) is None else scale * sd,
        "seeds": len(result["seeds"]),
        "words": None if words is None else _scaled(words["test"][name], scale),
        "difference": None if difference is None else _scaled(difference, scale),
        "wins": None if difference is None else _winner(difference),
        "majority": None if words is None else scale * result["majority"],
        "learnt": words is None or result["test"][name]["low"] > result["majority"],
        "trials": 0 if search is None else len(search["trials"]),
        "pruned": 0 if search is None else search["pruned"],
        "settings": {k: v for k, v in result["settings"].items() if isinstance(v, int | float)},
        "scored_before": result["scored_before"],
        "cut": result["cut"],
        "card": _card(result["card"]),
    }


def _scaled(score: dict[str, Any], scale: float) -> dict[str, float]:
    return {end: scale * score[end] for end in ("value", "low", "high")}


def _winner(difference: dict[str, float]) -> str:
    return "model" if difference["low"] > 0 else "words" if difference["high"] < 0 else "open"


def _card(card: dict[str, Any]) -> dict[str, Any]:
    splits = []
    for split, some in card["splits"].items():
        labels = list((some.get("balance") or some.get("entities") or {}).items())
        whole = sum(count for _, count in labels)
        splits.append(
            {
                **some,
                "split": split,
                "labels": [(label, count / whole) for label, count in labels[:MOST_LABELS]],
                "more": max(0, len(labels) - MOST_LABELS),
            }
        )
    return {**card, "splits": splits, "shared": {pair: n for pair, n in card["in_both"].items() if n}}


# ---------------------------------------------------------------- curves over labels


def _curve(task: str, model: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Rows by number of labels, and the picture of the three arms."""
    rows = sorted(rows, key=lambda row: int(row["labels"]))
    kinds = {"helps": "good", "hurts": "bad"}
    return {
        "task": task,
        "model": model,
        "rows": [{**row, "class": kinds.get(row["verdict"], "open")} for row in rows],
        "draws": max(row["draws"] for row in rows),
        "chart": _picture(task, rows) if len(rows) > 1 else None,
        "arms": [(english, chinese, hue) for english, chinese, hue in ARMS.values()],
    }


def _picture(task: str, rows: Sequence[dict[str, Any]]) -> Any:
    labels = [int(row["labels"]) for row in rows]
    lines = [(hue, [float(row["accuracy"][arm]) for row in rows]) for arm, (_, _, hue) in ARMS.items()]
    across = charts.scale_of([math.log2(count) for count in labels])
    return charts.points_chart(
        [(across.place(math.log2(count)), f"{count:,}") for count in labels],
        lines,
        f"{task}: accuracy over labels / 准确率随标签数",
        ("labels", "标签数"),
    )
