"""Rows to documents: which columns hold what, found by their usual names or named by the recipe."""

import math
from dataclasses import dataclass
from typing import Any

from headwater.errors import RecipeError
from headwater.recipe.sources import FilesSource
from headwater.sources.records import Found, Gated, Record, quarantine

# Usual names, best first; compared in lower case.
NAMES: dict[str, tuple[str, ...]] = {
    "text": ("text", "content", "raw_content", "body", "article", "document", "paragraphs", "passage", "正文", "内容", "文本"),
    "id": ("id", "_id", "doc_id", "docid", "uuid", "编号"),
    "url": ("url", "uri", "link", "source_url", "链接", "网址"),
    "title": ("title", "headline", "标题", "书名"),
    "date": ("date", "timestamp", "published", "created", "created_at", "日期", "时间"),
    "license": ("license", "licence"),
    "language": ("language", "lang", "语言"),
    "author": ("author", "authors", "byline", "作者"),
    "unit": (),
}  # fmt: skip
_FIELD_OF = {"id": "source_id"}


@dataclass(frozen=True)
class Columns:
    """Column of each document field that the file has."""

    text: str
    fields: dict[str, str]  # document field -> column


def guess_columns(names: list[str]) -> dict[str, str]:
    """Document field -> column, by the usual names."""
    lower = {name.strip().lower(): name for name in reversed(names)}
    found = {}
    for field, usual in NAMES.items():
        column = next((lower[name] for name in usual if name in lower), None)
        if column is not None:
            found[field] = column
    return found


def find_columns(names: list[str], source: FilesSource, where: str) -> Columns:
    """The columns of a file; RecipeError where none holds the text."""
    found = guess_columns(names) | {str(field): column for field, column in source.columns.items()}
    text = found.pop("text", None)
    if text is None or text not in names:
        problem = (
            "no column is known to hold the text"
            if text is None
            else f"there is no column {text!r} for the text"
        )
        raise RecipeError(
            f"{where}: {problem}; the columns are {', '.join(map(repr, names)) or 'none'}. "
            f"Name it in the recipe: `columns: {{text: …}}` of source {source.name!r}"
        )
    return Columns(text, {_FIELD_OF.get(field, field): column for field, column in found.items()})


def document_of(row: dict[str, Any], columns: Columns, offset: int | str, where: str, data: bytes) -> Record:
    """A row's document. A row without text is gated, one whose text is something else is quarantined."""
    value = row.get(columns.text)
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        value = "\n".join(value)
    if not isinstance(value, str):
        if value is None and columns.text in row:
            return Gated(offset, "empty")
        problem = "is missing" if value is None else f"is {type(value).__name__} and not text"
        raw = data or repr(row)[:1000].encode("utf-8", "surrogatepass")
        return quarantine(offset, "no_text", f"{where}: {columns.text!r} {problem}", raw)
    if not value.strip():
        return Gated(offset, "empty")
    fields = {field: shown for field, column in columns.fields.items() if (shown := _shown(row.get(column)))}
    return Found(offset, value, fields)


def _shown(value: Any) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, list):
        return ", ".join(shown for part in value if (shown := _shown(part))) or None
    if isinstance(value, dict):
        return None
    return str(value)
