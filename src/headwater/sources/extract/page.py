"""An HTML page to a document: its visible text, and what it says of itself.

`text: main` is a page's main text (`main_text.py`), `text: all` the text of all its blocks. The date is the one that the
page gives itself; the day on which it was fetched stands for it where it gives none.
"""

import re
from typing import Literal

from headwater.sources.extract.main_text import all_text, main_text
from headwater.sources.extract.metadata import metadata_of
from headwater.sources.records import Found, Gated, Record, quarantine

# Scanning takes about 200 bytes an element, so that a page of nothing but tags would take 60 times its size.
MAX_TAGS = 1_000_000
_NO_TEXT = re.compile(
    r"<(script|style|template|noscript|head)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.I | re.S
)


def html_record(
    page: str,
    offset: int | str,
    fields: dict[str, str],
    wanted: Literal["main", "all"],
    body: bytes = b"",
    utf8: bytes | None = None,
) -> Record:
    """A page's text, with what the page says of itself added to `fields`. `body`: what is kept if it fails; `utf8`: the
    page in UTF-8, where that is at hand."""
    if utf8 is None:
        utf8 = page.encode("utf-8", "replace")
    extracted = main_text(utf8) if wanted == "main" else all_text(utf8)
    if not extracted.text.strip():
        if extracted.blocks:
            return Gated(offset, "no_main_text")
        if any(character.isalnum() for character in _without_markup(page)):
            return quarantine(
                offset, "extract_empty", f"{fields.get('url', '')}: text in the page, none extracted", body
            )
        return Gated(offset, "empty")
    said = metadata_of(page, utf8)
    canonical = said.pop("url", "")
    if fields.get("consent") and said.get("consent"):
        said["consent"] = f"{fields['consent']} {said['consent']}"
    meta = {"canonical": canonical} if canonical and canonical != fields.get("url", canonical) else {}
    if "date" in said and "date" in fields:
        meta["crawled"] = fields["date"]
    return Found(offset, extracted.text, {"url": canonical} | fields | said, meta)


def _without_markup(page: str) -> str:
    return re.sub(r"(?i)<(?=[a-z/!?])[^>]*+(?:>|\Z)|&\w+;", " ", _NO_TEXT.sub(" ", page))
