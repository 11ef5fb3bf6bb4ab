"""A recipe from end to end: each piece only if its inputs or settings changed."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headwater.engine.engines import LOCAL, Engine
from headwater.engine.workspace import Entry, Workspace
from headwater.errors import HeadwaterError, RecipeError
from headwater.evaluate.summary import summarise
from headwater.pipeline.check import check_recipe
from headwater.pipeline.curation import Curated, curate
from headwater.pipeline.evaluate_tasks import Evaluated, tasks_of_recipe
from headwater.pipeline.heldout import NOTHING_HELD_OUT, held_out
from headwater.pipeline.ingest import Ingested, ingest
from headwater.pipeline.measure import Measured, measure
from headwater.pipeline.snapshot import keep, of_documents, shards_key
from headwater.pipeline.train import Run, require_torch, score, train
from headwater.pipeline.training_set import build_pool, build_training_set, train_tokenizer
from headwater.recipe import Recipe, load_recipe

# "ledger" is curation without the training set: what is kept is decided, and nothing tokenised.
STAGES = ("ingest", "measure", "ledger", "curate", "train", "evaluate", "run")


@dataclass
class Outcome:
    """What a recipe has made so far; the stages that were not asked for are None."""

    recipe: Recipe
    workspace: Workspace
    ingested: Ingested
    measured: Measured | None = None
    curated: Curated | None = None
    training_set: Path | None = None
    runs: list[Run] = field(default_factory=list)
    heldout: Entry | None = None
    scores: list[dict[str, Any]] = field(default_factory=list)
    tasks: list[Evaluated] = field(default_factory=list)
    limit: int | None = None  # documents read of each shard, of a sample

    def as_json(self) -> dict[str, Any]:
        value: dict[str, Any] = {
            "recipe": self.recipe.name,
            "workspace": str(self.workspace.path),
            "documents": self.ingested.documents,
        }
        if self.curated is not None:
            value["ledger"] = self.curated.counts
            value["warnings"] = list(self.curated.warnings)
        if self.training_set is not None:
            value["training_set"] = str(self.training_set)
        if self.runs:
            value["runs"] = [str(run.folder) for run in self.runs]
        if self.scores:
            value["scores"] = self.scores
        if self.tasks:
            value["tasks"] = [one.as_json() for one in self.tasks]
        return value


def open_recipe(
    recipe_path: Path,
    *,
    overrides: tuple[str, ...] | list[str] = (),
    workspace: Path | str | None = None,
    engine: Engine = LOCAL,
) -> tuple[Recipe, Workspace]:
    """The recipe and the workspace that it, or the caller, names."""
    recipe = load_recipe(recipe_path, overrides)
    return recipe, Workspace(workspace or recipe.workspace_path, engine)


def check_until(recipe: Recipe, stage: str) -> None:
    """Raises what can be said before anything is read of a recipe that is to be brought up to `stage`."""
    wanted = STAGES.index(stage)
    curated, packed, trained, scored = (
        wanted >= STAGES.index(one) for one in ("ledger", "curate", "train", "evaluate")
    )
    check_recipe(recipe, curated=curated, packed=packed, trained=trained, scored=scored)


def run_until(
    stage: str,
    recipe_path: Path,
    *,
    overrides: tuple[str, ...] | list[str] = (),
    workspace: Path | str | None = None,
    workers: int | None = None,
    limit: int | None = None,
    engine: Engine = LOCAL,
) -> Outcome:
    """Brings a recipe up to `stage` (one of STAGES), and names what it made in `recipes/<name>.json` (snapshot.py).

    The bytes that come of it do not depend on `engine`, nor on `workers`.
    """
    if stage not in STAGES:
        raise RecipeError(f"no stage {stage!r}; there are {', '.join(STAGES)}")
    recipe, place = open_recipe(recipe_path, overrides=overrides, workspace=workspace, engine=engine)
    count = engine.workers(workers)
    wanted = STAGES.index(stage)
    if wanted >= STAGES.index("train"):
        require_torch()
    check_until(recipe, stage)
    with place.lease():
        place.event("recipe", name=recipe.name, stage=stage, recipe=recipe.model_dump(mode="json"))
        outcome = Outcome(recipe, place, ingest(recipe, place, workers=count, limit=limit), limit=limit)
        if wanted >= STAGES.index("measure"):
            outcome.measured = measure(recipe, place, outcome.ingested, workers=count)
        if wanted >= STAGES.index("ledger"):
            assert outcome.measured is not None
            outcome.curated = curate(recipe, place, outcome.ingested, outcome.measured, workers=count)
            if wanted >= STAGES.index("evaluate") and not _holds_out(outcome.curated):
                raise HeadwaterError(NOTHING_HELD_OUT)
        if wanted >= STAGES.index("curate"):
            scored = wanted >= STAGES.index("evaluate")
            outcome.training_set = _training_set(outcome, count, scored)
        if wanted >= STAGES.index("train"):
            assert outcome.training_set is not None
            assert outcome.measured is not None and outcome.curated is not None
            if recipe.train.validate_every is not None and outcome.curated.counts["heldout"]:
                outcome.heldout = held_out(recipe, place, outcome.ingested, outcome.measured)
            outcome.runs = train(
                recipe, place, outcome.training_set, seeds=[recipe.seed], slots=1, heldout=outcome.heldout
            )
        if wanted >= STAGES.index("evaluate"):
            assert outcome.measured is not None
            outcome.heldout = held_out(recipe, place, outcome.ingested, outcome.measured)
            entries = score(place, [run.folder for run in outcome.runs], outcome.heldout, workers=count)
            outcome.scores = [
                {**summarise(entry.here(), recipe.evaluate.weights), "measure": entry.result["measure"]}
                for entry in entries
            ]
            outcome.tasks = tasks_of_recipe(
                recipe, place, [run.folder for run in outcome.runs], workers=count
            )
        keep_snapshot(outcome)
    return outcome


def _holds_out(curated: Curated) -> bool:
    rows = (row for texts in curated.shards.values() for row in texts.ledger.result["counts"])
    return any(row["split"] != "train" for row in rows)


def _training_set(outcome: Outcome, workers: int, scored: bool) -> Path:
    recipe, workspace = outcome.recipe, outcome.workspace
    assert outcome.curated is not None
    tokenizer = train_tokenizer(recipe, workspace, [outcome.ingested], workers=workers, scored=scored)
    pool = build_pool(workspace, tokenizer, [outcome.curated], workers=workers)
    return build_training_set(
        workspace, recipe, outcome.curated, pool, tokenizer, ingested=outcome.ingested, measured=outcome.measured
    )  # fmt: skip


def keep_snapshot(outcome: Outcome, *, compared: bool = False) -> None:
    """Writes `recipes/<name>.json`, or that of a sample; `compared`, that of an arm of a comparison."""
    keep(outcome.workspace, snapshot(outcome), limited=outcome.limit is not None, compared=compared)


def snapshot(outcome: Outcome) -> dict[str, Any]:
    """Which stages of the workspace belong to this recipe: what `why`, `sql` and the report start from."""
    root = outcome.workspace.path

    def name(folder: Path) -> str:
        return str(folder.relative_to(root))

    value = of_documents(outcome.recipe, outcome.workspace, outcome.ingested)
    if outcome.measured is not None:
        value["signals"] = {
            family: sorted({name(entry.folder) for entry in shards.values()})
            for family, shards in outcome.measured.entries.items()
        }
        value["families"] = {name: family.key for name, family in outcome.measured.families.items()}
    if outcome.curated is not None:
        value["ledger"] = outcome.curated.ledger_stage
        ledger = {shard: texts.ledger for shard, texts in outcome.curated.shards.items()}
        value["ledger_key"] = shards_key(ledger)
        value["duplicates"] = list(outcome.curated.indexes)
    if outcome.training_set is not None:
        value["training_set"] = name(outcome.training_set)
    if outcome.heldout is not None:
        value["heldout"] = name(outcome.heldout.folder)
    value["runs"] = [name(run.folder) for run in outcome.runs]
    value["scores"] = outcome.scores
    return value
