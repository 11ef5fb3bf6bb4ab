"""tar, block by block: the old format, ustar, PAX and GNU. Python's tarfile parses one header; the walk is ours.

tarfile ends in silence at a header that is not sound, reads a PAX header of any size into memory, and does not
look behind the end marker. Here a damaged header costs what stands up to the next sound one, headers above
MAX_HEADER are refused, and archives joined with `cat` are read on.
"""

import io
import os
import tarfile
from collections.abc import Generator, Iterator
from pathlib import Path

from headwater.sources.archives import Allowance, Entry, Refused, encoding_of_names
from headwater.sources.places import Place, open_binary
from headwater.sources.records import KEPT_BYTES
from headwater.sources.streams import BLOCK, Stream

SIZE = tarfile.BLOCKSIZE
MAX_HEADER = 1 << 20  # of a PAX header or a long name
_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_WITHOUT_DATA = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
}
_MAGIC = {b"\x1f\x8b": "gzip", b"BZ": "bzip2", b"\x28\xb5": "zstd", b"\xfd7": "xz"}


class _Bytes:
    """The decompressed archive, read forward."""

    def __init__(self, blocks: Iterator[bytes], allowance: Allowance) -> None:
        self._blocks, self._allowance = blocks, allowance
        self._block, self._start = b"", 0
        self.position = 0

    def read(self, size: int) -> bytes:
        """So many bytes, or fewer at the end."""
        return b"".join(self._parts(size))

    def skip(self, size: int) -> int:
        return sum(map(len, self._parts(size)))

    def _parts(self, size: int) -> Iterator[bytes]:
        while size > 0:
            if self._start >= len(self._block):
                self._block, self._start = next(self._blocks, b""), 0
                if not self._block:
                    return
            part = self._block[self._start : self._start + size]
            self._start += len(part)
            self.position += len(part)
            self._allowance.take(len(part))
            size -= len(part)
            yield part


def entries(path: Place) -> Iterator[Entry]:
    """Every member that is no folder, and at last, as `tail`, why the archive ends where it should not."""
    with open_binary(path) as file:
        size = file.seek(0, 2)
        file.seek(0)
        kind = _MAGIC.get(file.read(2))
    stream = Stream(path)
    stream.kind = kind
    yield from _entries(stream, stream.blocks(), size)


def entries_in(data: bytes) -> Iterator[Entry]:
    """The same of a tar in memory, compressed or not."""
    kind, stream = _MAGIC.get(data[:2]), Stream(Path())
    yield from _entries(stream, stream.unpacked(io.BytesIO(data), kind) if kind else iter([data]), len(data))


def _entries(stream: Stream, blocks: Iterator[bytes], size: int) -> Iterator[Entry]:
    data = _Bytes(blocks, Allowance(size))
    try:
        ended = yield from _walk(data)
    except Refused as refused:  # a bomb
        yield Entry("tail", problem=(refused.reason, str(refused)))
        return
    if stream.tail is not None:
        yield Entry("tail", problem=("unreadable_tail", stream.tail.detail), data=stream.tail.data)
    elif not ended:
        detail = f"no end marker behind byte {data.position:,}: it is cut off, or not a tar"
        yield Entry("tail", problem=("unreadable_tail", detail))


def _walk(data: _Bytes) -> Generator[Entry, None, bool]:
    """The entries; returns whether the end marker was the last of it."""
    ended = False
    everywhere: dict[str, str] = {}
    here: dict[str, str] = {}
    while True:
        offset = data.position
        block = data.read(SIZE)
        if not block.strip(b"\0"):
            ended = ended or bool(block)
            if len(block) < SIZE:
                return ended
            continue
        header = _header(block)
        if header is None:
            lost, header, block = _next_header(data, block)
            where = f"bytes {offset:,} to {data.position - (SIZE if header else 0):,}"
            detail = f"{where}: no sound header" + (" (behind the end marker)" if ended else "")
            yield Entry(f"{offset}.damaged", problem=("damaged_member", detail), data=lost)
            if header is None:
                return ended
            here = {}
        ended = False
        padded = -(-header.size // SIZE) * SIZE
        if header.type in (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE,
                           tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK):  # fmt: skip
            if header.size > MAX_HEADER:
                data.skip(padded)
                detail = f"an extended header of {header.size:,} bytes; at most {MAX_HEADER:,}"
                yield Entry(f"{offset}.header", problem=("too_large", detail))
                continue
            body = data.read(padded)[: header.size]
            if header.type == tarfile.GNUTYPE_LONGNAME:
                here["path"] = _text(body.partition(b"\0")[0])
            elif header.type == tarfile.XGLTYPE:
                everywhere |= _pax(body)
            elif header.type != tarfile.GNUTYPE_LONGLINK:
                here |= _pax(body)
            continue
        said, here = everywhere | here, {}
        yield from _member(data, block, header, said)


def _member(data: _Bytes, block: bytes, header: tarfile.TarInfo, said: dict[str, str]) -> Iterator[Entry]:
    """A file, or what stands in its place; then goes on behind its bytes."""
    sparse = header.type == tarfile.GNUTYPE_SPARSE or any(key.startswith("GNU.sparse.") for key in said)
    name = (
        said.get("GNU.sparse.name")
        or said.get("path")
        or _text(header.name.encode("utf-8", "surrogateescape"))
    )
    size = header.size
    if said.get("size", "").isdecimal() and len(said["size"]) < 20:
        size = int(said["size"])
    more = header.type == tarfile.GNUTYPE_SPARSE and block[482:483] == b"\1"
    while more:
        extension = data.read(SIZE)
        more = extension[504:505] == b"\1"
    if header.type == tarfile.DIRTYPE or (header.type == tarfile.AREGTYPE and name.endswith("/")):
        return
    if header.type in _WITHOUT_DATA:
        yield Entry(name, problem=("archive_entry", f"{name}: {_WITHOUT_DATA[header.type]}"))
        return
    end = data.position + size
    if sparse:
        yield Entry(name, problem=("archive_entry", f"{name}: a sparse file"))
    elif header.type not in _FILES:
        yield Entry(name, problem=("archive_entry", f"{name}: an entry of type {header.type!r}"))
    else:
        yield Entry(name, lambda limit: _read(data, size, limit))
    data.skip(end - data.position)
    if data.position < end:
        return  # the walk finds the end
    data.skip(-size % SIZE)


def _read(data: _Bytes, size: int, limit: int) -> bytes:
    if size > limit:
        raise Refused("too_large", f"{size:,} bytes; at most {limit:,}")
    found = data.read(size)
    if len(found) < size:
        raise Refused("unreadable_tail", f"{size:,} bytes of which {len(found):,} are there", data=found)
    return found


def _header(block: bytes) -> tarfile.TarInfo | None:
    try:
        header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError, IndexError):
        return None
    # A size below zero has sent readers back to where they came from (CVE-2025-8194).
    return header if 0 <= header.size < 1 << 62 else None


def _next_header(data: _Bytes, block: bytes) -> tuple[bytes, tarfile.TarInfo | None, bytes]:
    """(the first bytes of what is passed over, the next sound header, its block)."""
    lost, held = [block], len(block)
    while block := data.read(SIZE):
        if block[257:262] == b"ustar" and (header := _header(block)) is not None:
            return b"".join(lost), header, block
        if held < min(KEPT_BYTES, BLOCK):
            lost.append(block)
            held += len(block)
    return b"".join(lost), None, b""


def _pax(body: bytes) -> dict[str, str]:
    """`length key=value\\n`, as often as it is sound."""
    found: dict[str, str] = {}
    position = 0
    while position < len(body):
        digits, _, _ = body[position : position + 20].partition(b" ")
        if not digits.isdigit() or not len(digits) + 1 < int(digits) <= len(body) - position:
            break
        key, equals, value = body[position + len(digits) + 1 : position + int(digits) - 1].partition(b"=")
        if equals:
            found[_text(key)] = _text(value)
        position += int(digits)
    return found


def _text(name: bytes) -> str:
    if name.isascii():
        return name.decode("ascii")
    encoding = encoding_of_names(name, "")
    return (
        name.decode(encoding, "backslashreplace")
        if encoding
        else os.fsencode(name).decode("utf-8", "backslashreplace")
    )
