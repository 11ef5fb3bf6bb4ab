"""The kinds of source: for each its reader, what its shards' keys depend on, and an example."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from headwater.recipe.sources import Unit
from headwater.sources import files, html, warc
from headwater.sources.places import Place
from headwater.sources.records import Record


@dataclass(frozen=True)
class Kind:
    read: Callable[[Place, Any], Iterator[Record]]  # one file, with the source's settings
    version: int  # of what the reader makes of the same bytes
    libraries: tuple[str, ...]  # whose versions may change what it makes
    unit: Unit  # what is split and resampled, where the recipe does not say
    meaning: str  # for a person, with an example


KINDS: dict[str, Kind] = {
    "files": Kind(
        files.read,
        files.VERSION,
        ("resiliparse", "pyarrow", "zstandard"),
        Unit(by="author"),
        "txt, md, json, jsonl (.gz, .zst, .bz2), csv, tsv, parquet: "
        "{name: books, kind: files, paths: [books/*.txt.gz]}",
    ),
    "html": Kind(
        html.read,
        html.VERSION,
        ("resiliparse", "publicsuffixlist", "idna"),
        Unit(by="site"),
        "saved pages, html and mhtml (.gz), and zip or tar of them: "
        "{name: pages, kind: html, paths: [saved/**/*.html]}",
    ),
    "warc": Kind(
        warc.read,
        warc.VERSION,
        ("fastwarc", "resiliparse", "publicsuffixlist", "idna", "zstandard"),
        Unit(by="site"),
        "WARC and WET (.gz, .zst, .lz4), ARC (.gz): {name: crawl, kind: warc, paths: [crawl/*.warc.gz]}",
    ),
}
