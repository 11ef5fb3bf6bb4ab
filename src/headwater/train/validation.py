"""The loss on held-out text on the way: the training's own objective, on the same batches each time.

A sample of the held-out documents (those of the lowest hashes of id) is laid end to end, as training text is, and cut
into sequences; what chance decides about each is decided once. Nothing is chosen by it: it shows whether a model
learns or repeats. The score that verdicts are made of is `evaluate`'s, on every held-out document.
"""

from pathlib import Path

import numpy as np
import torch
import xxhash

from headwater.corpus.shards import read_batches
from headwater.model.tokenizer import Tokenizer
from headwater.model.transformer import Transformer
from headwater.train.objectives import Batch, Objective, batch_loss


def validation_batches(
    heldout: Path, tokenizer: Tokenizer, objective: Objective, *, tokens: int, sequences: int
) -> list[Batch]:
    """Batches of `sequences` sequences, of `tokens` tokens in all or what there is; none where that is not one sequence.

    `heldout`: a Parquet file with the columns `id` and `text`.
    """
    wanted = max(1, tokens // objective.text_tokens) * objective.text_tokens + 1
    found: list[int] = []
    for text in _in_order(heldout, 16 * tokens):
        found += [*objective.between, *tokenizer.encode(text).tolist()]
        if len(found) >= wanted:
            break
    length = objective.text_tokens
    rows = np.array([found[n : n + length + 1] for n in range(0, min(wanted, len(found)) - length, length)], np.int64)  # fmt: skip
    keys = np.array([xxhash.xxh3_64_intdigest(str(n).encode()) for n in range(len(rows))], np.uint64)
    parts = [slice(start, start + sequences) for start in range(0, len(rows), sequences)]
    return [objective.make(rows[part], keys[part]) for part in parts]


def _in_order(heldout: Path, characters: int) -> list[str]:
    """Texts by hash of id; of long ones the beginning, so that no novel is all there is."""
    hashed: list[tuple[int, str]] = []
    most = max(2000, characters // 64)
    for batch in read_batches(heldout, ["id", "text"]):
        names = batch["id"].to_pylist()
        hashed += [
            (xxhash.xxh3_64_intdigest(name.encode()), text[:most])
            for name, text in zip(names, batch["text"].to_pylist(), strict=True)
        ]
        hashed.sort()
        size = np.cumsum([len(text) for _, text in hashed])  # what lies beyond is never read
        hashed = hashed[: int(np.searchsorted(size, characters)) + 1]
    return [text for _, text in hashed]


def validation_loss(network: Transformer, batches: list[Batch], place: torch.device) -> float:
    """Nats a target, over all batches. Every process computes all of it: the same number for any count of them."""
    count = sum(batch.targets.size for batch in batches)
    with torch.no_grad():
        return sum(batch_loss(network, batch.on(place), count).item() for batch in batches)
