"""Fifty kills at random moments, on real archives, healthy and damaged: the same bytes as without them."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = [
    sys.executable,
    "-c",
    "from headwater.cli import main; main()",
    "run",
    "recipe.yaml",
    "--workers",
    "2",
]
RECIPE = """\
max_quarantined: 0.5
sources:
  - {{name: web, kind: warc, paths: ["{data}/corpora/web-warc/**/*"]}}
  - {{name: bad, kind: warc, paths: ["{data}/bad-input/**/*"]}}
holdout: {{share: 0.2}}
curate:
  preset: {{en: fineweb, zh: fineweb2-zh}}
tokenizer: {{vocabulary: 512}}
model: {{layers: 1, width: 32, heads: 2, context: 32}}
train: {{tokens: 60k, batch: 512, checkpoint_every: 5k}}
evaluate: {{bytes_per_unit: 20 kB}}
"""
TIMES = {
    "sealed.json",
    "events.jsonl",
    "job.json",
    "metrics.jsonl",
    "done.json",
    "state.json",
}  # say how long something took


def committed(workspace: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(workspace)): path.read_bytes()
        for path in sorted(workspace.rglob("*"))
        if path.is_file() and path.name not in TIMES and "cache" not in path.parts and path.suffix != ".html"
    }


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_fifty_kills_at_random_moments(tmp_path: Path, real_data: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(RECIPE.format(data=real_data), encoding="utf-8")
    started = time.monotonic()
    subprocess.run([*COMMAND, "--workspace", "undisturbed"], cwd=tmp_path, check=True, capture_output=True)
    whole = time.monotonic() - started
    draw = random.Random(50)
    ended_by_itself = 0
    for number in range(50):
        process = subprocess.Popen(
            [*COMMAND, "--workspace", f"killed-{ended_by_itself}"], cwd=tmp_path, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            # mostly soon, so that fifty kills come down on one run's whole way
            assert process.wait(timeout=draw.uniform(0.5, 1 + whole / 10 * (number % 5))) == 0
            ended_by_itself += 1
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    expected = committed(tmp_path / "undisturbed")
    assert len(expected) > 100
    for number in range(ended_by_itself + 1):
        workspace = f"killed-{number}"
        subprocess.run([*COMMAND, "--workspace", workspace], cwd=tmp_path, check=True, capture_output=True)
        found = committed(tmp_path / workspace)
        assert [path for path in expected if found.get(path) != expected[path]] == []
