"""Markup to lines of text: for books and feeds, where every visible word counts and none may be guessed away.

(Of a web page only a part is its text; that is `page.py`.) HTML and XHTML are parsed by lexbor. A block begins a
paragraph, `<br>` a line, `<pre>` keeps its lines, headings are known as such. Left out: what is never shown
(script, style, …), readings of ruby annotations (`<rt>`, `<rp>`: 漢字 stays, かんじ goes) and page numbers of the
printed edition. The walk is a loop and not a recursion, so that depth costs nothing.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

# A parsed element takes some hundred bytes: more than this in one page is refused.
MAX_TAGS = 1_000_000
# Deeper than this a page is no book: lexbor's own work grows with depth times length.
MAX_DEPTH = 5_000

_HIDDEN = frozenset([
    "head", "title", "script", "style", "template", "noscript", "iframe", "object", "svg", "audio", "video",
    "canvas", "select", "textarea", "button", "rt", "rp", "rtc", "map", "datalist",
])  # fmt: skip
_BLOCK = frozenset([
    "html", "body", "p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "li", "dt", "dd", "ul", "ol", "dl",
    "blockquote", "tr", "table", "caption", "section", "article", "header", "footer", "main", "aside",
    "nav", "pre", "figure", "figcaption", "hr", "form", "fieldset", "address", "center", "details",
    "summary", "hgroup",
])  # fmt: skip
_LEVEL = {f"h{level}": level for level in range(1, 7)}
_PAGE_NUMBER = frozenset(
    ["pagenum", "pageno", "pagenumber", "page-number", "page_number", "pgnum", "pagebreak"]
)
_VOID = frozenset([
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr", "frame", "keygen", "basefont",
])  # fmt: skip
# Elements whose attributes may say that they are no text of the book.
_MARKED = frozenset(["span", "a", "div", "p", "section", "nav", "body", "aside"])
_SPACES = re.compile(r"[ \t\n\r\f]+")
_TAG = re.compile(r"<([a-zA-Z][\w:.-]*+)([^<>]*+)>")
_OPENING = re.compile(r"<(/?)([a-zA-Z][\w:.-]*+)[^<>]*+")


class TooMuchError(ValueError):
    """A page with more elements, or deeper ones, than a page of text has."""


@dataclass(frozen=True)
class Block:
    text: str  # one paragraph; its lines end where the markup broke them
    level: int = 0  # of a heading, 1 to 6; 0 is text


def blocks(page: str, leave_out: Callable[[LexborNode], bool] = lambda node: False) -> list[Block]:
    """The page's paragraphs and headings in order. `leave_out`: elements whose content is not wanted.

    TooMuchError where the page has more than MAX_TAGS tags, or elements deeper than MAX_DEPTH.
    """
    bounded(page)
    root = LexborHTMLParser(page).root
    writer = _Writer()
    if root is None:
        return []
    node, above = root, []
    while True:
        entered = _enter(node, writer, leave_out)
        child = node.first_child if entered else None
        if child is not None:
            above.append(node)
            node = child
            continue
        _leave(node, writer)
        while node.next is None:
            if not above:
                writer.end()
                return writer.blocks
            node = above.pop()
            _leave(node, writer)
        node = node.next


def bounded(page: str) -> None:
    """TooMuchError where a parser would need too much memory or time."""
    tags = page.count("<")
    if tags > MAX_TAGS:
        raise TooMuchError(f"{tags:,} tags; at most {MAX_TAGS:,}")
    if tags > MAX_DEPTH:
        deepest = now = 0
        for closing, name in _OPENING.findall(page):
            name = name.lower()
            if name not in _VOID and name not in _SIBLINGS:
                now = max(0, now - 1) if closing else now + 1
                deepest = max(deepest, now)
        if deepest > MAX_DEPTH:
            raise TooMuchError(f"elements nested {deepest:,} deep; at most {MAX_DEPTH:,}")


# Their end tags may be missing, so that counting them would overstate the depth.
_SIBLINGS = frozenset([
    "p", "li", "dt", "dd", "tr", "td", "th", "tbody", "thead", "tfoot", "option", "optgroup", "colgroup",
    "caption", "html", "head", "body",
])  # fmt: skip


def as_html(page: str) -> str:
    """XHTML as an HTML parser reads it: `<title/>` is not an open tag there, and CDATA is text."""
    if "<![CDATA[" in page:
        page = _without_cdata(page)
    return _TAG.sub(_closed, page) if "/>" in page else page


def _closed(tag: re.Match[str]) -> str:
    name, rest = tag[1], tag[2]
    if not rest.endswith("/") or name.lower() in _VOID:
        return tag[0]
    return f"<{name}{rest[:-1]}></{name}>"


def _without_cdata(page: str) -> str:
    parts, position = [], 0
    while (start := page.find("<![CDATA[", position)) >= 0:
        end = page.find("]]>", start)
        end = len(page) if end < 0 else end
        content = page[start + 9 : end]
        parts += [page[position:start], content.replace("&", "&amp;").replace("<", "&lt;")]
        position = min(len(page), end + 3)
    return "".join([*parts, page[position:]])


class _Writer:
    """Paragraphs as they fill."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.level = self.verbatim = 0
        self._parts: list[str] = []

    def add(self, text: str) -> None:
        self._parts.append(text if self.verbatim else _SPACES.sub(" ", text))

    def line(self) -> None:
        self._parts.append("\n")

    def end(self) -> None:
        if not self._parts:
            return
        text = "".join(self._parts)
        self._parts = []
        lines = [
            line.rstrip() if self.verbatim else _SPACES.sub(" ", line).strip(" ") for line in text.split("\n")
        ]
        while lines and not lines[-1].strip():
            lines.pop()
        while lines and not lines[0].strip():
            lines.pop(0)
        if lines:
            self.blocks.append(Block("\n".join(lines), self.level))


def _enter(node: LexborNode, writer: _Writer, leave_out: Callable[[LexborNode], bool]) -> bool:
    """Whether to go into a node."""
    tag = node.tag
    if tag == "-text":
        writer.add(node.text_content or "")
        return False
    if tag is None or tag in _HIDDEN or (tag.startswith("-") and tag != "-document"):
        return False
    if tag == "br":
        writer.line()
        return False
    if tag in ("td", "th") and writer._parts:
        writer.add("\t" if writer.verbatim else " ")
    if tag in _BLOCK:
        writer.end()
        writer.level = _LEVEL.get(tag, writer.level)
        writer.verbatim += tag == "pre"
    return not (tag in _MARKED and (_is_page_number(node) or leave_out(node)))


def _is_page_number(node: LexborNode) -> bool:
    attributes = node.attributes
    if not attributes:
        return False
    names = f"{attributes.get('class') or ''} {attributes.get('epub:type') or ''}".lower()
    return bool(names.strip()) and not _PAGE_NUMBER.isdisjoint(names.split())


def _leave(node: LexborNode, writer: _Writer) -> None:
    tag = node.tag
    if tag in _BLOCK:
        writer.end()
        if tag in _LEVEL:
            writer.level = 0
        writer.verbatim -= tag == "pre"
