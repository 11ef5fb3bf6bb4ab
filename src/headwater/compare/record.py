"""The scores of a comparison, unit by unit: what its inference can be repeated from, without training anything.

    comparison.units.json    {"budget", "margin", "weights": {domain: w}, "domains": {domain: bytes of each unit},
                              "arms": [{"name", "runs": [{"seed", "bits": {domain: bits per byte of each unit}}]}]}

Bits per byte are rounded to five digits after the point, far below any noise; no text and no name of a unit is in it.
"""

from typing import Any

import numpy as np

from headwater.compare.result import ArmRuns, Found
from headwater.compare.statistics import ArmScores, DomainScores

DIGITS = 5


def record_of(names: list[str], found: Found, *, margin: float, budget: str) -> dict[str, Any]:
    """The record of an arm each, in the order of `names`; runs at other rates and placebos are not in it."""
    weights = {domain: weight for domain, weight in found.weights.items() if weight > 0}
    sizes = {domain: found.arms[0].ngram[domain].bytes for domain in weights}
    return {
        "budget": budget,
        "margin": margin,
        "weights": weights,
        "domains": {domain: [int(size) for size in one] for domain, one in sizes.items()},
        "arms": [
            {"name": name, "runs": _runs(arm, weights)} for name, arm in zip(names, found.arms, strict=True)
        ],
    }


def _runs(arm: ArmRuns, weights: dict[str, float]) -> list[dict[str, Any]]:
    return [
        {
            "seed": run.seed,
            "bits": {domain: np.round(scored[domain].unit_bits, DIGITS).tolist() for domain in weights},
        }
        for run, scored in zip(arm.runs, arm.scored, strict=True)
    ]


def scores_of(record: dict[str, Any], arm: str) -> ArmScores:
    """An arm's scores: bits per byte by domain, seed and unit."""
    [runs] = [one["runs"] for one in record["arms"] if one["name"] == arm]
    return {
        domain: DomainScores(np.array([run["bits"][domain] for run in runs]), np.array(sizes, float))
        for domain, sizes in record["domains"].items()
    }
