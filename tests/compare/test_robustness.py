"""Placebos and other learning rates: what they are held against, and when a verdict is said to flip."""

import numpy as np
import pytest

from headwater.compare.robustness import learning_rates, placebos
from headwater.compare.statistics import ArmScores, DomainScores

WEIGHTS = {"新闻": 1.0}


class Runs:
    def __init__(self, shift: float, seed: int, seeds: int = 3, noise: float = 0.001) -> None:
        random = np.random.default_rng(seed)
        bits = np.exp(
            0.9 + shift + random.normal(0, noise, (seeds, 1)) + random.normal(0, 0.002, (seeds, 20))
        )
        self.found: ArmScores = {"新闻": DomainScores(bits, np.full(20, 1000.0))}

    def scores(self) -> ArmScores:
        return self.found


def flips(low: float, own: float, high: float, noise: float = 0.001) -> bool:
    """Of one candidate with these effects at a quarter, at its own and at four times the rate."""
    scores = [Runs(0.0, 1, 6).scores(), Runs(own, 2, noise=noise).scores()]
    rates = {0.25: [Runs(0.0, 3), Runs(low, 4, noise=noise)], 4.0: [Runs(0.0, 5), Runs(high, 6, noise=noise)]}
    found = learning_rates(["原始", "整理"], scores, rates, WEIGHTS, 0.01)
    assert found["checked"] == [0.25, 4.0]
    [arm] = found["arms"]
    assert [row["factor"] for row in arm["effects"]] == [0.25, 1.0, 4.0]
    assert [row["percent"] for row in arm["effects"]] == pytest.approx(
        [100 * np.expm1(effect) for effect in (low, own, high)], abs=100 * 4 * noise
    )
    return bool(arm["flips"])


def test_an_order_flips_where_both_sides_are_resolved() -> None:
    assert flips(-0.05, -0.05, 0.05)
    assert not flips(-0.05, -0.01, -0.02)  # larger or smaller, but never the other way round
    assert not flips(-0.05, -0.05, 0.05, noise=0.1)  # nothing is resolved
    nothing = learning_rates(["原始", "整理"], [Runs(0, 1).scores(), Runs(1, 2).scores()], {}, WEIGHTS, 0.01)
    assert nothing == {"checked": [], "arms": [{"arm": "整理", "flips": False, "effects": []}]}


def test_what_a_placebo_loses_is_not_the_quality_of_the_filter() -> None:
    scores = [Runs(0.0, 1, 6).scores(), Runs(-0.02, 2).scores()]
    [row] = placebos(["原始", "整理"], scores, {1: (0.4, Runs(0.03, 3))}, WEIGHTS, 0.01)
    assert row["arm"] == "整理" and row["share"] == 0.4
    assert row["verdict"] == "hurts" and row["percent"] == pytest.approx(3, abs=0.3)
    assert row["against"]["verdict"] == "helps" and row["against"]["percent"] == pytest.approx(-4.9, abs=0.3)
