"""Compressed files as streams of bytes that end with a reason: whatever could be read is kept, the rest is named.

gzip (any number of members), bzip2, xz and zstd are decompressed here and not by the standard library's file objects,
because those raise before they hand out the last bytes that were sound.
"""

import bz2
import codecs
import io
import lzma
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import brotli
import zstandard

from headwater.sources.places import Place, open_binary

BLOCK = 1 << 18
SAMPLE = 1 << 17
_SUFFIXES = {".gz": "gzip", ".bz2": "bzip2", ".zst": "zstd", ".xz": "xz"}
# What a decompressor hands out at once: bounds memory on input made to explode. zstd, which takes no such limit, is
# given its input in pieces instead.
OUTPUT = 1 << 20
PIECE = 1 << 10
# What xz's and zstd's windows may take: `xz -9` needs 65 MiB, `zstd --ultra -22` 128.
WINDOW = 1 << 27


def compression_of(path: Place) -> str | None:
    return _SUFFIXES.get(path.suffix.lower())


def bare_suffix(path: Place) -> str:
    """The extension below any compression: `.txt` of `a.txt.gz`; empty where there is none."""
    return PurePosixPath(path.stem if compression_of(path) else path.name).suffix.lower()


@dataclass
class Tail:
    """Why a stream ended early; `data` is compressed input that could not be decompressed."""

    detail: str
    data: bytes = b""
    after_end: bool = False  # everything was read; these bytes follow it
    cut: bool = False  # sound as far as it goes


class Stream:
    """A file's bytes after decompression. `tail` is set once the end is reached, where that end is not clean."""

    def __init__(self, path: Place, kind: str | None = None) -> None:
        self.path, self.kind = path, kind or compression_of(path)
        self.tail: Tail | None = None

    def blocks(self) -> Iterator[bytes]:
        with open_binary(self.path) as file:
            if self.kind is None:
                while block := file.read(BLOCK):
                    yield block
            else:
                yield from self.unpacked(file, self.kind)

    def unpacked(self, file: Any, kind: str) -> Iterator[bytes]:
        machine: Any = None
        pending = file.read(BLOCK)
        members = 0
        while True:
            if machine is None:
                pending = pending or file.read(BLOCK)
                if members and not pending.strip(b"\0"):  # padding after the last member
                    if not pending:
                        return
                    pending = b""
                    continue
                machine = MACHINES[kind]()
            elif not pending and not machine.waiting and (pending := file.read(BLOCK)) == b"":
                self.tail = Tail(f"the {kind} data ends in the middle", cut=True)
                return
            if not members and not pending and not machine.started:
                self.tail = Tail(f"an empty file is no {kind} file")
                return
            try:
                out, rest, ended = machine(pending)
            except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, zstandard.ZstdError) as error:
                if members and machine.started is False:
                    self.tail = Tail(
                        f"bytes after the end of the {kind} data", pending + file.read(BLOCK), True
                    )
                else:
                    self.tail = Tail(f"damaged {kind} data ({error})", pending + file.read(BLOCK))
                return
            if out:
                yield out
            pending = rest
            if ended:
                machine, members = None, members + 1


class _Machine:
    """One member: called with input, gives (output of at most OUTPUT bytes, input not used yet, ended)."""

    started = False
    waiting = False  # has output still, without any more input


class _Gzip(_Machine):
    def __init__(self, wbits: int = 31) -> None:
        self._machine = zlib.decompressobj(wbits=wbits)

    def __call__(self, data: bytes) -> tuple[bytes, bytes, bool]:
        out = self._machine.decompress(data, OUTPUT)
        self.started = True
        if self._machine.eof:
            return out, self._machine.unused_data, True
        return out, self._machine.unconsumed_tail, False


class _Bzip2(_Machine):
    def __init__(self) -> None:
        self._machine = bz2.BZ2Decompressor()

    def __call__(self, data: bytes) -> tuple[bytes, bytes, bool]:
        # A block of 900 kB may hold 45 MB of spaces.
        piece = b"" if self.waiting else data
        out = self._machine.decompress(piece, OUTPUT)
        self.started = True
        rest = data[len(piece) :]
        if self._machine.eof:
            return out, self._machine.unused_data + rest, True
        self.waiting = not self._machine.needs_input
        return out, rest, False


class _Zstd(_Machine):
    def __init__(self) -> None:
        self._machine = zstandard.ZstdDecompressor(max_window_size=WINDOW).decompressobj()

    def __call__(self, data: bytes) -> tuple[bytes, bytes, bool]:
        piece, rest = data[:PIECE], data[PIECE:]
        out = self._machine.decompress(piece)
        self.started = True
        if self._machine.eof:
            return out, self._machine.unused_data + rest, True
        return out, rest, False


class _Xz(_Machine):
    """.xz, and the older .lzma."""

    def __init__(self) -> None:
        self._machine = lzma.LZMADecompressor(memlimit=WINDOW)

    def __call__(self, data: bytes) -> tuple[bytes, bytes, bool]:
        piece = b"" if self.waiting else data[:PIECE]
        out = self._machine.decompress(piece, OUTPUT)
        self.started = True
        rest = data[len(piece) :]
        if self._machine.eof:
            return out, self._machine.unused_data + rest, True
        # A full piece of output may be followed by more, whatever `needs_input` says.
        self.waiting = not self._machine.needs_input or len(out) >= OUTPUT
        return out, rest, False


class _Deflate(_Machine):
    """HTTP's "deflate": zlib, or without its header, as some servers send it."""

    def __init__(self) -> None:
        self._machine: Any = None

    def __call__(self, data: bytes) -> tuple[bytes, bytes, bool]:
        if self._machine is None:
            wrapped = len(data) > 1 and data[0] & 15 == 8 and (data[0] << 8 | data[1]) % 31 == 0
            self._machine = zlib.decompressobj(wbits=15 if wrapped else -15)
        out = self._machine.decompress(data, OUTPUT)
        self.started = True
        if self._machine.eof:
            return out, self._machine.unused_data, True
        return out, self._machine.unconsumed_tail, False


class _Brotli(_Machine):
    def __init__(self) -> None:
        self._machine = brotli.Decompressor()

    def __call__(self, data: bytes) -> tuple[bytes, bytes, bool]:
        piece = b"" if self.waiting else data[:PIECE]
        try:
            out = self._machine.process(piece, output_buffer_limit=OUTPUT)
        except brotli.error as error:
            raise ValueError(str(error)) from error
        self.started = True
        ended = self._machine.is_finished()
        self.waiting = not ended and not self._machine.can_accept_more_data()
        return out, data[len(piece) :], ended


MACHINES: dict[str, Any] = {
    "gzip": _Gzip, "bzip2": _Bzip2, "zstd": _Zstd, "xz": _Xz, "deflate": _Deflate, "br": _Brotli,
    "raw-deflate": partial(_Gzip, -15),
}  # fmt: skip


def unpack(data: bytes, kind: str, limit: int) -> tuple[bytes, Tail | None]:
    """Compressed bytes in memory: what they hold, little more than `limit` bytes of it, and how they end."""
    stream, parts, size = Stream(Path()), [], 0
    for block in stream.unpacked(io.BytesIO(data), kind):
        parts.append(block)
        size += len(block)
        if size > limit:
            break
    return b"".join(parts), stream.tail


def read_whole(stream: Stream, limit: int) -> bytes | None:
    """Everything, or None where it is more than `limit` bytes."""
    parts, size = [], 0
    for block in stream.blocks():
        parts.append(block)
        size += len(block)
        if size > limit:
            return None
    return b"".join(parts)


@dataclass(frozen=True)
class Line:
    number: int  # from 1
    offset: int  # in decompressed bytes
    data: bytes  # without its line feed; the first KEPT bytes of a line that is too long
    length: int  # of the whole line
    ended: bool  # by a line feed; else the file ended


def lines(blocks: Iterator[bytes], limit: int, kept: int) -> Iterator[Line]:
    """Lines split at line feeds only, so that U+2028 or NEL inside a string breaks nothing.

    Of a line longer than `limit` only `kept` bytes are held, however long it is.
    """
    number, offset, length = 1, 0, 0
    parts: list[bytes] = []
    held = 0
    for block in blocks:
        start = 0
        while start <= len(block):
            end = block.find(b"\n", start)
            piece = block[start:end] if end >= 0 else block[start:]
            length += len(piece)
            if length <= limit or held < kept:
                parts.append(piece)
                held += len(piece)
            if length > limit and held > kept:
                parts = [b"".join(parts)[:kept]]
                held = len(parts[0])
            if end < 0:
                break
            yield Line(number, offset, b"".join(parts), length, True)
            number, offset, length, parts, held = number + 1, offset + length + 1, 0, [], 0
            start = end + 1
    if length:
        yield Line(number, offset, b"".join(parts), length, False)


def as_utf8(blocks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """A stream in another encoding as UTF-8; what is broken in it stays broken (as bytes that are not UTF-8)."""
    errors = "replace" if encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    for block in blocks:
        yield decoder.decode(block).encode("utf-8", "surrogateescape")
    yield decoder.decode(b"", final=True).encode("utf-8", "surrogateescape")
