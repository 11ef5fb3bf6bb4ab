"""Books: Project Gutenberg's text and HTML, EPUB, plain novels in any encoding, poems in JSON; packed or not.

A book is one document, so that a model sees what hangs together over its whole length and near-duplicate books are
found as books; `split: chapter` makes one of each chapter. Headings stay, as lines of their own. Paragraphs that were
broken at a screen's width are mended (`extract/paragraphs.py`), licence headers and footers are cut
(`extract/gutenberg.py`). A book of more than `records.MAX_RECORD` becomes several documents, cut at a chapter or
a blank line, each with its `part` in `meta`.

Records: a file is one book, or an archive of them; a poem of a JSON file is one. What cannot be read is quarantined:
an encrypted EPUB by name, a chapter that is damaged with the rest of its book kept.
"""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from headwater.engine import guard
from headwater.errors import RecipeError
from headwater.recipe.sources import BooksSource
from headwater.sources import poems
from headwater.sources.archives import Member, is_archive, members
from headwater.sources.encoding import UndecodableError, codec, decode, decode_page, encoding_of
from headwater.sources.epub import read_epub
from headwater.sources.extract.chapters import chapters, headings_of, is_heading, title_page
from headwater.sources.extract.gutenberg import is_gutenberg, unwrapped
from headwater.sources.extract.markup import Block, TooMuchError, as_html, blocks
from headwater.sources.extract.paragraphs import mended, tidy
from headwater.sources.extract.xml import declared_encoding
from headwater.sources.places import Place
from headwater.sources.records import GIVEN_UP, MAX_RECORD, Found, Gated, Quarantined, Record, quarantine
from headwater.sources.streams import SAMPLE, Stream, bare_suffix, read_whole

VERSION = 2
HTML = (".htm", ".html", ".xhtml", ".xht")
PLAIN = (".txt", ".text", ".md", ".asc", ".utf8", ".utf-8", "")
JSON = (".json", ".jsonl", ".ndjson")
_BINARY = (b"%PDF", b"PK\x03\x04", b"\x1f\x8b", b"\x7fELF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"7z\xbc\xaf",
           b"Rar!", b"\xd0\xcf\x11\xe0", b"PAR1")  # fmt: skip


@dataclass(frozen=True)
class Book:
    lines: list[str]
    headings: list[bool]  # one a line
    fields: dict[str, str] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)


def read(path: Place, source: BooksSource) -> Iterator[Record]:
    """Every book or poem of one file. RecipeError for an encoding that nobody knows."""
    if source.encoding != "auto" and codec(source.encoding) is None:
        raise RecipeError(
            f"source {source.name!r}: encoding {source.encoding!r} is not known; try utf-8, gb18030 or big5"
        )
    if path.suffix.lower() == ".epub":
        yield from _epub(path, source)
    elif is_archive(path):
        yield from _archive(path, source)
    else:
        yield from _file(path, source)


def _file(path: Place, source: BooksSource) -> Iterator[Record]:
    """One book; of a damaged one, what could be decompressed."""
    stream = Stream(path)
    suffix = bare_suffix(path)
    limit = poems.MAX_JSON if suffix in JSON else MAX_RECORD
    data = read_whole(stream, limit)
    if data is None:
        if suffix in (*HTML, *JSON):
            yield quarantine(0, "too_large", f"more than {limit:,} bytes in one {suffix} file; split it")
        else:
            yield from _long(path, source)
        return
    if data.strip(b"\0 \t\r\n"):
        yield from _of_bytes(data, suffix, 0, path.name, source, cut=stream.tail is not None)
    elif stream.tail is None:
        yield Gated(0, "empty")
    if stream.tail is not None:
        yield quarantine("tail", "unreadable_tail", stream.tail.detail, stream.tail.data)


def _archive(path: Place, source: BooksSource) -> Iterator[Record]:
    for member in members(path, _wanted):
        if not isinstance(member, Member):
            yield member
            continue
        suffix = PurePosixPath(member.name.partition("#")[0]).suffix.lower()
        if suffix == ".epub":
            yield quarantine(
                member.name, "nested_archive", f"{member.name}: unpack the archive to read its EPUBs"
            )
        elif member.data.strip(b"\0 \t\r\n"):
            yield from _of_bytes(member.data, suffix, member.name, member.name, source)
        else:
            yield Gated(member.name, "empty")


def _wanted(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return not hidden and path.suffix.lower() in (*PLAIN, *HTML, *JSON, ".epub")


def _of_bytes(
    data: bytes, suffix: str, offset: int | str, where: str, source: BooksSource, *, cut: bool = False
) -> Iterator[Record]:
    """The records of a file or member that is held as a whole. `cut`: its end is missing."""
    if data.startswith(_BINARY):
        yield quarantine(offset, "not_text", f"{where}: begins with {data[:4]!r}, which is no text", data)
        return
    if (reason := guard.begin(where)) is not None:
        yield quarantine(offset, reason, GIVEN_UP, data)
        return
    try:
        if suffix in HTML and source.encoding == "auto":
            text = decode_page(data, declared_encoding(data))
        else:
            text = _decoded(data, source.encoding, cut)
        if suffix in JSON:
            yield from poems.read_poems(text, offset, where, cut)
            return
        book = _of_html(text) if suffix in HTML else _of_text(text)
    except UndecodableError as error:
        yield quarantine(offset, "encoding", f"{where}: {error}", data)
        return
    except TooMuchError as error:
        yield quarantine(offset, "too_large", f"{where}: {error}", data)
        return
    yield from documents(book, offset, source)


def _decoded(data: bytes, encoding: str, cut: bool) -> str:
    for missing in (0, 1, 2, 3) if cut else (0,):  # the cut may have gone through a character
        try:
            return decode(data[: len(data) - missing], encoding)
        except UndecodableError:
            if missing == (3 if cut else 0):
                raise
    raise AssertionError("unreachable")


def documents(book: Book, offset: int | str, source: BooksSource) -> Iterator[Record]:
    """A book as one document, as its chapters, or, where it is too large for one, as parts."""
    if not any(line.strip() for line in book.lines):
        yield Gated(offset, "empty")
        return
    base = "" if offset == 0 else f"{offset}:"
    if source.split == "chapter":
        parts = chapters(book.lines, book.headings)
        if len(parts) > 1:
            for number, part in enumerate(parts):
                meta = {**book.meta, "chapter": part.title, "number": number}
                yield from documents(
                    Book(part.text.split("\n"), [False] * (part.text.count("\n") + 1), book.fields, meta),
                    f"{base}{number}",
                    source.model_copy(update={"split": "book"}),
                )
            return
    size = sum(len(line.encode("utf-8", "surrogatepass")) + 1 for line in book.lines)
    if size <= MAX_RECORD:
        yield Found(offset, "\n".join(book.lines), book.fields, book.meta)
        return
    for number, lines in enumerate(_parts(book.lines, book.headings, MAX_RECORD // 4)):
        yield Found(f"{base}part{number}", "\n".join(lines), book.fields, {**book.meta, "part": number})


def _parts(lines: list[str], headings: list[bool], limit: int) -> Iterator[list[str]]:
    """Runs of lines of about `limit` bytes, cut above a heading if one is near, else at a blank line."""
    part: list[str] = []
    size = 0
    for line, heading in zip(lines, headings, strict=True):
        full = (size >= limit and heading) or (size >= 1.25 * limit and not line) or size >= 2 * limit
        if full and part:
            yield part
            part, size = [], 0
        part.append(line)
        size += len(line.encode("utf-8", "surrogatepass")) + 1
    if part:
        yield part


# ---------------------------------------------------------------- kinds of file


def _of_text(text: str) -> Book:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")
    fields: dict[str, str] = {}
    meta: dict[str, Any] = {}
    if is_gutenberg(text):
        text, fields, meta = _without_wrapping(text)
    lines = mended(text).split("\n")
    fields = {**title_page(lines), **fields}
    return _book(lines, headings_of(lines), fields, meta)


def _without_wrapping(text: str) -> tuple[str, dict[str, str], dict[str, Any]]:
    book = unwrapped(text)
    return book.text, book.fields, {"gutenberg": int(book.number)} if book.number else {}


def _of_html(page: str) -> Book:
    found = blocks(as_html(page))
    lines, headings = _lines(found)
    fields: dict[str, str] = {}
    meta: dict[str, Any] = {}
    text = "\n".join(lines)
    if is_gutenberg(text):
        level = {block.text for block in found if block.level}
        text, fields, meta = _without_wrapping(text)
        lines = tidy(text.split("\n")).split("\n")
        headings = [line in level for line in lines]
    return _book(lines, headings, {**title_page(lines), **fields}, meta)


def _lines(found: list[Block]) -> tuple[list[str], list[bool]]:
    """Paragraphs as lines with blank ones between them; the first line of a heading is one."""
    lines: list[str] = []
    headings: list[bool] = []
    for block in found:
        if lines:
            lines.append("")
            headings.append(False)
        new = block.text.split("\n")
        lines += new
        headings += [0 < block.level <= 3, *[False] * (len(new) - 1)]
    return lines, headings


def _book(lines: list[str], headings: list[bool], fields: dict[str, str], meta: dict[str, Any]) -> Book:
    if author := fields.get("author"):
        meta = {"author": author, **meta}
    if fields.get("author", "").lower() in _NOBODY:
        fields = {key: value for key, value in fields.items() if key != "author"}
    return Book(lines, headings, fields, meta)


# Names that would make one unit of what has nothing in common.
_NOBODY = frozenset(("anonymous", "unknown", "various", "anon.", "佚名", "无名氏", "無名氏", "不详", "不詳"))


def _epub(path: Place, source: BooksSource) -> Iterator[Record]:
    if (reason := guard.begin(path.name)) is not None:
        yield quarantine(0, reason, GIVEN_UP)
        return
    epub = read_epub(path)
    yield from epub.problems
    whole = any(
        isinstance(problem, Quarantined) and problem.offset in (0, "tail") for problem in epub.problems
    )
    if not epub.documents:
        if not whole:
            yield Gated(0, "empty")
        return
    lines, headings = _lines([block for _, found in epub.documents for block in found])
    fields, meta = epub.fields, epub.meta
    text = "\n".join(lines)
    if is_gutenberg(text):
        text, said, number = _without_wrapping(text)
        known = {line for line, heading in zip(lines, headings, strict=True) if heading}
        lines = tidy(text.split("\n")).split("\n")
        headings = [line in known for line in lines]
        fields, meta = {**said, **fields}, {**meta, **number}
    yield from documents(_book(lines, headings, fields, meta), 0, source)


# ---------------------------------------------------------------- books too large for memory


def _long(path: Place, source: BooksSource) -> Iterator[Record]:
    """A text file of more than MAX_RECORD: decoded as a stream, cut into documents at blank lines or headings."""
    stream = Stream(path)
    blocks_of = stream.blocks()
    sample = next(blocks_of, b"")
    try:
        name = codec(source.encoding) or encoding_of(sample[:SAMPLE].rpartition(b"\n")[0] or sample[:SAMPLE])
    except UndecodableError as error:
        yield quarantine(0, "encoding", str(error), sample)
        return
    decoder = codecs.getincrementaldecoder(name)()
    limit = MAX_RECORD // 8
    held, number, fields, meta = "", 0, dict[str, str](), dict[str, Any]()
    data: bytes | None = sample
    while data is not None:
        try:
            held += decoder.decode(data).replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            yield quarantine(f"part{number}", "encoding", f"{path.name}: not valid {name}: {error}", data)
            return
        data = next(blocks_of, None)
        if len(held) < 2 * limit and data is not None:
            continue
        while held:
            cut = _cut(held, limit) if data is not None or len(held) > 2 * limit else len(held)
            piece, held = held[:cut], held[cut:]
            if (reason := guard.begin(f"{path.name}, part {number}")) is not None:
                yield quarantine(f"part{number}", reason, GIVEN_UP)
            elif piece.strip("\0 \t\r\n\ufeff"):
                book = _of_text(piece.removeprefix("\ufeff"))
                if number == 0:
                    fields, meta = book.fields, book.meta
                yield Found(f"part{number}", "\n".join(book.lines), fields, {**meta, "part": number})
            number += 1
            if data is not None and len(held) < 2 * limit:
                break
    if stream.tail is not None:
        yield quarantine("tail", "unreadable_tail", stream.tail.detail, stream.tail.data)


def _cut(text: str, limit: int) -> int:
    """Where a part of `limit` to twice as many characters ends: above a heading, a blank line, a line, anywhere."""
    window = text[limit : 2 * limit]
    position = 0
    for line in window[: limit // 4].split("\n"):
        if position and is_heading(line):
            return limit + position
        position += len(line) + 1
    for mark in ("\n\n", "\n"):
        if (found := window.find(mark)) >= 0:
            return limit + found + len(mark)
    return min(len(text), 2 * limit)
