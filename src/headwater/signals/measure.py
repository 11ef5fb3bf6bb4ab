"""`measure_shards`: families on the texts of one shard, in one pass; the key under which each is kept.

Every text goes through all families before the next one is read, so that what several of them need is made once
(`corpus.text` and `pieces.py` keep the words of the last text). Each family's file is a shard of its own.
"""

import importlib
import unicodedata
from contextlib import ExitStack
from importlib.metadata import version
from types import ModuleType
from typing import Any

import pyarrow as pa

from headwater.corpus import text as corpus_text
from headwater.corpus.shards import ShardWriter, read_batches
from headwater.engine import guard
from headwater.engine.workspace import Output, content_key
from headwater.signals import FAMILIES, NUMBERS, SPANS
from headwater.signals.quantiles import quantiles_of

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
    """One family alone; see `measure_shards`."""
    return measure_shards([out], [{"texts": texts, "family": family}])[0]


def measure_shards(outs: list[Output], arguments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Shard function, a file for each of `arguments` (`family`, and the same `texts` in all: a shard with `id` and
    `text`): a row for every row of the texts, in the same order.

    A null text gives a null row. A text that a family fails on gives nulls and the error's name and words in
    `errors`: it loses that family's signals, never the shard; so does one that kills or holds up its worker.
    """
    families = [Measuring(own["family"], out) for out, own in zip(outs, arguments, strict=True)]
    with ExitStack() as stack:
        for family in families:
            stack.enter_context(family.writer)
        for batch in read_batches(arguments[0]["texts"], ["id", "text"]):
            for name, value in zip(batch["id"], batch["text"], strict=True):
                document, text = name.as_py(), value.as_py()
                size = 0 if text is None else len(text.encode())
                for family in families:
                    guard.within(family.name)
                    family.measure(text, size, guard.begin(f"document {document}"))
            guard.end()
            for family in families:
                family.write(batch["id"])
    for family, out in zip(families, outs, strict=True):
        numbers = [f"{family.name}.{one.name}" for one in FAMILIES[family.name] if one.type in NUMBERS]
        family.counts["quantiles"] = quantiles_of(out.path("parquet"), numbers)
    return [family.counts for family in families]


class Measuring:
    """One family at work on one shard: its rows since the last batch, and what was counted."""

    def __init__(self, name: str, out: Output) -> None:
        self.name, self.module, self.schema = name, module_of(name), schema_of(name)
        self.writer = ShardWriter(out.path("parquet"), self.schema)
        self.counts: dict[str, Any] = {"documents": 0, "bytes": 0, "failed": 0}
        self.rows: list[tuple[Any, ...]] = []
        self.errors: list[str | None] = []

    def measure(self, text: str | None, size: int, given_up: str | None) -> None:
        """Adds a row; `size` is the text's UTF-8 bytes, `given_up` why the text is not to be touched."""
        row, error = _measured(self.module, text, len(self.schema) - 2, given_up)
        self.rows.append(row)
        self.errors.append(error)
        self.counts["documents"] += text is not None
        self.counts["bytes"] += size
        self.counts["failed"] += error is not None

    def write(self, ids: pa.Array) -> None:
        """The rows since the last call, which belong to these ids."""
        arrays = [ids]
        for place, field in enumerate(list(self.schema)[1:-1]):
            arrays.append(pa.array([row[place] for row in self.rows], field.type))
        arrays.append(pa.array(self.errors, pa.string()))
        self.writer.write_table(pa.Table.from_arrays(arrays, schema=self.schema))
        self.rows, self.errors = [], []


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
