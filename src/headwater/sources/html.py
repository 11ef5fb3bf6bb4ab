"""Saved pages: HTML files, MHTML ("web page, complete" in one file), and zip or tar archives of either.

A file is one document; its offset is 0, in an archive the member's path. The charset is told by a byte order mark,
then `<meta>` or the XML declaration, then detection (`encoding.py`). What browsers and mirroring tools leave in a
page says where it comes from: `<link rel=canonical>`, "saved from url=(0026)", SingleFile's and HTTrack's comments,
`og:url`. Of MHTML the first HTML part is the page; others are frames, gated as such.
"""

import email
import email.policy
import re
from collections.abc import Iterator
from email.message import Message
from pathlib import PurePosixPath
from urllib.parse import urljoin, urlsplit

from headwater.engine import guard
from headwater.recipe.sources import HtmlSource
from headwater.sources.archives import Member, is_archive, members
from headwater.sources.encoding import UndecodableError, decoded_page
from headwater.sources.extract.references import unescape
from headwater.sources.payload import is_binary, page_record
from headwater.sources.places import Place
from headwater.sources.records import GIVEN_UP, Gated, Record, quarantine
from headwater.sources.streams import Stream, bare_suffix, read_whole
from headwater.sources.urls import UrlGate

VERSION = 1
PAGES = (".html", ".htm", ".xhtml", ".xht", ".shtml")
MHTML = (".mhtml", ".mht")
MAX_PARTS = 10_000  # of one MHTML file
_HEAD = 1 << 16  # characters of a page in which its address is looked for
_SAVED = re.compile(r"<!--\s{0,99}saved from url=\(\d{1,6}\)\s{0,9}(\S{1,4096})")
_SINGLE_FILE = re.compile(r"Page saved with SingleFile\s{1,99}url:\s{0,99}(\S{1,4096})")
_HTTRACK = re.compile(r"<!--\s{0,99}Mirrored from (\S{1,4096}) by HTTrack")
_LINK = re.compile(r"<(?:link|meta)\b[^<>]{0,4096}+>", re.I)
_ATTRIBUTE = re.compile(
    r"([a-z:_-]{1,32})\s{0,9}=\s{0,9}(?:\"([^\"]{0,4096})\"|'([^']{0,4096})'|([^\s\"'>]{1,4096}))", re.I
)
_SECOND = re.compile(r"#\d+\Z")  # of two members of one name
_WEB = ("http://", "https://")


def read(path: Place, source: HtmlSource) -> Iterator[Record]:
    """Every page of one file or archive; memory: one page."""
    gate = UrlGate(source.urls)
    if is_archive(path):
        for member in members(path, lambda name: name.lower().endswith((*PAGES, *MHTML)), source.max_record):
            if isinstance(member, Member):
                if (reason := guard.begin(member.name)) is not None:
                    yield quarantine(member.name, reason, GIVEN_UP, member.data)
                else:
                    suffix = PurePosixPath(_SECOND.sub("", member.name)).suffix.lower()
                    yield from _pages(member.data, suffix, member.name, source, gate)
            else:
                yield member
        return
    stream = Stream(path)
    data = read_whole(stream, source.max_record)
    if data is None:
        yield quarantine(0, "too_large", f"more than {source.max_record:,} bytes in one page")
        return
    if data or stream.tail is None:
        yield from _pages(data, bare_suffix(path), 0, source, gate)
    if stream.tail is not None:
        yield quarantine("tail", "unreadable_tail", stream.tail.detail, stream.tail.data)


def _pages(
    data: bytes, suffix: str, offset: int | str, source: HtmlSource, gate: UrlGate
) -> Iterator[Record]:
    if not data.strip():
        yield Gated(offset, "empty")
    elif suffix in MHTML:
        yield from _mhtml(data, offset, source, gate)
    else:
        yield _page(data, None, "", offset, source, gate)


def _page(
    data: bytes, charset: str | None, location: str, offset: int | str, source: HtmlSource, gate: UrlGate
) -> Record:
    """`location`: where the page is from, as far as that is known without looking into it."""
    if is_binary(data):
        return quarantine(offset, "not_text", f"begins with {data[:4]!r}, which is no page", data)
    try:
        page, utf8 = decoded_page(data, charset)
    except UndecodableError as error:
        return quarantine(offset, "encoding", str(error), data)
    url = address_in(page, location)
    if url and (reason := gate.listed(url) or gate.beyond_limit(url, offset)) is not None:
        return Gated(offset, reason)
    return page_record(page, utf8, offset, {"url": gate.address(url)} if url else {}, source, data)


def address_in(page: str, location: str = "") -> str:
    """The address that a page gives as its own; `location` where it gives none."""
    head = page[:_HEAD]
    for comment in (_SAVED, _SINGLE_FILE, _HTTRACK):
        if not location and (found := comment.search(head)) is not None:
            saved = found[1] if "://" in found[1] or comment is not _HTTRACK else f"http://{found[1]}"
            location = unescape(saved) if saved.lower().startswith(_WEB) else ""
    named = ""
    for tag in _LINK.findall(head):
        values = {
            name.lower(): double or single or bare for name, double, single, bare in _ATTRIBUTE.findall(tag)
        }
        if "canonical" in values.get("rel", "").lower().split():
            named = values.get("href", "")
            break
        if values.get("property", "").lower() == "og:url":
            named = named or values.get("content", "")
    try:
        named = urljoin(location, unescape(named).strip()) if named else ""
        urlsplit(named)
    except ValueError:
        named = ""
    return named if named.lower().startswith(_WEB) else location


# ---------------------------------------------------------------- MHTML


def _mhtml(data: bytes, offset: int | str, source: HtmlSource, gate: UrlGate) -> Iterator[Record]:
    """RFC 2557: a mail whose parts are the page and what it shows."""
    try:
        message = email.message_from_bytes(data, policy=email.policy.compat32)
        parts = html_parts(message)
    except (ValueError, RecursionError, LookupError) as error:
        yield quarantine(offset, "mhtml", f"not a whole MHTML file: {error}", data)
        return
    if not parts:
        yield quarantine(offset, "mhtml", "no HTML part in it", data)
        return
    for number, part in enumerate(parts):
        if number:
            yield Gated(f"{offset}.{number}", "frame")
            continue
        location = location_of(part, message)
        try:
            body = part.get_payload(decode=True)
        except (ValueError, LookupError) as error:
            yield quarantine(offset, "mhtml", f"the HTML part does not decode: {error}", data)
            continue
        if not isinstance(body, bytes) or not body.strip():
            yield Gated(offset, "empty")
            continue
        yield _page(body, part.get_content_charset(), location, offset, source, gate)


def location_of(part: Message, message: Message) -> str:
    """The web address that a part of an MHTML file was saved from; empty where it names none."""
    location = str(part.get("Content-Location") or message.get("Snapshot-Content-Location") or "").strip()
    return location if location.lower().startswith(_WEB) else ""


def html_parts(message: Message) -> list[Message]:
    """The parts that are pages, the first of which is the page shown. ValueError where there are too many."""
    found = []
    for number, part in enumerate(message.walk()):
        if number >= MAX_PARTS:
            raise ValueError(f"more than {MAX_PARTS:,} parts")
        if part.get_content_type() in ("text/html", "application/xhtml+xml"):
            found.append(part)
    return found
