"""What files hold, named by its hash, on its way to a store and from it.

A file above SMALL is an object of its own; smaller ones share a pack.
"""

import json
import os
import secrets
from pathlib import Path
from typing import NamedTuple

import xxhash

from headwater.engine.objects import Damaged, Objects, hash_of
from headwater.errors import HeadwaterError

SMALL, PACK = 64 << 10, 64 << 20  # bytes of a file that is packed; of a pack


class Content(NamedTuple):
    """What a file holds, and where that lies: in an object of its own, or in one of a pack."""

    bytes: int
    hash: str  # xxh3-128
    pack: str = ""
    offset: int = 0

    @property
    def object(self) -> str:
        return self.pack or f"objects/{self.hash}-{self.bytes}"


State = tuple[int, int]  # of a file: bytes, time of change in nanoseconds


class Known(NamedTuple):
    """A file of the local copy when it was last looked at, and its content then."""

    state: State
    content: Content


class Sending:
    """Files on their way to the store: large ones at once, small ones in packs; what is there (by hash) is not sent
    again."""

    def __init__(
        self, objects: Objects, folder: Path, there: dict[str, Content], *, packing: bool = True
    ) -> None:
        """`there` is told of what is sent."""
        self.kept: dict[str, bytes] = {}  # path -> what it held when it was sent
        self._objects, self._folder, self._packing, self._there = objects, folder, packing, there
        self._small: list[tuple[str, State, str, bytes]] = []

    def take(self, path: str, *, keep: bool = False) -> Known | None:
        """The file, if its content is in the store now; None where it waits for its pack, or is no file. The open file
        stays the same one, whatever is renamed over it meanwhile."""
        try:
            file = (self._folder / path).open("rb")
        except (FileNotFoundError, IsADirectoryError):
            return None
        with file:
            stat = os.fstat(file.fileno())
            size = stat.st_size
            digest = hash_of(file, size)  # no more than there was: the event log grows meanwhile
            file.seek(0)
            if keep:
                self.kept[path] = file.read(size)
            state, content = (size, stat.st_mtime_ns), Content(size, digest)
            if (there := self._there.get(digest)) is not None and there.bytes == size:
                return Known(state, there)
            if self._packing and size <= SMALL:
                file.seek(0)
                self._small.append((path, state, digest, file.read(size)))
                return None
            self._objects.put(content.object, file, size)
        self._there[digest] = content
        return Known(state, content)

    def packed(self) -> dict[str, Known]:
        """Sends what waited."""
        found: dict[str, Known] = {}
        while self._small:
            part: list[tuple[str, State, str, bytes]] = []
            size = 0
            while self._small and size < PACK:
                part.append(self._small.pop())
                size += len(part[-1][3])
            data = b"".join(one for *_, one in part)
            name, offset = object_name(data), 0
            self._objects.write(name, data)
            for path, state, digest, one in part:
                found[path] = Known(state, Content(len(one), digest, name, offset))
                self._there[digest] = found[path].content
                offset += len(one)
        return found


def fetch(objects: Objects, content: Content, path: Path) -> None:
    """Content into a file. HeadwaterError where the store holds something else under its name."""
    if content.pack:
        write(path, read(objects, content))
    else:
        objects.fetch(content.object, path, content.hash)


def read(objects: Objects, content: Content) -> bytes:
    """The content of one file, which fits into memory."""
    return read_pack(objects, content.object)[content.offset : content.offset + content.bytes]


def read_pack(objects: Objects, name: str) -> bytes:
    def whole(data: bytes) -> bytes:
        if object_name(data) != name:
            raise Damaged
        return data

    try:
        return objects.read(name, parse=whole)
    except Damaged:
        raise HeadwaterError(f"{objects.where(name)} is not what was committed under this name") from None


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    temporary.write_bytes(data)
    temporary.replace(path)


def contents_of(data: bytes) -> dict[str, Content]:
    """By path, as JSON has them."""
    return {path: Content(*content) for path, content in json.loads(data).items()}


def object_name(data: bytes) -> str:
    return Content(len(data), xxhash.xxh3_128_hexdigest(data)).object
