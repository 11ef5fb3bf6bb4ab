"""WARC in gzip: as fast as fastwarc where a file is sound, one member at a time where it is not.

Nearly every archive holds one record a member. fastwarc then reads the whole file, and each member is proved to be
what it seems: fastwarc checks its checksum before it goes on to the next one; the length that stands at its end
is the record's; at the file's end the last one is read again by itself. Where that does not hold (damage, garbage,
several records in a member, a record in several members, the whole file as one member), the members are walked from
the first unproved one on, some at first and then ever more, before it is tried again.
"""

from collections.abc import Generator, Iterator
from typing import Any, BinaryIO

from headwater.sources.framing import Document, ShortError, Tap, archive_records, declared_length
from headwater.sources.members import GZIP, Members, ends_cleanly, raw
from headwater.sources.records import Record
from headwater.sources.walk import walk

WALKED = 16  # members that are walked after the first damage
# A record's header may hold so many bytes more than its names and values: odd spaces. A second one is longer.
SLACK = 100


def gzip_records(file: BinaryIO, size: int, document: Document) -> Iterator[Record]:
    """Every record; its offset is its member's, with a number after it from the second record of a member on."""

    def records(members: Members, offset: int) -> Iterator[Record]:
        return _member(members, offset, document)

    position, walked = 0, WALKED
    while position < size:
        position = yield from _proved(file, position, size, document)
        if position < size:
            position = yield from walk(Members(file, start=position), walked, records)
            walked *= 2


def _proved(file: BinaryIO, start: int, size: int, document: Document) -> Generator[Record, None, int]:
    """The records from the member at `start` on, as long as each is proved to be one whole member. Returns where
    the first stands that is not; `size` at the end."""
    if raw(file, start, len(GZIP)) != GZIP:
        return start
    held: Record | None = None
    here, length, tap = start, 0, Tap(file, start)
    records = archive_records(tap)
    while True:
        try:
            record = next(records, None)
        except (OSError, ValueError):
            return here
        if record is None:
            break
        position: int = record.stream_pos
        if held is None:
            if position != here:
                return here
        elif position <= here or not _fits(tap.four_before(position), length):
            return here
        else:
            yield held
        held, here = None, position
        try:
            declared = declared_length(record)
            length = len(str(record.headers)) + declared + 4
            held = document(record, here, declared)
        except ShortError:
            return here
    if held is None or not _fits(raw(file, size - 4, 4), length) or not ends_cleanly(file, here, size):
        return here
    yield held
    return size


def _fits(trailer: bytes, length: int) -> bool:
    """Whether a member's last four bytes (its content's length, modulo 2³²) fit a record of about `length` bytes."""
    return (int.from_bytes(trailer, "little") - length) & 0xFFFFFFFF <= SLACK


def _member(members: Members, offset: int, document: Document) -> Iterator[Record]:
    """The records of one member; ShortError at the first that is not whole."""
    repeated = 0
    records: Iterator[Any] = archive_records(members, compressed=False)
    while True:
        try:
            record = next(records, None)
        except (OSError, ValueError) as error:
            raise ShortError(str(error)) from error
        if record is None:
            return
        members.inside_record = True
        result = document(record, f"{offset}.{repeated}" if repeated else offset, declared_length(record))
        members.inside_record = False
        repeated += 1
        yield result
