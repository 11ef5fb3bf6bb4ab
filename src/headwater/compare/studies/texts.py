"""Texts that studies train on, cut to a size and written as JSON lines: {"text", "unit"}."""

import gzip
import json
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

from headwater.errors import HeadwaterError

PIECE = 4000  # characters of a document


def novels(data: Path, characters: int) -> Iterator[tuple[str, str]]:
    """(unit, text): the beginning of each English novel."""
    yield from _books(data / "corpora/books/novels-en", characters)


def chinese_books(data: Path, characters: int) -> Iterator[tuple[str, str]]:
    yield from _books(data / "corpora/books/books-zh", characters)


def standard_library(_: Path, characters: int) -> Iterator[tuple[str, str]]:
    """The modules of this Python's standard library that are long enough to say something."""
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        text = path.read_text(encoding="utf-8", errors="replace")
        if len(text) >= PIECE:
            yield path.stem, text[:characters]


def write_pieces(
    path: Path, texts: Iterator[tuple[str, str]], change: Callable[[str, str], str] = lambda _, text: text
) -> None:
    """One document a piece of a text; `change(name of the piece, text)` gives what is written."""
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for unit, text in texts:
        for start in range(0, len(text), PIECE):
            name = f"{unit}-{start}"
            document = {"text": change(name, text[start : start + PIECE]), "unit": unit}
            lines.append(json.dumps(document, ensure_ascii=False) + "\n")
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text("".join(lines), encoding="utf-8")
    temporary.replace(path)


def write_recipe(path: Path, name: str, sources: list[str], *, leave_out: list[str], rest: str) -> Path:
    """A recipe on JSON lines of these names beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = "".join(
        f'  - {{name: {source}, kind: files, paths: ["{source}.jsonl"], columns: {{text: text, unit: unit}}}}\n'
        for source in sources
    )
    out = ", ".join(leave_out)
    # no rule is asked for, so nothing else is measured
    measured = "signals: {families: [language, length]}\n"
    text = (
        f"name: {name}\nsources:\n{written}{measured}curate: {{duplicates: null, leave_out: [{out}]}}\n{rest}"
    )
    path.write_text(text, encoding="utf-8")
    return path


def _books(folder: Path, characters: int) -> Iterator[tuple[str, str]]:
    found = sorted(folder.glob("*.txt.gz"))
    if not found:
        raise HeadwaterError(f"{folder}: no texts for this study; name the folder of test data with --data")
    for path in found:
        text = gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
        yield path.name.partition(".")[0], text[len(text) // 10 :][:characters]  # past what stands before it
