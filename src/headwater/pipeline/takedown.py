"""A recipe's take-down list applied to the documents that were read, before any other stage sees them.

    takedown/<list>-entries/     the list
    takedown/<list>/             which documents of every shard are on it
    documents/<source>-<key>/    the shards that held such, without them

A shard that holds none stays what it was, so that what was made of it is found again. The name of a changed shard's
stage depends on what was taken out of its source and on nothing else: a longer list makes again only what it changes.
"""

import hashlib
from pathlib import Path

from headwater.engine.stages import Task, run_stage, run_stages
from headwater.engine.workspace import Entry, Workspace, content_key
from headwater.errors import RecipeError
from headwater.recipe import Recipe
from headwater.sources.takedown import VERSION


def take_down(
    recipe: Recipe,
    workspace: Workspace,
    shards: list[Entry],
    stages: dict[str, str],
    source_of: dict[str, str],
    *,
    workers: int,
) -> tuple[list[Entry], dict[str, str], str | None]:
    """(the shards with what is left of them, source -> stage of those that were changed, stage of what was taken).

    `stages` and `source_of` are those of `Ingested`. RecipeError where the list cannot be read.
    """
    settings = recipe.takedown
    if settings is None or not (settings.entries or settings.files):
        return shards, {}, None
    files = [recipe.folder / Path(file).expanduser() for file in settings.files]
    key = content_key("takedown", VERSION, settings.entries, [_digest(file) for file in files])
    said = {"entries": settings.entries, "files": [str(file) for file in files]}
    task = Task("entries", key, "headwater.sources.takedown:list_shard", said)
    [listed] = run_stage(workspace, f"takedown/{key[:12]}-entries", [task], workers=0, title="take-down list")
    tasks = [
        Task(
            shard.shard,
            content_key(key, shard.fingerprint),
            "headwater.sources.takedown:find_shard",
            {"documents": str(shard.path()), "entries": str(listed.path("hashes"))},
        )
        for shard in shards
    ]
    name = f"takedown/{key[:12]}"
    taken = {
        entry.shard: entry
        for entry in run_stage(workspace, name, tasks, workers=workers, title="take down")
        if entry.result["taken"]
    }
    tasks_of: dict[str, list[Task]] = {}
    for shard in shards:
        if shard.shard in taken:
            found = taken[shard.shard]
            arguments = {
                "documents": str(shard.path()), "quarantine": str(shard.path("quarantine.parquet")),
                "taken": str(found.path()), "account": shard.result,
            }  # fmt: skip
            made = content_key("take down", VERSION, shard.fingerprint, found.fingerprint)
            tasks_of.setdefault(source_of[shard.shard], []).append(
                Task(shard.shard, made, "headwater.sources.takedown:remove_shard", arguments)
            )
    changed = {
        source: f"documents/{source}-{content_key(stages[source], [task.key for task in tasks])[:12]}"
        for source, tasks in tasks_of.items()
    }
    run = {changed[source]: tasks for source, tasks in tasks_of.items()}
    left = run_stages(workspace, run, workers=workers, title="take down") if run else {}
    instead = {entry.shard: entry for entries in left.values() for entry in entries}
    return [instead.get(shard.shard, shard) for shard in shards], changed, name


def _digest(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise RecipeError(
            f"takedown.files: {file} cannot be read ({error.strerror}); name files that are there, relative to the recipe"
        ) from error
