"""Accuracy, macro F1 and Matthews' correlation, equal to scikit-learn's (a test holds them against it)."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from headwater.tasks.items import Choice, Classified
from headwater.tasks.metrics.counted import Counted


def counted(items: Sequence[Classified], predictions: Sequence[dict[str, Any]]) -> Counted:
    """Right, and by class: hits, times said, times true. Macro F1 is over classes that were true or said."""
    said = [prediction["answer"] for prediction in predictions]
    classes = sorted({*(item.label for item in items), *said})
    place = {label: number for number, label in enumerate(classes)}
    true = np.eye(len(classes))[[place[item.label] for item in items]]
    guess = np.eye(len(classes))[[place[answer] for answer in said]]
    return Counted(np.concatenate([true * guess, guess, true], 1), _scores)


def _scores(sums: np.ndarray) -> dict[str, np.ndarray]:
    hits, said, true = np.split(sums, 3, 1)
    total = true.sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        f1 = 2 * hits / (said + true)  # nan: a class that is neither true nor said
        bottom = np.sqrt((total**2 - (said**2).sum(1)) * (total**2 - (true**2).sum(1)))
        correlation = (hits.sum(1) * total - (said * true).sum(1)) / bottom
    return {
        "accuracy": hits.sum(1) / total,
        "macro_f1": np.nanmean(f1, 1),
        "matthews": np.where(bottom > 0, correlation, 0.0),
    }


def counted_choice(items: Sequence[Choice], predictions: Sequence[dict[str, Any]]) -> Counted:
    right = [float(item.answer == said["answer"]) for item, said in zip(items, predictions, strict=True)]
    stats = np.stack([np.array(right), np.ones(len(right))], 1)
    return Counted(stats, lambda sums: {"accuracy": sums[:, 0] / sums[:, 1]})
