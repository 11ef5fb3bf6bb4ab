"""`headwater finetune` with a search, killed at random moments and run again: the same result, byte for byte."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "train"))
from task_models import of_kind, small_model

KILLS = 5
COMMAND = [sys.executable, "-c", "from headwater.cli import main; main()", "finetune"]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_kills_at_random_moments_and_during_the_search(tmp_path: Path) -> None:
    workspace = tmp_path / "工作区"
    model = small_model(tmp_path, "bert")
    data = tmp_path / "评论"
    data.mkdir()
    for split, start, count in (("train", 0, 48), ("dev", 1000, 12), ("test", 2000, 16)):
        items = of_kind("classification", count, start)
        lines = (json.dumps({"text": i.texts[0], "label": i.target}, ensure_ascii=False) for i in items)
        (data / f"{split}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    command = [*COMMAND, str(model), "--task", str(data), "--search", "3", "--epochs", "2", "--workers", "1",
               "--workspace", str(workspace)]  # fmt: skip

    def start() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def results() -> dict[str, bytes]:
        return {
            str(path.relative_to(workspace)): path.read_bytes()
            for path in (workspace / "results").rglob("*.*")
        }

    began = time.monotonic()
    assert start().wait() == 0
    whole, expected = time.monotonic() - began, results()
    assert {Path(name).name for name in expected} == {"result.json", "result.md", "tests.json"}
    shutil.rmtree(workspace)  # paths stand in results: the same place again

    draw, kills, searching = random.Random(10), 0, 0
    while kills < KILLS:
        process = start()
        if kills == 0:  # the search is short beside what a process takes to start: this one falls on it
            while not any(workspace.glob("finetunings/*/study.journal")):
                assert process.poll() is None, "it ended before there was a search"
                time.sleep(0.002)
        else:
            try:
                assert process.wait(timeout=draw.uniform(0.15, 0.6) * whole) == 0
                assert results() == expected
                shutil.rmtree(workspace)
                continue
            except subprocess.TimeoutExpired:
                pass
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        kills += 1
        searching += any(workspace.glob("finetunings/*/study.journal")) and not any(
            workspace.glob("finetunings/*/best/*")
        )
    assert start().wait() == 0
    assert results() == expected
    assert searching, "no kill came down on the search"
