"""Records to shards of documents: normalised text, unit, domain and split, and the account of every file.

The unit of a document is what its source's `unit` says; by default the registered domain of its page (WARC), or
the author, else the file (files). Hosts are looked up in the public-suffix list that ships with publicsuffixlist;
an address or a name without a public suffix (`localhost`) is a site of its own, whatever its port.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa

from headwater.corpus.document import DOCUMENT_SCHEMA, document_id, locator, split_of
from headwater.corpus.shards import ShardWriter
from headwater.corpus.text import normalise
from headwater.engine import guard
from headwater.engine.workspace import Output
from headwater.errors import RecipeError
from headwater.recipe.sources import SOURCES, BaseSource
from headwater.sources.kinds import KINDS
from headwater.sources.places import place_of
from headwater.sources.records import GIVEN_UP, Found, Gated, Record, quarantine
from headwater.sources.urls import site_of

QUARANTINE_SCHEMA = pa.schema(
    [
        ("file", pa.string()),  # relative to the source's root
        ("offset", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("bytes", pa.binary()),  # the first part of what could not be read
    ]
)
# Rows are handed to the writer in groups, which is faster than one by one.
ROWS, ROW_BYTES = 500, 8 << 20


def read_shard(
    out: Output,
    *,
    files: list[dict[str, Any]],
    source: dict[str, Any],
    holdout: dict[str, Any],
    limit: int | None = None,
) -> dict[str, Any]:
    """Shard function: reads `files` ({path, relative, bytes, context where the kind has one}) into documents and quarantine.

    `source` and `holdout` are the recipe's settings, dumped. `limit`: read at most so many documents.
    Raises AssertionError where a file's records are not all accounted for.
    """
    kind = KINDS[source["kind"]]
    settings = SOURCES[source["kind"]](**source)
    accounts: dict[str, Any] = {}
    changed: Counter[str] = Counter()
    total = size = 0
    with (
        ShardWriter(out.path("parquet"), DOCUMENT_SCHEMA) as documents,
        ShardWriter(out.path("quarantine.parquet"), QUARANTINE_SCHEMA) as quarantined,
    ):
        for file in files:
            account = _Account(file["relative"], file["bytes"])
            guard.within(file["relative"])
            context = [file["context"]] if "context" in file else []
            records = kind.read(place_of(file["path"]), settings, *context)
            if (reason := guard.begin()) is not None:
                records = iter([quarantine(0, reason, GIVEN_UP)])
            if limit is not None:
                records = _at_most(records, limit - total)
            for group in _groups(records):
                rows = []
                for record in group:
                    row = None
                    if isinstance(record, Found):
                        row = _document(record, file["relative"], settings, holdout, changed)
                    account.count(record, row)
                    if row is not None:
                        rows.append(row)
                        size += len(row["text"].encode())
                    elif not isinstance(record, Found | Gated):
                        quarantined.write([{
                            "file": file["relative"], "offset": str(record.offset), "reason": record.reason,
                            "detail": record.detail.encode("utf-8", "replace").decode(), "bytes": record.data,
                        }])  # fmt: skip
                documents.write(rows)
            accounts[file["relative"]] = account.balanced()
            total += account.documents
    return {"files": accounts, "normalised": dict(sorted(changed.items())), "documents": total, "bytes": size}


class _Account:
    """One file's records; every one is a document, gated or quarantined."""

    def __init__(self, relative: str, size: int) -> None:
        self.relative, self.bytes = relative, size
        self.read = self.documents = 0
        self.gated: Counter[str] = Counter()
        self.quarantined: Counter[str] = Counter()

    def count(self, record: Record, row: dict[str, Any] | None) -> None:
        self.read += 1
        if row is not None:
            self.documents += 1
        elif isinstance(record, Found):
            self.gated["empty"] += 1  # nothing but control characters or spaces
        elif isinstance(record, Gated):
            self.gated[record.reason] += 1
        else:
            self.quarantined[record.reason] += 1

    def balanced(self) -> dict[str, Any]:
        accounted = self.documents + self.gated.total() + self.quarantined.total()
        assert self.read == accounted, f"{self.relative}: read {self.read}, accounted for {accounted}"
        return {
            "read": self.read,
            "documents": self.documents,
            "gated": dict(sorted(self.gated.items())),
            "quarantined": dict(sorted(self.quarantined.items())),
            "bytes": self.bytes,
        }


def _at_most(records: Iterator[Record], documents: int) -> Iterator[Record]:
    for record in records:
        if documents <= 0:
            return
        yield record
        documents -= isinstance(record, Found)


def _groups(records: Iterator[Record]) -> Iterator[list[Record]]:
    group: list[Record] = []
    held = 0
    for record in records:
        group.append(record)
        held += len(record.text) if isinstance(record, Found) else 0
        if len(group) >= ROWS or held >= ROW_BYTES:
            yield group
            group, held = [], 0
    yield group


def _document(
    record: Found,
    relative: str,
    source: BaseSource,
    holdout: dict[str, Any],
    changed: Counter[str],
) -> dict[str, Any] | None:
    """A row of DOCUMENT_SCHEMA, or None where no text is left once it is normalised."""
    text, counts = normalise(record.text)
    changed.update(counts)
    if not text.strip():
        return None
    fields = {name: clean for name, value in record.fields.items() if (clean := _one_line(value))}
    name = document_id(source.kind, relative, record.offset)
    unit = unit_of(source, fields, relative, name)
    heldout = source.role == "reference" or split_of(unit, **holdout) == "heldout"
    return {
        "id": name,
        "source_id": fields.get("source_id"),
        "text": text,
        "source": source.name,
        "locator": locator(relative, record.offset),
        "url": fields.get("url"),
        "title": fields.get("title"),
        "date": fields.get("date"),
        "license": fields.get("license") or source.license,
        "language_declared": fields.get("language") or source.language,
        "consent": fields.get("consent"),
        "unit": unit,
        "domain": source.domain or source.name,
        "split": "heldout" if heldout else "train",
        "meta": _json(record.meta) if record.meta else None,
    }


def _json(meta: dict[str, Any]) -> str:
    """Lone surrogates, such as bytes that are no character leave, are question marks: no UTF-8 holds them."""
    written = json.dumps(meta, ensure_ascii=False, sort_keys=True)
    return written.encode("utf-8", "replace").decode()


def _one_line(value: str) -> str:
    return " ".join(normalise(value)[0].split())


def unit_of(source: BaseSource, fields: dict[str, str], relative: str, document: str) -> str:
    """What is split and resampled. A document that has no such property, or that the pattern does not fit, is a
    unit of its own; without an author, its file is."""
    unit = source.unit
    if unit is None:
        if "unit" in fields:
            return fields["unit"]
        unit = KINDS[source.kind].unit
    path = PurePosixPath(relative)
    value: str | None
    if unit.by == "author":
        value = fields.get("author") or relative
    elif unit.by == "site":
        value = site_of(fields.get("url", "")) or document
    elif unit.by == "folder":
        value = str(path.parent)
    elif unit.by in ("file", "path"):
        value = relative
    elif unit.by == "url":
        value = fields.get("url") or document
    else:
        value = document
    if unit.pattern is None:
        return value
    found = _pattern(unit.pattern, source.name).search(value)
    if found is None:
        return document
    return (found[1] if found.re.groups else found[0]) or document


@lru_cache(maxsize=64)
def _pattern(pattern: str, name: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise RecipeError(
            f"source {name!r}: unit.pattern {pattern!r} is no regular expression: {error}"
        ) from error
