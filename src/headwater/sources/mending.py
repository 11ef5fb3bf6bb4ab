"""Compressed files read past their damage: what is lost is one member, not all that follows.

A gzip file of several members, a multistream bzip2 file (Wikimedia's `-multistream` dumps: a stream for every 100
pages) or a zstd file of several frames goes on at the next beginning that decompresses. Where the whole file is one
stream nothing follows, and the rest is the tail, as in streams.py.
"""

import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import zstandard

from headwater.sources.places import Place, open_binary
from headwater.sources.records import KEPT_BYTES
from headwater.sources.streams import BLOCK, MACHINES, Stream, compression_of

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
        start: int | None = 0
        while start is not None:
            file.seek(start)
            start = yield from _member_by_member(file, kind, path.name)


def _member_by_member(file: BinaryIO, kind: str, name: str) -> Generator[bytes | Gap, None, int | None]:
    """The members from where the file stands up to a damage; where it goes on behind that, if it does."""
    pending, begun, ended = b"", file.tell(), False
    while True:
        pending = pending or file.read(BLOCK)
        if ended and not pending.strip(b"\0"):  # padding after the last member
            if not pending:
                return None
            pending = b""
            continue
        begun, machine, detail = file.tell() - len(pending), MACHINES[kind](), ""
        while not detail:
            if not pending and not machine.waiting and (pending := file.read(BLOCK)) == b"":
                detail = (
                    f"the {kind} data ends in the middle"
                    if file.tell()
                    else f"an empty file is no {kind} file"
                )
                break
            try:
                out, pending, ended = machine(pending)
            except (zlib.error, OSError, EOFError, ValueError, zstandard.ZstdError) as error:
                detail = f"damaged {kind} data ({error})"
                break
            if out:
                yield out
            if ended:
                break
        if detail:
            following = _next_beginning(file, kind, begun + 1)
            file.seek(begun)
            yield Gap(
                f"from byte {begun} of {name} on: {detail}", file.read(KEPT_BYTES), last=following is None
            )
            return following


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
    try:
        head: bytes = MACHINES[kind]()(data)[0][:256]
    except (zlib.error, OSError, EOFError, ValueError, zstandard.ZstdError):
        return False
    # Three bytes are no proof: what begins here must be text.
    text = head.decode("utf-8", "replace")
    return text[:-1].count("\ufffd") <= 3 and not any(mark < "\t" for mark in text)
