"""The kinds of source: for each its reader, what its shards' keys depend on, and an example."""

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
    meaning: str  # for a person, with an example
    # What else than its bytes decides what a file's records say (a licence file above it, the card of its data set):
    # of a source, a function of a file's place and relative path, asked once for each when shards are planned. The
    # answer is part of the shard's key, and the reader's third argument.
    contexts: Callable[[Any], Callable[[Place, str], dict[str, str]]] | None = None
    # The files that one of the source's paths names, where that is more than a glob: None where it is not.
    expand: Callable[[str, Path, Any], list[Listed] | None] | None = None
    beside: Callable[[Place, Any], list[Place]] | None = None  # files that are read together with one
    warm: Callable[[], None] | None = None  # compiles the reader's kernels, before workers start


KINDS: dict[str, Kind] = {
    "files": Kind(
        files.read,
        files.VERSION,
        ("resiliparse", "pyarrow", "zstandard"),
        Unit(by="author"),
        "txt, md, json, jsonl (.gz, .zst, .bz2, .xz), csv, tsv, parquet, arrow: "
        "{name: books, kind: files, paths: [books/*.txt.gz]}",
    ),
    "html": Kind(
        html.read,
        html.VERSION,
        ("resiliparse", "publicsuffixlist", "idna"),
        Unit(by="site"),
        "saved pages, html and mhtml (.gz), and zip or tar of them: "
        "{name: pages, kind: html, paths: [saved/**/*.html]}",
        warm=main_text.warm,
    ),
    "warc": Kind(
        warc.read,
        warc.VERSION,
        ("fastwarc", "resiliparse", "publicsuffixlist", "idna", "zstandard"),
        Unit(by="site"),
        "WARC and WET (.gz, .zst, .lz4), ARC (.gz): {name: crawl, kind: warc, paths: [crawl/*.warc.gz]}",
        warm=main_text.warm,
    ),
    "code": Kind(
        code.read,
        code.VERSION,
        ("resiliparse", "pyarrow", "zstandard"),
        Unit(by="folder"),
        "repositories as folders, tar and zip, git, The Stack's rows: {name: code, kind: code, paths: [repos/**/*]}",
        contexts=code.contexts,
    ),
    "huggingface": Kind(
        huggingface.read,
        huggingface.VERSION,
        ("resiliparse", "pyarrow", "zstandard"),
        Unit(by="author"),
        "a hub's data sets with licence and language: {name: fw, kind: huggingface, paths: [hf://datasets/org/name]}",
        contexts=huggingface.contexts,
        expand=huggingface.expand,
    ),
    "books": Kind(
        books.read,
        books.VERSION,
        ("resiliparse", "rjieba", "selectolax", "zstandard"),
        Unit(by="author"),
        "Project Gutenberg (txt, html), EPUB, novels, poems in JSON: "
        "{name: novels, kind: books, paths: [books/**/*.epub, gutenberg/*.txt.gz]}",
    ),
    "news": Kind(
        news.read,
        news.VERSION,
        ("fastwarc", "publicsuffixlist", "resiliparse", "selectolax", "zstandard"),
        Unit(by="site"),
        "RSS, Atom, news pages, NITF, CC-NEWS (.warc.gz): "
        "{name: news, kind: news, paths: [feeds/*.xml, pages/**/*.html]}",
        warm=main_text.warm,
    ),
    "papers": Kind(
        papers.read,
        papers.VERSION,
        ("pypdfium2",),
        Unit(by="document"),
        "LaTeX (.tex, .tar.gz a paper, arXiv's bulk .tar) and PDF: "
        "{name: papers, kind: papers, paths: [arXiv_src_*.tar, papers/*.pdf]}",
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
        beside=forum.beside,
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
