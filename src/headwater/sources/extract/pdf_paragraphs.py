"""A document's lines to its text: running heads and page numbers cut, hyphens mended, paragraphs joined.

A paragraph goes on in the next column or on the next page where it is not at an end; footnotes, captions and what
stands in figures come after the paragraph that they interrupt. A numbered bibliography is cut, as in LaTeX sources.
"""

import itertools
import re
import statistics
from collections import Counter
from dataclasses import dataclass

from headwater.sources.extract.han_spaces import close_up, is_han
from headwater.sources.extract.pdf_layout import Line, Page, Segment, lines_of, rows_of

MAX_SEGMENTS = 5000  # on a page; one of more is read in rows, without columns
EDGE_ROWS = 3  # from the top and the bottom, where running heads stand
_NUMBER = re.compile(
    r"[-–—·|\s]*+(?:page|p\.|第)?\s*+(?:\d{1,4}|[ivxlc]{1,6})\s*+(?:(?:of|/)\s*+\d{1,4}|页|頁)?[-–—·|\s]*+",
    re.I,
)
_ENDS = re.compile(r"[.!?:;。！？：；…][\"'”’」』)\]）]*+$")
_CAPTION = re.compile(
    r"(?:Fig(?:ure|\.)?|FIG(?:URE|\.)?|Table|TABLE|Algorithm|Listing|图|圖|表)\s*[A-Z]?\d{1,3}\b"
)
_MARKED_NOTE = re.compile(r"[*†‡§¶∗⁎]|\d{1,2}(?=[^\d.\s)%,:])|\d{1,2}\s+(?=[A-Z\u4e00-\u9fff])")
_ITEM = re.compile(r"(?:[•●○▪■◦‣]|\[\d{1,3}\]|\(?\d{1,2}[.)]\s|\(?[a-z]\)\s|[-–]\s)")
_ENTRY = re.compile(r"\[\d{1,3}\]|\d{1,3}\.\s|［\d{1,3}］")
_REFERENCES = re.compile(
    r"(?:\d+\.?\s*|[IVX]+\.\s*)?(?:references|bibliography|literature cited|参考文献|參考文獻)[:：]?", re.I
)
_HEADING = re.compile(
    r"(?:\d{1,2}(?:\.\d{1,2}){0,3}\.?|[IVX]{1,5}\.|[A-H]\.|第[一二三四五六七八九十百]{1,4}[章节]|[一二三四五六七八九十]{1,3}、)\s*(?=[A-Z\u4e00-\u9fff])"
)
_NAMED = re.compile(
    r"(?i:abstract|introduction|acknowledge?ments?|conclusions?|discussion|methods|results|related work)|摘\s*要|引\s*言|结\s*论|致\s*谢|前\s*言|緒論|结\s*语"
)
_OPENING = re.compile(r"(?i:abstract|keywords|index terms|key words)\b|摘\s*要|关键词|關鍵詞")
_LISTS = ("contents", "table of contents", "list of figures", "目录", "目錄")
# A line of a table of contents, or of numbers: it keeps its place.
_ROW = re.compile(r"(?:\d{1,2}(?:\.\d{1,2}){0,3}\.?\s+\S.{0,200}|\S.{0,200}?[.·…]{4,}+)\s*\d{1,4}")
_LEADER = re.compile(r"(?:(?<!\s)\s++)?(?:[.·…]\s?){4,}")
_LIGATURES = str.maketrans({
    "\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl", "\ufb05": "st", "\ufb06": "st",
})  # fmt: skip
_WORD_BEFORE = re.compile(r"([^\W\d_]{1,40})[-\xad‐]\Z")
_WORD_AFTER = re.compile(r"[^\W\d_]+")
_HYPHENATED = re.compile(r"(?<![^\W\d_])[^\W\d_]++-[^\W\d_]++")


@dataclass
class Block:
    """Lines of one column that belong together. `kind`: body, note, caption or debris (what stands in a figure)."""

    lines: list[Line]
    kind: str = "body"

    @property
    def height(self) -> float:
        return statistics.median(line.height for line in self.lines)

    @property
    def text(self) -> str:
        return self.lines[0].text


def text_of(pages: list[Page]) -> tuple[str, str]:
    """The document's text, and the line or lines of its first page that are set largest: a guess at the title."""
    segments = without_running_heads(pages)
    lines: list[Line] = []
    for page, kept in zip(pages, segments, strict=True):
        first = lines[-1].column + 1 if lines else 0
        if len(kept) > MAX_SEGMENTS:
            edges = (min(s.left for s in kept), max(s.right for s in kept))
            lines += [
                Line("".join(s.text for s in row), row[0].left, row[-1].right, row[0].bottom, row[0].top, row[0].height,
                     page.number, first, edges) for row in rows_of(kept)
            ]  # fmt: skip
        else:
            lines += lines_of(page, kept, first)
    for line in lines:
        line.text = close_up(line.text.translate(_LIGATURES))
    if not lines:
        return "", ""
    blocks = _without_references(_blocks(lines))
    words = Counter(word.lower() for line in lines for word in _WORD_AFTER.findall(line.text))
    hyphenated = Counter(word.lower() for line in lines for word in _HYPHENATED.findall(line.text))
    joined = _joined(blocks)
    texts = [_text(block, words, hyphenated) for block in joined]
    return "\n\n".join(text for text in texts if text), _largest(lines)


# ---------------------------------------------------------------- running heads


def without_running_heads(pages: list[Page]) -> list[list[Segment]]:
    """Each page's segments without the rows at its edges that other pages have too, and without page numbers."""
    edges: list[list[tuple[str, bool, float, list[Segment]]]] = []
    seen: Counter[tuple[str, bool, int]] = Counter()
    for page in pages:
        rows = rows_of(page.segments) if len(page.segments) <= 4 * MAX_SEGMENTS else []
        found = []
        pitch = _pitch([row[0].middle for row in rows])
        for at_top, ordered in ((True, rows), (False, rows[::-1])):
            for place, row in enumerate(ordered[:EDGE_ROWS]):
                after = ordered[place + 1] if place + 1 < len(ordered) else None
                apart = abs(row[0].middle - after[0].middle) > 1.3 * pitch if after else True
                key = re.sub(r"\d+", "0", " ".join(segment.text for segment in row)).lower()
                found.append((key, at_top, row[0].middle if apart else -row[0].middle - 1e6, row))
                if apart:
                    break
        # Of several rows at an edge only those above a gap are a head.
        kept = []
        for at_top in (True, False):
            side = [entry for entry in found if entry[1] == at_top]
            if side and side[-1][2] > -1e5:
                kept += [(key, at_top, abs(row[0].middle), row) for key, _, _, row in side]
        edges.append(kept)
        height = max(page.height, 1.0)
        seen.update({(key, at_top, round(20 * y / height)) for key, at_top, y, _ in kept})
    needed = max(2, round(0.2 * len(pages)))
    result = []
    for page, found in zip(pages, edges, strict=True):
        dropped: set[int] = set()
        height = max(page.height, 1.0)
        for key, at_top, y, row in found:
            band = round(20 * y / height)
            often = max(seen[(key, at_top, band + step)] for step in (-1, 0, 1))
            text = " ".join(segment.text for segment in row)
            if (len(pages) > 1 and often >= needed) or _NUMBER.fullmatch(text):
                dropped.update(map(id, row))
        result.append([segment for segment in page.segments if id(segment) not in dropped])
    return result if any(result) else [page.segments for page in pages]


def _pitch(middles: list[float]) -> float:
    steps = [above - below for above, below in itertools.pairwise(middles) if above > below]
    return statistics.median(steps) if steps else 12.0


# ---------------------------------------------------------------- blocks


def _blocks(lines: list[Line]) -> list[Block]:
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[round(line.height * 2) / 2] += len(line.text)
    body = sizes.most_common(1)[0][0] or 10.0
    blocks: list[Block] = []
    columns: dict[int, list[Line]] = {}
    for line in lines:
        columns.setdefault(line.column, []).append(line)
    for column in columns.values():
        blocks += _blocks_of(column, body)
    return blocks


def _blocks_of(column: list[Line], body: float) -> list[Block]:
    pitch = _pitch([(line.bottom + line.top) / 2 for line in column])
    flush = Counter(round(line.left) for line in column if len(line.text) > 10).most_common(1)
    left = flush[0][0] if flush else column[0].left
    found: list[Block] = []
    for line in column:
        if found and not _begins(line, found[-1].lines[-1], found[-1].lines[0], left, pitch):
            found[-1].lines.append(line)
        else:
            found.append(Block([line]))
    for place, block in enumerate(found):
        block.kind = _kind(block, body, last=place >= len(found) - 4 and place > 0)
    return found


def _begins(line: Line, before: Line, first: Line, left: float, pitch: float) -> bool:
    """Whether a line begins a new paragraph."""
    height = max(line.height, 1.0)
    down = (before.bottom + before.top) / 2 - (line.bottom + line.top) / 2
    if down > 1.45 * max(pitch, height) or abs(line.height - before.height) > 0.17 * max(
        line.height, before.height
    ):
        return True
    width = before.edges[1] - before.edges[0]
    short = before.right < before.edges[1] - 0.12 * width
    ended = _ENDS.search(before.text) is not None
    if (short and ended) or _OPENING.match(line.text):
        return True
    if _ITEM.match(line.text) and (ended or short):
        return True
    indent = line.left - left
    indented = 0.8 * height < indent < 5 * height and before.left - left < 0.5 * height
    return indented and (ended or short or not before.text[-1:].isalpha())


def _kind(block: Block, body: float, *, last: bool) -> str:
    if _CAPTION.match(block.text):
        return "caption"
    small = block.height < 0.93 * body
    letters = sum(character.isalpha() for line in block.lines for character in line.text)
    total = sum(len(line.text) for line in block.lines)
    if last and small and _MARKED_NOTE.match(block.text):
        return "note"
    if (
        letters < 0.5 * total
        or (small and block.height < 0.8 * body)
        or (total < 25 and len(block.lines) < 3)
    ):
        return "debris"
    return "body"


def _without_references(blocks: list[Block]) -> list[Block]:
    """Without the numbered entries that follow the heading of a bibliography; without numbers they stay."""
    kept: list[Block] = []
    inside = False
    for block in blocks:
        if _REFERENCES.fullmatch(block.text.strip()) and len(block.lines) <= 1:
            inside = True
            continue
        if _REFERENCES.fullmatch(block.text.strip()) and _ENTRY.match(block.lines[1].text):
            inside = True
            continue
        if inside and kept and not _heading(block) and (_ENTRY.match(block.text) or _continues_entry(block)):
            continue
        inside = inside and block.kind == "debris" and not _heading(block)
        kept.append(block)
    return kept


def _continues_entry(block: Block) -> bool:
    """The rest of an entry that a column's end cut off, or several entries."""
    return (
        len(block.lines) <= 6
        or sum(_ENTRY.match(line.text) is not None for line in block.lines) >= len(block.lines) / 6
    )


# ---------------------------------------------------------------- paragraphs


def _joined(blocks: list[Block]) -> list[Block]:
    """Blocks with those that a column's or page's end cut apart made one again, where the first of them stands."""
    result: list[Block] = []
    open_block: Block | None = None
    passed = 0
    for block in blocks:
        if open_block is not None and block.kind == "body" and _goes_on(open_block, block):
            open_block.lines.extend(block.lines)
            passed = 0
        elif block.kind == "body" and not (open_block is not None and _heading(block)):
            result.append(block)
            open_block, passed = block, 0
        else:
            result.append(block)
            passed += 1
            if passed > 12 or _heading(block):
                open_block = None
            continue
        if not _is_open(open_block):
            open_block = None
    return result


def _is_open(block: Block) -> bool:
    last = block.lines[-1]
    width = last.edges[1] - last.edges[0]
    return (
        _ENDS.search(last.text) is None and last.right > last.edges[1] - 0.25 * width and not _heading(block)
    )


def _goes_on(before: Block, block: Block) -> bool:
    """Whether a block continues one that is open: by how it begins, or by standing flush in a column as wide."""
    last, first = before.lines[-1], block.lines[0]
    if abs(last.height - first.height) > 0.12 * max(last.height, first.height):
        return False
    if _ITEM.match(first.text) or _OPENING.match(first.text) or _heading(block):
        return False
    start = first.text[:1]
    if start.islower() or is_han(start) or last.text[-1:] in "-\xad‐,，、(（":
        return True
    widths = (last.edges[1] - last.edges[0], first.edges[1] - first.edges[0])
    alike = min(widths) > 0.8 * max(widths)
    return last.column != first.column and alike and first.left - first.edges[0] < first.height


def _heading(block: Block) -> bool:
    text = block.text.strip()
    if len(block.lines) > 2 or len(text) > 90 or text[-1:] in ".,;，。；":
        return False
    return _NAMED.fullmatch(text) is not None or (
        _HEADING.match(text) is not None and len(text) > 3 and len(block.lines) == 1
    )


def _text(block: Block, words: Counter[str], hyphenated: Counter[str]) -> str:
    rows = [line.text.strip() for line in block.lines]
    if len(rows) > 2 and sum(_ROW.fullmatch(row) is not None for row in rows) > 0.8 * len(rows):
        return "\n".join(_LEADER.sub(" ", row) for row in rows)
    parts = [rows[0]]
    for line in block.lines[1:]:
        text = line.text.strip()
        before = parts[-1]
        if not before or not text:
            parts.append(text)
            continue
        if (
            before[-1] in "-\xad‐"
            and (word := _WORD_BEFORE.search(before[-50:]))
            and (after := _WORD_AFTER.match(text))
        ):
            if not _keeps_hyphen(word[1], after[0], before[-1], words, hyphenated):
                parts[-1] = before[:-1]
            elif before[-1] == "\xad":
                parts[-1] = before[:-1] + "-"
        elif not (is_han(before[-1]) and is_han(text[0])):
            parts.append(" ")
        parts.append(text)
    text = close_up("".join(parts)).replace("\xad", "")
    return f"## {text}" if _heading(block) and block.kind != "caption" else text


def _keeps_hyphen(before: str, after: str, mark: str, words: Counter[str], hyphenated: Counter[str]) -> bool:
    """Whether a hyphen at a line's end belongs to the word: as the rest of the document writes it."""
    together = words[(before + after).lower()]
    apart = hyphenated[f"{before}-{after}".lower()]
    if together or apart:
        return apart > together
    return not after[0].islower()


def _largest(lines: list[Line]) -> str:
    """The first page's largest lines in its upper half, one after the other."""
    page = [line for line in lines if line.page == lines[0].page]
    sizes = Counter(round(line.height) for line in page)
    usual = sizes.most_common(1)[0][0]
    top = max((line.height for line in page[:12] if len(line.text) > 3), default=0.0)
    if top < 1.15 * usual:
        return ""
    title = [line.text.strip() for line in page[:12] if line.height > 0.95 * top and len(line.text) > 3]
    text = " ".join(title)
    if (
        not 8 <= _width(text) <= 300
        or _HEADING.match(text)
        or _NAMED.fullmatch(text)
        or text.lower() in _LISTS
    ):
        return ""
    return re.sub(r"(\w)[-\xad] (?=\w)", r"\1-", text)


def _width(text: str) -> int:
    return len(text) + sum(map(is_han, text))
