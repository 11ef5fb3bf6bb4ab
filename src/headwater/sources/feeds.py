"""RSS 0.9x to 2.0, RSS 1.0 (RDF) and Atom: items framed in the text, each parsed on its own.

So that damage costs the item that it lies in: the next `<item>` or `<entry>` is found again behind it, and a feed of
any size needs the memory of one item. Document types are not read: an item that uses an entity of the feed's own is
quarantined (`xml_entity`), nothing is expanded and nothing fetched. Bare ampersands and HTML's entities, which many
feeds have, are mended.
"""

import codecs
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from headwater.engine import guard
from headwater.sources.encoding import UndecodableError, codec, encoding_of
from headwater.sources.extract import xml
from headwater.sources.extract.dates import iso_date
from headwater.sources.extract.markup import TooMuchError, blocks
from headwater.sources.records import GIVEN_UP, KEPT_BYTES, MAX_RECORD, Found, Gated, Record, quarantine
from headwater.sources.streams import SAMPLE

_OPENING = re.compile(r"<((?:[\w.-]+:)?(?:item|entry))(?=[\s>/])")
_INTERESTING = re.compile(r"<!\[CDATA\[|<!--|<(/?)((?:[\w.-]+:)?(?:item|entry))(?=[\s>/])")
_END = re.compile(r"</(?:[\w.-]++:)?(?:item|entry)\s*+>")
_CLOSING = re.compile(r"</(?:[\w.-]+:)?(?:rss|feed|RDF)\s*>")
_ROOT = re.compile(r"<(?:[\w.-]+:)?(?:rss|feed|RDF)\b")
_ENTITY = re.compile(r"<!ENTITY\s+(?:%\s+)?([\w.-]+)")
_REFERENCE = re.compile(r"&(#?[\w.-]{0,40})(;?)")
_XML = frozenset(("amp", "lt", "gt", "quot", "apos"))
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# A channel says what it is in fewer characters than this.
LONGEST_HEAD = 1 << 20
# What holds an article, best first; those in SUMMARY hold a part of it.
FULL = ("content:encoded", "content", "xhtml:body", "body", "content:items", "yandex:full-text", "full-text")
SUMMARY = ("description", "summary", "itunes:summary", "media:description")


def is_feed(head: str) -> bool:
    """Whether a text begins as a feed does."""
    return _ROOT.search(head[:4000]) is not None and "<html" not in head[:1000].lower()


def encoding_of_feed(data: bytes) -> str:
    """The encoding of a feed's beginning: a mark, UTF-8 that is sound, what it declares, then detection."""
    sample = data[:SAMPLE]
    try:
        guessed = encoding_of(sample)
    except UndecodableError:
        guessed = ""
    if guessed.startswith("utf"):
        return guessed
    declared = xml.declared_encoding(sample)
    name = codec(declared) if declared else None
    if name and not name.startswith("utf"):
        return name
    if not guessed and not name:
        raise UndecodableError("no encoding is declared and none fits")
    return guessed or name or "utf-8"


@dataclass
class Channel:
    """What the feed says for all its items."""

    title: str = ""
    url: str = ""
    language: str = ""
    license: str = ""
    entities: frozenset[str] = frozenset()
    atom: bool = False


def read_feed(chunks: Iterator[bytes], offset: str, where: str, full: bool) -> Iterator[Record]:
    """The items of one feed, numbered in its order; `offset` is put before their numbers. `full`: whole articles only."""
    first = b""
    for chunk in chunks:
        first += chunk
        if len(first) >= SAMPLE:
            break
    try:
        decoder = codecs.getincrementaldecoder(encoding_of_feed(first))("replace")
    except UndecodableError as error:
        yield quarantine(offset or 0, "encoding", f"{where}: {error}", first)
        return
    items = _Items(decoder.decode(first).removeprefix("\ufeff"), chunks, decoder)
    channel = _channel(items.head())
    number = 0
    for item in items:
        name = f"{offset}{number}"
        if item.problem:
            yield quarantine(name, *item.problem, item.text[:KEPT_BYTES].encode("utf-8", "surrogatepass"))
        elif (reason := guard.begin(f"{where}, item {number}")) is not None:
            yield quarantine(name, reason, GIVEN_UP, item.text[:KEPT_BYTES].encode("utf-8", "surrogatepass"))
        else:
            yield _record(item.text, channel, name, f"{where}, item {number}", full)
        number += 1
    if items.closed and number == 0:
        yield Gated(f"{offset}feed", "empty")
    elif not items.closed and not items.cut:
        yield quarantine(
            f"{offset}feed",
            "unreadable_tail",
            f"{where}: the feed ends before it is closed",
            first if number == 0 else b"",
        )


# ---------------------------------------------------------------- framing


@dataclass
class _Item:
    text: str
    problem: tuple[str, str] | None = None  # reason and detail


class _Items:
    """The items of a text that is read piece by piece."""

    def __init__(self, text: str, chunks: Iterator[bytes], decoder: Any) -> None:
        self.text, self.at, self.chunks, self.decoder = text, 0, chunks, decoder
        self.ended = self.closed = self.cut = False

    def head(self) -> str:
        """What stands before the first item."""
        while (
            (found := _OPENING.search(self.text)) is None and len(self.text) < LONGEST_HEAD and self._more()
        ):
            pass
        return self.text[: found.start()] if found else self.text[:LONGEST_HEAD]

    def _more(self) -> bool:
        """Reads on, about as much again as is held; False at the end."""
        if self.ended:
            return False
        self.text, self.at = self.text[self.at :], 0
        parts, size, wanted = [self.text], 0, len(self.text)
        while not self.ended and size <= wanted:
            chunk = next(self.chunks, None)
            self.ended = chunk is None
            parts.append(self.decoder.decode(chunk or b"", self.ended))
            size += len(parts[-1])
        self.text = "".join(parts)
        return True

    def __iter__(self) -> Iterator[_Item]:
        while True:
            found = _OPENING.search(self.text, self.at)
            before = found.start() if found else len(self.text)
            while (
                end := _END.search(self.text, self.at, before)
            ) is not None:  # between items, where none ends
                lost = self.text[self.at : end.end()]
                self.at = end.end()
                if len(lost.strip()) > len(end[0]):
                    yield _Item(lost, ("xml_syntax", "an item without its beginning"))
            if found is not None:
                self.at = found.start()
                yield self._item(found[1])
                continue
            self.at = max(self.at, len(self.text) - 200)
            if not self._more():
                self.closed = _CLOSING.search(self.text, self.at) is not None
                return

    def _item(self, name: str) -> _Item:
        """The item at `at`, which moves behind it."""
        end, problem = _end_of_item(self.text, self.at, name)
        while end < 0 and len(self.text) - self.at <= MAX_RECORD and self._more():
            end, problem = _end_of_item(self.text, self.at, name)
        if end < 0:
            return self._lost(name)
        item = _Item(self.text[self.at : end], problem)
        self.at = end
        return item

    def _lost(self, name: str) -> _Item:
        """An item without an end: it goes to where the next one begins, or to the end of the feed."""
        start, held = self.at, self.text[self.at : self.at + KEPT_BYTES]
        following = _OPENING.search(self.text, start + len(name) + 1)
        if following is None and len(self.text) - start > MAX_RECORD:
            while following is None:
                self.at = len(self.text) - 200
                if not self._more():
                    break
                following = _OPENING.search(self.text)
            self.at = following.start() if following else len(self.text)
            return _Item(held, ("too_large", f"an item of more than {MAX_RECORD:,} characters"))
        self.at = following.start() if following else len(self.text)
        if following:
            return _Item(held, ("xml_syntax", "the item is not closed"))
        self.cut = True
        return _Item(held, ("unreadable_tail", "the feed ends in the middle of an item"))


def _end_of_item(text: str, start: int, name: str) -> tuple[int, tuple[str, str] | None]:
    """Where the item ends that begins at `start`, or -1; and what is wrong with it, if its end is not its own.

    Items do not nest, so that one which begins inside another says that the first was never closed.
    """
    position = start + 1
    opened = text.find(">", start, start + 5000)
    if opened > 0 and text[opened - 1] == "/":
        return opened + 1, None
    while (found := _INTERESTING.search(text, position)) is not None:
        if found[0] == "<![CDATA[":
            end = text.find("]]>", found.end())
            following = _next_item(text, found.end(), end if end >= 0 else len(text), name)
            if following >= 0:
                return following, ("xml_syntax", "a CDATA section is not closed within its item")
            if end < 0:
                return -1, None
            position = end + 3
        elif found[0] == "<!--":
            if (end := text.find("-->", found.end())) < 0:
                return -1, None
            position = end + 3
        elif found[2] != name:
            position = found.end()
        elif found[1]:
            end = text.find(">", found.end())
            return (end + 1 if end >= 0 else -1), None
        else:
            return found.start(), ("xml_syntax", "the item is not closed")
    return -1, None


def _next_item(text: str, start: int, end: int, name: str) -> int:
    """Where, between `start` and `end`, one item ends and another begins as tags do; else -1."""
    closing = text.find(f"</{name}>", start, end)
    while closing >= 0:
        following = _OPENING.match(text, _skip_spaces(text, closing + len(name) + 3))
        if following and following.start() < end:
            return following.start()
        closing = text.find(f"</{name}>", closing + 1, end)
    return -1


def _skip_spaces(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


# ---------------------------------------------------------------- one item


def _channel(head: str) -> Channel:
    """What stands before the first item: the channel, as far as tags can be read there."""
    root = _ROOT.search(head)
    entities = frozenset(_ENTITY.findall(head[: root.start()] if root else head))
    return Channel(
        title=_of_head(head, ("title",)),
        url=_of_head(head, ("link",)),
        language=_of_head(head, ("language", "dc:language")) or _lang(head),
        license=_of_head(head, ("creativeCommons:license", "cc:license", "copyright", "rights", "dc:rights")),
        entities=entities,
        atom="<feed" in head or ":feed" in head,
    )


def _of_head(head: str, names: tuple[str, ...]) -> str:
    for name in names:
        start = head.find(f"<{name}")
        while start >= 0:
            opened = head.find(">", start, start + 2000)
            if opened >= 0 and head[start + len(name) + 1] in " >\t\n\r" and head[opened - 1] != "/":
                end = head.find(f"</{name}", opened, opened + 4000)
                if end >= 0:
                    return _plain(head[opened + 1 : end])
            if (
                address := re.search(
                    r"(?:rdf:resource|href)=[\"']([^\"']+)", head[start : max(opened, start)]
                )
            ) and name not in ("link",):
                return html.unescape(address[1])
            start = head.find(f"<{name}", start + 1)
    return ""


def _lang(head: str) -> str:
    found = re.search(r"<(?:rss|feed|(?:rdf:)?RDF)\b[^>]{0,3000}?xml:lang=[\"']([\w-]{2,16})", head)
    return found[1] if found else ""


def _plain(value: str) -> str:
    value = value.replace("<![CDATA[", "").replace("]]>", "")
    return " ".join(html.unescape(re.sub(r"<[^<>]*+>", " ", html.unescape(value))).split())


def _record(text: str, channel: Channel, offset: str, where: str, full: bool) -> Record:
    raw = text.encode("utf-8", "surrogatepass")
    if channel.entities and any(f"&{name};" in text for name in channel.entities):
        return quarantine(
            offset, "xml_entity", f"{where}: uses an entity that the feed declares; none is expanded", raw
        )
    try:
        item = _parsed(text)
    except xml.XmlError as error:
        return quarantine(offset, "xml_syntax", f"{where}: {error}", raw)
    fields, meta = _said(item, channel)
    markup, whole = _content(item)
    if full and not whole:
        return Gated(offset, "summary")
    try:
        article = "\n\n".join(block.text for block in blocks(markup)) if markup else ""
    except TooMuchError as error:
        return quarantine(offset, "too_large", f"{where}: {error}", raw)
    if not article.strip():
        return Gated(offset, "empty")
    if not whole:
        meta["summary"] = True
    return Found(offset, article, fields, meta)


def _parsed(text: str) -> xml.Element:
    try:
        return xml.parsed(text)
    except xml.XmlError:
        mended = _REFERENCE.sub(_reference, _CONTROL.sub("", text))
        return xml.parsed(mended)


def _reference(found: re.Match[str]) -> str:
    name, semicolon = found[1], found[2]
    if semicolon and name in _XML:
        return found[0]
    if name.startswith("#"):
        character = html.unescape(f"&{name};")
        return (
            html.escape(character)
            if semicolon and not character.startswith("&#") and not _CONTROL.match(character)
            else f"&amp;{name}{semicolon}"
        )
    known = html.unescape(f"&{name};") if semicolon else ""
    if known and not known.startswith("&"):
        return html.escape(known)
    return f"&amp;{name}{semicolon}"


def _content(item: xml.Element) -> tuple[str, bool]:
    """The article's markup, and whether it is the whole of it."""
    by_name: dict[str, list[xml.Element]] = {}
    for child in item.elements():
        by_name.setdefault(_conventional(child.name), []).append(child)
    for names, whole in ((FULL, True), (SUMMARY, False)):
        for name in names:
            found = [_markup(element) for element in by_name.get(name, [])]
            if markup := max(found, key=len, default=""):
                return markup, whole or (name == "description" and _long(markup))
    return "", False


def _conventional(name: str) -> str:
    prefix, colon, local = name.rpartition(":")
    if prefix in ("atom", "atom03", "a", "rss", "rdf", "default"):
        return local
    return f"{prefix.lower()}{colon}{local.lower()}" if colon else local.lower()


# RSS 2.0 lets `description` be the whole article; in several paragraphs, or of this length, it is one.
LONG = 1200


def _long(markup: str) -> bool:
    return len(markup) >= LONG or markup.count("<p") > 2


def _markup(element: xml.Element) -> str:
    kind = element.attributes.get("type", "").lower()
    if element.elements():
        return element.markup()
    text = element.text()
    if kind in ("text", "text/plain") and "<" not in text:
        return "<pre>" + html.escape(text) + "</pre>" if "\n" in text else html.escape(text)
    if "<" not in text and "&lt;" in text:
        text = html.unescape(text)
    return text


def _said(item: xml.Element, channel: Channel) -> tuple[dict[str, str], dict[str, Any]]:
    by_name: dict[str, list[xml.Element]] = {}
    for child in item.elements():
        by_name.setdefault(_conventional(child.name), []).append(child)

    def text(*names: str) -> str:
        for name in names:
            for element in by_name.get(name, []):
                if value := _plain(element.text()):
                    return value
        return ""

    authors = [
        _author(element)
        for name in ("author", "dc:creator", "itunes:author")
        for element in by_name.get(name, [])
    ]
    rights = [
        element.attributes.get("rdf:resource", "")
        for name in ("cc:license", "creativecommons:license")
        for element in by_name.get(name, [])
    ]
    rights += [
        element.attributes.get("href", "")
        for element in by_name.get("link", [])
        if element.attributes.get("rel") == "license"
    ]
    fields = {
        "title": text("title", "dc:title"),
        "url": _link(by_name, item),
        "date": next((when for name in ("pubdate", "published", "dc:date", "issued", "created", "date", "updated", "modified",
                                        "dcterms:created", "dcterms:issued") if (when := iso_date(text(name)))), ""),
        "author": ", ".join(dict.fromkeys(name for name in authors if name)),
        "language": text("dc:language", "language") or item.attributes.get("xml:lang", "") or channel.language,
        "license": next((right for right in rights if right), "")
        or text("creativecommons:license", "cc:license", "rights", "dc:rights", "copyright")
        or channel.license,
        "source_id": text("guid", "id", "dc:identifier"),
    }  # fmt: skip
    categories = [
        value
        for name in ("category", "dc:subject")
        for element in by_name.get(name, [])
        if (
            value := _plain(element.text())
            or element.attributes.get("label")
            or element.attributes.get("term", "")
        )
    ]
    meta: dict[str, Any] = {}
    if categories:
        meta["categories"] = list(dict.fromkeys(categories))
    if channel.title:
        meta["feed"] = channel.title
    if fields["author"]:
        meta["author"] = fields["author"]
    return {name: value for name, value in fields.items() if value}, meta


def _author(element: xml.Element) -> str:
    """`name` of Atom; of RSS's `editor@example.org (Name)` the name."""
    name = element.first("name")
    value = _plain((name or element).text())
    if found := re.search(r"\(([^()]{2,80})\)\s*$", value):
        return found[1]
    return "" if "@" in value and " " not in value else value


def _link(by_name: dict[str, list[xml.Element]], item: xml.Element) -> str:
    links = by_name.get("link", [])
    for element in links:
        if element.attributes.get("rel", "alternate") == "alternate" and (
            address := element.attributes.get("href")
        ):
            return address.strip()
    for element in (
        *links,
        *(guid for guid in by_name.get("guid", []) if guid.attributes.get("isPermaLink") != "false"),
    ):
        if (address := element.text().strip()).startswith(("http://", "https://")):
            return address
    about = item.attributes.get("rdf:about", "")
    return about if about.startswith("http") else ""
