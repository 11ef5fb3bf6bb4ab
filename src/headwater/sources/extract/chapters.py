"""Headings of chapters in plain text, and a book's parts between them."""

import re
from collections import Counter
from dataclasses import dataclass

# A part with less text than this below its headings is no chapter (a title page, a table of contents however long):
# it stays with the next.
SHORTEST = 400
MAX_TITLES = (
    2  # headings one below the other that are one chapter's title ("BOOK I", "CHAPTER 1"); more are a table
)

_NUMBER = r"(?:[IVXLCDM]+|\d{1,3}|(?:THE )?(?:ONE|TWO|THREE|FOUR|FIVE|SIX|SEVEN|EIGHT|NINE|TEN|\w+TEEN|\w+TY(?:[- ]\w+)?|\w{2,8}(?:ST|ND|RD|TH)|FIRST|SECOND|THIRD|LAST))"
_ENGLISH = re.compile(
    rf"(?:CHAPTER|BOOK|PART|VOLUME|VOL\.|LETTER|ADVENTURE|CANTO|STAVE|SECTION|ACT|SCENE)\s+{_NUMBER}\b(?:\s*+[.:,—–\-\[].{{0,80}}|\s++(?-i:[A-Z“\"‘(]).{{0,80}})?|"
    r"(?:PROLOGUE|EPILOGUE|PREFACE|FOREWORD|INTRODUCTION|INTRODUCTORY|CONCLUSION|AFTERWORD|APPENDIX|CONTENTS|"
    r"TABLE OF CONTENTS|POSTSCRIPT)\b[.: ]{0,3}.{0,40}|"
    r"[IVXLC]{1,8}\.?|[IVXLC]{1,8}\. [A-Z].{0,60}",
    re.I,
)
_NUMERAL = "[〇零一二三四五六七八九十百千两廿卅０-９0-9]{1,8}"
_CHINESE = re.compile(
    rf"(?:正文|[上中下]卷|卷[上中下]|卷{_NUMERAL}|第{_NUMERAL}卷)?[\s\u3000]*"
    rf"(?:第{_NUMERAL}[回章节節卷部集篇折出幕]|[回章]{_NUMERAL}|卷(?:{_NUMERAL}|[上中下]))(?:[\s\u3000:：·、.]*.{{0,40}})?|"
    r"(?:自序|序|序言|前言|引言|引子|楔子|尾声|尾聲|后记|後記|跋|附录|附錄|目录|目錄)(?:[\s\u3000].{0,30})?"
)
_LISTED = re.compile(r"\d{1,3}\.\s+[A-Z\u4e00-\u9fff].{0,70}[^.,;。，；]")
_SENTENCE = re.compile(r"[。！？；，]")


def is_heading(line: str) -> bool:
    """Whether a line stands above a chapter: by its words and number, short and without a sentence's end."""
    line = line.strip()
    if not line or len(line) > 90:
        return False
    if line[0] > "\u2e7f":
        return (
            _CHINESE.fullmatch(line) is not None
            and line[-1] not in "。；，、："
            and len(_SENTENCE.findall(line)) <= 1
        )
    return _ENGLISH.fullmatch(line) is not None and not (line[-1] in ",;" or line[0].islower())


def headings_of(lines: list[str]) -> list[bool]:
    """For each line of a plain text whether it is a heading. A line such as `1.  The Cyclone` is one where a table of
    contents has it too."""
    numbered = [" ".join(line.split()) if _LISTED.fullmatch(line.strip()) else "" for line in lines]
    counts = Counter(numbered)
    return [
        is_heading(line) or (name != "" and counts[name] == 2)
        for line, name in zip(lines, numbered, strict=True)
    ]


@dataclass(frozen=True)
class Part:
    title: str  # of the chapter; empty before the first heading
    text: str


def chapters(lines: list[str], headings: list[bool]) -> list[Part]:
    """A book's parts: each begins with its heading, which stays in the text. `headings`: one flag a line."""
    cuts = [number for number, heading in enumerate(headings) if heading and number]
    parts: list[Part] = []
    held: list[str] = []
    title = ""
    row = body = 0  # headings one below the other so far, characters below headings
    for start, end in zip([0, *cuts], [*cuts, len(lines)], strict=True):
        piece = lines[start:end]
        if headings[start : start + 1] == [True]:
            row += 1
            title = f"{title} {lines[start].strip()}" if 1 < row <= MAX_TITLES else lines[start].strip()
            held.append(lines[start])
            piece = piece[1:]
        held += piece
        if below := sum(len(line.strip()) for line in piece):
            row = 0
        body += below
        if body >= SHORTEST:
            parts.append(Part(title, "\n".join(held).strip("\n")))
            held, title, row, body = [], "", 0, 0
    if any(line.strip() for line in held):
        rest = "\n".join(held).strip("\n")
        if parts:
            parts[-1] = Part(parts[-1].title, f"{parts[-1].text}\n\n{rest}")
        else:
            parts.append(Part(title, rest))
    return parts


_BY = re.compile(r"(?:written |edited )?by:?\s+(?:the )?([A-Z][^,;:!?]{2,60}?)(?:,? \[?\d{4}\]?)?\.?", re.I)
LONGEST_BYLINE = 60  # characters
_ZHU = re.compile(
    r"作者[：:]\s*(\S.{0,30})|\[?.{0,30}/\s*([^/]{2,20}?)\s*(?:（.{1,4}）|\(.{1,4}\))?\s*[著撰]\s*\]?|([\u3400-\u9fff\s\u3000·]{2,20}?)[\s\u3000]*[著撰]"
)
_NAMED = re.compile(r"[《\[]([^》/\]]{1,40}?)\s*[》/\]]")


def title_page(lines: list[str]) -> dict[str, str]:
    """Title and author as the first lines of a book say them: `《呐喊》`, `ADAM BEDE` / `by George Eliot`."""
    first = [line.strip() for line in lines[:24] if line.strip()][:6]
    said: dict[str, str] = {}
    if not first or len(first[0]) > 80:
        return said
    if (found := _NAMED.match(first[0])) is not None:
        said["title"] = found[1]
    elif len(first) > 1 and _BY.fullmatch(first[1]) and not is_heading(first[0]):
        said["title"] = first[0]
    for line in first[:4]:
        if (
            found := _BY.fullmatch(line) or (_ZHU.fullmatch(line) if len(line) <= LONGEST_BYLINE else None)
        ) is not None:
            name = next(group for group in found.groups() if group)
            said["author"] = " ".join(name.replace("\u3000", " ").split())
            break
    return said
