"""Rung 0 of a comparison: the byte 5-gram of a training set, scored as a run is. Seconds of CPU, no torch.

It reads what the Transformer trains on, decoded from the pool: whole documents in the order of a hash of their id,
so that training sets which share documents share them here too, until `max_bytes` are reached. With a mixture, each
source gives the share that its weight says.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

from headwater.corpus.shards import ShardWriter, read_batches
from headwater.corpus.tokens import open_tokens
from headwater.engine.workspace import Output, read_json
from headwater.errors import HeadwaterError
from headwater.evaluate.summary import HELDOUT_COLUMNS, SCORES_SCHEMA
from headwater.model.ngram import ByteNgram
from headwater.model.tokenizer import Tokenizer

COLUMNS = ["id", "source", "shard", "offset", "length", "bytes"]


def score_ngram(
    out: Output, *, training_set: str, heldout: str, max_bytes: int, source: str | None = None
) -> dict[str, Any]:
    """Shard function: trains on a training set, or on one source of it, and writes `scores.parquet`."""
    model = ByteNgram.train(training_texts(Path(training_set), max_bytes, source))
    documents = size = 0
    with ShardWriter(out.path(), SCORES_SCHEMA) as writer:
        for batch in read_batches(heldout, HELDOUT_COLUMNS):
            rows = batch.to_pylist()
            for row in rows:
                text = row.pop("text")
                row |= {"bytes": len(text.encode()), "nats": model.nats(text)}
                size += row["bytes"]
            writer.write(rows)
            documents += len(rows)
    return {"documents": documents, "bytes": size}


def training_texts(training_set: Path, max_bytes: int, source: str | None = None) -> Iterator[str]:
    """The texts, shard by shard; at least one document of every source that has any."""
    manifest = read_json(training_set / "manifest.json")
    if manifest is None:
        raise HeadwaterError(f"{training_set}: no training set is here; run `headwater curate` again")
    coder = Tokenizer.load(training_set / "tokenizer.json")
    documents = pq.read_table(training_set / "documents.parquet", columns=COLUMNS)
    if source is not None:
        documents = documents.filter(pc.equal(documents.column("source"), source))
    mixture = manifest["mixture"] if source is None else None
    picked = documents.filter(pa.array(_sample(documents, mixture, max_bytes)))
    for shard in manifest["pool"]:
        rows = picked.filter(pc.equal(picked.column("shard"), shard["shard"]))
        tokens = open_tokens(training_set / shard["path"], manifest["vocabulary"])
        for row in rows.select(["offset", "length"]).to_pylist():
            yield coder.decode(tokens[row["offset"] : row["offset"] + row["length"]])


def _sample(documents: pa.Table, mixture: dict[str, float] | None, max_bytes: int) -> np.ndarray:
    """Which documents are read, (documents,)."""
    names = documents.column("id").to_pylist()
    keys = np.array([xxhash.xxh3_64_intdigest(name.encode()) for name in names], np.uint64)
    sizes = documents.column("bytes").to_numpy().astype(np.int64)
    sources = np.array(documents.column("source").to_pylist(), np.str_)
    groups = [(np.arange(len(names)), 1.0)]
    if mixture is not None:
        groups = [(np.flatnonzero(sources == name), weight) for name, weight in mixture.items() if weight > 0]
    # as much as every source can give its share of
    total = min([max_bytes, *(sizes[places].sum() / weight for places, weight in groups)])
    chosen = np.zeros(len(names), np.bool_)
    for places, weight in groups:
        ordered = places[np.argsort(keys[places], kind="stable")]
        before = np.cumsum(sizes[ordered]) - sizes[ordered]
        chosen[ordered[before < weight * total]] = True
    return chosen
