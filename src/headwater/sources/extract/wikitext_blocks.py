"""Lines of wikitext to readable text: headings, paragraphs, lists, tables.

A heading stands alone between blank lines, and goes where its section is empty. Lines of a paragraph are joined, by a
space or, between Han, Kana and the like, by nothing. `*` becomes "- ", `#` counts, `:` and `;` are lines of their own.
A row of a table is a line, its cells parted by " | "; a cell of several lines (tables made for layout) keeps them.
Boxes beside the text (infobox), for navigation and for notices go. A heading ends the tables that are open.
"""

import re

REMOVED, PIPE, HELD, BREAK = "\x01", "\x02", "\x03", "\x04"

_TABLES = 8  # in one another; deeper ones are lines of the innermost
_MARKERS = re.compile(r"[*#:;]+")
_NOT_READ = re.compile(r"infobox|navbox|metadata|noprint|[ato]mbox|navigation-not-searchable|catlinks", re.I)
_HIDDEN = re.compile(r"display\s*:\s*none", re.I)
_EXCLAMATIONS = re.compile(r"!!|\|\|")
_INSIDE = " \t\x01"


def blocks(text: str) -> str:
    page = _Blocks()
    for line in text.split("\n"):
        page.line(line)
    return page.end()


class _Table:
    def __init__(self, attributes: str) -> None:
        self.gone = bool(_NOT_READ.search(attributes) or _HIDDEN.search(attributes))
        self.lines: list[str] = []  # of the rows that are done
        self.row: list[list[str]] = []  # its cells, each of them lines

    def end_row(self) -> None:
        cells = [[clean for line in cell if (clean := line.strip(_INSIDE))] for cell in self.row]
        self.row = []
        if not any(cells):
            return
        if all(len(cell) <= 1 for cell in cells):
            while cells and not cells[-1]:
                cells.pop()
            self.lines.append(" | ".join(cell[0] if cell else "" for cell in cells).strip())
        else:
            self.lines += [line for cell in cells for line in cell]


class _Blocks:
    """What is done (kind, text), the paragraph in the making, and what is open."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []
        self.paragraph: list[str] = []
        self.headings: list[tuple[int, str]] = []  # of which nothing is written yet
        self.tables: list[_Table] = []
        self.ignored = 0  # tables nested too deep
        self.counters: list[int] = []

    def line(self, line: str) -> None:
        bare = line.strip(_INSIDE)
        if self.tables:
            if not (bare.startswith("==") and bare.endswith("==") and len(bare) > 4):
                self.in_table(line)
                return
            self.ignored = 0
            while self.tables:
                self.end_table()
        if not bare:
            self.end_paragraph()
            return
        first = line[0] if line[0] != REMOVED else line.lstrip(REMOVED)[0]
        if first in "*#:;":
            start = bare.lstrip(":*# ")
            if start.startswith("{|"):
                self.table(start)
            else:
                self.item(line.lstrip(REMOVED))
        elif first == "=" and bare.endswith("=") and len(bare) > 2:
            self.heading(bare)
        elif bare.startswith(("{|", "|", "!")) and self.table_line(bare):
            pass
        elif bare.startswith("----"):
            self.end_paragraph()
            if rest := bare.lstrip("-").strip():
                self.paragraph.append(rest)
        elif first in " \t":
            self.end_paragraph()
            self.write("pre", line[1:].rstrip(_INSIDE) if line[0] in " \t" else bare)
        else:
            self.counters = []
            self.paragraph.append(line.strip(" \t"))

    def heading(self, bare: str) -> None:
        self.end_paragraph()
        self.counters = []
        level = min(len(bare) - len(bare.lstrip("=")), len(bare) - len(bare.rstrip("=")), 6)
        title = bare[level : len(bare) - level].replace(BREAK, " ").strip(_INSIDE)
        while self.headings and self.headings[-1][0] >= level:
            self.headings.pop()
        self.headings.append((level, title))

    def item(self, line: str) -> None:
        self.end_paragraph()
        marks = _MARKERS.match(line)
        assert marks is not None  # that is how it was recognised
        prefix, content = marks[0], line[marks.end() :].replace(BREAK, " ").strip(" \t")
        if not content.strip(_INSIDE):
            return
        depth = len(prefix)
        marker = ""
        if prefix[-1] == "#" and depth <= 20:
            self.counters = (self.counters + [0] * depth)[:depth]
            self.counters[-1] += 1
            marker = f"{self.counters[-1]}. "
        else:
            self.counters = self.counters[: depth - 1] if prefix[-1] != ":" else self.counters
            marker = "- " if prefix[-1] == "*" else ""
        indent = "  " * min(sum(mark in "*#" for mark in prefix[:-1]), 10) if marker else ""
        self.write("item", indent + marker + content)

    def write(self, kind: str, text: str) -> None:
        for _, title in self.headings:
            if title:
                self.done.append(("heading", title))
        self.headings = []
        self.done.append((kind, text))

    def end_paragraph(self) -> None:
        if not self.paragraph:
            return
        text = self.paragraph[0] if len(self.paragraph) == 1 else _joined(self.paragraph)
        self.paragraph = []
        if BREAK in text:
            text = "\n".join(line for part in text.split(BREAK) if (line := part.strip(" \t")))
        if text.strip(_INSIDE + "\n"):
            self.write("paragraph", text)

    # -------------------------------------------------------- tables

    def table(self, line: str) -> None:
        self.end_paragraph()
        if len(self.tables) >= _TABLES:
            self.ignored += 1
        else:
            self.tables.append(_Table(line[2:]))

    def table_line(self, bare: str) -> bool:
        """A line outside of any table that looks like a part of one; False if it is not."""
        if bare.startswith("{|"):
            self.table(bare)
        elif bare.startswith(("|}", "|-", "|+")):
            self.end_paragraph()  # left over from a table that a template began
            if bare[1] == "+" and (caption := _cell(bare[2:])):
                self.write("row", caption)
        elif bare[0] == "|":
            self.end_paragraph()
            cells = [_cell(cell) for cell in bare[1:].split("||")]
            if any(cells):
                self.write("row", " | ".join(cells).strip(" |"))
        else:
            return False
        return True

    def in_table(self, line: str) -> None:
        bare, table = line.strip(_INSIDE), self.tables[-1]
        if bare.startswith("|"):
            if bare.startswith("|}"):
                self.end_table(bare[2:])
            elif bare.startswith("|-"):
                table.end_row()
            elif bare.startswith("|+"):
                table.end_row()
                table.row.append([_cell(bare[2:])])
                table.end_row()
            else:
                self.cells(bare[1:].split("||"))
        elif bare.startswith("!"):
            self.cells(_EXCLAMATIONS.split(bare[1:]))
        elif (start := bare.lstrip(":*# ")).startswith("{|"):
            self.table(start)
        elif bare:
            if not table.row:
                table.row.append([])
            marks = _MARKERS.match(bare)
            if marks is not None:
                content = bare[marks.end() :].strip(_INSIDE)
                bare = ("- " if marks[0][-1] in "*#" else "") + content if content else ""
            table.row[-1].append(bare.replace(BREAK, " "))

    def cells(self, cells: list[str]) -> None:
        self.tables[-1].row += [[_cell(cell)] for cell in cells]

    def end_table(self, rest: str = "") -> None:
        if self.ignored:
            self.ignored -= 1
            return
        table = self.tables.pop()
        table.end_row()
        lines = [] if table.gone else table.lines
        if self.tables:
            outer = self.tables[-1]
            if not outer.row:
                outer.row.append([])
            outer.row[-1] += lines
            return
        for number, line in enumerate(lines):
            self.write("row" if number else "table", line)
        if rest.strip(_INSIDE):
            self.paragraph.append(rest.strip(" \t"))

    def end(self) -> str:
        self.ignored = 0
        while self.tables:
            self.end_table()
        self.end_paragraph()
        out: list[str] = []
        before = ""
        for kind, text in self.done:
            close = kind in ("item", "row", "pre") and (before == kind or (kind, before) in _CLOSE)
            out += ("\n" if close else "\n\n", text)
            before = kind
        return "".join(out[1:])


_CLOSE = {("row", "table"), ("item", "paragraph")}


def _cell(cell: str) -> str:
    """A cell's text, without its attributes."""
    before, bar, text = cell.partition("|")
    if bar and ("[[" in before or HELD in before):
        text = cell
    return (text if bar else before).replace(BREAK, " ").strip(_INSIDE)


def _joined(lines: list[str]) -> str:
    parts = [lines[0]]
    for line in lines[1:]:
        last, first = parts[-1].rstrip(REMOVED)[-1:], line.lstrip(REMOVED)[:1]
        if last == BREAK or first == BREAK or (last and first and _wide(last) and _wide(first)):
            parts.append(line)
        else:
            parts += (" ", line)
    return "".join(parts)


def _wide(character: str) -> bool:
    """Of a script that is written without spaces."""
    return "\u2e80" <= character <= "\u9fff" or "\uff00" <= character <= "\uffef" or character >= "\U00020000"
