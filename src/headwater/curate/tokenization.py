"""The sample that a tokeniser is trained on: fixed by the hash of document ids, and by nothing an arm decides.

Training documents as they were read, before any rule or edit, in ascending order of xxh3-64 of their id, until
they hold `sample` bytes. Every arm of a comparison therefore shares one tokeniser, and a changed threshold does
not change it.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow.compute as pc
import xxhash

from headwater.corpus.shards import read_batches
from headwater.engine.workspace import Output
from headwater.model.special_tokens import added_count, with_special_tokens
from headwater.model.tokenizer import Tokenizer, train

LIKELIHOODS = ("gpt", "xlnet")  # families that give a text a probability, and so bits per byte


def sample_documents(documents: list[str], sample: int) -> Iterator[str]:
    """The texts of the sample, in the order of the shards; the last one chosen may exceed `sample` bytes.

    16 bytes a document are held, and one batch of texts. A document in several of the files counts once.
    """
    hashes, sizes = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    for path in documents:
        for batch in read_batches(path, ["id", "text", "split"]):
            train_rows = batch.filter(pc.equal(batch.column("split"), "train"))
            hashes.append(_hashes(train_rows.column("id").to_pylist()))
            sizes.append(pc.binary_length(train_rows.column("text")).to_numpy().astype(np.int64))
    distinct, first = np.unique(np.concatenate(hashes), return_index=True)
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.concatenate(sizes)[first])])
    taken = int(np.searchsorted(before, sample))  # documents that begin below the limit
    if not len(distinct):
        return
    last = distinct[max(1, min(taken, len(distinct))) - 1]
    seen: set[int] = set()
    for path in documents:
        for batch in read_batches(path, ["id", "text", "split"]):
            train_rows = batch.filter(pc.equal(batch.column("split"), "train"))
            numbers = _hashes(train_rows.column("id").to_pylist())
            for row in np.flatnonzero(numbers <= last).tolist():
                if int(numbers[row]) not in seen:
                    seen.add(int(numbers[row]))
                    yield train_rows.column("text")[row].as_py()


def _hashes(ids: list[str]) -> np.ndarray:
    return np.array([xxhash.xxh3_64_intdigest(name.encode()) for name in ids], np.uint64)


class _Sample:
    """The texts of the sample, as often as they are asked for; what they hold is counted."""

    def __init__(self, documents: list[str], sample: int) -> None:
        self._documents, self._sample, self.documents, self.bytes = documents, sample, 0, 0

    def __iter__(self) -> Iterator[str]:
        self.documents = self.bytes = 0
        for text in sample_documents(self._documents, self._sample):
            self.bytes += len(text.encode())
            self.documents += 1
            yield text


def train_shard(
    out: Output,
    *,
    documents: list[str],
    sample: int,
    vocabulary: int,
    kind: str = "byte-bpe",
    coverage: float = 0.9995,
    family: str = "gpt",
) -> dict[str, Any]:
    """Shard function: `tokenizer.json`, trained on the sample of these documents.

    What a family needs beside the tokens of text stands behind them and counts towards `vocabulary`.
    """
    texts = _Sample(documents, sample)
    definition = train(texts, vocabulary - added_count(family), kind, coverage)
    definition = with_special_tokens(definition, family)
    out.path("json").write_text(definition, encoding="utf-8")
    made = Tokenizer(definition)
    return {
        "documents": texts.documents,
        "bytes": texts.bytes,
        "vocabulary": made.vocabulary,
        "lossless": made.lossless,
    }


def copy_shard(out: Output, *, path: str, family: str = "gpt") -> dict[str, Any]:
    """Shard function: an existing tokenizer.json with the tokens that the family needs, and whether it loses text."""
    tokenizer = Tokenizer.load(path)
    tokenizer = Tokenizer(with_special_tokens(tokenizer.definition, family), path)
    out.path("json").write_text(tokenizer.definition, encoding="utf-8")
    return {"vocabulary": tokenizer.vocabulary, "lossless": tokenizer.lossless}
