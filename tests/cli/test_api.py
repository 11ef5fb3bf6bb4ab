"""The commands as functions: every one there is, and the same result."""

import inspect
from pathlib import Path

import pytest

from headwater import api
from headwater.cli import cli
from headwater.errors import RecipeError


def test_every_command_is_a_function_of_the_same_name() -> None:
    not_functions = {
        "sources",
        "fetch",
        "presets",
        "recipe",
        "tokenizers",
    }  # lists, groups, and what `init` and `schema` print
    commands = {name.replace("-", "_") for name in cli.commands} - not_functions
    assert commands <= {name for name, _ in inspect.getmembers(api, inspect.isfunction)}


def test_a_recipe_runs_from_python(tmp_path: Path) -> None:
    for n in range(30):
        text = f"第{n}天，河水涨了{n}寸。The river rose {n} inches on day {n}.\n" * 5
        (tmp_path / f"日记-{n}.txt").write_text(text, encoding="utf-8")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(api.init(tmp_path), encoding="utf-8")
    outcome = api.curate(recipe, overrides=["tokenizer.vocabulary=300"], workers=1)
    assert outcome.ingested.documents == 30 and outcome.training_set is not None
    [(kept,)] = api.sql(tmp_path / "workspace", "select count(*) from ledger where state = 'kept'").rows
    assert outcome.curated is not None and kept == outcome.curated.counts["kept"]
    checked, problems = api.verify(tmp_path / "workspace")
    assert checked > 10 and problems == []
    with pytest.raises(RecipeError, match="vocabulary"):
        api.curate(recipe, overrides=["tokenizer.vocabulary=3"])
