"""Shards are committed whole or not at all, and nothing is done twice."""

import functools
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headwater.engine.stages import Job, Task, run_jobs, run_stage
from headwater.engine.upkeep import verify
from headwater.engine.workspace import Output, Workspace, content_key
from headwater.errors import HeadwaterError

FUNCTIONS = "engine_functions"


def tasks(count: int, text: str = "源头 headwater") -> list[Task]:
    return [
        Task(f"s{i:02}", content_key(text, i), f"{FUNCTIONS}:write", {"text": f"{text} {i}"})
        for i in range(count)
    ]


@pytest.mark.parametrize("workers", [1, 4])
def test_a_stage_is_made_once(tmp_path: Path, workers: int) -> None:
    workspace = Workspace(tmp_path / "w")
    first = run_stage(workspace, "texts/a", tasks(6), workers=workers, title="write")
    assert [entry.path("txt").read_text(encoding="utf-8") for entry in first] == [
        f"源头 headwater {i}" for i in range(6)
    ]
    times = [entry.path("txt").stat().st_mtime_ns for entry in first]
    again = run_stage(workspace, "texts/a", tasks(6), workers=workers, title="write")
    assert [entry.path("txt").stat().st_mtime_ns for entry in again] == times
    assert list(workspace.stage("texts/a").entries()) == [f"s{i:02}" for i in range(6)]


def test_one_and_four_workers_commit_the_same(tmp_path: Path) -> None:
    made = [
        run_stage(Workspace(tmp_path / str(n)), "texts/a", tasks(9), workers=n, title="write") for n in (1, 4)
    ]
    assert [e.fingerprint for e in made[0]] == [e.fingerprint for e in made[1]]


def test_a_changed_key_makes_its_shard_again_and_no_other(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    before = run_stage(workspace, "texts/a", tasks(3), workers=1, title="write")
    changed = [*tasks(2), Task("s02", "other key", f"{FUNCTIONS}:write", {"text": "改了"})]
    times = [entry.path("txt").stat().st_mtime_ns for entry in before]
    after = run_stage(workspace, "texts/a", changed, workers=1, title="write")
    assert [entry.path("txt").stat().st_mtime_ns for entry in after[:2]] == times[:2]
    assert after[2].path("txt").read_text(encoding="utf-8") == "改了"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_failing_task_commits_nothing_and_keeps_the_rest(tmp_path: Path, workers: int) -> None:
    workspace = Workspace(tmp_path)
    bad = Task("s99", "k", f"{FUNCTIONS}:fail", {"text": "x"})
    with pytest.raises(HeadwaterError, match="坏文件: line 3"):
        run_stage(workspace, "texts/a", [*tasks(2), bad], workers=workers, title="write")
    stage = workspace.stage("texts/a")
    assert stage.entry("s99") is None
    assert not list(stage.path.glob("*.tmp"))
    assert stage.entries() == {}  # the stage was never complete
    assert len(run_stage(workspace, "texts/a", tasks(2), workers=1, title="write")) == 2


def test_a_dead_worker_is_named_and_its_half_file_is_not_trusted(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    with pytest.raises(HeadwaterError, match=r"a worker died .*s99"):
        bad = Task("s99", "k", f"{FUNCTIONS}:die")
        run_stage(workspace, "texts/a", [bad, *tasks(2)], workers=2, title="write")
    assert workspace.stage("texts/a").entry("s99") is None
    assert not multiprocessing.active_children()


def test_jobs_run_on_one_thread_each_and_are_not_repeated(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    jobs = [
        Job(f"j{i}", f"k{i}", f"{FUNCTIONS}:slow_job", tmp_path / f"j{i}", {"seconds": 0.1}) for i in range(2)
    ]
    first = run_jobs(workspace, jobs, slots=2, title="train")
    assert {result["threads"] for result in first} == {"1"}
    assert os.getpid() not in {result["pid"] for result in first}
    assert run_jobs(workspace, jobs, slots=2, title="train") == first


def test_a_missing_or_shortened_file_is_made_again_and_bit_rot_is_named(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    entries = run_stage(workspace, "texts/a", tasks(3), workers=1, title="write")
    entries[0].path("txt").unlink()
    entries[1].path("txt").write_text("短", encoding="utf-8")
    again = run_stage(workspace, "texts/a", tasks(3), workers=1, title="write")
    assert [e.fingerprint for e in again] == [e.fingerprint for e in entries]
    assert verify(workspace) == (3, [])
    rotten = bytearray(again[2].path("txt").read_bytes())
    rotten[0] ^= 1
    again[2].path("txt").write_bytes(rotten)
    checked, problems = verify(workspace)
    assert checked == 3 and len(problems) == 1 and "s02.txt" in problems[0]


def test_a_second_writer_is_refused_with_the_name_of_the_first(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    script = (
        "import sys\nfrom headwater.engine.workspace import Workspace\n"
        "try:\n    with Workspace(sys.argv[1]).lease(): print('held')\n"
        "except Exception as error: print(error)\n"
    )
    with workspace.lease(), workspace.lease():  # one process may hold it twice
        out = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True)
        assert f"in use by process {os.getpid()}" in out.stdout
    out = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True)
    assert out.stdout == "held\n"


def test_ctrl_c_leaves_no_child(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom headwater.engine.stages import Job, run_jobs\n"
        "from headwater.engine.workspace import Workspace\n"
        "if __name__ == '__main__':\n"
        "    f = Path(sys.argv[1])\n"
        "    jobs = [Job(str(i), str(i), 'engine_functions:slow_job', f / str(i), {'seconds': 60}) for i in range(2)]\n"
        "    run_jobs(Workspace(f), jobs, slots=2, title='train')\n"
    )
    file = tmp_path / "script.py"
    file.write_text(script, encoding="utf-8")
    # a test run in the background has Ctrl-C ignored, and hands that on
    heeding = functools.partial(signal.signal, signal.SIGINT, signal.default_int_handler)
    command = [sys.executable, str(file), str(tmp_path)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, preexec_fn=heeding)
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("*/started"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    import psutil

    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    process.send_signal(signal.SIGINT)
    process.wait(timeout=20)
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
    assert not list(tmp_path.glob("*/job.json"))


def test_ctrl_c_while_a_worker_starts_is_not_told_by_it() -> None:
    script = (
        "import os, signal, time\nfrom headwater.engine import workers\n"
        "signal.signal(signal.SIGINT, lambda *_: print('打断', flush=True))\n"
        "started = workers._start()\n"
        "for _ in range(20):\n    os.killpg(0, signal.SIGINT)\n    time.sleep(0.02)\n"
        "assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())\n"
        "workers._end([started])\nprint(started.process.exitcode)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, encoding="utf-8", start_new_session=True,
        timeout=60, env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert done.stdout.splitlines()[0] == "打断" and done.stdout.splitlines()[-1] == "0"


def test_output_is_discarded_without_a_trace(tmp_path: Path) -> None:
    out = Output(tmp_path, "s")
    out.path("txt").write_text("x", encoding="utf-8")
    out.discard()
    assert list(tmp_path.iterdir()) == []
