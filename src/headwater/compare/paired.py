"""Paired differences of accuracies: the same draws of labels, the same test items, two arms.

    δ = mean over draws of (accuracy of one − of the other)
    V = s_d²/D + s²(r_g)/G      D draws; G test items, r_g an item's difference averaged over draws

The first part is what another draw of labels (and its seed) would change, the second what other test items would.
Satterthwaite's degrees of freedom and the interval are those of `statistics`.
"""

from collections.abc import Sequence

import numpy as np

from headwater.compare.statistics import Effect, combined


def paired(one: np.ndarray, other: np.ndarray) -> Effect:
    """one, other (draws, items): 1 where right. Above zero: `one` is better. At least two draws and two items."""
    return pooled([(one, other)])


def pooled(tasks: Sequence[tuple[np.ndarray, np.ndarray]]) -> Effect:
    """The mean difference over tasks, each (one, other) as `paired` takes them, of the same draws.

    What a draw's models have in common shows in all its tasks, so that a draw is one value: its mean over tasks.
    """
    differences = [one.astype(float) - other.astype(float) for one, other in tasks]
    if any(min(found.shape) < 2 for found in differences):
        raise ValueError("a paired difference needs two draws and two items at least")
    draws = len(differences[0])
    of_draws = np.mean([found.mean(1) for found in differences], axis=0)
    parts = [(float(of_draws.var(ddof=1)) / draws, draws - 1.0)]
    for found in differences:
        items = found.shape[1]
        parts.append((float(found.mean(0).var(ddof=1)) / items / len(tasks) ** 2, items - 1.0))
    return combined(float(of_draws.mean()), tuple(parts), (draws, draws))
