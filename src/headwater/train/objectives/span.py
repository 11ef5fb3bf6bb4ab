"""EQ-SPAN, Raffel 2020: −Σ_t log P(y_t | y_<t, x̃); spans are cut out of the text and written by the decoder.

15% of L tokens in spans of 3 on average; x̃ is the text with one sentinel in the place of each span, y the spans,
each behind its sentinel; both end in </s>. Sentinels count down from the last id. The numbers of tokens and of spans
depend on L alone (T5's random_spans_noise_mask), so that nothing is padded: L = 568 gives 512 and 114.
"""

import numpy as np

from headwater.errors import HeadwaterError
from headwater.model.special_tokens import SpecialTokens, cut_out
from headwater.train.objectives.batch import Batch

SHARE, MEAN_SPAN = 0.15, 3.0


def counts(length: int) -> tuple[int, int]:
    """(tokens cut out, spans) of a text of so many tokens, at least 2."""
    noise = min(max(round(length * SHARE), 1), length - 1)
    spans = max(round(noise / MEAN_SPAN), 1)
    return noise, min(spans, length - noise)


def input_length(length: int) -> int:
    noise, spans = counts(length)
    return length - noise + spans + 1


def text_tokens(context: int) -> int:
    """The longest text whose x̃ fits the context. Raises HeadwaterError below 4."""
    if context < 4:
        raise HeadwaterError(f"model.context is {context}; span corruption needs 4 positions at least")
    length = context
    while input_length(length + 1) <= context:
        length += 1
    return length


def batch(rows: np.ndarray, randoms: list[np.random.Generator], special: SpecialTokens) -> Batch:
    """rows (B, L) of text."""
    assert special.pad is not None
    _, spans = counts(rows.shape[1])
    if spans > len(special.sentinels):
        raise HeadwaterError(
            f"span corruption of {rows.shape[1]} tokens needs {spans} sentinels; the tokeniser has "
            f"{len(special.sentinels)}: set a smaller model.context"
        )
    inputs, targets = [], []
    for row, random in zip(rows, randoms, strict=True):
        read, written = cut_out(row, noise_mask(len(row), random), special)
        inputs.append(read)
        targets.append(written)
    wanted = np.stack(targets)  # (B, U)
    begun = np.pad(wanted[:, :-1], ((0, 0), (1, 0)), constant_values=special.pad)
    return Batch(np.stack(inputs), wanted, decoder_tokens=begun)


def noise_mask(length: int, random: np.random.Generator) -> np.ndarray:
    """(L,) bool: which tokens are cut out; the text begins with one that stays."""
    noise, spans = counts(length)
    cut, kept = _segments(noise, spans, random), _segments(length - noise, spans, random)
    return np.repeat(np.tile([False, True], spans), np.stack([kept, cut], 1).reshape(-1))


def _segments(items: int, segments: int, random: np.random.Generator) -> np.ndarray:
    """Lengths (segments,) of at least 1 that sum to `items`, all such equally likely."""
    borders = np.sort(random.permutation(items - 1)[: segments - 1]) + 1
    return np.diff(np.concatenate([[0], borders, [items]]))
