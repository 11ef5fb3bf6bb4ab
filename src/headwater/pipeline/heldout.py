"""The held-out text, fixed before any arm exists: `heldout/<key>/heldout.parquet`, what every model is scored on.

A domain's texts are one stratum, or one stratum a language where it has several that each hold at least a
twentieth of its bytes ("news/en", "news/zh"); rarer languages stay with the domain's first.
"""

from collections import Counter, defaultdict
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headwater.corpus.shards import ShardWriter, read_batches
from headwater.engine.stages import Task, run_stage
from headwater.engine.workspace import Entry, Output, Workspace, content_key
from headwater.errors import HeadwaterError, RecipeError
from headwater.pipeline.ingest import Ingested
from headwater.pipeline.measure import Measured
from headwater.recipe import Recipe

HELDOUT_SCHEMA = pa.schema([(name, pa.string()) for name in ("id", "unit", "domain", "language", "text")])
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
    settings = recipe.evaluate.model_dump(include={"domains", "bytes_per_unit"})
    inputs = [
        (shard.fingerprint, measured.of("language", shard.shard).fingerprint) for shard in ingested.shards
    ]
    key = content_key("heldout", 1, settings, inputs)
    arguments = {"shards": shards, **settings}
    task = Task("heldout", key, "headwater.pipeline.heldout:collect", arguments)
    [entry] = run_stage(workspace, f"heldout/{key[:12]}", [task], workers=1, title="held-out text")
    return entry


def collect(
    out: Output, *, shards: dict[str, dict[str, str]], domains: list[str] | None, bytes_per_unit: int | None
) -> dict[str, Any]:
    """Shard function: the held-out documents of the chosen domains, in the order of their shards.

    `bytes_per_unit` takes whole documents of a unit, in order of id, until it is reached; at least one.
    """
    seen: set[str] = set()
    sizes: dict[str, Counter[str]] = defaultdict(Counter)  # domain -> language -> bytes
    units: dict[str, list[tuple[str, int]]] = defaultdict(list)  # unit -> (id, bytes)
    for row in _rows(shards, ["id", "unit", "domain", "split", "text"]):
        seen.add(row["domain"])
        if domains is None or row["domain"] in domains:
            size = len(row["text"].encode())
            sizes[row["domain"]][row["language"]] += size
            units[row["unit"]].append((row["id"], size))
    if missing := sorted(set(domains or ()) - seen):
        raise RecipeError(
            f"evaluate.domains: no held-out text in {missing[0]!r}; there is some in {', '.join(sorted(seen)) or 'none'}"
        )
    if not units:
        raise HeadwaterError(
            "no text is held out, so nothing can be scored; raise holdout.share or add a source with role: reference"
        )
    chosen = {document for unit in units.values() for document in _first(sorted(unit), bytes_per_unit)}
    strata = {domain: _strata(counts) for domain, counts in sizes.items()}
    documents = total = 0
    with ShardWriter(out.path("parquet"), HELDOUT_SCHEMA) as writer:
        for row in _rows(shards, ["id", "unit", "domain", "split", "text"]):
            if row["id"] in chosen:
                language, suffix = strata[row["domain"]].get(row["language"], strata[row["domain"]][""])
                domain = f"{row['domain']}/{suffix}" if suffix else row["domain"]
                writer.write([{"id": row["id"], "unit": row["unit"], "domain": domain, "language": language,
                               "text": row["text"]}])  # fmt: skip
                documents += 1
                total += len(row["text"].encode())
    return {"documents": documents, "bytes": total, "units": len(units)}


def _rows(shards: dict[str, dict[str, str]], columns: list[str]) -> Any:
    for paths in shards.values():
        languages = pq.read_table(paths["language"], columns=["language.label"]).column(0).to_pylist()
        position = 0
        for batch in read_batches(paths["texts"], columns):
            for row in batch.to_pylist():
                if row["split"] == "heldout" and row["text"].strip():
                    yield {**row, "language": languages[position] or "und"}
                position += 1


def _first(documents: list[tuple[str, int]], limit: int | None) -> list[str]:
    chosen: list[str] = []
    total = 0
    for document, size in documents:
        if limit is not None and chosen and total + size > limit:
            break
        chosen.append(document)
        total += size
    return chosen


def _strata(sizes: Counter[str]) -> dict[str, tuple[str, str]]:
    """language -> (language, suffix of the stratum's name); "" stands for every rarer language."""
    total = sum(sizes.values())
    large = [language for language, size in sizes.most_common() if size >= A_LANGUAGE * total]
    if len(large) <= 1:
        return {"": (sizes.most_common(1)[0][0], "")}
    return {"": (large[0], large[0])} | {language: (language, language) for language in large}
