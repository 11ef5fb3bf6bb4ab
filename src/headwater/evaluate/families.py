"""Nats of documents under the families that do not read from left to right.

xlnet   a likelihood: −Σ_t ln P(x_t | x_<t), the order of factorisation being left to right (EQ-PLM with one order).
        The end of the text, <sep> <cls>, may be seen, as in training: the length is given.
bert    a pseudo-likelihood (Salazar 2020), no likelihood: −Σ_i ln P(x_i | x_\\M), every token being masked once, in
        seven passes over a text with a seventh of it masked, about the share that training masks.
t5      the same with spans of three tokens, each cut out once in seven passes and written by the decoder.

A pseudo-likelihood sees what comes after: its bits per byte are lower than a likelihood's and say nothing beside
one. `MEASURES` are the names that they go by.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
import xxhash
from torch.nn import functional as F

from headwater.engine.progress import report
from headwater.errors import HeadwaterError
from headwater.model.losses import token_nats
from headwater.model.special_tokens import SpecialTokens, cut_out
from headwater.model.transformer import Transformer

MEASURES = {
    "gpt": "bits per byte",
    "xlnet": "bits per byte, left to right, the length given",
    "bert": "pseudo bits per byte (no likelihood: each token masked once)",
    "t5": "pseudo bits per byte (no likelihood: each span cut out once)",
}
LIKELIHOODS = ("gpt", "xlnet")
PASSES, SPAN = 7, 3
BATCH_TOKENS = 2048


def document_nats(
    model: Transformer, documents: list[np.ndarray], names: list[str], special: SpecialTokens
) -> np.ndarray:
    """Nats of each document, (documents,) float64; documents are token arrays (tokens,), `names` their ids, which
    decide what is masked together. Raises HeadwaterError where the tokeniser lacks what the family needs."""
    family = model.config.family
    score: Callable[[Transformer, np.ndarray, np.random.Generator, SpecialTokens], float]
    score = {"xlnet": _left_to_right, "bert": _each_token_masked, "t5": _each_span_cut}[family]
    if (family == "bert" and special.mask is None) or (family == "t5" and not special.sentinels):
        raise HeadwaterError(
            f"the model's tokeniser lacks what a {family} model needs to be scored; train it again"
        )
    model.eval()
    totals = np.zeros(len(documents))
    with torch.inference_mode():
        for number, (document, name) in enumerate(zip(documents, names, strict=True)):
            random = np.random.Generator(np.random.Philox(key=xxhash.xxh3_64_intdigest(name.encode())))
            totals[number] = score(model, document.astype(np.int64), random, special)
            report(number + 1, len(documents))
    return totals


def _windows(document: np.ndarray, length: int) -> Iterator[np.ndarray]:
    """Side by side; nothing is shared."""
    for start in range(0, len(document), length):
        yield document[start : start + length]


def _left_to_right(
    model: Transformer, document: np.ndarray, random: np.random.Generator, special: SpecialTokens
) -> float:
    """Windows move by three quarters, so that all but a text's beginning has a quarter of a window before it."""
    length, total, done = model.config.context - 2, 0.0, 0
    while done < len(document):
        end = min(len(document), length if not done else done + max(1, 3 * length // 4))
        text = document[max(0, end - length) : end]
        tokens = torch.tensor([*text.tolist(), special.end, special.begin])[None]
        order = torch.tensor([*range(1, len(text) + 1), 0, 0])[None]
        at = torch.arange(len(text) - (end - done), len(text))[None]
        logits = F.linear(model.hidden(tokens, order=order, at=at), model.output_weight, model.output_bias)
        total += float(token_nats(logits, tokens[:, at[0]]).double().sum())
        done = end
    return total


def _each_token_masked(
    model: Transformer, document: np.ndarray, random: np.random.Generator, special: SpecialTokens
) -> float:
    total = 0.0
    assert special.mask is not None
    for text in _windows(document, model.config.context - 2):
        part = random.permutation(len(text)) % PASSES  # the pass in which each token is masked
        tokens = torch.tensor([special.begin, *text.tolist(), special.end])
        masked = F.pad(torch.from_numpy(part)[None] == torch.arange(min(PASSES, len(text)))[:, None], (1, 1))
        for rows in torch.split(masked, max(1, BATCH_TOKENS // len(tokens))):
            hidden = model.hidden(tokens.masked_fill(rows, special.mask))[rows]  # (N, D)
            logits = F.linear(model.head(hidden), model.output_weight, model.output_bias)
            total += float(token_nats(logits[None], tokens.expand(rows.shape)[rows][None]).double().sum())
    return total


def _each_span_cut(
    model: Transformer, document: np.ndarray, random: np.random.Generator, special: SpecialTokens
) -> float:
    total = 0.0
    # at most every third span of a window is cut out, whose sentinels must be there
    longest = min(model.config.context - 1, SPAN * (len(special.sentinels) - 1))
    for text in _windows(document, longest):
        spans = -(-len(text) // SPAN)
        part = np.repeat(random.permutation(spans) % PASSES, SPAN)[: len(text)]
        for number in range(min(PASSES, spans)):
            read, written = (torch.from_numpy(x)[None] for x in cut_out(text, part == number, special))
            begun = F.pad(written[:, :-1], (1, 0), value=special.pad or 0)
            hidden = model.hidden(read, decoder_tokens=begun)
            logits = F.linear(model.head(hidden), model.output_weight, model.output_bias)
            total += float(token_nats(logits, written).double().sum())
    return total
