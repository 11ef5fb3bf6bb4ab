"""The list of members at the end of a 7z archive: blocks, coders, sizes, names, checksums.

Only what is needed to unpack; times, attributes and comments are passed over. Every number is checked against the
bytes that there are, so that a damaged list is refused, not believed.
"""

import struct
from dataclasses import dataclass
from itertools import accumulate

_END, HEADER, _ARCHIVE, _ADDITIONAL, _MAIN, _FILES, _PACK, _UNPACK, _SUBSTREAMS = range(9)
_SIZE, _CRC, _FOLDER, _CODERS_SIZE, _COUNTS, _EMPTY = 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E
_NAMES, ENCODED = 0x11, 0x17


@dataclass(frozen=True)
class Entry:
    name: str
    size: int  # bytes, decompressed
    crc: int | None


@dataclass(frozen=True)
class Coder:
    method: str  # its number, in hexadecimal
    properties: bytes


@dataclass
class Block:
    """A "folder" of the format: one compressed stream that holds several members, one after the other."""

    coders: list[Coder]  # in the order in which they decode
    sizes: list[int]  # of each coder's output, as listed in the file
    final: int  # which of the sizes is that of the last output
    position: int = 0  # of the packed stream in the file
    packed: int = 0
    crc: int | None = None


@dataclass
class Streams:
    blocks: list[Block]
    members: list[list[tuple[int, int | None]]]  # of each block: (size, crc) of what it holds


class Header:
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

    def streams(self, size: int) -> Streams:
        blocks: list[Block] = []
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
        return Streams(blocks, members)

    def _blocks(self) -> list[Block]:
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

    def _block(self) -> Block:
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
            coders.append(Coder(method, self.take(self.number()) if flags & 0x20 else b""))
        bound = [(self.number(), self.number()) for _ in range(count - 1)]
        packed = inputs - len(bound)
        feeds = [self.number() for _ in range(packed)] if packed > 1 else []
        if branched or packed != 1:  # BCJ2: told apart by name when it is to be read
            return Block([*coders], [], 0)
        follows = {out: into for into, out in bound}
        first = next(iter(set(range(count)) - {into for into, _ in bound}), None) if not feeds else feeds[0]
        order: list[int] = []
        while first is not None and len(order) < count:
            order.append(first)
            first = follows.get(first)
        if len(order) != count or not set(order) <= set(range(count)):
            raise ValueError("coders that do not follow one another")
        return Block([coders[number] for number in order], [], order[-1])

    def _members(self, blocks: list[Block]) -> list[list[tuple[int, int | None]]]:
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

    def contents(self, size: int) -> list[tuple[Block, list[Entry]]]:
        held = Streams([], [])
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
            data = Header(self.take(self.number()))
            if kind == _NAMES:
                if data.byte():
                    raise ValueError("names outside of the header")
                names = data._data[1:].decode("utf-16-le").split("\0")[:-1]
            elif kind == _EMPTY:
                empty = data.bits(count)
        if len(names) != count:
            raise ValueError(f"{count} members, {len(names)} names")
        return names, empty
