"""XML of APIs and sitemaps, and what a page's markup says of its licence."""

import re
from xml.etree import ElementTree

_CREATIVE_COMMONS = re.compile(
    r"^https?://(?:www\.)?creativecommons\.org/(?:licenses|publicdomain)/[\w./-]{1,60}"
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
