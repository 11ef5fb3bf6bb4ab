"""The pool: every text that an arm of a comparison keeps, tokenised once.

A text is named by its key (document and hash of the text), so arms that keep the same text share its tokens and
arms whose edits differ have one entry each. Rows and tokens of a shard are in the order of its documents, then
of the arms; no number of workers changes them.
"""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from headwater.corpus.shards import ShardWriter, in_step, read_batches
from headwater.corpus.tokens import TokenWriter
from headwater.engine.workspace import Output
from headwater.model.tokenizer import Tokenizer

POOL_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("text_key", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("language", pa.string()),
        pa.field("unit", pa.string(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),  # tokens before it in the shard's .bin
        pa.field("length", pa.int64(), nullable=False),  # tokens; no separator among them
        pa.field("bytes", pa.int64(), nullable=False),  # UTF-8
    ]
)
LEDGER_COLUMNS = ["id", "state", "split", "language", "text_key"]


def tokenise_shard(
    out: Output, *, documents: str, arms: list[dict[str, Any]], tokenizer: str
) -> dict[str, Any]:
    """Shard function: `.bin` tokens and `.parquet` rows (POOL_SCHEMA) of every distinct text that an arm keeps.

    An arm is {"ledger": path, "editions": [paths, the newest first]}; held-out documents are in no pool.
    """
    coder = Tokenizer.load(tokenizer)
    size = 0
    with (
        TokenWriter(out.path("bin"), coder.vocabulary) as tokens,
        ShardWriter(out.path(), POOL_SCHEMA) as writer,
    ):
        for chosen in _chosen(documents, arms):
            encoded = coder.encode_batch([row.pop("text") for row in chosen])
            for row, ids in zip(chosen, encoded, strict=True):
                row["offset"], row["length"] = tokens.write(ids, row["id"]), len(ids)
                size += row["bytes"]
            writer.write(chosen)
        count, total = writer.rows, tokens.tokens
    return {"documents": count, "tokens": total, "bytes": size}


def _chosen(documents: str, arms: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Rows of the pool with their text, a batch at a time."""
    streams = [read_batches(documents, ["id", "text", "source", "unit"])]
    for arm in arms:
        streams.append(read_batches(arm["ledger"], LEDGER_COLUMNS))
        streams += [read_batches(edition, ["id", "text"]) for edition in arm["editions"]]
    for batches in in_step(streams):
        source, rest, rows = batches[0], batches[1:], []
        layers = []
        for arm in arms:
            layers.append((rest[0].to_pylist(), rest[1 : 1 + len(arm["editions"])]))
            rest = rest[1 + len(arm["editions"]) :]
        columns = {name: source.column(name) for name in ("id", "source", "unit", "text")}
        for i in range(source.num_rows):
            keys: set[str] = set()
            for ledger, editions in layers:
                entry = ledger[i]
                if entry["state"] != "kept" or entry["split"] != "train" or entry["text_key"] in keys:
                    continue
                name = columns["id"][i].as_py()
                if entry["id"] != name:
                    raise AssertionError(f"{documents}: row {i} is {name}, but {entry['id']} in the ledger")
                keys.add(entry["text_key"])
                edited = next((e.column("text")[i] for e in editions if e.column("text")[i].is_valid), None)
                text = (columns["text"][i] if edited is None else edited).as_py()
                rows.append(
                    {
                        "id": name,
                        "text_key": entry["text_key"],
                        "source": columns["source"][i].as_py(),
                        "language": entry["language"],
                        "unit": columns["unit"][i].as_py(),
                        "bytes": len(text.encode()),
                        "text": text,
                    }
                )
        if rows:
            yield rows
