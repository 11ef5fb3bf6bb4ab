"""Status: what is done, running and failed, from the workspace alone, while others write."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from headwater.cli import cli
from headwater.engine import workspace as workspace_module
from headwater.engine.stages import Task, run_stage
from headwater.engine.status import Status, clock, lines_of, prometheus_of, read_events, status_of
from headwater.engine.workspace import Workspace
from headwater.errors import HeadwaterError

WRITE = "engine_functions:write"


def log(*events: dict) -> list[str]:
    return [json.dumps({"time": 1000.0 + 10 * n, **event}) for n, event in enumerate(events)]


HALF = log(
    {"event": "recipe", "name": "语料", "stage": "curate"},
    {"event": "stage", "title": "read", "tasks": 2, "kept": 3, "weight": 400, "workers": 2, "engine": "ray"},
    {"event": "shard", "stage": "documents/a", "shard": "s0", "weight": 300,
     "result": {"documents": 60, "bytes": 9000}},
    {"event": "gave_up", "stage": "documents/a", "shard": "s1", "item": "7", "reason": "deadline"},
)  # fmt: skip


def test_a_run_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1040.0)
    status = read_events([*HALF, '{"time": 1, "half writ'], Status("ws", holder="process 7 on 甲"))
    [step] = status.steps
    assert (status.state, status.recipe, status.until) == ("running", "语料", "curate")
    assert (step.done, step.tasks, step.kept, step.running, step.given_up) == (1, 2, 3, 1, 1)
    # three quarters of the bytes took 30 seconds
    assert step.fraction == 0.75 and status.seconds_left() == pytest.approx(10)
    record = status.as_json()
    assert record["seconds_left"] == 10 and record["steps"][0]["documents_per_second"] == 2
    shown = "\n".join(lines_of(status))
    assert "running by process 7 on 甲" in shown and "read" in shown and "1 given up" in shown
    assert 'headwater_step_done{workspace="ws",recipe="语料",number="0",step="read"} 1' in prometheus_of(
        status
    )


def test_how_it_ended() -> None:
    assert read_events([*HALF, *log({"event": "ended"})], Status("ws")).state == "ended"
    failed = read_events([*HALF, *log({"event": "failed", "error": "坏文件"})], Status("ws"))
    assert (failed.state, failed.error, failed.now, failed.seconds_left()) == ("failed", "坏文件", None, None)
    again = read_events([*HALF, *log({"event": "failed", "error": "x"}), *HALF[:1]], Status("ws"))
    assert (again.state, again.steps, again.error) == ("running", [], "")
    assert clock(59.6) == "1:00" and clock(3661) == "1:01:01"


def test_of_a_workspace_that_was_killed_it_says_so(tmp_path: Path) -> None:
    code = (
        "import os, signal; from headwater.engine.workspace import Workspace\n"
        f"place = Workspace({str(tmp_path)!r})\n"
        "with place.lease():\n"
        "    place.event('recipe', name='r', stage='ingest'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    assert status_of(tmp_path).state == "stopped"
    assert "killed?" in "\n".join(lines_of(status_of(tmp_path)))


def test_a_real_run_is_seen_from_outside_and_a_failed_one_says_why(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    assert status_of(tmp_path).state == "empty"
    with place.lease():
        place.event("recipe", name="r", stage="ingest")
        tasks = [Task(f"s{n}", f"k{n}", WRITE, {"text": "字" * n}, weight=n) for n in range(1, 4)]
        run_stage(place, "texts/a", tasks, workers=0, title="read")
        seen = status_of(tmp_path)
        assert seen.state == "running" and f"process {os.getpid()}" in seen.holder
        assert (seen.steps[0].done, seen.steps[0].weight_done, seen.steps[0].bytes) == (3, 6, 18)
    assert status_of(tmp_path).state == "ended"
    events = [
        json.loads(line) for line in (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert [event["shard"] for event in events if event["event"] == "shard"] == ["s3", "s2", "s1"], (
        "largest first"
    )
    with pytest.raises(HeadwaterError, match="坏文件"), place.lease():
        place.event("recipe", name="r", stage="ingest")
        run_stage(
            place, "texts/b", [Task("s", "k", "engine_functions:fail", {"text": "x"})], workers=0, title="b"
        )
    assert status_of(tmp_path).state == "failed" and "坏文件" in status_of(tmp_path).error
    answer = CliRunner().invoke(cli, ["status", str(tmp_path), "--json"])
    assert answer.exit_code == 0 and json.loads(answer.output)["state"] == "failed"
    assert CliRunner().invoke(cli, ["status", str(tmp_path / "没有")]).exit_code == 1


def test_a_long_log_is_put_by_and_still_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace_module, "EVENTS_BYTES", 300)
    place = Workspace(tmp_path)
    with place.lease():
        place.event("recipe", name="r", stage="ingest")
        place.event("stage", title="read", tasks=20, kept=0)
        for n in range(20):
            place.event("shard", stage="documents/a", shard=f"s{n}", result={"documents": 1})
    assert len(list((tmp_path / "events").iterdir())) > 2
    assert status_of(tmp_path).steps[0].documents == 20


def test_a_workspace_in_a_store_is_asked_there(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_CACHE", str(tmp_path / "one"))
    place = Workspace(f"s3://{bucket}/ws")
    with place.lease():
        place.event("recipe", name="r", stage="ingest")
        run_stage(place, "texts/a", [Task("s", "k", WRITE, {"text": "字"})], workers=0, title="read")
        assert place.store is not None
        place.store.commit()
        monkeypatch.setenv("HEADWATER_CACHE", str(tmp_path / "another machine"))
        assert status_of(f"s3://{bucket}/ws").state == "running"
    status = status_of(f"s3://{bucket}/ws")
    assert status.state == "ended" and status.steps[0].documents == 1
    assert not (tmp_path / "another machine").exists(), "it fetched the workspace"
    with pytest.raises(HeadwaterError, match="no workspace at s3://"):
        status_of(f"s3://{bucket}/没有")


@pytest.mark.parametrize(
    ("error", "said"),
    [(KeyboardInterrupt(), "interrupted"), (SystemExit(143), "interrupted"), (MemoryError(), "MemoryError"),
     (ValueError("坏文件"), "坏文件")],
)  # fmt: skip
def test_a_run_that_stops_says_why(tmp_path: Path, error: BaseException, said: str) -> None:
    place = Workspace(tmp_path / "工作")
    with pytest.raises(type(error)), place.lease():
        place.event("recipe", name="语料", stage="ingest")
        raise error
    status = status_of(place.path)
    assert (status.state, status.error) == ("failed", said)
