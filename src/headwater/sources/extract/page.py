"""An HTML page to a document: its visible text, and what it says of itself.

`text: all` is every visible text of a page, `text: main` what resiliparse's rules take for its main content. Those
rules take time quadratic in nesting (a page nested 20,000 deep: 8 s), so a page nested deeper than MAX_DEPTH gets
all its text.
"""

import re
from typing import Any, Literal

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from headwater.sources.records import Found, Gated, Record, quarantine

MAX_DEPTH = 1000
# A parsed page takes about 350 bytes an element, so that a page of nothing but tags would take 100 times its size.
MAX_TAGS = 1_000_000
_NO_TEXT = re.compile(
    r"<(script|style|template|noscript|head)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.I | re.S
)
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)", re.I)
# Elements that never nest or whose end tag may be missing: counting them would overstate the depth.
_FLAT = re.compile(
    r"area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr|p|li|dt|dd|tr|td|th|tbody|thead|tfoot|"
    r"option|optgroup|colgroup|caption|rp|rt|html|head|body"
)
_META = re.compile(r"<meta\b[^>]{0,500}>", re.I)
_NOAI = re.compile(r"noai|noimageai|tdm-reservation", re.I)


def html_record(
    page: str, offset: int | str, fields: dict[str, str], wanted: Literal["main", "all"], body: bytes = b""
) -> Record:
    """A page's text, with what the page says of itself added to `fields`. `body`: what is kept if it fails."""
    tree = HTMLTree.parse(page)
    main = wanted == "main" and depth(page) <= MAX_DEPTH
    text = extract_plain_text(tree, main_content=main, alt_texts=False)
    if not text.strip():
        if main and extract_plain_text(tree, main_content=False, alt_texts=False).strip():
            return Gated(offset, "no_main_text")
        if any(character.isalnum() for character in _without_markup(page)):
            return quarantine(
                offset, "extract_empty", f"{fields.get('url', '')}: text in the page, none extracted", body
            )
        return Gated(offset, "empty")
    fields = {**fields, **_declared(tree, page)}
    return Found(offset, text, fields)


def _declared(tree: Any, page: str) -> dict[str, str]:
    """What a page says of itself: its title, its language, and that it is not for training."""
    declared = {}
    if tree.title:
        declared["title"] = tree.title
    root = tree.document.query_selector("html") if tree.document is not None else None
    if root is not None and (language := root.getattr("lang")):
        declared["language"] = language
    if found := [meta for meta in _META.findall(page[:65536]) if _NOAI.search(meta)]:
        declared["consent"] = " ".join(found)
    return declared


def depth(page: str) -> int:
    """An estimate of the deepest nesting, by counting tags."""
    if page.count("<") <= MAX_DEPTH:
        return 0
    deepest = now = 0
    for closing, name in _TAG.findall(page):
        if not _FLAT.fullmatch(name.lower()):
            now = max(0, now - 1) if closing else now + 1
            deepest = max(deepest, now)
    return deepest


def _without_markup(page: str) -> str:
    return re.sub(r"(?i)<(?=[a-z/!?])[^>]*+(?:>|\Z)|&\w+;", " ", _NO_TEXT.sub(" ", page))
