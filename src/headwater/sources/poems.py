"""Poems in JSON, in the shapes of github.com/chinese-poetry/chinese-poetry: one document a poem.

`{author, title or rhythmic, paragraphs}` in an array, JSON lines, or one object; `content`, `para` or `paragraphs` hold
the lines, or further poems with lines of their own (their titles are joined). The title is the first line of the
text, as a heading is. Traditional and Simplified stay as they are.
"""

import json
from collections.abc import Iterator
from typing import Any

from headwater.sources.records import Found, Gated, Record, quarantine

# A JSON file is held in memory as a whole.
MAX_JSON = 128 << 20
_TITLE = ("title", "rhythmic", "chapter", "名称", "标题", "詞牌", "词牌")
_LINES = ("paragraphs", "content", "para", "text", "内容", "正文")
_META = ("dynasty", "volume", "section", "rhythmic", "tags", "notes")
# What stands in the place of a poem that is lost.
_NO_POEM = frozenset(("无正文。", "無正文。", "无正文", "無正文", "（缺）", "(缺)"))
_NOBODY = frozenset(("佚名", "无名氏", "無名氏", "不详", "不詳", "anonymous", "unknown"))
_DEPTH = 4


def read_poems(text: str, offset: int | str, where: str, cut: bool) -> Iterator[Record]:
    """The poems of one file, numbered in its order. `cut`: the end of the file is missing."""
    base = "" if offset == 0 else f"{offset}:"
    decoder, position, number = json.JSONDecoder(), _skip(text, 0, "\ufeff["), 0
    in_array = text.lstrip("\ufeff \t\r\n").startswith("[")
    while position < len(text) and text[position] != "]":
        start = position
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            line = text.count("\n", 0, start) + 1
            rest = text[start:].encode("utf-8", "surrogatepass")
            if cut:  # the damage to the file is named by whoever reads it
                yield quarantine(
                    f"{base}{number}", "cut_off", f"{where}, line {line}: the poem is not whole", rest
                )
                return
            reason = "json_depth" if isinstance(error, RecursionError) else "json_syntax"
            yield quarantine(
                f"{base}{number}", reason, f"{where}, element {number} (line {line}): {error}", rest
            )
            position = _next_object(text, start)
            number += 1
            continue
        yield from _poems(value, f"{base}{number}", f"{where}, element {number}", {}, "", 0)
        number += 1
        position = _skip(text, position, ",")
    if in_array and position >= len(text) and not cut:
        yield quarantine(f"{base}{number}", "unreadable_tail", f"{where}: the array is not closed")


def _skip(text: str, position: int, marks: str) -> int:
    """Past spaces and at most one of each mark."""
    while position < len(text) and (text[position].isspace() or text[position] in marks):
        position += 1
    return position


def _next_object(text: str, start: int) -> int:
    """Behind a damage: where the next object seems to begin, at the beginning of a line."""
    while (start := text.find("\n", start)) >= 0:
        start += 1
        here = _skip(text, start, "")
        if text.startswith("{", here):
            return here
        start = max(start, here - 1)
    return len(text)


def _poems(
    value: Any, offset: str, where: str, above: dict[str, Any], title: str, depth: int
) -> Iterator[Record]:
    if not isinstance(value, dict) or depth > _DEPTH:
        raw = repr(value)[:1000].encode("utf-8", "surrogatepass")
        yield quarantine(offset, "json_type", f"{where}: expected a poem, got {type(value).__name__}", raw)
        return
    row = {**above, **value}
    own = next((str(value[name]).strip() for name in _TITLE if isinstance(value.get(name), str | int)), "")
    title = f"{title} · {own}" if title and own and own != title else own or title
    lines = next((value[name] for name in _LINES if name in value), None)
    if isinstance(lines, str):
        lines = lines.split("\n")
    if isinstance(lines, list) and lines and all(isinstance(line, dict) for line in lines):
        kept = {name: row[name] for name in ("author", *_META) if name in row}
        for number, inner in enumerate(lines):
            yield from _poems(inner, f"{offset}.{number}", f"{where}.{number}", kept, title, depth + 1)
        return
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raw = json.dumps(value, ensure_ascii=True)[:1000].encode()
        yield quarantine(
            offset, "no_text", f"{where}: no lines; its keys are {', '.join(map(repr, value))}", raw
        )
        return
    body = [line.strip() for line in lines if line.strip() and line.strip() not in _NO_POEM]
    if not body:
        yield Gated(offset, "empty")
        return
    yield Found(offset, "\n".join([title, *body] if title else body), *_said(row, title))


def _said(row: dict[str, Any], title: str) -> tuple[dict[str, str], dict[str, Any]]:
    author = row.get("author") if isinstance(row.get("author"), str) else ""
    fields = {
        "title": title,
        "author": str(author).strip(),
        "source_id": str(row.get("id") or row.get("_id") or ""),
    }
    meta = {name: row[name] for name in _META if isinstance(row.get(name), str | list) and row[name]}
    if fields["author"]:
        meta["author"] = fields["author"]
    if fields["author"].lower() in _NOBODY:
        fields["author"] = ""
    return {key: value for key, value in fields.items() if value}, meta
