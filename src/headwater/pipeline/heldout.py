"""The held-out text, fixed before any arm exists: `heldout/<key>/heldout.parquet`, what every model is scored on.

A domain's texts are one stratum, or one stratum a language where it has several that each hold at least a
twentieth of its bytes ("news/en", "news/zh"); rarer languages stay with the domain's first.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headwater.corpus.shards import ShardWriter, read_batches
from headwater.engine.stages import Task, run_stage
from headwater.engine.workspace import Entry, Output, Workspace, content_key
from headwater.errors import HeadwaterError, RecipeError
from headwater.pipeline.ingest import Ingested
from headwater.pipeline.measure import Measured
from headwater.pipeline.portions import beginning, portions
from headwater.recipe import Recipe

HELDOUT_SCHEMA = pa.schema([(name, pa.string()) for name in ("id", "unit", "domain", "language", "text")])
NOTHING_HELD_OUT = (
    "no text is held out, so nothing can be scored; raise holdout.share or add a source with role: reference"
)
A_LANGUAGE = 0.05  # share of a domain's bytes that makes a language a stratum of its own


def held_out(recipe: Recipe, workspace: Workspace, ingested: Ingested, measured: Measured) -> Entry:
    """The committed held-out set; its fingerprint is part of every comparison's hash."""
    shards = {
        shard.shard: {
            "texts": str(shard.path()),
            "language": str(measured.of("language", shard.shard).path()),
        }
        for shard in ingested.shards
    }
    settings = recipe.evaluate.model_dump(include={"domains", "bytes_per_unit", "max_bytes"})
    inputs = [
        (shard.fingerprint, measured.of("language", shard.shard).fingerprint) for shard in ingested.shards
    ]
    key = content_key("heldout", 2, settings, inputs)
    arguments = {"shards": shards, **settings}
    task = Task("heldout", key, "headwater.pipeline.heldout:collect", arguments)
    [entry] = run_stage(workspace, f"heldout/{key[:12]}", [task], workers=1, title="held-out text")
    return entry


def collect(
    out: Output,
    *,
    shards: dict[str, dict[str, str]],
    domains: list[str] | None,
    bytes_per_unit: int | None,
    max_bytes: int | None,
) -> dict[str, Any]:
    """Shard function: what is scored of the chosen domains, in the order of their shards.

    Of a unit that is not scored whole these are its documents in order of id, and of the last one the beginning. They
    are cut here, before there is a model: every run and every n-gram reads the same text, whatever its tokens.
    """
    documents = _documents(shards, domains)
    strata = {domain: _strata(counts) for domain, counts in _by_language(documents).items()}
    held: dict[str, Counter[str]] = defaultdict(Counter)  # stratum -> unit -> bytes
    for one in documents:
        held[_stratum(strata, one)[0]][one.unit] += one.size
    scored = portions(held, bytes_per_unit=bytes_per_unit, max_bytes=max_bytes)
    left = {name: Counter(units) for name, units in scored.items()}
    pieces: dict[str, int] = {}  # id -> bytes of it that are scored
    for one in sorted(documents, key=lambda document: document.id):
        units = left[_stratum(strata, one)[0]]
        if units[one.unit] > 0:
            pieces[one.id] = min(one.size, units[one.unit])
            units[one.unit] -= pieces[one.id]
    total = 0
    with ShardWriter(out.path("parquet"), HELDOUT_SCHEMA) as writer:
        for row in _rows(shards, ["id", "unit", "domain", "split", "text"]):
            if row["id"] in pieces:
                stratum, language = _stratum(strata, _Document.of(row))
                text = beginning(row["text"], pieces[row["id"]])
                writer.write([{"id": row["id"], "unit": row["unit"], "domain": stratum, "language": language,
                               "text": text}])  # fmt: skip
                total += len(text.encode())
    return {
        "documents": len(pieces),
        "bytes": total,
        "units": len({unit for units in scored.values() for unit in units}),
        "held_out": {
            name: {"units": len(units), "bytes": units.total()} for name, units in sorted(held.items())
        },
    }


@dataclass(frozen=True, slots=True)
class _Document:
    id: str
    unit: str
    domain: str
    language: str
    size: int  # bytes

    @classmethod
    def of(cls, row: dict[str, Any]) -> "_Document":
        return cls(row["id"], row["unit"], row["domain"], row["language"], len(row["text"].encode()))


def _documents(shards: dict[str, dict[str, str]], domains: list[str] | None) -> list[_Document]:
    """The held-out documents of the chosen domains, without their text.

    Raises RecipeError and HeadwaterError where a domain, or everything, has none.
    """
    found = [_Document.of(row) for row in _rows(shards, ["id", "unit", "domain", "split", "text"])]
    seen = {one.domain for one in found}
    if missing := sorted(set(domains or ()) - seen):
        raise RecipeError(
            f"evaluate.domains: no held-out text in {missing[0]!r}; there is some in {', '.join(sorted(seen)) or 'none'}"
        )
    chosen = [one for one in found if domains is None or one.domain in domains]
    if not chosen:
        raise HeadwaterError(NOTHING_HELD_OUT)
    return chosen


def _rows(shards: dict[str, dict[str, str]], columns: list[str]) -> Any:
    for paths in shards.values():
        languages = pq.read_table(paths["language"], columns=["language.label"]).column(0).to_pylist()
        position = 0
        for batch in read_batches(paths["texts"], columns):
            for row in batch.to_pylist():
                if row["split"] == "heldout" and row["text"].strip():
                    yield {**row, "language": languages[position] or "und"}
                position += 1


def _by_language(documents: list[_Document]) -> dict[str, Counter[str]]:
    """domain -> language -> bytes."""
    sizes: dict[str, Counter[str]] = defaultdict(Counter)
    for one in documents:
        sizes[one.domain][one.language] += one.size
    return sizes


def _strata(sizes: Counter[str]) -> dict[str, tuple[str, str]]:
    """language -> (language, suffix of the stratum's name); "" stands for every rarer language."""
    total = sum(sizes.values())
    large = [language for language, size in sizes.most_common() if size >= A_LANGUAGE * total]
    if len(large) <= 1:
        return {"": (sizes.most_common(1)[0][0], "")}
    return {"": (large[0], large[0])} | {language: (language, language) for language in large}


def _stratum(strata: dict[str, dict[str, tuple[str, str]]], document: _Document) -> tuple[str, str]:
    """(name, language) of the stratum that a document is scored in."""
    languages = strata[document.domain]
    language, suffix = languages.get(document.language, languages[""])
    return (f"{document.domain}/{suffix}" if suffix else document.domain), language
