"""Rows to documents: which columns hold what, found by their usual names or named by the recipe."""

import math
from dataclasses import dataclass
from typing import Any

from headwater.errors import RecipeError
from headwater.recipe.sources import RowsSource
from headwater.sources.records import FIELDS, Found, Gated, Record, quarantine

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
    "register": ("register", "genre", "体裁", "语体"),  # into the document's meta
    "unit": (),
}  # fmt: skip
# Of rows that are programs (The Stack, StarCoderData, CodeParrot, CodeSearchNet): these go into the document's meta,
# where they are no field of it.
CODE_NAMES: dict[str, tuple[str, ...]] = {
    "text": ("content", "code", "text", "whole_func_string"),
    "id": ("hexsha", "blob_id", "id"),
    "url": ("url", "func_code_url"),
    "date": ("date", "commit_date", "max_stars_repo_stars_event_min_datetime"),
    "license": ("license", "licenses", "max_stars_repo_licenses", "detected_licenses"),
    "author": ("author",),
    "language": ("lang", "language", "programming_language"),
    "repository": ("repo_name", "max_stars_repo_name", "repository_name", "repo", "repository"),
    "path": ("path", "max_stars_repo_path", "func_path_in_repository", "file_path", "filename", "file_name"),
}
_FIELD_OF = {"id": "source_id"}
_DEPTH = 4  # of columns inside columns that are named by dots


@dataclass(frozen=True)
class Columns:
    """Column of each document field that the file has."""

    text: str
    fields: dict[str, str]  # document field -> column
    meta: dict[str, str]  # what is no field of a document -> column

    @property
    def all(self) -> list[str]:
        return [self.text, *self.fields.values(), *self.meta.values()]


def guess_columns(names: list[str], usual_names: dict[str, tuple[str, ...]] = NAMES) -> dict[str, str]:
    """Document field -> column, by the usual names."""
    lower = {name.strip().lower(): name for name in reversed(names)}
    found = {}
    for field, usual in usual_names.items():
        column = next((lower[name] for name in usual if name in lower), None)
        if column is not None:
            found[field] = column
    return found


def find_columns(names: list[str], source: RowsSource, where: str, *, more: bool = False) -> Columns:
    """The columns of a file. Names with dots are columns inside columns.

    RecipeError where none holds the text, or where one that the recipe names is not there; a file whose later rows
    may bring it has `more`.
    """
    code = source.kind == "code"
    found = guess_columns(names, CODE_NAMES if code else NAMES) | {
        str(field): column for field, column in source.columns.items()
    }
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
    for field, column in source.columns.items():
        if not more and column not in names:
            raise _missing(field, column, names, source, where)
    named = {_FIELD_OF.get(field, field): column for field, column in found.items()}
    meta = {
        field: named.pop(field)
        for field in list(named)
        if field not in FIELDS or (code and field == "language")
    }
    return Columns(text, named, meta)


def _missing(field: str, column: str, names: list[str], source: RowsSource, where: str) -> RecipeError:
    """Else a name with a slip in it would leave the field empty, and with it change the units that are held out."""
    return RecipeError(
        f"{where}: there is no column {column!r} for the {field}; the columns are "
        f"{', '.join(map(repr, names)) or 'none'}. Name it in the recipe, or leave it out: "
        f"`columns: {{{field}: …}}` of source {source.name!r}"
    )


def names_of(row: dict[str, Any], above: str = "", depth: int = 1) -> list[str]:
    """The columns of a row, and with dots those inside them."""
    names = []
    for name, value in row.items():
        names.append(above + name)
        inner = value[0] if isinstance(value, list) and value else value
        if isinstance(inner, dict) and depth < _DEPTH:
            names += names_of(inner, f"{above}{name}.", depth + 1)
    return names


class GrowingColumns:
    """The columns of records that need not all have the same ones (JSON).

    The first record says which one holds the text. A field that it lacks is found when a record has a column of that
    name; of a field that is found, the column stays.
    """

    def __init__(self, source: RowsSource) -> None:
        self._source = source
        self._seen: dict[str, None] = {}  # outer names of the records so far
        self._found: Columns | None = None
        # field -> column that the recipe names and no record has had
        self._missing = {str(field): column for field, column in source.columns.items() if field != "text"}
        self._met: dict[str, None] = {}  # every name, while one is missing

    def of(self, row: dict[str, Any], where: str) -> Columns:
        """The columns, this record's among them; RecipeError where the first has none for the text."""
        found = self._found
        if self._missing:
            self._met |= dict.fromkeys(names_of(row))
            self._missing = {
                field: column
                for field, column in self._missing.items()
                if column not in self._met and value_of(row, column) is None
            }
        if found is not None and row.keys() <= self._seen.keys():
            return found
        names = names_of(row)
        if found is None:
            found = find_columns(names, self._source, where, more=True)
        elif found.text in names:
            more = find_columns(names, self._source, where, more=True)
            found = Columns(found.text, more.fields | found.fields, more.meta | found.meta)
        else:
            return found
        self._found = found
        self._seen |= dict.fromkeys(row)
        return found

    def end(self, where: str) -> None:
        """After the last record: RecipeError where no record ever had a column that the recipe names."""
        if self._found is not None:
            for field, column in self._missing.items():
                raise _missing(field, column, list(self._met), self._source, where)


def value_of(row: Any, name: str) -> Any:
    """A column's value; of a name with dots, that inside: of a list, of each element."""
    if isinstance(row, list):
        return [value_of(part, name) for part in row]
    if not isinstance(row, dict):
        return None
    if name in row or "." not in name:
        return row.get(name)
    outer, _, inner = name.partition(".")
    return value_of(row.get(outer), inner)


def document_of(row: dict[str, Any], columns: Columns, offset: int | str, where: str, data: bytes) -> Record:
    """A row's document. A row without text is gated, one whose text is something else is quarantined."""
    value = value_of(row, columns.text)
    if isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError as error:
            return quarantine(
                offset, "encoding", f"{where}: {error.reason} at byte {error.start}", data or value
            )
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        value = "\n".join(value)
    if not isinstance(value, str):
        if value is None and columns.text.partition(".")[0] in row:
            return Gated(offset, "empty")
        problem = "is missing" if value is None else f"is {type(value).__name__} and not text"
        raw = data or repr(row)[:1000].encode("utf-8", "surrogatepass")
        return quarantine(offset, "no_text", f"{where}: {columns.text!r} {problem}", raw)
    if not value.strip():
        return Gated(offset, "empty")
    return Found(offset, value, _values(row, columns.fields), _values(row, columns.meta))


def _values(row: dict[str, Any], columns: dict[str, str]) -> dict[str, str]:
    return {field: shown for field, column in columns.items() if (shown := _shown(value_of(row, column)))}


def _shown(value: Any) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, list):
        return ", ".join(shown for part in value if (shown := _shown(part))) or None
    if isinstance(value, dict):
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))  # a column of integers with gaps, as pandas writes it
    return str(value)
