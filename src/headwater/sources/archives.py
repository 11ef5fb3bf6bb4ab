"""Archives as streams of members: tar (.gz, .bz2, .xz, .zst) and zip. Nothing is written to disk, no link followed.

A member is handed out whole, in the archive's order; what cannot be one is a quarantined record that names it:
`archive_path` (absolute, or with `..`), `archive_entry` (links, devices, sparse files, members that share their
bytes), `too_large`, `encrypted`, `damaged_member`, `bomb` (more than RATIO times the archive's size, and everything
behind it), `unreadable_tail`. What stands before a damage is handed out, and behind one, where a header is found
again. An archive inside an archive is a member like any other; `members_in` opens a tar that is one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import xxhash

from headwater.sources.encoding import UndecodableError, encoding_of
from headwater.sources.places import Place, open_binary
from headwater.sources.records import MAX_RECORD, Gated, Quarantined, quarantine
from headwater.sources.streams import bare_suffix

# Real text shrinks by less than a hundred times; what a small archive may hold all the same.
RATIO, ALWAYS = 200, 64 << 20
# Of each name a hash is kept, which at this number takes some 300 MB.
MAX_MEMBERS = 5_000_000
ZIP, TAR = (".zip", ".epub"), (".tar", ".tgz", ".tbz2", ".txz", ".tzst")
_NAMES = ("gb18030", "big5hkscs", "cp932", "euc_jp", "cp949")


@dataclass(frozen=True)
class Member:
    """A file in an archive. `name`: its path there, with `#2` behind it where it is the second of that name."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Entry:
    """What tar and zip hand to `members`: a file not read yet, or what is wrong with it (reason, detail)."""

    name: str
    read: Callable[[int], bytes] | None = (
        None  # at most so many bytes, or Refused; once, before the next entry
    )
    problem: tuple[str, str] | None = None
    data: bytes = b""  # of what is quarantined


class Refused(Exception):
    """`reason`: of the quarantine. `last`: nothing behind it can be read. `data`: what was there."""

    def __init__(self, reason: str, detail: str, *, last: bool = False, data: bytes = b"") -> None:
        super().__init__(detail)
        self.reason, self.last, self.data = reason, last, data


def is_archive(path: Place) -> bool:
    return bare_suffix(path) in (*ZIP, *TAR) or path.suffix.lower() in (*ZIP, *TAR)


def members(
    path: Place, wanted: Callable[[str], bool] = lambda name: True, limit: int = MAX_RECORD
) -> Iterator[Member | Gated | Quarantined]:
    """The files of an archive. `wanted` sees a member's path; others are gated as `not_wanted`, unread. `limit`:
    bytes of one member; larger ones are quarantined. Memory: one member, compressed and not.

    What an archive is, its first bytes say, so that a misnamed one (a `.tar.gz` that is a tar) is read all the same.
    """
    from headwater.sources import archive_tar, archive_zip

    with open_binary(path) as file:
        zipped = file.read(4) in (b"PK\x03\x04", b"PK\x05\x06") or path.suffix.lower() in ZIP
    yield from _handed_out((archive_zip if zipped else archive_tar).entries(path), wanted, limit)


def members_in(
    data: bytes, wanted: Callable[[str], bool] = lambda name: True, limit: int = MAX_RECORD
) -> Iterator[Member | Gated | Quarantined]:
    """The files of a tar in memory, compressed or not, which was a member of an archive itself."""
    from headwater.sources import archive_tar

    yield from _handed_out(archive_tar.entries_in(data), wanted, limit)


def _handed_out(
    entries: Iterator[Entry], wanted: Callable[[str], bool], limit: int
) -> Iterator[Member | Gated | Quarantined]:
    seen: set[int] = set()
    again: dict[str, int] = {}
    for number, entry in enumerate(entries):
        if number >= MAX_MEMBERS:
            yield quarantine("tail", "too_large", f"more than {MAX_MEMBERS:,} members")
            return
        place = name = entry.name
        digest = xxhash.xxh3_64_intdigest(name.encode("utf-8", "surrogatepass"))
        if digest in seen:
            again[name] = again.get(name, 1) + 1
            place = f"{name}#{again[name]}"
        seen.add(digest)
        if entry.problem is not None:
            yield quarantine(place, entry.problem[0], entry.problem[1], entry.data)
        elif leads_out(name):
            yield quarantine(place, "archive_path", f"{name}: a path that leads out of the archive")
        elif not wanted(name):
            yield Gated(place, "not_wanted")
        else:
            assert entry.read is not None
            try:
                data = entry.read(limit)
            except Refused as refused:
                yield quarantine(place, refused.reason, f"{name}: {refused}", refused.data)
                if refused.last:
                    return
                continue
            yield Member(place, data)


class Allowance:
    """How many bytes an archive may still hold: RATIO times its size, or ALWAYS."""

    def __init__(self, size: int) -> None:
        self._left = max(ALWAYS, RATIO * size)

    def take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise Refused("bomb", f"the archive holds more than {RATIO} times its size", last=True)


def leads_out(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or name[1:2] == ":" or "\0" in name


def encoding_of_names(sample: bytes, other: str) -> str:
    """Of names that do not say: UTF-8, the encoding of an East Asian system, or `other`.

    `sample`: those that are not ASCII, one a line. GBK is what Chinese Windows writes into zips; the detector wants
    some twenty characters, so of fewer it is asked whether all are pairs of GB 2312 and most of them common ones.
    """
    try:
        sample.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        pass
    if is_gb2312(sample):
        return "gb18030"
    try:
        found = encoding_of(sample)
    except UndecodableError:
        return other
    return found if found in _NAMES else other


def is_gb2312(data: bytes, common: float = 0.7) -> bool:
    """Whether all that is not ASCII stands in pairs of GB 2312, and at least a share of `common` are punctuation or
    of its first level (the 3,755 most frequent characters)."""
    pairs = often = 0
    position, size = 0, len(data)
    while position < size:
        lead = data[position]
        if lead < 0x80:
            position += 1
            continue
        if not 0xA1 <= lead <= 0xF7 or position + 1 >= size or not 0xA1 <= data[position + 1] <= 0xFE:
            return False
        pairs += 1
        often += 0xB0 <= lead <= 0xD7 or lead in (0xA1, 0xA3)
        position += 2
    return pairs > 0 and often >= common * pairs
