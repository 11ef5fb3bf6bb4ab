"""The command line: light to start, one message an error, the right exit code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from headwater.cli import cli
from headwater.engine.workspace import Workspace
from headwater.errors import of_system

HEAVY = (
    "torch",
    "numba",
    "numpy",
    "pyarrow",
    "duckdb",
    "matplotlib",
    "tokenizers",
    "pydantic",
    "rich",
    "scipy",
)


def run(*arguments: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    code = "from headwater.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=cwd, timeout=120
    )


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom headwater.cli import cli\n"
        "try: cli(['--help'])\nexcept SystemExit: pass\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.strip() == "[]"
    assert "compare" in done.stdout


def test_commands_stand_in_the_order_in_which_data_flows() -> None:
    lines = CliRunner().invoke(cli, ["--help"]).output.split("Commands:")[1].split("\n")
    names = [line.split()[0] for line in lines if line.strip()]
    wanted = [
        "init",
        "fetch",
        "ingest",
        "measure",
        "curate",
        "train",
        "evaluate",
        "run",
        "compare",
        "why",
        "sql",
    ]
    assert [name for name in names if name in wanted] == wanted


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_every_command_explains_itself(command: str) -> None:
    done = CliRunner().invoke(cli, [command, "--help"])
    assert done.exit_code == 0
    assert all(len(line) <= 100 for line in done.output.splitlines())


def test_usage_and_recipe_errors_exit_with_2(tmp_path: Path) -> None:
    assert run("no-such-command").returncode == 2
    assert run("curate").returncode == 2
    done = run("run", str(tmp_path / "没有.yaml"))
    assert done.returncode == 2
    assert "cannot read the recipe" in done.stderr and "没有.yaml" in done.stderr
    (tmp_path / "r.yaml").write_text(
        "sources: [{name: a, kind: files, paths: [x], 路径: y}]\n", encoding="utf-8"
    )
    done = run("run", str(tmp_path / "r.yaml"))
    assert done.returncode == 2
    assert done.stderr.startswith("headwater: ") and "r.yaml:1: unknown key 'sources.0.路径'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            "finetune R --task 评论 --labels 16,64 --search 20 --seeds 3 --seed 9 --from-scratch",
            "--search, --seeds, --seed, --from-scratch: not with --labels",
        ),
        ("finetune R --task 评论 --draws 3", "--draws: of --labels alone"),
        (
            "study noise --seeds 7 --tokens 1000 --out 结果.json",
            "--seeds, --tokens, --out: of --record alone",
        ),
        ("study --workers 1 --data 数据", "--data, --workers: of --record alone"),
        ("study --record", "--record: name the study"),
        ("evaluate 配方.yaml --shots 0,5 --language zh", "--shots, --language: of --tasks alone"),
    ],
)
def test_options_that_would_do_nothing_are_usage_errors(arguments: str, said: str) -> None:
    done = CliRunner().invoke(cli, arguments.split())
    assert done.exit_code == 2 and f"Error: {said}" in done.output
    assert len(done.output.split("Error: ")[1].splitlines()) == 1


@pytest.mark.parametrize(
    "command", ["run", "preview", "compare", "export", "finetune", "contamination", "evaluate"]
)
def test_fewer_workers_than_none_and_a_limit_of_nothing_are_usage_errors(command: str) -> None:
    for option, value in (("--workers", "-1"), ("--limit", "0")):
        if option in {name for parameter in cli.commands[command].params for name in parameter.opts}:
            if (command, option) == ("evaluate", "--limit"):
                continue  # of items, too
            done = CliRunner().invoke(cli, [command, "配方.yaml", option, value])
            assert done.exit_code == 2 and f"{value} is not in the range" in done.output, done.output


def test_a_missing_workspace_is_named(tmp_path: Path) -> None:
    done = run("verify", "--workspace", str(tmp_path / "none"))
    assert done.returncode == 1
    assert "no workspace at" in done.stderr


def test_no_help_of_a_command_is_cut_off_in_80_columns():
    """Every group's list says each command whole."""
    groups: list[tuple[str, click.Group]] = [("headwater", cli)]
    for name, group in groups:
        context = click.Context(group, info_name=name, terminal_width=80)
        listed = group.get_help(context).partition("Commands:")[2].splitlines()
        assert [line for line in listed if line] and not [line for line in listed if line.endswith("...")], (
            name
        )
        groups += [(key, one) for key, one in group.commands.items() if isinstance(one, click.Group)]
    assert len(groups) > 3


def test_a_folder_that_is_no_workspace_is_not_found_right(tmp_path: Path) -> None:
    (tmp_path / "照片").mkdir()
    done = CliRunner().invoke(cli, ["verify", "--workspace", str(tmp_path / "照片")])
    assert done.exit_code == 1 and "照片 holds nothing that was committed" in done.output
    (tmp_path / "照片" / "runs" / "旧").mkdir(parents=True)
    done = CliRunner().invoke(cli, ["gc", "--workspace", str(tmp_path / "照片")])
    assert done.exit_code == 1 and "照片 is no workspace" in done.output
    Workspace(tmp_path / "照片").event("recipe")
    done = CliRunner().invoke(cli, ["gc", "--workspace", str(tmp_path / "照片")])
    assert f"headwater gc --workspace '{tmp_path / '照片'}' --delete" in done.output


def test_a_file_that_cannot_be_there_gets_advice_of_its_own() -> None:
    error = of_system(FileNotFoundError(2, "No such file or directory", "/proc/没有/x.html"))
    assert "look at the path" in str(error) and "goes on from there" not in str(error)


def test_a_plan_makes_no_workspace(tmp_path: Path) -> None:
    (tmp_path / "一.txt").write_text("河水涨了。" * 9, encoding="utf-8")
    (tmp_path / "r.yaml").write_text(
        "sources: [{name: 日记, kind: files, paths: ['*.txt']}]\n", encoding="utf-8"
    )
    before = sorted(tmp_path.rglob("*"))
    done = CliRunner().invoke(cli, ["run", str(tmp_path / "r.yaml"), "--plan"], catch_exceptions=False)
    assert done.exit_code == 0 and f"workspace {tmp_path / 'workspace'}" in done.output
    assert "1 to read" in done.output and sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("encoding", ["gbk", "latin-1"])
def test_what_the_outputs_encoding_does_not_have_is_escaped(encoding: str) -> None:
    def output(*arguments: str) -> str:
        code = "from headwater.cli import main; main()"
        environment = {**os.environ, "PYTHONIOENCODING": encoding}
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, env=environment, timeout=120
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode(encoding)

    assert "\\u2212" in output("explain", "I love NLP")  # −
    text = "I love 源😀"
    assert json.loads(output("explain", text, "--json"))["text"] == text


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("model.preset=modrn-nano", "did you mean 'modern-nano'"),
        ("model.path=nowhere", "name a model's folder"),
        ("tokenizer.path=none.json", "name a tokenizer.json"),
        ("curate.mixture={diary: 1}", "there is no such source to train on; the sources are 日记"),
        ("curate.mixture={tokens: {diary: 1k}}", "there is no such source to train on"),
        ("evaluate.tasks=[blmp]", "there is no task 'blmp'"),
        ("signals.languages=[cn]", "did you mean zh"),
        ("signals.perplexity={models: {cn: x.ngram}}", "did you mean zh"),
    ],
)
def test_a_name_that_nothing_has_is_said_before_anything_is_read(
    tmp_path: Path, setting: str, said: str
) -> None:
    (tmp_path / "一.txt").write_text("河水涨了。" * 9, encoding="utf-8")
    recipe = tmp_path / "r.yaml"
    recipe.write_text("sources: [{name: 日记, kind: files, paths: ['*.txt']}]\n", encoding="utf-8")
    for more in ([], ["--plan"]):
        done = CliRunner().invoke(cli, ["run", str(recipe), "--set", setting, *more], catch_exceptions=False)
        assert done.exit_code != 0 and said in done.output
    assert not (tmp_path / "workspace" / "documents").exists()


def test_that_nothing_is_held_out_is_said_before_a_training(tmp_path: Path) -> None:
    (tmp_path / "一.txt").write_text("河水涨了，村里的人都到堤上去看。" * 9, encoding="utf-8")
    (tmp_path / "r.yaml").write_text(
        "sources: [{name: 日记, kind: files, paths: ['*.txt']}]\nholdout: {share: 0}\n", encoding="utf-8"
    )
    done = run("run", str(tmp_path / "r.yaml"), "--workers", "0")
    assert done.returncode == 1 and "no text is held out" in done.stderr
    assert not (tmp_path / "workspace" / "tokenizers").exists()
