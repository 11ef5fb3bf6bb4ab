"""The kinds of source: for each its reader and what its shards' keys depend on. For people: `handbook/`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.recipe.sources import Unit
from headwater.sources import (
    books,
    code,
    dialogue,
    files,
    forum,
    html,
    huggingface,
    news,
    papers,
    warc,
    wikipedia,
)
from headwater.sources.extract import main_text
from headwater.sources.places import Listed, Place
from headwater.sources.records import Record


@dataclass(frozen=True)
class Kind:
    read: Callable[
        ..., Iterator[Record]
    ]  # one file, with the source's settings, and its context where there is one
    version: int  # of what the reader makes of the same bytes
    libraries: tuple[str, ...]  # whose versions may change what it makes
    unit: Unit  # what is split and resampled, where the recipe does not say
    # What else than its bytes decides what a file's records say (a licence file above it, the card of its data set):
    # of a source, a function of a file's place and relative path, asked once for each when shards are planned. The
    # answer is part of the shard's key, and the reader's third argument.
    contexts: Callable[[Any], Callable[[Place, str], dict[str, str]]] | None = None
    # The files that one of the source's paths names, where that is more than a glob: None where it is not.
    expand: Callable[[str, Path, Any], list[Listed] | None] | None = None
    beside: Callable[[Place, Any], list[Place]] | None = None  # files that are read together with one
    warm: Callable[[], None] | None = None  # compiles the reader's kernels, before workers start
    # Names the model that the reader takes text out with: another model makes other documents, and is part of the key.
    model: Callable[[], str] | None = None


KINDS: dict[str, Kind] = {
    "files": Kind(
        files.read,
        files.VERSION,
        ("resiliparse", "pyarrow", "zstandard"),
        Unit(by="author"),
    ),
    "html": Kind(
        html.read,
        html.VERSION,
        ("resiliparse", "publicsuffixlist", "idna"),
        Unit(by="site"),
        warm=main_text.warm,
        model=main_text.version,
    ),
    "warc": Kind(
        warc.read,
        warc.VERSION,
        ("fastwarc", "resiliparse", "publicsuffixlist", "idna", "zstandard"),
        Unit(by="site"),
        warm=main_text.warm,
        model=main_text.version,
    ),
    "code": Kind(
        code.read,
        code.VERSION,
        ("resiliparse", "pyarrow", "zstandard"),
        Unit(by="folder"),
        contexts=code.contexts,
    ),
    "huggingface": Kind(
        huggingface.read,
        huggingface.VERSION,
        ("resiliparse", "pyarrow", "zstandard"),
        Unit(by="author"),
        contexts=huggingface.contexts,
        expand=huggingface.expand,
    ),
    "books": Kind(
        books.read,
        books.VERSION,
        ("resiliparse", "rjieba", "selectolax", "zstandard"),
        Unit(by="author"),
    ),
    "news": Kind(
        news.read,
        news.VERSION,
        ("fastwarc", "publicsuffixlist", "resiliparse", "selectolax", "zstandard"),
        Unit(by="site"),
        warm=main_text.warm,
        model=main_text.version,
    ),
    "papers": Kind(
        papers.read,
        papers.VERSION,
        ("pypdfium2",),
        Unit(by="document"),
    ),
    "dialogue": Kind(
        dialogue.read,
        dialogue.VERSION,
        ("resiliparse", "zstandard"),
        Unit(by="document"),
    ),
    "forum": Kind(
        forum.read,
        forum.VERSION,
        ("zstandard",),
        Unit(by="document"),
        beside=forum.beside,
    ),
    "wikipedia": Kind(
        wikipedia.read,
        wikipedia.VERSION,
        ("zstandard",),
        Unit(by="document"),
    ),
}
