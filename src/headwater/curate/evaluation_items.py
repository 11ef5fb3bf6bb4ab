"""The items of evaluation sets, read from their files: JSON, JSON lines, CSV, TSV, alone or in .gz, .zip, .tar(.gz).

An item is a record; its fields are all strings in it (lists of strings too) but for its id, whatever they are named:
question, choices, context, solution. A record that holds records (`{"data": [{"paragraphs": [{"qas": […]}]}]}`) gives
an item for its own strings and one for each inner record. A folder gives a benchmark for each file in it.

The first row of a table is its headings, or an item where it reads like one (MMLU's files have no headings): a cell is
longer than a heading is, or two are the same.
"""

import csv
import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from headwater.errors import RecipeError

VERSION = 2  # 2: tables without headings; columns of one name
SUFFIXES = (".json", ".jsonl", ".csv", ".tsv")
_IDS = ("id", "task_id", "qid", "guid")
LONGEST_HEADING = 40  # characters: fewer than a gram has, so that no text that could be found passes for one
LONGEST_FILE = 512 << 20  # bytes of a file or member, unpacked


@dataclass(frozen=True)
class Item:
    benchmark: str
    name: str  # of the item in it: its own id, else its number
    fields: tuple[str, ...]


def read_items(paths: list[Path]) -> Iterator[Item]:
    """All items, in the order of the paths; RecipeError names a file that is missing, of another kind, or damaged."""
    for given in paths:
        files = sorted(path for path in given.rglob("*") if path.is_file()) if given.is_dir() else [given]
        fitting = [path for path in files if (_kind(path.name) or _archive(path.name)) and path.is_file()]
        if not fitting:
            what = (
                "is missing"
                if not given.exists()
                else f"is no {', '.join(SUFFIXES)} (.gz, .zip, .tar.gz), and holds none"
            )
            raise RecipeError(f"tasks: {given} {what}")
        for path in fitting:
            inner = path.relative_to(given.parent) if given.is_dir() else Path(path.name)
            try:
                yield from _of_file(path, _stem(str(inner)))
            except (
                OSError,
                EOFError,
                ValueError,
                csv.Error,
                RecursionError,
                zipfile.BadZipFile,
                tarfile.TarError,
            ) as error:
                raise RecipeError(f"tasks: {path} cannot be read: {error}") from error


def _kind(name: str) -> str | None:
    bare = name.lower().removesuffix(".gz")
    return next((suffix for suffix in SUFFIXES if bare.endswith(suffix)), None)


def _archive(name: str) -> bool:
    return name.lower().endswith((".zip", ".tar", ".tar.gz", ".tgz"))


def _stem(name: str) -> str:
    """`gauntlet/piqa.jsonl.gz` -> `gauntlet/piqa`."""
    for suffix in (".gz", ".tar", ".tgz", ".zip", *SUFFIXES):
        name = name[: -len(suffix)] if name.lower().endswith(suffix) else name
    return name


def _of_file(path: Path, benchmark: str) -> Iterator[Item]:
    lower = path.name.lower()
    if lower.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if _kind(member.filename) and not member.is_dir():
                    with archive.open(member) as file:
                        yield from _items(
                            file, member.filename, f"{benchmark}/{_stem(Path(member.filename).name)}"
                        )
    elif _archive(lower):
        with tarfile.open(path) as archive:
            for entry in archive:
                unpacked = archive.extractfile(entry) if entry.isfile() and _kind(entry.name) else None
                if unpacked is not None:
                    yield from _items(unpacked, entry.name, f"{benchmark}/{_stem(Path(entry.name).name)}")
    else:
        with path.open("rb") as file:
            yield from _items(file, path.name, benchmark)


def _items(file: IO[bytes], name: str, benchmark: str) -> Iterator[Item]:
    if name.lower().endswith(".gz"):
        with gzip.GzipFile(fileobj=file) as unpacked:
            data = unpacked.read(LONGEST_FILE + 1)
    else:
        data = file.read(LONGEST_FILE + 1)
    if len(data) > LONGEST_FILE:
        raise ValueError(f"{name} has more than {LONGEST_FILE >> 20} MB")
    text, kind = data.decode("utf-8-sig"), _kind(name)
    records: Iterator[Any]
    if kind == ".jsonl":
        records = (json.loads(line) for line in text.split("\n") if line.strip())
    elif kind == ".json":
        # some sets are JSON lines under the name of JSON
        try:
            records = iter([json.loads(text)])
        except ValueError:
            records = (json.loads(line) for line in text.split("\n") if line.strip())
    else:
        csv.field_size_limit(LONGEST_FILE)
        lines = io.StringIO(text, newline="")
        # a tab-separated set has quotes in its texts, not around them
        records = _of_table(
            csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE) if kind == ".tsv" else csv.reader(lines)
        )
    number = 0
    for record in records:
        for named, fields in _walk(record):
            number += 1
            yield Item(benchmark, named or str(number), fields)


def _of_table(rows: Iterator[list[str]]) -> Iterator[Any]:
    """A record a row: with its headings, or a list of its cells where there are none."""
    first = next((row for row in rows if row), [])
    named = [cell for cell in first if cell]
    if len(set(named)) < len(named) or any(len(cell) > LONGEST_HEADING for cell in named):
        yield first
        yield from (row for row in rows if row)
        return
    for row in rows:
        if row:
            headings = [*first, *[""] * (len(row) - len(first))]
            yield {name or place: cell for place, (name, cell) in enumerate(zip(headings, row, strict=False))}


def _walk(record: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(id or "", fields) of a record and of those in it."""
    if isinstance(record, list):
        if record and all(isinstance(one, str) for one in record):
            yield "", tuple(record)
        else:
            for one in record:
                yield from _walk(one)
    elif isinstance(record, dict):
        own: list[str] = []
        inner: list[Any] = []
        for key, value in record.items():
            if key in _IDS:
                continue
            if isinstance(value, str):
                own.append(value)
            elif isinstance(value, list):
                strings = [one for one in value if isinstance(one, str)]
                own += strings
                inner += [one for one in value if isinstance(one, dict | list)]
            elif isinstance(value, dict):
                inner.append(value)
        if own:
            named = next((record[key] for key in _IDS if record.get(key)), "")
            yield str(named), tuple(own)
        for one in inner:
            yield from _walk(one)


def benchmarks_of(items: list[Item]) -> list[str]:
    """Their benchmarks, in order, each once."""
    return list(dict.fromkeys(item.benchmark for item in items))
