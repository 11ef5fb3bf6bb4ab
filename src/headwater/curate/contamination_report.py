"""Which items of evaluation sets occur in a corpus, and where: counted and listed, nothing is cut.

    sightings_shard   documents' shard -> passages of it that occur in items
    overlaps          all of them      -> for each item the share of it that occurs, by domain

The *overlap* of an item is the share of its words (and characters, where words are not written apart) that lie in a
gram which occurs in the corpus: 1 where all of it does, .5 where one half does. A field shorter than a gram (the
choices of a question) cannot be told from chance and does not count; an item of such fields is counted as too short.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from headwater.corpus.shards import ShardWriter, read_batches
from headwater.corpus.text import codepoints
from headwater.curate.contamination import grams_with_words, hits_in, load_index
from headwater.curate.evaluation_items import Item
from headwater.engine.workspace import Output
from headwater.recipe.settings import Decontaminate

LEVELS = (1.0, 0.5, 0.2)  # overlaps that are counted
WHOLE = 0.999  # of an item: the last word of a field may end otherwise
SIGHTINGS = 20  # a gram's passages that a shard lists; all are counted
LONGEST = 400  # characters of a passage that are kept
PASSAGES = 5  # that are listed for an item

SIGHTING_SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in ("id", "source", "domain", "split", "locator", "text")),
        pa.field("start", pa.int32()),
        pa.field("end", pa.int32()),
        pa.field("grams", pa.list_(pa.uint64())),
    ]
)


def sightings_shard(out: Output, *, documents: str, index: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Shard function: a row for every passage of the documents that occurs in an item (SIGHTING_SCHEMA)."""
    loaded = load_index(Path(index), Decontaminate(**settings))
    seen: Counter[int] = Counter()
    counts = {"documents": 0, "bytes": 0, "passages": 0, "listed": 0}
    with ShardWriter(out.path(), SIGHTING_SCHEMA) as writer:
        for batch in read_batches(documents, ["id", "source", "domain", "split", "locator", "text"]):
            for row in batch.to_pylist():
                counts["documents"] += 1
                counts["bytes"] += len(row["text"].encode())
                for start, end, places in _passages(*hits_in(row["text"], loaded)):
                    counts["passages"] += 1
                    # a passage is listed for what others have not shown often enough
                    fresh = [place for place in places if seen[place] < SIGHTINGS]
                    if fresh:
                        seen.update(fresh)
                        counts["listed"] += 1
                        grams = loaded.hashes[np.array(fresh)].tolist()
                        text = row["text"][start : min(end, start + LONGEST)]
                        writer.write([{**row, "text": text, "start": start, "end": end, "grams": grams}])
    return counts


def _passages(
    places: np.ndarray, starts: np.ndarray, ends: np.ndarray
) -> Iterator[tuple[int, int, list[int]]]:
    """Hits that overlap as one passage: (start, end, places in the index)."""
    low, high, held = 0, 0, list[int]()
    for place, start, end in zip(places.tolist(), starts.tolist(), ends.tolist(), strict=True):
        if held and start >= high:
            yield low, high, held
            held = []
        low = low if held else start
        high = end  # grams end in the order in which they begin
        held.append(place)
    if held:
        yield low, high, held


@dataclass
class Overlap:
    """One item: how much of it occurs, in all domains together and in each; passages where."""

    benchmark: str
    item: str
    overlap: float
    domains: dict[str, float]
    passages: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    """`benchmarks`: name -> {"items", "too_short", "at": {"1.0": n, …}, "domains": {domain: items at .2}}."""

    documents: int
    benchmarks: dict[str, dict[str, Any]]
    overlaps: list[Overlap]  # of .2 and more, the largest first

    def as_json(self) -> dict[str, Any]:
        return {
            "documents": self.documents,
            "benchmarks": self.benchmarks,
            "items": [vars(overlap) for overlap in self.overlaps],
        }


def overlaps(items: Iterable[Item], sightings: list[Path], settings: Decontaminate, documents: int) -> Report:
    """Puts together what the shards have seen."""
    seen: dict[int, list[int]] = defaultdict(list)  # gram -> places in `rows`
    rows: list[dict[str, Any]] = []
    for path in sightings:
        for batch in read_batches(path):
            for row in batch.to_pylist():
                for gram in row.pop("grams"):
                    seen[gram].append(len(rows))
                rows.append(row)
    benchmarks: dict[str, dict[str, Any]] = {}
    found = []
    for item in items:
        said = benchmarks.setdefault(
            item.benchmark,
            {"items": 0, "too_short": 0, "at": {str(level): 0 for level in LEVELS}, "domains": {}},
        )
        said["items"] += 1
        overlap = _overlap(item, seen, rows, settings)
        if overlap is None:
            said["too_short"] += 1
            continue
        for level in LEVELS:
            said["at"][str(level)] += overlap.overlap >= min(level, WHOLE)
        for domain, share in overlap.domains.items():
            said["domains"][domain] = said["domains"].get(domain, 0) + (share >= LEVELS[-1])
        if overlap.overlap >= LEVELS[-1]:
            found.append(overlap)
    for said in benchmarks.values():
        said["domains"] = {domain: count for domain, count in sorted(said["domains"].items()) if count}
    found.sort(key=lambda one: (-one.overlap, one.benchmark))
    return Report(documents, benchmarks, found)


def _overlap(
    item: Item, seen: dict[int, list[int]], rows: list[dict[str, Any]], settings: Decontaminate
) -> Overlap | None:
    total = 0
    covered: dict[str, int] = Counter()
    domains: dict[str, int] = Counter()
    places: dict[int, None] = {}
    for text in item.fields:
        hashes, firsts, lasts, words = grams_with_words(codepoints(text), settings)
        if not len(hashes):
            continue
        total += words
        marks: dict[str, np.ndarray] = {"": np.zeros(words, bool)}
        for gram, first, last in zip(hashes.tolist(), firsts.tolist(), lasts.tolist(), strict=True):
            for place in seen.get(gram, ()):
                places[place] = None
                for domain in ("", rows[place]["domain"]):
                    marks.setdefault(domain, np.zeros(words, bool))[first:last] = True
        for domain, mark in marks.items():
            (domains if domain else covered)[domain] += int(mark.sum())
    if not total:
        return None
    passages = [rows[place] for place in list(places)[:PASSAGES]]
    by_domain = {domain: round(count / total, 4) for domain, count in sorted(domains.items()) if count}
    return Overlap(item.benchmark, item.name, round(covered[""] / total, 4), by_domain, passages)
