"""`headwater evaluate RECIPE --tasks …`: what is asked for reaches the stages and the tasks."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from headwater.cli import cli
from headwater.pipeline import run as pipeline
from headwater.recipe import load_recipe


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "诗.txt").write_text("源头活水来，半亩方塘一鉴开。\n" * 50, encoding="utf-8")
    path = tmp_path / "配方.yaml"
    path.write_text(
        "sources: [{name: 诗, kind: files, paths: [诗.txt]}]\nevaluate: {data: 评测}\n", encoding="utf-8"
    )
    return path


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, recipe: Path) -> dict[str, Any]:
    """What is handed on, instead of being done."""
    seen: dict[str, Any] = {}

    def run_until(stage: str, place: Path, **options: Any) -> Any:
        seen["stage"] = stage, options
        run = SimpleNamespace(folder=recipe.parent / "workspace" / "runs" / "一")
        return SimpleNamespace(runs=[run], recipe=load_recipe(place, options["overrides"]))

    def evaluate_tasks(run: Path, tasks: list[str], **options: Any) -> Any:
        seen["tasks"] = tasks, options
        return SimpleNamespace(as_json=dict, results=[], folder=run)

    monkeypatch.setattr(pipeline, "run_until", run_until)
    monkeypatch.setattr("headwater.api.evaluate_tasks", evaluate_tasks)
    return seen


def test_a_plan_says_what_would_run_and_runs_nothing(recipe: Path, calls: dict[str, Any]) -> None:
    asked = ["evaluate", str(recipe), "--tasks", "tnews,copa", "--plan", "--set", "train.tokens=123000"]
    done = CliRunner().invoke(cli, asked, catch_exceptions=False)
    assert done.exit_code == 0 and not calls
    for words in ("source    诗", "train     123", "tasks     tnews, copa"):
        assert words in done.stdout


def test_engine_and_the_recipes_data_are_handed_on(recipe: Path, calls: dict[str, Any]) -> None:
    asked = ["evaluate", str(recipe), "--tasks", "tnews", "--engine", "ray", "--address", "here:1"]
    done = CliRunner().invoke(cli, asked, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    stage, options = calls["stage"]
    assert stage == "train" and options["engine"].name == "ray"
    assert calls["tasks"][1]["data"] == recipe.parent / "评测"
    CliRunner().invoke(cli, [*asked[:4], "--data", str(recipe.parent / "别处")], catch_exceptions=False)
    assert calls["stage"][1]["engine"].name == "local"
    assert calls["tasks"][1]["data"] == recipe.parent / "别处"


def test_what_is_for_recipes_is_refused_for_a_folder(recipe: Path, calls: dict[str, Any]) -> None:
    for option in (["--plan"], ["--set", "seed=1"], ["--engine", "ray"]):
        done = CliRunner().invoke(cli, ["evaluate", str(recipe.parent), "--tasks", "tnews", *option])
        assert done.exit_code == 2 and "are for recipes" in done.output and not calls
