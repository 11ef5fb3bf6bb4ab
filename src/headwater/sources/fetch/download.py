"""Files by URL: polite, resumable, checked, bounded. Every source but `pages` is fetched by this.

A file is made of pieces, most often one: a whole file, or byte ranges of larger ones (records of a crawl, streams
of a dump) one after another. What came so far stands in `.<name>.part`; a later call goes on from there, on the
condition that the server's file is still the same (If-Range with its ETag, or its date): one that changed is
fetched anew. The file takes its name when it is whole and its size and published sums are right.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from headwater.engine.workspace import commit_file, read_json, write_json
from headwater.errors import HeadwaterError
from headwater.recipe.quantities import show_size
from headwater.sources.fetch.asking import Client, GoneError, TooLargeError
from headwater.sources.fetch.connection import FailedError, Reply, header_of
from headwater.sources.streams import Stream, unpack

Watch = Callable[[int, int | None], None]  # is told how many bytes of a file there are, of how many


class _Anew(Exception):
    """What was fetched so far is not the beginning of what the server has now."""


@dataclass(frozen=True)
class Piece:
    """Bytes of a remote file. A piece with a digest is a gzip member that holds one WARC record."""

    url: str
    start: int = 0
    length: int | None = None  # None: all of the file
    digest: str = ""  # of the record's payload: SHA-1 in base32


@dataclass(frozen=True)
class Wanted:
    """One file to make."""

    path: str  # where, below the folder
    pieces: tuple[Piece, ...]
    size: int | None = None  # bytes, where known
    sums: dict[str, str] = field(
        default_factory=dict
    )  # published: md5, sha1, sha256, git (a blob's id) -> hex
    otherwise: tuple[str, ...] = ()  # URLs to try where the first is not there
    tail: str = ""  # base64 of what comes after the last piece
    packed: bool = (
        False  # gzip or bzip2 without a published sum: unpacked once, so that its own sums are looked at
    )
    typed: bool = False  # its ending is chosen by what came: .pdf, .tar.gz, .tex.gz
    optional: bool = False  # where it is not there, the others are fetched all the same
    about: dict[str, Any] = field(default_factory=dict)  # for the summary


def size_of(wanted: Wanted) -> int | None:
    """Bytes, where they are known."""
    if wanted.size is not None:
        return wanted.size
    lengths = [piece.length for piece in wanted.pieces]
    return None if None in lengths else sum(length or 0 for length in lengths)


def download(
    client: Client, wanted: Wanted, folder: Path, limit: int, watch: Watch = lambda have, size: None
) -> dict[str, Any]:
    """Makes `wanted` in `folder`, of `limit` bytes at most: its path, bytes, SHA-256 and what was checked.

    Raises GoneError, TooLargeError, or HeadwaterError where it cannot be had or its sums are wrong.
    """
    final = folder / wanted.path
    final.parent.mkdir(parents=True, exist_ok=True)
    urls = (wanted.pieces[0].url, *wanted.otherwise)
    for number, url in enumerate(urls, 1):
        pieces = wanted.pieces if number == 1 else (Piece(url),)
        try:
            return _file(client, wanted, pieces, final, limit, watch)
        except GoneError:
            if number == len(urls):
                raise
    raise AssertionError("the last URL returns or raises")


def _file(
    client: Client, wanted: Wanted, pieces: tuple[Piece, ...], final: Path, limit: int, watch: Watch
) -> dict[str, Any]:
    part, notes = _part(final), _notes(final)
    wrong = ""
    for _ in range(2):  # what is wrong may have been so since an earlier call: one more try, from nothing
        making = _Making(client, wanted, pieces, part, notes, limit, watch)
        record = making.run()
        named = final.with_name(final.name + _ending(part)) if wanted.typed else final
        if wrong := making.wrong:
            part.unlink()
            notes.unlink(missing_ok=True)
            continue
        commit_file(part, named)
        about = {"name": named.name} if wanted.typed else {}
        return {"path": wanted.path, **about, "url": pieces[0].url, **record, **wanted.about}
    raise HeadwaterError(
        f"{pieces[0].url}: {wrong}, twice; nothing of it is kept. The published sums may be of another day: "
        "try again later, or another mirror with --base-url"
    )


ENDINGS = (".pdf", ".tar.gz", ".tex.gz", ".src")


def _ending(path: Path) -> str:
    """By a file's first bytes: a PDF, gzip of a tar, gzip of something else, something else."""
    with path.open("rb") as file:
        head = file.read(1 << 16)
    if head.startswith(b"%PDF"):
        return ".pdf"
    if not head.startswith(b"\x1f\x8b"):
        return ".src"
    return ".tar.gz" if unpack(head, "gzip", 512)[0][257:262] == b"ustar" else ".tex.gz"


def made(wanted: Wanted, folder: Path) -> Path | None:
    """The file, where it is there."""
    final = folder / wanted.path
    names = [final.with_name(final.name + ending) for ending in ENDINGS] if wanted.typed else [final]
    return next((name for name in names if name.is_file()), None)


def drop_part(wanted: Wanted, folder: Path) -> None:
    final = folder / wanted.path
    _part(final).unlink(missing_ok=True)
    _notes(final).unlink(missing_ok=True)


def record_of(wanted: Wanted, final: Path) -> dict[str, Any]:
    """What `file` said of a file that it finished in a process that ended before it could say so."""
    sums = _Sums(wanted)
    with final.open("rb") as file:
        while block := file.read(1 << 20):
            sums.update(block)
    notes = read_json(_notes(final.with_name(wanted.path.rpartition("/")[2]))) or {}
    return {
        "path": wanted.path,
        **({"name": final.name} if wanted.typed else {}),
        "url": notes.get("url", wanted.pieces[0].url),
        **sums.record(notes),
        **wanted.about,
    }


def forget(wanted: Wanted, folder: Path) -> None:
    """Removes the notes on a file whose record is written down."""
    _notes(folder / wanted.path).unlink(missing_ok=True)


def _part(final: Path) -> Path:
    return final.with_name(f".{final.name}.part")


def _notes(final: Path) -> Path:
    return final.with_name(f".{final.name}.json")


class _Sums:
    """SHA-256 of a file, and the sums that are published of it."""

    def __init__(self, wanted: Wanted) -> None:
        self._published, self.bytes = wanted.sums, 0
        self._hashes: dict[str, Any] = {"sha256": hashlib.sha256()}
        for name in wanted.sums:
            if name == "git":
                self._hashes[name] = hashlib.sha1(b"blob %d\0" % (wanted.size or 0), usedforsecurity=False)
            elif name != "sha256":
                self._hashes[name] = hashlib.new(name, usedforsecurity=False)

    def update(self, data: bytes) -> None:
        self.bytes += len(data)
        for machine in self._hashes.values():
            machine.update(data)

    def wrong(self) -> str:
        for name, published in self._published.items():
            if (found := self._hashes[name].hexdigest()) != published.lower():
                return f"its {name} is {found}, published is {published.lower()}"
        return ""

    def record(self, notes: Mapping[str, Any]) -> dict[str, Any]:
        record: dict[str, Any] = {"bytes": self.bytes, "sha256": self._hashes["sha256"].hexdigest()}
        if checked := sorted(self._published):
            record["checked"] = checked
        for name in ("etag", "last_modified", "skipped"):
            if notes.get(name):
                record[name] = notes[name]
        return record


class _Making:
    """One file on its way: its part, the notes on it, its sums so far."""

    def __init__(
        self,
        client: Client,
        wanted: Wanted,
        pieces: tuple[Piece, ...],
        part: Path,
        notes: Path,
        limit: int,
        watch: Watch,
    ) -> None:
        self.client, self.wanted, self.pieces, self.limit, self.watch = client, wanted, pieces, limit, watch
        self.part, self.notes_path = part, notes
        self.notes: dict[str, Any] = read_json(notes) or {}
        self.wrong = ""
        if self.notes.get("url") != pieces[0].url:
            self.notes = {"url": pieces[0].url, "validators": {}, "skipped": {}}
            part.unlink(missing_ok=True)

    def run(self) -> dict[str, Any]:
        size = self.wanted.size
        if size is not None and size > self.limit:
            raise self._too_large(size)
        while True:
            try:
                with self.part.open("ab+") as file:
                    self._fill(file)
                break
            except _Anew:
                self.part.unlink()
                self.notes["validators"] = {}
        if size is not None and self.sums.bytes != size:
            self.wrong = f"{self.sums.bytes:,} bytes came, {size:,} are published"
        else:
            self.wrong = self.sums.wrong() or self._damage()
        return self.sums.record(self.notes)

    def _damage(self) -> str:
        """What is wrong with the packed file by its own sums."""
        if not self.wanted.packed or self.wanted.sums:
            return ""
        stream = Stream(self.part, "bzip2" if self.wanted.path.endswith(".bz2") else "gzip")
        for _ in stream.blocks():
            pass
        return "" if stream.tail is None else f"it does not unpack ({stream.tail.detail})"

    def _fill(self, file: BinaryIO) -> None:
        """Goes on where the part ends."""
        have = file.seek(0, 2)
        place, first = 0, 0
        for first, piece in enumerate(self.pieces):
            if str(first) in self.notes["skipped"]:
                continue
            if piece.length is None or place + piece.length > have:
                break
            place += piece.length
        else:
            first = len(self.pieces)
        if first == len(self.pieces) or self.pieces[first].digest:
            file.truncate(place)
        self.sums = _Sums(self.wanted)
        file.seek(0)
        while block := file.read(1 << 20):
            self.sums.update(block)
        for number in range(first, len(self.pieces)):
            piece = self.pieces[number]
            if str(number) in self.notes["skipped"]:
                continue
            if piece.digest:
                self._record(file, piece, number)
            else:
                self._range(file, piece, place if number == first else self.sums.bytes)
        self._write(file, base64.b64decode(self.wanted.tail))

    def _write(self, file: BinaryIO, data: bytes) -> None:
        if self.sums.bytes + len(data) > self.limit:
            raise self._too_large(None)
        file.write(data)
        self.sums.update(data)
        self.watch(self.sums.bytes, size_of(self.wanted))

    def _too_large(self, size: int | None) -> TooLargeError:
        large = f"is {show_size(size)}, and" if size else "is larger than"
        rest = f" {show_size(self.limit)} may still be fetched" if size else f" {show_size(self.limit)}"
        return TooLargeError(f"{self.pieces[0].url}: {large}{rest}; raise --max-bytes")

    # ------------------------------------------------------------ one piece

    def _range(self, file: BinaryIO, piece: Piece, begin: int) -> None:
        """Appends a piece, from where the part ends; `begin` is where the piece begins in the part."""
        whole = piece.length is None
        if whole and self.sums.bytes == self.wanted.size:
            return

        def more() -> dict[str, str]:
            start = piece.start + self.sums.bytes - begin
            if whole and not start:
                return {}
            validator = self.notes["validators"].get(piece.url)
            if whole and not validator and not self.wanted.sums:
                raise _Anew  # nothing could tell whether the rest belongs to it
            end = "" if whole else str(piece.start + (piece.length or 0) - 1)
            headers = {"Range": f"bytes={start}-{end}"}
            return headers | ({"If-Range": validator} if validator else {})

        def use(reply: Reply) -> None:
            start = piece.start + self.sums.bytes - begin
            asked = not whole or start > 0
            if reply.status == 416 and whole and reply.header("Content-Range").endswith(f"*/{start}"):
                return  # all of it is here
            if reply.status == 416 or (reply.status == 200 and asked):
                if whole and self.sums.bytes:
                    raise _Anew
                raise HeadwaterError(
                    f"{piece.url}: the server gives no byte ranges of it, or it has changed meanwhile; remove "
                    "what came and fetch anew, or fetch from another mirror with --base-url"
                )
            total = reply.expected
            if reply.status == 206:
                total = _content_range(reply, start)
            elif whole and total is not None:
                total += start
            if whole and self.wanted.size is not None and total not in (None, self.wanted.size):
                raise HeadwaterError(
                    f"{piece.url}: the server has {total:,} bytes of it where {self.wanted.size:,} are published; "
                    "one of the two is of another day: try again later"
                )
            if whole and total is not None and total > self.limit:
                raise self._too_large(total)
            self._keep_validator(piece.url, reply)
            left = None if piece.length is None else begin + piece.length - self.sums.bytes
            for block in self.client.blocks(reply):
                data = block if left is None else block[:left]
                self._write(file, data)
                if left is not None:
                    left -= len(data)
                    if not left:
                        break
            if left:
                raise FailedError(f"{piece.url}: {left:,} bytes are missing")

        self.client.ask(piece.url, use, more)

    def _keep_validator(self, url: str, reply: Reply) -> None:
        """Writes down what says whether it is still the same file. A weak ETag cannot (RFC 9110, 13.1.5)."""
        etag, date = reply.header("ETag"), reply.header("Last-Modified")
        validator = etag if etag and not etag.startswith("W/") else date
        known = self.notes["validators"].get(url)
        if known and validator and known != validator:
            if len(self.pieces) == 1:
                raise _Anew
            raise HeadwaterError(
                f"{url} has changed while it was fetched; remove what came and fetch it anew"
            )
        self.notes |= {"etag": etag, "last_modified": date}
        self.notes["validators"][url] = validator
        write_json(self.notes_path, self.notes)

    def _record(self, file: BinaryIO, piece: Piece, number: int) -> None:
        """Appends a gzip member that holds a WARC record, whole and checked; skips one that is not as published."""
        wrong = ""
        asked = {"Range": f"bytes={piece.start}-{piece.start + (piece.length or 0) - 1}"}
        for _ in range(2):

            def use(reply: Reply) -> bytes:
                if reply.status != 206:
                    raise HeadwaterError(
                        f"{piece.url}: the server gives no byte ranges; use another --base-url"
                    )
                _content_range(reply, piece.start)
                data = b"".join(self.client.blocks(reply))
                if len(data) != piece.length:
                    raise FailedError(
                        f"{piece.url}: {len(data):,} bytes came, {piece.length:,} were asked for"
                    )
                return data

            try:
                data = self.client.ask(piece.url, use, lambda: asked)
            except GoneError:
                wrong = "it is not there"
                break
            if not (wrong := record_damage(data, piece.digest)):
                self._write(file, data)
                return
        self.notes["skipped"][str(number)] = f"{piece.url} at {piece.start}: {wrong}"
        write_json(self.notes_path, self.notes)


def _content_range(reply: Reply, start: int) -> int | None:
    """The whole file's bytes, or None; FailedError where the range is another than was asked for."""
    value = reply.header("Content-Range").removeprefix("bytes").strip()
    span, _, total = value.partition("/")
    if span.partition("-")[0].strip() != str(start):
        raise FailedError(f"{reply.url}: bytes from {start} were asked for, {value or 'others'} came")
    return int(total) if total.isascii() and total.isdigit() else None


def record_damage(member: bytes, digest: str) -> str:
    """What is wrong with a gzip member that should hold one WARC record whose payload has the digest."""
    limit = 256 << 20
    data, tail = unpack(member, "gzip", limit)
    if tail is not None or len(data) > limit:
        return f"it does not unpack ({tail.detail if tail else 'it is too large'})"
    head, _, rest = data.partition(b"\r\n\r\n")
    lines = head.decode("utf-8", "replace").split("\r\n")
    fields = [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
    length = header_of(fields, "Content-Length")
    if not lines[0].startswith("WARC/") or not length.isdigit() or int(length) + 4 != len(rest):
        return "it is no WARC record"
    block = rest[: int(length)]
    payload = block.partition(b"\r\n\r\n")[2] if "http" in header_of(fields, "Content-Type") else block
    found = base64.b32encode(hashlib.sha1(payload, usedforsecurity=False).digest()).decode()
    declared = header_of(fields, "WARC-Payload-Digest").removeprefix("sha1:")
    for name, wanted in (("index", digest.removeprefix("sha1:")), ("record", declared)):
        if wanted and wanted.upper() != found:
            return f"the SHA-1 of its payload is {found}, the {name} has {wanted}"
    return ""
