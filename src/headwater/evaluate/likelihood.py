"""How likely a model finds a continuation of a context, for all four families: what tasks are decided by.

gpt    ln P(continuation | context) = Σ_i ln P(x_i | x_<i), over the continuation's tokens; an empty context is the
       separator. A likelihood.
xlnet  the same with the order of factorisation set to left to right (EQ-PLM with one order); the text's end,
       <sep> <cls>, may be seen, as in training: the length is given. A likelihood.
t5     the continuation is what fills a gap at the end of the context: ln P(<extra_id_0> continuation | context
       <extra_id_0> </s>) without the sentinel's own term (EQ-SPAN). A likelihood; without a context there is nothing
       to condition on, and each word is cut out in turn: a pseudo-likelihood.
bert   within-word left-to-right pseudo-likelihood (Kauf and Ivanova 2023, PLL-word-l2r): Σ_i ln P(x_i | x with x_i and
       the later tokens of its word masked). Masking only the token itself would overrate words of several pieces,
       whose later pieces give the earlier ones away. In Chinese a word is a segmented one.

A pseudo-likelihood sees what comes after; it is never ranked against a likelihood: `measure_of` names which it is.

Rows of like length go together, and continuations of one context share a row (gpt): the context is computed once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from headwater.engine.progress import report
from headwater.evaluate import masked
from headwater.evaluate.masked import BATCH_TOKENS, token_scores
from headwater.model.branches import branched_hidden
from headwater.model.special_tokens import SpecialTokens
from headwater.model.transformer import Transformer

Tokens = Sequence[int]

LIKELIHOOD = "log-likelihood"
PSEUDO = "pseudo-log-likelihood (no likelihood)"


@dataclass(frozen=True)
class Scored:
    """Of N continuations: natural logarithms (N,) float64; whether each is what the model would have written itself,
    token by token (N,); and whether its context was cut on the left to fit (N,)."""

    log_likelihoods: np.ndarray
    greedy: np.ndarray
    cut: np.ndarray


def measure_of(family: str, *, whole_texts: bool) -> str:
    """LIKELIHOOD or PSEUDO: what the scores of a family are, of whole texts or of continuations of contexts."""
    return PSEUDO if family == "bert" or (family == "t5" and whole_texts) else LIKELIHOOD


def score(
    model: Transformer,
    pairs: Sequence[tuple[Tokens, Tokens]],
    special: SpecialTokens,
    token_bytes: list[bytes],
) -> Scored:
    """ln P of each continuation given its context, on one thread or as many as torch has.

    pairs: (context, continuation) as tokens; a context may be empty, a continuation must not. `token_bytes`, as of the
    tokeniser, tell which tokens are of one word. Of a text longer than the model's context the beginning is cut off; a
    continuation that is itself longer is read in windows that overlap by a quarter.
    """
    family, room = model.config.family, model.config.context
    beginning = [special.separator] if family == "gpt" else []
    room -= {"gpt": -1, "xlnet": 2, "bert": 2, "t5": 2}[family]  # gpt: the last token is only predicted
    pieces: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
    owner: list[int] = []
    cut = np.zeros(len(pairs), bool)
    for number, (context, continuation) in enumerate(pairs):
        context = list(context) or beginning
        continuation = list(continuation)
        if family == "t5":  # the two lie in different stacks; a longer continuation is several, side by side
            cut[number] = len(context) > room or len(continuation) > room
            for start in range(0, len(continuation), room):
                pieces.append((tuple(context[-room:]), tuple(continuation[start : start + room])))
                owner.append(number)
            continue
        cut[number] = len(context) + len(continuation) > room and context != beginning
        for before, new in _fitting(context, continuation, room, bool(beginning)):
            pieces.append((tuple(before), tuple(new)))
            owner.append(number)
    # equal pieces are computed once
    unique = sorted(set(pieces), key=lambda piece: (len(piece[0]) + len(piece[1]), piece))
    place = {piece: row for row, piece in enumerate(unique)}
    model.eval()
    with torch.inference_mode():
        if family == "gpt":
            values = _left_to_right(model, unique)
        elif family == "xlnet":
            values = _permuted(model, unique, special)
        else:
            values = masked.score(model, unique, special, token_bytes)
    rows = [place[piece] for piece in pieces]
    totals = np.zeros(len(pairs))
    np.add.at(totals, owner, values[0][rows])
    greedy = np.ones(len(pairs), bool)
    np.logical_and.at(greedy, owner, values[1][rows])
    return Scored(totals, greedy, cut)


def _fitting(
    context: list[int], continuation: list[int], room: int, begins: bool
) -> list[tuple[list[int], list[int]]]:
    """(what is read, what is scored), of at most `room` tokens together."""
    if len(context) + len(continuation) <= room:
        return [(context, continuation)]
    if len(continuation) < room:
        return [(context[-(room - len(continuation)) :], continuation)]
    step = max(1, 3 * room // 4)
    least = 1 if begins else 0
    parts, done = [], 0
    while done < len(continuation):
        end = min(len(continuation), done + (room - least if not done else step))
        before = (context + continuation[:done])[-(room - (end - done)) :] if done else context[-1:]
        parts.append((before, continuation[done:end]))
        done = end
    return parts


# ---------------------------------------------------------------- gpt


@dataclass(frozen=True)
class _Row:
    """A context with its continuations, in one row of a batch."""

    context: tuple[int, ...]
    branches: tuple[tuple[int, tuple[int, ...]], ...]  # (piece, continuation)

    @property
    def length(self) -> int:
        # the last token of a continuation is predicted and not read
        return len(self.context) + sum(len(tokens) - 1 for _, tokens in self.branches)


def _left_to_right(
    model: Transformer, pieces: list[tuple[tuple[int, ...], tuple[int, ...]]]
) -> tuple[np.ndarray, np.ndarray]:
    groups: dict[tuple[int, ...], list[tuple[int, tuple[int, ...]]]] = {}
    for number, (context, continuation) in enumerate(pieces):
        groups.setdefault(context, []).append((number, continuation))
    rows = []
    for context, branches in groups.items():
        shared = len(context) > sum(len(tokens) for _, tokens in branches) / len(branches)
        size = max(1, 2 * model.config.context) if shared else 1
        rows += _rows(context, branches, size)
    rows.sort(key=lambda row: (row.length, row.branches[0][0]))
    values, greedy = np.zeros(len(pieces)), np.zeros(len(pieces), bool)
    done = 0
    for batch in _batches(rows):
        _score_rows(model, batch, values, greedy)
        done += len(batch)
        report(done, len(rows))
    return values, greedy


def _rows(context: tuple[int, ...], branches: list[tuple[int, tuple[int, ...]]], size: int) -> list[_Row]:
    """Rows of at most `size` tokens behind the context; 1: a row for each continuation that is longer than a token."""
    rows: list[_Row] = []
    current: list[tuple[int, tuple[int, ...]]] = []
    used = 0
    for branch in branches:
        if current and used + len(branch[1]) - 1 > (size if size > 1 else 0):
            rows.append(_Row(context, tuple(current)))
            current, used = [], 0
        current.append(branch)
        used += len(branch[1]) - 1
    return [*rows, _Row(context, tuple(current))]


def _batches(rows: list[_Row]) -> list[list[_Row]]:
    """Neighbours in length, at most BATCH_TOKENS with padding."""
    batches: list[list[_Row]] = []
    for row in rows:
        if not batches or row.length * (len(batches[-1]) + 1) > BATCH_TOKENS:
            batches.append([])
        batches[-1].append(row)
    return batches


def _score_rows(model: Transformer, batch: list[_Row], values: np.ndarray, greedy: np.ndarray) -> None:
    longest = max(row.length for row in batch)
    tokens = np.zeros((len(batch), longest), np.int64)
    branches = np.full((len(batch), longest), -1)
    positions = np.zeros((len(batch), longest), np.int64)
    at: list[int] = []  # flat places whose next token is scored
    targets: list[int] = []
    owners: list[int] = []
    plain = True
    for number, row in enumerate(batch):
        end, start = len(row.context), number * longest
        tokens[number, :end], branches[number, :end], positions[number, :end] = row.context, 0, range(end)
        last = start + end - 1
        plain &= sum(len(continuation) > 1 for _, continuation in row.branches) <= 1
        for branch, (piece, continuation) in enumerate(row.branches, 1):
            read = len(continuation) - 1
            tokens[number, end : end + read] = continuation[:-1]
            branches[number, end : end + read] = branch
            positions[number, end : end + read] = range(len(row.context), len(row.context) + read)
            at += [last, *range(start + end, start + end + read)]
            targets += continuation
            owners += [piece] * len(continuation)
            end += read
    if plain:  # nothing but causal: what is behind a row's end is seen by nobody
        hidden = model.hidden(torch.from_numpy(tokens))
    else:
        hidden = branched_hidden(model, *(torch.from_numpy(x) for x in (tokens, branches, positions)))
    nats, right = token_scores(model, hidden.flatten(0, 1)[torch.tensor(at)], torch.tensor(targets))
    np.add.at(values, owners, nats)
    pieces = [piece for row in batch for piece, _ in row.branches]
    greedy[pieces] = True
    np.logical_and.at(greedy, owners, right)


# ---------------------------------------------------------------- xlnet


def _permuted(model: Transformer, pieces: list[Any], special: SpecialTokens) -> tuple[np.ndarray, np.ndarray]:
    """Left to right: each position is predicted from those before it and from the text's end."""
    assert special.end is not None and special.begin is not None
    values, greedy = np.zeros(len(pieces)), np.ones(len(pieces), bool)
    done = 0
    while done < len(pieces):  # sorted by length already
        longest = sum(map(len, pieces[done])) + 2
        count = 1
        while done + count < len(pieces):
            length = sum(map(len, pieces[done + count])) + 2
            if length * (count + 1) * 2 > BATCH_TOKENS:  # two streams
                break
            longest, count = length, count + 1
        batch = pieces[done : done + count]
        wanted = max(len(new) for _, new in batch)
        tokens = torch.full((count, longest), special.separator)
        documents = torch.full((count, longest), -1)
        order = torch.zeros((count, longest), dtype=torch.long)
        at = torch.zeros((count, wanted), dtype=torch.long)
        real = torch.zeros((count, wanted), dtype=torch.bool)
        for row, (before, new) in enumerate(batch):
            text = [*before, *new]
            # padding stands on the left, as in training: the end of a text is the end of its row
            start = longest - len(text) - 2
            tokens[row, start:] = torch.tensor([*text, special.end, special.begin])
            documents[row, start:] = 0
            order[row, start : longest - 2] = torch.arange(1, len(text) + 1)
            first = start + len(before)
            at[row] = torch.arange(first, first + wanted).clamp(max=longest - 3)
            real[row, : len(new)] = True
        hidden = model.hidden(tokens, documents=documents, order=order, at=at)[real]
        nats, right = token_scores(model, hidden, tokens.gather(1, at)[real])
        owners = np.repeat(np.arange(done, done + count), [len(new) for _, new in batch])
        np.add.at(values, owners, nats)
        np.logical_and.at(greedy, owners, right)
        done += count
        report(done, len(pieces))
    return values, greedy
