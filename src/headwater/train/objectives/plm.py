"""EQ-PLM, Yang 2019: −E_π Σ_t log P(x_{π_t} | x_{π_<t}); the text stays in place, the order of factorisation is drawn.

As printed in the founding text: −Σ_i log P(x_i | x_{π_<i}), "the order of the sequence is shuffled"; as implemented:
inputs and positions stay, and x_i is predicted from those that come before it in π, whether the sum runs over
positions or over steps of the order.

As in the paper and its code, and not as in Hugging Face's collator, which overwrites all targets in the input:

- the last 1/6 of the order is predicted (partial prediction); what comes before is in one piece: all may see it
- the targets are n-grams, n in 1 … 5 with probability ∝ 1/n, each in a context of 6n tokens
- two streams: a target's query knows its position and the tokens before it in the order, not the token itself
- special tokens are never targets, so that every text keeps tokens that all its queries can see
"""

import numpy as np

from headwater.model.special_tokens import SpecialTokens
from headwater.train.objectives.batch import Batch, documents_of

PART = 6  # one token in so many is predicted
LONGEST = 5  # n-gram
_PROBABILITIES = (1 / np.arange(1, LONGEST + 1)) / (1 / np.arange(1, LONGEST + 1)).sum()


def batch(rows: np.ndarray, randoms: list[np.random.Generator], special: SpecialTokens) -> Batch:
    """rows (B, T − 2) of text, <sep> <cls> after each text; they end in <sep> <cls>."""
    assert special.begin is not None and special.end is not None
    tokens = np.pad(rows, ((0, 0), (0, 1)), constant_values=special.end)
    tokens = np.pad(tokens, ((0, 0), (0, 1)), constant_values=special.begin)
    wanted = max(1, tokens.shape[1] // PART)
    order, at = np.zeros_like(tokens), np.zeros((len(tokens), wanted), np.int64)
    predicted = []
    for row, random in enumerate(randoms):
        targets = choose(~np.isin(tokens[row], list(special.ids)), wanted, random)
        order[row, targets] = 1 + random.permutation(len(targets))
        at[row, : len(targets)] = targets
        predicted.append(row * wanted + np.arange(len(targets)))
    places = np.concatenate(predicted)
    targets = np.take_along_axis(tokens, at, 1).reshape(-1)[places]
    return Batch(tokens, targets, places, documents_of(tokens, special.begin, last=True), order, at)


def choose(free: np.ndarray, wanted: int, random: np.random.Generator) -> np.ndarray:
    """`wanted` places (fewer where fewer are free), ascending, in n-grams; free (T,) bool."""
    left = min(wanted, int(free.sum()))
    taken, place = np.zeros(len(free), bool), 0
    while left and place < len(free):
        length = min(left, int(random.choice(LONGEST, p=_PROBABILITIES)) + 1)
        before = int(random.integers(PART * length))  # tokens of its context that lie before it
        begin = place + before
        span = np.arange(begin, min(begin + length, len(free)))
        span = span[free[span]]
        taken[span] = True
        left -= len(span)
        place = begin + length + PART * length - before
    if left:  # the row ended first
        rest = np.flatnonzero(free & ~taken)
        taken[random.choice(rest, left, replace=False)] = True
    return np.flatnonzero(taken)
