"""A Transformer with the head of a task on top, the same for pre-trained and untrained bodies.

    kind             head
    classification   bert: pooler (D × D, tanh) and a matrix; xlnet: the same (its summary); gpt: a matrix on the last
                     token's state beside the mean of all (Howard 2018: with few labels the mean says more); t5: a
                     matrix on the decoder's first state. That is Raffel's text-to-text with each label being one new
                     word, and no other word being allowed
    choice           the same with one output a row; a softmax over an item's rows
    tagging          a matrix on each word's first token; of t5 the encoder's states
    reading          two outputs a token, where the answer starts and ends; "no answer" is [CLS], <cls>, or
                     t5's </s> behind the question
    generation       no head: the loss is on what is to be written alone

Batches are dictionaries of tensors, made by `collate`; see task_inputs for what the rows are.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from headwater.model.losses import mean_nats
from headwater.model.task_inputs import Row
from headwater.model.transformer import Transformer

Batch = dict[str, Tensor]


class TaskModel(nn.Module):
    """`outputs`: classes of classification or tagging; 1 for choice, 2 for reading, 0 for generation."""

    def __init__(self, body: Transformer, kind: str, outputs: int, *, seed: int = 0) -> None:
        super().__init__()
        self.body, self.kind = body, kind
        width, family = body.config.width, body.config.family
        whole = kind in ("classification", "choice")  # one answer a text
        self.pooler = nn.Linear(width, width) if whole and family in ("bert", "xlnet") else None
        self.with_mean = whole and family == "gpt"
        self.classifier = nn.Linear(2 * width if self.with_mean else width, outputs) if outputs else None
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for layer in (self.pooler, self.classifier):
                if layer is not None:
                    layer.weight.normal_(std=0.02, generator=generator)
                    layer.bias.zero_()

    # ---------------------------------------------------------------- tokens to outputs

    def forward(self, batch: Batch) -> Tensor:
        """(B, classes); of choice (B,); of tagging and reading (B, T, outputs)."""
        assert self.classifier is not None
        states = self._states(batch)
        if self.kind in ("tagging", "reading"):
            outputs: Tensor = self.classifier(states)
            return outputs
        if self.body.config.family == "t5":
            read = states[:, 0]
        else:
            read = states[torch.arange(len(states), device=states.device), batch["read"]]  # (B, D)
        if self.with_mean:
            read = torch.cat((read, _mean(states, batch["read"])), 1)
        if self.pooler is not None:
            read = torch.tanh(self.pooler(read))
        outputs = self.classifier(read)
        return outputs[:, 0] if self.kind == "choice" else outputs

    def _states(self, batch: Batch) -> Tensor:
        body, tokens = self.body, batch["tokens"]
        documents = batch.get("documents")
        if body.config.family != "t5":
            # under a causal mask nobody sees the padding, which comes last
            visible = None if body.config.family == "gpt" else documents
            segments = batch.get("segments")
            if body.config.family == "bert" and body.segments is None:
                segments = None
            return body.hidden(tokens, documents=visible, segments=segments)
        if self.kind in ("tagging", "reading"):
            assert body.encoder is not None
            states: Tensor = body._run(body.encoder, body._embed(tokens, documents, None), documents)
            return states
        begin = batch["begin"]
        theirs = None if documents is None else torch.ones_like(begin)
        return body.hidden(tokens, documents=documents, decoder_tokens=begin, decoder_documents=theirs)

    # ---------------------------------------------------------------- losses

    def loss(self, batch: Batch, count: float | None = None) -> Tensor:
        """The mean over items (of tagging words, of generation tokens) in nats; `count`: over how many."""
        if self.kind == "generation":
            return self._writing_loss(batch, count)
        outputs = self(batch).float()
        targets = batch["targets"]
        if self.kind == "tagging":
            outputs = outputs.flatten(0, 1)[batch["places"]]
        elif self.kind == "choice":
            outputs = by_item(outputs, batch["options"])
        elif self.kind == "reading":
            both = outputs.masked_fill(~batch["allowed"][..., None], float("-inf"))  # (B, T, 2)
            nats = F.cross_entropy(both, targets, reduction="sum") / 2
            return nats / (len(both) if count is None else count)
        nats = F.cross_entropy(outputs, targets, reduction="sum")
        return nats / (len(targets) if count is None else count)

    def _writing_loss(self, batch: Batch, count: float | None) -> Tensor:
        body, tokens = self.body, batch["tokens"]
        if body.config.family == "t5":
            states = body.hidden(
                tokens, documents=batch.get("documents"), decoder_tokens=batch["begin"],
                decoder_documents=batch.get("decoder_documents"),
            )  # fmt: skip
        elif body.config.family == "gpt":
            states = body.hidden(tokens)
        else:  # the source is what all may see, and the target is predicted in the order of reading
            states = body.hidden(tokens, documents=batch["documents"], order=batch["order"], at=batch["at"])
        read = body.head(states.flatten(0, 1)[batch["places"]])
        return mean_nats(read, body.output_weight, batch["targets"], bias=body.output_bias, count=count)


def _mean(states: Tensor, last: Tensor) -> Tensor:
    """(B, T, D), and where each text ends (B,) -> (B, D), the mean of its states after the first, which has read nothing."""
    places = torch.arange(states.size(1), device=states.device)
    own = (places > 0) & (places <= last[:, None])
    mean: Tensor = (states * own[..., None]).sum(1, dtype=torch.float32) / own.sum(1, keepdim=True)
    return mean.to(states.dtype)


def by_item(outputs: Tensor, options: Tensor) -> Tensor:
    """(rows,) of choice and the number of options of each item (N,) -> (N, most options), −∞ where there is none."""
    table = outputs.new_full((len(options), int(options.max())), float("-inf"))
    there = torch.arange(table.size(1), device=options.device) < options[:, None]
    table[there] = outputs
    return table


# ---------------------------------------------------------------- rows to batches


def collate(kind: str, family: str, rows: Sequence[Row], pad: int, start: int) -> Batch:
    """Rows padded to one length: behind their end, of xlnet before their beginning. `start`: of t5's decoder.

    The rows of an item of choice stand side by side.
    """
    longest = max(len(row.tokens) for row in rows)
    left = family == "xlnet"
    shape = (len(rows), longest)
    tokens, real = np.full(shape, pad, np.int64), np.zeros(shape, np.int64)
    segments = np.zeros(shape, np.int64)
    shifts = np.array([longest - len(row.tokens) if left else 0 for row in rows])
    for number, (row, shift) in enumerate(zip(rows, shifts, strict=True)):
        where = slice(shift, shift + len(row.tokens))
        tokens[number, where], real[number, where] = row.tokens, 1
        if row.segments is not None:
            segments[number, where] = row.segments
    arrays = {"tokens": tokens}
    if rows[0].segments is not None and kind != "generation":
        arrays["segments"] = segments
    if not real.all():
        arrays["documents"] = real
    if kind == "generation":
        arrays |= _written(family, rows, real, shifts, pad, start)
    else:
        arrays["read"] = shifts + np.array([row.read for row in rows])
        if family == "t5":
            arrays["begin"] = np.full((len(rows), 1), start, np.int64)
        arrays |= _TARGETS[kind](rows, shifts, longest)
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}


def _classes(rows: Sequence[Row], shifts: np.ndarray, longest: int) -> dict[str, np.ndarray]:
    return {"targets": np.array([_target(row)[0] for row in rows])}


def _options(rows: Sequence[Row], shifts: np.ndarray, longest: int) -> dict[str, np.ndarray]:
    _, first, counts = np.unique([row.item for row in rows], return_index=True, return_counts=True)
    order = np.argsort(first)
    return {"options": counts[order], "targets": np.array([_target(rows[first[n]])[0] for n in order])}


def _tags(rows: Sequence[Row], shifts: np.ndarray, longest: int) -> dict[str, np.ndarray]:
    places, targets = [], []
    for number, (row, shift) in enumerate(zip(rows, shifts, strict=True)):
        assert row.places is not None
        places.append(number * longest + shift + row.places)
        targets.append(_target(row))
    return {"places": np.concatenate(places), "targets": np.concatenate(targets)}


def _answers(rows: Sequence[Row], shifts: np.ndarray, longest: int) -> dict[str, np.ndarray]:
    allowed = np.zeros((len(rows), longest), bool)
    for number, (row, shift) in enumerate(zip(rows, shifts, strict=True)):
        assert row.places is not None
        allowed[number, shift + row.places] = True
        allowed[number, shift + row.read] = True
    return {
        "allowed": allowed,
        "targets": np.stack([_target(r) + s for r, s in zip(rows, shifts, strict=True)]),
    }


_TARGETS = {"classification": _classes, "choice": _options, "tagging": _tags, "reading": _answers}


def _target(row: Row) -> np.ndarray:
    assert row.target is not None
    return row.target


def _written(
    family: str, rows: Sequence[Row], real: np.ndarray, shifts: np.ndarray, pad: int, start: int
) -> dict[str, np.ndarray]:
    """What a target's tokens are predicted at: the token before each (gpt, t5), or itself (xlnet)."""
    targets = [_target(row) for row in rows]
    most = max(map(len, targets))
    there = np.arange(most) < np.array([[len(target)] for target in targets])  # (B, U)
    every = np.concatenate(targets)
    if family == "t5":
        begin = np.full((len(rows), most), pad, np.int64)
        for number, target in enumerate(targets):
            begin[number, : len(target)] = [start, *target[:-1]]
        made = {"begin": begin, "targets": every, "places": np.flatnonzero(there)}
        if there.all() and real.all():
            return made
        # both or neither: a side without numbers is of no document, and the other would not see it
        return {**made, "decoder_documents": there.astype(np.int64), "documents": real}
    longest = real.shape[1]
    firsts = np.array([row.read for row in rows]) + shifts
    if family == "gpt":
        at = firsts[:, None] - 1 + np.arange(most)
        return {"targets": every, "places": (np.arange(len(rows))[:, None] * longest + at)[there]}
    order, at = np.zeros(real.shape, np.int64), np.zeros((len(rows), most), np.int64)
    for number, (first, target) in enumerate(zip(firsts, targets, strict=True)):
        at[number, : len(target)] = first + np.arange(len(target))
        order[number, first : first + len(target)] = 1 + np.arange(len(target))
        at[number, len(target) :] = first
    return {"targets": every, "places": np.flatnonzero(there), "order": order, "at": at, "documents": real}
