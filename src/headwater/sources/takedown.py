"""A take-down list: documents that have to go, by id, address or domain, whatever they hold and wherever they went.

    0123456789abcdef0123456789abcdef        a document's id
    id:Q42                                  the id that its source gave it
    https://example.com/blog/1              the page, and what lies below it; with or without www.
    https://www.example.com/                the site, with or without www., and no other host below the domain
    例子.中国                                the domain, and every host below it
    # a comment

The list is hashes in a file that every worker maps (url_lists.py), so one of millions costs no memory. A document on
it is taken out of its shard before anything else sees it: what is left is documents like others, what was taken is
named by id, locator and entry, without its text.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from headwater.corpus.document import DOCUMENT_SCHEMA
from headwater.corpus.shards import ShardWriter, read_batches
from headwater.engine.workspace import Output
from headwater.errors import RecipeError
from headwater.sources.url_lists import MAX_SEGMENTS, UrlList, write_entries
from headwater.sources.urls import ascii_host, parts_of

VERSION = 2
REASON = "takedown"
_ID = re.compile(r"[0-9a-f]{32}", re.I)
_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)+|\[[0-9a-f:.]+\]")

TAKEN_SCHEMA = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),  # in the shard as it was read
        pa.field("id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("locator", pa.string(), nullable=False),
        pa.field("entry", pa.string(), nullable=False),  # of the list, in normal form
    ]
)


def list_shard(out: Output, *, entries: list[str], files: list[str]) -> dict[str, Any]:
    """Shard function: `.hashes`, every entry of the recipe and of the files. RecipeError names a line that is none."""
    keys = [key_of(entry, "takedown.entries") for entry in entries]
    for file in files:
        keys += [key_of(line, f"{file}:{number}") for number, line in _lines(Path(file))]
    write_entries(out.path("hashes"), keys)
    return {"entries": len(set(keys))}


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                entry = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()
                if entry:
                    yield number, entry
    except UnicodeDecodeError as error:
        raise RecipeError(f"takedown: {path} is not UTF-8 ({error.reason}); save it as UTF-8") from error


def key_of(entry: str, place: str) -> str:
    """An entry in normal form: `id:…`, a host, or a host with a path; RecipeError where it is nothing of the kind."""
    entry = entry.strip()
    if _ID.fullmatch(entry):
        return f"id:{entry.lower()}"
    if entry.startswith("id:") and entry[3:].strip():
        return f"id:{entry[3:].strip()}"
    if "/" in entry:
        host, path = parts_of(entry if "://" in entry else f"http://{entry}")
    else:
        host, path = ascii_host(entry.removeprefix("*.").lstrip(".")), ""
    if not _HOST.fullmatch(host):
        raise RecipeError(
            f"{place}: {entry!r} is no document's id (32 hex digits), no URL and no domain; an id that the source itself "
            f"gave is written id:{entry}"
        )
    path = path.rstrip("/")
    if not path and "/" in entry and host.startswith("www."):
        path = "/"  # the site's pages are met without its www.
    return host.removeprefix("www.") + path if path else host


def entry_for(listed: UrlList, document: str, source_id: str | None, url: str | None) -> str | None:
    """The entry that a document falls under; None where there is none."""
    candidates = [f"id:{document}"]
    if source_id:
        candidates.append(f"id:{source_id}")
    if url:
        candidates += _of_address(*parts_of(url))
    return next((candidate for candidate in candidates if listed.has(candidate)), None)


def _of_address(host: str, path: str) -> Iterator[str]:
    if not host:
        return
    name = host
    while name:
        yield name
        name = name.partition(".")[2]
    yield host.removeprefix("www.") + "/"
    page = host.removeprefix("www.") + path.rstrip("/")
    yield page
    page = page.partition("?")[0].rstrip("/")
    yield page
    end = page.find("/")
    for _ in range(MAX_SEGMENTS):
        end = page.find("/", end + 1)
        if end < 0:
            return
        yield page[:end]


def find_shard(out: Output, *, documents: str, entries: str) -> dict[str, Any]:
    """Shard function: which documents of a shard are on the list, TAKEN_SCHEMA; `files` counts them by input file."""
    listed = UrlList(Path(entries))
    files: dict[str, int] = {}
    at = 0
    with ShardWriter(out.path(), TAKEN_SCHEMA) as taken:
        for batch in read_batches(documents, ["id", "source_id", "source", "locator", "url"]):
            rows = []
            for row, found in enumerate(batch.to_pylist()):
                entry = entry_for(listed, found["id"], found["source_id"], found["url"])
                if entry is not None:
                    rows.append({**found, "row": at + row, "entry": entry})
                    file = found["locator"].rpartition("#")[0]
                    files[file] = files.get(file, 0) + 1
            taken.write(rows)
            at += batch.num_rows
    return {"taken": sum(files.values()), "files": dict(sorted(files.items()))}


def remove_shard(
    out: Output, *, documents: str, quarantine: str, taken: str, account: dict[str, Any]
) -> dict[str, Any]:
    """Shard function: the shard without the documents that were found. `account` is what reading it counted.

    They are counted as `gated[takedown]` of their files; the quarantine goes with the shard as it was.
    """
    size = at = 0
    gone = {row for batch in read_batches(taken, ["row"]) for row in batch["row"].to_pylist()}
    files = {name: {**counts, "gated": dict(counts["gated"])} for name, counts in account["files"].items()}
    with ShardWriter(out.path(), DOCUMENT_SCHEMA) as left:
        for batch in read_batches(documents):
            stays = pa.array([at + row not in gone for row in range(batch.num_rows)], pa.bool_())
            at += batch.num_rows
            rows = batch.filter(stays)
            left.write_table(pa.Table.from_batches([rows]))
            size += sum(len(text.encode()) for text in rows["text"].to_pylist())
            for locator in batch.filter(pc.invert(stays))["locator"].to_pylist():
                counts = files[locator.rpartition("#")[0]]
                counts["documents"] -= 1
                counts["gated"][REASON] = counts["gated"].get(REASON, 0) + 1
        count = left.rows
    shutil.copyfile(quarantine, out.path("quarantine.parquet"))
    for counts in files.values():
        counts["gated"] = dict(sorted(counts["gated"].items()))
    return {**account, "files": files, "documents": count, "bytes": size}
