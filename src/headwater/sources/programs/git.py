"""A git repository's newest commit, read from its objects: no git is run, so no hook, filter or configuration is.

Loose objects, packs (version 2, with both kinds of delta) and packed references; SHA-1 repositories, which is what
there is in public. Of a partial clone the objects that are not there are an error of their file.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

MAX_DEPTH = 4096  # of a chain of deltas; git's own limit
MAX_PACKS = 64  # that a chain leads through, where its base is in another one
MAX_TREE = 64  # folders below each other
_HASH = re.compile(r"[0-9a-f]{40}\Z")
_TYPES = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
_OFFSET_DELTA, _REFERENCE_DELTA = 6, 7


class GitError(ValueError):
    """What is not as git writes it."""


class TooLarge(GitError):
    """An object above the limit; it is not read."""


def is_git_folder(folder: Path) -> bool:
    """A bare repository, or the `.git` of another."""
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()


def head_commit(folder: Path) -> str:
    """The commit that HEAD leads to."""
    name = (folder / "HEAD").read_text("utf-8", "replace")[:1000].strip()
    for _ in range(5):
        if _HASH.match(name):
            return name
        if not name.startswith("ref: "):
            break
        reference = name[5:].strip()
        if not reference.startswith("refs/") or ".." in reference or "\0" in reference:
            raise GitError(f"HEAD leads to {reference!r}, which is no reference")
        name = _reference(folder, reference)
    raise GitError(f"HEAD leads to no commit ({name[:80]!r})")


def _reference(folder: Path, reference: str) -> str:
    loose = folder / reference
    if loose.is_file() and not loose.is_symlink():
        return loose.read_text("utf-8", "replace")[:1000].strip()
    packed = folder / "packed-refs"
    if packed.is_file():
        with packed.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                value, _, name = line.strip().partition(" ")
                if name == reference:
                    return value
    raise GitError(f"there is no {reference}: the repository is empty, or its branch is not here")


class Objects:
    """A repository's objects by their hash. `limit`: of one of them, in bytes."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder, self._limit = folder, limit
        self._packs = [_Pack(index) for index in sorted((folder / "objects" / "pack").glob("*.idx"))]

    def read(self, name: str, depth: int = 0) -> tuple[str, bytes]:
        """(type, data); GitError where it is missing, damaged or too large. `depth`: of packs that name it."""
        if depth > MAX_PACKS:
            raise GitError("deltas of packs that lead in a circle")
        loose = self._folder / "objects" / name[:2] / name[2:]
        if loose.is_file():
            with loose.open("rb") as file:
                data = _inflated(file, self._limit + 64)
            head, _, body = data.partition(b"\0")
            return head.partition(b" ")[0].decode("ascii", "replace"), body
        for pack in self._packs:
            offset = pack.find(bytes.fromhex(name))
            if offset is not None:
                return self._packed(pack, offset, depth)
        raise GitError(f"object {name} is not here")

    def _packed(self, pack: "_Pack", offset: int, depth: int) -> tuple[str, bytes]:
        deltas: list[bytes] = []
        for _ in range(MAX_DEPTH):
            kind, _size, base, data = pack.read(offset, self._limit)
            if kind in _TYPES:
                for delta in reversed(deltas):
                    data = _applied(data, delta, self._limit)
                return _TYPES[kind], data
            deltas.append(data)
            if isinstance(base, int):
                offset = base
            else:
                found = pack.find(base)
                if found is None:
                    name, data = self.read(base.hex(), depth + 1)
                    for delta in reversed(deltas):
                        data = _applied(data, delta, self._limit)
                    return name, data
                offset = found
        raise GitError("a chain of deltas without an end")

    def close(self) -> None:
        for pack in self._packs:
            pack.close()


class _Pack:
    def __init__(self, index: Path) -> None:
        self._index: BinaryIO = index.open("rb")
        self._data: BinaryIO = index.with_suffix(".pack").open("rb")
        head = self._index.read(8 + 1024)
        self._fanout = (
            struct.unpack(">256I", head[8:])
            if head.startswith(b"\xfftOc\0\0\0\2") and len(head) == 1032
            else ()
        )

    def find(self, name: bytes) -> int | None:
        if not self._fanout:
            return None
        total = self._fanout[255]
        low, high = (self._fanout[name[0] - 1] if name[0] else 0), self._fanout[name[0]]
        while low < high:
            middle = (low + high) // 2
            self._index.seek(1032 + 20 * middle)
            found = self._index.read(20)
            if found == name:
                offset = self._offset(1032 + 24 * total + 4 * middle, 4)
                if offset & 0x80000000:
                    offset = self._offset(1032 + 28 * total + 8 * (offset & 0x7FFFFFFF), 8)
                return offset
            low, high = (middle + 1, high) if found < name else (low, middle)
        return None

    def _offset(self, at: int, length: int) -> int:
        """What the index says of a place in the pack."""
        self._index.seek(at)
        data = self._index.read(length)
        if len(data) < length:
            raise GitError("the pack's index is cut off")
        return int.from_bytes(data, "big")

    def read(self, offset: int, limit: int) -> tuple[int, int, int | bytes, bytes]:
        """(type, size, base, data) of what stands at an offset; a base is an offset or a name."""
        head = b""
        if offset < 1 << 63:
            self._data.seek(offset)
            head = self._data.read(64)
        if not head:
            raise GitError(f"the pack ends before byte {offset:,}")
        kind, size, shift, at = head[0] >> 4 & 7, head[0] & 15, 4, 1
        while head[at - 1] & 0x80:
            if at >= 12 or at >= len(head) - 1:
                raise GitError("an object's length does not end")
            size |= (head[at] & 0x7F) << shift
            shift, at = shift + 7, at + 1
        if size > limit:
            raise TooLarge(f"{size:,} bytes; at most {limit:,}")
        base: int | bytes = b""
        if kind == _OFFSET_DELTA:
            back = head[at] & 0x7F
            while head[at] & 0x80 and at < 40:
                at += 1
                if at >= len(head):
                    raise GitError("a delta's base does not end")
                back = (back + 1) << 7 | head[at] & 0x7F
            at += 1
            base = offset - back
            if not 0 < back <= offset:
                raise GitError("a delta without a base")
        elif kind == _REFERENCE_DELTA:
            base, at = head[at : at + 20], at + 20
        elif kind not in _TYPES:
            raise GitError(f"an object of type {kind}")
        self._data.seek(offset + at)
        data = _inflated(self._data, size)
        if len(data) != size:
            raise GitError(f"{len(data):,} bytes where {size:,} were said")
        return kind, size, base, data

    def close(self) -> None:
        self._index.close()
        self._data.close()


def _inflated(file: BinaryIO, limit: int) -> bytes:
    machine, parts, held = zlib.decompressobj(), [], 0
    try:
        while not machine.eof and (block := machine.unconsumed_tail or file.read(1 << 14)):
            out = machine.decompress(block, max(1, limit + 1 - held))
            parts.append(out)
            held += len(out)
            if held > limit:
                raise TooLarge(f"more than {limit:,} bytes")
    except zlib.error as error:
        raise GitError(str(error)) from error
    return b"".join(parts)


def _applied(base: bytes, delta: bytes, limit: int) -> bytes:
    """git's delta: copies from the base, and inserts."""
    try:
        source, at = _number(delta, 0)
        target, at = _number(delta, at)
        if source != len(base) or target > limit:
            raise GitError("a delta that does not fit its base, or is too large")
        parts, held = [], 0
        while at < len(delta) and held <= target:
            code = delta[at]
            at += 1
            if code & 0x80:
                offset = size = 0
                for bit in range(4):
                    if code & 1 << bit:
                        offset |= delta[at] << 8 * bit
                        at += 1
                for bit in range(3):
                    if code & 0x10 << bit:
                        size |= delta[at] << 8 * bit
                        at += 1
                part = base[offset : offset + (size or 0x10000)]
            elif code:
                part = delta[at : at + code]
                at += code
            else:
                raise GitError("a delta with a reserved code")
            parts.append(part)
            held += len(part)
    except IndexError as error:
        raise GitError("a delta that is cut off") from error
    if held != target:
        raise GitError("a delta that makes another length than it says")
    return b"".join(parts)


def _number(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, at
        if shift > 63:
            raise GitError("a number that does not end")


def files_of(objects: Objects, commit: str) -> Iterator[tuple[str, str | None, str]]:
    """(path, hash, "" or what it is that is no file) of every file of a commit, in git's order; GitError."""
    kind, data = objects.read(commit)
    tree = re.match(rb"tree ([0-9a-f]{40})\n", data)
    if kind != "commit" or tree is None:
        raise GitError(f"{commit} is no commit")
    yield from _walk(objects, tree[1].decode(), "", 0)


def _walk(objects: Objects, tree: str, above: str, depth: int) -> Iterator[tuple[str, str | None, str]]:
    if depth > MAX_TREE:
        yield above, None, "git_tree"
        return
    try:
        kind, data = objects.read(tree)
        if kind != "tree":
            raise GitError(f"{tree} is no tree")
    except GitError:
        yield above, None, "git_tree"
        return
    at, seen = 0, set[str]()
    while at < len(data):
        end = data.find(b"\0", at)
        if end < 0 or end + 21 > len(data):
            yield f"{above}…", None, "git_tree"
            return
        mode, _, raw = data[at:end].partition(b" ")
        name = above + raw.decode("utf-8", "backslashreplace")
        digest = data[end + 1 : end + 21].hex()
        at = end + 21
        if name in seen or b"/" in raw or not raw:  # git writes no such tree
            yield name, None, "git_tree"
            continue
        seen.add(name)
        if mode in (b"40000", b"040000"):
            yield from _walk(objects, digest, name + "/", depth + 1)
        else:
            yield name, digest, {b"120000": "link", b"160000": "submodule"}.get(mode, "")
