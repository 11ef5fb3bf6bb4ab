"""One item of a feed, and the channel that it is in: title, address, date, author, licence and its article."""

import html
import re
from dataclasses import dataclass
from typing import Any

from headwater.sources.extract import xml
from headwater.sources.extract.dates import iso_date
from headwater.sources.extract.markup import TooMuchError, blocks
from headwater.sources.extract.references import unescape
from headwater.sources.records import Found, Gated, Record, quarantine

FEED_ROOT = re.compile(r"<(?:[\w.-]+:)?(?:rss|feed|RDF)\b")
_ENTITY = re.compile(r"<!ENTITY\s+(?:%\s+)?([\w.-]+)")
_REFERENCE = re.compile(r"&(#?[\w.-]{0,40})(;?)")
_XML = frozenset(("amp", "lt", "gt", "quot", "apos"))
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# What holds an article, best first; those in SUMMARY hold a part of it.
FULL = ("content:encoded", "content", "xhtml:body", "body", "content:items", "yandex:full-text", "full-text")
SUMMARY = ("description", "summary", "itunes:summary", "media:description")


@dataclass
class Channel:
    """What the feed says for all its items."""

    title: str = ""
    url: str = ""
    language: str = ""
    license: str = ""
    entities: frozenset[str] = frozenset()
    atom: bool = False


def channel_of(head: str) -> Channel:
    """What stands before the first item: the channel, as far as tags can be read there."""
    root = FEED_ROOT.search(head)
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
                return unescape(address[1])
            start = head.find(f"<{name}", start + 1)
    return ""


def _lang(head: str) -> str:
    found = re.search(r"<(?:rss|feed|(?:rdf:)?RDF)\b[^>]{0,3000}?xml:lang=[\"']([\w-]{2,16})", head)
    return found[1] if found else ""


def _plain(value: str) -> str:
    value = value.replace("<![CDATA[", "").replace("]]>", "")
    return " ".join(unescape(re.sub(r"<[^<>]*+>", " ", unescape(value))).split())


def record_of(text: str, channel: Channel, offset: str, where: str, full: bool) -> Record:
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
        character = unescape(f"&{name};")
        return (
            html.escape(character)
            if semicolon and not character.startswith("&#") and not _CONTROL.match(character)
            else f"&amp;{name}{semicolon}"
        )
    known = unescape(f"&{name};") if semicolon else ""
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
        text = unescape(text)
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
