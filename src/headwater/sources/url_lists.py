"""Lists of addresses that a user brings: domains, hosts, addresses and their prefixes, one a line, plain or .gz.

    example.com                     the domain and every host below it
    ||example.com^                  the same, as ad blockers write it
    0.0.0.0 www.example.com         the same, as hosts files write it
    example.com/blog                the page and everything below that path, also on www.
    # a comment

A list of five million is a file of 64-bit hashes, sorted, behind a bitmap that answers nearly every "no": it is made
once, in the user's cache folder, and mapped by every worker. A wrong "yes" happens once in 10¹¹ questions.
"""

import mmap
import os
import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import xxhash

from headwater.errors import RecipeError
from headwater.sources.streams import Stream, lines

VERSION = 1
MAX_LINE = 1 << 14
MAX_SEGMENTS = 8  # of a path that are looked up
BITS_PER_ENTRY = 16
STEP = 1 << 16
_MAGIC = b"HWURLS\0\1"
_HOSTS_FILE = re.compile(r"(?:0\.0\.0\.0|127\.0\.0\.1|::1?)\s+(\S+)")
_PLAIN = re.compile(rb"[a-z0-9-]+(?:\.[a-z0-9-]+)*\Z")
_xxh3 = xxhash.xxh3_64_intdigest


def _hash(text: str) -> int:
    return _xxh3(text.encode())


class UrlList:
    """Hashes of a list's entries. `holds` takes a host and a path in normal form."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        view = memoryview(self._map)
        bits = int.from_bytes(view[8:16], "little")
        self.bytes = len(view)
        self._mask = bits - 1
        self._bitmap = view[16 : 16 + bits // 8]
        self._sorted = view[16 + bits // 8 :].cast("Q")

    def __len__(self) -> int:
        return len(self._sorted)

    def _has(self, key: int) -> bool:
        bit = key & self._mask
        if not self._bitmap[bit >> 3] >> (bit & 7) & 1:
            return False
        place = bisect_left(self._sorted, key)
        return place < len(self._sorted) and self._sorted[place] == key

    def has(self, entry: str) -> bool:
        """Whether this very entry, in normal form, is on the list."""
        return self._has(_hash(entry))

    def holds(self, host: str, path: str) -> bool:
        bitmap, mask = self._bitmap, self._mask
        name = host.encode()
        while True:
            key = _xxh3(name)
            bit = key & mask
            if bitmap[bit >> 3] >> (bit & 7) & 1 and self._has(key):
                return True
            _, dot, name = name.partition(b".")
            if not dot:
                break
        if len(path) < 2:
            return False
        if self._has(_hash(f"{host}/")) and self._has_path(host, path):
            return True
        if host.startswith("www."):
            host = host[4:]
            return self._has(_hash(f"{host}/")) and self._has_path(host, path)
        return False

    def _has_path(self, host: str, path: str) -> bool:
        if self._has(_hash(host + path.rstrip("/"))):
            return True
        path = path.partition("?")[0].rstrip("/")
        end = 0
        for _ in range(MAX_SEGMENTS):
            end = path.find("/", end + 1)
            if end < 0:
                return self._has(_hash(host + path))
            if self._has(_hash(host + path[:end])):
                return True
        return False


@lru_cache(maxsize=64)
def list_of(files: tuple[str, ...]) -> UrlList:
    """The list that these files make together; RecipeError where one cannot be read."""
    stats = []
    for file in files:
        try:
            stat = Path(file).stat()
        except OSError as error:
            raise RecipeError(
                f"urls: the list {file} cannot be read ({error.strerror}); name files that are there, relative to "
                "the recipe"
            ) from error
        stats.append((str(Path(file).resolve()), stat.st_size, stat.st_ctime_ns))
    name = xxhash.xxh3_128_hexdigest(repr((VERSION, stats)).encode("utf-8", "surrogatepass"))
    base = os.environ.get("HEADWATER_CACHE") or os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    path = Path(base).expanduser() / "headwater" / "url-lists" / f"{name}.hashes"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{name}.{os.getpid()}.tmp")
        try:
            _write(temporary, _hashes(files))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return UrlList(path)


def _hashes(files: tuple[str, ...]) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    """Of every entry, sorted, each once."""
    found = array("Q")
    for file in files:
        stream = Stream(Path(file))
        for entry in _entries(stream):
            if _PLAIN.match(entry):
                found.append(_xxh3(entry))
            else:
                found.extend(map(_hash, keys_of(entry.decode("utf-8", "replace"))))
        if stream.tail is not None:
            raise RecipeError(f"urls: the list {file} is damaged: {stream.tail.detail}; get it again")
    if not found:
        return np.zeros(0, dtype=np.uint64)
    hashes = np.frombuffer(found, dtype=np.uint64)
    hashes.sort()
    first = np.ones(len(hashes), dtype=bool)
    np.not_equal(hashes[1:], hashes[:-1], out=first[1:])
    return hashes if first.all() else hashes[first]


def _entries(stream: Stream) -> Iterator[bytes]:
    """The lines of a list, without the space around them; one that is too long is none."""
    rest, skipped = b"", False
    for block in stream.blocks():
        pieces = (rest + block).split(b"\n")
        rest = pieces.pop()
        if skipped and pieces:
            del pieces[0]
            skipped = False
        yield from map(bytes.strip, pieces)
        if len(rest) > MAX_LINE:
            rest, skipped = b"", True
    if not skipped:
        yield rest.strip()


def keys_of(entry: str) -> list[str]:
    """What a line of a list is found by: a host, or a host with a path and the mark that the host has such."""
    from headwater.sources.urls import ascii_host, normalise

    entry = entry.partition(" #")[0].strip()
    if not entry or entry[0] in "#!;":
        return []
    if (found := _HOSTS_FILE.match(entry)) is not None:
        entry = found[1]
    entry = entry.removeprefix("||").rstrip("^*").removeprefix("*.").lstrip(".")
    scheme, colon, rest = entry.partition("://")
    rest = rest if colon else scheme.removeprefix("//")
    if not rest or " " in rest:
        return []
    host, _, path = rest.partition("/")
    if not path.strip("/*"):
        host = host.rpartition("@")[2]
        name, mark, port = host.rpartition(":")
        return [ascii_host(name if mark and port.isdigit() else host)]
    address = normalise(f"http://{rest}").partition("://")[2].rstrip("/")
    return [address.partition("/")[0] + "/", address]


def write_entries(path: Path, entries: list[str]) -> None:
    """A list of these entries, which are in normal form already."""
    _write(path, np.unique(np.array([_hash(entry) for entry in entries], dtype=np.uint64)))


def _write(path: Path, hashes: "np.ndarray[tuple[int], np.dtype[np.uint64]]") -> None:
    bits = 1 << max(16, (len(hashes) * BITS_PER_ENTRY - 1).bit_length() if len(hashes) else 0)
    bitmap = np.zeros(bits // 8, dtype=np.uint8)
    for start in range(0, len(hashes), STEP):
        low = hashes[start : start + STEP] & np.uint64(bits - 1)
        np.bitwise_or.at(bitmap, low >> np.uint64(3), np.uint8(1) << (low & np.uint64(7)).astype(np.uint8))
    with path.open("wb") as file:
        file.write(_MAGIC + bits.to_bytes(8, "little"))
        file.write(bitmap.data)
        file.write(hashes.data if len(hashes) else b"")


@lru_cache(maxsize=64)
def read_words(files: tuple[str, ...]) -> frozenset[str]:
    """The words of some files, one a line, in lower case; lines that begin with # are none."""
    words = set()
    for file in files:
        try:
            found = [
                line.data.decode("utf-8", "replace")
                for line in lines(Stream(Path(file)).blocks(), MAX_LINE, MAX_LINE)
            ]
        except OSError as error:
            raise RecipeError(f"urls: the words in {file} cannot be read ({error.strerror})") from error
        words |= {word for line in found if (word := line.strip().lower()) and not word.startswith("#")}
    return frozenset(words)
