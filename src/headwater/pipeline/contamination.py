"""Documents to the edition that every arm starts from: held-out and evaluation text cut out of the training documents.

    index, edition = contamination/<key>/, editions/decontaminated-<key>/

It depends on the documents, on which of their domains are scored and on `curate.decontaminate`, and on no other
setting: arms that agree in these share it. An edition's rows are those of its documents: `text` is null where
nothing was cut, `dropped` names the reason where the document leaves, `removed` counts characters, `spans` says
what was cut. `decontaminate` comes before the first step of a recipe; a document that it drops is in no arm.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from headwater.curate.evaluation_items import VERSION as ITEMS
from headwater.curate.evaluation_items import read_items
from headwater.engine.stages import Task, run_stage
from headwater.engine.workers import default_workers
from headwater.engine.workspace import Workspace, content_key, file_hash
from headwater.errors import RecipeError
from headwater.pipeline.ingest import Ingested, ingest
from headwater.recipe import Recipe, load_recipe
from headwater.recipe.settings import Decontaminate

if TYPE_CHECKING:
    from headwater.curate.contamination_report import Report

VERSION = 2  # 2: cuts say whose text they are


def decontaminate(recipe: Recipe, workspace: Workspace, ingested: Ingested, *, workers: int) -> str | None:
    """The edition's stage name; None where the recipe switches it off (`decontaminate: null`)."""
    settings = recipe.curate.decontaminate
    if settings is None:
        return None
    chosen = settings.model_dump(mode="json", exclude={"tasks"})
    tasks_files = [recipe.folder / path for path in settings.tasks]
    domains = sorted(recipe.evaluate.domains) if recipe.evaluate.domains is not None else None
    index_key = content_key("contamination", VERSION, chosen, domains, ingested.key, content_of(tasks_files))
    arguments = {
        "documents": [str(shard.path()) for shard in ingested.shards],
        "domains": domains,
        "tasks": [str(path) for path in tasks_files],
        "settings": chosen,
    }
    task = Task("index", index_key, "headwater.curate.contamination:build_index", arguments)
    [index] = run_stage(
        workspace, f"contamination/{index_key[:12]}", [task], workers=1, title="index held-out text"
    )
    # recipes that differ in their take-down list may share the index, not the shards
    made_of = content_key(chosen, sorted(ingested.less.values()))
    name = f"editions/decontaminated-{index.fingerprint[:12]}-{made_of[:6]}"
    tasks = [
        Task(
            shard.shard,
            content_key(
                "decontaminate", VERSION, chosen, index.fingerprint, index.result["labels"], shard.fingerprint
            ),
            "headwater.curate.contamination:decontaminate_shard",
            {
                "documents": str(shard.path()),
                "index": str(index.path("npy")),
                "labels": index.result["labels"],
                "settings": chosen,
            },
            reads=(str(index.path("labels.npy")),),
        )
        for shard in ingested.shards
    ]
    run_stage(workspace, name, tasks, workers=workers, title="decontaminate")
    return name


def contamination(
    recipe_path: Path,
    tasks: list[Path],
    *,
    words: int | None = None,
    characters: int | None = None,
    overrides: tuple[str, ...] = (),
    workspace: Path | str | None = None,
    workers: int | None = None,
    limit: int | None = None,
) -> "Report":
    """Which items of these evaluation sets occur in the documents of a recipe; reads the sources, decides nothing.

    `words`, `characters`: a gram's; default the recipe's.
    """
    from headwater.curate.contamination_report import overlaps

    recipe = load_recipe(recipe_path, overrides)
    place = Workspace(workspace or recipe.workspace_path)
    count = default_workers() if workers is None else workers
    said = (recipe.curate.decontaminate or Decontaminate()).model_dump(exclude={"tasks"})
    settings = Decontaminate(
        **said | {k: v for k, v in (("words", words), ("characters", characters)) if v is not None}
    )
    chosen = settings.model_dump(mode="json", exclude={"tasks"})
    with place.lease():
        ingested = ingest(recipe, place, workers=count, limit=limit)
        key = content_key("items", VERSION, chosen, content_of(tasks))
        arguments = {
            "documents": [],
            "domains": [],
            "tasks": [str(path) for path in tasks],
            "settings": chosen,
        }
        task = Task("index", key, "headwater.curate.contamination:build_index", arguments)
        name = f"contamination/{key[:12]}"
        [index] = run_stage(place, name, [task], workers=1, title="index evaluation sets")
        tasks_of = [
            Task(
                shard.shard,
                content_key("sightings", VERSION, chosen, index.fingerprint, shard.fingerprint),
                "headwater.curate.contamination_report:sightings_shard",
                {"documents": str(shard.path()), "index": str(index.path("npy")), "settings": chosen},
                reads=(str(index.path("labels.npy")),),
            )
            for shard in ingested.shards
        ]
        seen = run_stage(place, f"contamination/seen-{key[:12]}-{ingested.key[:12]}", tasks_of, workers=count,
                         title="look for evaluation text")  # fmt: skip
    return overlaps(read_items(tasks), [entry.here() for entry in seen], settings, ingested.documents)


def content_of(paths: list[Path]) -> list[list[str]]:
    """[name, hash] of every file among these and in those that are folders, and how they are read; RecipeError where
    one is missing."""
    found = [["items", str(ITEMS)]] if paths else []
    for given in paths:
        if not given.exists():
            raise RecipeError(f"curate.decontaminate.tasks: {given} is missing")
        files = sorted(path for path in given.rglob("*") if path.is_file()) if given.is_dir() else [given]
        found += [[str(path.relative_to(given.parent)), file_hash(path)] for path in files]
    return found
