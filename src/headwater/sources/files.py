"""Files that hold text: txt, md and whatever else is plain text, json, jsonl, csv, tsv, parquet, arrow, compressed or not.

A text file is one document; of the others each line, row or element is one. JSON lines are read as bytes and split
at line feeds only; a line that is broken costs that line. Columns are found by their usual names, in English and
Chinese, or named by the source's `columns`. Whatever cannot be read is quarantined with its line.
"""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

from headwater.errors import RecipeError
from headwater.recipe.sources import RowsSource
from headwater.sources.columns import GrowingColumns, document_of, find_columns, names_of
from headwater.sources.encoding import UndecodableError, codec, decode, encoding_of_lines
from headwater.sources.places import Place
from headwater.sources.records import KEPT_BYTES, MAX_RECORD, Found, Gated, Record, quarantine
from headwater.sources.streams import SAMPLE, Line, Stream, as_utf8, bare_suffix, lines, read_whole

VERSION = 5
TABLES = (".csv", ".tsv", ".parquet", ".arrow", ".feather")
SAMPLE_ROWS = 100  # of which one has to be sound for the columns to be known
JSON_LINES = (".jsonl", ".ndjson")
# A JSON array is held in memory as a whole; more than this should be JSON lines.
MAX_JSON = 128 << 20
# Beginnings of files that are no text, whatever they decode to.
_BINARY = (b"%PDF", b"PK\x03\x04", b"\x1f\x8b", b"\x7fELF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"7z\xbc\xaf", b"Rar!",
           b"\xd0\xcf\x11\xe0", b"PAR1")  # fmt: skip


def read(path: Place, source: RowsSource, *, tables_only: bool = False) -> Iterator[Record]:
    """Every record of one file, whose rows are read where `tables_only`, whatever its name. RecipeError where no column holds the text: it names file, line and columns."""
    if source.encoding != "auto" and codec(source.encoding) is None:
        raise RecipeError(
            f"source {source.name!r}: encoding {source.encoding!r} is not known; try utf-8, gb18030 or big5"
        )
    suffix = bare_suffix(path)
    reader: Callable[[Place, RowsSource], Iterator[Record]] = _text
    if suffix in JSON_LINES:
        reader = _json_lines
    elif suffix == ".json":
        reader = _json_lines if tables_only else _json
    elif suffix in TABLES:
        from headwater.sources import tables

        reader = {".parquet": tables.parquet, ".arrow": tables.arrow, ".feather": tables.arrow}.get(
            suffix, tables.separated
        )
    return reader(path, source)


def column_names(path: Place, encoding: str = "auto") -> list[str]:
    """The columns of a table, or of the first of its JSON lines that can be read; none where none can."""
    if bare_suffix(path) in TABLES:
        from headwater.sources import tables

        return tables.column_names(path)
    for found in itertools.islice(values_of_lines(utf8_lines(Stream(path), encoding)), SAMPLE_ROWS):
        if isinstance(found, tuple):
            return list(found[0]) if isinstance(found[0], dict) else []
    return []


def _text(path: Place, source: RowsSource) -> Iterator[Record]:
    """The whole file is one document; of a damaged one, what could be decompressed."""
    stream = Stream(path)
    data = read_whole(stream, MAX_RECORD)
    if data is None:
        yield quarantine(
            0, "too_large", f"more than {MAX_RECORD:,} bytes in one document; split it, or make it JSON lines"
        )
        return
    if data.startswith(_BINARY):
        yield quarantine(0, "not_text", f"begins with {data[:4]!r}, which is no text", data)
    elif data.strip():
        yield _decoded(data, source, truncated=stream.tail is not None)
    elif stream.tail is None:
        yield Gated(0, "empty")
    if stream.tail is not None:
        yield quarantine("tail", "unreadable_tail", stream.tail.detail, stream.tail.data)


def _decoded(data: bytes, source: RowsSource, *, truncated: bool) -> Record:
    try:
        return Found(0, decode(data, source.encoding))
    except UndecodableError as error:
        # The cut may have gone through a character.
        for cut in (1, 2, 3) if truncated else ():
            try:
                return Found(0, decode(data[:-cut], source.encoding))
            except UndecodableError:
                continue
        return quarantine(0, "encoding", str(error), data)


def _json_lines(path: Place, source: RowsSource) -> Iterator[Record]:
    stream = Stream(path)
    yield from rows_of_lines(utf8_lines(stream, source.encoding), path, source)
    if stream.tail is not None:
        yield quarantine("tail", "unreadable_tail", stream.tail.detail, stream.tail.data)


def utf8_lines(stream: Stream, encoding_named: str = "auto") -> Iterator[Line]:
    """A stream's lines in UTF-8, whatever it was. A last line that the damage cut off is part of the tail."""
    blocks = stream.blocks()
    first = next(blocks, b"")
    encoding = codec(encoding_named) or encoding_of_lines(first[:SAMPLE])
    blocks = itertools.chain([first], blocks)
    if encoding != "utf-8":
        blocks = as_utf8(blocks, encoding)
    for line in lines(blocks, MAX_RECORD, KEPT_BYTES):
        if not line.ended and stream.tail is not None:
            stream.tail.data = line.data + stream.tail.data
            stream.tail.detail = f"line {line.number}: {stream.tail.detail}"
            return
        yield line


def values_of_lines(found: Iterator[Line]) -> Iterator[tuple[Any, Line, bytes] | Record]:
    """JSON lines: (value, line, its bytes), or the record that a broken line is; blank lines are none."""
    for line in found:
        where = f"line {line.number}"
        data = line.data.removeprefix(b"\xef\xbb\xbf") if line.number == 1 else line.data
        if not data.strip():
            continue
        if line.length > MAX_RECORD:
            yield quarantine(line.offset, "too_large", f"{where}: {line.length:,} bytes in one line", data)
            continue
        try:
            value = json.loads(data.decode("utf-8"))
        except UnicodeDecodeError as error:
            yield quarantine(line.offset, "encoding", f"{where}: not valid UTF-8 at byte {error.start}", data)
        except RecursionError:
            yield quarantine(line.offset, "json_depth", f"{where}: JSON nested too deep", data)
        except ValueError as error:
            yield quarantine(line.offset, "json_syntax", f"{where}: {error}", data)
        else:
            yield value, line, data


def rows_of_lines(found: Iterator[Line], path: Place, source: RowsSource) -> Iterator[Record]:
    """JSON lines to records."""
    columns = GrowingColumns(source)
    for item in values_of_lines(found):
        if not isinstance(item, tuple):
            yield item
            continue
        row, line, data = item
        where = f"line {line.number}"
        if not isinstance(row, dict):
            yield quarantine(
                line.offset, "json_type", f"{where}: expected an object, got {type(row).__name__}", data
            )
            continue
        yield document_of(row, columns.of(row, f"{path}, {where}"), line.offset, where, data)
    columns.end(str(path))


def _json(path: Place, source: RowsSource) -> Iterator[Record]:
    """An array of objects, an object of objects, one object, or JSON lines under the wrong name."""
    stream = Stream(path)
    data = read_whole(stream, MAX_JSON)
    if data is None:
        yield quarantine(
            0, "too_large", f"more than {MAX_JSON:,} bytes of JSON in one file; make it JSON lines"
        )
        return
    try:
        text = decode(data, source.encoding)
    except UndecodableError as error:
        yield quarantine(0, "encoding", str(error), data)
        return
    if not text.strip() and stream.tail is None:
        yield Gated(0, "empty")
    elif text.lstrip().startswith("["):
        yield from _elements(text, path, source, stream)
    elif _is_object(text.lstrip().partition("\n")[0]) and text.strip().count("\n"):
        yield from rows_of_lines(
            lines(iter([text.encode("utf-8", "surrogatepass")]), MAX_RECORD, KEPT_BYTES), path, source
        )
        if stream.tail is not None:
            yield quarantine("tail", "unreadable_tail", stream.tail.detail, stream.tail.data)
    else:
        yield from _object(text, path, source, stream)


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _elements(text: str, path: Place, source: RowsSource, stream: Stream) -> Iterator[Record]:
    """An array's elements one after the other: what stands before a damage is kept."""
    decoder, columns = json.JSONDecoder(), GrowingColumns(source)
    position, number = _after(text, text.index("[") + 1, ""), 0
    while position < len(text) and text[position] != "]":
        start = position
        try:
            row, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            reason = "json_depth" if isinstance(error, RecursionError) else "json_syntax"
            detail = f"element {number} (line {text.count(chr(10), 0, start) + 1}) and what follows: {error}"
            if stream.tail is not None:
                reason, detail = "unreadable_tail", f"element {number}: {stream.tail.detail}"
            yield quarantine(number, reason, detail, text[start:].encode("utf-8", "surrogatepass"))
            return
        if not isinstance(row, dict):
            data = text[start:position].encode("utf-8", "surrogatepass")
            yield quarantine(
                number, "json_type", f"element {number}: expected an object, got {type(row).__name__}", data
            )
        else:
            where = f"element {number}"
            yield document_of(row, columns.of(row, f"{path}, {where}"), number, where, b"")
        number += 1
        position = _after(text, position, ",")
    if position >= len(text):
        detail = stream.tail.detail if stream.tail is not None else "the array is not closed"
        yield quarantine(
            number, "unreadable_tail", detail, stream.tail.data if stream.tail is not None else b""
        )
    columns.end(str(path))


def _after(text: str, position: int, separator: str) -> int:
    """Where the next element begins."""
    while position < len(text) and (text[position].isspace() or text[position] == separator):
        position += 1
    return position


def _object(text: str, path: Place, source: RowsSource, stream: Stream) -> Iterator[Record]:
    data = text.encode("utf-8", "surrogatepass")
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = "json_depth" if isinstance(error, RecursionError) else "json_syntax"
        if stream.tail is not None:
            reason, error = "unreadable_tail", ValueError(stream.tail.detail)
        yield quarantine(0, reason, str(error), data)
        return
    if not isinstance(value, dict):
        yield quarantine(0, "json_type", f"expected objects, got {type(value).__name__}", data)
    elif value and all(isinstance(row, dict) for row in value.values()):
        columns = GrowingColumns(source)
        for number, (key, row) in enumerate(value.items()):
            row, where = {"id": key, **row}, f"key {key!r}"
            yield document_of(row, columns.of(row, f"{path}, {where}"), number, where, b"")
        columns.end(str(path))
    else:  # a field that one object lacks, others in their own files may have
        found = find_columns(names_of(value), source, str(path), more=True)
        yield document_of(value, found, 0, "the object", data)
