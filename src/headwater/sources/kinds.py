"""The kinds of source: for each its reader, what its shards' keys depend on, and an example."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from headwater.recipe.sources import Unit
from headwater.sources import files, warc, wikipedia
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
    "warc": Kind(
        warc.read,
        warc.VERSION,
        ("fastwarc", "resiliparse", "publicsuffixlist"),
        Unit(by="site"),
        "WARC and WET (.gz, .zst, .lz4): {name: crawl, kind: warc, paths: [crawl/*.warc.gz]}",
    ),
    "wikipedia": Kind(
        wikipedia.read,
        wikipedia.VERSION,
        ("zstandard",),
        Unit(by="document"),
        "MediaWiki dumps, .xml (.bz2, .gz, .zst): "
        "{name: wiki, kind: wikipedia, paths: [zhwiki-*-pages-articles.xml.bz2]}",
    ),
}
