"""What pre-training did at each number of labels: paired differences with their intervals, and the word.

Accuracies in points; above zero pre-training helps. Intervals are for all numbers of labels of a task together
(Bonferroni). The bag of words learns from the same draws, and the row says when it beats both.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from headwater.compare.paired import paired

PRETRAINED, SCRATCH, WORDS = "pre-trained", "from scratch", "bag of words"


def rows_of(measured: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """measured: what `pipeline.label_curve.measure_labels` gave."""
    rows = []
    for one in measured:
        right = {arm: table(strings) for arm, strings in one["right"].items()}
        together = sum(other["task"] == one["task"] for other in measured)
        effect = paired(right[PRETRAINED], right[SCRATCH])
        low, high = effect.interval(0.95, together)
        words = paired(right[WORDS], right[PRETRAINED])
        words_low, words_high = words.interval(0.95, together)
        rows.append({
            "task": one["task"], "labels": one["labels"], "items": one["items"], "draws": len(right[PRETRAINED]),
            "accuracy": {arm: 100 * float(table.mean()) for arm, table in right.items()},
            "difference": 100 * effect.delta, "interval": [100 * low, 100 * high],
            "verdict": "helps" if low > 0 else "hurts" if high < 0 else "cannot tell",
            "words_difference": 100 * words.delta, "words_interval": [100 * words_low, 100 * words_high],
            "words": "wins" if words_low > 0 else "loses" if words_high < 0 else "cannot tell",
        })  # fmt: skip
    return rows


def table(strings: Sequence[str]) -> np.ndarray:
    """(draws, items) of 0 and 1, of strings of such signs."""
    return np.array([[sign == "1" for sign in string] for string in strings])


def lines_of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [
        "task                 labels  pre-trained  scratch  difference (points)    pre-training  bag of words"
    ]
    for row in rows:
        accuracy, (low, high) = row["accuracy"], row["interval"]
        difference = f"{row['difference']:+.1f} [{low:+.1f}, {high:+.1f}]"
        lines.append(
            f"{row['task'][:20]:<20} {row['labels']:>6,}  {accuracy[PRETRAINED]:>11.1f}  {accuracy[SCRATCH]:>7.1f}  "
            f"{difference:<21}  {row['verdict']:<12}  {accuracy[WORDS]:.1f} ({row['words']})"
        )
    draws = {row["draws"] for row in rows}
    lines.append(
        f"{max(draws)} draws of labels; of the bag of words in brackets: against the pre-trained model. Same settings and items "
        "in all arms"
    )
    return lines
