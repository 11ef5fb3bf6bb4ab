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
    files = ("gauntlet/copa.jsonl", "fewclue/tnews/dev_few_all.json", "fewclue/tnews/train_few_all.json")
    for file in (tmp_path / data / name for data in ("评测", "别处") for name in files):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
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


def test_a_task_that_is_not_there_is_said_before_a_recipe_is_read(tmp_path: Path) -> None:
    (tmp_path / "一.txt").write_text("河水涨了。" * 9, encoding="utf-8")
    recipe = tmp_path / "r.yaml"
    recipe.write_text("sources: [{name: 日记, kind: files, paths: ['*.txt']}]\n", encoding="utf-8")
    for tasks, said in (("blmp", "there is no task 'blmp'"), ("blimp", "no blimp/")):
        for more in ([], ["--plan"]):
            done = CliRunner().invoke(
                cli, ["evaluate", str(recipe), "--tasks", tasks, "--data", str(tmp_path), *more]
            )
            assert done.exit_code != 0 and said in done.output
    assert not (tmp_path / "workspace").exists()
    done = CliRunner().invoke(cli, ["evaluate", str(tmp_path / "none"), "--tasks", "blimp"])
    assert done.exit_code == 2 and "there is no recipe, and no folder of a run" in done.output


def test_curves_of_no_run_make_no_folder(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["curves", str(tmp_path / "none"), "--tensorboard", str(tmp_path / "out")])
    assert done.exit_code == 1 and "name a run's folder" in done.output and "Errno" not in done.output
    assert not (tmp_path / "out").exists()
