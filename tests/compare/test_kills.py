"""A comparison killed at ten random moments, one in each kind of its work, and resumed: the same verdict, the same bytes."""

import os
import random
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.compare.test_run import FILES, TINY, folder, start

__all__ = ["folder"]  # a fixture

# One-sequence steps, so that a training of seconds is killed between its checkpoints, which are 50 steps apart.
BUDGET = replace(TINY, tokens=20_480, batch=128)
# Where files appear as the work of a kind is done, one after the other; the last is the verdict's folder.
WORK = (
    "documents/*/*.parquet",
    "signals/*/*/*.parquet",
    "decisions/*/*.parquet",
    "tokenizers/*/tokenizer.json",
    "pool/*/*.parquet",
    "evaluations/*/*.parquet",  # of the n-grams
    "runs/*/metrics.jsonl",
    "runs/*/checkpoints/*",
    "evaluations/*/*.parquet",  # of the runs
    "comparisons",
)


def written(workspace: Path) -> dict[str, bytes]:
    [place] = (workspace / "comparisons").glob("*")
    return {name: (place / name).read_bytes() for name in FILES}


def moment(pattern: str, undisturbed: Path, killed: Path, draw: random.Random) -> Path:
    """A file that is still to be made, of a kind of work; n-grams are scored before there is any run."""
    made = sorted(undisturbed.glob(pattern), key=lambda file: (file.stat().st_mtime_ns, file.name))
    left = [file for file in made if not (killed / file.relative_to(undisturbed)).exists()]
    if pattern.startswith("evaluations") and not (killed / "runs").exists():
        begun = min(file.stat().st_mtime_ns for file in undisturbed.glob("runs/*/metrics.jsonl"))
        left = [file for file in left if file.stat().st_mtime_ns < begun]
    return killed / draw.choice(left).relative_to(undisturbed)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_ten_kills_at_random_moments(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    recipes = [folder / "原始.yaml", folder / "整理.yaml"]
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    assert start(recipes, undisturbed, BUDGET).wait() == 0
    draw = random.Random(8)
    for pattern in WORK:
        awaited = moment(pattern, undisturbed, killed, draw)
        process = start(recipes, killed, BUDGET)
        while not awaited.exists():
            assert process.poll() is None, f"it ended before {awaited} was made"
            time.sleep(0.002)
        time.sleep(draw.uniform(0, 0.3) if pattern.startswith("runs") else 0)
        os.killpg(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, f"it ended before it was killed, at {awaited}"
    assert start(recipes, killed, BUDGET).wait() == 0
    assert written(killed) == written(undisturbed)
