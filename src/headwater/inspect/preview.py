"""`headwater preview`: what a recipe would do with some of its documents, before it is run.

Up to N documents of every shard are read and curated in a workspace that is thrown away; of these the N with the
lowest ids (a sample that is the same each time) are shown. Steps that look at the whole corpus (repeated lines,
duplicates) see only what was read here, so more will leave in a full run.
"""

import tempfile
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from headwater.engine.workspace import Workspace, read_json
from headwater.errors import HeadwaterError
from headwater.inspect.evidence import Judgement, judgements_of, versions_of
from headwater.inspect.masked import masked
from headwater.inspect.snapshots import Snapshot, row_at
from headwater.inspect.visible import one_line
from headwater.pipeline.curation import curate
from headwater.pipeline.ingest import ingest
from headwater.pipeline.measure import Measured, measure
from headwater.recipe import Recipe, load_recipe
from headwater.sources.shards import take_unread

CORPUS_WIDE = ("lines", "duplicates")


@dataclass(frozen=True)
class Previewed:
    """One document and what the recipe says of it."""

    id: str
    source: str
    locator: str
    begins: str  # the title, or the first characters
    language: str
    split: str
    state: str
    reason: str | None
    characters: int
    removed: int
    failed: tuple[Judgement, ...]


@dataclass(frozen=True)
class Preview:
    recipe: str
    read: int  # documents
    documents: tuple[Previewed, ...]
    corpus_wide: bool  # the plan has steps that a sample cannot answer

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def preview(
    recipe_path: Path | str, *, limit: int = 20, overrides: tuple[str, ...] = (), workers: int = 1
) -> Preview:
    """Reads, measures and judges a sample of the recipe's documents; leaves nothing behind."""
    recipe = load_recipe(Path(recipe_path), list(overrides))
    with tempfile.TemporaryDirectory(prefix="headwater-preview-") as folder:
        workspace = Workspace(folder)
        snapshot = _dry_run(recipe, workspace, limit, workers)
        places = sorted(
            (document, shard, row)
            for shard, entry in snapshot.ledger.items()
            for row, document in enumerate(pq.read_table(entry.here(), columns=["id"]).column(0).to_pylist())
        )
        documents = tuple(_previewed(snapshot, shard, row) for _, shard, row in places[:limit])
        wide = any(step["step"] in CORPUS_WIDE for step in snapshot.plan["steps"])
        return Preview(recipe.name, len(places), documents, wide)


def _dry_run(recipe: Recipe, workspace: Workspace, limit: int, workers: int) -> Snapshot:
    with workspace.lease():
        for source in recipe.sources:
            take_unread(source, recipe.folder, workspace)
        ingested = ingest(recipe, workspace, workers=workers, limit=limit)
        measured: Measured = measure(recipe, workspace, ingested, workers=workers)
        try:
            curate(recipe, workspace, ingested, measured, workers=workers)
        except HeadwaterError:
            # that nothing survives is an answer here, and it is in the ledger
            if not list((workspace.path / "ledger").glob("*/manifest.json")):
                raise
    [ledger] = (workspace.path / "ledger").glob("*/manifest.json")
    record = {
        "name": recipe.name,
        "recipe": recipe.model_dump(mode="json"),
        "documents": ingested.stages,
        "takedown": {"less": ingested.less, "taken": ingested.taken},
        "signals": {
            family: sorted({str(entry.folder.relative_to(workspace.path)) for entry in shards.values()})
            for family, shards in measured.entries.items()
        },
        "ledger": read_json(ledger)["stage"],
    }
    return Snapshot(workspace, record)


def _previewed(snapshot: Snapshot, shard: str, row: int) -> Previewed:
    ledger = row_at(snapshot.ledger[shard].here(), row)
    document = row_at(snapshot.shards[shard].here(), row)
    versions, _ = versions_of(snapshot, shard, row, document["text"])
    judgements = judgements_of(snapshot, shard, row, ledger, versions)
    return Previewed(
        ledger["id"],
        ledger["source"],
        ledger["locator"],
        masked(document["title"] or document["text"][:80].strip() or "(empty)"),
        ledger["language"],
        ledger["split"],
        ledger["state"],
        ledger["reason"],
        len(document["text"]),
        ledger["edits"],
        tuple(judgement for judgement in judgements if judgement.failed),
    )


def lines_of(answer: Preview) -> list[str]:
    """For a terminal: a line a document, its failed rules below."""
    states = Counter("held out" if one.split == "heldout" else one.state for one in answer.documents)
    said = ", ".join(f"{count} {state}" for state, count in states.most_common())
    lines = [
        f"{answer.recipe}: {len(answer.documents)} of {answer.read:,} documents read for this preview: {said}"
    ]
    for one in answer.documents:
        state = "held out" if one.split == "heldout" else one.state
        removed = f", {one.removed:,} cut" if one.removed else ""
        lines.append(f"{one.id[:12]}  {state:<11} {one.language:<4} {one_line(one.begins, 40)}")
        lines.append(f"{'':<14}{one.characters:,} characters{removed}  {one_line(one.locator, 40)}")
        if one.reason is not None and all(judgement.reason != one.reason for judgement in one.failed):
            lines.append(f"{'':<14}✗ {one.reason}")
        for judgement in one.failed:
            value = f"{judgement.value:.4g}" if isinstance(judgement.value, float) else judgement.value
            lines.append(f"{'':<14}✗ {judgement.signal} is {value}, not {judgement.bounds}")
    if answer.corpus_wide:
        lines.append("Repeated lines and duplicates were looked for among these; a run finds more.")
    return lines
