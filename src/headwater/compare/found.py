"""What a comparison measured: runs and n-gram models, scored by domain and unit."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from headwater.compare.statistics import ArmScores, DomainScores
from headwater.evaluate.summary import DomainTotals
from headwater.pipeline.train import Run

Scored = dict[str, DomainTotals]  # one scores.parquet, by domain


@dataclass(frozen=True)
class ArmRuns:
    """One arm's runs, in the order of its seeds, and its n-gram model."""

    runs: Sequence[Run]
    scored: Sequence[Scored]
    ngram: Scored

    def scores(self) -> ArmScores:
        """Bits per byte by domain, seed and unit."""
        return {
            domain: DomainScores(np.stack([scored[domain].unit_bits for scored in self.scored]), totals.bytes)
            for domain, totals in self.ngram.items()
        }


@dataclass(frozen=True)
class Look:
    """One barrier of a race."""

    seeds: int  # of each candidate, and of the baseline
    alpha: float
    ps: Mapping[int, float]  # of the candidates still in it, by place
    decided: Mapping[int, bool]


@dataclass(frozen=True)
class Found:
    """What was measured; the first of `arms` is the baseline. `sources`: n-gram models of its single sources."""

    arms: Sequence[ArmRuns]
    sources: Mapping[str, Scored]
    weights: Mapping[str, float]
    placebos: Mapping[int, tuple[float, ArmRuns]] = field(default_factory=dict)  # by place: share kept, runs
    rates: Mapping[float, Sequence[ArmRuns]] = field(default_factory=dict)  # times the rate: every arm's runs
    looks: Sequence[Look] | None = None  # of a race


def weighted(scored: Scored, weights: Mapping[str, float]) -> float:
    """y of one model: the weighted mean of ln(bits per byte)."""
    return sum(weight * math.log(scored[domain].bits_per_byte) for domain, weight in weights.items())
