"""How long a text is."""

import numpy as np

from headwater.signals import pieces
from headwater.signals.pieces import WORD, pieces_of, sentences_of

VERSION = 1
LIBRARIES = ("rjieba",)


def measure(text: str) -> tuple[int, ...]:
    """bytes, characters, words, lines, sentences."""
    lines = sum(1 for line in text.split("\n") if line.strip())
    return (
        len(text.encode()),
        len(text),
        int(np.count_nonzero(pieces_of(text).are(WORD))),
        lines,
        len(sentences_of(text)),
    )


def warm() -> None:
    """Compiles the kernel, once a machine."""
    pieces.warm()
