"""Texts that studies train on, cut to a size and written as JSON lines: {"text", "unit"}."""

import gzip
import json
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import xxhash

from headwater.errors import HeadwaterError

PIECE = 1000  # characters of a document

Texts = Iterable[tuple[str, str]]  # (unit, text)


def novels(data: Path, characters: int) -> Iterator[tuple[str, str]]:
    """(unit, text): the beginning of each English novel."""
    yield from _books(data / "corpora/books/novels-en", characters)


def chinese_books(data: Path, characters: int) -> Iterator[tuple[str, str]]:
    yield from _books(data / "corpora/books/books-zh", characters)


def standard_library(_: Path, characters: int) -> Iterator[tuple[str, str]]:
    """The beginning of each module of this Python's standard library that is so long."""
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        text = path.read_text(encoding="utf-8", errors="replace")
        if len(text) >= characters:
            yield path.stem, text[:characters]


def pieces(texts: Texts, size: int = PIECE) -> Iterator[tuple[str, str, str]]:
    """(unit, name of the piece, its text)."""
    for unit, text in texts:
        for start in range(0, len(text), size):
            yield unit, f"{unit}-{start}", text[start : start + size]


def chance(name: str) -> float:
    """A number from 0 to 1 that only the name decides: what a smaller share takes, a larger one takes too."""
    return xxhash.xxh3_64_intdigest(name.encode()) / 2**64


def write_pieces(path: Path, texts: Texts, change: Callable[[str, str], str] = lambda _, text: text) -> None:
    """One document a piece of a text; `change(name of the piece, text)` gives what is written."""
    write_texts(path, ((unit, change(name, text)) for unit, name, text in pieces(texts)))


def write_texts(path: Path, texts: Texts) -> None:
    """One document a text; what is there already is left as it is."""
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"text": text, "unit": unit}, ensure_ascii=False) + "\n" for unit, text in texts]
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text("".join(lines), encoding="utf-8")
    temporary.replace(path)


def write_recipe(
    path: Path,
    name: str,
    sources: Sequence[str],
    *,
    leave_out: Sequence[str],
    rest: str,
    references: Sequence[str] = (),
    curate: str = "duplicates: null",
    families: str = "language, length",
) -> Path:
    """A recipe on JSON lines of these names beside it; `references` are scored and never trained on.

    Only what its rules ask for need be measured: `families`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    written = "".join(
        f'  - {{name: {source}, kind: files, paths: ["{source}.jsonl"], columns: {{text: text, unit: unit}}'
        f"{', role: reference' * (source in references)}}}\n"
        for source in (*sources, *references)
    )
    measured = f"signals: {{families: [{families}]}}\n"
    out = ", ".join(leave_out)
    text = f"name: {name}\nsources:\n{written}{measured}curate: {{{curate}, leave_out: [{out}]}}\n{rest}"
    path.write_text(text, encoding="utf-8")
    return path


def _books(folder: Path, characters: int) -> Iterator[tuple[str, str]]:
    found = sorted(folder.glob("*.txt.gz"))
    if not found:
        raise HeadwaterError(f"{folder}: no texts for this study; name the folder of test data with --data")
    for path in found:
        text = gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
        yield path.name.partition(".")[0], text[len(text) // 10 :][:characters]  # past what stands before it
