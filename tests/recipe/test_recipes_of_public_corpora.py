"""The recipes in recipes/: each parses, its curation compiles, its sources are fetched by the commands on its top."""

import re
import shlex
from pathlib import Path, PurePosixPath

import click
import pytest

from headwater.cli.fetch import fetch
from headwater.pipeline.plan import plan_of
from headwater.recipe import load_recipe
from headwater.sources.fetch.kinds import REQUESTS

FOLDER = Path(__file__).resolve().parents[2] / "recipes"
NAMES = ("chinese-english", "pile", "refinedweb", "roots", "slimpajama")
COMMAND = re.compile(r"^# {3}headwater (\w+) (.*)$", re.M)


def commands_of(name: str) -> list[tuple[str, str]]:
    return COMMAND.findall((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


def test_these_are_all() -> None:
    assert tuple(sorted(path.stem for path in FOLDER.iterdir())) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_parses_and_its_curation_compiles(name: str) -> None:
    recipe = load_recipe(FOLDER / f"{name}.yaml")
    assert recipe.name == name
    assert plan_of(recipe).steps
    mixture = recipe.curate.mixture
    assert mixture is None or set(mixture) == {source.name for source in recipe.sources}


@pytest.mark.parametrize("name", NAMES)
def test_what_each_reads_is_what_its_commands_fetch(name: str) -> None:
    recipe = load_recipe(FOLDER / f"{name}.yaml")
    outs = set()
    for command, rest in commands_of(name):
        if command == "run":
            assert rest == f"recipes/{name}.yaml"
            continue
        kind, *arguments = shlex.split(rest)
        assert command == "fetch" and kind in REQUESTS
        subcommand = fetch.commands[kind]
        assert isinstance(subcommand, click.Command)
        context = subcommand.make_context(kind, arguments)  # parses, and runs nothing
        outs.add(str(context.params["out"]))
    read = {PurePosixPath(path).parts[1] for source in recipe.sources for path in source.paths}
    assert read == outs


@pytest.mark.parametrize("name", NAMES)
def test_each_names_its_paper_and_says_where_it_deviates(name: str) -> None:
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    assert re.search(r"arXiv \d{4}\.\d{5}|huggingface\.co/datasets/", text)
    assert "Ours deviates:" in text


def test_the_shares_of_the_pile_add_up_to_its_table() -> None:
    text = (FOLDER / "pile.yaml").read_text(encoding="utf-8")
    mixture = load_recipe(FOLDER / "pile.yaml").curate.mixture or {}
    for source, weight in mixture.items():
        [line] = re.findall(rf"^#   {source} (.*)$", text, re.M)
        assert sum(map(float, re.findall(r"\d+\.\d+", line))) == pytest.approx(weight)
    assert sum(mixture.values()) + 15.53 == pytest.approx(100, abs=0.02)
