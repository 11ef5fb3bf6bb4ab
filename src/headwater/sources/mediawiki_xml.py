"""The elements of a MediaWiki dump, framed in a stream: between two of its tags a piece of bytes, bounded.

No XML parser: one stops at the first damage, and a dump of 20 GB has some. In well-formed XML a raw `<` always
begins a tag, so tags are found without looking at anything else.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from headwater.sources.encoding import UndecodableError, codec, encoding_of
from headwater.sources.mending import Gap, sound_parts
from headwater.sources.places import Place
from headwater.sources.records import KEPT_BYTES
from headwater.sources.streams import SAMPLE, as_utf8

_TAG = re.compile(rb"<(/?(?:page|revision|siteinfo|mediawiki))(?:\s[^<>]*+)?>")
_LONGEST_TAG = 1 << 13
_DECLARED = re.compile(rb"\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})[\"']")
_ENTITY = re.compile(r"&(?:(lt|gt|quot|apos|amp)|#(\d{1,7})|#x([0-9a-fA-F]{1,6}));")
_NAMED = {"lt": "<", "gt": ">", "quot": '"', "apos": "'", "amp": "&"}
_UNKNOWN = re.compile(r"&(?!(?:lt|gt|quot|apos|amp|#\d{1,7}|#x[0-9a-fA-F]{1,6});)")
_ATTRIBUTE = {name: re.compile(rf'\b{name}="([^"]*)"') for name in ("bytes", "sha1")}


@dataclass(frozen=True)
class Piece:
    """What stands before a tag, and the tag. `name`: b"page", b"/page" …; b"gap" where a part of the compressed file
    is lost; empty for what follows the last tag."""

    offset: int  # of `data`, in decompressed bytes
    data: bytes  # the first KEPT_BYTES of it where it is longer than the limit
    length: int  # of the whole
    name: bytes
    markup: bytes  # the tag itself; of a gap or a tail, compressed bytes that could not be read
    detail: str = ""  # of a gap or a tail

    @property
    def end(self) -> int:
        return self.offset + self.length + (len(self.markup) if self.name != b"gap" else 0)


def pieces(path: Place, limit: int) -> Iterator[Piece]:
    """The pieces of a dump. Of data longer than `limit` bytes only the beginning is held."""
    gap = Gap("")
    offset = length = 0
    held: list[bytes] = []
    rest = b""
    for part in _utf8(sound_parts(path)):
        if isinstance(part, Gap):
            if part.last:
                gap = part
                break
            length += len(rest)
            yield Piece(offset, b"".join(held) + rest, length, b"gap", part.data, part.detail)
            offset, length, held, rest = offset + length, 0, [], b""
            continue
        block = rest + part
        start = 0
        for found in _TAG.finditer(block):
            held, length = _add(held, length, block[start : found.start()], limit)
            yield Piece(offset, b"".join(held), length, found[1], found[0])
            offset, length, held, start = offset + length + len(found[0]), 0, [], found.end()
        # A tag may go on in the next block.
        cut = block.rfind(b"<", max(start, len(block) - _LONGEST_TAG))
        cut = len(block) if cut < 0 or block.find(b">", cut) >= 0 else cut
        held, length = _add(held, length, block[start:cut], limit)
        rest = block[cut:]
    held, length = _add(held, length, rest, limit)
    yield Piece(offset, b"".join(held), length, b"", gap.data, gap.detail)


def _add(held: list[bytes], length: int, data: bytes, limit: int) -> tuple[list[bytes], int]:
    if not data:
        return held, length
    if length <= limit:
        held.append(data)
    length += len(data)
    if length > limit and (len(held) > 1 or len(held[0]) > KEPT_BYTES):
        held = [b"".join(held)[:KEPT_BYTES]]
    return held, length


def _utf8(parts: Iterator[bytes | Gap]) -> Iterator[bytes | Gap]:
    """XML is UTF-8 unless it says otherwise: by a mark, by NULs (UTF-16) or in its declaration."""
    first = next((part for part in parts if part), b"")
    if isinstance(first, Gap):
        yield first
        yield from parts
        return
    declared, name = _DECLARED.match(first[:SAMPLE]), None
    if b"\0" in first[:64] or first.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            name = encoding_of(first[: min(len(first), SAMPLE) // 4 * 4])
        except UndecodableError:
            name = None
    elif declared is not None:
        name = codec(declared[1].decode("ascii", "replace"))
    whole = itertools.chain([first], parts)
    if name is None or name.startswith("utf-8"):
        yield from whole
        return
    gaps: list[Gap] = []
    yield from as_utf8(_until_gap(whole, gaps), name)
    yield from gaps


def _until_gap(parts: Iterator[bytes | Gap], gaps: list[Gap]) -> Iterator[bytes]:
    """Of two bytes a character, what follows a gap might begin in the middle of one: it counts as lost."""
    for part in parts:
        if isinstance(part, Gap):
            gaps.append(Gap(part.detail, part.data, last=True))
            return
        yield part


# ---------------------------------------------------------------- inside an element


def element(xml: str, name: str) -> str | None:
    """The content of the first such element, without attributes; None where there is none."""
    start = xml.find(f"<{name}>")
    end = xml.find(f"</{name}>", start)
    return xml[start + len(name) + 2 : end] if start >= 0 and end >= 0 else None


def attribute(tag: str, name: str) -> str | None:
    found = _ATTRIBUTE[name].search(tag)
    return found[1] if found else None


def entities(text: str) -> str:
    """The five entities of XML and character references; what names no character becomes U+FFFD."""
    if "&" not in text:
        return text
    if "&#" in text:
        return _ENTITY.sub(_character, text)
    for name, character in _NAMED.items():  # & last: `&amp;lt;` is the text `&lt;`
        text = text.replace(f"&{name};", character)
    return text


def _character(found: re.Match[str]) -> str:
    if found[1]:
        return _NAMED[found[1]]
    number = int(found[2]) if found[2] else int(found[3], 16)
    return chr(number) if 0 < number < 0xD800 or 0xDFFF < number < 0x110000 else "\ufffd"


def unsound(text: str) -> str | None:
    """What no well-formed XML has between its tags, or None."""
    if "<" in text:
        return f"a tag inside <text>: {text[text.index('<') :][:40]!r}"
    if (found := _UNKNOWN.search(text)) is not None:
        return f"an unknown entity: {text[found.start() :][:20]!r}"
    return None
