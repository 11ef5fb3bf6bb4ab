"""What a server sent, as a web archive keeps it, to a document: HTTP, content codings, charset, text.

The URL is asked about before anything costly: which page is worth its extraction is for the source's `urls` to say.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from headwater.recipe.sources import WarcSource
from headwater.sources.encoding import UndecodableError, decoded_page
from headwater.sources.extract.page import MAX_TAGS, html_record
from headwater.sources.records import Found, Gated, Record, quarantine
from headwater.sources.streams import unpack
from headwater.sources.urls import UrlGate

HTML = ("text/html", "application/xhtml+xml")
PLAIN = "text/plain"
MORE = 1 << 14
_CODINGS = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate", "br": "br", "zstd": "zstd"}
_HEAD = re.compile(rb"^[\s\xef\xbb\xbf]*<(?:!doctype html|html|head|body|title|meta|!--)", re.I)
_NOAI = re.compile(r"noai|noimageai|tdm-reservation", re.I)


@dataclass(frozen=True)
class Payload:
    """What a server sent, decoded. `truncated`: why the crawler cut it, if it did."""

    page: str  # markup, or plain text
    utf8: bytes  # the same
    media: str
    fields: dict[str, str]
    body: bytes
    truncated: str


def document_of_payload(
    record: Any, kind: str, offset: int | str, source: WarcSource, gate: UrlGate
) -> Record:
    """`record`: a frozen fastwarc record of the type `kind` (response, resource or conversion)."""
    found = payload_of(record, kind, offset, source, gate)
    if not isinstance(found, Payload):
        return found
    if found.media == PLAIN:
        meta = {"truncated": found.truncated} if found.truncated else {}
        return Found(offset, found.page, found.fields, meta)
    return page_record(
        found.page, found.utf8, offset, found.fields, source, found.body, truncated=found.truncated
    )


def payload_of(
    record: Any, kind: str, offset: int | str, source: WarcSource, gate: UrlGate
) -> Payload | Record:
    """What the record holds, before its text is taken out; a Record where it is no document."""
    url = (record.headers.get("WARC-Target-URI") or "").strip().removeprefix("<").removesuffix(">")
    fields = {"url": gate.address(url), "date": record.headers.get("WARC-Date") or ""}
    truncated = record.headers.get("WARC-Truncated") or ""
    content_type, charset, coding = record.headers.get("Content-Type") or "", None, ""
    if kind == "response":
        if not content_type.lower().startswith("application/http"):
            return Gated(offset, "content_type")
        try:
            record.parse_http(auto_decode="transfer")
        except (OSError, ValueError) as error:
            return quarantine(offset, "http_header", f"{url}: {error}")
        headers = record.http_headers
        if headers is None or headers.status_code is None:
            return quarantine(offset, "http_header", f"{url}: no HTTP status line")
        if headers.status_code != 200:
            return Gated(offset, "http_status")
        content_type = headers.get("Content-Type") or ""
        charset, coding = record.http_charset, headers.get("Content-Encoding") or ""
        consent = f"{headers.get('X-Robots-Tag') or ''} {headers.get('TDM-Reservation') or ''}".strip()
        fields["consent"] = consent if _NOAI.search(consent) or headers.get("TDM-Reservation") else ""
    elif kind == "resource" and not url.lower().startswith(("http:", "https:")):
        return Gated(offset, "record_type")  # what a crawler says of itself
    elif kind == "conversion":
        fields["language"] = record.headers.get("WARC-Identified-Content-Language") or ""
    media = content_type.partition(";")[0].strip().lower()
    wanted = (PLAIN,) if source.text == "wet" else (*HTML, PLAIN)
    if media and media not in wanted:
        return Gated(offset, "content_type")
    if (reason := gate.listed(url)) is not None:
        return Gated(offset, reason)
    try:
        body = _body(record, source.max_record + 1)
    except (OSError, ValueError) as error:
        return quarantine(offset, "content_encoding", f"{url}: {error}")
    if coding:
        body, problem = undo_codings(body, coding, source.max_record)
        if problem:
            return quarantine(offset, "content_encoding", f"{url}: {problem}", body)
    if len(body) > source.max_record:
        return quarantine(offset, "too_large", f"{url}: more than {source.max_record:,} bytes", body)
    if not body.strip():
        return Gated(offset, "empty")
    if not media:
        media = HTML[0] if _HEAD.match(body[:512]) else "unknown"
    if media not in wanted or is_binary(body):
        return Gated(offset, "content_type")
    if (reason := gate.beyond_limit(url, offset)) is not None:
        return Gated(offset, reason)
    try:
        page, utf8 = decoded_page(body, charset)
    except UndecodableError as error:
        return quarantine(offset, "encoding", f"{url}: {error}", body)
    fields = {name: value for name, value in fields.items() if value}
    return Payload(page, utf8, media, fields, body, truncated)


def _body(record: Any, limit: int) -> bytes:
    """At most `limit` bytes. The reader makes room for all that it is asked for, so it is asked for what there is."""
    body: bytes = record.reader.read(min(limit, record.content_length))
    while len(body) < limit and (more := record.reader.read(min(limit - len(body), MORE))):
        body += more
    return body


def page_record(
    page: str,
    utf8: bytes,
    offset: int | str,
    fields: dict[str, str],
    source: Any,
    body: bytes,
    *,
    truncated: str = "",
) -> Record:
    """An HTML page's text. `utf8`: the page in UTF-8. `source`: with `text` of `main` or `all`. `body`: what is kept if
    it fails. `truncated`: why the crawler cut it, if it did."""
    tags = int(np.count_nonzero(np.frombuffer(utf8, np.uint8) == ord("<")))
    if tags > MAX_TAGS:
        url = fields.get("url", "")
        return quarantine(offset, "too_large", f"{url}: {tags:,} tags; at most {MAX_TAGS:,}", body)
    record = html_record(page, offset, fields, source.text, body, utf8)
    if truncated and isinstance(record, Found):
        return Found(record.offset, record.text, record.fields, {**record.meta, "truncated": truncated})
    return record


def undo_codings(body: bytes, codings: str, limit: int) -> tuple[bytes, str]:
    """A body without its content codings (RFC 9110, 8.4), a little above `limit` bytes of it at most, however small
    the input that holds more; and what is wrong with it. Archives of crawlers that undid the coding themselves
    may still name it: bytes that are plainly not gzip stand as they are. Of a body that the server broke off, what
    came is its text."""
    for name in reversed(codings.lower().split(",")):
        name = name.strip()
        if (
            not body
            or name in ("", "identity")
            or (name in ("gzip", "x-gzip") and not body.startswith(b"\x1f\x8b"))
        ):
            continue
        if (kind := _CODINGS.get(name)) is None:
            return body, f"content coding {name!r} is not known"
        coded = body
        body, tail = unpack(coded, kind, limit)
        if tail is not None and not (tail.after_end or (tail.cut and body)):
            return coded, tail.detail
    return body, ""


def is_binary(body: bytes) -> bool:
    """Payloads that are no text whatever their type says. UTF-16 is text half of which is NULs, regularly."""
    head = body[:4096]
    return head.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"%PDF", b"PK\x03\x04")) or (
        head.count(0) > len(head) // 100 and not head.startswith((b"\xff\xfe", b"\xfe\xff")) and
        not (head[0::2].count(0) == 0 or head[1::2].count(0) == 0)
    )  # fmt: skip
