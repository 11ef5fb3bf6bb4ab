"""Tables: comma- and tab-separated files, Parquet and Arrow (IPC and Feather). A row is a document."""

import csv
from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from headwater.errors import HeadwaterError, RecipeError
from headwater.recipe.sources import RowsSource
from headwater.sources.columns import Columns, document_of, find_columns
from headwater.sources.files import utf8_lines
from headwater.sources.places import Place, open_binary
from headwater.sources.records import MAX_RECORD, Gated, Quarantined, Record, quarantine
from headwater.sources.streams import Line, Stream, bare_suffix

ROWS = 1000


def separated(path: Place, source: RowsSource) -> Iterator[Record]:
    """RFC 4180 with a header row; a quoted field may hold line ends. Broken bytes cost their row."""
    stream = Stream(path)
    too_long: list[Quarantined] = []
    csv.field_size_limit(MAX_RECORD)
    rows = csv.reader(
        _decoded(utf8_lines(stream, source.encoding), too_long),
        delimiter="\t" if bare_suffix(path) == ".tsv" else ",",
    )
    header: list[str] | None = None
    columns = None
    number = 0
    while True:
        row, ended = [], False
        try:
            row = next(rows)
        except StopIteration:
            ended = True
        except csv.Error as error:
            yield quarantine(f"line{rows.line_num}", "csv_syntax", f"line {rows.line_num}: {error}")
        yield from too_long
        too_long.clear()
        if ended:
            break
        if not row:
            continue
        if header is None:
            header = [name.removeprefix("\ufeff").strip() for name in row]
            columns = find_columns(header, source, f"{path}, line 1")
            continue
        assert columns is not None
        number += 1
        where = f"row {number} (line {rows.line_num})"
        data = ",".join(row).encode("utf-8", "surrogateescape")
        if [name.strip() for name in row] == header:  # files that were put behind each other
            yield Gated(number, "header")
            continue
        if len(row) != len(header):
            yield quarantine(
                number, "csv_row", f"{where}: {len(row)} fields where the header has {len(header)}", data
            )
        elif any(
            "\udc80" <= character <= "\udcff" for field in row for character in field if character > "\ud7ff"
        ):
            yield quarantine(number, "encoding", f"{where}: bytes that are not text", data)
        else:
            yield document_of(dict(zip(header, row, strict=True)), columns, number, where, data)
    if stream.tail is not None:
        yield quarantine("tail", "unreadable_tail", stream.tail.detail, stream.tail.data)


def _decoded(found: Iterator[Line], too_long: list[Quarantined]) -> Iterator[str]:
    for line in found:
        if line.length > MAX_RECORD:
            detail = f"line {line.number}: {line.length:,} bytes in one line"
            too_long.append(quarantine(f"line{line.number}", "too_large", detail, line.data))
        else:
            yield line.data.decode("utf-8", "surrogateescape") + "\n"


def parquet(path: Place, source: RowsSource) -> Iterator[Record]:
    """A batch of rows at a time. A damaged file fails by name: nothing of its footer can be trusted.

    A row whose strings are no UTF-8 (Parquet's writers do not look) is quarantined.
    """
    try:
        with open_binary(path) as data, pq.ParquetFile(data, page_checksum_verification=True) as file:
            columns = _typed_columns(file.schema_arrow, source, path)
            names = _names(file.schema_arrow)
            wanted = list(dict.fromkeys(name for name in columns.all if name in names))
            # A list of structs is asked for as a whole: its inner columns have other names in the file.
            wanted = [name if _plain(file.schema_arrow, name) else name.partition(".")[0] for name in wanted]
            number = 0
            for batch in file.iter_batches(ROWS, columns=wanted):
                yield from _documents(batch, columns, number)
                number += batch.num_rows
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise HeadwaterError(
            f"{path}: cannot read this Parquet file ({error}); fetch it again, or leave it out of `paths`"
        ) from error


def arrow(path: Place, source: RowsSource) -> Iterator[Record]:
    """Arrow's IPC format, as a file (Feather) or as a stream (what `datasets` saves): batch after batch.

    Both hold the same messages, so a file without its footer is read as a stream: what stands before the damage is
    kept, the rest is the tail.
    """
    number = 0
    columns: Columns | None = None
    try:
        with open_binary(path) as data:
            head = data.read(8)
            if head.startswith(b"FEA1"):
                raise HeadwaterError(
                    f"{path}: Feather version 1, which Arrow itself no longer writes; save it again"
                )
            data.seek(8 if head.startswith(b"ARROW1") else 0)
            with pa.ipc.open_stream(_Forward(data)) as stream:
                columns = _typed_columns(stream.schema, source, path)
                names = list(dict.fromkeys(name.partition(".")[0] for name in columns.all))
                names = [name for name in names if name in stream.schema.names]
                for batch in stream:
                    chosen = batch.select(names)
                    if (problem := _unsound(chosen)) is not None:
                        last = number + batch.num_rows - 1
                        yield quarantine(number, "damaged_batch", f"rows {number} to {last}: {problem}")
                        number = last + 1
                        continue
                    for start in range(0, batch.num_rows, ROWS):
                        yield from _documents(chosen.slice(start, ROWS), columns, number + start)
                    number += batch.num_rows
    except (pa.ArrowException, OSError, UnicodeDecodeError, EOFError) as error:
        if columns is None:
            raise HeadwaterError(
                f"{path}: cannot read this Arrow file ({error}); write it again, or leave it out of `paths`"
            ) from error
        yield quarantine("tail", "unreadable_tail", f"behind row {number - 1}: {error}")


def _unsound(batch: pa.RecordBatch) -> str | None:
    """What is wrong with a batch: Arrow follows its offsets unchecked, so a flipped bit would read foreign memory.

    Strings that are no UTF-8 do no such harm; they cost their row.
    """
    try:
        batch.validate(full=True)
        return None
    except pa.ArrowInvalid as error:
        problem = str(error)
    raw = {pa.string(): pa.binary(), pa.large_string(): pa.large_binary()}
    try:
        for column in batch.columns:
            (column.view(raw[column.type]) if column.type in raw else column).validate(full=True)
    except pa.ArrowInvalid:
        return problem
    return None


_PIECE = 16 << 20  # bytes


class _Forward:
    """A file that ends in the middle of a message is an error: pyarrow takes a missing end mark for the end.

    No more memory is taken than the file has bytes, whatever length a damaged message declares.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._last, self.closed = file, b"", False

    def read(self, size: int = -1) -> bytes:
        parts, wanted = [], size
        while wanted > 0 and (part := self._file.read(min(wanted, _PIECE))):
            parts.append(part)
            wanted -= len(part)
        data = b"".join(parts) if size >= 0 else self._file.read()
        if size > 0 and not data and self._last[-4:] != b"\0\0\0\0":
            raise pa.ArrowInvalid("the file ends without its end mark")
        self._last = data or self._last
        return data

    def close(self) -> None:
        self.closed = True


def _documents(batch: pa.RecordBatch, columns: Columns, number: int) -> Iterator[Record]:
    for row in _rows(batch):
        where = f"row {number}"
        if isinstance(row, UnicodeDecodeError):
            yield quarantine(number, "encoding", f"{where}: {row}", row.object)
        else:
            yield document_of(row, columns, number, where, b"")
        number += 1


def column_names(path: Place) -> list[str]:
    """The outer columns of a Parquet or Arrow file; none where it cannot be read."""
    try:
        with open_binary(path) as data:
            if bare_suffix(path) == ".parquet":
                with pq.ParquetFile(data) as file:
                    return list(file.schema_arrow.names)
            data.seek(8 if data.read(8).startswith(b"ARROW1") else 0)
            with pa.ipc.open_stream(_Forward(data)) as stream:
                return list(stream.schema.names)
    except (pa.ArrowException, OSError, UnicodeDecodeError, EOFError):
        return []


def _typed_columns(schema: pa.Schema, source: RowsSource, path: Place) -> Columns:
    """The columns by name; RecipeError also where the text's column can hold no text."""
    columns = find_columns(_names(schema), source, str(path))
    kind = _type(schema, columns.text)
    inner = kind
    while pa.types.is_list(inner) or pa.types.is_large_list(inner) or pa.types.is_dictionary(inner):
        inner = inner.value_type
    if not (
        pa.types.is_string(inner) or pa.types.is_large_string(inner) or pa.types.is_string_view(inner)
        or pa.types.is_binary(inner) or pa.types.is_large_binary(inner) or pa.types.is_null(inner)
        or pa.types.is_floating(inner)  # what pandas makes of a column without any text: NaN, row by row
    ):  # fmt: skip
        raise RecipeError(
            f"{path}: the column {columns.text!r} is of type {kind} and holds no text; name another in the recipe: "
            f"`columns: {{text: …}}` of source {source.name!r}"
        )
    return columns


def _names(schema: pa.Schema) -> list[str]:
    """Columns, and with dots those inside structs and lists of them."""
    names = []

    def add(name: str, kind: pa.DataType) -> None:
        names.append(name)
        while pa.types.is_list(kind) or pa.types.is_large_list(kind):
            kind = kind.value_type
        if pa.types.is_struct(kind):
            for field in kind:
                add(f"{name}.{field.name}", field.type)

    for field in schema:
        add(field.name, field.type)
    return names


def _type(schema: pa.Schema, name: str) -> pa.DataType:
    if name in schema.names:
        return schema.field(name).type
    outer, *inner = name.split(".")
    kind = schema.field(outer).type
    for part in inner:
        while pa.types.is_list(kind) or pa.types.is_large_list(kind):
            kind = kind.value_type
        kind = kind.field(part).type
    return kind


def _plain(schema: pa.Schema, name: str) -> bool:
    """Whether a dotted name leads through structs only."""
    if name in schema.names:
        return True
    kind = schema.field(name.partition(".")[0]).type
    for part in name.split(".")[1:]:
        if not pa.types.is_struct(kind):
            return False
        kind = kind.field(part).type
    return True


def _rows(batch: pa.RecordBatch) -> Iterator[dict[str, Any] | UnicodeDecodeError]:
    """The rows of a batch, or what keeps one from being text."""
    try:
        yield from batch.to_pylist()
    except UnicodeDecodeError:
        for number in range(batch.num_rows):
            try:
                yield batch.slice(number, 1).to_pylist()[0]
            except UnicodeDecodeError as error:
                yield error
