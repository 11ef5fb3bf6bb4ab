"""What a comparison will see, before it is run: power with variances that it must estimate itself.

PROTOCOL.md's smallest visible difference, [t(1 − .025/m, ν) + t(.8, ν)] √V, takes V and ν as known. A comparison of
three seeds an arm estimates both from three numbers an arm: it finds that difference in two of three cases rather than
four of five (`benchmarks/verdicts.py`). Here the estimates are drawn as they will be,

    V̂_c = V_c χ²(ν_c) / ν_c,  V̂ = Σ_c V̂_c,  ν̂ = V̂² / Σ_c (V̂_c²/ν_c)
    power(Δ) = E[ P(|N(Δ, V)| > t(1 − .025/m, ν̂) √V̂) ]

the outer mean over a fixed set of draws, so that a plan says the same every time.
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr
from scipy.stats import t as student

POWER = 0.8
DRAWS = 4000

Parts = Sequence[tuple[float, float]]  # what V is made of: [V_c, ν_c]


def power(parts: Parts, difference: float, candidates: int = 1, level: float = 0.95) -> float:
    """The share of comparisons with these true variances whose interval leaves zero out at this true difference."""
    return _share(_reaches(parts, candidates, level), parts, difference)


def detectable(parts: Parts, candidates: int = 1, level: float = 0.95) -> float:
    """The true difference that four of five comparisons with these true variances find; 0 without any variance."""
    if sum(part for part, _ in parts) == 0:
        return 0.0
    reaches = _reaches(parts, candidates, level)
    low, high = 0.0, float(np.max(reaches)) + 10 * math.sqrt(sum(part for part, _ in parts))
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if _share(reaches, parts, middle) < POWER else (low, middle)
    return high


def _reaches(parts: Parts, candidates: int, level: float) -> np.ndarray:
    """t(1 − .025/m, ν̂) √V̂ of every draw: what |δ| must exceed."""
    random = np.random.default_rng(0)
    drawn = [(part * random.chisquare(df, DRAWS) / df, df) for part, df in parts if part > 0]
    variance = np.sum([part for part, _ in drawn], axis=0)
    df = variance**2 / np.sum([part**2 / df for part, df in drawn], axis=0)
    reaches: np.ndarray = student.ppf(1 - (1 - level) / 2 / candidates, df) * np.sqrt(variance)
    return reaches


def _share(reaches: np.ndarray, parts: Parts, difference: float) -> float:
    error = math.sqrt(sum(part for part, _ in parts))
    return float(np.mean(ndtr((difference - reaches) / error) + ndtr((-difference - reaches) / error)))
