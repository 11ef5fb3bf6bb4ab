"""What happens to files: bits flip, blocks are lost, doubled, moved or foreign, lengths lie.

Every function takes bytes and a generator of random numbers and gives bytes; the same seed gives the same.
"""

import bz2
import gzip
import io
import random
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable

import zstandard
from inputs import Seed, member, members

_NUMBER = re.compile(rb"\d+")
_LENGTH = re.compile(rb"(?i)(content-length:\s*|colspan=|\r\n)([0-9a-f]+)(?=\r\n|>)")
_HUGE = (
    b"0",
    b"-1",
    b"4294967295",
    b"9223372036854775807",
    b"99999999999999999999999",
    b"1e9",
    b"ffffffffffffffff",
    b"+5",
    "１２".encode(),
    "²".encode(),
    "①".encode(),
    "٣".encode(),
    b"9" * 5000,  # more digits than Python takes for a number
)
_TOKENS = (
    b"\n", b"\r\n", b"\r", b"\0", b'"', b"\\", b"{", b"[" * 3000, b"}", b",", b"\t", b"\x1f\x8b\x08", b"WARC/1.0\r\n", b"\r\n\r\n",
    b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x84\x31\x95\x33", b'"\\ud800"', b"NaN", b"null", b"1e999", b"\xed\xa0\x80", "\u2028".encode(),
    "\x85".encode(), b"\x1b$B", b"~{", b"<script>", b"<!--", b"<div>" * 2000, b"PAR1", b"\x28\xb5\x2f\xfd", b"-" * 70000,
    b"<![CDATA[", b"]]>", b"&#x0;", b"&a;", b"{{" * 3000, b"[[", b"{|", b"-{", b"</page>", b"<page>", b"<item>", b"<row ", b"\\begin{a}",
    b"\\def\\a{\\a\\a}\\a", b"$", b"%", b"From a 00:00 2024\n", b"WEBVTT\n", b"--bb", b"=?utf-8?B?", b"PK\x03\x04", b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
    "²".encode(), "①".encode(), "٣".encode(), b"1" * 5000, b"\x01", b"\x02", b"\x021\x02", b"\x03", b"\x1d\x1e\x1f", b"\x7f", "\ufdd0".encode(), "\u202e".encode(),
    b"-0", b"0x10", b"1_0", b"%", b"\\u0000", b"&#9999999999;", b"\xf4\x90\x80\x80",
    b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Content-Encoding: br\r\n", b"Content-Encoding: deflate\r\n",
)  # fmt: skip


def _place(data: bytes, rng: random.Random) -> tuple[int, int]:
    """A block: usually short, sometimes any length."""
    start = rng.randrange(len(data) + 1)
    longest = rng.choice((1, 4, 64, 1024, len(data) + 1))
    return start, min(len(data), start + rng.randrange(1, longest + 1))


def flip(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 8)) if data else 0):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut(data: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(data) + 1)
    return data[place:] if rng.random() < 0.2 else data[:place]


def remove(data: bytes, rng: random.Random) -> bytes:
    start, end = _place(data, rng)
    return data[:start] + data[end:]


def double(data: bytes, rng: random.Random) -> bytes:
    start, end = _place(data, rng)
    return data[:end] + data[start:end] * rng.choice((1, 1, 3)) + data[end:]


def move(data: bytes, rng: random.Random) -> bytes:
    start, end = _place(data, rng)
    rest = data[:start] + data[end:]
    place = rng.randrange(len(rest) + 1)
    return rest[:place] + data[start:end] + rest[place:]


def insert(data: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(data) + 1)
    foreign = rng.choice(_TOKENS) if rng.random() < 0.7 else rng.randbytes(rng.choice((1, 3, 100)))
    return data[:place] + foreign + data[place:]


def overwrite(data: bytes, rng: random.Random) -> bytes:
    start, end = _place(data, rng)
    fill = rng.choice((b"\0", b"\xff", b"\n", b"0", b"9"))
    return data[:start] + fill * (end - start) + data[end:]


def lie(data: bytes, rng: random.Random) -> bytes:
    """A number, a declared length before others, becomes another."""
    found = list(_LENGTH.finditer(data)) if rng.random() < 0.6 else []
    found = found or list(_NUMBER.finditer(data))
    if not found:
        return flip(data, rng)
    start, end = rng.choice(found).span(2 if found[0].re is _LENGTH else 0)
    return data[:start] + rng.choice((*_HUGE, b"%d" % rng.randrange(3000))) + data[end:]


BYTES: tuple[Callable[[bytes, random.Random], bytes], ...] = (flip, flip, cut, remove, double, move, insert, insert, overwrite, lie, lie)  # fmt: skip


def _some(data: bytes, rng: random.Random) -> bytes:
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        data = rng.choice(BYTES)(data, rng)
    return data


def _inside(name: str, data: bytes, rng: random.Random) -> bytes:
    """The content below the compression changed, and packed again without a fault."""
    if name.endswith(".gz") and (parts := members(data)):
        start, end = rng.choice(parts)
        return data[:start] + member(_some(gzip.decompress(data[start:end]), rng)) + data[end:]
    if name.endswith(".zst"):
        machine = zstandard.ZstdDecompressor().decompressobj()
        first = machine.decompress(data)
        return zstandard.compress(_some(first, rng)) + machine.unused_data
    if name.endswith(".bz2"):
        return bz2.compress(_some(bz2.decompress(data), rng))
    if data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _repacked({info.filename: archive.read(info) for info in archive.infolist()}, _zipped, rng)
    if data[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            files = {entry.name: archive.extractfile(entry) for entry in archive if entry.isfile()}
            return _repacked({name: file.read() for name, file in files.items() if file}, _tarred, rng)
    if "/objects/" in name and data[:1] == b"\x78":  # a loose object of git
        return zlib.compress(_some(zlib.decompress(data), rng))
    return _some(data, rng)


def _repacked(
    members: dict[str, bytes], pack: Callable[[dict[str, bytes]], bytes], rng: random.Random
) -> bytes:
    """A sound archive with one member changed; what is an archive itself may be changed within."""
    name = rng.choice(list(members))
    members[name] = _inside(name, members[name], rng)
    return pack(members)


def _zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _tarred(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def _members(data: bytes, rng: random.Random) -> bytes:
    """Members change places, are lost or doubled, or end in a checksum or length that is not theirs."""
    found = [data[start:end] for start, end in members(data)]
    if not found:
        return _some(data, rng)
    kind = rng.randrange(4)
    number, other = rng.randrange(len(found)), rng.randrange(len(found))
    if kind == 0:
        found[number], found[other] = found[other], found[number]
    elif kind == 1:
        del found[number]
    elif kind == 2:
        found.insert(other, found[number])
    else:
        found[number] = found[number][:-8] + rng.randbytes(8)
    return b"".join(found)


def mutate(seed: Seed, foreign: bytes, rng: random.Random) -> bytes:
    """The seed with something wrong anywhere; `foreign`: another file to take a block from."""
    kind = rng.random()
    try:
        if kind < 0.4:
            return _inside(seed.name, seed.data, rng)
        if kind < 0.5:
            return _members(seed.data, rng)
    except (
        OSError,
        EOFError,
        ValueError,
        RuntimeError,
        zlib.error,
        zstandard.ZstdError,
        zipfile.BadZipFile,
        tarfile.TarError,
    ):
        pass  # a seed that is damaged already
    if kind < 0.6:
        start, end = _place(foreign, rng)
        place = rng.randrange(len(seed.data) + 1)
        return seed.data[:place] + foreign[start:end] + seed.data[place:]
    return _some(seed.data, rng)


def damage_one(seed: Seed, part: int, rng: random.Random) -> bytes:
    """The seed with one part damaged and no other touched. A line stays one line."""
    start, end = seed.parts[part]
    before = seed.data[start:end]
    if seed.by_offset:
        after = member(_some(gzip.decompress(before), rng)) if rng.random() < 0.4 else _some(before, rng)
    else:
        after = _some(before, rng).replace(b"\n", b"").replace(b"\r", b"").replace(b'"', b"")
    return seed.data[:start] + after + seed.data[end:]
