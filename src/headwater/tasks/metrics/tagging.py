"""F1 of entities, micro-averaged: an entity counts where type, beginning and end are all right (CoNLL 2000's conlleval).

IOB2, read leniently as conlleval and seqeval do: an I- that follows no tag of its type begins an entity. seqeval
itself has had no release since 2020, and is not used; a test holds our values against values computed with it.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from headwater.tasks.items import Tagged
from headwater.tasks.metrics.counted import Counted


def entities(tags: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """(type, first word, last word + 1)."""
    kind, start = "", 0
    for place, tag in enumerate([*tags, "O"]):
        mark, _, name = tag.partition("-")
        name = name or "_"
        if kind and (mark != "I" or name != kind):
            yield kind, start, place
            kind = ""
        if not kind and mark in ("B", "I"):
            kind, start = name, place


def counted(items: Sequence[Tagged], predictions: Sequence[dict[str, Any]]) -> Counted:
    rows = []
    for item, prediction in zip(items, predictions, strict=True):
        true, said = set(entities(item.tags)), set(entities(prediction["answer"]))
        same = sum(one == other for one, other in zip(item.tags, prediction["answer"], strict=True))
        rows.append([len(true & said), len(said), len(true), same, len(item.tags)])
    return Counted(np.array(rows, np.float64), _scores)


def _scores(sums: np.ndarray) -> dict[str, np.ndarray]:
    hits, said, true, same, words = sums.T
    with np.errstate(divide="ignore", invalid="ignore"):
        f1 = np.where(said + true > 0, 2 * hits / (said + true), 0.0)
        precision = np.where(said > 0, hits / said, 0.0)
        recall = np.where(true > 0, hits / true, 0.0)
    return {"f1": f1, "precision": precision, "recall": recall, "tag_accuracy": same / words}
