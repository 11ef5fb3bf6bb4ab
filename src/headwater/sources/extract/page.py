"""A WARC record's payload to a document: HTTP, charset, visible text.

`text: main` is a page's main text (`main_text.py`), `text: all` the text of all its blocks. The date is the one that the
page gives itself; the day on which it was fetched stands for it where it gives none. Chinese pages: the charset comes
from the header, then `<meta>`, then detection (`encoding.py`).
"""

import re
from typing import Any, Literal

from headwater.recipe.sources import WarcSource
from headwater.sources.encoding import UndecodableError, decode_page
from headwater.sources.extract.main_text import all_text, main_text
from headwater.sources.extract.metadata import metadata_of
from headwater.sources.records import Found, Gated, Record, quarantine
from headwater.sources.streams import unpack

HTML = ("text/html", "application/xhtml+xml")
PLAIN = "text/plain"
# Scanning takes about 200 bytes an element, so that a page of nothing but tags would take 60 times its size.
MAX_TAGS = 1_000_000
_CODINGS = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate", "br": "br", "zstd": "zstd"}

_HEAD = re.compile(rb"^[\s\xef\xbb\xbf]*<(?:!doctype html|html|head|body|title|meta|!--)", re.I)
_NO_TEXT = re.compile(
    r"<(script|style|template|noscript|head)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.I | re.S
)
_NOAI = re.compile(r"noai|noimageai|tdm-reservation", re.I)


def document_of_payload(record: Any, kind: str, offset: int | str, source: WarcSource) -> Record:
    """`record`: a frozen fastwarc record of the type `kind` (response, resource or conversion)."""
    url = (record.headers.get("WARC-Target-URI") or "").strip().removeprefix("<").removesuffix(">")
    fields = {"url": url, "date": record.headers.get("WARC-Date") or ""}
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
    try:
        body: bytes = record.reader.read(source.max_record + 1)
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
    media = content_type.partition(";")[0].strip().lower()
    if not media:
        media = HTML[0] if _HEAD.match(body[:512]) else "unknown"
    if media not in (*HTML, PLAIN) or _binary(body):
        return Gated(offset, "content_type")
    try:
        page = decode_page(body, charset)
    except UndecodableError as error:
        return quarantine(offset, "encoding", f"{url}: {error}", body)
    fields = {name: value for name, value in fields.items() if value}
    if media == PLAIN:
        return Found(offset, page, fields)
    if (tags := page.count("<")) > MAX_TAGS:
        return quarantine(offset, "too_large", f"{url}: {tags:,} tags; at most {MAX_TAGS:,}", body)
    return html_record(page, offset, fields, source.text, body)


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


def _binary(body: bytes) -> bool:
    """Payloads that are no text whatever their type says. UTF-16 is text half of which is NULs, regularly."""
    head = body[:4096]
    return head.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"%PDF", b"PK\x03\x04")) or (
        head.count(0) > len(head) // 100 and not head.startswith((b"\xff\xfe", b"\xfe\xff")) and
        not (head[0::2].count(0) == 0 or head[1::2].count(0) == 0)
    )  # fmt: skip


def html_record(
    page: str, offset: int | str, fields: dict[str, str], wanted: Literal["main", "all"], body: bytes = b""
) -> Record:
    """A page's text, with what the page says of itself added to `fields`. `body`: what is kept if it fails."""
    extracted = main_text(page) if wanted == "main" else all_text(page)
    if not extracted.text.strip():
        if extracted.blocks:
            return Gated(offset, "no_main_text")
        if any(character.isalnum() for character in _without_markup(page)):
            return quarantine(
                offset, "extract_empty", f"{fields.get('url', '')}: text in the page, none extracted", body
            )
        return Gated(offset, "empty")
    said = metadata_of(page)
    canonical = said.pop("url", "")
    if fields.get("consent") and said.get("consent"):
        said["consent"] = f"{fields['consent']} {said['consent']}"
    meta = {"canonical": canonical} if canonical and canonical != fields.get("url", canonical) else {}
    if "date" in said and "date" in fields:
        meta["crawled"] = fields["date"]
    return Found(offset, extracted.text, {"url": canonical} | fields | said, meta)


def _without_markup(page: str) -> str:
    return re.sub(r"(?i)<(?=[a-z/!?])[^>]*+(?:>|\Z)|&\w+;", " ", _NO_TEXT.sub(" ", page))
