"""Scores of held-out documents in nats: `scores.parquet`, one row a document, for a run or for an n-gram model.

    −ln P(text) = −Σ_i ln P(token_i | tokens before it), the first given the separator

The sum over tokens is the code length of the text itself, so models with different tokenisers compare, as long as
no tokeniser loses text: one that does is refused. Families that do not read from left to right are scored by what
`families.py` says, under a name of its own. Nats, not bits per byte: sums stay sums, and who divides by what
(raw UTF-8 bytes, of documents, units or domains) is seen in `summary.py`.

A text longer than the context is read in windows of the whole context, moved by three quarters of it: every token
but those of a text's beginning has at least a quarter of the context before it. Windows side by side would save a
quarter of the time and give the first token of each nothing to go by; a step of one token would cost as many times
more as the context is long.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from headwater.corpus.shards import ShardWriter, read_batches
from headwater.engine.progress import report
from headwater.engine.workspace import Output
from headwater.errors import HeadwaterError
from headwater.evaluate import families
from headwater.evaluate.summary import HELDOUT_COLUMNS, SCORES_SCHEMA
from headwater.model import huggingface
from headwater.model.losses import token_nats
from headwater.model.tokenizer import Tokenizer
from headwater.model.transformer import Transformer

BATCH_TOKENS = 2048


def score_run(out: Output, *, run: str, heldout: str) -> dict[str, Any]:
    """Shard function: the model and tokeniser of `run`/model on every document of `heldout`, on one CPU thread.

    fp32, and the same batches for the same documents: the same bytes every time. Raises HeadwaterError where the
    tokeniser loses text.
    """
    torch.set_num_threads(1)
    folder = Path(run) / "model"
    model, tokenizer = huggingface.load(folder), Tokenizer.load(folder / "tokenizer.json")
    family = model.config.family
    documents = size = 0
    with ShardWriter(out.path(), SCORES_SCHEMA) as writer:
        for batch in read_batches(heldout, HELDOUT_COLUMNS):
            rows = batch.to_pylist()
            if family in families.LIKELIHOODS:
                tokens = [lossless(tokenizer, row["text"], row["id"]) for row in rows]
            else:
                tokens = tokenizer.encode_batch([row["text"] for row in rows])
            if family == "gpt":
                nats = document_nats(model, tokens, tokenizer.special(family).first)
            else:
                ids = [row["id"] for row in rows]
                nats = families.document_nats(model, tokens, ids, tokenizer.special(family))
            for row, value in zip(rows, nats.tolist(), strict=True):
                text = row.pop("text")
                row |= {"bytes": len(text.encode()), "nats": value}
                size += row["bytes"]
            writer.write(rows)
            documents += len(rows)
    return {"documents": documents, "bytes": size, "measure": families.MEASURES[family]}


def lossless(tokenizer: Tokenizer, text: str, name: str) -> np.ndarray:
    """The tokens of a text, (tokens,), once it is certain that they are the text."""
    tokens = tokenizer.encode(text)
    if tokenizer.decode(tokens) != text:
        raise HeadwaterError(
            f"document {name}: the tokeniser loses text (what it decodes is not what it was given), so bits per byte "
            "would mean nothing; use a byte-level one (tokenizer: {kind: byte-bpe})"
        )
    return tokens


def document_nats(model: Transformer, documents: list[np.ndarray], first: int) -> np.ndarray:
    """−ln P of each document, (documents,) float64; documents are token arrays (tokens,). `first` stands before each."""
    context = model.config.context
    totals = np.zeros(len(documents))
    windows = [(len(piece), n, new, piece) for n, doc in enumerate(documents)
               for new, piece in _windows(np.concatenate([[first], doc]), context)]  # fmt: skip
    # like lengths together: little is padded, and the order says nothing of what was scored before
    windows.sort(key=lambda window: (window[0], window[1]))
    model.eval()
    done, a_batch = 0, max(1, BATCH_TOKENS // context)
    with torch.inference_mode():
        while done < len(windows):
            batch = windows[done : done + a_batch]
            longest = batch[-1][0] - 1
            tokens = torch.full((len(batch), longest + 1), first, dtype=torch.long)
            wanted = torch.zeros((len(batch), longest), dtype=torch.bool)
            for row, (length, _, new, piece) in enumerate(batch):
                tokens[row, :length] = torch.from_numpy(piece.astype(np.int64))
                wanted[row, length - 1 - new : length - 1] = True
            hidden = model.hidden(tokens[:, :-1])[wanted]
            nats = token_nats(F.linear(hidden, model.output_weight), tokens[:, 1:][wanted]).double()
            sums = np.add.reduceat(nats.numpy(), np.cumsum([0, *(w[2] for w in batch[:-1])]))
            np.add.at(totals, [window[1] for window in batch], sums)
            done += len(batch)
            report(done, len(windows))
    return totals


def _windows(tokens: np.ndarray, context: int) -> Iterator[tuple[int, np.ndarray]]:
    """(tokens that are new, at the end of the window; the window of at most context + 1 tokens).

    `tokens` begins with the separator, which is never a target.
    """
    targets = len(tokens) - 1
    end = min(context, targets)
    if end:
        yield end, tokens[: end + 1]
    step = max(1, 3 * context // 4)
    while end < targets:
        new = min(step, targets - end)
        end += new
        yield new, tokens[end - context : end + 1]
