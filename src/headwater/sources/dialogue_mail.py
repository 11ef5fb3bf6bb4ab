"""Mailboxes: mbox files of mailing lists (RFC 4155 and its dialects) and single messages (.eml).

A message is a document: its plain text, or its HTML turned into text where there is none. What it quotes of the
message before, its signature and the list's footer are cut (`quotes: keep`, `signatures: keep`); attachments are
gated. Headers and bodies are decoded by what they declare, read as its superset (GB2312 as GB18030), and by detection
where that is false. The unit is the thread, by References and In-Reply-To of the message and of those before it in
the file, so that a message and the replies that quote it do not part between training and held-out text.
"""

import binascii
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import HeaderParseError, MessageError
from email.header import decode_header
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime
from typing import Any, TypeAlias

from headwater.engine import guard
from headwater.recipe.sources import DialogueSource
from headwater.sources.encoding import UndecodableError, codec, decode, decode_page
from headwater.sources.extract.posts import text_of_post
from headwater.sources.records import GIVEN_UP, KEPT_BYTES, MAX_RECORD, Found, Gated, Record, quarantine
from headwater.sources.streams import Line, Stream, lines

Letter: TypeAlias = "Message[str, str]"
MAX_PARTS = 1000
MAX_THREADS = 100_000  # messages whose thread is remembered
MAX_DEPTH = 30  # of parts within parts
_FROM = re.compile(rb"From .{1,300}?\d{1,2}:\d\d(?::\d\d)?.{0,40}\d{4}(?: remote from .{0,100})?\s*$")
_HEADER = re.compile(rb"[!-9;-~]{1,200}[ \t]*:|>?From ")
_ID = re.compile(r"<([^<>\s]{1,400})>")
_WROTE = re.compile(
    r"(?:wrote|writes|said|写道|寫道|說道|schrieb|a écrit|escribió|написал)[^\n]{0,80}[:：]\s*$|^(?:于|在|On) .{5,200}[:：]\s*$",
    re.I,
)
_BEGINS = re.compile(
    r"On |在|于|Am |Le |El |\d{4}[-/年]|[\"“]?[A-Z][^<>\n]{0,80}<?[^<>\n]{0,80}>?,? (?:wrote|writes)"
)
_FORWARDED = re.compile(
    r"^(?:-{2,} ?(?:Original Message|Forwarded message|原始邮件|原始郵件|转发邮件|Ursprüngliche Nachricht) ?-{2,}|_{20,})\s*$",
    re.I,
)
_SENDER = re.compile(r"^\*?(?:From|发件人|寄件者|寄件人|Von|De)\*?\s*[:：]", re.I)
_FOOTER = re.compile(r"mailing list|mailman|unsubscribe|邮件列表|To post to this|subscribe@", re.I)
_PGP = re.compile(r"^-----(BEGIN|END) PGP (SIGNED MESSAGE|SIGNATURE)-----\s*$")


def read(stream: Stream, suffix: str, source: DialogueSource) -> Iterator[Record]:
    """Every message of a mailbox, or the one of an .eml file."""
    found = 0
    threads: dict[str, str] = {}
    for offset, data, length in _messages(
        lines(stream.blocks(), MAX_RECORD, KEPT_BYTES), single=suffix == ".eml"
    ):
        found += 1
        if length > MAX_RECORD:
            yield quarantine(offset, "too_large", f"byte {offset}: {length:,} bytes in one message", data)
        elif (reason := guard.begin(f"message {offset}")) is not None:
            yield quarantine(offset, reason, GIVEN_UP, data)
        else:
            yield from _records(offset, data, source, threads)
    if stream.tail is not None:
        yield quarantine("tail", "unreadable_tail", stream.tail.detail, stream.tail.data)
    elif not found:
        yield Gated(0, "empty")


def _messages(found: Iterator[Line], *, single: bool) -> Iterator[tuple[int, bytes, int]]:
    """(offset, bytes, length) of each message; of one that is too long the beginning. A "From " line begins one
    where it stands first or behind an empty line, ends with a time and a year, and a header follows it."""
    held: list[bytes] = []
    offset = length = 0
    empty, waiting = True, None  # whether the line above is empty; a "From " line that may begin a message
    for line in found:
        data = line.data + b"\n"
        if waiting is not None:
            if _HEADER.match(data):
                if length and b"".join(held).strip():
                    yield offset, b"".join(held), length
                held, offset, length = [], waiting.offset, 0
            else:
                held.append(waiting.data + b"\n")
                length += waiting.length + 1
            waiting = None
        if empty and not single and _FROM.match(line.data):
            waiting = line
            continue
        empty = not line.data.strip()
        length += line.length + 1
        if length <= MAX_RECORD:
            held.append(data)
        elif len(held) > 1:
            held = [b"".join(held)[:KEPT_BYTES]]
    if waiting is not None:
        held.append(waiting.data)
    if b"".join(held).strip():
        yield offset, b"".join(held), length


def _records(offset: int, data: bytes, source: DialogueSource, threads: dict[str, str]) -> Iterator[Record]:
    """`threads`: of the messages so far, the first of their thread."""
    try:
        message = message_from_bytes(data)
        texts: list[str] = []
        gated: list[str] = []
        _walk(message, texts, gated, 0)
    except UndecodableError as error:
        yield quarantine(offset, "encoding", f"byte {offset}: {error}", data)
        return
    except (
        MessageError,
        RecursionError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        IndexError,
    ) as error:
        yield quarantine(offset, "mail_syntax", f"byte {offset}: {type(error).__name__}: {error}", data)
        return
    for number, reason in enumerate(gated):
        yield Gated(f"{offset}.{number}", reason)
    headers = {name.lower(): value for name, value in reversed([*message.raw_items()])}
    unit = _thread(headers, threads)
    if not headers:
        yield quarantine(offset, "mail_syntax", f"byte {offset}: no headers", data)
        return
    body = "\n\n".join(texts)
    text, cut = without_reply(_ESCAPED_TEXT.sub(r"\1", body), source)
    if not text.strip():
        yield Gated(offset, "only_quotes" if body.strip() else "empty")
        return
    yield Found(
        offset, text, _fields(headers) | ({"unit": unit} if unit else {}), _meta(headers, cut, len(gated))
    )


_ESCAPED_TEXT = re.compile(r"^>(>*From )", re.M)


def _walk(part: Letter, texts: list[str], gated: list[str], depth: int) -> None:
    """The texts of a message in order; of alternatives the plain one."""
    if depth > MAX_DEPTH or len(texts) + len(gated) > MAX_PARTS:
        raise ValueError("more parts than a letter has")
    kind = part.get_content_type()
    if part.is_multipart() and kind != "message/rfc822":
        children = [child for child in part.get_payload() if isinstance(child, Message)]
        if kind == "multipart/alternative":
            plain = [child for child in children if child.get_content_type() == "text/plain"]
            if any(_text(child).strip() for child in plain):
                children = plain
            else:  # the last is the richest that is text
                readable = [c for c in children if c.get_content_maintype() in ("text", "multipart")]
                children = readable[-1:] or children
        for child in children:
            _walk(child, texts, gated, depth + 1)
    elif kind in ("text/plain", "text/html") and part.get_content_disposition() != "attachment":
        texts.append(_text(part))
    else:
        gated.append("attachment")


def _text(part: Letter) -> str:
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    charset = _clean_charset(part)
    if part.get_content_type() == "text/html":
        return text_of_post(_without_comments(decode_page(data, charset)))
    return _decoded(data, charset)


def _clean_charset(part: Letter) -> str | None:
    try:
        return part.get_content_charset()
    except (UnicodeError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _decoded(data: bytes, charset: str | None) -> str:
    """By what is declared where that is sound, else by detection; a few broken bytes are replaced."""
    name = codec(charset) if charset else None
    if name is not None and not (name == "cp1252" and not data.isascii()):
        try:
            return data.decode(name)
        except (UnicodeError, ValueError):
            pass
    try:
        return decode(data)
    except UndecodableError:
        for known in (name, "utf-8"):
            if known is not None:
                text = data.decode(known, "replace")
                if text.count("\ufffd") * 100 <= len(text):
                    return text
        raise


def _without_comments(page: str) -> str:
    parts, position = [], 0
    while (start := page.find("<!--", position)) >= 0:
        parts.append(page[position:start])
        end = page.find("-->", start)
        if end < 0:
            return "".join(parts)
        position = end + 3
    return "".join((*parts, page[position:]))


# ---------------------------------------------------------------- headers


def header_text(value: Any) -> str:
    """A header's text: RFC 2047 words decoded, raw 8-bit bytes by detection, folded lines unfolded."""
    raw = str(value).encode("utf-8", "surrogateescape")
    plain = raw.decode("ascii") if raw.isascii() else _lenient(raw, None)
    parts = []
    try:
        for part, charset in decode_header(plain):
            parts.append(part if isinstance(part, str) else _lenient(part, charset))
    except (HeaderParseError, binascii.Error, ValueError):
        return " ".join(plain.split())
    return " ".join("".join(parts).split())


def _lenient(data: bytes, charset: str | None) -> str:
    try:
        return _decoded(data, charset)
    except UndecodableError:
        return data.decode("utf-8", "replace")


def _thread(headers: dict[str, Any], threads: dict[str, str]) -> str:
    """The first message of a message's thread, as far as it and the messages before it tell."""
    ids = [
        found
        for name in ("references", "in-reply-to", "message-id")
        for found in _ID.findall(str(headers.get(name, "")))
    ]
    if not ids:
        return ""
    first = next((threads[name] for name in ids if name in threads), ids[0])
    for name in ids[-20:]:
        threads.setdefault(name, first)
    while len(threads) > MAX_THREADS:
        del threads[next(iter(threads))]
    return first


def _fields(headers: dict[str, Any]) -> dict[str, str]:
    name, address = parseaddr(header_text(headers.get("from", "")))
    own = _ID.findall(str(headers.get("message-id", "")))
    fields = {
        "title": header_text(headers.get("subject", "")),
        "date": _date(header_text(headers.get("date", ""))),
        "author": name or address,
        "source_id": own[0] if own else "",
        "language": header_text(headers.get("content-language", "")).partition(",")[0],
    }
    return {key: value for key, value in fields.items() if value}


def _date(value: str) -> str:
    try:
        return parsedate_to_datetime(value).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return value


def _meta(headers: dict[str, Any], cut: int, attachments: int) -> dict[str, Any]:
    meta = {
        "list": header_text(headers.get("list-id", "")),
        "in_reply_to": next(iter(_ID.findall(str(headers.get("in-reply-to", "")))), ""),
        "references": _ID.findall(str(headers.get("references", "")))[:20],
        "attachments": attachments,
        "cut_lines": cut,
    }
    return {key: value for key, value in meta.items() if value}


# ---------------------------------------------------------------- replies


def without_reply(text: str, source: DialogueSource) -> tuple[str, int]:
    """A body without what it quotes and its signature, and how many lines went."""
    shown = text.replace("\r\n", "\n").split("\n")
    before = len(shown)
    if source.signatures == "cut":
        shown = _without_signature(shown)
    if source.quotes == "cut":
        shown = _without_quotes(shown)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in shown)).strip("\n"), before - len(
        shown
    )


def _without_signature(shown: list[str]) -> list[str]:
    """Up to the last "-- ", without the list's footer and what PGP puts around a text."""
    for number in range(len(shown) - 1, -1, -1):
        if shown[number] in ("-- ", "--\u00a0") or (shown[number] == "--" and number >= len(shown) - 12):
            shown = shown[:number]
            break
    for number in range(len(shown) - 1, max(-1, len(shown) - 15), -1):
        rule = shown[number].strip()
        if (
            len(rule) >= 20
            and set(rule) <= {"_", "-", "="}
            and _FOOTER.search("\n".join(shown[number : number + 6]))
        ):
            shown = shown[:number]
            break
    kept, inside = [], ""
    for line in shown:
        if mark := _PGP.match(line):
            inside = mark[2] if mark[1] == "BEGIN" else ""
        elif inside == "SIGNED MESSAGE" and not line.strip():
            inside = ""
        elif not inside:
            kept.append(line)
    return kept


def _without_quotes(shown: list[str]) -> list[str]:
    kept: list[str] = []
    quoting = False
    for number, line in enumerate(shown):
        if line.startswith((">", " >", "| ", "＞")):
            if not quoting:
                _drop_attribution(kept)
            quoting = True
            continue
        if line.strip():
            quoting = False
        if _FORWARDED.match(line) and any(_SENDER.match(below) for below in shown[number + 1 : number + 4]):
            return kept
        if (
            _SENDER.match(line)
            and kept
            and any(
                re.match(r"\*?(?:Sent|To|Subject|发送时间|收件人|主题|日期|Date)\*?\s*[:：]", below, re.I)
                for below in shown[number + 1 : number + 4]
            )
        ):
            return kept
        kept.append(line)
    return kept


def _drop_attribution(kept: list[str]) -> None:
    """Takes away "On Monday, A. wrote:" above a quote, which may be two lines."""
    while kept and not kept[-1].strip():
        kept.pop()
    attributions = []
    for length in (1, 2, 3):
        above = kept[-length:]
        joined = " ".join(line.strip() for line in above)
        if (
            len(above) == length
            and all(line.strip() for line in above)
            and len(joined) < 300
            and _WROTE.search(joined)
        ):
            attributions.append(length)
            if _BEGINS.match(above[0].strip()):
                attributions = [length]
                break
    if attributions:
        del kept[-attributions[0] :]
