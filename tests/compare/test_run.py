"""A comparison from recipes to a verdict, with real trainings of a few seconds."""

import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import cast

import pytest

from headwater.compare.budgets import BUDGETS, Budget
from headwater.compare.history import history, lines_of
from headwater.compare.markdown import summary_lines
from headwater.compare.planning import visible_lines
from headwater.compare.run import Comparison, compare, plan_comparison
from headwater.compare.trainings import Group, Training, _looks, _parts
from headwater.compare.variations import variations_of
from headwater.engine.stages import Job
from headwater.engine.upkeep import verify
from headwater.engine.workspace import Workspace
from headwater.errors import RecipeError
from headwater.studio.report import report

TINY = replace(
    BUDGETS["demo"],
    tokens=4096,
    vocabulary=320,
    batch=512,
    seeds_baseline=4,
    seeds_candidate=2,
    preset="modern-nano",
)
FILES = ("comparison.json", "comparison.md", "comparison.units.json")
ALONE = """
import json, sys
from headwater.compare.budgets import BUDGETS, Budget
from headwater.compare.run import compare
tiny, workspace, *recipes = sys.argv[1:]
BUDGETS["demo"] = Budget(**json.loads(tiny))
compare(recipes, budget="demo", workspace=workspace, workers=2)
"""
CHINESE = "问渠那得清如许为有源头活水来半亩方塘一鉴开天光云影共徘徊"
ENGLISH = ["the", "river", "has", "its", "source", "in", "hills", "and", "every", "stream", "feeds", "it"]
RECIPE = """\
# 配方：%(name)s
name: %(name)s
holdout: {share: 0.3, salt: 盐}
sources:
  - {name: 网页, kind: files, paths: ["网页.jsonl"], columns: {text: text, unit: unit}}
  - {name: 书, kind: files, paths: ["书.jsonl"], columns: {text: text, unit: unit}}
curate: {decontaminate: null, duplicates: null%(rules)s}
"""


def sentence(random: random.Random, chinese: bool) -> str:
    if chinese:
        return "".join(random.choice(CHINESE) for _ in range(12)) + random.choice("。！？")
    return " ".join(random.choice(ENGLISH) for _ in range(8)).capitalize() + "."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sources; pages of one kind are made of digits alone, and the candidate drops them."""
    place = tmp_path_factory.mktemp("比较")
    chance = random.Random(3)
    for source in ("网页", "书"):
        lines = []
        for unit in range(24):
            text = "".join(sentence(chance, unit % 2 == 0) for _ in range(16))
            if source == "网页" and unit % 3 == 0:
                text = " ".join(str(chance.randrange(10**6)) for _ in range(120))
            lines.append(json.dumps({"text": text, "unit": f"{source}{unit}"}, ensure_ascii=False))
        (place / f"{source}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    rules = ', rules: {"*": {gopher.alphabetic_words: {min: 0.5}}}'
    (place / "原始.yaml").write_text(RECIPE % {"name": "原始", "rules": ""}, encoding="utf-8")
    (place / "整理.yaml").write_text(RECIPE % {"name": "整理", "rules": rules}, encoding="utf-8")
    return place


@pytest.fixture(scope="module", autouse=True)
def tiny_budget() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BUDGETS, "demo", TINY)
        patch.setenv("CUDA_VISIBLE_DEVICES", "")  # the same bytes again: a promise for the CPU
        yield


@pytest.fixture(scope="module")
def comparison(folder: Path) -> Comparison:
    pytest.importorskip("torch")
    return compare([folder / "原始.yaml", folder / "整理.yaml"], budget="demo", workers=2)


def test_a_plan_runs_nothing(folder: Path, tmp_path: Path) -> None:
    recipes = [folder / "原始.yaml", folder / "整理.yaml"]
    lines = plan_comparison(recipes, budget="demo", workspace=tmp_path, workers=2)
    assert any("6 trainings of 4.1k tokens" in line and "2 at a time" in line for line in lines)
    lines = plan_comparison(recipes, budget="demo", workspace=tmp_path, workers=0)
    assert any("1 at a time" in line for line in lines)
    assert "margin    1%: a smaller difference is declared not to matter" in lines
    lines = plan_comparison(recipes, budget="demo", workspace=tmp_path, workers=0, margin=0.002)
    assert any(line.startswith("margin    0.2%") for line in lines)
    with pytest.raises(RecipeError, match="margin 500%"):
        plan_comparison(recipes, budget="demo", workspace=tmp_path, workers=0, margin=5)
    assert not list(tmp_path.iterdir())


def test_a_plan_counts_scoring_too(tmp_path: Path) -> None:
    body = 'sources: [{name: 书, kind: books, paths: ["书/*.gz"]}]\nholdout: {share: 0.5}\nevaluate: %s\n'
    (tmp_path / "书").mkdir()
    for number in range(4):
        (tmp_path / "书" / f"{number}.txt.gz").write_bytes(
            b"\0" * 10_000_000
        )  # unpacked, three times as much
    planned = {}
    for asked in ("{}", "{bytes_per_unit: 1kB}", "{max_bytes: 50MB}", "{domains: [书]}"):
        (tmp_path / "a.yaml").write_text(body % asked, encoding="utf-8")
        lines = plan_comparison(
            [tmp_path / "a.yaml"],
            budget="quick",
            workers=2,
            variations=variations_of(["curate.duplicates=null"]),
        )
        scored, time = (next(line for line in lines if line.startswith(name)) for name in ("scored", "time"))
        planned[asked] = (scored.split("on ")[1].split(" of")[0], time.split("about ")[1].split(" and")[0])
    assert planned == {
        "{}": ("1 MB", "11 min"),
        "{bytes_per_unit: 1kB}": ("24 kB", "9 min"),
        "{max_bytes: 50MB}": ("50 MB", "113 min"),
        "{domains: [书]}": ("1 MB", "11 min"),
    }


@pytest.mark.parametrize("margin", [0.0, -0.01, 1.0, float("nan")])
def test_a_margin_that_means_nothing_is_refused(folder: Path, margin: float) -> None:
    with pytest.raises(RecipeError, match="margin"):
        compare([folder / "原始.yaml", folder / "整理.yaml"], budget="demo", margin=margin)


def test_weights_that_are_wrong_are_said_before_any_training(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    recipes = [folder / "原始.yaml", folder / "整理.yaml"]
    with pytest.raises(RecipeError, match=r"evaluate\.weights: no held-out text in '论坛'"):
        compare(
            recipes, budget="demo", workspace=tmp_path, workers=1, overrides=["evaluate.weights={论坛: 1}"]
        )
    assert not (tmp_path / "runs").exists()


def test_arms_differ_by_what_the_rule_dropped(comparison: Comparison) -> None:
    result = comparison.result
    raw, clean = result["arms"]
    assert (len(raw["runs"]), len(clean["runs"])) == (4, 2)
    assert [run["seed"] for run in raw["runs"]] == [0, 1, 2, 3]
    assert clean["reasons"] == {"gopher_alphabetic_words": raw["documents"] - clean["documents"]}
    assert clean["reasons"]["gopher_alphabetic_words"] > 0
    changed = "curate.rules.*.gopher.alphabetic_words.min"
    assert {row["key"]: row["arm"] for row in clean["settings_diff"] if row["arm"] is not None} == {
        changed: 0.5
    }
    assert result["matrix"]["rows"] == ["书", "网页", "原始", "整理"]
    assert sum(domain["weight"] for domain in result["domains"]) == pytest.approx(1)
    assert len({run["run"] for arm in result["arms"] for run in arm["runs"]}) == 6
    for arm in result["arms"]:
        assert len({run["score"] for run in arm["runs"]}) == len(arm["runs"])  # a seed is a model of its own


def test_the_result_stands_in_the_workspace(comparison: Comparison, folder: Path) -> None:
    assert comparison.workspace.path == folder / "workspace"
    assert comparison.folder.name == comparison.result["hash"][:12]
    assert json.loads(comparison.path.read_text("utf-8")) == comparison.result
    sentence = comparison.result["sentence"]
    assert f"**{sentence['zh']}**" in (comparison.folder / "comparison.md").read_text("utf-8")
    assert comparison.result["recipes"]["整理.yaml"] == (folder / "整理.yaml").read_text("utf-8")
    assert shlex.split(comparison.result["command"]) == [
        "headwater", "compare", "原始.yaml", "整理.yaml", "--budget", "demo"
    ]  # fmt: skip
    for arm in comparison.result["arms"]:
        record = json.loads((folder / "workspace" / "recipes" / f"{arm['name']}.json").read_text("utf-8"))
        assert record["runs"] == [f"runs/{run['run']}" for run in arm["runs"]]
        assert [score["score"] for score in record["scores"]] == pytest.approx(
            [r["score"] for r in arm["runs"]]
        )
    assert verify(comparison.workspace)[1] == []


def test_again_is_read_and_lost_pieces_are_made_to_the_same_bytes(
    comparison: Comparison, folder: Path
) -> None:
    recipes = [folder / "原始.yaml", folder / "整理.yaml"]
    written, before = comparison.path.read_bytes(), comparison.path.stat().st_mtime_ns
    again = compare(recipes, budget="demo", workers=1)
    assert again.result == comparison.result and again.path.stat().st_mtime_ns == before

    shutil.rmtree(comparison.folder)
    shutil.rmtree(folder / "workspace" / "runs" / comparison.result["arms"][1]["runs"][0]["run"])
    shutil.rmtree(folder / "workspace" / "evaluations")
    made = compare(recipes, budget="demo", workers=1)
    assert made.path.read_bytes() == written


def test_killed_in_a_training_it_goes_on_to_the_same_bytes(
    comparison: Comparison, folder: Path, tmp_path: Path
) -> None:
    """SIGKILL to it and its workers, in the last training; ten at random moments: test_kills.py."""
    recipes, place = [folder / "原始.yaml", folder / "整理.yaml"], tmp_path / "workspace"
    shutil.copytree(folder / "workspace", place)
    shutil.rmtree(place / "comparisons")
    last = place / "runs" / comparison.result["arms"][1]["runs"][-1]["run"]
    shutil.rmtree(last)
    process = start(recipes, place)
    while not (begun := last.is_dir()) and process.poll() is None:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL and begun
    assert not list(place.glob("comparisons/*/comparison.json"))
    done = compare(recipes, budget="demo", workspace=place, workers=2)
    for name in FILES:
        assert (done.folder / name).read_bytes() == (comparison.folder / name).read_bytes()


def start(recipes: list[Path], workspace: Path, budget: Budget = TINY) -> "subprocess.Popen[bytes]":
    """The tiny comparison in a process of its own, which leads a group."""
    words = [sys.executable, "-c", ALONE, json.dumps(asdict(budget)), str(workspace), *map(str, recipes)]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(words, start_new_session=True, stdout=quiet, stderr=quiet)


def test_what_was_changed_on_disk_is_not_believed(comparison: Comparison, folder: Path) -> None:
    written = comparison.path.read_bytes()
    comparison.path.write_bytes(written.replace(b'"format": 2', b'"format": 1'))
    again = compare([folder / "原始.yaml", folder / "整理.yaml"], budget="demo", workers=1)
    assert again.result["format"] == 2 and again.path.read_bytes() == written


def test_another_margin_is_another_comparison_of_the_same_runs(comparison: Comparison, folder: Path) -> None:
    recipes = [folder / "原始.yaml", folder / "整理.yaml"]
    other = compare(recipes, budget="demo", workers=1, margin=0.2)
    assert other.result["hash"] != comparison.result["hash"] and other.result["margin"] == 0.2
    assert other.result["command"].endswith("--margin 20")
    assert other.result["arms"] == comparison.result["arms"]


# ---------------------------------------------------------------- variations, placebos, rates, a race


def test_a_race_ends_at_a_barrier_with_placebos_and_other_rates(
    comparison: Comparison, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One comparison with all of it: the runs that were there are used, and again gives the same bytes."""
    # decided at the first look, whatever the p; the second wants more seeds than the baseline then has
    looks = ((2, 0.9999), (TINY.seeds_baseline + 1, 0.00001))
    monkeypatch.setattr("headwater.compare.budgets.LOOKS", looks)
    monkeypatch.setattr("headwater.compare.trainings.LOOKS", looks)
    monkeypatch.setattr("headwater.compare.trainings.MIN_DRAWN", 2)
    monkeypatch.setitem(BUDGETS, "demo", replace(TINY, placebo=True, rates=(0.25,), rate_seeds=2))
    monkeypatch.setattr("headwater.compare.trainings.placebo_shares", lambda *_: {1: 0.6})
    monkeypatch.setattr("headwater.compare.run.placebo_shares", lambda *_: {1: 0.6})
    recipe = folder / "原始.yaml"
    key = "curate.rules.*.gopher.alphabetic_words.min"
    done = compare([recipe], budget="demo", workers=2, race=True, variations=variations_of([f"{key}=0.5"]))
    result = done.result
    [one], [look], [placebo] = result["candidates"], result["race"], result["placebos"]
    assert one["arm"] == "原始 alphabetic_words.min=0.5" and look["candidates"][0]["decided"]
    assert len(result["arms"][1]["runs"]) == 2 and one["level"] == pytest.approx(0.0001)
    earlier = {run["run"] for arm in comparison.result["arms"] for run in arm["runs"]}
    assert {run["run"] for run in result["arms"][0]["runs"]} <= earlier  # the baseline's runs are shared
    assert placebo["share"] == 0.6 and placebo["against"]["interval"][0] < placebo["against"]["interval"][1]
    assert [row["factor"] for row in result["rates"]["arms"][0]["effects"]] == [0.25, 1.0]
    assert shlex.split(result["command"]) == [
        "headwater", "compare", "原始.yaml", "--vary", f"{key}=0.5", "--budget", "demo", "--race"
    ]  # fmt: skip
    said = "\n".join(summary_lines(result)) + (done.folder / "comparison.md").read_text("utf-8")
    for words in (
        "placebo   ",
        "rate      0.25 x",
        "race      2 seeds",
        "token-matched",
        "| `curate.rules.*",
    ):
        assert words in said
    page = report(done.workspace, folder / "r.html", comparison=done.path).read_text("utf-8")
    for words in ("安慰剂", "在其他学习率下", "竞速", "按词元对齐", "alphabetic_words.min=0.5"):
        assert words in page
    written = done.path.read_bytes()
    shutil.rmtree(done.folder)
    again = compare([recipe], budget="demo", workers=1, race=True, variations=variations_of([f"{key}=0.5"]))
    assert again.path.read_bytes() == written


def test_history_keeps_every_comparison(comparison: Comparison, folder: Path) -> None:
    rows = history(comparison.workspace)
    mine = next(row for row in rows if row["hash"] == comparison.result["hash"])
    assert (
        mine["candidates"][0]["arm"] == "整理" and mine["aa"]["verdict"] == comparison.result["aa"]["verdict"]
    )
    lines = lines_of(rows, folder)
    assert lines[-1].startswith(f"{len(rows)} comparisons; A/A resolved")
    assert visible_lines(TINY, comparison.workspace, 1)[0].startswith("visible   from about")
    assert "earlier comparisons" in visible_lines(TINY, comparison.workspace, 1)[0]
    stranger = Workspace(folder / "neu")
    assert "nothing has been compared here yet" in visible_lines(TINY, stranger, 1)[0]
    assert "no comparison yet" in lines_of(history(stranger), folder)[0]


def test_a_part_ends_where_all_slots_were_busy() -> None:
    def own(*seeds: int) -> list[Training]:
        """Trainings of arms with so many seeds, seed by seed, and one of a placebo."""
        rows = [
            Training(Group(place), number, cast(Job, None))
            for number in range(max(seeds)) for place, most in enumerate(seeds) if number < most
        ]  # fmt: skip
        return [*rows, Training(Group(1, "placebo"), 6, cast(Job, None))]

    assert [len(part) for part in _parts(own(6, 3), 2)] == [4, 6]
    assert [len(part) for part in _parts(own(10, 5, 5), 2)] == [6, 6, 9]
    assert [len(part) for part in _parts(own(3, 2), 2)] == [6]
    looks = list(_looks(own(8, 8), replace(TINY, seeds_baseline=6)))
    assert [len(part) for part in looks] == [9, 2, 5, 1]
