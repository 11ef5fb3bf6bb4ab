"""A walk over the gzip members of a web archive, WARC or ARC, past any damage: what is sound is read, the rest is named."""

from collections.abc import Callable, Generator, Iterator

from headwater.sources.framing import ShortError, tail
from headwater.sources.members import Members
from headwater.sources.records import KEPT_BYTES, Record, quarantine


def walk(
    members: Members, most: int | None, records_of: Callable[[Members, int], Iterator[Record]]
) -> Generator[Record, None, int]:
    """The records of at most so many members from `members.position` on, past whatever is damaged. Returns where it
    stopped. `records_of` gives those of the member at that byte; it raises ShortError at the first that is not whole."""
    start, records, walked = members.position, 0, 0
    while (offset := members.begin()) is not None:
        if members.skipped:
            first, data = members.skipped
            yield quarantine(
                f"{first}.garbage", "garbage", f"bytes {first} to {offset}: no gzip member", data
            )
        held: Record | None = None
        broken = ""
        try:
            for record in records_of(members, offset):
                if held is not None:
                    records += 1
                    yield held
                held = record
        except ShortError as error:
            broken = str(error)
        members.drain()
        if start == 0 and records == 0 and held is None and broken and not members.is_record(members.head):
            members.resume()
            if members.position == members.size:
                yield tail(0, members.size, True, broken, members.head)
                return members.size
        # A checksum fails at a member's end, so its last record is held back until then.
        if held is not None and not members.damaged:
            records += 1
            yield held
        if members.damaged or members.cut or broken:
            detail = f"gzip member at byte {offset}: {members.error or broken}"
            reason = "unreadable_tail" if members.cut else "damaged_member"
            data = members.raw(offset, min(KEPT_BYTES, members.position - offset))
            yield quarantine(f"{offset}.tail", reason, detail, data)
        walked += 1
        if most is not None and walked >= most and members.position < members.size:
            return members.position
    if members.skipped:
        first, data = members.skipped
        yield tail(first, members.size, first == 0, "no gzip member", data)
    return members.size
