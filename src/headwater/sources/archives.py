"""Archives as streams of members: tar (.gz, .bz2, .zst) and zip. Nothing is ever written to disk, no link followed.

A member is handed out whole, in the archive's order; what cannot be one is a quarantined record that names it:
`archive_path` (absolute, or with `..`), `archive_entry` (links, devices), `too_large`, `encrypted`, `damaged_member`,
`bomb` (more than RATIO times the archive's size, and everything behind it), `unreadable_tail`.
"""

import io
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from headwater.sources.places import Place, open_binary
from headwater.sources.records import MAX_RECORD, Gated, Quarantined, quarantine
from headwater.sources.streams import Stream, bare_suffix

# Real text shrinks by less than a hundred times; what a small archive may hold all the same.
RATIO, ALWAYS = 200, 64 << 20
MAX_MEMBERS = 5_000_000
ZIP, TAR = (".zip", ".epub"), (".tar", ".tgz", ".tbz2")


@dataclass(frozen=True)
class Member:
    """A file in an archive. `name`: its path there, with `#2` behind it where it is the second of that name."""

    name: str
    data: bytes


def is_archive(path: Place) -> bool:
    return bare_suffix(path) in (*ZIP, *TAR) or path.suffix.lower() in (*ZIP, *TAR)


def members(
    path: Place, wanted: Callable[[str], bool] = lambda name: True, limit: int = MAX_RECORD
) -> Iterator[Member | Gated | Quarantined]:
    """The files of an archive. `wanted` sees a member's path; others are gated as `not_wanted`, unread. `limit`:
    bytes of one member; larger ones are quarantined. Memory: one member."""
    yield from _handed_out(_zip(path, limit) if path.suffix.lower() in ZIP else _tar(path, limit), wanted)


def members_in(
    data: bytes, wanted: Callable[[str], bool] = lambda name: True, limit: int = MAX_RECORD
) -> Iterator[Member | Gated | Quarantined]:
    """The files of a tar in memory, compressed by gzip or not, which was a member of an archive itself."""
    stream = Stream(Path(), kind="gzip")
    blocks = stream.unpacked(io.BytesIO(data), "gzip") if data.startswith(b"\x1f\x8b") else iter([data])
    yield from _handed_out(_tar_entries(stream, blocks, len(data), limit), wanted)


def _handed_out(
    entries: Iterator["_Entry"], wanted: Callable[[str], bool]
) -> Iterator[Member | Gated | Quarantined]:
    names: Counter[str] = Counter()
    for number, (name, problem, read) in enumerate(entries):
        if number >= MAX_MEMBERS:
            yield quarantine("tail", "too_large", f"more than {MAX_MEMBERS:,} members")
            return
        names[name] += 1
        place = name if names[name] == 1 else f"{name}#{names[name]}"
        if problem is not None:
            yield quarantine(place, *problem)
        elif _leaves(name):
            yield quarantine(place, "archive_path", f"{name}: a path that leads out of the archive")
        elif not wanted(name):
            yield Gated(place, "not_wanted")
        else:
            try:
                data = read()
            except _Refused as refused:
                yield quarantine(place, refused.reason, f"{name}: {refused}")
                if refused.last:
                    return
                continue
            yield Member(place, data)


class _Refused(Exception):
    def __init__(self, reason: str, detail: str, *, last: bool = False) -> None:
        super().__init__(detail)
        self.reason, self.last = reason, last


_Entry = tuple[str, tuple[str, str] | None, Callable[[], bytes]]


def _leaves(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or name[1:2] == ":" or "\0" in name


def _nothing() -> bytes:
    return b""


def _zip(path: Place, limit: int) -> Iterator[_Entry]:
    with open_binary(path) as file:
        try:
            archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            yield "tail", ("unreadable_tail", f"not a whole zip: {error}"), _nothing
            return
        size = file.seek(0, io.SEEK_END)
        allowed = [max(ALWAYS, RATIO * size)]
        for entry in archive.infolist():
            if entry.is_dir():
                continue
            if entry.external_attr >> 28 == 0xA:
                yield entry.filename, ("archive_entry", f"{entry.filename}: a link"), _nothing
            elif entry.flag_bits & 1:
                yield entry.filename, ("encrypted", f"{entry.filename}: encrypted"), _nothing
            else:
                yield entry.filename, None, lambda entry=entry: _zip_member(archive, entry, limit, allowed)  # type: ignore[misc]


def _zip_member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int, allowed: list[int]) -> bytes:
    try:
        with archive.open(entry) as stream:
            data = stream.read(limit + 1)
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, zlib.error) as error:
        raise _Refused("damaged_member", str(error)) from error
    return _bounded(data, limit, allowed)


def _bounded(data: bytes, limit: int, allowed: list[int]) -> bytes:
    allowed[0] -= len(data)
    if allowed[0] < 0:
        raise _Refused("bomb", f"the archive holds more than {RATIO} times its size", last=True)
    if len(data) > limit:
        raise _Refused("too_large", f"more than {limit:,} bytes")
    return data


class _Blocks(io.RawIOBase):
    """A decompressed stream as the file object that tarfile reads."""

    def __init__(self, blocks: Iterator[bytes], allowed: int) -> None:
        self._blocks, self._rest, self.left = blocks, b"", allowed

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        parts, held = [], 0
        while held < size:
            self._rest = self._rest or next(self._blocks, b"")
            if not self._rest:
                break
            part, self._rest = self._rest[: size - held], self._rest[size - held :]
            parts.append(part)
            held += len(part)
        self.left -= held
        if self.left < 0:
            raise _Refused("bomb", f"the archive holds more than {RATIO} times its size", last=True)
        return b"".join(parts)


def _tar(path: Place, limit: int) -> Iterator[_Entry]:
    stream = Stream(path, kind="gzip" if path.suffix.lower() == ".tgz" else None)
    with open_binary(path) as file:
        size = file.seek(0, io.SEEK_END)
    yield from _tar_entries(stream, stream.blocks(), size, limit)


def _tar_entries(stream: Stream, unpacked: Iterator[bytes], size: int, limit: int) -> Iterator[_Entry]:
    blocks = _Blocks(unpacked, max(ALWAYS, RATIO * size))
    try:
        archive = tarfile.open(fileobj=blocks, mode="r|", encoding="utf-8")  # noqa: SIM115
        for entry in archive:
            if entry.isdir():
                continue
            if not entry.isreg():
                yield entry.name, ("archive_entry", f"{entry.name}: a link or device"), _nothing
            else:
                yield entry.name, None, lambda entry=entry: _tar_member(archive, entry, limit)  # type: ignore[misc]
    except _Refused as refused:
        yield "tail", (refused.reason, str(refused)), _nothing
        return
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        detail = stream.tail.detail if stream.tail is not None else str(error)
        yield "tail", ("unreadable_tail", detail), _nothing
        return
    if stream.tail is not None:
        yield "tail", ("unreadable_tail", stream.tail.detail), _nothing


def _tar_member(archive: tarfile.TarFile, entry: tarfile.TarInfo, limit: int) -> bytes:
    if entry.size > limit:
        raise _Refused("too_large", f"{entry.size:,} bytes; at most {limit:,}")
    file = archive.extractfile(entry)
    assert file is not None  # a regular file
    try:
        data = file.read()
    except tarfile.ReadError as error:
        raise _Refused("unreadable_tail", str(error), last=True) from error
    if len(data) < entry.size:
        raise _Refused("unreadable_tail", f"{entry.size:,} bytes of which {len(data):,} are there", last=True)
    return data
