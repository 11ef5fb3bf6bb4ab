"""Tables: comma- and tab-separated files, and Parquet. A row is a document."""

import csv
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headwater.errors import HeadwaterError
from headwater.recipe.sources import FilesSource
from headwater.sources.columns import document_of, find_columns
from headwater.sources.files import utf8_lines
from headwater.sources.places import Place, open_binary
from headwater.sources.records import MAX_RECORD, Quarantined, Record, quarantine
from headwater.sources.streams import Line, Stream, bare_suffix

ROWS = 1000


def separated(path: Place, source: FilesSource) -> Iterator[Record]:
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


def parquet(path: Place, source: FilesSource) -> Iterator[Record]:
    """A batch of rows at a time. A damaged file fails by name: nothing of its footer can be trusted.

    A row whose strings are no UTF-8 (Parquet's writers do not look) is quarantined.
    """
    try:
        with open_binary(path) as data, pq.ParquetFile(data, page_checksum_verification=True) as file:
            columns = find_columns(file.schema_arrow.names, source, str(path))
            wanted = [
                columns.text,
                *(name for name in columns.fields.values() if name in file.schema_arrow.names),
            ]
            number = 0
            for batch in file.iter_batches(ROWS, columns=list(dict.fromkeys(wanted))):
                for row in _rows(batch):
                    where = f"row {number}"
                    if isinstance(row, UnicodeDecodeError):
                        yield quarantine(number, "encoding", f"{where}: {row}", row.object)
                    else:
                        yield document_of(row, columns, number, where, b"")
                    number += 1
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise HeadwaterError(
            f"{path}: cannot read this Parquet file ({error}); fetch it again, or leave it out of `paths`"
        ) from error


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
