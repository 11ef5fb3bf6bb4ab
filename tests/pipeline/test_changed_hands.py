"""A run that one engine began, and that was killed half-way, is ended by another: the bytes of one that nobody disturbed.

The other engine is Slurm's, its elements being processes of this machine (submitit's local executor); what it shares
with the first is the workspace alone, a folder or a store.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headwater import api
from headwater.engine.engines import LOCAL, engine_of
from headwater.engine.upkeep import verify

pytest.importorskip("submitit")
LOCAL_ONLY = ("events.jsonl", "inputs.json", "lease.json", ".store.jsonl")  # they tell times and places
RECIPE = """\
sources: [{{name: 文, kind: files, paths: ["{folder}/*.jsonl"]}}]
holdout: {{share: 0.2}}
curate: {{preset: null, duplicates: {{near: {{similarity: 0.8}}}}, decontaminate: null}}
tokenizer: {{vocabulary: 400}}
"""
COMMAND = [sys.executable, "-c", "from headwater.cli import main; main()", "curate"]
SLURM = ["--engine", "slurm", "--engine-option", "cluster=local"]


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve small files: a few shards of each stage."""
    folder, draw = tmp_path_factory.mktemp("数据"), random.Random(4)
    for number in range(12):
        rows = []
        for _ in range(60):
            words = " ".join(
                draw.choice(("the", "river", "has", "its", "source", "in", "hills")) for _ in range(90)
            )
            rows.append(
                {
                    "text": f"{words}。"
                    + "".join(draw.choice("问渠那得清如许为有源头活水来半亩方塘") for _ in range(200))
                }
            )
        lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        (folder / f"{number}.jsonl").write_text(lines, encoding="utf-8")
    (folder / "recipe.yaml").write_text(RECIPE.format(folder=folder), encoding="utf-8")
    return folder / "recipe.yaml"


@pytest.fixture(scope="module")
def expected(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return contents(
        api.curate(recipe, workers=2, workspace=tmp_path_factory.mktemp("一") / "ws").workspace.path
    )


def contents(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name not in LOCAL_ONLY and not path.name.startswith(".")
        and path.relative_to(root).parts[0] not in ("tmp", "events")
    }  # fmt: skip


def begun(recipe: Path, workspace: str, shards: int, *options: str, place: Path) -> None:
    """Starts the command and kills it, and what it has started, once it has made so many shards."""
    process = subprocess.Popen(
        [*COMMAND, str(recipe), "--workspace", workspace, *options],
        start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    until = time.monotonic() + 400
    while sum(1 for _ in place.rglob("*.entry.json")) < shards and process.poll() is None:
        assert time.monotonic() < until, "it makes nothing"
        time.sleep(0.05)
    assert process.poll() is None, "it ended before it was killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("first", ["local", "slurm"])
def test_a_folder_changes_hands(recipe: Path, expected: dict[str, bytes], tmp_path: Path, first: str) -> None:
    place = tmp_path / "ws"
    options, other = (SLURM, LOCAL) if first == "slurm" else ([], engine_of("slurm", {"cluster": "local"}))
    begun(recipe, str(place), 5, *options, "--workers", "2", place=place)
    made = {path: path.stat().st_mtime_ns for path in place.rglob("*.entry.json")}
    ended = api.curate(recipe, workspace=place, engine=other, workers=2)
    assert contents(ended.workspace.path) == expected and verify(ended.workspace)[1] == []
    assert all(path.stat().st_mtime_ns == changed for path, changed in made.items()), "made again"


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_store_changes_hands(
    recipe: Path, expected: dict[str, bytes], tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second machine has another cache: it knows what the first one had committed, and nothing else."""
    url = f"s3://{bucket}/ws"
    monkeypatch.setenv("HEADWATER_CACHE", str(tmp_path / "甲"))
    monkeypatch.setenv("HEADWATER_LEASE_SECONDS", "2")
    begun(recipe, url, 5, *SLURM, "--workers", "2", place=tmp_path / "甲")
    monkeypatch.setenv("HEADWATER_CACHE", str(tmp_path / "乙"))
    time.sleep(3)
    ended = api.curate(recipe, workspace=url, workers=2)
    assert contents(ended.workspace.path) == expected and api.verify(url)[1] == []
