"""ChineseWebText's measurements (Chen et al. 2023; its preprocess.py), made for Chinese and counted in characters.

`mean_line_length` counts line ends and blank lines in; `han_characters` is a share of all characters, spaces too
(family `han` has the share of letters), of U+4E00 to U+9FA5; `repeated_13_grams` is the share of 13-grams of
characters that occur more than once, all copies counted, of the text in lower case without spaces and line ends.
The last 13-gram of a text is left out, as in preprocess.py, and a text of fewer than 13 characters is one gram.
"""

import re

import numpy as np

from headwater.corpus.text import codepoints
from headwater.engine.kernels import kernel

VERSION = 1
LIBRARIES = ("numba",)

GRAM = 13
_SPACE = re.compile(r"[ \n\t]")
_HAN = re.compile("[\u4e00-\u9fa5]")


def measure(text: str) -> tuple[float, ...]:
    """mean_line_length, han_characters, repeated_13_grams."""
    characters = codepoints(_SPACE.sub("", text.strip().lower()))
    return (
        len(text) / (text.count("\n") + 1),
        len(_HAN.findall(text)) / max(1, len(text)),
        _repeated(characters) / max(1, len(characters) - GRAM),
    )


@kernel
def _repeated(characters: np.ndarray) -> int:
    """How many of the 13-grams, but the last, occur more than once."""
    grams = len(characters) - GRAM
    if grams < 2:
        return 0
    size = 16
    while size < 2 * grams:
        size *= 2
    table, counts = np.zeros(size, np.uint64), np.zeros(size, np.int64)
    mask, base = np.uint64(size - 1), np.uint64(0x100000001B3)
    leaving = np.uint64(1)
    for _ in range(GRAM):
        leaving *= base
    key, repeated = np.uint64(0), 0
    for i in range(len(characters) - 1):
        key = key * base + np.uint64(characters[i]) + np.uint64(1)
        if i >= GRAM:
            key -= leaving * (np.uint64(characters[i - GRAM]) + np.uint64(1))
        if i < GRAM - 1:
            continue
        mixed = (key ^ (key >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = mixed ^ (mixed >> np.uint64(32)) | np.uint64(1)
        at = (mixed >> np.uint64(11)) & mask
        while table[at] != 0 and table[at] != mixed:
            at = (at + np.uint64(1)) & mask
        table[at] = mixed
        counts[at] += 1
        if counts[at] == 2:
            repeated += 2
        elif counts[at] > 2:
            repeated += 1
    return repeated


def warm() -> None:
    """Compiles the kernel, once a machine."""
    _repeated(codepoints("一二三四五六七八九十" * 3))
