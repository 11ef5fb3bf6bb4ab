"""7z archives as streams of members, in the archive's order and in bounded memory, with the standard library alone.

py7zr (LGPL-2.1, and five more packages under it) hands a member out whole, and libarchive-c needs a library of the
system; neither is a dependency for one format. Read here: LZMA, LZMA2, BZip2 (what the StackExchange dumps are made
with), Deflate and stored, each behind Delta or a branch filter where 7-Zip puts one. PPMd, BCJ2 and encryption are
refused by name. The container: 7zFormat.txt of the LZMA SDK (public domain).

The list of members stands at an archive's end, so that of one that was cut nothing can be named: it is refused whole.
"""

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from headwater.sources.sevenzip_header import ENCODED, HEADER, Block, Coder, Entry, Header

MAGIC = b"7z\xbc\xaf\x27\x1c"
BLOCK = 1 << 18
OUTPUT = 1 << 20  # handed out at once
MAX_HEADER = 16 << 20
MAX_DICTIONARY = 256 << 20  # memory that an archive may ask for
# What is kept of an archive is bounded by its size, as in archives.py.
RATIO, ALWAYS = 200, 64 << 20

_LZMA, _LZMA2, _COPY, _BZIP2, _DEFLATE = "030101", "21", "00", "040202", "040108"
_FILTERS = {
    "03": lzma.FILTER_DELTA, "03030103": lzma.FILTER_X86, "03030205": lzma.FILTER_POWERPC,
    "03030401": lzma.FILTER_IA64, "03030501": lzma.FILTER_ARM, "03030701": lzma.FILTER_ARMTHUMB,
    "03030805": lzma.FILTER_SPARC,
}  # fmt: skip
_REFUSED = {"030401": "PPMd", "0303011b": "BCJ2", "06f10701": "encryption (AES)", "040109": "Deflate64"}


class SevenZipError(Exception):
    """What is wrong with an archive. `reason`: as in archives.py (`unreadable_tail`, `encrypted`, `bomb`, …)."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def streams(file: BinaryIO, wanted: Callable[[str], bool]) -> Iterator[tuple[Entry, Iterator[bytes]]]:
    """Each wanted member with its content in pieces. What is not read of a piece before the next member is asked
    for is passed over. Raises SevenZipError, from the outer iterator or from the inner one; the latter also for a
    failed checksum, after the last piece."""
    size = file.seek(0, 2)
    allowed = max(ALWAYS, RATIO * size)
    for block, entries in _contents(file, size):
        last = max((number for number, entry in enumerate(entries) if wanted(entry.name)), default=-1)
        if last < 0:
            continue
        if sum(entry.size for entry in entries) > allowed:
            raise SevenZipError("bomb", f"the archive holds more than {RATIO} times its size")
        pieces = _Pieces(_decoded(file, block))
        for entry in entries[: last + 1]:
            content = pieces.member(entry)
            if wanted(entry.name):
                yield entry, content
            for _ in content:
                pass
        allowed -= pieces.given


class _Pieces:
    """The members of one block, cut out of its stream."""

    def __init__(self, stream: Iterator[bytes]) -> None:
        self._stream, self._rest, self.given = stream, b"", 0

    def member(self, entry: Entry) -> Iterator[bytes]:
        left, crc = entry.size, 0
        while left:
            self._rest = self._rest or next(self._stream, b"")
            if not self._rest:
                raise SevenZipError("unreadable_tail", f"{entry.name}: {left:,} bytes are missing")
            piece, self._rest = self._rest[:left], self._rest[left:]
            left -= len(piece)
            self.given += len(piece)
            crc = zlib.crc32(piece, crc)
            yield piece
        if entry.crc is not None and crc != entry.crc:
            raise SevenZipError("damaged_member", f"{entry.name}: its checksum is wrong")


# ---------------------------------------------------------------- decoding


def _decoded(file: BinaryIO, block: Block) -> Iterator[bytes]:
    """A block's output. The file's position is its own between two pieces."""
    machine = _machine(block)
    position, end = block.position, block.position + block.packed
    pending, left = b"", block.sizes[block.final]
    while left:
        if not pending and machine.needs_input:
            file.seek(position)
            pending = file.read(min(BLOCK, end - position))
            position += len(pending)
            if not pending:
                return
        try:
            out = machine.decompress(pending)
        except (lzma.LZMAError, OSError, ValueError, EOFError, zlib.error) as error:
            raise SevenZipError("unreadable_tail", f"damaged data before byte {position}: {error}") from error
        pending = b""
        out = out[:left]
        left -= len(out)
        if out:
            yield out


class _Machine:
    """Any decompressor of the standard library behind one face: bytes in, at most OUTPUT bytes out."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make, self._machine = make, make()

    @property
    def needs_input(self) -> bool:
        return bool(self._machine.eof or self._machine.needs_input)

    def decompress(self, data: bytes) -> bytes:
        if self._machine.eof:  # BZip2 may come as several streams
            if not (data := self._machine.unused_data + data):
                return b""
            self._machine = self._make()
        out: bytes = self._machine.decompress(data, OUTPUT)
        return out


class _Deflated:
    def __init__(self) -> None:
        self._machine = zlib.decompressobj(wbits=-15)

    @property
    def needs_input(self) -> bool:
        return not self._machine.unconsumed_tail

    def decompress(self, data: bytes) -> bytes:
        return self._machine.decompress(self._machine.unconsumed_tail + data, OUTPUT)


class _Stored:
    needs_input = True

    def decompress(self, data: bytes) -> bytes:
        return data


def _machine(block: Block) -> Any:
    for coder in block.coders:
        if (name := _REFUSED.get(coder.method)) is not None:
            reason = "encrypted" if "encryption" in name else "unsupported"
            raise SevenZipError(reason, f"{name} is not read; unpack it with 7z, or pack it with -m0=LZMA2")
    first, *filters = block.coders
    if first.method in (_LZMA, _LZMA2) and all(coder.method in _FILTERS for coder in filters):
        chain = [_filter(coder, block) for coder in [*reversed(filters), first]]
        return _Machine(lambda: lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=chain))
    if not filters and first.method == _BZIP2:
        return _Machine(bz2.BZ2Decompressor)
    if not filters and first.method == _DEFLATE:
        return _Deflated()
    if not filters and first.method == _COPY:
        return _Stored()
    methods = "+".join(coder.method for coder in block.coders)
    raise SevenZipError("unsupported", f"method {methods} is not read; unpack it with 7z")


def _filter(coder: Coder, block: Block) -> dict[str, Any]:
    properties = coder.properties
    if coder.method == _LZMA:
        if len(properties) < 5 or properties[0] >= 225:
            raise SevenZipError("unreadable_tail", "LZMA properties that cannot be")
        rest, lc = divmod(properties[0], 9)
        pb, lp = divmod(rest, 5)
        asked = struct.unpack("<I", properties[1:5])[0]
        return {"id": lzma.FILTER_LZMA1, "dict_size": _dictionary(asked, block), "lc": lc, "lp": lp, "pb": pb}
    if coder.method == _LZMA2:
        if len(properties) != 1 or properties[0] > 40:
            raise SevenZipError("unreadable_tail", "LZMA2 properties that cannot be")
        bits = properties[0]
        asked = 0xFFFFFFFF if bits == 40 else (2 | bits & 1) << (bits // 2 + 11)
        return {"id": lzma.FILTER_LZMA2, "dict_size": _dictionary(asked, block)}
    if _FILTERS[coder.method] == lzma.FILTER_DELTA:
        return {"id": lzma.FILTER_DELTA, "dist": (properties[0] if properties else 0) + 1}
    return {"id": _FILTERS[coder.method]}


def _dictionary(asked: int, block: Block) -> int:
    """No more than there is to unpack, so that a small archive cannot ask for much memory."""
    size = max(4096, min(asked, block.sizes[block.final]))
    if size > MAX_DICTIONARY:
        raise SevenZipError("unsupported", f"a dictionary of {size:,} bytes; at most {MAX_DICTIONARY:,}")
    return size


# ---------------------------------------------------------------- the list of members


def _contents(file: BinaryIO, size: int) -> list[tuple[Block, list[Entry]]]:
    file.seek(0)
    start = file.read(32)
    if not start.startswith(MAGIC):
        raise SevenZipError(
            "unreadable_tail", "not a 7z archive" if start else "an empty file is no 7z archive"
        )
    if len(start) < 32 or zlib.crc32(start[12:]) != struct.unpack("<I", start[8:12])[0]:
        raise SevenZipError("unreadable_tail", "the archive's first 32 bytes are damaged")
    offset, length, crc = struct.unpack("<QQI", start[12:])
    if offset + length + 32 > size or length > MAX_HEADER:
        raise SevenZipError(
            "unreadable_tail", "the list of members at the archive's end is missing: it was cut"
        )
    if not length:
        return []
    file.seek(32 + offset)
    data = file.read(length)
    try:
        if zlib.crc32(data) != crc:
            raise SevenZipError("unreadable_tail", "the list of members at the archive's end is damaged")
        header = Header(data)
        while (kind := header.number()) == ENCODED:
            [block, *_] = header.streams(size).blocks
            if block.sizes[block.final] > MAX_HEADER:
                raise SevenZipError("bomb", "the list of members is too large")
            header = Header(b"".join(_decoded(file, block)))
        if kind != HEADER:
            raise ValueError(f"begins with {kind}")
        return header.contents(size)
    except (ValueError, IndexError, struct.error, StopIteration, UnicodeError) as error:
        raise SevenZipError("unreadable_tail", f"the list of members cannot be read: {error}") from error
