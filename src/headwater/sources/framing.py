"""One record of a web archive: whole or not, a document or not. What the file around it looks like is not known here."""

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from fastwarc.warc import ArchiveIterator, WarcRecordType

from headwater.engine import guard
from headwater.recipe.sources import WarcSource
from headwater.sources.members import LOOK
from headwater.sources.payload import document_of_payload
from headwater.sources.records import GIVEN_UP, KEPT_BYTES, Gated, Quarantined, Record, quarantine
from headwater.sources.urls import UrlGate

HEADERS = 1 << 16  # room for HTTP headers above `max_record`
DOCUMENT_TYPES = {
    int(WarcRecordType.response): "response",
    int(WarcRecordType.resource): "resource",
    int(WarcRecordType.conversion): "conversion",
}
# A WAT file's records describe the records of a WARC: {"Container": …, "Envelope": …}.
_WAT = (b'{"Container"', b'{"Envelope"')

# of a fastwarc record, its offset and its declared length
Document = Callable[[Any, int | str, int], Record]


class ShortError(Exception):
    """A record that ends before its declared length, or that does not decompress."""


class Tap:
    """A file from byte `start` on, as fastwarc reads it. Behind a `prefix` (a dictionary, which fastwarc takes from the
    beginning of a file only) positions count from 0 at the prefix."""

    def __init__(self, file: BinaryIO, start: int = 0, prefix: bytes = b"") -> None:
        self.file, self.given = file, 0
        self._prefix, self._first = prefix, 0 if prefix else start
        self._before = self._last = b""
        file.seek(start)

    def tell(self) -> int:
        """fastwarc asks once, and counts positions from there on."""
        return self._first + self.given

    def read(self, size: int = -1) -> bytes:
        if self._prefix:
            data, self._prefix = self._prefix[:size], self._prefix[size:]
        else:
            data = self.file.read(size)
        self._before, self._last = self._last, data
        self.given += len(data)
        return data

    def four_before(self, position: int) -> bytes:
        """The four bytes that stand before `position`, from what was read last if they are there."""
        start = position - 4 - (self.tell() - len(self._last))
        if start >= 0 and start + 4 <= len(self._last):
            return self._last[start : start + 4]
        start += len(self._before)
        if start >= 0 and start + 4 <= len(self._before):
            return self._before[start : start + 4]
        here = self.file.tell()
        self.file.seek(position - 4)
        data = self.file.read(4)
        self.file.seek(here)
        return data


def archive_records(stream: Any, *, compressed: bool = True) -> Iterator[Any]:
    return iter(ArchiveIterator(stream, parse_http=False, stream_detect=compressed))


def declared_length(record: Any) -> int:
    """What a record says of its length. ShortError where it does not."""
    if record.content_length > 0:
        return int(record.content_length)
    length = (record.headers.get("Content-Length") or "").strip(" \t")
    if not (length.isascii() and length.isdigit()):
        raise ShortError("a record without a length")
    return int(length[:18])  # more would be too large all the same


def record_of(
    record: Any,
    offset: int | str,
    declared: int,
    *,
    source: WarcSource,
    gate: UrlGate,
    document: Callable[[Any, str, int | str, WarcSource, UrlGate], Record] = document_of_payload,
) -> Record:
    """A fastwarc record; its bytes are consumed. ShortError where it is not whole."""
    kind = DOCUMENT_TYPES.get(int(record.record_type))
    if kind is None or declared > source.max_record + HEADERS:
        first, read = _skip(record, LOOK if kind is None else KEPT_BYTES)
        if read < declared:
            raise ShortError(f"a record of {declared:,} bytes of which {read:,} are there")
        if kind is None:
            wat = record.record_type == WarcRecordType.metadata and first.startswith(_WAT)
            return Gated(offset, "wat_metadata" if wat else "record_type")
        return quarantine(
            offset, "too_large", f"{declared:,} bytes; max_record is {source.max_record:,}", first
        )
    try:
        record.freeze()
    except (OSError, ValueError) as error:
        raise ShortError(str(error)) from error
    if record.content_length < declared:
        raise ShortError(f"a record of {declared:,} bytes of which {record.content_length:,} are there")
    if (reason := guard.begin(f"record {offset}")) is not None:
        return quarantine(offset, reason, GIVEN_UP, record.reader.read(KEPT_BYTES))
    return document(record, kind, offset, source, gate)


def _skip(record: Any, kept: int) -> tuple[bytes, int]:
    """The beginning of a record's block, and its length."""
    try:
        first: bytes = record.reader.read(kept)
        return first, len(first) + (record.reader.consume() if len(first) == kept else 0)
    except (OSError, ValueError) as error:
        raise ShortError(str(error)) from error


def tail(position: int, size: int, foreign: bool, detail: str, rest: bytes) -> Quarantined:
    """What stands behind the last sound record."""
    reason = "not_warc" if foreign else "unreadable_tail"
    return quarantine(
        f"{position}.tail", reason, f"{size - position:,} bytes from byte {position} on: {detail}", rest
    )
