"""PDF to text: the characters and their boxes by PDFium, their order by us (pdf_layout.py, pdf_paragraphs.py).

PDFium was chosen by measurement (benchmarks/papers.py). It runs in this process: a file that makes it crash costs that
file, because the reader names it first (engine/guard.py). What it would unpack is measured before it is asked, since
it has no limit of its own below a gigabyte.
"""

import ctypes
import re
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from headwater.sources.extract.pdf_layout import Page, segments_of
from headwater.sources.extract.pdf_paragraphs import text_of

# Characters of one page and of one document; bytes that one stream and that all of them may unpack to.
PAGE_CHARACTERS, CHARACTERS = 300_000, 30_000_000
STREAM, STREAMS = 64 << 20, 1 << 30
MAX_STREAMS = 300_000
# Fewer characters a page than this, and pages are pictures.
FEW = 5
# Of a document's characters so many may lack a Unicode value (private use, control) before it is no text.
UNKNOWN = 0.2
_PASSWORD, _SECURITY = 4, 5  # FPDF_GetLastError
_STREAM = re.compile(rb"stream\r?\n")
_STAMP = re.compile(r"arXiv:(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})")
_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?")
_NO_TITLE = re.compile(
    r"(?i)untitled|microsoft|\.(?:docx?|tex|dvi|pdf|indd|qxd|rtf|ps)\b|use style|^(?:title|slide 1|paper title|template|document\d*)\b|\\"
)
_NO_AUTHOR = re.compile(
    r"(?i)^(?:ieee|acm|elsevier|springer|author|admin\w*|user|owner|unknown|administrator|\W*)$"
)


class PdfError(Exception):
    """Why a PDF gives no text; `reason` is the quarantine's."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True)
class Pdf:
    text: str
    title: str
    author: str
    date: str
    pages: int
    arxiv: str | None  # the identifier that arXiv stamps on the first page


def pdf_text(data: bytes, max_pages: int) -> Pdf:
    """A document's text in reading order. PdfError where there is none: encrypted, damaged, a scan, too large."""
    import pypdfium2

    check_streams(data)
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) in (_PASSWORD, _SECURITY):
            raise PdfError("encrypted", "needs a password") from error
        raise PdfError("damaged_pdf", str(error)) from error
    try:
        count = len(document)
        if count > max_pages:
            raise PdfError("too_large", f"{count:,} pages; max_pages is {max_pages:,}")
        pages, total = [], 0
        for number in range(count):
            page = _page(document, number)
            pages.append(page)
            total += page.characters
            if total > CHARACTERS:
                raise PdfError("too_large", f"more than {CHARACTERS:,} characters by page {number + 1:,}")
        information = {key: _information(document, key) for key in ("Title", "Author", "CreationDate")}
    except pypdfium2.PdfiumError as error:
        raise PdfError("damaged_pdf", str(error)) from error
    finally:
        document.close()
    return _result(pages, information)


def _result(pages: list[Page], information: dict[str, str]) -> Pdf:
    characters, unknown = sum(page.characters for page in pages), sum(page.unknown for page in pages)
    if unknown > UNKNOWN * max(1, characters):
        raise PdfError("no_text", f"{unknown:,} of {characters:,} characters have no Unicode value")
    if characters < FEW * len(pages) or not characters:
        raise PdfError("no_text", f"{characters:,} characters on {len(pages):,} pages: a scan, or pictures")
    text, largest = text_of(pages)
    if not any(character.isalnum() for character in text):
        raise PdfError("no_text", "no letter or digit on its pages")
    title = " ".join(information["Title"].split())
    title = title if title and not _NO_TITLE.search(title) else largest
    author = " ".join(information["Author"].split())
    author = "" if _NO_AUTHOR.search(author) else author
    date = _DATE.match(information["CreationDate"])
    stamp = _STAMP.search("\n".join(page.turned for page in pages[:1]))
    return Pdf(
        text, title, author, "-".join(part for part in date.groups() if part) if date else "", len(pages),
        stamp[1] if stamp else None,
    )  # fmt: skip


def _information(document: Any, key: str) -> str:
    """What a PDF says of itself; nothing where that is no text."""
    try:
        return str(document.get_metadata_value(key))
    except UnicodeDecodeError:
        return ""


def _page(document: Any, number: int) -> Page:
    """A page's characters with their boxes, cut into segments. A page that cannot be loaded has none."""
    import pypdfium2

    try:
        page = document[number]
    except pypdfium2.PdfiumError:
        return Page.empty(number)
    try:
        width, height = page.get_size()
        text = page.get_textpage()
        try:
            return segments_of(number, width, height, *_characters(text))
        finally:
            text.close()
    except pypdfium2.PdfiumError:
        return Page.empty(number)
    finally:
        page.close()


def _characters(text: Any) -> tuple[np.ndarray, np.ndarray, Any]:
    """Code points (n,), boxes (n, 4: left, top, right, bottom in points), and what asks for a character's angle."""
    from pypdfium2 import raw

    count = raw.FPDFText_CountChars(text)
    if count > PAGE_CHARACTERS:
        raise PdfError("too_large", f"{count:,} characters on one page")
    count = max(count, 0)
    boxes = np.zeros((count, 4), dtype=np.float32)
    ask = raw.FPDFText_GetLooseCharBox
    for place, rectangle in enumerate((raw.FS_RECTF * count).from_buffer(boxes) if count else ()):
        ask(text, place, rectangle)
    return _code_points(text, count), boxes, lambda place: raw.FPDFText_GetCharAngle(text, int(place))


def _code_points(text: Any, count: int) -> np.ndarray:
    """All at once where that keeps step with the characters, else one by one. Of a surrogate pair, which PDFium counts
    as two, the second becomes 0."""
    from pypdfium2 import raw

    codes: np.ndarray
    units = (ctypes.c_ushort * (count + 1))()
    if raw.FPDFText_GetText(text, 0, count, units) == count + 1:
        codes = np.frombuffer(bytes(units), dtype=np.uint16)[:count].astype(np.uint32)
    else:
        ask = raw.FPDFText_GetUnicode
        codes = np.array([ask(text, place) for place in range(count)], dtype=np.uint32)
    surrogates = (codes >= 0xD800) & (codes < 0xE000)
    if surrogates.any():
        pairs = np.nonzero((codes[:-1] & 0xFC00 == 0xD800) & (codes[1:] & 0xFC00 == 0xDC00))[0]
        whole = 0x10000 + ((codes[pairs] & 0x3FF) << 10) + (codes[pairs + 1] & 0x3FF)
        codes[surrogates] = 0xFFFD
        codes[pairs], codes[pairs + 1] = whole, 0
    return codes


def check_streams(data: bytes) -> None:
    """Unpacks what is compressed by Flate, once, twice or more often, without keeping it: PdfError "bomb" for more
    than STREAM bytes in a stream of page contents or objects, or STREAMS in all. Pictures are not unpacked for text."""
    total = 0
    for number, match in enumerate(_STREAM.finditer(data)):
        if number >= MAX_STREAMS:
            raise PdfError("too_large", f"more than {MAX_STREAMS:,} streams")
        head = data[max(0, match.start() - 400) : match.start()]
        head = head[max(head.rfind(b" obj"), head.rfind(b"endobj"), 0) :]
        if b"/Image" in head or data[match.end() : match.end() + 1] != b"\x78":
            continue
        filters = max(1, min(head.count(b"/FlateDecode") + head.count(b"/Fl "), 4))
        total += _unpacked(data, match.end(), filters)
        if total > STREAMS:
            raise PdfError("bomb", f"its streams hold more than {STREAMS:,} bytes")


def _unpacked(data: bytes, start: int, filters: int) -> int:
    machines = [zlib.decompressobj() for _ in range(filters)]
    size, place = 0, start
    try:
        while place < len(data) and not machines[0].eof:
            block, place = data[place : place + (1 << 16)], place + (1 << 16)
            while True:
                out = machines[0].decompress(block, 1 << 20)
                size += len(out)
                for machine in machines[1:]:
                    out = machine.decompress(out, STREAM + 1)
                    size += len(out)
                if size > STREAM:
                    raise PdfError(
                        "bomb", f"the stream at byte {start:,} unpacks to more than {STREAM:,} bytes"
                    )
                block = machines[0].unconsumed_tail
                if not block:
                    break
    except zlib.error:
        return size  # PDFium reads it as far as it goes, as we did
    return size
