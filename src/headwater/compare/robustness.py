"""What a verdict is held against besides A/A: a placebo of each filter, and other learning rates.

A placebo drops documents at random at the filter's rate, so that it repeats what is left as often: what it loses is
the price of repetition, and what the filter gains over it is the quality of what it keeps.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Protocol

from headwater.compare.statistics import ArmScores, Effect, effect, interaction, percent, verdict

ALPHA = 0.05


class HasScores(Protocol):
    def scores(self) -> ArmScores: ...


def placebos(
    names: Sequence[str],
    scores: Sequence[ArmScores],
    found: Mapping[int, tuple[float, HasScores]],
    weights: Mapping[str, float],
    margin: float,
) -> list[dict[str, Any]]:
    """By candidate: its placebo against the baseline, and the candidate against its placebo."""
    rows = []
    for place, (share, runs) in sorted(found.items()):
        own = runs.scores()
        rows.append(
            {"arm": names[place], "share": share}
            | _said(effect(own, scores[0], weights), margin)
            | {"against": _said(effect(scores[place], own, weights), margin)}
        )
    return rows


def learning_rates(
    names: Sequence[str],
    scores: Sequence[ArmScores],
    found: Mapping[float, Sequence[HasScores]],
    weights: Mapping[str, float],
    margin: float,
) -> dict[str, Any]:
    """Each candidate's effect at every rate that was checked, the comparison's own (1) among them.

    It *flips* where two of these effects are resolved to different sides and differ significantly.
    """
    candidates = len(names) - 1
    arms = []
    for place in range(1, len(names)):
        effects = {1.0: effect(scores[place], scores[0], weights)}
        for factor, runs in found.items():
            effects[factor] = effect(runs[place].scores(), runs[0].scores(), weights)
        if not found:
            effects = {}
        rows = [
            {"factor": factor} | _said(one, margin, candidates) for factor, one in sorted(effects.items())
        ]
        flips = any(_flips(one, other, candidates) for one, other in combinations(effects.values(), 2))
        arms.append({"arm": names[place], "flips": flips, "effects": rows})
    return {"checked": sorted(found), "arms": arms}


def _flips(one: Effect, other: Effect, candidates: int) -> bool:
    resolved = all(
        low > 0 or high < 0 for low, high in (e.interval(candidates=candidates) for e in (one, other))
    )
    return resolved and one.delta * other.delta < 0 and interaction(one, other).p < ALPHA / candidates


def _said(found: Effect, margin: float, candidates: int = 1) -> dict[str, Any]:
    word, _ = verdict(found, margin=margin, candidates=candidates)
    low, high = found.interval(candidates=candidates)
    return {
        "percent": percent(found.delta),
        "interval": [percent(low), percent(high)],
        "verdict": word,
        "smallest_visible": percent(found.smallest_visible(candidates)),
    }
