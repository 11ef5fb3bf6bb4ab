"""Strings that a page does not hold, told by compiled code at some 20 GB a second.

Most pages hold none of most strings that are looked for, and Python's own search for one takes as long as decoding the
page. So four bytes of each are looked for first, those that are rarest in pages.
"""

from collections.abc import Mapping

import numpy as np

from headwater.engine.kernels import kernel


def absent(utf8: bytes, needles: Mapping[str, bytes]) -> set[str]:
    """Those of `needles` (string: four bytes of it) that a page is sure not to hold; of the others it may hold some."""
    if len(utf8) < 4:
        return set(needles)
    windows = np.frombuffer(b"".join(needles.values()), np.uint8).reshape(-1, 4)
    seen = _seen(np.frombuffer(utf8, np.uint8), windows)
    return {needle for needle, found in zip(needles, seen.tolist(), strict=True) if not found}


@kernel
def _seen(data: np.ndarray, windows: np.ndarray) -> np.ndarray:
    """bool [windows]. The loop over the data has no branch, so that it is done on 32 bytes at a time."""
    seen = np.zeros(windows.shape[0], np.bool_)
    for number in range(windows.shape[0]):
        first, second, third, fourth = windows[number]
        found = False
        for at in range(data.shape[0] - 3):
            found |= (
                (data[at] == first)
                & (data[at + 1] == second)
                & (data[at + 2] == third)
                & (data[at + 3] == fourth)
            )
        seen[number] = found
    return seen
