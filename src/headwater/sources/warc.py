"""Web archives: WARC (.gz, .zst with or without a dictionary, .lz4, or plain), WET, WAT and ARC.

Every record framed is counted. Documents are HTML and plain text that came with status 200, and WET's
"conversion" records; all else is gated: `record_type` (requests, warcinfo, metadata, revisits), `wat_metadata` (what
a WAT file says of a page: its text is in the WARC), `content_type` (images and other payloads), `http_status`,
`url:…` (the source's `urls`), `empty` (no visible text) and `no_main_text`.

fastwarc frames records and undoes compression. It stops at the first damage, without an error where a file was
cut at the right place, so each file kind has its way past that: gzip members are checked and walked in
`framing_gzip.py`, here plain files and zstd resume at the next record that begins as one. What lies between is
quarantined with its bytes. A file that is no WARC or ARC is one quarantined record, `not_warc`.
"""

import io
import re
from collections.abc import Generator, Iterator
from functools import partial
from typing import Any, BinaryIO

import zstandard

from headwater.recipe.sources import WarcSource
from headwater.sources import arc
from headwater.sources.framing import (
    Document,
    ShortError,
    Tap,
    archive_records,
    declared_length,
    record_of,
    tail,
)
from headwater.sources.framing_gzip import gzip_records
from headwater.sources.members import BLOCK, GZIP, beginning, raw
from headwater.sources.places import Place, open_binary
from headwater.sources.records import KEPT_BYTES, Record, quarantine
from headwater.sources.urls import UrlGate

VERSION = 5
ZSTD, LZ4 = b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18"
DICTIONARY = (
    b"\x5d\x2a\x4d\x18"  # a skippable frame at the beginning: github.com/iipc/warc-specifications, zstd
)
MAX_DICTIONARY = 16 << 20
# A false length may swallow what follows, which is then read again: in all at most so many times the file, and more.
READ_AGAIN, ALWAYS = 4, 1 << 30
_BEGINS = re.compile(rb"WARC/[01]\.\d{1,2}\r?\n(?:WARC|Content)-[A-Za-z-]{1,64}[ \t]?:")
_OVERLAP = 128


def read(path: Place, source: WarcSource) -> Iterator[Record]:
    """Every record of one archive, in order; memory is bounded by `max_record`."""
    document = partial(record_of, source=source, gate=UrlGate(source.urls))
    yield from framed(path, source.max_record, document)


def framed(path: Place, max_record: int, document: Document) -> Iterator[Record]:
    """What `document` makes of every record of one archive, in order, and what is damaged."""
    with open_binary(path) as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        head = file.read(1 << 10)
        file.seek(0)
        # A .gz whose first bytes are damaged is one all the same.
        known = head.startswith((b"WARC/", arc.BEGINS, ZSTD, DICTIONARY, LZ4))
        if head.startswith(GZIP) or (path.suffix.lower() == ".gz" and not known):
            if arc.is_arc(beginning(head, len(arc.BEGINS)), path):
                yield from arc.gzip_records(file, size, max_record, document)
            else:
                yield from gzip_records(file, size, document)
        elif arc.is_arc(head, path) and not head.startswith(b"WARC/"):
            yield from arc.plain_records(file, size, max_record, document)
        elif head.startswith((ZSTD, DICTIONARY)):
            yield from _zstd(file, size, document)
        elif head.startswith(LZ4):
            yield from _lz4(file, size, document)
        else:
            yield from _plain(file, size, document)


# ---------------------------------------------------------------- no compression


def _plain(file: BinaryIO, size: int, document: Document) -> Iterator[Record]:
    position, budget = 0, READ_AGAIN * size + ALWAYS
    while position < size:
        tap = Tap(file, position)
        broken, detail = yield from _whole_records(file, tap, position, size, document)
        if broken >= size:
            return
        if not detail:
            position = broken
            continue
        budget -= tap.given
        following = _next_record(file, broken + 1, size) if budget > 0 else size
        data = raw(file, broken, min(KEPT_BYTES, following - broken))
        if following >= size:
            yield tail(broken, size, broken == 0 and not data.startswith(b"WARC/"), detail, data)
            return
        yield quarantine(
            f"{broken}.damaged", "damaged_record", f"bytes {broken} to {following}: {detail}", data
        )
        position = following


def _whole_records(
    file: BinaryIO, tap: Tap, start: int, size: int, document: Document
) -> Generator[Record, None, tuple[int, str]]:
    """The records from byte `start` on, as long as each is followed by the next or the end. Returns (where that
    stopped to be so, why); no reason where it is enough to read on there."""
    held: Record | None = None
    here, declared, detail = start, 0, "no WARC record"
    records = archive_records(tap)
    while True:
        try:
            record = next(records, None)
            if record is None:
                break
            if held is not None:
                yield held
            held, here = None, record.stream_pos
            declared = declared_length(record)
            held = document(record, here, declared)
        except (OSError, ValueError, ShortError) as error:
            detail = str(error)
            if held is None:
                return here, detail
            # Is it this record's length that is false, or is it the next one that is damaged?
            end = _end_of_record(file, here, declared)
            behind = raw(file, end, 16)
            line_ends = len(behind) - len(behind.lstrip(b"\r\n"))
            following = behind[line_ends:].startswith(b"WARC/")  # after fewer line ends than there should be
            if not (following or behind.startswith(b"\r\n\r\n")):
                return here, f"a record whose length is false ({detail})"
            yield held
            return end + line_ends, "" if following and line_ends != 4 else detail
    if held is None:
        return start, detail
    yield held
    return size, ""


def _end_of_record(file: BinaryIO, position: int, declared: int) -> int:
    head = raw(file, position, 1 << 16)
    blank = head.find(b"\r\n\r\n")
    return position + (blank + 4 if blank >= 0 else len(head)) + declared


def _next_record(file: BinaryIO, start: int, size: int) -> int:
    """The first byte from `start` on at which a record seems to begin; `size` where there is none."""
    position = start
    while position < size:
        window = raw(file, position, BLOCK + _OVERLAP)
        if (found := _BEGINS.search(window)) is not None:
            return position + found.start()
        position += BLOCK
    return size


# ---------------------------------------------------------------- zstd and lz4


def _lz4(file: BinaryIO, size: int, document: Document) -> Iterator[Record]:
    position, detail = yield from _numbered(archive_records(Tap(file)), 0, document)
    if detail:
        rest = raw(file, position)
        yield tail(position, size, False, detail, rest)


def _zstd(file: BinaryIO, size: int, document: Document) -> Iterator[Record]:
    """Frames, of which each is a record or the whole file is one. Damage costs what stands in its frame."""
    prefix, dictionary = _dictionary(file)
    position = 0
    while position < size:
        shown = prefix if position else b""
        records = archive_records(Tap(file, position, shown))
        held: Record | None = None
        numbered = _numbered(records, position, document, position - len(shown) if shown else 0)
        while True:
            try:
                record = next(numbered)
            except StopIteration as stop:
                broken, detail = stop.value
                break
            if held is not None:
                yield held
            held = record
        # A frame's checksum comes at its end, so the last record is held back until it is known to be sound.
        sound = not detail or _frame_end(file, broken, size, dictionary) is not None
        if held is not None and sound:
            yield held
        if not detail:
            return
        following = _next_frame(file, broken + 1, size, dictionary)
        data = raw(file, broken, min(KEPT_BYTES, following - broken))
        if following >= size:
            yield tail(broken, size, False, detail, data)
            return
        if held is None or _frame_end(file, broken, size, dictionary) != following:
            yield quarantine(
                f"{broken}.damaged", "damaged_member", f"zstd frame at byte {broken}: {detail}", data
            )
        position = following


def _numbered(
    records: Iterator[Any], start: int, document: Document, shift: int = 0
) -> Generator[Record, None, tuple[int, str]]:
    """Records with their offsets: where the frame stands, with a number after it from the second record of a frame
    on. Returns (the last record's position, what was wrong with it or behind it). `shift`: from fastwarc's positions
    to the file's."""
    position, repeated = -1, 0
    try:
        for record in records:
            here = record.stream_pos + shift
            repeated = repeated + 1 if here == position else 0
            position = here
            yield document(record, f"{here}.{repeated}" if repeated else here, declared_length(record))
    except (OSError, ValueError, ShortError) as error:
        return max(position, start), str(error)
    return max(position, start), "" if position >= 0 else "no WARC record"


def _dictionary(file: BinaryIO) -> tuple[bytes, Any]:
    """The frame that holds the file's dictionary, and the dictionary; (b"", None) where there is none."""
    head = raw(file, 0, 8)
    length = int.from_bytes(head[4:8], "little")
    if not head.startswith(DICTIONARY) or length > MAX_DICTIONARY:
        return b"", None
    frame = raw(file, 0, 8 + length)
    data = frame[8:]
    try:
        if data.startswith(ZSTD):
            data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
        return frame, zstandard.ZstdCompressionDict(data)
    except zstandard.ZstdError:
        return frame, None


def _machine(dictionary: Any) -> Any:
    return zstandard.ZstdDecompressor(dict_data=dictionary, max_window_size=1 << 27).decompressobj()


def _next_frame(file: BinaryIO, start: int, size: int, dictionary: Any) -> int:
    """The first frame from `start` on whose content begins as a record; `size` where there is none."""
    while start < size:
        window = raw(file, start, BLOCK)
        found = window.find(ZSTD)
        if found < 0:
            start += max(1, len(window) - len(ZSTD) + 1)
            continue
        start += found
        try:
            # A block is decompressed as a whole: so many bytes hold one.
            if _machine(dictionary).decompress(raw(file, start, (128 << 10) + 64)).startswith(b"WARC/"):
                return start
        except zstandard.ZstdError:
            pass
        start += 1
    return size


def _frame_end(file: BinaryIO, start: int, size: int, dictionary: Any) -> int | None:
    """Where the whole and sound frame ends that begins at `start`; None where none does."""
    machine, position = _machine(dictionary), start
    try:
        while position < size and not machine.eof:
            data = raw(file, position, 1 << 10)
            machine.decompress(data)
            position += len(data)
    except zstandard.ZstdError:
        return None
    return position - len(machine.unused_data) if machine.eof else None
