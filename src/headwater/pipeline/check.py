"""What can be known to be wrong of a recipe before anything is read: names of models, tokenisers and tasks."""

import os
from collections.abc import Sequence
from pathlib import Path

from headwater.errors import HeadwaterError, RecipeError
from headwater.model.presets import resolve
from headwater.pipeline.plan import plan_of
from headwater.recipe import Recipe


def check_recipe(recipe: Recipe, *, curated: bool, packed: bool, trained: bool, scored: bool) -> None:
    """Raises RecipeError, or HeadwaterError where a file is missing, for the stages that a recipe is to go through."""
    if curated:
        plan_of(recipe)
    if packed:
        given_tokenizer(recipe)
    if trained and recipe.model.path is None:
        resolve(recipe.model.model_dump(mode="json"), recipe.tokenizer.vocabulary)
    if scored:
        check_tasks(tasks_of(recipe), data_of_tasks(recipe), "evaluate.tasks")


def given_tokenizer(recipe: Recipe) -> Path | None:
    """The tokenizer.json that the recipe, or the model that it goes on from, brings. RecipeError where it is missing."""
    given, key = recipe.tokenizer.path, "tokenizer.path"
    if given is None and recipe.model.path is not None:
        given, key = str(Path(recipe.model.path) / "tokenizer.json"), "model.path"
    if given is None:
        return None
    path = recipe.folder / given
    if not path.is_file():
        what = "a tokenizer.json" if key == "tokenizer.path" else "a model's folder"
        raise RecipeError(f"{key}: {path} does not exist; name {what}, or leave it out")
    return path


def data_of_tasks(recipe: Recipe) -> Path | None:
    return None if recipe.evaluate.data is None else recipe.folder / recipe.evaluate.data


def tasks_of(recipe: Recipe) -> list[str]:
    """The tasks of `evaluate.tasks`; their files are relative to the recipe."""
    return [
        str(recipe.folder / task) if task.endswith((".yaml", ".yml")) else task
        for task in recipe.evaluate.tasks
    ]


def check_tasks(tasks: Sequence[str], data: Path | None, named: str = "--tasks") -> None:
    """Raises HeadwaterError where a task, or its data, is not there. `named`: where the tasks are named."""
    from headwater.evaluate.run_task import data_files

    root = str(Path(data or os.environ.get("HEADWATER_TASK_DATA") or ".").resolve())
    for task in tasks:
        try:
            data_files(task, root)
        except HeadwaterError as error:
            raise type(error)(f"{named}: {error}") from None
