"""MediaWiki dumps: `*-pages-articles.xml.bz2` and its like, any language, one document a page.

<page> elements are framed in the stream, by their tags: inside an element `<` is always written `&lt;`, so that a
raw `<page>` begins a page whatever the damage before it. What is not whole costs its page: `xml` (tags missing,
unknown entities), `checksum` (the text is not the one whose SHA-1 the dump names), `encoding`, `too_large`,
`damaged_block` (a part of the compressed file, see mending.py), `unreadable_tail`. Of a page with its history the
latest revision is the document.

Gated: `redirect`, `namespace` (not among the source's), `older_revision`, `content_model` (style sheets, data),
`deleted`, `no_text` (stub dumps), `empty`, `markup_only` (nothing is left once the templates go).

The siteinfo gives language, address and the names of the namespaces; where it is missing, as in excerpts, or names
another Wikipedia than the file does (`zhwiki-….xml.bz2`), the file's name decides. Wikipedia's text is CC BY-SA 4.0
since 7 June 2023 (Terms of Use) and was CC BY-SA 3.0 before: a page's licence is that of its revision's day. Of a
wiki that is not Wikimedia's nothing is known; the recipe's `license` says it, and goes before both.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from headwater.engine import guard
from headwater.recipe.sources import WikipediaSource
from headwater.sources.extract import wikitext
from headwater.sources.extract.wikitext_names import CATEGORIES, FILES, LANGUAGE_OF_WIKI, LANGUAGES
from headwater.sources.mediawiki_xml import Piece, attribute, element, entities, pieces, unsound
from headwater.sources.places import Place
from headwater.sources.records import GIVEN_UP, MAX_RECORD, Found, Gated, Record, quarantine

VERSION = 1
MODELS = ("wikitext", "")
# Wikimedia's Terms of Use name CC BY-SA 4.0 from this day on; a page last changed before it is under 3.0.
LICENSE_CHANGED = "2023-06-07"
_SHARE_ALIKE = (
    "wikipedia",
    "wiktionary",
    "wikibooks",
    "wikiquote",
    "wikisource",
    "wikiversity",
    "wikivoyage",
)
_FILE_NAME = re.compile(
    r"([a-z][a-z_]{1,15}?)(wiki|wiktionary|wikibooks|wikiquote|wikisource|wikiversity|wikivoyage)(?![a-z])"
)
_WITHOUT_LANGUAGE = {"commons", "species", "meta"}  # Wikimedia's
_BASE = re.compile(r"(.*/wiki/|.*[?&]title=|.*/)", re.S)
_NAMESPACE = re.compile(
    r'<namespace\b[^<>]{0,200}?\bkey="(-?\d{1,9})"[^<>]{0,200}?(?:/>|>([^<]*+)</namespace>)'
)


def read(path: Place, source: WikipediaSource) -> Iterator[Record]:
    """Every page of one dump, in order; memory is bounded by a few records of MAX_RECORD."""
    return _Dump(path, source).records()


# ---------------------------------------------------------------- the wiki


@dataclass
class Wiki:
    """What is known of the wiki that a dump is of."""

    language: str = ""  # ISO 639; empty where it is not known
    address: str = ""  # what a page's title is added to
    license: bool = False  # of Wikimedia, and share-alike
    namespaces: dict[str, int] = field(default_factory=dict)  # lower-case name: number
    names: wikitext.Names = wikitext.USUAL


def wiki_of(name: str, siteinfo: str = "") -> Wiki:
    """The wiki of a file of that name, with that siteinfo (its XML, or nothing)."""
    database, base = element(siteinfo, "dbname") or "", entities(element(siteinfo, "base") or "")
    host = _host(base)
    found = _FILE_NAME.match(name) if not siteinfo or ".wikipedia.org" in host else None
    code = found[1].replace("_", "-") if found is not None else ""
    # A siteinfo may have been copied from another wiki's dump; nobody names a file after another wiki.
    if found is not None and database != found[0] and code in (LANGUAGES | _WITHOUT_LANGUAGE):
        project = "wikipedia" if found[2] == "wiki" else found[2]
        host = f"{code}.{'wikimedia' if code in _WITHOUT_LANGUAGE else project}.org"
        base = f"https://{host}/wiki/"
    wiki = Wiki(address=_BASE.match(base)[1] if "/" in base else "")  # type: ignore[index]
    labels = host.split(".")
    if len(labels) >= 3 and labels[-2] in (*_SHARE_ALIKE, "wikimedia") and labels[-1] == "org":
        wiki.license = labels[-2] != "wikimedia" or labels[0] in ("species", "meta", "incubator")
        wiki.language = LANGUAGE_OF_WIKI.get(labels[0], labels[0]) if labels[0] in LANGUAGES else ""
    elif not base:
        wiki.license = True  # an excerpt, of a source that the recipe calls wikipedia
    for number, named in _NAMESPACE.findall(siteinfo):
        if named:
            wiki.namespaces[entities(named).lower()] = int(number)
    known = wiki.namespaces.items()
    wiki.names = wikitext.Names(
        FILES | {named for named, number in known if number in (6, -2)},
        CATEGORIES | {named for named, number in known if number == 14},
    )
    return wiki


def _host(base: str) -> str:
    try:
        return urlsplit(base).hostname or ""
    except ValueError:
        return ""


# English names, which hold in every wiki; an old dump has no <ns>.
_ENGLISH = {
    "media": -2, "special": -1, "talk": 1, "user": 2, "user talk": 3, "project": 4, "wikipedia": 4, "wikipedia talk": 5, "file": 6,
    "image": 6, "file talk": 7, "mediawiki": 8, "mediawiki talk": 9, "template": 10, "template talk": 11, "help": 12,
    "help talk": 13, "category": 14, "category talk": 15, "portal": 100, "portal talk": 101, "draft": 118, "module": 828,
}  # fmt: skip


def namespace_of(header: str, title: str, wiki: Wiki) -> int:
    declared = element(header, "ns")
    if declared is not None and re.fullmatch(r"-?\d{1,6}", declared.strip()):
        return int(declared)
    prefix, colon, _ = title.partition(":")
    name = prefix.strip().lower().replace("_", " ")
    return wiki.namespaces.get(name, _ENGLISH.get(name, 0)) if colon else 0


# ---------------------------------------------------------------- pages


@dataclass
class _Page:
    offset: int
    header: bytes | None = None  # what stands before its first revision
    revision: bytes = b""  # the latest
    stamp: bytes = b""  # its time
    revisions: int = 0
    too_large: int = 0  # bytes of the latest revision, where that is too much
    open: bool = False  # inside a revision
    broken: str = ""


class _Dump:
    def __init__(self, path: Place, source: WikipediaSource) -> None:
        self.path, self.source = path, source
        self.wiki = wiki_of(path.name)
        self.page: _Page | None = None
        self.pages = 0
        self.inside = self.siteinfo = False
        self.stray: tuple[int, bytes] | None = None  # what stands where only pages may

    def records(self) -> Iterator[Record]:
        last = Piece(0, b"", 0, b"", b"")
        anything = False
        for piece in pieces(self.path, MAX_RECORD):
            anything = anything or bool(piece.length or piece.name)
            last = piece
            yield from self.tag(piece)
        if not anything and not last.detail:
            yield Gated(0, "empty")
        yield from self.end(last)

    def tag(self, piece: Piece) -> Iterator[Record]:
        name, page = piece.name, self.page
        if name == b"gap":
            if page is None:
                self.text_outside(piece)
            yield from self.stray_record()
            self.page = self.stray = None
            self.siteinfo = False
            yield quarantine(f"{piece.offset}.gap", "damaged_block", piece.detail, piece.markup)
        elif page is None:
            self.text_outside(piece)
            if name == b"siteinfo":
                self.siteinfo = True
            elif name == b"/siteinfo":
                self.siteinfo = False
                self.wiki = wiki_of(self.path.name, piece.data.decode("utf-8", "replace"))
            elif name == b"mediawiki":
                self.inside = True
            elif name == b"/mediawiki":
                self.inside = False
            elif name == b"page":
                yield from self.stray_record()
                self.page = _Page(piece.end - len(piece.markup))
            elif name == b"/page":
                self.stray = self.stray or (piece.offset, piece.data)
                yield from self.stray_record()
            elif name:
                self.stray = self.stray or (piece.offset, piece.data)
        elif name in (b"revision", b"/revision"):
            yield from self.revision(page, piece)
        elif name == b"/page":
            if page.open:
                page.broken = "a <revision> that is not closed"
            self.page = None
            self.pages += 1
            yield self.record(page)
        elif name:  # another page, or the end of all pages
            self.page = None
            self.pages += 1
            yield self.broken(page, "</page> is missing", piece.data)
            yield from self.tag(Piece(piece.end - len(piece.markup), b"", 0, name, piece.markup))

    def text_outside(self, piece: Piece) -> None:
        """Only white space, declarations and comments may stand between pages; of siteinfo, its own elements."""
        text = piece.data.strip().removeprefix(b"\xef\xbb\xbf")
        if not text or self.siteinfo or piece.name == b"/siteinfo":
            return
        if (text.startswith((b"<?xml", b"<!--")) or not text.strip(b"\0")) and text.count(b"<") <= 2:
            return
        self.stray = self.stray or (piece.offset, piece.data)

    def stray_record(self) -> Iterator[Record]:
        if self.stray is not None:
            offset, data = self.stray
            yield quarantine(
                f"{offset}.garbage", "xml", f"from byte {offset} on: no <page> begins here", data
            )
            self.stray = None

    def revision(self, page: _Page, piece: Piece) -> Iterator[Record]:
        if piece.name == b"revision":
            if page.open:
                page.broken = "a <revision> that is not closed"
            if page.header is None:
                page.header = piece.data
            page.open = True
            return
        if not page.open:
            page.broken = "a </revision> that was not opened"
        page.open = False
        stamp = _between(piece.data[:4096], b"<timestamp>", b"<")
        if page.revisions:
            yield Gated(f"{page.offset}.{page.revisions}", "older_revision")
        page.revisions += 1
        if stamp >= page.stamp:
            page.stamp, page.revision = stamp, piece.data
            page.too_large = piece.length if piece.length > MAX_RECORD else 0

    def end(self, last: Piece) -> Iterator[Record]:
        """`last`: what follows the last tag; with a detail where the stream ended early."""
        detail, data = last.detail, last.markup
        if self.page is not None:
            name = f"byte {self.page.offset}: a <page> that is not closed"
            detail = f"{name}; {detail}" if detail else name
            data = (self.page.header or b"") + last.data
        elif self.pages == 0 and not self.inside and self.stray is not None and not detail:
            offset, data = self.stray
            yield quarantine(offset, "not_mediawiki", "no <page> in it: is this a dump of MediaWiki?", data)
            return
        elif self.inside and not detail:
            detail = f"from byte {last.offset} on: the dump ends without </mediawiki>"
        yield from self.stray_record()
        if detail:
            yield quarantine("tail", "unreadable_tail", detail, data)

    # -------------------------------------------------------- one page

    def broken(self, page: _Page, detail: str, data: bytes = b"") -> Record:
        return quarantine(page.offset, "xml", f"page at byte {page.offset}: {detail}", page.revision or data)

    def record(self, page: _Page) -> Record:
        if page.broken or page.header is None:
            return self.broken(page, page.broken or "no <revision> in it", page.header or b"")
        try:
            header = page.header.decode()
        except UnicodeDecodeError as error:
            return quarantine(page.offset, "encoding", f"page at byte {page.offset}: {error}", page.header)
        title, number = element(header, "title"), element(header, "id")
        if title is None or number is None:
            return self.broken(page, "no <title> or no <id>", page.header)
        title, name = entities(title), f"page {number} at byte {page.offset}"
        if namespace_of(header, title, self.wiki) not in self.source.namespaces:
            return Gated(page.offset, "namespace")
        if "<redirect" in header:
            return Gated(page.offset, "redirect")
        if page.too_large:
            detail = f"{name}: {page.too_large:,} bytes; at most {MAX_RECORD:,}"
            return quarantine(page.offset, "too_large", detail, page.revision)
        try:
            revision = page.revision.decode()
        except UnicodeDecodeError as error:
            return quarantine(page.offset, "encoding", f"{name}: {error}", page.revision)
        return self.document(page, title, number, name, revision)

    def document(self, page: _Page, title: str, number: str, name: str, revision: str) -> Record:
        before, tag, rest = revision.partition("<text")
        if "<redirect" in before:
            return Gated(page.offset, "redirect")
        if (element(before, "model") or element(rest.rpartition("</text>")[2], "model") or "") not in MODELS:
            return Gated(page.offset, "content_model")
        attributes, closed, body = rest.partition(">")
        if not tag or not closed:
            return self.broken(page, "no <text> in it")
        if attributes.endswith("/"):
            missing = "deleted" if "deleted=" in attributes else "no_text"
            return Gated(page.offset, "empty" if attribute(attributes, "bytes") == "0" else missing)
        raw, closed, after = body.partition("</text>")
        if not closed:
            return self.broken(page, "</text> is missing")
        if (problem := unsound(raw)) is not None:
            return self.broken(page, problem)
        text = entities(raw)
        declared = attribute(attributes, "sha1") or element(after, "sha1") or element(before, "sha1")
        if declared and _differs(text, declared):
            return quarantine(page.offset, "checksum", f"{name}: its SHA-1 is not {declared}", page.revision)
        if not text.strip():
            return Gated(page.offset, "empty")
        if wikitext.is_redirect(text):
            return Gated(page.offset, "redirect")
        if (reason := guard.begin(name)) is not None:
            return quarantine(page.offset, reason, GIVEN_UP, page.revision)
        language = self.source.language or self.wiki.language
        clean = wikitext.text_of(
            text, title=title, language=language, names=self.wiki.names, variant=self.source.variant
        )
        if not clean:
            return Gated(page.offset, "markup_only")
        date = element(before, "timestamp") or ""
        fields = {"source_id": number, "title": title, "date": date, "language": language}
        if self.wiki.address:
            fields["url"] = self.wiki.address + quote(title.replace(" ", "_"), safe="/:@!$*(),;~'")
        if self.wiki.license and self.source.license is None:
            fields["license"] = "CC-BY-SA-4.0" if date >= LICENSE_CHANGED else "CC-BY-SA-3.0"
        meta = {"revision": element(before, "id") or ""}
        return Found(page.offset, clean, {key: value for key, value in fields.items() if value}, meta)


def _between(data: bytes, start: bytes, end: bytes) -> bytes:
    return data.partition(start)[2].partition(end)[0]


def _differs(text: str, declared: str) -> bool:
    """Whether a text is not the one that the dump names by its SHA-1 (in base 36)."""
    data = text.encode("utf-8", "surrogatepass")
    number, digits = int.from_bytes(hashlib.sha1(data, usedforsecurity=False).digest()), ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits.rjust(31, "0") != declared.rjust(31, "0")
