"""The scores of a comparison, unit by unit: what its inference can be repeated from, without training anything.

    comparison.units.json    {"budget", "margin", "weights": {domain: w}, "domains": {domain: bytes of each unit},
                              "arms": [{"name", "text": {"documents", "bytes", "tokens", "epochs"},
                                        "ngram": {domain: bits per byte of each unit},
                                        "runs": [{"seed", "bits": {domain: bits per byte of each unit}}]}]}

`text` is what an arm trains on, and how often a training reads it; `ngram` is the byte 5-gram of that text. Bits per
byte are rounded to five digits after the point, far below any noise; no text and no name of a unit is in it.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from headwater.compare.found import ArmRuns, Found
from headwater.compare.preparation import Prepared
from headwater.compare.statistics import ArmScores, DomainScores

DIGITS = 5


def record_of(prepared: Prepared, found: Found, *, margin: float, budget: str) -> dict[str, Any]:
    """The record of every arm, in order; runs at other rates and placebos are not in it."""
    weights = {domain: weight for domain, weight in found.weights.items() if weight > 0}
    sizes = {domain: found.arms[0].ngram[domain].bytes for domain in weights}
    return {
        "budget": budget,
        "margin": margin,
        "weights": weights,
        "domains": {domain: [int(size) for size in one] for domain, one in sizes.items()},
        "arms": [
            {
                "name": arm.name,
                "text": _text(prepared.manifest(place), runs),
                "ngram": {domain: _rounded(runs.ngram[domain].unit_bits) for domain in weights},
                "runs": _runs(runs, weights),
            }
            for place, (arm, runs) in enumerate(zip(prepared.arms, found.arms, strict=True))
        ],
    }


def _text(manifest: dict[str, Any], arm: ArmRuns) -> dict[str, Any]:
    epochs = max(max(run.result["epochs"].values()) for run in arm.runs)
    return {name: manifest[name] for name in ("documents", "bytes", "tokens")} | {"epochs": round(epochs, 3)}


def _runs(arm: ArmRuns, weights: dict[str, float]) -> list[dict[str, Any]]:
    return [
        {"seed": run.seed, "bits": {domain: _rounded(scored[domain].unit_bits) for domain in weights}}
        for run, scored in zip(arm.runs, arm.scored, strict=True)
    ]


def _rounded(bits: np.ndarray) -> list[float]:
    rounded: list[float] = np.round(bits, DIGITS).tolist()
    return rounded


def scores_of(record: dict[str, Any], arm: str) -> ArmScores:
    """An arm's scores: bits per byte by domain, seed and unit."""
    runs = arm_of(record, arm)["runs"]
    return {
        domain: DomainScores(np.array([run["bits"][domain] for run in runs]), np.array(sizes, float))
        for domain, sizes in record["domains"].items()
    }


def ngram_score(record: dict[str, Any], arm: str, weights: Mapping[str, float]) -> float:
    """y of the arm's byte 5-gram over the domains of `weights`."""
    bits = arm_of(record, arm)["ngram"]
    sizes = record["domains"]
    return sum(
        weight * math.log(np.average(bits[domain], weights=sizes[domain]))
        for domain, weight in weights.items()
    )


def arm_of(record: dict[str, Any], name: str) -> dict[str, Any]:
    [found] = [arm for arm in record["arms"] if arm["name"] == name]
    return dict(found)
