"""EQ-MLM, Devlin 2019: −Σ_{i∈M} log P(x_i | x_\\M); 15% of the tokens are predicted from what is left of the text.

Of the chosen tokens 80% are replaced by [MASK], 10% by a random token of text (never a special one), and 10% stay.
As printed, x_\\M is the text without the tokens in M; as implemented, they are masked, not removed: positions stay.
Special tokens are never chosen. With whole words, words are chosen until 15% of the tokens are reached, a word that
would exceed them being passed over; Chinese words are a segmenter's.
"""

import numpy as np

from headwater.model.special_tokens import SpecialTokens
from headwater.model.words import word_numbers
from headwater.train.objectives.batch import Batch, documents_of

SHARE = 0.15
MASKED, RANDOM = 0.8, 0.1  # of the chosen; the rest stays


def batch(
    rows: np.ndarray,
    randoms: list[np.random.Generator],
    special: SpecialTokens,
    ordinary: np.ndarray,
    *,
    token_bytes: list[bytes] | None = None,
) -> Batch:
    """rows (B, T − 2) of text, [SEP] [CLS] between texts; they are framed by [CLS] … [SEP].

    `ordinary` are the ids that a random token is drawn from; with `token_bytes` whole words are masked.
    """
    assert special.begin is not None and special.end is not None and special.mask is not None
    tokens = framed(rows, special.begin, special.end)
    read, predicted = tokens.copy(), []
    for row, random in enumerate(randoms):
        free = np.flatnonzero(~np.isin(tokens[row], list(special.ids)))
        words = None if token_bytes is None else word_numbers(tokens[row], token_bytes)
        chosen = choose(free, random, words)
        kind = random.random(len(chosen))
        drawn = ordinary[random.integers(0, len(ordinary), len(chosen))]
        read[row, chosen] = np.where(
            kind < MASKED, special.mask, np.where(kind < MASKED + RANDOM, drawn, tokens[row, chosen])
        )
        predicted.append(row * tokens.shape[1] + chosen)
    places = np.concatenate(predicted)
    return Batch(read, tokens.reshape(-1)[places], places, documents_of(tokens, special.begin))


def framed(rows: np.ndarray, begin: int, end: int) -> np.ndarray:
    """(B, T − 2) -> (B, T): [CLS] … [SEP]."""
    return np.pad(
        np.pad(rows, ((0, 0), (1, 0)), constant_values=begin), ((0, 0), (0, 1)), constant_values=end
    )


def choose(free: np.ndarray, random: np.random.Generator, words: np.ndarray | None = None) -> np.ndarray:
    """15% of the places in `free` (N,), one at least where there is one, ascending; `words` (T,) numbers of words."""
    wanted = min(len(free), max(1, round(SHARE * len(free))))
    if words is None:
        return np.sort(random.choice(free, wanted, replace=False)) if wanted else free[:0]
    starts = np.flatnonzero(np.diff(words[free], prepend=-1))
    groups = np.split(free, starts[1:]) if len(free) else []
    chosen: list[np.ndarray] = []
    left = wanted
    order = random.permutation(len(groups)).tolist()
    for number in order:
        if len(groups[number]) <= left:
            chosen.append(groups[number])
            left -= len(groups[number])
        if not left:
            break
    if groups and not chosen:  # every word is longer than the share
        chosen = [min((groups[number] for number in order), key=len)]
    return np.sort(np.concatenate(chosen)) if chosen else free[:0]
