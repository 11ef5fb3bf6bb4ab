"""A first look at a file: which kind of source reads it, and which column holds its text? For `headwater init`.

The name says how to look, the first bytes say what it is; `peek_folders.py` has what only a whole folder says.
"""

import csv
import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from headwater.sources import archives, html
from headwater.sources.columns import guess_columns
from headwater.sources.encoding import UndecodableError, decode, decode_page
from headwater.sources.extract.gutenberg import is_gutenberg
from headwater.sources.extract.xml import declared_encoding
from headwater.sources.files import JSON_LINES, TABLES
from headwater.sources.papers import arxiv_id
from headwater.sources.peek_content import (
    DUMP_TABLES,
    is_dump,
    kind_of_archive,
    kind_of_rows,
    kind_of_text,
    kind_of_xml,
)
from headwater.sources.peek_rows import rows_of, sample, text_column, text_share, whole_characters
from headwater.sources.sevenzip import MAGIC as SEVEN_ZIP
from headwater.sources.streams import bare_suffix, compression_of

# Read some day, by readers of their own: markup and containers whose text is not simply their bytes.
NOT_YET = {
    ".mobi", ".azw", ".azw3", ".fb2", ".doc", ".docx", ".odt", ".rtf", ".ppt", ".pptx", ".xls", ".xlsx", ".djvu",
    ".rar", ".cdx", ".cdxj", ".db", ".sqlite", ".npy", ".bin", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".eps",
    ".ps", ".mp3", ".mp4", ".wav",
}  # fmt: skip
PROGRAMS = {
    ".py", ".js", ".css", ".c", ".h", ".cpp", ".java", ".go", ".rs", ".sh", ".yaml", ".yml", ".toml",
    ".ini", ".cfg", ".lock",
}  # fmt: skip
EMPTY = "empty"
ABOUT = ("license", "licence", "readme", "notice", "copying", "changelog", "manifest")
WARC = (".warc", ".wet", ".arc", ".warc.gz", ".warc.zst", ".warc.lz4", ".wet.gz", ".arc.gz")
WAT = (".wat", ".wat.gz")
XML = (".xml", ".rss", ".atom", ".rdf", ".feed", ".nitf", ".newsml")
DIALOGUE = (".srt", ".vtt", ".ass", ".ssa", ".mbox", ".mbx", ".eml")
LATEX = (".tex", ".ltx", ".latex")
BESIDE_LATEX = (".sty", ".cls", ".bib", ".bbl", ".bst", ".clo")
# How much larger text is than its compressed file, where the file does not say.
COMPRESSED = 3.0
# Bytes of text in a byte of a file, decompressed; of WARC and PDF in a byte as it stands. Rounded from what the readers
# made of a few real files of each kind; that of feeds is a guess.
SHARES = {
    "warc": 0.1, "html": 0.04, "wikipedia": 0.5, "forum": 0.6, "papers": 0.7, "pdf": 0.06, "books": 0.7,
    "dialogue": 0.8, "json": 0.2, "news": 0.3, "code": 1.0,
}  # fmt: skip
_DUMPED = re.compile(r"\.xml-p\d+p\d+.*")  # parts of a MediaWiki dump: …-articles1.xml-p1p41242.bz2


@dataclass(frozen=True)
class Look:
    """What a file is. `form`: text, jsonl, json, csv, tsv, parquet, arrow for the kind `files`, else the name of a kind
    of source, or "" for one that is left out."""

    path: Path
    form: str
    why: str = ""  # of one that is left out
    column: str | None = None  # that holds the text; None where its usual name finds it
    author: bool = False
    size: int = 0  # estimated bytes of text
    top: Path | None = None  # of a repository or data set that it belongs to


def look(path: Path) -> Look:
    """Looks at the beginning of a file only; of an archive at its members' names and one of them."""
    name, suffix = path.name.lower(), bare_suffix(path)
    if name.endswith(WARC):
        form = "news" if name.startswith("cc-news") else "warc"
        return Look(path, form, size=int(path.stat().st_size * SHARES["warc"]))
    if name.endswith(WAT):
        return Look(path, "", "says of pages what they are; their text is in the WARC files")
    if suffix in NOT_YET:
        return Look(path, "", f"{_extension(path)} cannot be read yet")
    if suffix in BESIDE_LATEX:
        return Look(path, "", "belongs to LaTeX papers")
    if suffix in PROGRAMS:
        return Look(path, "", f"{_extension(path)} is no prose")
    if path.stat().st_size == 0:
        return Look(path, "", EMPTY)
    if name.startswith(ABOUT) or ("metadata" in name and suffix in (".json", ".csv", ".tsv")):
        return Look(path, "", "about the data, not of it")
    try:
        return _look(path, suffix)
    except (OSError, ValueError, pa.ArrowException, csv.Error) as error:
        return Look(path, "", f"cannot be read ({error})")


def _look(path: Path, suffix: str) -> Look:
    if suffix == ".7z":
        return _seven_zip(path)
    if suffix == ".epub" or archives.is_archive(path):
        return _archive(path)
    if suffix in (*JSON_LINES, *TABLES, ".json"):
        return _table(path, suffix)
    data = sample(path)
    if suffix == ".pdf":
        if b"%PDF-" in data[:1024]:
            return _of_kind(path, "papers", as_="pdf")
        return Look(path, "", "begins as no PDF does")
    if suffix in XML or _DUMPED.fullmatch(suffix):
        return _xml(path, data)
    if suffix in (*html.PAGES, *html.MHTML):
        return _page(path, data)
    if suffix in (*DIALOGUE, *LATEX):
        text = decode(whole_characters(data), "auto") if suffix not in (".mbox", ".mbx", ".eml") else "mail"
        form = "dialogue" if suffix in DIALOGUE else "papers"
        return _of_kind(path, form) if "\0" not in text else Look(path, "", "not text (NUL characters)")
    if arxiv_id(path.name) and compression_of(path) and data[257:262] == b"ustar":
        return _of_kind(path, "papers")
    return _text(path, data)


def text_bytes(path: Path) -> int:
    """About how many bytes a file holds once it is decompressed; gzip's last four bytes say so."""
    size = path.stat().st_size
    kind = compression_of(path)
    if kind == "gzip" and size > 18:
        with path.open("rb") as file:
            file.seek(-4, os.SEEK_END)
            return max(size, int(struct.unpack("<I", file.read(4))[0]))
    return int(size * COMPRESSED) if kind else size


def _of_kind(path: Path, form: str, *, packed: float = 1.0, author: bool = False, as_: str = "") -> Look:
    """`as_`: whose share of text it has, where that is not its kind's."""
    return Look(path, form, author=author, size=int(text_bytes(path) * packed * SHARES[as_ or form]))


def _xml(path: Path, data: bytes) -> Look:
    text = _markup(data)
    form = kind_of_xml(path.name.lower(), text)
    if form == "companion":
        return _companion(path)
    if form is None:
        return Look(path, "", f"{_extension(path)} cannot be read yet: XML of no known kind")
    return _of_kind(path, form)


def _companion(path: Path) -> Look:
    name = path.name.lower()
    read = any(table in name for table in DUMP_TABLES[:2])
    return Look(
        path,
        "",
        "is read with the Posts.xml beside it, not for itself"
        if read
        else "a table of a StackExchange dump without text of its own",
    )


def _page(path: Path, data: bytes) -> Look:
    if not data:
        return Look(path, "", "nothing in it can be decompressed")
    text = _markup(data)
    if "\0" in text:
        return Look(path, "", "not text (NUL characters)")
    return _of_kind(path, "books" if is_gutenberg(re.sub(r"<[^<>]{0,500}>", "", text)) else "html")


def _markup(data: bytes) -> str:
    """A sample of a page; where no encoding fits, its tags at least: whoever reads it says what is wrong."""
    try:
        return decode_page(whole_characters(data), declared_encoding(data))
    except UndecodableError:
        return data.decode("latin-1")


def _seven_zip(path: Path) -> Look:
    with path.open("rb") as file:
        form = is_dump(path) if file.read(len(SEVEN_ZIP)) == SEVEN_ZIP else None
    if form == "forum":
        return _of_kind(path, form, packed=COMPRESSED)
    return _companion(path) if form else Look(path, "", ".7z cannot be read yet")


def _archive(path: Path) -> Look:
    form, holds = kind_of_archive(path)
    if form is None:
        return Look(path, "", holds)
    # An EPUB and a paper are mostly pictures where they are large.
    packed = COMPRESSED if form not in ("books", "papers") and compression_of(path) is None else 1.0
    return _of_kind(path, form, packed=packed, as_="json" if holds == ".json" else "")


def _text(path: Path, data: bytes) -> Look:
    try:
        text = decode(whole_characters(data))
    except UndecodableError as error:
        return Look(path, "", f"not text ({error})")
    if "\0" in text:
        return Look(path, "", "not text (NUL characters)")
    if form := kind_of_text(text, bare_suffix(path)):
        return _of_kind(path, form)
    visible = [character for character in text if not character.isspace()]
    if 2 * sum(character.isalpha() for character in visible) < len(visible):
        return Look(path, "", "hardly any letters")
    return Look(path, "text", size=text_bytes(path))


def _table(path: Path, suffix: str) -> Look:
    form = {".ndjson": "jsonl", ".feather": "arrow"}.get(suffix, suffix[1:])
    rows = rows_of(path, suffix)
    if not any(rows):
        return Look(path, "", "no rows of named columns")
    if kind := kind_of_rows(rows, suffix):
        return _of_kind(path, kind, author=kind == "books", as_="json" if kind == "dialogue" else "")
    found, column = text_column(rows)
    names = list(dict.fromkeys(name for row in rows for name in row))
    if not found:
        return Look(path, "", f"no column of text among {', '.join(names[:12])}")
    author = "author" in guess_columns(names)
    share = text_share(rows, column) if form.startswith("json") else 1.0
    return Look(path, form, column=column, author=author, size=int(text_bytes(path) * share))


def _extension(path: Path) -> str:
    return "".join(path.suffixes[-2:]).lower() if compression_of(path) else path.suffix.lower()
