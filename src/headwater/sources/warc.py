"""Web archives: WARC and WET, framed by fastwarc, text by resiliparse.

Every record framed is counted. Documents are HTML and plain text that came with status 200, and WET's
"conversion" records; all else is gated: `record_type` (requests, warcinfo, metadata, revisits), `content_type`
(images and other payloads), `http_status`, `empty` (no visible text) and `no_main_text`.

gzip members are walked here, because neither fastwarc nor warcio goes on after a damaged one: a member that does
not decompress or fails its checksum is quarantined with its bytes, and reading resumes at the next that begins
with "WARC/". A file that is no WARC (ARC, say) is one quarantined record, `not_warc`.
"""

import io
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from fastwarc.warc import ArchiveIterator

from headwater.engine import guard
from headwater.recipe.sources import WarcSource
from headwater.sources.extract.page import document_of_payload
from headwater.sources.places import Place, open_binary
from headwater.sources.records import GIVEN_UP, KEPT_BYTES, Gated, Quarantined, Record, quarantine

VERSION = 4
GZIP = b"\x1f\x8b\x08"
_NOT_GZIP = (b"WARC/", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18")  # plain, zstd, lz4
BLOCK = 1 << 18
HEADERS = 1 << 16  # room for HTTP headers above `max_record`
_DOCUMENT_TYPES = ("response", "resource", "conversion")


def read(path: Place, source: WarcSource) -> Iterator[Record]:
    """Every record of one archive, in order; memory is bounded by `max_record`."""
    with open_binary(path) as file:
        magic = file.read(5)
        file.seek(0)
        # A .gz whose first bytes are damaged is one all the same.
        gzipped = magic.startswith(GZIP) or (path.suffix == ".gz" and not magic.startswith(_NOT_GZIP))
        yield from _gzip(file, source) if gzipped else _plain(file, source)


class _Broken(Exception):
    """Where framing stopped: the records before are sound."""

    def __init__(self, position: int, detail: str) -> None:
        super().__init__(detail)
        self.position = position  # in the input, of the record that is not sound


def _plain(file: BinaryIO, source: WarcSource) -> Iterator[Record]:
    """No compression, or one that fastwarc knows (zstd, lz4)."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    records = 0
    try:
        for record in _records(file, None, source):
            records += 1
            yield record
    except _Broken as broken:
        # The file object is fastwarc's, so the rest is read from the position of the last sound record on.
        file.seek(broken.position)
        rest = file.read(KEPT_BYTES)
        if records and (next_record := rest.find(b"WARC/", 1)) > 0:
            rest, broken.position = rest[next_record:], broken.position + next_record
        yield _tail(broken.position, size, records == 0 and not rest.startswith(b"WARC/"), str(broken), rest)


def _tail(position: int, size: int, foreign: bool, detail: str, rest: bytes) -> Quarantined:
    reason = "not_warc" if foreign else "unreadable_tail"
    kind = "an ARC file, which is not read yet" if rest.startswith(b"filedesc:") else detail
    return quarantine(
        f"{position}.tail", reason, f"{size - position:,} bytes from byte {position} on: {kind}", rest
    )


def _gzip(file: BinaryIO, source: WarcSource) -> Iterator[Record]:
    members = _Members(file)
    records = 0
    while (offset := members.begin()) is not None:
        if members.skipped:
            start, data = members.skipped
            yield quarantine(
                f"{start}.garbage", "garbage", f"bytes {start} to {offset}: no gzip member", data
            )
        held: Record | None = None
        broken: _Broken | None = None
        try:
            for record in _records(members, offset, source):
                if held is not None:
                    records += 1
                    yield held
                held = record
        except _Broken as error:
            broken = error
        members.drain()
        if records == 0 and held is None and broken is not None and not members.head.startswith(b"WARC/"):
            members.resume()
            if members.position == members.size:
                yield _tail(0, members.size, True, str(broken), members.head)
                return
        # A checksum fails at a member's end, so its last record is held back until then.
        if held is not None and not members.damaged:
            records += 1
            yield held
        if members.damaged or members.cut or broken is not None:
            detail = f"gzip member at byte {offset}: {members.error or broken}"
            reason = "unreadable_tail" if members.cut else "damaged_member"
            data = members.raw(offset, min(KEPT_BYTES, members.position - offset))
            yield quarantine(f"{offset}.tail", reason, detail, data)
    if members.skipped:
        start, data = members.skipped
        yield _tail(start, members.size, start == 0, "no gzip member", data)


class _Members:
    """The gzip members of a file, one after the other, each as a stream for fastwarc."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.size = file.seek(0, io.SEEK_END)
        self.position = 0  # of the next member, in the file
        self.skipped: tuple[int, bytes] | None = None  # what stood before the member
        self.error = ""
        self.damaged = self.cut = False
        self.head = b""
        self.inside_record = False
        self._machine: Any = None
        self._pending = b""
        self._given = 0

    def begin(self) -> int | None:
        """Goes to the next member and says at which byte it stands; None at the end of the file."""
        whole = self.raw(self.position, len(GZIP)) == GZIP
        start = self.position if whole else self._next_record()
        self.skipped = None
        if start != self.position:
            data = self.raw(self.position, min(start, self.position + KEPT_BYTES) - self.position)
            if data.strip(b"\0"):
                self.skipped = (self.position, data)
        self.position = start
        if start >= self.size:
            return None
        self.file.seek(start)
        self._machine, self._pending, self._given = zlib.decompressobj(wbits=31), b"", 0
        self.error, self.damaged, self.cut, self.head, self.inside_record = "", False, False, b"", False
        return start

    def resume(self) -> None:
        """Goes on at the first member from `position` on whose content begins as a WARC record."""
        self.position = self._next_record()

    def _next_record(self) -> int:
        start = self.position
        while start < self.size:
            window = self.raw(start, BLOCK)
            found = window.find(GZIP)
            if found < 0:
                start += max(1, len(window) - len(GZIP) + 1)
                continue
            start += found
            try:
                if zlib.decompressobj(wbits=31).decompress(self.raw(start, 1024), 5) == b"WARC/":
                    return start
            except zlib.error:
                pass
            start += 1
        return self.size

    def read(self, size: int = -1) -> bytes:
        """Decompressed bytes of this member; b"" at its end, clean or not."""
        if self._machine is None and self.inside_record and not self.error and self._continues():
            self.file.seek(self.position)
            self._machine, self._pending = zlib.decompressobj(wbits=31), b""
        while self._machine is not None:
            if not self._pending:
                self._pending = self.file.read(BLOCK)
                if not self._pending:
                    self._end("it ends in the middle", cut=True)
                    break
            try:
                out: bytes = self._machine.decompress(self._pending, size if size > 0 else BLOCK)
            except zlib.error as error:
                self._end(str(error))
                break
            if self._machine.eof:
                self.position = self.file.tell() - len(self._machine.unused_data)
                self._machine = None
            else:
                self._pending = self._machine.unconsumed_tail
            if out:
                self.head = self.head or out[:KEPT_BYTES]
                self._given += len(out)
                return out
        return b""

    def _continues(self) -> bool:
        """Whether the next member goes on with a record instead of beginning one: some writers split them so."""
        data = self.raw(self.position, 1024)
        try:
            return data[:3] == GZIP and zlib.decompressobj(wbits=31).decompress(data, 5) != b"WARC/"
        except zlib.error:
            return False

    def tell(self) -> int:
        """fastwarc asks for it: the position in the member's content."""
        return self._given

    def _end(self, error: str, *, cut: bool = False) -> None:
        """The member at `position` is damaged, or cut off: damage may look so too, and then another follows."""
        self.error, self._machine = error, None
        self.position += 1
        self.resume()
        self.cut = cut and self.position == self.size
        self.damaged = not self.cut

    def drain(self) -> None:
        while self.read(BLOCK):
            pass

    def raw(self, start: int, length: int = KEPT_BYTES) -> bytes:
        """Bytes of the file as they stand, without moving in it."""
        here = self.file.tell()
        self.file.seek(start)
        data = self.file.read(length)
        self.file.seek(here)
        return data


def _records(stream: Any, member: int | None, source: WarcSource) -> Iterator[Record]:
    """The records of a stream; raises _Broken at the first that is not whole.

    A record's offset is where it stands in the input: its member's, with a number after it from the second record
    of a member on.
    """
    position, repeated = -1, 0
    iterator = ArchiveIterator(stream, parse_http=False, stream_detect=member is None)
    while True:
        try:
            record = next(iterator)
        except StopIteration:
            return
        except (OSError, ValueError) as error:
            raise _Broken(max(position, 0), str(error)) from error
        here = record.stream_pos if member is None else member
        repeated = repeated + 1 if here == position else 0
        position = here
        offset = f"{here}.{repeated}" if repeated else here
        try:
            if member is not None:
                stream.inside_record = True
            result = _record(record, offset, source)
            if member is not None:
                stream.inside_record = False
        except _ShortError as error:
            raise _Broken(position, str(error)) from error
        yield result


class _ShortError(Exception):
    """A record that ends before its declared length, or that does not decompress."""


def _skip(record: Any) -> tuple[bytes, int]:
    """The beginning of a record's block and its length."""
    first, read = b"", 0
    try:
        while block := record.reader.read(BLOCK):
            first, read = first or block, read + len(block)
    except (OSError, ValueError) as error:
        raise _ShortError(str(error)) from error
    return first, read


def _record(record: Any, offset: int | str, source: WarcSource) -> Record:
    length = (record.headers.get("Content-Length") or "").strip(" \t")
    if not (length.isascii() and length.isdigit()):
        raise _ShortError("a record without a length")
    declared = int(length[:18])  # more would be too large all the same
    kind = (record.headers.get("WARC-Type") or "").lower()
    if kind not in _DOCUMENT_TYPES or declared > source.max_record + HEADERS:
        first, read = _skip(record)
        if read < declared:
            raise _ShortError(f"a record of {declared:,} bytes of which {read:,} are there")
        if kind not in _DOCUMENT_TYPES:
            return Gated(offset, "record_type")
        return quarantine(
            offset, "too_large", f"{declared:,} bytes; max_record is {source.max_record:,}", first
        )
    try:
        record.freeze()
    except (OSError, ValueError) as error:
        raise _ShortError(str(error)) from error
    if record.content_length < declared:
        raise _ShortError(f"a record of {declared:,} bytes of which {record.content_length:,} are there")
    if (reason := guard.begin(f"record {offset}")) is not None:
        return quarantine(offset, reason, GIVEN_UP, record.reader.read(KEPT_BYTES))
    return document_of_payload(record, kind, offset, source)
