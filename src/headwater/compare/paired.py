"""Paired differences of accuracies: the same draws of labels, the same test items, two arms.

    δ = mean over draws of (accuracy of one − of the other)
    V = s_d²/D + s²(r_g)/G      D draws; G test items, r_g an item's difference averaged over draws

The first part is what another draw of labels (and its seed) would change, the second what other test items would.
Satterthwaite's degrees of freedom and the interval are those of `statistics`.
"""

import numpy as np

from headwater.compare.statistics import Effect


def paired(one: np.ndarray, other: np.ndarray) -> Effect:
    """one, other (draws, items): 1 where right. Above zero: `one` is better. At least two draws and two items."""
    differences = one.astype(float) - other.astype(float)
    draws, items = differences.shape
    if draws < 2 or items < 2:
        raise ValueError("a paired difference needs two draws and two items at least")
    of_draws, of_items = differences.mean(1), differences.mean(0)
    parts = (
        (float(of_draws.var(ddof=1)) / draws, draws - 1.0),
        (float(of_items.var(ddof=1)) / items, items - 1.0),
    )
    variance = sum(part for part, _ in parts)
    below = sum(part**2 / df for part, df in parts)
    df = variance**2 / below if below > 0 else 1.0
    return Effect(float(of_draws.mean()), variance, df, parts, (draws, draws))
