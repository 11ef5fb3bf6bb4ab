"""Learning-rate schedules: what the peak rate is multiplied by, a pure function of the step.

wsd     warm-up, then constant, then linearly to 0 over the last 60% (Hu 2024, MiniCPM; Hägele 2024 find 20%
        enough for long trainings, the short ones here want more)
linear  warm-up, then linearly to 0
cosine  warm-up, then half a cosine to 0 (Loshchilov 2017)
"""

import math

WARM_UP = 0.02  # of all steps
DECAY = 0.6  # of all steps, for wsd


def rate(kind: str, step: int, steps: int) -> float:
    """The multiplier in [0, 1] of step 0 … steps − 1; above 0 for every step, since a step at 0 learns nothing."""
    warm = max(1, round(WARM_UP * steps))
    warming = min(1.0, (step + 1) / warm)
    left = (steps - step) / max(
        1, steps - warm + 1
    )  # 1 at the end of warm-up, one share above 0 at the last step
    if kind == "wsd":
        return min(warming, (steps - step) / max(1, round(DECAY * steps)))
    if kind == "linear":
        return min(warming, left)
    if kind == "cosine":
        return min(warming, 0.5 - 0.5 * math.cos(math.pi * min(1.0, left)))
    raise ValueError(f"no schedule {kind!r}")
