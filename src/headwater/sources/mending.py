"""Compressed files read past their damage: what is lost is one member, not all that follows.

A gzip file of several members, a multistream bzip2 file (Wikimedia's `-multistream` dumps: a stream for every 100
pages) or a zstd file of several frames goes on at the next beginning that decompresses. Where the whole file is one
stream nothing follows, and the rest is the tail, as in streams.py.
"""

import bz2
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import zstandard

from headwater.sources.places import Place, open_binary
from headwater.sources.records import KEPT_BYTES
from headwater.sources.streams import BLOCK, Stream, compression_of

_BEGINNINGS = {"gzip": b"\x1f\x8b\x08", "bzip2": b"BZh", "zstd": b"\x28\xb5\x2f\xfd"}
_TRIAL = 1 << 12


@dataclass(frozen=True)
class Gap:
    """Where bytes are missing; `data`: compressed bytes that could not be read."""

    detail: str
    data: bytes = b""
    last: bool = False  # nothing follows


def sound_parts(path: Place) -> Iterator[bytes | Gap]:
    """The decompressed bytes of a file, with a Gap for every damage."""
    kind = compression_of(path)
    if kind is None:
        yield from Stream(path).blocks()
        return
    with open_binary(path) as file:
        while True:
            stream, counted = Stream(path, kind), _Counted(file)
            yield from stream.unpacked(counted, kind)
            if stream.tail is None:
                return
            # What was handed in last, and one block more, is in the tail: the damage is there or before.
            broken = max(counted.begun, file.tell() - len(stream.tail.data))
            following = None if stream.tail.cut else _next_beginning(file, kind, broken + 1)
            detail = f"near byte {broken} of {path.name}: {stream.tail.detail}"
            yield Gap(detail, stream.tail.data[:KEPT_BYTES], last=following is None)
            if following is None:
                return
            file.seek(following)


class _Counted:
    """A file as it is read from where it stands."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.begun = file, file.tell()

    def read(self, size: int) -> bytes:
        return self.file.read(size)


def _next_beginning(file: BinaryIO, kind: str, start: int) -> int | None:
    """Where the next member begins that decompresses, from a byte of the file on."""
    magic = _BEGINNINGS[kind]
    while True:
        file.seek(start)
        window = file.read(BLOCK)
        if len(window) < len(magic):
            return None
        found = window.find(magic)
        if found < 0:
            start += len(window) - len(magic) + 1
            continue
        start += found
        file.seek(start)
        if _begins(file.read(_TRIAL), kind):
            return start
        start += 1


def _begins(data: bytes, kind: str) -> bool:
    if kind == "bzip2" and data[4:10] != b"1AY&SY":
        return False
    machine: Any = {
        "gzip": lambda: zlib.decompressobj(wbits=31),
        "bzip2": bz2.BZ2Decompressor,
        "zstd": lambda: zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj(),
    }[kind]()
    try:
        machine.decompress(data)
    except (zlib.error, OSError, EOFError, ValueError, zstandard.ZstdError):
        return False
    return True
