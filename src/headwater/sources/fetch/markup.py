"""XML of APIs and sitemaps, and what a page's markup says of its licence."""

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from headwater.sources.encoding import UndecodableError, decode_page
from headwater.sources.extract.references import unescape
from headwater.sources.fetch.connection import Answer
from headwater.sources.payload import undo_codings
from headwater.sources.streams import unpack

# A tree of a page that leaves ten thousand links open takes minutes to search, so tags are found where they stand.
_HIDDEN = re.compile(
    r"<(script|style|template|noscript)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.IGNORECASE | re.DOTALL
)
_TAG = re.compile(r"<(?:a|link)\s([^<>]{1,4000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""(?<![\w-])(href|rel)\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)'|([^\s"'<>]++))""", re.IGNORECASE
)
MAX_SITEMAP = 50 << 20  # bytes, unpacked, as the protocol has it
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.I)
_LINK_LICENSE = re.compile(r"<([^<>]{1,500})>\s*;\s*rel=\"?license\b", re.I)

_CREATIVE_COMMONS = re.compile(
    r"^(?:https?:)?//(?:www\.)?creativecommons\.org/(?:licenses|publicdomain)/[\w./-]{1,60}"
)


def parse_xml(data: bytes) -> ElementTree.Element:
    """The root element. ValueError where it is no XML, or has entities of its own (none of these formats has)."""
    if b"<!ENTITY" in data or b"\0" in data:
        raise ValueError("it declares entities, or is not UTF-8")
    try:
        return ElementTree.fromstring(data)
    except (ElementTree.ParseError, LookupError) as error:
        raise ValueError(f"no XML: {error}") from error


def creative_commons(url: str) -> str:
    """The licence that a link names, as https without `www.` and the language's name, or nothing."""
    match = _CREATIVE_COMMONS.match(url.strip())
    if match is None:
        return ""
    path = match[0].partition("creativecommons.org/")[2]
    parts = [part for part in path.split("/") if part and not part.startswith(("deed", "legalcode"))]
    return f"https://creativecommons.org/{'/'.join(parts[:3])}/" if len(parts) >= 2 else ""


def links_of(answer: Answer, limit: int) -> tuple[list[str], str]:
    """Of an HTML page its links, as they stand, and the licence that it names."""
    header = _header_license(answer)
    if "html" not in answer.header("Content-Type").lower():
        return [], header
    body, wrong = undo_codings(answer.body, answer.header("Content-Encoding"), limit)
    charset = _CHARSET.search(answer.header("Content-Type")[:1000])
    try:
        page = "" if wrong else decode_page(body[:limit], charset[1] if charset else None)
    except UndecodableError:
        page = ""
    links, named = [], []
    for tag, attributes in _tags(page):
        if tag == "a":
            links.append(attributes["href"])
        if "license" in attributes.get("rel", "").lower().split():
            named.append(attributes["href"])
    license = next((creative_commons(url) or url for url in named if url), "") or header
    return links, license[:500] or next((name for url in links if (name := creative_commons(url))), "")


def _tags(page: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Every <a> and <link> with an address: its name, `href` and `rel`."""
    for match in _TAG.finditer(_HIDDEN.sub(" ", page)):
        attributes: dict[str, str] = {}
        for name, double, single, bare in _ATTRIBUTE.findall(match[1]):
            attributes.setdefault(name.lower(), unescape(double or single or bare))
        if "href" in attributes:
            yield match[0][1:2].lower().replace("l", "link"), attributes


def _header_license(answer: Answer) -> str:
    """Of `Link: <url>; rel="license"` (RFC 4946, 8288)."""
    match = _LINK_LICENSE.search(answer.header("Link")[:4000])
    return (creative_commons(match[1]) or match[1]) if match else ""


def sitemap_of(answer: Answer) -> tuple[list[str], list[str]]:
    """Of a sitemap (sitemaps.org 0.9: XML, or a URL a line; gzip or not) the sitemaps and the pages that it names."""
    body, _ = undo_codings(answer.body, answer.header("Content-Encoding"), MAX_SITEMAP)
    if body.startswith(b"\x1f\x8b"):
        body, _ = unpack(body, "gzip", MAX_SITEMAP)
    body = body[:MAX_SITEMAP].removeprefix(b"\xef\xbb\xbf").strip()
    if body.startswith((b"http://", b"https://")):
        return [], [line.strip() for line in body.decode("utf-8", "replace").split("\n") if line.strip()]
    try:
        root = parse_xml(body)
    except ValueError:
        return [], []
    below: list[str] = []
    pages: list[str] = []
    for entry in root:
        kind = entry.tag.rpartition("}")[2]
        found = [(e.text or "").strip() for e in entry if e.tag.rpartition("}")[2] == "loc"]
        (below if kind == "sitemap" else pages if kind == "url" else []).extend(found[:1])
    return below, pages
