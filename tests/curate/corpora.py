"""Small corpora for tests of corpus-wide steps: documents as dictionaries -> what a curation makes of each."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from headwater.engine.workspace import Workspace
from headwater.pipeline.curation import Curated, curate, final_texts
from headwater.pipeline.ingest import ingest
from headwater.pipeline.measure import measure
from headwater.pipeline.run import Outcome, keep_snapshot
from headwater.recipe.load import load_recipe

FAMILIES = ["language", "hashes", "minhash", "lines", "length", "fineweb"]
DISTINCT_HAN = 20000


def han(number: int, seed: int = 0) -> str:
    """So many different Chinese characters; another seed shares no run of three with it."""
    return "".join(
        chr(0x4E00 + (i * 7919 + seed * 104729 + i * i % 97 * seed) % DISTINCT_HAN) for i in range(number)
    )


def words(number: int, seed: int = 0) -> str:
    """So many words, none of another seed."""
    return " ".join(f"w{seed}x{i}" for i in range(number))


@dataclass
class Made:
    """What became of each document, in the order given."""

    curated: Curated
    workspace: Workspace
    rows: list[dict[str, Any]] = field(default_factory=list)  # of the ledger, with `text` as kept, else None

    @property
    def kept(self) -> list[int]:
        return [place for place, row in enumerate(self.rows) if row["state"] == "kept"]

    @property
    def reasons(self) -> list[str]:
        return [row["reason"] or "" for row in self.rows]

    @property
    def partners(self) -> list[int | None]:
        places = {row["id"]: place for place, row in enumerate(self.rows)}
        return [None if row["partner"] is None else places.get(row["partner"], -1) for row in self.rows]

    @property
    def texts(self) -> list[str | None]:
        return [row["text"] for row in self.rows]

    def spans(self, step_stage: str) -> list[Any]:
        edition = self.workspace.stage(step_stage).entries()
        return [
            row["spans"]
            for shard in self.curated.shards
            for row in pq.read_table(edition[shard].path()).to_pylist()
        ]


def make(
    folder: Path,
    sources: dict[str, list[dict[str, Any]]] | list[dict[str, Any]],
    duplicates: dict[str, Any] | None,
    *,
    name: str = "recipe",
    files: int = 2,
    workers: int = 0,
    store: str = "",
    **settings: Any,
) -> Made:
    """Curates documents ({"text": …, "url": …}); each source's in so many files, a shard or more. `store`: the workspace's URL."""
    if isinstance(sources, list):
        sources = {"texts": sources}
    places = []
    for source, documents in sources.items():
        place = folder / source
        place.mkdir(parents=True, exist_ok=True)
        size = -(-len(documents) // files) or 1
        for number in range(0, len(documents), size):
            lines = [json.dumps(one, ensure_ascii=False) for one in documents[number : number + size]]
            (place / f"{source}-{number:06d}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        places.append(
            {"name": source, "kind": "files", "paths": [f"{source}/*.jsonl"], "unit": {"by": "document"}}
        )
    recipe_text = {
        "name": name,
        "workspace": store or f"workspace-{name}",
        "sources": places,
        "holdout": {"share": 0},
        "signals": {"families": FAMILIES},
        "curate": {"decontaminate": None, "duplicates": duplicates, **settings},
    }
    path = folder / f"{name}.yaml"  # JSON is YAML
    path.write_text(json.dumps(recipe_text, ensure_ascii=False), encoding="utf-8")
    recipe = load_recipe(path)
    workspace = Workspace(recipe.workspace_path)
    with workspace.lease():
        ingested = ingest(recipe, workspace, workers=workers)
        measured = measure(recipe, workspace, ingested, workers=workers)
        curated = curate(recipe, workspace, ingested, measured, workers=workers)
        keep_snapshot(Outcome(recipe, workspace, ingested, measured, curated))
    made = Made(curated, workspace)
    texts = {document: text for shard in curated.shards for document, text in final_texts(curated, shard)}
    found = [row for one in curated.shards.values() for row in pq.read_table(one.ledger.path()).to_pylist()]
    order = list(sources)
    for row in sorted(found, key=lambda row: (order.index(row["source"]), _place(row["locator"]))):
        made.rows.append({**row, "text": texts.get(row["id"])})
    return made


def _place(locator: str) -> tuple[str, int]:
    file, _, offset = locator.rpartition("#")
    return file, int(offset)
