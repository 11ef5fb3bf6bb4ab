"""The kinds of source: for each its reader, what its shards' keys depend on, and an example."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from headwater.recipe.sources import Unit
from headwater.sources import dialogue, files, forum, warc
from headwater.sources.places import Place
from headwater.sources.records import Record


@dataclass(frozen=True)
class Kind:
    read: Callable[[Place, Any], Iterator[Record]]  # one file, with the source's settings
    version: int  # of what the reader makes of the same bytes
    libraries: tuple[str, ...]  # whose versions may change what it makes
    unit: Unit  # what is split and resampled, where the recipe does not say
    meaning: str  # for a person, with an example
    beside: Callable[[Place, Any], list[Place]] | None = None  # files that are read together with one


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
    "dialogue": Kind(
        dialogue.read,
        dialogue.VERSION,
        ("resiliparse", "zstandard"),
        Unit(by="document"),
        "IRC logs, mbox and .eml, SRT, WebVTT, ASS, JSON of conversations, also in zip and tar: "
        "{name: chat, kind: dialogue, paths: [logs/*.txt.gz]}",
    ),
    "forum": Kind(
        forum.read,
        forum.VERSION,
        ("zstandard",),
        Unit(by="document"),
        "StackExchange dumps (Posts.xml, .gz, .bz2, .zst, or the site's .7z), JSON lines of threads: "
        "{name: beer, kind: forum, paths: [beer.stackexchange.com.7z]}",
        forum.beside,
    ),
}
