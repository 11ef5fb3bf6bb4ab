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
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, BinaryIO

MAGIC = b"7z\xbc\xaf\x27\x1c"
BLOCK = 1 << 18
OUTPUT = 1 << 20  # handed out at once
MAX_HEADER = 16 << 20
MAX_DICTIONARY = 256 << 20  # memory that an archive may ask for
# What is kept of an archive is bounded by its size, as in archives.py.
RATIO, ALWAYS = 200, 64 << 20

_END, _HEADER, _ARCHIVE, _ADDITIONAL, _MAIN, _FILES, _PACK, _UNPACK, _SUBSTREAMS = range(9)
_SIZE, _CRC, _FOLDER, _CODERS_SIZE, _COUNTS, _EMPTY = 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E
_NAMES, _ENCODED = 0x11, 0x17

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


@dataclass(frozen=True)
class Entry:
    name: str
    size: int  # bytes, decompressed
    crc: int | None


@dataclass(frozen=True)
class _Coder:
    method: str  # its number, in hexadecimal
    properties: bytes


@dataclass
class _Block:
    """A "folder" of the format: one compressed stream that holds several members, one after the other."""

    coders: list[_Coder]  # in the order in which they decode
    sizes: list[int]  # of each coder's output, as listed in the file
    final: int  # which of the sizes is that of the last output
    position: int = 0  # of the packed stream in the file
    packed: int = 0
    crc: int | None = None


@dataclass
class _Streams:
    blocks: list[_Block]
    members: list[list[tuple[int, int | None]]]  # of each block: (size, crc) of what it holds


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


def _decoded(file: BinaryIO, block: _Block) -> Iterator[bytes]:
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


def _machine(block: _Block) -> Any:
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


def _filter(coder: _Coder, block: _Block) -> dict[str, Any]:
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


def _dictionary(asked: int, block: _Block) -> int:
    """No more than there is to unpack, so that a small archive cannot ask for much memory."""
    size = max(4096, min(asked, block.sizes[block.final]))
    if size > MAX_DICTIONARY:
        raise SevenZipError("unsupported", f"a dictionary of {size:,} bytes; at most {MAX_DICTIONARY:,}")
    return size


# ---------------------------------------------------------------- the list of members


def _contents(file: BinaryIO, size: int) -> list[tuple[_Block, list[Entry]]]:
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
        header = _Header(data)
        while (kind := header.number()) == _ENCODED:
            [block, *_] = header.streams(size).blocks
            if block.sizes[block.final] > MAX_HEADER:
                raise SevenZipError("bomb", "the list of members is too large")
            header = _Header(b"".join(_decoded(file, block)))
        if kind != _HEADER:
            raise ValueError(f"begins with {kind}")
        return header.contents(size)
    except (ValueError, IndexError, struct.error, StopIteration, UnicodeError) as error:
        raise SevenZipError("unreadable_tail", f"the list of members cannot be read: {error}") from error


class _Header:
    """Reads the format's numbers and tables; ValueError, IndexError or struct.error where they make no sense."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def take(self, length: int) -> bytes:
        if length < 0 or self._at + length > len(self._data):
            raise ValueError("it ends in the middle")
        self._at += length
        return self._data[self._at - length : self._at]

    def number(self) -> int:
        first = self.byte()
        mask, value = 0x80, 0
        for shift in range(8):
            if not first & mask:
                return value | (first & (mask - 1)) << (8 * shift)
            value |= self.byte() << (8 * shift)
            mask >>= 1
        return value

    def count(self) -> int:
        """A number of things of which each takes a byte or more."""
        value = self.number()
        if value > len(self._data):
            raise ValueError(f"{value:,} entries in {len(self._data):,} bytes")
        return value

    def bits(self, count: int) -> list[bool]:
        data = self.take((count + 7) // 8)
        return [bool(data[number // 8] & 0x80 >> number % 8) for number in range(count)]

    def crcs(self, count: int) -> list[int | None]:
        known = [True] * count if self.byte() else self.bits(count)
        return [struct.unpack("<I", self.take(4))[0] if is_known else None for is_known in known]

    def streams(self, size: int) -> _Streams:
        blocks: list[_Block] = []
        members: list[list[tuple[int, int | None]]] | None = None
        positions: list[int] = []
        packed: list[int] = []
        while (kind := self.number()) != _END:
            if kind == _PACK:
                start, count = self.number(), self.count()
                while (kind := self.number()) != _END:
                    if kind == _SIZE:
                        packed = [self.number() for _ in range(count)]
                        positions = [32 + start + before for before in accumulate([0, *packed])]
                    elif kind == _CRC:
                        self.crcs(count)
                    else:
                        raise ValueError(f"unknown property {kind}")
            elif kind == _UNPACK:
                blocks = self._blocks()
            elif kind == _SUBSTREAMS:
                members = self._members(blocks)
            else:
                raise ValueError(f"unknown property {kind}")
        if len(packed) < len(blocks):
            raise ValueError("fewer packed streams than blocks")
        for block, position, length in zip(blocks, positions, packed, strict=False):
            block.position, block.packed = position, length
            if position + length > size:
                raise ValueError("a stream that lies beyond the file")
        if members is None:
            members = [[(block.sizes[block.final], block.crc)] for block in blocks]
        return _Streams(blocks, members)

    def _blocks(self) -> list[_Block]:
        if self.number() != _FOLDER:
            raise ValueError("no folders")
        count = self.count()
        if self.byte():
            raise ValueError("folders outside of the header")
        blocks = [self._block() for _ in range(count)]
        if self.number() != _CODERS_SIZE:
            raise ValueError("no sizes")
        for block in blocks:
            block.sizes = [self.number() for _ in block.coders]
        while (kind := self.number()) != _END:
            if kind != _CRC:
                raise ValueError(f"unknown property {kind}")
            for block, crc in zip(blocks, self.crcs(count), strict=True):
                block.crc = crc
        return blocks

    def _block(self) -> _Block:
        coders, branched = [], False
        inputs = 0
        count = self.number()
        if not 1 <= count <= 32:
            raise ValueError(f"{count} coders")
        for _ in range(count):
            flags = self.byte()
            method = self.take(flags & 15).hex()
            ins, outs = (self.number(), self.number()) if flags & 0x10 else (1, 1)
            branched = branched or (ins, outs) != (1, 1)
            inputs += ins
            if inputs > 64 or outs != 1:
                raise ValueError("coders with too many streams")
            coders.append(_Coder(method, self.take(self.number()) if flags & 0x20 else b""))
        bound = [(self.number(), self.number()) for _ in range(count - 1)]
        packed = inputs - len(bound)
        feeds = [self.number() for _ in range(packed)] if packed > 1 else []
        if branched or packed != 1:  # BCJ2: told apart by name when it is to be read
            return _Block([*coders], [], 0)
        follows = {out: into for into, out in bound}
        first = next(iter(set(range(count)) - {into for into, _ in bound}), None) if not feeds else feeds[0]
        order: list[int] = []
        while first is not None and len(order) < count:
            order.append(first)
            first = follows.get(first)
        if len(order) != count or not set(order) <= set(range(count)):
            raise ValueError("coders that do not follow one another")
        return _Block([coders[number] for number in order], [], order[-1])

    def _members(self, blocks: list[_Block]) -> list[list[tuple[int, int | None]]]:
        kind = self.number()
        counts = [1] * len(blocks)
        if kind == _COUNTS:
            counts = [self.count() for _ in blocks]
            kind = self.number()
        sizes: list[list[int]] = []
        for block, count in zip(blocks, counts, strict=True):
            own = [self.number() for _ in range(count - 1)] if kind == _SIZE else [0] * (count - 1)
            rest = block.sizes[block.final] - sum(own)
            if rest < 0:
                raise ValueError("members larger than what holds them")
            sizes.append([*own, rest] if count else [])
        if kind == _SIZE:
            kind = self.number()
        known = [
            block.crc if count == 1 else None
            for block, count in zip(blocks, counts, strict=True)
            for _ in range(count)
        ]
        alone = [
            count == 1 and block.crc is not None
            for block, count in zip(blocks, counts, strict=True)
            for _ in range(count)
        ]
        while kind != _END:
            if kind != _CRC:
                raise ValueError(f"unknown property {kind}")
            found = iter(self.crcs(alone.count(False)))
            known = [crc if is_alone else next(found) for crc, is_alone in zip(known, alone, strict=True)]
            kind = self.number()
        each = iter(known)
        return [[(size, next(each)) for size in of_block] for of_block in sizes]

    def contents(self, size: int) -> list[tuple[_Block, list[Entry]]]:
        held = _Streams([], [])
        names: list[str] = []
        empty: list[bool] = []
        while (kind := self.number()) != _END:
            if kind == _ARCHIVE:
                while self.number() != _END:
                    self.take(self.number())
            elif kind == _ADDITIONAL:
                self.streams(size)
            elif kind == _MAIN:
                held = self.streams(size)
            elif kind == _FILES:
                names, empty = self._files()
            else:
                raise ValueError(f"unknown property {kind}")
        full = iter([name for name, is_empty in zip(names, empty, strict=True) if not is_empty])
        return [
            (block, [Entry(next(full), length, crc) for length, crc in members])
            for block, members in zip(held.blocks, held.members, strict=True)
        ]

    def _files(self) -> tuple[list[str], list[bool]]:
        count = self.count()
        names: list[str] = []
        empty = [False] * count
        while (kind := self.number()) != _END:
            data = _Header(self.take(self.number()))
            if kind == _NAMES:
                if data.byte():
                    raise ValueError("names outside of the header")
                names = data._data[1:].decode("utf-16-le").split("\0")[:-1]
            elif kind == _EMPTY:
                empty = data.bits(count)
        if len(names) != count:
            raise ValueError(f"{count} members, {len(names)} names")
        return names, empty
