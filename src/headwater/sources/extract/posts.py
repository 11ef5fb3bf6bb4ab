"""The HTML of a forum post to text as its author would have typed it: paragraphs, lists, quotes and code.

Code blocks keep their line breaks and indentation between ``` fences, code in a line its backticks; a quote is led
by "> ", a list's items by "- " or their number; sup and sub become ^ and _, so that 10<sup>2</sup> is not 102. Links
give their text, images nothing. Posts are small and clean, so the tags are read as they come, in one pass and linear
time; nesting is shown up to DEPTH. Chinese needs nothing of its own: no space is put between lines or tags.
"""

import re

from headwater.sources.extract.references import unescape

DEPTH = 12
# Neither part crosses a "<", so that no run of broken tags is read twice.
_TOKEN = re.compile(r"<!--[^<>]*-->|<(/?)([a-zA-Z][a-zA-Z0-9]*+)([^<>]*+)>")
_SPACES = re.compile(r"[ \t\n\r\f]+")
_NARROW = frozenset("\t\n\r\f")
_START = re.compile(r'\bstart\s*=\s*"?(\d{1,9})')
_BREAKS = frozenset(
    ("p", "div", "ul", "ol", "li", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "table", "thead",
     "tbody", "tr", "dl", "dt", "dd", "section", "aside", "details")
)  # fmt: skip
_INLINE = {"code": "`", "tt": "`", "sup": "^", "sub": "_"}
_SKIPPED = frozenset(("script", "style", "title"))


def text_of_post(source: str) -> str:
    """Text of a fragment of HTML; of plain text without a tag, the text itself."""
    post = _Post()
    position = 0
    for token in _TOKEN.finditer(source):
        post.text(source[position : token.start()])
        position = token.end()
        if (name := token[2]) is not None:
            (post.close if token[1] else post.open)(name.lower(), token[3])
    post.text(source[position:])
    post.end_block()
    return "\n".join(post.lines).strip("\n")


class _Post:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self._inline: list[str] = []
        self._levels: list[
            list[str]
        ] = []  # of each quote and item: [tag, prefix of this line, of the next ones]
        self._used = 0  # so many of the levels have a line already
        self._lists: list[int | None] = []  # of each list: the next number, or None where it has none
        self._code: list[str] | None = None  # what stands in <pre>
        self._skipped = ""
        self._fresh = False  # the next block stands close below: an item's first, or an item after an item

    def text(self, text: str) -> None:
        if not text or self._skipped:
            return
        if "&" in text:
            text = unescape(text)
        if self._code is not None:
            self._code.append(text)
        elif self._inline or not text.isspace():
            self._inline.append(text)

    def open(self, name: str, attributes: str) -> None:
        if self._skipped:
            return
        if name in _SKIPPED:
            self._skipped = name
        elif self._code is not None:
            if name == "br":
                self._code.append("\n")
        elif name == "br":
            self._inline.append("\0")
        elif name in _INLINE:
            self._inline.append(_INLINE[name])
        elif name in ("td", "th"):
            if "".join(self._inline).strip():
                self._inline.append(" | ")
        elif name in _BREAKS:
            self.end_block(close=name in ("li", "tr", "dt", "dd"))
            self._open_block(name, attributes)

    def _open_block(self, name: str, attributes: str) -> None:
        if name == "pre":
            self._code = []
        elif name in ("ul", "ol"):
            start = _START.search(attributes)
            self._lists.append(None if name == "ul" else int(start[1]) if start else 1)
            self._fresh = bool(self._levels) and self._levels[-1][0] == "li"
        elif name == "blockquote":
            self._levels.append([name, "> ", "> "])
        elif name == "li":
            self._leave("li", "list")
            marker = "- "
            if self._lists and (number := self._lists[-1]) is not None:
                marker, self._lists[-1] = f"{number}. ", number + 1
            self._levels.append([name, marker, " " * len(marker)])
        elif name in ("h1", "h2", "h3", "h4", "h5", "h6"):
            self._inline.append("#" * int(name[1]) + " ")

    def close(self, name: str, attributes: str) -> None:
        if self._skipped:
            if name == self._skipped:
                self._skipped = ""
        elif self._code is not None:
            if name == "pre":
                self._end_code()
        elif name in ("code", "tt"):
            self._inline.append("`")
        elif name in _BREAKS:
            self.end_block(close=name in ("tr", "dt", "dd"))
            if name in ("ul", "ol") and self._lists:
                self._leave("li", "list")
                self._lists.pop()
                self._fresh = bool(self._levels) and self._levels[-1][0] == "li"
            elif name in ("li", "blockquote"):
                self._leave(name, "")
                self._fresh = name == "li"
            elif name == "table":
                self._fresh = False

    def _leave(self, name: str, until: str) -> None:
        """Closes the innermost level of that name, if nothing but levels of its own kind stand in it."""
        if self._levels and self._levels[-1][0] == name:
            # An item that was never closed ends where the next begins, one of an outer list does not.
            items = sum(level[0] == "li" for level in self._levels[-DEPTH:])
            if not until or items >= len(self._lists[-DEPTH:]):
                self._levels.pop()
                self._used = min(self._used, len(self._levels))

    def end_block(self, close: bool = False) -> None:
        """What was gathered becomes lines; `close`: what follows stands right below."""
        if self._code is not None:
            self._end_code()
        if not self._inline:
            return
        text = "".join(self._inline)
        if not _NARROW.isdisjoint(text) or "  " in text:
            text = _SPACES.sub(" ", text)
        self._inline = []
        shown = [line.strip(" ") for line in text.split("\0")]
        while shown and not shown[-1]:
            shown.pop()
        if any(shown) and shown != ["``"]:
            self._put(shown)
            self._fresh = close

    def _end_code(self) -> None:
        code = "".join(self._code or ()).replace("\r\n", "\n").removeprefix("\n").rstrip()
        self._code = None
        if code.strip():
            fence = "```" if "```" not in code else "~~~~"
            self._put([fence, *code.split("\n"), fence])
            self._fresh = False

    def _put(self, block: list[str]) -> None:
        levels = self._levels[:DEPTH]
        if self.lines and not self._fresh:
            self.lines.append("".join(level[2] for level in levels[: self._used]).rstrip())
        for line in block:
            self.lines.append(("".join(level[1] for level in levels) + line).rstrip())
            for level in levels:
                level[1] = level[2]
        self._used = len(self._levels)
        self._fresh = False
