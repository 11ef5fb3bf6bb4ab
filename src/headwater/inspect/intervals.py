"""Intervals of shares: Wilson's for one sample, and a weighted one over strata."""

import math
from collections.abc import Sequence

Z = 1.959963984540054  # of 95%


def wilson(hits: float, of: float, z: float = Z) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson 1927); (0, 1) where nothing was looked at."""
    if of <= 0:
        return 0.0, 1.0
    share = hits / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def stratified(strata: Sequence[tuple[float, int, int]]) -> tuple[float, float, float]:
    """(share, low, high) over strata of (weight, hits, looked at).

    The share is the weighted one; its interval is Wilson's for a sample of the effective size (Kish): that of a plain
    sample with the same variance. Strata that nothing was looked at in are left out.
    """
    known = [(weight, hits, of) for weight, hits, of in strata if of and weight > 0]
    total = sum(weight for weight, _, _ in known)
    if not total:
        return math.nan, 0.0, 1.0
    share = sum(weight / total * hits / of for weight, hits, of in known)
    effective = 1 / sum((weight / total) ** 2 / of for weight, _, of in known)
    return share, *wilson(share * effective, effective)
