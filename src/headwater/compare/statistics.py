"""The inference of a comparison: PROTOCOL.md's formulas, as pure functions of arrays.

    δ = ȳ_a − ȳ_0                                   y = Σ_k w_k ln b_k, b_k in bits per byte of domain k
    V = s_a²/S_a + s_0²/S_0 + Σ_k w_k² s²(r_gk)/G_k    S seeds, G_k units in domain k
    r_gk = (n_g/n̄) [(b_agk − b_ak)/b_ak − (b_0gk − b_0k)/b_0k]    on seed-averaged scores, n_g the unit's bytes
    ν = V² / Σ_c (V_c²/ν_c), ν_c = S − 1 or G_k − 1                   (Satterthwaite)
    interval δ ± t(1 − .025/m, ν) √V for m candidates

With few seeds a percentile bootstrap covers too little (95% intervals: .81 to .88 at 3 seeds); this covers what it
says, also where arms vary differently (`benchmarks/intervals.py`). A race asks for a little more (`Effect.cautious`):
it looks three times, from three seeds on. Seeds of two arms count as independent although
equal seeds share initialisation and draw: intervals are rather too wide than too narrow.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.stats import t as student

from headwater.compare.power import POWER, detectable

MIN_UNITS = 5  # fewer units in a domain say nothing about their variance
MAX_SEEDS = 100  # "the seeds that would decide" looks no further
CHANCE_BITS = 8.0  # bits per byte of a model that knows nothing

Verdict = Literal["helps", "hurts", "no material difference", "cannot tell", "not measurable"]


@dataclass(frozen=True)
class DomainScores:
    """One arm on one domain: bits per byte of each seed's run on each unit, (seeds, units)."""

    bits: np.ndarray
    sizes: np.ndarray  # (units,) bytes

    @property
    def by_seed(self) -> np.ndarray:
        """Bits per byte of the domain, (seeds,)."""
        means: np.ndarray = self.bits @ self.sizes / self.sizes.sum()
        return means

    def only(self, seeds: Sequence[int]) -> "DomainScores":
        return DomainScores(self.bits[list(seeds)], self.sizes)


ArmScores = Mapping[str, DomainScores]  # by domain


@dataclass(frozen=True)
class Effect:
    """ln(candidate / baseline) in bits per byte: below zero is better."""

    delta: float
    variance: float
    df: float
    # what the variance is made of: [V_c, ν_c]; the seeds of the candidate, of the baseline, then the domains
    parts: tuple[tuple[float, float], ...]
    seeds: tuple[int, int]  # candidate, baseline

    @property
    def error(self) -> float:
        return math.sqrt(self.variance)

    def interval(self, level: float = 0.95, candidates: int = 1) -> tuple[float, float]:
        half = self._t(1 - (1 - level) / 2 / candidates) * self.error
        return self.delta - half, self.delta + half

    def smallest_visible(self, candidates: int = 1, level: float = 0.95) -> float:
        """The true difference that an interval excluding 0 would have found with 80% power, were V and ν known.

        What a comparison with as few seeds finds in four of five cases is larger: `planned_difference`.
        """
        return (self._t(1 - (1 - level) / 2 / candidates) + self._t(POWER)) * self.error

    def planned_difference(self, candidates: int = 1, level: float = 0.95) -> float:
        """The true difference that four of five comparisons with these variances find, which estimate them anew."""
        return detectable(self.parts, candidates, level)

    @property
    def p(self) -> float:
        """Two-sided, against no difference."""
        if self.variance == 0:
            return 1.0 if self.delta == 0 else 0.0
        return float(2 * student.sf(abs(self.delta) / self.error, self.df))

    @property
    def cautious(self) -> "Effect":
        """With ν as if the seeds of both arms were one part of V that knows only what the fewer of them know.

        Right where one arm has all of the noise; elsewhere it asks for more than the level says. A race decides by it,
        because Satterthwaite's own ν, guessed from three seeds an arm, calls a noisy arm different too often.
        """
        (ours, few), (theirs, others), *units = self.parts
        joint = ((ours + theirs, min(few, others)), *units)
        return replace(self, df=combined(self.delta, joint, self.seeds).df)

    @property
    def probability_better(self) -> float:
        """That the true difference is below zero; descriptive."""
        if self.variance == 0:
            return 0.5 if self.delta == 0 else float(self.delta < 0)
        return float(student.cdf(-self.delta / self.error, self.df))

    def seeds_needed(self, target: float, candidates: int = 1) -> int | None:
        """The seeds in each arm at which four of five comparisons find `target`; None where seeds alone never do.

        The variances stay as they were found here; what the held-out units add does not shrink with seeds.
        """
        seed_variances = [part[0] * seeds for part, seeds in zip(self.parts[:2], self.seeds, strict=True)]

        def seen(seeds: int) -> bool:
            parts = [(variance / seeds, seeds - 1.0) for variance in seed_variances]
            return detectable((*parts, *self.parts[2:]), candidates) <= target

        fewer, enough = 1, MAX_SEEDS
        if not seen(enough):
            return None
        while enough - fewer > 1:
            middle = (fewer + enough) // 2
            fewer, enough = (fewer, middle) if seen(middle) else (middle, enough)
        return enough

    def _t(self, probability: float) -> float:
        return float(student.ppf(probability, self.df))


def effect(candidate: ArmScores, baseline: ArmScores, weights: Mapping[str, float]) -> Effect:
    """δ with its variance; at least two seeds an arm, the same units in the same order in both.

    A domain with fewer than 5 units adds nothing to V: the verdict is then about these texts.
    """
    ours, theirs = arm_score(candidate, weights), arm_score(baseline, weights)
    parts = [_seed_part(ours), _seed_part(theirs)]
    for domain, weight in weights.items():
        if candidate[domain].bits.shape[1] >= MIN_UNITS:
            residuals = unit_residuals(candidate[domain], baseline[domain])
            units = len(residuals)
            parts.append((weight**2 * float(residuals.var(ddof=1)) / units, units - 1.0))
    return combined(float(ours.mean() - theirs.mean()), tuple(parts), (len(ours), len(theirs)))


def arm_score(arm: ArmScores, weights: Mapping[str, float]) -> np.ndarray:
    """y of each seed's run, (seeds,)."""
    total: np.ndarray = sum(
        (weight * np.log(arm[domain].by_seed) for domain, weight in weights.items()),
        start=np.zeros(1),
    )
    return total


def unit_residuals(candidate: DomainScores, baseline: DomainScores) -> np.ndarray:
    """r_gk, (units,): how much more one unit says than the domain does, linearised."""
    sizes = candidate.sizes
    relative = []
    for scores in (candidate, baseline):
        bits = scores.bits.mean(0)
        whole = bits @ sizes / sizes.sum()
        relative.append((bits - whole) / whole)
    residuals: np.ndarray = sizes / sizes.mean() * (relative[0] - relative[1])
    return residuals


def planned(
    seeds: tuple[int, int], seed_variance: float, units: Sequence[tuple[float, float, int]]
) -> Effect:
    """What a comparison of (candidate, baseline) seeds would find of no difference, before it is run.

    `seed_variance`: of y over seeds; `units`: (weight, variance of r, number of units) of each domain.
    """
    parts = [(seed_variance / number, number - 1.0) for number in seeds]
    parts += [(weight**2 * variance / n, n - 1.0) for weight, variance, n in units if n >= MIN_UNITS]
    return combined(0.0, tuple(parts), seeds)


def interaction(one: Effect, other: Effect) -> Effect:
    """How much two effects differ: at two learning rates. The units that both are scored on count twice, which
    makes the interval rather too wide."""
    parts = (*one.parts, *other.parts)
    return combined(one.delta - other.delta, parts, one.seeds)


def _seed_part(scores: np.ndarray) -> tuple[float, float]:
    seeds = len(scores)
    if seeds < 2:
        raise ValueError("an arm needs two seeds at least: one says nothing about its noise")
    return float(scores.var(ddof=1)) / seeds, seeds - 1.0


def combined(delta: float, parts: tuple[tuple[float, float], ...], seeds: tuple[int, int]) -> Effect:
    """δ with V and ν of its parts, [V_c, ν_c]."""
    variance = sum(part for part, _ in parts)
    below = sum(part**2 / df for part, df in parts)
    # without any variance (identical runs) the degrees of freedom do not matter
    return Effect(delta, variance, variance**2 / below if below > 0 else 1.0, parts, seeds)


# ---------------------------------------------------------------- the word


def verdict(
    effect: Effect, *, margin: float, candidates: int = 1, best_score: float = -math.inf, level: float = 0.95
) -> tuple[Verdict, bool]:
    """The word, and whether a helping or hurting effect is negligible in size.

    `margin` is declared beforehand, as a share (0.01 is 1%); `best_score` is y of the better arm, which must beat
    chance for anything to be measurable. `level` is that of the interval: 1 − α of the look at which a race ended.
    """
    if best_score >= math.log(CHANCE_BITS):
        return "not measurable", False
    low, high = effect.interval(level, candidates)
    if low > 0 or high < 0:
        return ("hurts" if low > 0 else "helps"), _inside((low, high), margin)
    if _inside(effect.interval(0.90), margin):
        return "no material difference", False
    return "cannot tell", False


def _inside(interval: tuple[float, float], margin: float) -> bool:
    """In percent, as it is read: −1% to +1%."""
    return -margin < math.expm1(interval[0]) and math.expm1(interval[1]) < margin


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values (1979), in the order given."""
    adjusted = [0.0] * len(ps)
    highest = 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[place]))
        adjusted[place] = highest
    return adjusted


def percent(log_ratio: float) -> float:
    return 100 * math.expm1(log_ratio)
