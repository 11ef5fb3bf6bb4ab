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
    drawn = counted.scores(_weights([item.group for item in items], seed) @ counted.stats)
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
    name, weights = DECISIVE[kind], _weights([item.group for item in items], seed)
    drawn = one.scores(weights @ one.stats)[name] - other.scores(weights @ other.stats)[name]
    whole = one.scores(one.stats.sum(0)[None])[name] - other.scores(other.stats.sum(0)[None])[name]
    return Scored(float(whole[0]), *map(float, np.nanpercentile(drawn, [2.5, 97.5])))


def _weights(groups: Sequence[str], seed: int) -> np.ndarray:
    """(draws, items): how often each item is in each draw."""
    _, place = np.unique(groups, return_inverse=True)
    random = np.random.Generator(np.random.Philox(key=seed))
    number = int(place.max()) + 1
    draws = random.integers(0, number, (DRAWS, number))
    counts = np.stack([np.bincount(draw, minlength=number) for draw in draws])
    return counts[:, place].astype(np.float64)
