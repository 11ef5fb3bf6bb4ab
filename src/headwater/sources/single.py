"""One page as it stands, before its text is taken out: of the web, of a saved file, or of a record of an archive.

A page of the web goes through a record of a web archive, so that it is read as `fetch pages` and the kind `warc`
would read it. A record is named as documents are: `crawl.warc.gz#OFFSET`.
"""

import email
import email.policy
import io
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from headwater.errors import HeadwaterError
from headwater.recipe.quantities import show_size
from headwater.recipe.sources import WarcSource
from headwater.sources.encoding import UndecodableError, decode_page
from headwater.sources.extract.page import MAX_TAGS
from headwater.sources.fetch.connection import Answer
from headwater.sources.fetch.single import fetch_page
from headwater.sources.fetch.warc_writer import WarcWriter
from headwater.sources.framing import ShortError, Tap, archive_records, declared_length, record_of
from headwater.sources.html import MHTML, PAGES, address_in, html_parts, location_of
from headwater.sources.payload import PLAIN, Payload, is_binary, payload_of
from headwater.sources.places import Place, open_binary, place_of
from headwater.sources.records import Gated, Quarantined, Record
from headwater.sources.streams import Stream, bare_suffix, read_whole
from headwater.sources.urls import UrlGate
from headwater.sources.warc import framed

MAX_BYTES = 16 << 20
_WEB = re.compile(r"https?://", re.I)
_ARCHIVE = re.compile(r"\.w?arc(?:\.(?:gz|zst|lz4|bz2))?(?:#|\Z)", re.I)
# What a user is told of a record that is none; the reasons of payload.py.
_NO_PAGE = {
    "record_type": "it is a record about the crawl, not a page",
    "http_status": "the server answered with another status than 200",
    "content_type": "it is no HTML page",
    "empty": "it is empty",
    "wat_metadata": "it is metadata of a page, whose text is in the WARC",
}


@dataclass(frozen=True)
class Page:
    """`fields`: what the server or the archive says of it (url, date, consent)."""

    place: str  # what it was asked for by
    markup: str
    fields: dict[str, str]
    truncated: str = ""


def names_page(argument: str) -> bool:
    """Whether it names one page: a web address, a saved page or an archive's record."""
    if _WEB.match(argument) or _ARCHIVE.search(argument):
        return True
    return bare_suffix(place_of(argument)) in (*PAGES, *MHTML)


def page_at(argument: str, **manners: Any) -> Page:
    """The page that `argument` names; HeadwaterError where there is none. `manners`: as of `fetch_page`."""
    if _WEB.match(argument):
        page = _answered(argument, fetch_page(argument, max_bytes=MAX_BYTES, **manners))
    elif _ARCHIVE.search(argument):
        page = _recorded(argument)
    else:
        page = _saved(argument)
    if (tags := page.markup.count("<")) > MAX_TAGS:
        raise HeadwaterError(f"{argument}: {tags:,} tags; a page has at most {MAX_TAGS:,}")
    return page


def _answered(url: str, answer: Answer) -> Page:
    file = io.BytesIO()
    WarcWriter(file).exchange(answer)
    file.seek(0)
    wanted = _Wanted("0")
    record = next(archive_records(file))
    wanted(record, 0, declared_length(record))
    return wanted.page(url)


# ---------------------------------------------------------------- archives


class _Wanted:
    """Takes the one record at an offset, as the kind `warc` would; leaves the others unread."""

    def __init__(self, offset: str) -> None:
        self.offset = offset
        self.found: Payload | Record | None = None
        source = WarcSource(name="page", kind="warc", paths=["page"], max_record=MAX_BYTES)
        self._record_of = partial(record_of, source=source, gate=UrlGate(None), document=self._take)

    def __call__(self, record: Any, offset: int | str, declared: int) -> Record:
        if str(offset) != self.offset:
            return Gated(offset, "not_asked_for")
        outcome = self._record_of(record, offset, declared)
        self.found = self.found or outcome
        return outcome

    def _take(self, record: Any, kind: str, offset: int | str, source: WarcSource, gate: UrlGate) -> Record:
        found = payload_of(record, kind, offset, source, gate)
        if not isinstance(found, Payload):
            return found
        self.found = found
        return Gated(offset, "taken")

    def page(self, place: str) -> Page:
        found = self.found
        if isinstance(found, Payload) and found.media != PLAIN:
            return Page(place, found.page, found.fields, found.truncated)
        if isinstance(found, Payload):
            raise HeadwaterError(f"{place} is plain text, all of which is its text")
        if isinstance(found, Quarantined):
            raise HeadwaterError(f"{place}: {found.reason}: {found.detail}")
        reason = found.reason if isinstance(found, Gated) else "no record"
        raise HeadwaterError(f"{place} is no page: {_NO_PAGE.get(reason, reason)}")


def _recorded(argument: str) -> Page:
    name, _, offset = argument.rpartition("#")
    if not name:
        raise HeadwaterError(
            f"{argument} is an archive of many pages; name one of its records: {argument}#OFFSET, as the column "
            "`locator` of `headwater sql` does"
        )
    place, wanted = place_of(name), _Wanted(offset)
    if isinstance(place, Path) and not place.is_file():
        raise HeadwaterError(f"there is no file {name}")
    if not (offset.isascii() and offset.isdigit() and _seek(place, int(offset[:18]), wanted)):
        for record in framed(place, MAX_BYTES, wanted):
            if wanted.found is None and isinstance(record, Quarantined) and str(record.offset) == offset:
                wanted.found = record
            if wanted.found is not None:
                break
    if wanted.found is None:
        raise HeadwaterError(
            f"{name} has no record at {offset!r}; `headwater sql` shows the locators there are"
        )
    return wanted.page(argument)


def _seek(place: Place, offset: int, wanted: _Wanted) -> bool:
    """Reads the record at a byte of the file, without those before it; False where that cannot be done."""
    try:
        with open_binary(place) as file:
            if offset >= file.seek(0, io.SEEK_END):
                return False
            record = next(archive_records(Tap(file, offset)), None)
            if record is None or record.stream_pos != offset:
                return False
            wanted(record, offset, declared_length(record))
    except (OSError, ValueError, ShortError):
        return False
    return wanted.found is not None


# ---------------------------------------------------------------- saved pages


def _saved(argument: str) -> Page:
    place = place_of(argument)
    if isinstance(place, Path) and not place.is_file():
        raise HeadwaterError(f"there is no file {argument}")
    stream = Stream(place)
    data = read_whole(stream, MAX_BYTES)
    if data is None:
        raise HeadwaterError(f"{argument}: more than {show_size(MAX_BYTES)} in one page")
    if stream.tail is not None:
        raise HeadwaterError(f"{argument}: {stream.tail.detail}")
    charset, location = None, ""
    try:
        if bare_suffix(place) in MHTML:
            message = email.message_from_bytes(data, policy=email.policy.compat32)
            part = next(iter(html_parts(message)), None)
            body = None if part is None else part.get_payload(decode=True)
            if part is None or not isinstance(body, bytes):
                raise HeadwaterError(f"{argument}: no HTML part in it")
            data, charset, location = body, part.get_content_charset(), location_of(part, message)
        if is_binary(data):
            raise HeadwaterError(f"{argument} begins with {data[:4]!r}, which is no page")
        markup = decode_page(data, charset)
    except UndecodableError as error:
        raise HeadwaterError(f"{argument}: {error}") from error
    except (ValueError, RecursionError, LookupError) as error:
        raise HeadwaterError(f"{argument}: not a whole MHTML file: {error}") from error
    url = address_in(markup, location)
    return Page(argument, markup, {"url": url} if url else {})
