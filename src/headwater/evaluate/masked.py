"""Continuations under models that fill gaps: bert's masked tokens and t5's spans (what is scored: `likelihood.py`).

Every row is one gap: a text in which something is hidden, and the tokens that are asked for there.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from headwater.engine.progress import report
from headwater.errors import HeadwaterError
from headwater.model.special_tokens import SpecialTokens
from headwater.model.transformer import Transformer
from headwater.model.words import word_numbers

Piece = tuple[tuple[int, ...], tuple[int, ...]]  # context and continuation
BATCH_TOKENS = 2048  # in a batch, padding included
LOGITS_AT_ONCE = 2**20  # 4 MiB: what is made is read while it is near


def score(
    model: Transformer, pieces: Sequence[Piece], special: SpecialTokens, token_bytes: list[bytes]
) -> tuple[np.ndarray, np.ndarray]:
    """Of each piece, sorted by length: its (pseudo-)log-likelihood (N,), and whether all its tokens are the likeliest.

    Raises HeadwaterError where the tokeniser lacks what the family needs.
    """
    family = model.config.family
    if (family == "bert" and special.mask is None) or (family == "t5" and not special.sentinels):
        raise HeadwaterError(
            f"the model's tokeniser lacks what a {family} model needs to be scored (a mask or sentinels); train it again"
        )
    values, greedy = np.zeros(len(pieces)), np.ones(len(pieces), bool)
    gaps = _masked_tokens if family == "bert" else _spans
    run = _bert if family == "bert" else _t5
    batch: list[Any] = []
    for number, piece in enumerate(pieces):
        for gap in gaps(piece, special, token_bytes):
            if batch and (1 + len(batch)) * max(len(gap[0]), max(len(x[0]) for _, x in batch)) > BATCH_TOKENS:
                _add(run(model, [x for _, x in batch], special), batch, values, greedy)
                report(number, len(pieces))
                batch = []
            batch.append((number, gap))
    if batch:
        _add(run(model, [x for _, x in batch], special), batch, values, greedy)
    report(len(pieces), len(pieces))
    return values, greedy


def _add(
    scored: tuple[np.ndarray, np.ndarray], batch: list[Any], values: np.ndarray, greedy: np.ndarray
) -> None:
    owners = np.repeat([number for number, _ in batch], [len(gap[1]) for _, gap in batch])
    np.add.at(values, owners, scored[0])
    np.logical_and.at(greedy, owners, scored[1])


# ---------------------------------------------------------------- bert


def _masked_tokens(piece: Piece, special: SpecialTokens, token_bytes: list[bytes]) -> Iterator[Any]:
    """(text with a token and the later ones of its word masked, [the token], its place) for each token."""
    assert special.begin is not None and special.end is not None and special.mask is not None
    text = np.array([*piece[0], *piece[1]])
    words = word_numbers(text, token_bytes)
    for at in range(len(piece[0]), len(text)):
        read = text.copy()
        read[at:][words[at:] == words[at]] = special.mask
        yield [special.begin, *read.tolist(), special.end], [int(text[at])], at + 1


def _bert(model: Transformer, gaps: list[Any], special: SpecialTokens) -> tuple[np.ndarray, np.ndarray]:
    tokens, documents = _padded([read for read, _, _ in gaps], special)
    hidden = model.hidden(tokens, documents=documents)
    at = torch.tensor([place for _, _, place in gaps])
    return token_scores(model, hidden[torch.arange(len(gaps)), at], torch.tensor([x[0] for _, x, _ in gaps]))


# ---------------------------------------------------------------- t5


def _spans(piece: Piece, special: SpecialTokens, token_bytes: list[bytes]) -> Iterator[Any]:
    """(what the encoder reads, what fills its gap): the continuation at the end of its context, or each word of a text
    that has none."""
    context, text = piece
    gap, end = special.sentinels[0], special.end
    if context:
        yield [*context, gap, end], list(text)
        return
    words = word_numbers(np.array(text), token_bytes)
    for word in np.unique(words):
        inside = np.flatnonzero(words == word)
        first, last = int(inside[0]), int(inside[-1]) + 1
        yield [*text[:first], gap, *text[last:], end], list(text[first:last])


def _t5(model: Transformer, gaps: list[Any], special: SpecialTokens) -> tuple[np.ndarray, np.ndarray]:
    tokens, documents = _padded([read for read, _ in gaps], special)
    longest = max(len(written) for _, written in gaps)
    begun = torch.full((len(gaps), longest + 1), special.pad or 0)
    begun[:, 1] = special.sentinels[0]
    real = torch.zeros((len(gaps), longest + 1), dtype=torch.bool)
    for row, (_, written) in enumerate(gaps):
        begun[row, 2 : 1 + len(written)] = torch.tensor(written[:-1])
        real[row, 1 : 1 + len(written)] = True
    hidden = model.hidden(
        tokens, documents=documents, decoder_tokens=begun, decoder_documents=torch.zeros_like(begun)
    )
    return token_scores(
        model, hidden[real], torch.tensor([token for _, written in gaps for token in written])
    )


def _padded(rows: list[list[int]], special: SpecialTokens) -> tuple[Tensor, Tensor]:
    """Tokens (B, T), and documents (B, T) of which padding is another."""
    longest = max(map(len, rows))
    tokens = torch.full((len(rows), longest), special.separator if special.pad is None else special.pad)
    documents = torch.full((len(rows), longest), -1)
    for number, row in enumerate(rows):
        tokens[number, : len(row)] = torch.tensor(row)
        documents[number, : len(row)] = 0
    return tokens, documents


def token_scores(model: Transformer, hidden: Tensor, targets: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """ln P of targets (N,) from states before the head (N, D), in float64, and whether each is the likeliest."""
    values, right = [], []
    step = max(64, LOGITS_AT_ONCE // len(model.output_weight))
    for part, wanted in zip(torch.split(hidden, step), torch.split(targets, step), strict=True):
        logits = F.linear(model.head(part), model.output_weight, model.output_bias).float()
        values.append(-F.cross_entropy(logits, wanted, reduction="none").double().numpy())
        right.append((logits.gather(1, wanted[:, None])[:, 0] >= logits.amax(-1)).numpy())
    return np.concatenate(values), np.concatenate(right)
