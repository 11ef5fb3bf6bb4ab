"""The kinds of source: for each its reader and what its shards' keys depend on. For people: `handbook/`.

A reader is a module, imported when it is first asked for: a crawl needs none of what reads books and papers.
"""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from headwater.recipe.sources import Unit
from headwater.sources.places import Listed, Place
from headwater.sources.records import Record


@dataclass(frozen=True)
class Kind:
    """`module` below headwater.sources has `read` and `VERSION`, and what else of the properties below a kind needs."""

    module: str
    libraries: tuple[str, ...]  # whose versions may change what it makes
    unit: Unit  # what is split and resampled, where the recipe does not say
    pages: bool = False  # takes the main text out of pages, which kernels and a model do

    @property
    def _code(self) -> ModuleType:
        return importlib.import_module(f"headwater.sources.{self.module}")

    @property
    def read(self) -> Callable[..., Iterator[Record]]:
        """One file, with the source's settings, and its context where there is one."""
        read: Callable[..., Iterator[Record]] = self._code.read
        return read

    @property
    def version(self) -> int:
        """Of what the reader makes of the same bytes."""
        return int(self._code.VERSION)

    @property
    def contexts(self) -> Callable[[Any], Callable[[Place, str], dict[str, str]]] | None:
        """What else than its bytes decides what a file's records say (a licence file above it, the card of its data
        set): of a source, a function of a file's place and relative path, asked once for each when shards are planned.
        The answer is part of the shard's key, and the reader's third argument."""
        return getattr(self._code, "contexts", None)

    @property
    def expand(self) -> Callable[[str, Path, Any], list[Listed] | None] | None:
        """The files that one of the source's paths names, where that is more than a glob: None where it is not."""
        return getattr(self._code, "expand", None)

    @property
    def beside(self) -> Callable[[Place, Any], list[Place]] | None:
        """Files that are read together with one."""
        return getattr(self._code, "beside", None)

    @property
    def warm(self) -> str | None:
        """The function that compiles the reader's kernels, as "module:function", called before workers start."""
        return "headwater.sources.extract.main_text:warm" if self.pages else None

    @property
    def model(self) -> Callable[[], str] | None:
        """Names the model that the reader takes text out with: another model makes other documents, and is part of
        the key."""
        if not self.pages:
            return None
        from headwater.sources.extract.main_text import version

        return version


KINDS: dict[str, Kind] = {
    "files": Kind(
        "files",
        ("resiliparse", "pyarrow", "zstandard"),
        Unit(by="author"),
    ),
    "html": Kind(
        "html",
        ("resiliparse", "publicsuffixlist", "idna"),
        Unit(by="site"),
        pages=True,
    ),
    "warc": Kind(
        "warc",
        ("fastwarc", "resiliparse", "publicsuffixlist", "idna", "zstandard"),
        Unit(by="site"),
        pages=True,
    ),
    "code": Kind(
        "code",
        ("resiliparse", "pyarrow", "zstandard"),
        Unit(by="folder"),
    ),
    "huggingface": Kind(
        "huggingface",
        ("resiliparse", "pyarrow", "zstandard"),
        Unit(by="author"),
    ),
    "books": Kind(
        "books",
        ("resiliparse", "rjieba", "selectolax", "zstandard"),
        Unit(by="author"),
    ),
    "news": Kind(
        "news",
        ("fastwarc", "publicsuffixlist", "resiliparse", "selectolax", "zstandard"),
        Unit(by="site"),
        pages=True,
    ),
    "papers": Kind(
        "papers",
        ("pypdfium2",),
        Unit(by="document"),
    ),
    "dialogue": Kind(
        "dialogue",
        ("resiliparse", "zstandard"),
        Unit(by="document"),
    ),
    "forum": Kind(
        "forum",
        ("zstandard",),
        Unit(by="document"),
    ),
    "wikipedia": Kind(
        "wikipedia",
        ("zstandard",),
        Unit(by="document"),
    ),
}
