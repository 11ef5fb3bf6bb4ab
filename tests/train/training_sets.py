"""Small training sets, written in the layout that training reads."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from headwater.corpus.shards import ShardWriter
from headwater.corpus.tokens import TokenWriter
from headwater.model.tokenizer import Tokenizer, train

SENTENCES = [
    "The river has its source in the hills, and every stream feeds it. ",
    "源头活水来，半亩方塘一鉴开。问渠那得清如许？",
    "為有源頭活水來，天光雲影共徘徊。",
    "Python 3 的文档：用 print() 打印“你好”。",
    "A model learns what the data says, no more. ",
]
_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("id", "text_key", "source", "language", "shard")]
    + [(name, pa.int64()) for name in ("offset", "length", "bytes")]
)


def texts(count: int, seed: int = 0) -> list[str]:
    """Chinese, English and mixed texts of very different lengths; one in twenty is empty."""
    random = np.random.default_rng(seed)
    lengths = random.integers(0, 20, count)
    return ["".join(SENTENCES[i] for i in random.integers(0, len(SENTENCES), n)) for n in lengths]


def write_training_set(
    folder: Path,
    documents: list[tuple[str, str, str]],
    *,
    vocabulary: int = 320,
    mixture: dict[str, float] | None = None,
    shards: int = 2,
) -> Path:
    """`documents`: (id, source, text). The tokens lie in a pool beside the folder, in `shards` files."""
    folder.mkdir(parents=True)
    pool = folder.parent / "pool"
    pool.mkdir(exist_ok=True)
    definition = train([text for _, _, text in documents] + SENTENCES * 2, vocabulary)
    (folder / "tokenizer.json").write_text(definition, encoding="utf-8")
    coder = Tokenizer.load(folder / "tokenizer.json")
    rows: list[dict[str, Any]] = []
    for shard in range(shards):
        with TokenWriter(pool / f"{shard}.bin", coder.vocabulary) as writer:
            for name, source, text in documents[shard::shards]:
                ids = coder.encode(text)
                rows.append(
                    {
                        "id": name, "text_key": name, "source": source, "language": "zh", "shard": str(shard),
                        "offset": writer.write(ids, name), "length": len(ids), "bytes": len(text.encode()),
                    }
                )  # fmt: skip
    with ShardWriter(folder / "documents.parquet", _SCHEMA) as documents_file:
        documents_file.write(rows)
    manifest = {
        "format": 1, "key": folder.name, "vocabulary": coder.vocabulary, "dtype": "uint16",
        "separator": coder.separator, "mixture": mixture, "max_epochs": 4, "documents": len(rows),
        "pool": [{"shard": str(n), "path": f"../pool/{n}.bin"} for n in range(shards)],
        "tokens": sum(row["length"] for row in rows),
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder
