"""A first look at a file: can it be read, as what, and which column holds its text? For `headwater init`."""

import csv
import io
import json
import os
import struct
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headwater.sources.columns import guess_columns
from headwater.sources.encoding import UndecodableError, decode, encoding_of
from headwater.sources.files import JSON_LINES
from headwater.sources.streams import Stream, bare_suffix, compression_of

# Read some day, by readers of their own: markup and containers whose text is not simply their bytes.
NOT_YET = {
    ".pdf", ".epub", ".mobi", ".doc", ".docx", ".odt", ".rtf", ".ppt", ".pptx", ".xls", ".xlsx", ".xml",
    ".html", ".htm", ".xhtml", ".tex", ".mbox", ".eml", ".srt", ".vtt", ".7z", ".zip", ".tar", ".tgz",
    ".rar", ".arc", ".wat", ".cdx", ".db", ".sqlite", ".npy", ".bin", ".png", ".jpg", ".jpeg", ".gif", ".svg",
    ".mp3", ".mp4", ".wav",
}  # fmt: skip
PROGRAMS = {
    ".py", ".js", ".css", ".c", ".h", ".cpp", ".java", ".go", ".rs", ".sh", ".yaml", ".yml", ".toml",
    ".ini", ".cfg", ".lock",
}  # fmt: skip
ABOUT = ("license", "licence", "readme", "notice", "copying", "changelog", "manifest")
WARC = (".warc", ".wet", ".warc.gz", ".warc.zst", ".warc.lz4", ".wet.gz")
SAMPLE = 1 << 17
ROWS = 100
LONG_TEXT = (
    80  # mean characters (a Chinese one counts twice) from which an unnamed column is taken for the text
)
COMPRESSED = 3.0  # how much larger text is than its compressed file, where the file does not say


@dataclass(frozen=True)
class Look:
    """What a file is. `form`: text, warc, jsonl, json, csv, tsv, parquet, or "" for one that is left out."""

    path: Path
    form: str
    why: str = ""  # of one that is left out
    column: str | None = None  # that holds the text; None where its usual name finds it
    author: bool = False
    size: int = 0  # estimated bytes of text


def look(path: Path) -> Look:
    """Looks at the beginning of a file only."""
    name, suffix = path.name.lower(), bare_suffix(path)
    if name.endswith(WARC):
        return Look(path, "warc", size=path.stat().st_size // 4)
    if suffix in NOT_YET:
        return Look(path, "", f"{_extension(path)} cannot be read yet")
    if suffix in PROGRAMS:
        return Look(path, "", f"{_extension(path)} is no prose")
    if path.stat().st_size == 0:
        return Look(path, "", "empty")
    if name.startswith(ABOUT):
        return Look(path, "", "about the data, not of it")
    try:
        if suffix in (*JSON_LINES, ".json", ".csv", ".tsv", ".parquet"):
            return _table(path, suffix)
        return _text(path)
    except (OSError, ValueError, pa.ArrowException, csv.Error) as error:
        return Look(path, "", f"cannot be read ({error})")


def text_bytes(path: Path) -> int:
    """About how many bytes a file holds once it is decompressed; gzip's last four bytes say so."""
    size = path.stat().st_size
    kind = compression_of(path)
    if kind == "gzip" and size > 18:
        with path.open("rb") as file:
            file.seek(-4, os.SEEK_END)
            return max(size, int(struct.unpack("<I", file.read(4))[0]))
    return int(size * COMPRESSED) if kind else size


def _text(path: Path) -> Look:
    sample = _sample(path)
    try:
        text = decode(sample[: _whole_characters(sample)])
    except UndecodableError as error:
        return Look(path, "", f"not text ({error})")
    if "\0" in text:
        return Look(path, "", "not text (NUL characters)")
    visible = [character for character in text if not character.isspace()]
    if 2 * sum(character.isalpha() for character in visible) < len(visible):
        return Look(path, "", "hardly any letters")
    return Look(path, "text", size=text_bytes(path))


def _whole_characters(sample: bytes) -> int:
    """A sample may end inside a character; a text does so at a line end."""
    if len(sample) < SAMPLE:
        return len(sample)
    return sample.rfind(b"\n") + 1 or len(sample)


def _sample(path: Path) -> bytes:
    parts, size = [], 0
    for block in Stream(path).blocks():
        parts.append(block)
        size += len(block)
        if size >= SAMPLE:
            break
    return b"".join(parts)[:SAMPLE]


def _table(path: Path, suffix: str) -> Look:
    form = {".ndjson": "jsonl", ".jsonl": "jsonl"}.get(suffix, suffix[1:])
    rows = _parquet_rows(path) if suffix == ".parquet" else _sampled_rows(path, suffix)
    if not rows:
        return Look(path, "", "no rows of named columns")
    names = list(dict.fromkeys(name for row in rows for name in row))
    known = guess_columns(names)
    column = None
    if "text" not in known or not _mean_length(rows, known["text"]):
        column = max(names, key=lambda name: (_mean_length(rows, name), name))
        if _mean_length(rows, column) < LONG_TEXT:
            return Look(path, "", f"no column of text among {', '.join(names[:12])}")
    return Look(path, form, column=column, author="author" in known, size=text_bytes(path))


def _sampled_rows(path: Path, suffix: str) -> list[dict[str, Any]]:
    data = _sample(path)
    text = decode(data[: _whole_characters(data)], "auto") if suffix != ".json" else ""
    if suffix == ".json":
        return _json_rows(path)
    if suffix in JSON_LINES:
        rows = []
        for line in islice(text.split("\n"), ROWS):
            try:
                rows.append(json.loads(line))
            except (ValueError, RecursionError):
                continue
        return [row for row in rows if isinstance(row, dict)]
    table = csv.DictReader(io.StringIO(text), delimiter="\t" if suffix == ".tsv" else ",")
    return [{name: value for name, value in row.items() if name} for row in islice(table, ROWS)]


def _json_rows(path: Path) -> list[dict[str, Any]]:
    """Elements of an array, values of an object, or lines, as far as the sample goes."""
    data = _sample(path)
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


def _parquet_rows(path: Path) -> list[dict[str, Any]]:
    with pq.ParquetFile(path) as file:
        batch = next(file.iter_batches(ROWS), None)
        rows: list[dict[str, Any]] = [] if batch is None else batch.to_pylist()
        return rows


def _mean_length(rows: list[dict[str, Any]], name: str) -> float:
    total = 0
    for row in rows:
        value = row.get(name)
        if isinstance(value, list) and all(isinstance(part, str) for part in value):
            value = "\n".join(value)
        if isinstance(value, str):
            total += len(value) + sum("\u3000" <= character <= "\u9fff" for character in value)
    return total / len(rows)


def _extension(path: Path) -> str:
    return "".join(path.suffixes[-2:]).lower() if compression_of(path) else path.suffix.lower()
