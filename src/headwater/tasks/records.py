"""Rows of a file of a data set, with the line that each stands on.

    .csv .tsv .txt      a row a line; tab-separated files have quotes in their texts, not around them
    .jsonl .json        a record a line, an array, or one value (SQuAD, C3), whatever the file is named
    .parquet            a row a record
    .conll .bio .iob    a word and its tag a line, a blank line between sentences
    .bitext.txt         古文：… / 现代文：… (NiuTrans, Classical-Modern)
    .xml                pairs with <t> and <h> (RTE 1 to 3); TRUE is YES, FALSE is NO

Each may be in .gz. Lines end at \\n alone: U+2028 and NEL inside a JSON string are part of it (FewCLUE's iflytek has
them). UTF-8, with or without a mark; what is no UTF-8 is tried as GB18030.
"""

import csv
import gzip
import io
import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.parsers import expat

from headwater.errors import RecipeError
from headwater.tasks.names import HEADS

LONGEST_FILE = 1 << 30  # bytes of a file, unpacked
TABLES = (".csv", ".tsv", ".txt")
JSON = (".jsonl", ".json")
TAGS = (".conll", ".bio", ".iob")
SUFFIXES = (*TABLES, *JSON, ".parquet", *TAGS, ".xml")
COLA = ("code", "label", "author_label", "sentence")  # the columns of CoLA, which has no head


@dataclass(frozen=True)
class Row:
    line: int  # of the file, or the number of the record; from 1
    values: dict[str, Any]


@dataclass(frozen=True)
class Records:
    """What a file holds: rows of named columns, or one value that is not rows (`whole`)."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    whole: Any = None

    @property
    def named(self) -> str:
        """The columns, for a message: control characters are escaped."""
        names = ", ".join(harmless(column) for column in self.columns)
        return f"{names} (no name is known in its first line: {self.head})" if self.by_place else names

    @property
    def by_place(self) -> bool:
        """Whether the columns are numbers, as the first line is no names."""
        return bool(self.columns) and self.columns == _numbers(len(self.columns))

    @property
    def head(self) -> str:
        """The first row, shortened."""
        cells = self.rows[0].values.values() if self.rows else ()
        return ", ".join(harmless(str(cell)[:40]) for cell in cells)

    def where(self, row: Row) -> str:
        return f"{self.path} line {row.line}"


def harmless(text: str) -> str:
    """On one line, with control characters escaped: for messages that quote what stands in a file."""
    return repr(text)[1:-1]


def suffix_of(path: Path) -> str:
    """`.tsv` of `train.tsv.gz`; "" where it is no file of a data set."""
    bare = path.name.lower().removesuffix(".gz")
    if bare.endswith(".bitext.txt"):
        return ".bitext.txt"
    return next((suffix for suffix in SUFFIXES if bare.endswith(suffix)), "")


def _numbers(count: int) -> tuple[str, ...]:
    return tuple(str(number) for number in range(1, count + 1))


def read_records(path: Path, names: Collection[str] = ()) -> Records:
    """`names`: columns that it is known to have. Raises RecipeError, naming file and line, where it is missing, of
    another kind or damaged."""
    suffix = suffix_of(path)
    if not suffix:
        raise RecipeError(f"{path}: a task's file ends in {', '.join(SUFFIXES)}, perhaps with .gz behind it")
    if suffix == ".parquet":
        return _parquet(path)
    text = _text(path)
    if suffix in JSON:
        return _json(path, text)
    if suffix in TAGS:
        return _tags(path, text)
    if suffix == ".bitext.txt":
        return _bitext(path, text)
    if suffix == ".xml":
        return _entailment(path, text)
    return _table(path, text, suffix, names)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            packed = path.name.lower().endswith(".gz")
            data = (gzip.GzipFile(fileobj=file) if packed else file).read(LONGEST_FILE + 1)
    except FileNotFoundError as error:
        raise RecipeError(f"{path}: there is no such file") from error
    except (OSError, EOFError) as error:
        raise RecipeError(f"{path}: cannot be read ({error})") from error
    if len(data) > LONGEST_FILE:
        raise RecipeError(f"{path}: more than {LONGEST_FILE >> 20} MB; split it")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise RecipeError(f"{path}: is neither UTF-8 nor GB18030; write it anew as UTF-8")


def _json(path: Path, text: str) -> Records:
    records: list[tuple[int, Any]] = []
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if lines and lines[0][1].lstrip()[:1] == "{" and _is_whole(lines[0][1]):
        for number, line in lines:
            records.append((number, _loads(path, number, line)))
        if len(records) == 1 and isinstance(records[0][1].get("data"), list):
            return Records(path, (), (), records[0][1])
    else:
        whole = _loads(path, 1, text)
        if not (isinstance(whole, list) and whole and all(isinstance(one, dict) for one in whole)):
            return Records(path, (), (), whole)
        records = list(enumerate(whole, 1))
    wrong = next((number for number, record in records if not isinstance(record, dict)), None)
    if wrong is not None:
        raise RecipeError(f'{path} line {wrong}: expected a record, {{"text": …, "label": …}}')
    columns = tuple(dict.fromkeys(name for _, record in records for name in record))
    return Records(path, columns, tuple(Row(number, record) for number, record in records))


def _is_whole(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return line.rstrip().endswith("}")  # a damaged line among whole ones is named as such
    return True


def _loads(path: Path, line: int, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        place = line + getattr(error, "lineno", 1) - 1
        raise RecipeError(f"{path} line {place}: no sound JSON ({getattr(error, 'msg', error)})") from error
    except RecursionError as error:
        raise RecipeError(f"{path} line {line}: JSON nested too deep to be read") from error


def _table(path: Path, text: str, suffix: str, names: Collection[str]) -> Records:
    """Without a line of names columns are called 1, 2, …; a name that is empty is `unnamed 3`."""
    csv.field_size_limit(LONGEST_FILE)
    lines = io.StringIO(text, newline="")
    if suffix == ".csv":
        reader = csv.reader(lines)
    else:
        reader = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    cells: list[tuple[int, list[str]]] = []
    try:
        for row in reader:
            if row:
                cells.append((reader.line_num, row))
    except csv.Error as error:
        raise RecipeError(f"{path} line {reader.line_num}: {error}") from error
    if not cells:
        raise RecipeError(f"{path}: is empty")
    first = [cell.strip() or f"unnamed {number}" for number, cell in enumerate(cells[0][1], 1)]
    numbers = _numbers(len(first))
    asked = any(cell in names and cell not in numbers for cell in first)
    twice = next((cell for cell in first if first.count(cell) > 1), None)
    if asked and twice is not None:
        raise RecipeError(f"{path}: two columns are called {twice!r}; call one of them otherwise")
    named = asked or (twice is None and any(cell.lower() in HEADS for cell in first))
    columns = tuple(first) if named else numbers
    if not named and all(
        len(row) == 4 and row[1] in ("0", "1") and set(row[2].strip()) <= {"*", "?"} for _, row in cells
    ):
        columns = COLA
    rows = []
    for number, row in cells[1:] if named else cells:
        if len(row) != len(columns):
            raise RecipeError(
                f"{path} line {number}: {len(row)} columns, where the first line has {len(columns)}; is it separated "
                f"by {'commas' if suffix == '.csv' else 'tabs'}?"
            )
        rows.append(Row(number, dict(zip(columns, row, strict=True))))
    return Records(path, columns, tuple(rows))


def _parquet(path: Path) -> Records:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise RecipeError(f"{path}: cannot be read as Parquet ({error})") from error
    rows = tuple(Row(number, record) for number, record in enumerate(table.to_pylist(), 1))
    return Records(path, tuple(table.column_names), rows)


def _tags(path: Path, text: str) -> Records:
    """CoNLL: the word is the first column, the tag the last one."""
    rows: list[Row] = []
    words: list[str] = []
    tags: list[str] = []
    began = 1
    for number, line in enumerate([*text.split("\n"), ""], 1):
        cells = line.split("\t") if "\t" in line else line.split()
        if not line.strip() or cells[0] == "-DOCSTART-":
            if words:
                rows.append(Row(began, {"words": words, "tags": tags}))
            words, tags, began = [], [], number + 1
        elif len(cells) < 2:
            raise RecipeError(f"{path} line {number}: a word without a tag")
        else:
            words.append(cells[0])
            tags.append(cells[-1].strip())
    return Records(path, ("words", "tags"), tuple(rows))


def _bitext(path: Path, text: str) -> Records:
    rows: list[Row] = []
    source: str | None = None
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("古文："):
            source = line.removeprefix("古文：").strip()
        elif line.startswith("现代文：") and source is not None:
            rows.append(Row(number, {"source": source, "target": line.removeprefix("现代文：").strip()}))
            source = None
    return Records(path, ("source", "target"), tuple(rows))


def _entailment(path: Path, text: str) -> Records:
    """A row a pair. No entity is declared by a file and nothing is fetched for one."""
    rows: list[Row] = []
    pair: dict[str, str] = {}
    parser = expat.ParserCreate()
    parser.buffer_text = True
    inside = ""

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal pair, inside
        if name == "pair":
            label = attributes.get("value") or attributes.get("entailment") or ""
            named = {
                "id": attributes.get("id", ""),
                "label": {"TRUE": "YES", "FALSE": "NO"}.get(label, label),
            }
            pair = {**named, "premise": "", "hypothesis": ""}
            rows.append(Row(parser.CurrentLineNumber, pair))
        inside = {"t": "premise", "h": "hypothesis"}.get(name, "") if pair else ""

    def end(name: str) -> None:
        nonlocal pair, inside
        inside, pair = "", {} if name == "pair" else pair

    def said(characters: str) -> None:
        if inside:
            pair[inside] += characters

    def declared(*entity: Any) -> None:
        raise RecipeError(f"{path}: declares the entity {harmless(str(entity[0]))}; entities are not read")

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler, parser.EntityDeclHandler = said, declared
    try:
        parser.Parse(text.encode("utf-8", "surrogatepass"), True)
    except expat.ExpatError as error:
        raise RecipeError(
            f"{path} line {error.lineno}: not whole XML ({expat.ErrorString(error.code)})"
        ) from error
    for row in rows:
        row.values.update({name: row.values[name].strip() for name in ("premise", "hypothesis")})
    if not rows:
        raise RecipeError(f"{path}: holds no <pair> with <t> and <h>")
    return Records(path, ("id", "premise", "hypothesis", "label"), tuple(rows))
