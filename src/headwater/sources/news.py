"""News: feeds (RSS, Atom), pages (.html), agency articles (NITF, NewsML-G2), and CC-NEWS archives (.warc); packed or not.

Of a feed every item is a record (`feeds.py`), of a page its main text, with what the page says of itself
(`extract/metadata.py`): title, date, author, language, canonical URL, licence, consent. The date is when the article was
published, in ISO 8601. What a file is, its content decides and not only its name: an .xml may be any of them.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from headwater.engine import guard
from headwater.recipe.sources import NewsSource, WarcSource
from headwater.sources import warc
from headwater.sources.archives import Member, is_archive, members
from headwater.sources.encoding import UndecodableError, decode, decode_page
from headwater.sources.extract import xml
from headwater.sources.extract.dates import iso_date
from headwater.sources.extract.markup import MAX_TAGS, TooMuchError, blocks
from headwater.sources.extract.page import html_record
from headwater.sources.feeds import is_feed, read_feed
from headwater.sources.places import Place
from headwater.sources.records import GIVEN_UP, MAX_RECORD, Found, Gated, Record, quarantine
from headwater.sources.streams import Stream, bare_suffix, read_whole

VERSION = 2  # 2: a feed's item without its beginning is quarantined
PAGES = (".html", ".htm", ".xhtml", ".shtml", ".mhtml")
XML = (".xml", ".rss", ".atom", ".rdf", ".feed", ".nitf", ".newsml", "")
WARC = (".warc", ".wet")
HEAD = 1 << 16
_AGENCY = re.compile(rb"<(?:[\w.-]+:)?(?:nitf|newsItem|newsMessage)\b")


def read(path: Place, source: NewsSource) -> Iterator[Record]:
    """Every article of one file."""
    suffix = bare_suffix(path)
    if suffix in WARC or path.name.lower().endswith((".warc.lz4", ".warc.gz")):
        yield from _web_archive(path, source)
    elif is_archive(path):
        for member in members(path, _wanted):
            if isinstance(member, Member):
                suffix = PurePosixPath(member.name.partition("#")[0]).suffix.lower()
                yield from _of_bytes(member.data, suffix, member.name, member.name, source)
            else:
                yield member
    else:
        yield from _file(path, source)


def _wanted(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return not hidden and path.suffix.lower() in (*PAGES, *XML)


def _file(path: Place, source: NewsSource) -> Iterator[Record]:
    stream = Stream(path)
    blocks_of = stream.blocks()
    head = b""
    for block in blocks_of:
        head += block
        if len(head) >= HEAD:
            break
    if bare_suffix(path) not in PAGES and _looks_like_feed(head):
        yield from read_feed(_chained(head, blocks_of), "", path.name, source.text == "full")
    else:
        whole = Stream(path)
        data = read_whole(whole, MAX_RECORD)
        stream = whole
        if data is None:
            yield quarantine(0, "too_large", f"more than {MAX_RECORD:,} bytes in one article", head)
            return
        if data.strip(b"\0 \t\r\n") or stream.tail is None:
            yield from _of_bytes(data, bare_suffix(path), 0, path.name, source)
    if stream.tail is not None:
        yield quarantine("tail", "unreadable_tail", stream.tail.detail, stream.tail.data)


def _chained(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from rest


def _looks_like_feed(head: bytes) -> bool:
    text = head[:8192].replace(b"\0", b"").decode("latin-1")
    return is_feed(text)


def _of_bytes(
    data: bytes, suffix: str, offset: int | str, where: str, source: NewsSource
) -> Iterator[Record]:
    """A page, a feed or an agency's article that is held as a whole."""
    if not data.strip(b"\0 \t\r\n"):
        yield Gated(offset, "empty")
        return
    if suffix not in PAGES and _looks_like_feed(data):
        base = "" if offset == 0 else f"{offset}:"
        yield from read_feed(iter([data]), base, where, source.text == "full")
    elif (reason := guard.begin(where)) is not None:
        yield quarantine(offset, reason, GIVEN_UP, data)
    elif suffix in PAGES or (b"<html" in data[:4096].lower() and not _AGENCY.search(data[:4096])):
        yield _page(data, offset, where)
    else:
        yield _agency(data, offset, where)


def _page(data: bytes, offset: int | str, where: str) -> Record:
    try:
        page = decode_page(data, xml.declared_encoding(data))
    except UndecodableError as error:
        return quarantine(offset, "encoding", f"{where}: {error}", data)
    if (tags := page.count("<")) > MAX_TAGS:
        return quarantine(offset, "too_large", f"{where}: {tags:,} tags; at most {MAX_TAGS:,}", data)
    record = html_record(page, offset, {}, "main", data)
    return _with_author(record) if isinstance(record, Found) else record


def _with_author(record: Found) -> Found:
    author = record.fields.get("author")
    return replace(record, meta={**record.meta, "author": author}) if author else record


def _web_archive(path: Place, source: NewsSource) -> Iterator[Record]:
    """CC-NEWS: framed and read as any web archive is."""
    for record in warc.read(path, WarcSource(name=source.name, kind="warc", paths=source.paths)):
        yield _with_author(record) if isinstance(record, Found) else record


# ---------------------------------------------------------------- agencies: NITF and NewsML-G2


def _agency(data: bytes, offset: int | str, where: str) -> Record:
    """https://iptc.org/standards/nitf/, https://iptc.org/standards/newsml-g2/: one article a file."""
    try:
        root = xml.parsed(data)
    except xml.XmlError as error:
        try:
            root = xml.parsed(decode(data))
        except (xml.XmlError, UndecodableError):
            return quarantine(offset, "xml_syntax", f"{where}: {error}", data)
    if root.local == "nitf":
        return _nitf(root, offset, where, data)
    if root.local in ("newsItem", "newsMessage"):
        return _newsml(root, offset, where, data)
    return quarantine(offset, "not_news", f"{where}: <{root.name}> is no feed, page, NITF or NewsML-G2", data)


def _said(root: xml.Element, *names: str) -> str:
    """The text of the first of these elements that has any, in one line."""
    texts = (" ".join(found.text().split()) for name in names if (found := root.first(name)))
    return next(filter(None, texts), "")


def _nitf(root: xml.Element, offset: int | str, where: str, data: bytes) -> Record:
    issued = root.first("date.issue") or root.first("pubdata") or root.first("story.date")
    attributes = issued.attributes if issued else {}
    document = root.first("doc-id")
    fields = {
        "title": _said(root, "hl1", "title"),
        "author": _said(root, "person", "byline", "byttl"),
        "date": iso_date(attributes.get("norm") or attributes.get("date.publication") or ""),
        "language": root.attributes.get("xml:lang", ""),
        "license": _said(root, "doc.rights", "doc.copyright"),
        "source_id": document.attributes.get("id-string", "") if document else "",
    }
    return _article(root.first("body.content"), fields, offset, where, data)


def _newsml(root: xml.Element, offset: int | str, where: str, data: bytes) -> Record:
    item = root.first("newsItem") or root
    fields = {
        "title": _said(root, "headline", "title"),
        "author": _said(root, "by", "creator"),
        "date": iso_date(_said(root, "versionCreated", "contentCreated", "firstCreated")),
        "language": next((found.attributes.get("tag", "") for found in root.all("language")), ""),
        "license": _said(root, "usageTerms", "copyrightNotice"),
        "source_id": item.attributes.get("guid", ""),
    }
    return _article(root.first("inlineXML") or root.first("inlineData"), fields, offset, where, data)


def _article(
    body: xml.Element | None, fields: dict[str, str], offset: int | str, where: str, data: bytes
) -> Record:
    if body is None:
        return quarantine(offset, "no_text", f"{where}: an article without a body", data)
    try:
        text = "\n\n".join(block.text for block in blocks(body.markup()))
    except TooMuchError as error:
        return quarantine(offset, "too_large", f"{where}: {error}", data)
    if not text.strip():
        return Gated(offset, "empty")
    return _with_author(Found(offset, text, {name: value for name, value in fields.items() if value}))
