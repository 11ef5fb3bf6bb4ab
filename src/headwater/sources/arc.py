"""ARC, what web archives were before WARC: version 1 and 2, plain and .gz (archive.org/web/researcher/ArcFileFormat.php).

A record is a line (address, IP, date, type, length; version 2 puts status, checksum, redirect, offset and file name
before the length), then so many bytes: what the server sent, HTTP header and all. Addresses may hold spaces, so
fields are counted from the right. A line that is no such header costs what stands up to the next that is one.
"""

import io
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

from headwater.sources.framing import HEADERS, Document, ShortError, archive_records, tail
from headwater.sources.members import BLOCK, Members, raw
from headwater.sources.places import Place
from headwater.sources.records import KEPT_BYTES, Gated, Record, quarantine
from headwater.sources.walk import walk

BEGINS = b"filedesc:"  # the first record: which version it is, and who wrote it
MAX_LINE = 1 << 14
# A false length may swallow what follows, which is then read again: in all at most so many times the file, and more.
READ_AGAIN, ALWAYS = 4, 1 << 30
V1, V2 = 5, 10  # fields of a header line
_SCHEME = re.compile(rb"[a-zA-Z][a-zA-Z0-9+.-]{1,15}:")
_BLANK = re.compile(rb"\r?\n\r?\n")  # the end of an HTTP header
_DATE = re.compile(rb"\d{12,18}")


def is_arc(head: bytes, path: Place) -> bool:
    """By its first bytes, or by its name where those are damaged."""
    name = path.name.lower()
    return head.startswith(BEGINS) or (
        name.endswith((".arc", ".arc.gz"))
        and not head.startswith((b"WARC/", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18"))
    )


def plain_records(file: BinaryIO, size: int, max_record: int, document: Document) -> Iterator[Record]:
    """An uncompressed file's records; offsets are bytes."""
    file.seek(0)
    reader = _Reader(file.read, READ_AGAIN * size + ALWAYS)
    records = 0
    try:
        for record in _Arc(max_record, document).records(reader, lambda position, number: position):
            records += 1
            yield record
    except ShortError as error:
        rest = raw(file, reader.record, KEPT_BYTES)
        yield tail(reader.record, size, records == 0 and not rest.startswith(BEGINS), str(error), rest)


def gzip_records(file: BinaryIO, size: int, max_record: int, document: Document) -> Iterator[Record]:
    """A compressed file's records; an offset is the member's, with a number after it from the second record on."""
    arc = _Arc(max_record, document)

    def records(members: Members, offset: int) -> Iterator[Record]:
        reader = _Reader(members.read, ALWAYS)
        return arc.records(reader, lambda position, number: f"{offset}.{number}" if number else offset)

    def is_record(content: bytes) -> bool:
        return _header(content.partition(b"\n")[0]) is not None

    yield from walk(Members(file, is_record, MAX_LINE), None, records)


class _Reader:
    """Lines and bytes of a stream, some of which can be given back."""

    def __init__(self, read: Callable[[int], bytes], budget: int) -> None:
        self._read, self._held, self._budget = read, b"", budget
        self.position = 0  # of the next byte
        self.record = 0  # where the record that is being read begins

    def peek(self, length: int) -> bytes:
        while len(self._held) < length and (block := self._read(BLOCK)):
            self._held += block
        return self._held[:length]

    def take(self, length: int) -> bytes:
        parts, left = [], length
        while left > 0:
            self._held = self._held or self._read(BLOCK)
            if not self._held:
                break
            part, self._held = self._held[:left], self._held[left:]
            parts.append(part)
            left -= len(part)
        self.position += length - left
        return b"".join(parts)

    def pass_by(self, length: int) -> int:
        """Takes bytes without keeping them; how many there were."""
        left = length
        while left > 0 and (part := self.take(min(left, BLOCK))):
            left -= len(part)
        return length - left

    def line(self) -> bytes:
        """Up to a line feed or MAX_LINE bytes; b"" at the end."""
        window = self.peek(MAX_LINE)
        end = window.find(b"\n")
        return self.take(end + 1 if end >= 0 else len(window))

    def give_back(self, data: bytes) -> None:
        self._budget -= len(data)
        if self._budget < 0:
            raise ShortError("too many records whose lengths are false")
        self._held = data + self._held
        self.position -= len(data)


class _Arc:
    """One file: its first record says how many fields a header line has."""

    def __init__(self, max_record: int, document: Document) -> None:
        self.max_record, self.document = max_record, document

    def records(self, reader: _Reader, offset_of: Callable[[int, int], int | str]) -> Iterator[Record]:
        """ShortError where the stream ends in the middle of a record."""
        number = 0
        while True:
            while reader.peek(1) in (b"\n", b"\r"):
                reader.take(1)
            start = reader.record = reader.position
            line = reader.line()
            if not line:
                return
            offset = offset_of(start, number)
            number += 1
            if line.startswith(BEGINS):
                yield self._version(reader, line, offset)
                continue
            header = _header(line)
            if header is None:
                yield self._lost(reader, line, offset, f"{line[:80]!r} is no header of a record")
                continue
            address, date, media, length = header
            if length > self.max_record + HEADERS:
                yield from self._large(reader, line, offset, length)
                continue
            data = reader.take(length)
            if len(data) == length and _ends_here(reader.peek(MAX_LINE)):
                yield self._document(address, date, media, data, offset)
                continue
            reader.give_back(data)
            what = (
                f"of {length:,} bytes, of which {len(data):,} are there"
                if len(data) < length
                else "of a false length"
            )
            yield self._lost(reader, line, offset, f"a record {what}")

    def _version(self, reader: _Reader, line: bytes, offset: int | str) -> Record:
        header = _header(line)
        if header is not None:
            data = reader.take(header[3])
            if len(data) < header[3]:
                raise ShortError("the file's description is cut off")
            return Gated(offset, "record_type")
        while (line := reader.line()) and line.strip():  # without a length it ends at an empty line
            pass
        return Gated(offset, "record_type")

    def _large(self, reader: _Reader, line: bytes, offset: int | str, length: int) -> Iterator[Record]:
        data = reader.take(min(length, KEPT_BYTES))
        there = len(data) + reader.pass_by(length - len(data))
        if there < length:
            raise ShortError(f"a record of {length:,} bytes, of which {there:,} are there")
        yield quarantine(offset, "too_large", f"{length:,} bytes; max_record is {self.max_record:,}", data)

    def _lost(self, reader: _Reader, line: bytes, offset: int | str, detail: str) -> Record:
        """What stands up to the next header; ShortError where none follows."""
        kept, number = [line], len(line)
        while True:
            following = reader.peek(MAX_LINE)
            end = following.find(b"\n") + 1 or len(following)
            if not following:
                raise ShortError(detail)
            if _header(following[:end]) is not None:
                break
            taken = reader.take(end)
            if number < KEPT_BYTES:
                kept.append(taken)
            number += len(taken)
        return quarantine(
            f"{offset}.damaged", "damaged_record", f"{number:,} bytes: {detail}", b"".join(kept)
        )

    def _document(self, address: bytes, date: bytes, media: bytes, data: bytes, offset: int | str) -> Record:
        if not address[:5].lower().startswith(b"http"):
            return Gated(offset, "record_type")  # what the crawler asked of a name server, say
        sent = data.startswith((b"HTTP/", b"http/"))
        if sent:
            kind, media = b"response", b"application/http; msgtype=response"
            blank = _BLANK.search(data)
            end = blank.end() if blank else len(data)
            head = data[:end].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            data = head + data[end:]
        else:
            kind = b"resource"
        lines = b"WARC/1.0\r\nWARC-Type: %b\r\nWARC-Target-URI: %b\r\nWARC-Date: %b\r\nContent-Type: %b\r\n"
        record = lines % (kind, address, _iso(date), media) + b"Content-Length: %d\r\n\r\n" % len(data) + data
        found = next(archive_records(io.BytesIO(record + b"\r\n\r\n"), compressed=False))
        return self.document(found, offset, len(data))


def _header(line: bytes) -> tuple[bytes, bytes, bytes, int] | None:
    """(address, date, type, length) of a header line of either version; None of any other line."""
    if not _SCHEME.match(line):
        return None
    line = line.rstrip(b"\r\n")
    for fields in (V1, V2):
        parts = line.rsplit(b" ", fields - 1)
        if len(parts) != fields:
            continue
        length = parts[-1]
        if _DATE.fullmatch(parts[2]) and length.isdigit() and len(length) < 16 and parts[0].strip():
            return parts[0].strip(), parts[2], parts[3], int(length)
    return None


def _ends_here(following: bytes) -> bool:
    """Whether a record may end before these bytes: an empty line should stand there, some writers leave it out."""
    return following[:1] in (b"", b"\n", b"\r") or _header(following.partition(b"\n")[0]) is not None


def _iso(date: bytes) -> bytes:
    """2014-02-16T05:02:20Z of 20140216050220; fewer digits leave the seconds out."""
    text = date[:14].decode() + "00"
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}T{text[8:10]}:{text[10:12]}:{text[12:14]}Z".encode()
