"""The last look at a LaTeX paper's text: spaces, tables, numbers for references, names of authors."""

import re

CELL, ROW, AND, KEPT = "\x1f", "\x1e", "\x1d", "\x02"
_REFERENCE = re.compile("\x01([^\x01]*+)\x01")
_KEPT = re.compile("\x02(\\d{1,9}+)\x02")
_SPACES = re.compile(r"[ \t\r\f\v]++")
_AROUND_LINES = re.compile(r" ?\n ?")
_LINES = re.compile(r"\n{3,}")
_HAN = "\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef\u2014\u2018\u2019\u201c\u201d\u2026"
_BETWEEN_HAN = re.compile(
    f"(?<=[{_HAN}]) (?=[\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef])"
    f"|(?<=[\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef]) (?=[{_HAN}])"
)
_BEFORE_MARK = re.compile(r" ([,.;:!?)\]](?:\s|\Z))")
_FORMULA = re.compile(r"\$[^$]*+\$")


def one_line(text: str) -> str:
    return " ".join(text.replace(ROW, " ").replace(CELL, " ").replace(AND, " ").split())


def rows_of(text: str) -> str:
    """A table's rows as lines, its cells between bars."""
    lines = []
    for row in text.split(ROW):
        cells = [" ".join(cell.split()) for cell in row.split(CELL)]
        if any(cells):
            lines.append("| " + " | ".join(cells) + " |" if len(cells) > 1 else cells[0])
    return "\n".join(lines)


def tidy(text: str, labels: dict[str, str], kept: list[str]) -> str:
    text = _REFERENCE.sub(lambda match: labels.get(match[1], "\x03"), text)
    text = text.replace("(\x03)", "").replace("[\x03]", "").replace("\x03", "")
    text = text.replace(ROW, "\n").replace(CELL, " ").replace(AND, ", ")
    text = _SPACES.sub(" ", text)
    text = _AROUND_LINES.sub("\n", text)
    text = _BEFORE_MARK.sub(r"\1", text)
    text = _BETWEEN_HAN.sub("", text)
    text = _LINES.sub("\n\n", text).strip()
    return _KEPT.sub(lambda match: kept[int(match[1])] if int(match[1]) < len(kept) else "", text)


def authors_of(text: str) -> list[str]:
    """Names in what an author command holds: the first line of each author, without marks and addresses."""
    names = []
    for block in text.split(AND):
        first = next((line for line in re.split(f"{ROW}|\n", block) if line.strip(" ,;$")), "")
        first = " ".join(word for word in _FORMULA.sub("", first).split() if "@" not in word).strip(
            " ,;*†‡§\n\t"
        )
        names += [name for part in re.split(r",|;|、|，|\band\b|&", first) if (name := _name(part))]
    return names


def _name(text: str) -> str:
    name = re.sub(r"\s+", " ", re.sub(r"[\d*†‡§¶^{}\x01\x02]+", "", text)).strip(" .,;:()")
    return name if 2 <= len(name) <= 60 and len(name.split()) <= 6 else ""
