"""`recipes/<name>.json`: what a recipe has made in a workspace, by name. Questions start from it, and `gc` keeps what it
names.

A run of a sample (`--limit`) has its own, `recipes/limited/<name>.json`, so that it takes nothing from the full run;
it is asked only where there is no full run.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headwater.engine.workspace import Entry, Workspace, content_key, read_json, write_json
from headwater.recipe import Recipe

if TYPE_CHECKING:
    from headwater.pipeline.ingest import Ingested

SAME = ("recipe", "documents", "takedown")
# What a comparison's budget and first recipe set in an arm's recipe, in the place of its own.
OF_BUDGET = ("model", "train", "tokenizer", "evaluate", "seed")


def shards_key(shards: Mapping[str, Entry]) -> str:
    """Names the content of shards, by their names."""
    return content_key([(shard, shards[shard].fingerprint) for shard in sorted(shards)])


def signals_key(family: str, key: str, texts: Entry) -> str:
    """The key of a shard of signals: of a family, with its own key, on these texts."""
    return content_key(family, key, texts.fingerprint)


def of_documents(recipe: Recipe, workspace: Workspace, ingested: "Ingested") -> dict[str, Any]:
    """The record of a recipe of which the documents were read."""
    return {
        "name": recipe.name,
        "recipe": recipe.model_dump(mode="json"),
        "documents": ingested.stages,
        "takedown": {"less": ingested.less, "taken": ingested.taken},
        "key": ingested.key,  # of what was read: what else is named was made of that
        "stages": sorted(workspace.used),  # all that this recipe needs: what `gc` keeps
    }


def files_of(folder: Path) -> list[Path]:
    """The files of a workspace's recipes, by name: those of full runs, and of samples where there is no full run."""
    full = sorted((folder / "recipes").glob("*.json"))
    known = {path.name for path in full}
    limited = (folder / "recipes" / "limited").glob("*.json")
    return sorted([*full, *(path for path in limited if path.name not in known)], key=lambda path: path.name)


def keep(workspace: Workspace, record: dict[str, Any], *, limited: bool, compared: bool = False) -> None:
    """Writes a recipe's file. What an earlier command made of the same recipe and of the same documents, by their
    content, stays named; of other documents in the same places it stays in `stages`, as a later run may need it.

    `compared`: the recipe is an arm's, with a budget's model in the place of its own. What the recipe itself has made
    stays in `stages` then, and so does what a comparison has made when the recipe is run.
    """
    path = workspace.path / "recipes" / ("limited" if limited else "") / f"{record['name']}.json"
    old = read_json(path)
    if old is not None and all(old.get(name) == record.get(name) for name in SAME):
        if old.get("key") == record["key"]:
            record |= {name: value for name, value in old.items() if not record.get(name)}
        record["stages"] = sorted({*record["stages"], *old.get("stages", ())})
    elif old is not None and (compared or "compared" in old) and _of_data(old) == _of_data(record):
        record["stages"] = sorted({*record["stages"], *old.get("stages", ())})
    write_json(path, record | ({"compared": True} if compared else {}))


def _of_data(record: Mapping[str, Any]) -> list[Any]:
    """What two records have in common that differ in model and training alone."""
    recipe = {name: value for name, value in record["recipe"].items() if name not in OF_BUDGET}
    return [recipe, record.get("documents"), record.get("takedown")]
