"""zip: by its directory, or, where that is missing or damaged, from member to member as they stand in the file.

A directory entry is taken only where the header in front of the bytes names the same file, and where no two share
bytes: that is how a zip of 10 MB holds 281 TB (Fifield 2019). zip64, stored, deflate, bzip2, lzma, xz and zstd.
Names without the UTF-8 flag are in the code page of whoever wrote them: for Chinese Windows that is GBK.
"""

import io
import struct
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from headwater.sources.archives import Allowance, Entry, Refused, encoding_of_names
from headwater.sources.places import Place, open_binary
from headwater.sources.streams import BLOCK, OUTPUT, unpack

_DIRECTORY = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_END, _END64, _LOCATOR = struct.Struct("<4s4H2IH"), struct.Struct("<4sQ2H2I4Q"), struct.Struct("<4sIQI")
_METHODS = {0: None, 8: "raw-deflate", 12: "bzip2", 14: "lzma", 93: "zstd", 95: "xz"}
MAX_DIRECTORY = 1 << 30
_SAMPLE = 1 << 16
_ENCRYPTED, _DESCRIPTOR, _UTF8 = 1, 8, 0x800
_WHOLE, _UNKNOWN = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF


@dataclass(frozen=True)
class _Found:
    raw: bytes
    flags: int
    method: int
    checksum: int
    packed: int  # -1: written behind the data
    size: int
    offset: int  # of its local header
    link: bool
    extra: bytes


class _NoDirectory(Exception):
    pass


def entries(path: Place) -> Iterator[Entry]:
    """Every member that is no folder; at last, as `tail`, why the directory could not be used."""
    with open_binary(path) as file:
        size = file.seek(0, io.SEEK_END)
        allowance = Allowance(size)
        try:
            start, end, shift = _directory(file, size)
            sample, shared = _survey(file, start, end, shift)
        except _NoDirectory as problem:
            yield from _from_front(file, size, allowance)
            yield Entry("tail", problem=("unreadable_tail", f"not a whole zip: {problem}"))
            return
        encoding = encoding_of_names(sample, "cp437") if sample else "cp437"
        for found in _in_directory(file, start, end, shift):
            if (entry := _entry(file, found, encoding, allowance, found.offset in shared)) is not None:
                yield entry


def _entry(file: BinaryIO, found: _Found, encoding: str, allowance: Allowance, shared: bool) -> Entry | None:
    name = _name(found, encoding)
    if name.endswith("/") and found.size == 0:
        return None
    if found.link:
        return Entry(name, problem=("archive_entry", f"{name}: a symbolic link"))
    if found.flags & _ENCRYPTED:
        return Entry(name, problem=("encrypted", f"{name}: encrypted"))
    if shared:
        return Entry(name, problem=("archive_entry", f"{name}: its bytes are also another member's"))
    return Entry(name, lambda limit: _read(file, found, limit, allowance))


# ---------------------------------------------------------------- the directory


def _directory(file: BinaryIO, size: int) -> tuple[int, int, int]:
    """Where the directory begins and ends, and by how much all offsets are off (bytes put in front of the zip)."""
    start = max(0, size - _END.size - 0xFFFF)
    file.seek(start)
    tail = _exactly(file, size - start)
    at = len(tail)
    while (at := tail.rfind(b"PK\5\6", 0, at)) >= 0:
        if len(tail) - at >= _END.size:
            break
    if at < 0:
        raise _NoDirectory("its end is missing")
    _, disk, _, _, _, length, offset, _ = _END.unpack_from(tail, at)
    end = start + at
    if at >= _LOCATOR.size and tail[at - _LOCATOR.size :].startswith(b"PK\6\7"):
        _, _, where, _ = _LOCATOR.unpack_from(tail, at - _LOCATOR.size)
        # Bytes put in front move it; then it stands right before its locator.
        for place in (where, end - _LOCATOR.size - _END64.size):
            file.seek(min(place, size))
            record = file.read(_END64.size)
            if len(record) == _END64.size and record.startswith(b"PK\6\6"):
                _, _, _, _, disk, _, _, _count, length, offset = _END64.unpack(record)
                end = place
                break
    if disk not in (0, 0xFFFF):
        raise _NoDirectory("it is one part of several")
    if length > min(end, MAX_DIRECTORY):
        raise _NoDirectory(f"its directory is said to take {length:,} bytes")
    shift = end - length - offset
    if shift < 0:
        raise _NoDirectory("its directory does not lie where its end says")
    return end - length, end, shift


def _in_directory(file: BinaryIO, start: int, end: int, shift: int) -> Iterator[_Found]:
    """The directory's entries; _NoDirectory where it is damaged."""
    position = start
    window, base = b"", start
    while position < end:
        if position + 3 * 0x10000 > base + len(window) and base + len(window) < end:
            file.seek(position)
            window, base = _exactly(file, min(BLOCK + 3 * 0x10000, end - position)), position
        at = position - base
        if len(window) - at < _DIRECTORY.size or not window.startswith(b"PK\1\2", at):
            raise _NoDirectory(f"its directory is damaged at byte {position:,}")
        (_, version, _, flags, method, _, _, checksum, packed, size, names, extras, comments, _, _, attributes,
         offset) = _DIRECTORY.unpack_from(window, at)  # fmt: skip
        at += _DIRECTORY.size
        raw, extra = window[at : at + names], window[at + names : at + names + extras]
        if len(raw) < names or len(extra) < extras:
            raise _NoDirectory(f"its directory is damaged at byte {position:,}")
        size, packed, offset = _zip64(extra, size, packed, offset)
        link = version >> 8 == 3 and attributes >> 28 == 0xA
        yield _Found(raw, flags, method, checksum, packed, size, offset + shift, link, extra)
        position += _DIRECTORY.size + names + extras + comments


def _zip64(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Numbers of 64 bits, in this order, for those that are all ones."""
    values = _extra(extra, 1)
    numbers = list(struct.unpack(f"<{len(values) // 8}Q", values[: len(values) // 8 * 8]))
    size, packed, offset = (
        numbers.pop(0) if value == _WHOLE and numbers else value for value in (size, packed, offset)
    )
    return size, packed, offset


def _extra(extra: bytes, wanted: int) -> bytes:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == wanted:
            return extra[at + 4 : at + 4 + length]
        at += 4 + length
    return b""


def _survey(file: BinaryIO, start: int, end: int, shift: int) -> tuple[bytes, set[int]]:
    """A sample of names that are neither ASCII nor said to be UTF-8, and the offsets of members that share bytes."""
    sample: list[bytes] = []
    held = 0
    begins, ends = array("Q"), array("Q")
    for found in _in_directory(file, start, end, shift):
        begins.append(found.offset)
        ends.append(min(found.offset + _LOCAL.size + len(found.raw) + found.packed, 2**63))
        if held < _SAMPLE and not found.flags & _UTF8 and not found.raw.isascii():
            sample.append(found.raw)
            held += len(found.raw)
    shared: set[int] = set()
    reach, holder = 0, 0
    for number in sorted(range(len(begins)), key=lambda number: (begins[number], ends[number])):
        if begins[number] < reach:
            shared |= {begins[number], holder}
        if ends[number] > reach:
            reach, holder = ends[number], begins[number]
    return b"\n".join(sample), shared


def _name(found: _Found, encoding: str) -> str:
    unicode = _extra(found.extra, 0x7075)  # version, checksum of the other name, name in UTF-8
    if len(unicode) > 5 and unicode[1:5] == struct.pack("<I", zlib.crc32(found.raw)):
        return unicode[5:].decode("utf-8", "backslashreplace")
    if found.flags & _UTF8 or found.raw.isascii():
        return found.raw.decode("utf-8", "backslashreplace")
    return found.raw.decode(encoding, "backslashreplace")


# ---------------------------------------------------------------- members


def _read(file: BinaryIO, found: _Found, limit: int, allowance: Allowance) -> bytes:
    if found.size > limit or found.packed > limit + (limit >> 3) + OUTPUT:
        raise Refused("too_large", f"{max(found.size, found.packed):,} bytes; at most {limit:,}")
    file.seek(found.offset)
    header = file.read(_LOCAL.size)
    if len(header) < _LOCAL.size or not header.startswith(b"PK\3\4"):
        raise Refused("damaged_member", f"no header at byte {found.offset:,}")
    *_, names, extras = _LOCAL.unpack(header)
    if file.read(names) != found.raw:
        raise Refused("damaged_member", "its own header has another name than the directory")
    file.seek(extras, io.SEEK_CUR)
    return _unpacked(_exactly(file, found.packed), found, limit, allowance)


def _unpacked(packed: bytes, found: _Found, limit: int, allowance: Allowance) -> bytes:
    if found.method not in _METHODS:
        raise Refused("damaged_member", f"compressed by method {found.method}, which is not read")
    kind, data, problem, there = _METHODS[found.method], packed, "", len(packed)
    if kind == "lzma":  # two bytes of version, two of length, then the parameters: the head of an .lzma file
        length = _UNKNOWN if found.flags & 2 else found.size  # then an end mark is there
        packed, kind = packed[4:9] + struct.pack("<Q", length) + packed[9:], "xz"
    if kind is not None:
        data, tail = unpack(packed, kind, limit)
        problem = "" if tail is None or tail.after_end else tail.detail
    allowance.take(len(data))
    if len(data) > limit:
        raise Refused("too_large", f"more than {limit:,} bytes")
    if there < found.packed:
        problem = f"{found.packed:,} bytes of which {there:,} are there"
    elif not problem and len(data) != found.size:
        problem = f"{len(data):,} bytes where the directory says {found.size:,}"
    elif not problem and zlib.crc32(data) != found.checksum:
        problem = "the checksum is wrong"
    if problem:
        raise Refused("damaged_member", problem, data=data)
    return data


def _exactly(file: BinaryIO, size: int) -> bytes:
    parts = []
    while size > 0 and (part := file.read(min(size, 16 << 20))):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


# ---------------------------------------------------------------- without a directory


def _from_front(file: BinaryIO, size: int, allowance: Allowance) -> Iterator[Entry]:
    """The members as they stand in the file, up to the directory or the end."""
    position = 0
    while (position := _next_header(file, position, size)) < size:
        file.seek(position)
        header = _exactly(file, _LOCAL.size)
        if len(header) < _LOCAL.size:
            return
        _, _, flags, method, _, _, checksum, packed, length, names, extras = _LOCAL.unpack(header)
        raw, extra = _exactly(file, names), _exactly(file, extras)
        length, packed, _ = _zip64(extra, length, packed, 0)
        start = position + _LOCAL.size + names + extras
        if flags & _DESCRIPTOR and method == 8:
            try:
                found_length, packed = _measured(file, start, allowance)
            except Refused as refused:
                yield Entry("tail", problem=(refused.reason, str(refused)))
                return
            if 0 <= packed <= size - start:
                file.seek(start + packed)
                behind = _exactly(file, 16).removeprefix(b"PK\7\x08")
                if len(behind) >= 4:
                    checksum, length = int.from_bytes(behind[:4], "little"), found_length
        found = _Found(raw, flags, method, checksum, packed, length, position, False, extra)
        local = encoding_of_names(raw, "cp437")
        if packed < 0 or start + packed > size or (flags & _DESCRIPTOR and method != 8 and not packed):
            detail = f"{len(raw) and _name(found, local)}: cut off, or of no known length"
            yield Entry(_name(found, local), problem=("damaged_member", detail))
            position = start
            continue
        entry = _entry(file, found, local, allowance, False)
        if entry is not None:
            yield entry
        position = start + packed


def _next_header(file: BinaryIO, position: int, size: int) -> int:
    """Where the next local header stands, or `size`."""
    while position < size:
        file.seek(position)
        block = _exactly(file, BLOCK)
        at = block.find(b"PK\3\4")
        directory = block.find(b"PK\1\2")
        if directory >= 0 and (at < 0 or directory < at):
            return size
        if at >= 0:
            return position + at
        position += max(1, len(block) - 3)
        if len(block) < BLOCK:
            return size
    return size


def _measured(file: BinaryIO, start: int, allowance: Allowance) -> tuple[int, int]:
    """(bytes, compressed bytes) of a deflated member whose length stands behind it; compressed -1 where it breaks."""
    file.seek(start)
    machine, length, taken = zlib.decompressobj(-15), 0, 0
    while not machine.eof:
        block = file.read(BLOCK)
        if not block:
            return length, 1 << 62
        taken += len(block)
        try:
            while block and not machine.eof:
                out = machine.decompress(block, OUTPUT)
                length += len(out)
                allowance.take(len(out))
                block = machine.unconsumed_tail
        except zlib.error:
            return length, -1
    return length, taken - len(machine.unused_data)
