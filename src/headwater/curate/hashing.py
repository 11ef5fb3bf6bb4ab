"""The hash step of the kernels that compare passages: contamination, shared passages."""

import numpy as np

from headwater.engine.kernels import kernel


@kernel
def mix(value: np.uint64) -> np.uint64:
    """The finaliser of MurmurHash3: every bit of the value changes half of the bits."""
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xFF51AFD7ED558CCD)
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xC4CEB9FE1A85EC53)
    return value ^ (value >> np.uint64(33))
