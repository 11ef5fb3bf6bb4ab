"""What predictions are worth, by kind of task: scores, and intervals by resampling the items.

Every score is a function of sums over items (`Counted`), so that a resampled score is the same function of other
sums. Items of one group (questions to one passage) are drawn together. Percentiles of 1,000 draws, seeded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from headwater.tasks.items import Item
from headwater.tasks.metrics import classification, generation, reading, tagging
from headwater.tasks.metrics.counted import Counted

DRAWS = 1000
DECISIVE = {
    "classification": "accuracy", "choice": "accuracy", "tagging": "f1", "reading": "f1", "generation": "chrf",
}  # fmt: skip
_COUNTED: dict[str, Callable[[Sequence[Any], Sequence[Any]], Counted]] = {
    "classification": classification.counted,
    "choice": classification.counted_choice,
    "tagging": tagging.counted,
    "reading": reading.counted,
}


@dataclass(frozen=True)
class Scored:
    """A score with its 95% interval."""

    value: float
    low: float
    high: float

    def as_json(self) -> dict[str, float]:
        return {"value": round(self.value, 6), "low": round(self.low, 6), "high": round(self.high, 6)}


def decisive(kind: str, *, quick: bool = False) -> str:
    """The score that settings and epochs are chosen by; more is better."""
    return "minus_nats" if quick and kind == "generation" else DECISIVE[kind]


def scores_of(kind: str, items: Sequence[Item], predictions: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Every score of the kind, without intervals."""
    if kind == "generation":
        return {name: round(value, 6) for name, value in generation.scores(items, predictions).items()}
    counted = _COUNTED[kind](items, predictions)
    return {
        name: round(float(value[0]), 6) for name, value in counted.scores(counted.stats.sum(0)[None]).items()
    }


def scored(
    kind: str, items: Sequence[Item], predictions: Sequence[dict[str, Any]], *, seed: int = 0
) -> dict[str, Scored]:
    """Every score of the kind, with its interval."""
    if kind == "generation":
        return {name: Scored(*found) for name, found in generation.scored(items, predictions, seed).items()}
    counted = _COUNTED[kind](items, predictions)
    whole = counted.scores(counted.stats.sum(0)[None])
    [sums] = _drawn([item.group for item in items], seed, counted.stats)
    drawn = counted.scores(sums)
    return {
        name: Scored(float(value[0]), *map(float, np.nanpercentile(drawn[name], [2.5, 97.5])))
        for name, value in whole.items()
    }


def difference(
    kind: str,
    items: Sequence[Item],
    ours: Sequence[dict[str, Any]],
    theirs: Sequence[dict[str, Any]],
    *,
    seed: int = 0,
) -> Scored:
    """The decisive score of ours less that of theirs on the same items, drawn together."""
    one, other = _COUNTED[kind](items, ours), _COUNTED[kind](items, theirs)
    name = DECISIVE[kind]
    ours_drawn, theirs_drawn = _drawn([item.group for item in items], seed, one.stats, other.stats)
    drawn = one.scores(ours_drawn)[name] - other.scores(theirs_drawn)[name]
    whole = one.scores(one.stats.sum(0)[None])[name] - other.scores(other.stats.sum(0)[None])[name]
    return Scored(float(whole[0]), *map(float, np.nanpercentile(drawn, [2.5, 97.5])))


def _drawn(groups: Sequence[str], seed: int, *stats: np.ndarray) -> list[np.ndarray]:
    """Sums (draws, n) of each table (items, n) over whole groups drawn with replacement, the same draws for all."""
    _, place = np.unique(groups, return_inverse=True)
    number = int(place.max()) + 1
    of_groups = []
    for table in stats:
        sums = np.zeros((number, table.shape[1]))
        np.add.at(sums, place, table)
        of_groups.append(sums)
    random = np.random.Generator(np.random.Philox(key=seed))
    drawn: list[list[np.ndarray]] = [[] for _ in stats]
    for _ in range(DRAWS):  # one after another: a table of all draws is as large as draws × items
        counts = np.bincount(random.integers(0, number, number), minlength=number).astype(np.float64)
        for sums, made in zip(of_groups, drawn, strict=True):
            made.append(counts @ sums)
    return [np.stack(made) for made in drawn]
