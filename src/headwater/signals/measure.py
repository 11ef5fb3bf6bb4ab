"""`measure_shards`: families on the texts of one shard, in one pass; the key under which each is kept.

Every text goes through all families before the next one is read, so that what several of them need is made once
(`corpus.text` and `pieces.py` keep the words of the last text). Each family's file is a shard of its own.
"""

import importlib
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from types import ModuleType
from typing import Any

import pyarrow as pa

from headwater.corpus.shards import ShardWriter, read_batches
from headwater.corpus.text import UNDETERMINED
from headwater.engine import guard
from headwater.engine.workspace import Output
from headwater.signals import FAMILIES, SPANS, language
from headwater.signals.families import Family
from headwater.signals.quantiles import quantiles_of

LONGEST_ERROR = 300  # characters of an error's text that are kept
BATCH = 1000  # texts that go together into a family that takes many, unless the recipe says how many

Row = tuple[Any, ...]  # a value for each column


def module_of(family: str) -> ModuleType:
    """The module that measures a family: VERSION, LIBRARIES, measure(text), perhaps warm()."""
    return importlib.import_module(f"headwater.signals.{family}")


def family_key(family: str) -> str:
    """The key of a built-in family."""
    return Family(family, family).key


def schema_of(family: Family | str) -> pa.Schema:
    """`id`, the family's columns, `errors`."""
    if isinstance(family, str):
        family = Family(family, family)
    columns = [pa.field(f"{family.name}.{signal.name}", _type(signal.type)) for signal in family.columns]
    return pa.schema([pa.field("id", pa.string(), nullable=False), *columns, pa.field("errors", pa.string())])


def _type(name: str) -> pa.DataType:
    nested = {
        SPANS: pa.list_(pa.struct([("start", pa.int32()), ("end", pa.int32()), ("score", pa.float32())])),
        "list<uint64>": pa.list_(pa.uint64()),
        "list<float>": pa.list_(pa.float32()),
        "list<string>": pa.list_(pa.string()),
        "fixed_size_list<uint64, 14>": pa.list_(pa.uint64(), 14),
        "fixed_size_list<uint32, 112>": pa.list_(pa.uint32(), 112),
    }
    return nested[name] if name in nested else pa.type_for_alias(name)


def warm(modules: Iterable[str] = FAMILIES) -> None:
    """Compiles the kernels of these families' modules, so that workers find them on disk."""
    for name in modules:
        module = module_of(name)
        if hasattr(module, "warm"):
            module.warm()


def row_of(family: Family) -> Callable[[str, str], Row]:
    """From a document's id and a text to the family's row; what the family raises is raised."""
    code = family.code
    if family.settings is None:
        return lambda document, text: code.measure(text)
    if hasattr(code, "opened"):
        opened = code.opened(family.settings)
        return lambda document, text: opened(text)
    batch = code.opened_batch(family.settings)
    return lambda document, text: batch([document], [text])[0]


def measure_shard(out: Output, *, texts: str, family: str) -> dict[str, Any]:
    """One family alone; see `measure_shards`."""
    return measure_shards([out], [{"texts": texts, "family": family}])[0]


def measure_shards(outs: list[Output], arguments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Shard function, a file for each of `arguments` (`family`, perhaps `module`, `settings` and `languages`, and the
    same `texts` in all: a shard with `id` and `text`): a row for every row of the texts, in the same order.

    A null text gives a null row, and so does one in another language than the family's `languages`. A text that a family fails on gives nulls and the error's name and words in
    `errors`: it loses that family's signals, never the shard; so does one that kills or holds up its worker.
    """
    families = [
        Measuring(_family(**{name: value for name, value in own.items() if name != "texts"}), out)
        for out, own in zip(outs, arguments, strict=True)
    ]
    with ExitStack() as stack:
        for family in families:
            stack.enter_context(family.writer)
        for batch in read_batches(arguments[0]["texts"], ["id", "text"]):
            for name, value in zip(batch["id"], batch["text"], strict=True):
                document, text = name.as_py(), value.as_py()
                size = 0 if text is None else len(text.encode())
                for family in families:
                    family.count(text, size)
                    if family.batch is None:
                        guard.within(family.family.name)
                        family.measure(text, guard.begin(f"document {document}"))
            for family in families:
                family.measure_batch(batch)
            guard.end()
            for family in families:
                family.write(batch["id"])
    for family, out in zip(families, outs, strict=True):
        family.counts["quantiles"] = quantiles_of(out.path("parquet"), family.family.numbers)
    return [family.counts for family in families]


def _family(
    family: str, module: str = "", settings: dict[str, Any] | None = None, languages: list[str] | None = None
) -> Family:
    return Family(family, module or family, settings, None if languages is None else tuple(languages))


class Measuring:
    """One family at work on one shard: its rows since the last batch, and what was counted."""

    def __init__(self, family: Family, out: Output) -> None:
        self.family, self.code, self.schema = family, family.code, schema_of(family)
        self.writer = ShardWriter(out.path("parquet"), self.schema)
        self.counts: dict[str, Any] = {"documents": 0, "bytes": 0, "failed": 0}
        self.rows: list[Row] = []
        self.errors: list[str | None] = []
        self.opened: Callable[[str], Row] | None = None
        self.batch: Callable[[list[str], list[str]], list[Row]] | None = None
        if family.settings is not None:
            if hasattr(self.code, "opened"):
                self.opened = self.code.opened(family.settings)
            else:
                self.batch = self.code.opened_batch(family.settings)
        self.nothing: Row = (None,) * len(family.columns)

    def count(self, text: str | None, size: int) -> None:
        """`size`: the text's UTF-8 bytes."""
        self.counts["documents"] += text is not None
        self.counts["bytes"] += size

    def measure(self, text: str | None, given_up: str | None) -> None:
        """Adds a row; `given_up` is why the text is not to be touched."""
        if text is None or given_up is not None:
            self._add(self.nothing, given_up)
            return
        try:
            if self._gated(text):
                self._add(self.nothing, None)
            else:
                self._add(self.opened(text) if self.opened is not None else self.code.measure(text), None)
        except (
            Exception
        ) as error:  # whatever a text does to a library, it costs this text's signals and no other's
            self._add(self.nothing, _said(error))

    def _gated(self, text: str) -> bool:
        """Whether it is in a language that the family is not measured on."""
        if self.family.languages is None:
            return False
        with suppress(
            Exception
        ):  # what has no language is quarantined for that, whatever else is measured on it
            return (language.measure(text)[0] or UNDETERMINED) not in self.family.languages
        return False

    def measure_batch(self, batch: pa.RecordBatch) -> None:
        """Rows for all texts of a batch, where the family takes many at a time.

        Texts go in together, and one by one if that fails, or if their worker died or was held up by them.
        """
        if self.batch is None:
            return
        guard.within(self.family.name)
        ids, texts = batch["id"].to_pylist(), batch["text"].to_pylist()
        size = (self.family.settings or {}).get("batch", BATCH)
        here = [place for place, text in enumerate(texts) if text is not None and not self._gated(text)]
        found: dict[int, tuple[Row, str | None]] = {}
        for start in range(0, len(here), size):
            places = here[start : start + size]
            if guard.begin(f"{len(places)} documents from {ids[places[0]]}") is None:
                with suppress(Exception):  # then one by one, and what failed is known
                    rows = self.batch([ids[p] for p in places], [texts[p] for p in places])
                    found |= {p: (row, None) for p, row in zip(places, rows, strict=True)}
            for place in places:
                if place not in found:
                    found[place] = self._alone(ids[place], texts[place])
        for place in range(len(texts)):
            self._add(*found.get(place, (self.nothing, None)))

    def _alone(self, document: str, text: str) -> tuple["Row", str | None]:
        assert self.batch is not None
        if (given_up := guard.begin(f"document {document}")) is not None:
            return self.nothing, given_up
        try:
            [row] = self.batch([document], [text])
        except Exception as error:
            return self.nothing, _said(error)
        return row, None

    def _add(self, row: "Row", error: str | None) -> None:
        self.rows.append(row)
        self.errors.append(error)
        self.counts["failed"] += error is not None

    def write(self, ids: pa.Array) -> None:
        """The rows since the last call, which belong to these ids."""
        arrays = [ids]
        for place, field in enumerate(list(self.schema)[1:-1]):
            arrays.append(pa.array([row[place] for row in self.rows], field.type))
        arrays.append(pa.array(self.errors, pa.string()))
        self.writer.write_table(pa.Table.from_arrays(arrays, schema=self.schema))
        self.rows, self.errors = [], []


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:LONGEST_ERROR]
