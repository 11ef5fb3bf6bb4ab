"""XML that is nothing but rows with attributes (`<row Id="1" Body="…" />`), read row by row out of a stream of bytes.

There is no parser behind it, so that nothing can be expanded: a document type's entities are not known here, and a
row that names one is broken. A "<" cannot stand inside an attribute, so whatever is damaged ends at the next one, and
reading goes on at the next `<row`. Memory: one row.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from headwater.sources.encoding import codec
from headwater.sources.records import KEPT_BYTES, MAX_RECORD
from headwater.sources.streams import as_utf8

_ATTRIBUTE = re.compile(r"""\s+([A-Za-z_][\w.-]*)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_END = re.compile(r"\s*/?>\s*")
_REFERENCE = re.compile(r"&(?:#(x?)([0-9A-Fa-f]{1,8})|(\w{1,32}));")
_NAMED = {"lt": "<", "gt": ">", "quot": '"', "apos": "'", "amp": "&"}
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})""")
_ROW = re.compile(rb"row[\s/>]")
# What stands around the rows: the declaration, comments, the root's tags and those of rows that are closed apart.
_AROUND = re.compile(
    rb"\?xml|!--|/?(?:posts|users|comments|tags|badges|votes|postlinks|posthistory)\s*>|/row\s*>", re.I
)
_CLOSING = re.compile(rb"/(?:posts|users|comments|tags|badges|votes|postlinks|posthistory)\s*>", re.I)


@dataclass(frozen=True)
class Row:
    offset: int  # in decompressed bytes
    values: dict[str, str]


@dataclass(frozen=True)
class Broken:
    offset: int
    reason: str
    detail: str
    data: bytes


class Rows:
    """The rows of a stream. `closed` says at the end whether the root was closed, so that nothing is missing."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self.closed = False

    def __iter__(self) -> Iterator[Row | Broken]:
        broken = False  # what was broken goes on up to the next row
        for offset, frame, length in _frames(_in_utf8(self._blocks)):
            if length > MAX_RECORD:
                yield Broken(offset, "too_large", f"byte {offset}: {length:,} bytes in one row", frame)
                broken = True
            elif _ROW.match(frame, 1):
                row, rest = _row(offset, frame)
                yield row
                broken = isinstance(row, Broken)
                if rest:
                    yield Broken(
                        offset + length - len(rest), "garbage", f"byte {offset}: text between rows", rest
                    )
            elif frame[:1] == b"<" and _AROUND.match(frame, 1):
                self.closed = _CLOSING.match(frame, 1) is not None
                broken = False
            elif not broken and frame.strip(b" \t\r\n\xef\xbb\xbf"):
                declares = frame.startswith((b"<!DOCTYPE", b"<!ENTITY"))
                detail = "declares a document type, which is not read" if declares else "no row"
                yield Broken(
                    offset, "xml_doctype" if declares else "xml_syntax", f"byte {offset}: {detail}", frame
                )
                broken = True


def _in_utf8(blocks: Iterator[bytes]) -> Iterator[bytes]:
    first = next(blocks, b"")
    declared = _DECLARED.search(first[:512])
    encoding = codec(declared[1].decode()) if declared else None
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"

    def all_blocks() -> Iterator[bytes]:
        yield first
        yield from blocks

    same = encoding in (None, "utf-8", "cp1252")  # a declared Latin code page that is none shows in the rows
    return all_blocks() if same or encoding is None else as_utf8(all_blocks(), encoding)


def _frames(blocks: Iterator[bytes]) -> Iterator[tuple[int, bytes, int]]:
    """What stands between one "<" and the next: (offset, bytes, length); of more than MAX_RECORD the beginning."""
    offset = length = 0
    held: list[bytes] = []
    for block in blocks:
        first, *others = block.split(b"<")
        if length <= MAX_RECORD:
            held.append(first)
        length += len(first)
        for part in others:
            if length:
                frame = b"".join(held)
                yield offset, frame if length <= MAX_RECORD else frame[:KEPT_BYTES], length
            offset += length
            held, length = [b"<", part], 1 + len(part)
    if length:
        frame = b"".join(held)
        yield offset, frame if length <= MAX_RECORD else frame[:KEPT_BYTES], length


def _row(offset: int, frame: bytes) -> tuple[Row | Broken, bytes]:
    """A row, and what stands behind it that is not space."""
    try:
        text = frame.decode("utf-8")
    except UnicodeDecodeError as error:
        return Broken(
            offset, "encoding", f"byte {offset}: not valid UTF-8 at byte {error.start} of a row", frame
        ), b""
    values: dict[str, str] = {}
    position = 4
    while (found := _ATTRIBUTE.match(text, position)) is not None:
        value = found[2] if found[2] is not None else found[3]
        position = found.end()
        if "&" in value:
            try:
                value = _unescaped(value)
            except KeyError as error:
                return Broken(
                    offset, "xml_entity", f"byte {offset}: {found[1]} names the entity {error}", frame
                ), b""
        values[found[1]] = value
    end = _END.match(text, position)
    if end is None:
        shown = text[position : position + 40].strip()
        detail = (
            f"byte {offset}: a row that ends at {shown!r}"
            if shown
            else f"byte {offset}: a row without an end"
        )
        return Broken(offset, "xml_syntax", detail, frame), b""
    return Row(offset, values), text[end.end() :].encode()


def _unescaped(value: str) -> str:
    """An attribute's text. The references that make up nearly all are replaced first, which is faster."""
    quick = value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&#xA;", "\n")
    if quick.count("&") == quick.count("&amp;"):
        return quick.replace("&amp;", "&")
    return _REFERENCE.sub(_character, value)


def _character(reference: re.Match[str]) -> str:
    if reference[3] is not None:
        return _NAMED[reference[3]]
    try:
        number = int(reference[2], 16 if reference[1] else 10)
    except ValueError:
        return reference[0]
    return chr(number) if number < 0xD800 or 0xDFFF < number < 0x110000 else "\ufffd"
