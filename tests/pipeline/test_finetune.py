"""`headwater finetune` from the command line: card, search, result, baseline, curve over labels; nothing half-written."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from headwater.cli import cli
from headwater.engine.upkeep import verify
from headwater.engine.workspace import Workspace
from headwater.model.tokenizer import Tokenizer
from headwater.pipeline.finetune import _scored_before
from headwater.pipeline.pretraining_text import overlap_of
from headwater.tasks.items import Asked
from headwater.tasks.task import keep, read_task, smaller
from headwater.train.label_curve import transfer

sys.path.insert(0, str(Path(__file__).parents[1] / "train"))
from task_models import of_kind, small_model
from training_sets import write_training_set


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in a workspace, as training leaves it."""
    workspace = tmp_path_factory.mktemp("工作") / "workspace"
    folder = workspace / "runs" / "abc"
    folder.mkdir(parents=True)
    small_model(folder, "bert").rename(folder / "model")
    return folder


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("评论")
    for split, start, count in (("train", 0, 48), ("dev", 1000, 12), ("test", 2000, 16)):
        rows = of_kind("classification", count, start)
        lines = "".join(
            json.dumps({"text": i.texts[0], "label": i.target}, ensure_ascii=False) + "\n" for i in rows
        )
        (folder / f"{split}.jsonl").write_text(lines, encoding="utf-8")
    return folder


def invoke(*arguments: object) -> str:
    done = CliRunner().invoke(cli, ["finetune", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return str(done.stdout)


FAST = ("--epochs", 5, "--batch", 8, "--learning-rate", 0.01, "--workers", 1)


def test_one_command_from_a_run_to_a_test_score(run: Path, reviews: Path) -> None:
    shown = invoke(run, "--task", reviews, *FAST)
    assert shown.index("train      48 items") < shown.index("test      accuracy"), (
        "the card comes before training"
    )
    for line in ("no item of two splits has the same text", "bag of words accuracy 100.0", "majority 50.0"):
        assert line in shown
    result = json.loads(invoke(run, "--task", reviews, *FAST, "--json"))
    assert result["card"]["splits"]["test"]["balance"] == {"坏": 8, "好": 8}
    assert result["bag_of_words"]["test"]["accuracy"]["value"] == 1.0 and result["majority"] == 0.5
    assert len(result["seeds"]) == 1 and result["scored_before"] == 0
    workspace = Workspace(run.parents[1])
    checked, problems = verify(workspace)
    assert checked > 10 and not problems
    events = (workspace.path / "events.jsonl").read_text(encoding="utf-8").count('"event": "jobs"')
    invoke(run, "--task", reviews, *FAST)
    again = (workspace.path / "events.jsonl").read_text(encoding="utf-8").count('"event": "jobs"')
    assert again == events, "made once"


@pytest.mark.slow
def test_a_search_is_kept_and_other_scores_of_the_same_test_split_are_counted(
    run: Path, reviews: Path
) -> None:
    result = json.loads(
        invoke(run, "--task", reviews, "--search", 2, "--seeds", 2, "--epochs", 2, "--workers", 1, "--json")
    )
    assert len(result["seeds"]) == 2 and result["test"]["accuracy"]["sd_over_seeds"] is not None
    assert len(result["search"]["trials"]) == 2
    assert result["settings"]["epochs"] == 2
    other = json.loads(invoke(run, "--task", reviews, "--epochs", 1, "--workers", 1, "--json"))
    assert other["scored_before"] >= 1
    assert list(run.parents[1].glob("finetunings/*/study.journal"))


def test_what_is_wrong_is_said_before_anything_is_written(run: Path, reviews: Path, tmp_path: Path) -> None:
    wrong = {
        "reading": ("--kind", "generation", "--columns", "source=text,target=label"),
        "tuning on the test split": (
            "--validation",
            _lines(tmp_path / "v.jsonl", of_kind("classification", 16, 2000)),
        ),
        "no column 'stars'": ("--columns", "label=stars"),
        "more than the model's width": ("--lora", 64),
        "numbers of at least 2": ("--labels", "some"),
    }
    for said, arguments in wrong.items():
        place = tmp_path / "fresh"
        done = CliRunner().invoke(
            cli,
            ["finetune", str(run), "--task", str(reviews), "--workspace", str(place), *map(str, arguments)],
        )
        assert done.exit_code == 2, (said, done.output)
        assert (said if said != "reading" else "a bert model does not") in done.stderr
        assert not list(place.rglob("*.jsonl")), said


def _lines(path: Path, items: list) -> Path:  # type: ignore[type-arg]
    lines = (json.dumps({"text": f"{i.texts[0]} ", "label": i.target}, ensure_ascii=False) for i in items)
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_a_folder_in_a_hubs_layout(run: Path, reviews: Path, tmp_path: Path) -> None:
    data = tmp_path / "评论集" / "data"
    data.mkdir(parents=True)
    for split in ("train", "test"):
        (data / f"{split}-00000-of-00001.jsonl").write_bytes((reviews / f"{split}.jsonl").read_bytes())
    (data / "validation-00000-of-00001.jsonl").write_bytes((reviews / "dev.jsonl").read_bytes())
    card = json.loads(invoke(run, "--task", f"hf://{data.parent}", "--card", "--json"))
    assert card["task"] == "评论集"
    assert {split: some["items"] for split, some in card["splits"].items()} == {
        "train": 48,
        "validation": 12,
        "test": 16,
    }
    assert card["overlap"]["unknown"].startswith("it is not in this workspace")


def test_overlap_counts_items_not_passages(run: Path, tmp_path: Path) -> None:
    """Three questions to a passage that was read before are three items; and what two passages share is of both."""
    read, alike = (
        "源头活水来，半亩方塘一鉴开。天光云影共徘徊，问渠那得清如许？",
        "古人云：半亩方塘一鉴开。天光云影共徘徊，问渠那得清如许？",
    )
    other, short = "第7间房很大，王小明说整体感觉不错，早餐也好，下次再来。", "太短"
    training_set = write_training_set(tmp_path / "training-sets" / "源", [("1", "诗", f"{read}。")])
    model = tmp_path / "runs" / "一" / "model"
    model.mkdir(parents=True)
    (model.parent / "config.json").write_text(json.dumps({"training_set": "源"}), encoding="utf-8")
    items = [
        Asked(f"{n}", text, f"第{n}问？", ())
        for n, text in enumerate([read] * 3 + [other] * 2 + [short, alike])
    ]
    tokenizer = Tokenizer.load(training_set / "tokenizer.json")
    found = overlap_of(model, Workspace(tmp_path), tokenizer, items)
    assert (found["items"], found["long_enough"], found["found"]) == (7, 6, 4)


def test_results_are_of_one_test_split_whatever_was_trained_on(reviews: Path, tmp_path: Path) -> None:
    whole, part = read_task(reviews), smaller(read_task(reviews), 16)
    named = replace(
        whole,
        splits={**whole.splits, "test": [replace(i, id=f"另{i.id}") for i in whole.splits["test"]][::-1]},
    )
    assert whole.key != part.key and whole.test_key == part.test_key == named.test_key
    assert (
        replace(whole, splits={**whole.splits, "test": whole.splits["test"][1:]}).test_key != whole.test_key
    )
    place = Workspace(tmp_path)
    (tmp_path / "results").mkdir()
    assert [_scored_before(place, task.test_key, key) for task, key in ((whole, "甲"), (part, "乙"), (part, "乙"))] == [
        0, 1, 1,
    ]  # fmt: skip


@pytest.mark.slow
def test_pretraining_against_new_weights_over_draws_of_labels(run: Path, reviews: Path) -> None:
    rows = json.loads(
        invoke(
            run, "--task", reviews, "--labels", "8,16", "--draws", 2, "--epochs", 2, "--workers", 1, "--json"
        )
    )
    assert [row["labels"] for row in rows] == [8, 16]
    for row in rows:
        assert row["items"] == 16 and row["draws"] == 2
        assert set(row["accuracy"]) == {"pre-trained", "from scratch", "bag of words"}
        assert row["interval"][0] <= row["difference"] <= row["interval"][1]


def test_runs_of_two_kinds_are_held_against_each_other_draw_by_draw(
    run: Path, reviews: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    small_model(tmp_path / "other", "t5").rename(tmp_path / "other" / "model")
    task = keep(read_task(reviews), tmp_path / "tasks")
    runs = {"遮盖": [str(run)] * 2, "again": [str(run)] * 2, "跨度": [str(tmp_path / "other")] * 2}
    settings = {"epochs": 2, "batch": 8, "learning_rate": 0.01}
    found = transfer(tmp_path / "job", runs=runs, task=str(task), labels=16, settings=settings)
    assert list(found["right"]) == [*runs, "bag of words"] and found["labels"] == found["items"] == 16
    assert all(len(draws) == 2 and set("".join(draws)) <= {"0", "1"} for draws in found["right"].values())
    assert found["right"]["遮盖"] == found["right"]["again"], "the same run, draw and settings"
    assert found["right"]["遮盖"] != found["right"]["跨度"]
    assert not (tmp_path / "job" / "training").exists()
