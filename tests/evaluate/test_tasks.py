"""`headwater evaluate RUN --tasks …`: what is written, what is said, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from headwater import api
from headwater.cli import cli
from headwater.engine.upkeep import unneeded, verify
from headwater.engine.workspace import Workspace
from headwater.errors import HeadwaterError
from headwater.evaluate import harness_tasks, task_data
from headwater.inspect.task_scores import lines_of, markdown
from headwater.pipeline.evaluate_tasks import tasks_of_recipe
from headwater.recipe import Recipe

pytest.importorskip("lm_eval")
Folders = Callable[[str], Path]
TASKS = ["blimp", "copa", "xcopa_zh", "lambada", "arithmetic"]


@pytest.fixture(scope="module")
def evaluated(model_folders: Folders, task_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    place = tmp_path_factory.mktemp("工作区")
    return api.evaluate_tasks(
        model_folders("gpt"),
        TASKS,
        data=task_data,
        shots=[0, 2],
        draws=2,
        limit=14,
        workspace=place,
        workers=0,
    )


def test_every_task_has_its_curve_its_controls_and_its_answers(evaluated: Any) -> None:
    by_name = {result["task"]: result for result in evaluated.results}
    assert list(by_name) == TASKS
    copa = by_name["copa"]
    assert [row["shots"] for row in copa["rows"]] == [0, 2]
    assert copa["rows"][1]["shuffled"]["items"] == copa["rows"][1]["items"] == 14
    assert len(copa["examples"]["drawn"]) == 2 and all(
        len(set(one)) == 2 for one in copa["examples"]["drawn"]
    )
    assert copa["measure"] == "log-likelihood" and copa["rows"][0]["chance"] == 0.5
    assert set(by_name["blimp"]["rows"][0]["groups"]) == {"agreement", "<b>other</b>\x1b[31m"}
    assert by_name["lambada"]["other"]["perplexity"] > 1
    answers = pq.read_table(next(evaluated.folder.glob("copa-*.parquet"))).to_pylist()
    assert len(answers) == 14 * (1 + 2 * 2)
    for shots, shuffled in ((0, False), (2, False)):
        some = [row["right"] for row in answers if (row["shots"], row["shuffled"]) == (shots, shuffled)]
        row = next(row for row in copa["rows"] if row["shots"] == shots)
        assert sum(some) / len(some) == pytest.approx(row["score"])
    written = pq.read_table(next(evaluated.folder.glob("arithmetic-*.parquet"))).to_pylist()
    assert all(isinstance(row["written"], str) for row in written)


def test_what_was_asked_is_kept_and_not_asked_again(
    evaluated: Any, model_folders: Folders, task_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Workspace(evaluated.folder.parent.parent)
    assert verify(place)[1] == [] and unneeded(place) == []
    monkeypatch.setattr("headwater.evaluate.run_task.run_task", lambda *_, **__: pytest.fail("asked again"))
    settings: dict[str, Any] = {"data": task_data, "limit": 14, "workspace": place.path, "workers": 0}
    again = api.evaluate_tasks(model_folders("gpt"), TASKS, shots=[2], draws=2, **settings)
    assert again.results == evaluated.results
    monkeypatch.undo()
    more = api.evaluate_tasks(model_folders("gpt"), ["copa"], **settings)
    known = json.loads((evaluated.folder / "results.json").read_text(encoding="utf-8"))["tasks"]
    assert len(more.results) == 1 and len(known) == len(TASKS) + 1
    assert more.results[0]["rows"][0] == evaluated.results[1]["rows"][0]  # no examples are no examples


def test_the_table_obeys_nothing_that_a_file_says(evaluated: Any) -> None:
    lines = "\n".join(lines_of(evaluated.results))
    assert "\x1b" not in lines and "blimp (acc)" in lines and "not above chance" in lines
    assert "不高于随机水平" in "\n".join(lines_of(evaluated.results, "zh"))
    table = (evaluated.folder / "results.md").read_text(encoding="utf-8")
    known = json.loads((evaluated.folder / "results.json").read_text(encoding="utf-8"))["tasks"]
    assert table == markdown(evaluated.model, known)
    assert "\x1b" not in table and "<b>" not in table.replace("\\<b\\>", "")
    hostile = {**evaluated.results[1], "task": "a|b`c`\n# x\x1b[2J"}
    assert all("\n" not in row and "\x1b" not in row for row in lines_of([hostile]))
    assert "a\\|b\\`c\\`" in markdown("m", [hostile])


def test_the_command_says_the_same(evaluated: Any, model_folders: Folders, task_data: Path) -> None:
    arguments = [
        "evaluate", str(model_folders("gpt")), "--tasks", "copa,xcopa_zh", "--data", str(task_data), "--shots", "0,2",
        "--draws", "2", "--limit", "14", "--workspace", str(evaluated.folder.parent.parent), "--workers", "0",
    ]  # fmt: skip
    done = CliRunner().invoke(cli, [*arguments, "--json"], catch_exceptions=False)
    assert json.loads(done.stdout)["tasks"] == evaluated.results[1:3]
    assert "题数" in CliRunner().invoke(cli, [*arguments, "--language", "zh"], catch_exceptions=False).stdout
    listed = CliRunner().invoke(cli, ["evaluate", "--list"], catch_exceptions=False).stdout
    assert all(name in listed for name in harness_tasks.names())


def test_masked_models_are_asked_and_their_measure_is_said(
    model_folders: Folders, task_data: Path, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"data": task_data, "limit": 4, "workspace": tmp_path, "workers": 0}
    done = api.evaluate_tasks(model_folders("bert"), ["blimp", "xcopa_zh"], **settings)
    assert all(result["measure"].startswith("pseudo") for result in done.results)
    assert "not to be ranked against likelihoods" in "\n".join(lines_of(done.results))
    with pytest.raises(HeadwaterError, match="cannot write"):
        api.evaluate_tasks(model_folders("bert"), ["arithmetic"], **settings)


@pytest.mark.parametrize(
    ("tasks", "options", "message"),
    [
        ([], {}, "name tasks"),
        (["hellaswag"], {}, "there is no task 'hellaswag'"),
        (["missing.yaml"], {}, "no such task file"),
        (["cmmlu"], {}, "no cmmlu/test/\\*.csv in"),
        (["copa"], {"shots": [21]}, "has 20 examples to show and 21"),
        (["copa"], {"shots": [-1]}, "not be negative"),
    ],
)
def test_what_cannot_be_asked_is_said(
    tasks: list[str],
    options: dict[str, Any],
    message: str,
    model_folders: Folders,
    task_data: Path,
    tmp_path: Path,
) -> None:
    with pytest.raises(HeadwaterError, match=message):
        api.evaluate_tasks(
            model_folders("gpt"), tasks, data=task_data, workspace=tmp_path, workers=0, **options
        )


def test_files_that_are_none_are_named_with_their_line(tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    for content, message in (
        (b'{"a": 1}\n{"a": \n', "bad.jsonl, line 2: not JSON"),
        (b"[1]\n3\n", "row 2 is no object"),
        ("评测".encode("gb18030"), "not UTF-8"),
    ):
        bad.write_bytes(content)
        with pytest.raises(HeadwaterError, match=message):
            task_data.rows(files={"test": "bad.jsonl"}, data=str(tmp_path))
    bad.write_text('{"a": "一\u2028二"}\n', encoding="utf-8")
    assert task_data.rows(files={"test": "bad.jsonl"}, data=str(tmp_path))["test"][0]["a"] == "一\u2028二"


def test_examples_set_aside_are_not_asked(tmp_path: Path) -> None:
    lines = "".join(json.dumps({"n": n % 40}) + "\n" for n in range(50))
    (tmp_path / "a.jsonl").write_text(lines, encoding="utf-8")
    splits = task_data.rows(files={"test": "a.jsonl"}, shots=10, data=str(tmp_path))
    shown = {row["n"] for row in splits["shots"]}
    assert len(splits["shots"]) == 10 and not shown & {row["n"] for row in splits["test"]}


def test_a_task_file_of_ones_own(model_folders: Folders, tmp_path: Path) -> None:
    (tmp_path / "题.jsonl").write_text(
        "".join(json.dumps({"问": f"{n}条河的", "答": n % 2}, ensure_ascii=False) + "\n" for n in range(8)),
        encoding="utf-8",
    )
    task = tmp_path / "自己的.yaml"
    task.write_text(
        "task: 自己的\ncustom_dataset: !function headwater.evaluate.harness.dataset\n"
        "dataset_kwargs: {files: {test: 题.jsonl}}\noutput_type: multiple_choice\ntest_split: test\n"
        'doc_to_text: "{{问}}"\ndoc_to_target: 答\ndoc_to_choice: [源头, 下游]\ntarget_delimiter: ""\n'
        "metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]\n",
        encoding="utf-8",
    )
    settings: dict[str, Any] = {"data": tmp_path, "workspace": tmp_path / "w", "workers": 0}
    done = api.evaluate_tasks(model_folders("gpt"), [str(task)], **settings)
    assert done.results[0]["rows"][0]["items"] == 8
    task.write_text("task: [", encoding="utf-8")
    with pytest.raises(HeadwaterError, match="not a task file"):
        api.evaluate_tasks(model_folders("gpt"), [str(task)], **settings)


def test_the_report_shows_them_in_both_languages(evaluated: Any, tmp_path: Path) -> None:
    page = api.report(evaluated.folder.parent.parent, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "What models can do" in page and "模型会做什么" in page
    assert "xcopa_zh (acc)" in page and "不高于随机水平" in page


def test_induction_and_episodes_need_no_files(model_folders: Folders, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"limit": 20, "workspace": tmp_path, "workers": 0}
    done = api.evaluate_tasks(model_folders("gpt"), ["induction", "episodes"], shots=[0, 2], **settings)
    induction, episodes = done.results
    assert induction["rows"][0]["first"] > 0 and len(induction["rows"]) == 1
    assert [row["shots"] for row in episodes["rows"]] == [0, 2] and episodes["rows"][1]["shuffled"][
        "items"
    ] == 20
    with pytest.raises(HeadwaterError, match="no induction score"):
        api.evaluate_tasks(model_folders("bert"), ["induction"], **settings)


def test_a_checkpoint_of_a_hub_is_asked_the_same(
    task_data: Path, model_folders: Folders, tmp_path: Path
) -> None:
    """As transformers writes it, without a word of ours in config.json."""
    folder = tmp_path / "hub"
    folder.mkdir()
    for path in model_folders("gpt2-nano").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    del config["headwater"]
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    settings: dict[str, Any] = {"data": task_data, "limit": 10, "workers": 0}
    theirs = api.evaluate_tasks(folder, ["xcopa_zh"], workspace=tmp_path / "a", **settings)
    ours = api.evaluate_tasks(model_folders("gpt2-nano"), ["xcopa_zh"], workspace=tmp_path / "b", **settings)
    assert theirs.results[0]["rows"] == ours.results[0]["rows"]


def test_a_recipe_may_name_tasks(task_data: Path, model_folders: Folders, tmp_path: Path) -> None:
    source = {"name": "t", "kind": "files", "paths": ["*.txt"]}
    asked = {"tasks": ["xcopa_zh"], "data": str(task_data), "shots": [0, 1], "draws": 2, "items": 6}
    recipe = Recipe.model_validate({"sources": [source], "evaluate": asked})
    done = tasks_of_recipe(recipe, Workspace(tmp_path), [model_folders("gpt")], workers=0)
    assert [row["items"] for row in done[0].results[0]["rows"]] == [6, 6]
    assert tasks_of_recipe(Recipe(sources=recipe.sources), Workspace(tmp_path), [], workers=0) == []
