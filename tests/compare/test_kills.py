"""A comparison killed at ten random moments and resumed: the same verdict, the same bytes."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.compare.test_run import FILES, folder, start

__all__ = ["folder"]  # a fixture


def written(workspace: Path) -> dict[str, bytes]:
    [place] = (workspace / "comparisons").glob("*")
    return {name: (place / name).read_bytes() for name in FILES}


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_ten_kills_at_random_moments(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    recipes = [folder / "原始.yaml", folder / "整理.yaml"]
    started = time.monotonic()
    assert start(recipes, tmp_path / "undisturbed").wait() == 0
    whole = time.monotonic() - started
    expected = written(tmp_path / "undisturbed")
    draw, kills, number = random.Random(8), 0, 0
    while kills < 10:
        process = start(recipes, tmp_path / f"killed-{number}")
        try:
            assert process.wait(timeout=draw.uniform(0.1, 0.7) * whole) == 0
            number += 1  # ended before its time: what was killed on the way is looked at, and another begun
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
    assert start(recipes, tmp_path / f"killed-{number}").wait() == 0
    for one in range(number + 1):
        assert written(tmp_path / f"killed-{one}") == expected
