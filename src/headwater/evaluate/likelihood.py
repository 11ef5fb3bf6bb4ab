"""How likely a model finds a continuation of a context, for all four families: what tasks are decided by.

gpt    ln P(continuation | context) = Σ_i ln P(x_i | x_<i), over the continuation's tokens; an empty context is the
       separator, or what the tokeniser puts before every text (`Scorer` does so, too). A likelihood.
xlnet  the same with the order of factorisation set to left to right (EQ-PLM with one order); the text's end,
       <sep> <cls>, may be seen, as in training: the length is given. A likelihood.
t5     the continuation is what fills a gap at the end of the context: ln P(<extra_id_0> continuation | context
       <extra_id_0> </s>) without the sentinel's own term (EQ-SPAN). A likelihood; without a context there is nothing
       to condition on, and each word is cut out in turn: a pseudo-likelihood.
bert   within-word left-to-right pseudo-likelihood (Kauf and Ivanova 2023, PLL-word-l2r): Σ_i ln P(x_i | x with x_i and
       the later tokens of its word masked). Masking only the token itself would overrate words of several pieces,
       whose later pieces give the earlier ones away. In Chinese a word is a segmented one.

A pseudo-likelihood sees what comes after; it is never ranked against a likelihood: `measure_of` names which it is.

Rows of like length go together, and texts with one beginning share a row (gpt): the context of several choices, or
what two sentences of a minimal pair have in common, is computed once.
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
LEAST_TOKENS = 512  # a batch that it does not pay to split


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
    beginning = [special.first] if family == "gpt" else []
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
        for before, new in _fitting(context, continuation, room):
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


def _fitting(context: list[int], continuation: list[int], room: int) -> list[tuple[list[int], list[int]]]:
    """(what is read, what is scored), of at most `room` tokens together."""
    if len(context) + len(continuation) <= room:
        return [(context, continuation)]
    if len(continuation) < room:
        return [(context[-(room - len(continuation)) :], continuation)]
    step = max(1, 3 * room // 4)
    least = min(1, len(context))  # its last token stands before the first window
    parts, done = [], 0
    while done < len(continuation):
        end = min(len(continuation), done + (room - least if not done else step))
        before = (context + continuation[:done])[-(room - (end - done)) :] if done else context[-1:]
        parts.append((before, continuation[done:end]))
        done = end
    return parts


# ---------------------------------------------------------------- gpt


_Member = tuple[int, int, tuple[int, ...]]  # piece, its first scored place, and what it does not share


@dataclass(frozen=True)
class _Row:
    """Texts with one beginning, in one row of a batch: what they share is read once, the rest of each is a branch."""

    shared: tuple[int, ...]
    members: tuple[_Member, ...]
    length: int  # tokens read: the last one of a text is only predicted


def _left_to_right(
    model: Transformer, pieces: list[tuple[tuple[int, ...], tuple[int, ...]]]
) -> tuple[np.ndarray, np.ndarray]:
    rows = _rows(pieces, 2 * model.config.context)
    rows.sort(key=lambda row: (row.length, row.members[0][0]))
    values, greedy = np.zeros(len(pieces)), np.zeros(len(pieces), bool)
    done = 0
    for batch in _batches(rows):
        _score_rows(model, batch, values, greedy)
        done += len(batch)
        report(done, len(rows))
    return values, greedy


def _rows(pieces: list[tuple[tuple[int, ...], tuple[int, ...]]], longest: int) -> list[_Row]:
    """Texts in alphabetical order, neighbours in one row as long as that leaves less to read than rows of their own."""
    texts = [context + continuation for context, continuation in pieces]
    rows: list[_Row] = []
    group: list[int] = []
    shared = size = 0  # of the group: tokens in common, and tokens to read

    def close() -> None:
        end = min(shared, max(len(texts[number]) for number in group) - 1)
        members = tuple((number, len(pieces[number][0]), texts[number][end:]) for number in group)
        read = end + sum(max(0, len(rest) - 1) for _, _, rest in members)
        rows.append(_Row(texts[group[0]][:end], members, read))

    for number in sorted(range(len(pieces)), key=texts.__getitem__):
        length = len(texts[number])
        if group:
            common = min(shared, _common(texts[group[0]], texts[number]))
            joined = size + (shared - common) * (len(group) - 1) + length - common
            # a row that branches costs a mask: a saving of less than a quarter of a text is none
            if joined <= longest and size + length - joined > length / 4:
                group.append(number)
                shared, size = common, joined
                continue
            close()
        group, shared, size = [number], length, length
    if group:
        close()
    return rows


def _common(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """How many tokens they begin with alike."""
    least = min(len(one), len(other))
    return next((place for place in range(least) if one[place] != other[place]), least)


def _batches(rows: list[_Row]) -> list[list[_Row]]:
    """Neighbours in length: at most BATCH_TOKENS with padding, of which there is little once a batch is of some size."""
    batches: list[list[_Row]] = []
    for row in rows:
        size = row.length * (len(batches[-1]) + 1) if batches else 0
        padded = size > LEAST_TOKENS and batches[-1][0].length < 0.9 * row.length
        if not batches or size > BATCH_TOKENS or padded:
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
    terms: list[
        tuple[int, int, int, int, int]
    ] = []  # piece; its terms in `targets`: of what is shared, of its own
    plain = True
    for number, row in enumerate(batch):
        end, start = len(row.shared), number * longest
        tokens[number, :end], branches[number, :end], positions[number, :end] = row.shared, 0, range(end)
        first = min(first for _, first, _ in row.members)
        before = len(at)
        at += range(start + first - 1, start + end - 1)
        targets += row.shared[first:]
        behind = max(before, len(at))
        last = start + end - 1
        plain &= sum(len(rest) > 1 for _, _, rest in row.members) <= 1
        for branch, (piece, scored, rest) in enumerate(row.members, 1):
            skipped = max(0, scored - len(row.shared))  # of its own, and still context
            read = max(0, len(rest) - 1)
            tokens[number, end : end + read] = rest[:-1]
            branches[number, end : end + read] = branch
            positions[number, end : end + read] = range(len(row.shared), len(row.shared) + read)
            own = len(at)
            if rest:
                at += [last, *range(start + end, start + end + read)][skipped:]
                targets += rest[skipped:]
            terms.append((piece, min(before + scored - first, behind), behind, own, len(at)))
            end += read
    if plain:  # nothing but causal: what is behind a row's end is seen by nobody
        hidden = model.hidden(torch.from_numpy(tokens))
    else:
        hidden = branched_hidden(model, *(torch.from_numpy(x) for x in (tokens, branches, positions)))
    log_p, right = token_scores(model, hidden.flatten(0, 1)[torch.tensor(at)], torch.tensor(targets))
    sums, hits = (np.concatenate([[0], np.cumsum(x, dtype=np.float64)]) for x in (log_p, right))
    piece, start_shared, end_shared, start_own, end_own = np.array(terms).T
    values[piece] = sums[end_shared] - sums[start_shared] + sums[end_own] - sums[start_own]
    count = end_shared - start_shared + end_own - start_own
    greedy[piece] = hits[end_shared] - hits[start_shared] + hits[end_own] - hits[start_own] == count


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
