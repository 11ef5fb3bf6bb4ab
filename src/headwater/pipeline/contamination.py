"""Documents to the edition that every arm starts from: held-out text cut out of the training documents.

    index, edition = contamination/<key>/, editions/decontaminated-<key>/

It depends on the documents, on which of their domains are scored and on `curate.decontaminate`, and on no other
setting: arms that agree in these share it. An edition's rows are those of its documents: `text` is null where
nothing was cut, `dropped` names the reason where the document leaves, `removed` counts characters, `spans` says
what was cut. `decontaminate` comes before the first step of a recipe; a document that it drops is in no arm.
"""

from headwater.engine.local import Task, run_stage
from headwater.engine.workspace import Workspace, content_key
from headwater.pipeline.ingest import Ingested
from headwater.recipe import Recipe

VERSION = 1


def decontaminate(recipe: Recipe, workspace: Workspace, ingested: Ingested, *, workers: int) -> str | None:
    """The edition's stage name; None where the recipe switches it off (`decontaminate: null`)."""
    settings = recipe.curate.decontaminate
    if settings is None:
        return None
    chosen = settings.model_dump(mode="json")
    domains = sorted(recipe.evaluate.domains) if recipe.evaluate.domains is not None else None
    index_key = content_key("contamination", VERSION, chosen, domains, ingested.key)
    arguments = {
        "documents": [str(shard.path()) for shard in ingested.shards],
        "domains": domains,
        "settings": chosen,
    }
    task = Task("index", index_key, "headwater.curate.contamination:build_index", arguments)
    [index] = run_stage(
        workspace, f"contamination/{index_key[:12]}", [task], workers=1, title="index held-out text"
    )
    name = f"editions/decontaminated-{index.fingerprint[:12]}-{content_key(chosen)[:6]}"
    tasks = [
        Task(
            shard.shard,
            content_key("decontaminate", VERSION, chosen, index.fingerprint, shard.fingerprint),
            "headwater.curate.contamination:decontaminate_shard",
            {"documents": str(shard.path()), "index": str(index.path("npy")), "settings": chosen},
        )
        for shard in ingested.shards
    ]
    run_stage(workspace, name, tasks, workers=workers, title="decontaminate")
    return name
