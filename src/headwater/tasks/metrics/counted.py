"""Scores as functions of sums over items."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Counted:
    """`stats` (items, n): what each item adds; `scores`: sums (draws, n) -> {name: (draws,)}."""

    stats: np.ndarray
    scores: Callable[[np.ndarray], dict[str, np.ndarray]]
