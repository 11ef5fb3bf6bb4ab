"""`measure_shard`: one family on the texts of one shard; the key under which it is kept."""

import importlib
import unicodedata
from importlib.metadata import version
from types import ModuleType
from typing import Any

import pyarrow as pa

from headwater.corpus import text as corpus_text
from headwater.corpus.shards import ShardWriter, read_batches
from headwater.engine import guard
from headwater.engine.workspace import Output, content_key
from headwater.signals import FAMILIES, SPANS

LONGEST_ERROR = 300  # characters of an error's text that are kept


def module_of(family: str) -> ModuleType:
    """The module that measures a family: VERSION, LIBRARIES, measure(text), perhaps warm()."""
    return importlib.import_module(f"headwater.signals.{family}")


def family_key(family: str) -> str:
    """32 hex: whatever a family's numbers depend on besides the texts: its version, its columns, its libraries."""
    module = module_of(family)
    columns = [(signal.name, signal.type) for signal in FAMILIES[family]]
    libraries = {name: version(name) for name in module.LIBRARIES}
    unicode = unicodedata.unidata_version
    return content_key(family, module.VERSION, corpus_text.VERSION, columns, libraries, unicode)


def schema_of(family: str) -> pa.Schema:
    """`id`, the family's columns, `errors`."""
    columns = [pa.field(f"{family}.{signal.name}", _type(signal.type)) for signal in FAMILIES[family]]
    return pa.schema([pa.field("id", pa.string(), nullable=False), *columns, pa.field("errors", pa.string())])


def _type(name: str) -> pa.DataType:
    nested = {
        SPANS: pa.list_(pa.struct([("start", pa.int32()), ("end", pa.int32()), ("score", pa.float32())])),
        "list<uint64>": pa.list_(pa.uint64()),
        "fixed_size_list<uint64, 14>": pa.list_(pa.uint64(), 14),
        "fixed_size_list<uint32, 112>": pa.list_(pa.uint32(), 112),
    }
    return nested[name] if name in nested else pa.type_for_alias(name)


def warm() -> None:
    """Compiles every family's kernels, so that workers find them on disk."""
    for family in FAMILIES:
        module = module_of(family)
        if hasattr(module, "warm"):
            module.warm()


def measure_shard(out: Output, *, texts: str, family: str) -> dict[str, Any]:
    """Shard function: a row for every row of `texts` (a shard with `id` and `text`), in the same order.

    A null text gives a null row. A text that the family fails on gives nulls and the error's name and words in
    `errors`: it loses its signals, never the shard; so does one that kills or holds up its worker.
    """
    module, schema = module_of(family), schema_of(family)
    counts = {"documents": 0, "bytes": 0, "failed": 0}
    with ShardWriter(out.path("parquet"), schema) as writer:
        for batch in read_batches(texts, ["id", "text"]):
            rows: list[tuple[Any, ...]] = []
            errors: list[str | None] = []
            for name, value in zip(batch["id"], batch["text"], strict=True):
                text = value.as_py()
                given_up = guard.begin(f"document {name.as_py()}")
                row, error = _measured(module, text, len(schema) - 2, given_up)
                rows.append(row)
                errors.append(error)
                counts["failed"] += error is not None
                if text is not None:
                    counts["documents"] += 1
                    counts["bytes"] += len(text.encode())
            guard.end()
            arrays = [batch["id"]]
            for place, field in enumerate(list(schema)[1:-1]):
                arrays.append(pa.array([row[place] for row in rows], field.type))
            arrays.append(pa.array(errors, pa.string()))
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    return counts


def _measured(
    module: ModuleType, text: str | None, columns: int, given_up: str | None
) -> tuple[tuple[Any, ...], str | None]:
    if text is None or given_up is not None:
        return (None,) * columns, given_up
    try:
        return module.measure(text), None
    except (
        Exception
    ) as error:  # whatever a text does to a library, it costs this text's signals and no other's
        return (None,) * columns, f"{type(error).__name__}: {error}"[:LONGEST_ERROR]
