"""Text from the crawl, made harmless for a terminal and honest for a reader.

A document may hold terminal escapes, bidirectional overrides and invisible characters. Each is replaced by a
glyph that can be seen (␛, ⟨U+202E⟩), so that nothing hides, nothing is reordered and no terminal is commanded.
What scripts need to be written (joiners, variation selectors, marks) stays.
"""

import json
import re
import textwrap
import unicodedata
from collections.abc import Iterable
from itertools import accumulate

# Bidirectional marks, embeddings, overrides and isolates (UAX #9); zero-width space, word joiner and the invisible
# operators; byte-order mark; interlinear anchors; tags; line and paragraph separators; Hangul fillers.
_HIDDEN = re.compile(
    "[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u00ad\u034f\u115f\u1160\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_CLOSING = "，。、；：？！）」』】》〉”’…％"
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def visible(text: str) -> str:
    """The text with every control and invisible character shown; newlines and tabs stay as they are."""
    text = _CONTROLS.sub(lambda match: _control(match.group()), text)
    return _HIDDEN.sub(lambda match: f"⟨U+{ord(match.group()):04X}⟩", text)


def inert_json(text: str) -> str:
    """JSON in which every control and invisible character is written as \\uXXXX: the same value, harmless to print."""
    text = _CONTROLS.sub(lambda match: json.dumps(match.group())[1:-1], text)
    return _HIDDEN.sub(lambda match: json.dumps(match.group())[1:-1], text)


def one_line(text: str, limit: int | None = None) -> str:
    """The same on one line: line ends as ⏎, and at most `limit` columns of a terminal, an ellipsis for the rest."""
    if limit is None:
        return visible(text).replace("\n", "⏎").replace("\t", " ")
    line = one_line(text[: limit + 1])
    if width(line) <= limit:
        return line
    places = accumulate(map(width, line))
    return line[: sum(place < limit for place in places)] + "…"


def width(text: str) -> int:
    """Columns of a terminal that the text takes: 2 for a full-width character, 0 for a combining one."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def wrapped(lines: Iterable[str], columns: int) -> list[str]:
    """Lines of no more than so many columns where spaces allow it; what goes on is indented by ten."""
    cut = []
    for line in lines:
        pieces = textwrap.wrap(
            line, columns, subsequent_indent=" " * 10, break_long_words=False, break_on_hyphens=False
        )
        cut += pieces if width(line) > columns else [line]
    return cut


def folded(text: str, columns: int) -> list[str]:
    """Lines of at most so many columns, without any indent: broken at spaces, or between full-width characters, no
    line of which begins with a closing mark."""
    lines: list[str] = []
    for line in text.expandtabs(4).split("\n"):
        begin = last = taken = 0  # `last`: where the line may end
        for place, character in enumerate(line):
            wide = unicodedata.east_asian_width(character) in "WF"
            if place > begin and (line[place - 1] == " " or (wide and character not in _CLOSING)):
                last = place
            size = width(character)
            if taken + size > columns and place > begin and character != " ":
                end = last if last > begin else place
                lines.append(line[begin:end].rstrip(" "))
                begin, taken = end, width(line[end:place])
            taken += size
        lines.append(line[begin:].rstrip(" "))
    return lines


def _control(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"
