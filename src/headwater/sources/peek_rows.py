"""The first rows of a table, or of JSON in any of its shapes, and which of their columns holds the text."""

import csv
import io
import json
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headwater.sources.columns import guess_columns
from headwater.sources.encoding import decode, encoding_of
from headwater.sources.files import JSON_LINES
from headwater.sources.json_elements import Element, Elements
from headwater.sources.streams import SAMPLE, Stream, lines

ROWS = 100
# Mean characters (a Chinese one counts twice) from which an unnamed column is taken for the text.
LONG_TEXT = 80
MAX_ELEMENT = 16 << 20  # bytes of one element of JSON that are held for a look


def sample(path: Path) -> bytes:
    """A file's first bytes, after decompression."""
    parts, size = [], 0
    for block in Stream(path).blocks():
        parts.append(block)
        size += len(block)
        if size >= SAMPLE:
            break
    return b"".join(parts)[:SAMPLE]


def whole_characters(data: bytes) -> bytes:
    """A sample may end inside a character; a text does so at a line end."""
    if len(data) < SAMPLE:
        return data
    return data[: data.rfind(b"\n") + 1] or data


def rows_of(path: Path, suffix: str) -> list[dict[str, Any]]:
    """At most ROWS rows. ValueError, OSError, csv.Error or ArrowException where it is no table."""
    if suffix == ".parquet":
        with pq.ParquetFile(path) as file:
            batch = next(file.iter_batches(ROWS), None)
        return _rows_of_batch(batch)
    if suffix in (".arrow", ".feather"):
        return _arrow_rows(path)
    data = sample(path)
    if suffix == ".json":
        return json_rows(data) or _large_elements(path)
    if suffix in JSON_LINES:
        text = decode(whole_characters(data)) if len(data) < SAMPLE else data.decode("utf-8", "replace")
        rows = [row for line in islice(text.split("\n"), ROWS) if isinstance(row := _json(line), dict)]
        return rows or _long_lines(path)
    text = decode(whole_characters(data))
    table = csv.DictReader(io.StringIO(text), delimiter="\t" if suffix == ".tsv" else ",")
    return [{name: value for name, value in row.items() if name} for row in islice(table, ROWS)]


def _json(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _long_lines(path: Path) -> list[dict[str, Any]]:
    """Of JSON lines whose first is longer than a sample."""
    found = islice(lines(Stream(path).blocks(), MAX_ELEMENT, 0), 3)
    return [row for line in found if isinstance(row := _json(line.data.decode("utf-8", "replace")), dict)]


def json_rows(data: bytes) -> list[dict[str, Any]]:
    """Elements of an array, values of an object, or lines, as far as the sample goes."""
    text = data.decode(encoding_of(data), "ignore").lstrip("\ufeff \t\r\n")
    rows: list[Any] = []
    decoder, position = json.JSONDecoder(), 0
    if text.startswith("["):
        position = 1
    while len(rows) < ROWS:
        while position < len(text) and text[position] in " \t\r\n,":
            position += 1
        try:
            row, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            break
        rows.append(row)
    rows = [row for row in rows if isinstance(row, dict)]
    if len(rows) == 1 and rows[0] and all(isinstance(value, dict) for value in rows[0].values()):
        return list(rows[0].values())
    return rows


def _large_elements(path: Path) -> list[dict[str, Any]]:
    """Of a file whose first element, or whose one object, is longer than a sample."""
    elements = Elements(Stream(path), "auto", lambda key, value: not isinstance(value, dict), MAX_ELEMENT)
    first = islice(elements, 3)
    return [item.value for item in first if isinstance(item, Element) and isinstance(item.value, dict)]


def _arrow_rows(path: Path) -> list[dict[str, Any]]:
    with pa.memory_map(str(path)) as file:
        try:
            reader = pa.ipc.open_file(file)
            batches = (reader.get_batch(number) for number in range(reader.num_record_batches))
        except pa.ArrowInvalid:
            file.seek(0)
            batches = iter(pa.ipc.open_stream(file))
        return _rows_of_batch(next((batch for batch in batches if batch.num_rows), None))


def _rows_of_batch(batch: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [] if batch is None else batch.slice(0, ROWS).to_pylist()
    return rows


def text_column(rows: list[dict[str, Any]]) -> tuple[bool, str | None]:
    """Whether a column holds text, and its name where it is not a usual one: the longest that is no markup."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    known = guess_columns(names)
    if "text" in known and _mean_length(rows, known["text"]):
        return True, None
    column = max(names, key=lambda name: (not _is_markup(rows, name), _mean_length(rows, name), name))
    return _mean_length(rows, column) >= LONG_TEXT, column


def text_share(rows: list[dict[str, Any]], column: str | None) -> float:
    """How much of JSON's bytes are text: pages and annotations may lie beside it."""
    name = column or guess_columns(list(dict.fromkeys(name for row in rows for name in row)))["text"]
    whole = sum(len(json.dumps(row, ensure_ascii=False, default=str)) for row in rows)
    return min(1.0, sum(len(json.dumps(row.get(name), ensure_ascii=False)) for row in rows) / max(1, whole))


def _is_markup(rows: list[dict[str, Any]], name: str) -> bool:
    texts = [value for row in rows if isinstance(value := row.get(name), str) and value.strip()]
    return 2 * sum(text.lstrip().startswith("<") and "</" in text for text in texts) > len(texts)


def _mean_length(rows: list[dict[str, Any]], name: str) -> float:
    total = 0
    for row in rows:
        value = row.get(name)
        if isinstance(value, list) and all(isinstance(part, str) for part in value):
            value = "\n".join(value)
        if isinstance(value, str):
            total += len(value) + sum("\u3000" <= character <= "\u9fff" for character in value)
    return total / len(rows)
