"""`--engine ray` on this machine: a document that kills its worker and one that hangs cost themselves and nothing else;
errors and resources arrive."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest

import headwater.engine.ray
from headwater.engine.engines import engine_of
from headwater.engine.stages import Job, Task, run_jobs, run_stage
from headwater.engine.workspace import Workspace
from headwater.errors import HeadwaterError, RecipeError

FUNCTIONS = "engine_functions"


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, functions_importable: None):
    """A cluster of this machine: two processors, and one GPU that is none."""
    ray = pytest.importorskip("ray")
    temporary = Path(f"/tmp/hw-ray-{os.getpid()}")  # names of sockets are short
    (temporary / "ray").mkdir(parents=True)
    for name, value in (("RAY_TMPDIR", str(temporary)), ("RAY_AUTH_MODE", "disabled"),
                        ("RAY_worker_niceness", "0"), ("RAY_USAGE_STATS_ENABLED", "0"),
                        ("HEADWATER_ITEM_SECONDS", "0.5")):  # fmt: skip
        monkeypatch.setenv(name, value)
    ray.init(
        num_cpus=2, num_gpus=1, include_dashboard=False, object_store_memory=80 << 20, log_to_driver=False
    )
    yield engine_of("ray")
    ray.shutdown()
    shutil.rmtree(temporary, ignore_errors=True)


def test_a_task_of_a_cluster_makes_what_local_makes_and_is_watched(tmp_path: Path, engine) -> None:
    marks = tmp_path / "标"
    marks.mkdir()
    tasks = [Task("s0", "k0", f"{FUNCTIONS}:items", {"texts": ["一", "die", "二"], "marks": str(marks)})]
    place = Workspace(tmp_path / "ws", engine)
    with place.lease():
        [made] = run_stage(place, "texts/a", tasks, workers=engine.workers(None), title="好")
    [local] = run_stage(Workspace(tmp_path / "local"), "texts/a", tasks, workers=1, title="好")
    assert made.result["given_up"] == {"1": "worker_died"} and made.fingerprint == local.fingerprint


@pytest.mark.slow
def test_exactly_the_guilty_are_given_up_and_the_rest_is_as_local_makes_it(
    tmp_path: Path, engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fine = ["一"] * 5
    texts = {"s0": [*fine, "die", *fine], "s1": [*fine, "hang"], "s2": fine}
    marks = {name: tmp_path / "marks" / name for name in texts}
    for place in marks.values():
        place.mkdir(parents=True)
    place = Workspace(tmp_path / "ws", engine)
    with place.lease():
        tasks = [Task(name, f"key-{name}", f"{FUNCTIONS}:items", {"texts": some, "marks": str(marks[name])})
                 for name, some in texts.items()]  # fmt: skip
        made = run_stage(place, "texts/a", tasks, workers=engine.workers(None), title="好")
        assert {entry.shard: entry.result["given_up"] for entry in made} == {
            "s0": {"5": "worker_died"}, "s1": {"5": "deadline"}, "s2": {},
        }  # fmt: skip
        events = [
            json.loads(line)
            for line in (place.path / "events.jsonl").read_text(encoding="utf-8").splitlines()
        ]
        given_up = sorted((e["shard"], e["item"], e["reason"]) for e in events if e["event"] == "gave_up")
        assert given_up == [("s0", "texts: 5", "worker_died"), ("s1", "texts: 5", "deadline")]

        monkeypatch.setattr(headwater.engine.ray, "LAGS_SECONDS", 1.0)
        monkeypatch.setattr(headwater.engine.ray, "LOOK_SECONDS", 0.5)
        lags = Task("s1", "k1", f"{FUNCTIONS}:lags_at_first", {"marks": str(marks["s0"])})
        quick = Task("s0", "k0", f"{FUNCTIONS}:write", {"text": "字"})
        began = time.monotonic()
        assert run_stage(place, "texts/e", [quick, lags], workers=2, title="e")[1].result == {"documents": 1}
        assert time.monotonic() - began < 300, "the one that lags was waited for"

        with pytest.raises(HeadwaterError, match="坏文件"):
            run_stage(
                place, "texts/b", [Task("s", "k", f"{FUNCTIONS}:fail", {"text": "x"})], workers=2, title="b"
            )
        asks = {"GPU": 0.5}
        [on_gpu] = run_stage(
            place, "texts/c", [Task("s", "k", f"{FUNCTIONS}:sees_gpu", resources=asks)], workers=2, title="c"
        )
        [without] = run_stage(
            place, "texts/d", [Task("s", "k", f"{FUNCTIONS}:sees_gpu")], workers=2, title="d"
        )
        assert (on_gpu.result["gpus"], without.result["gpus"]) == ("0", "")
        jobs = [
            Job(f"j{n}", f"k{n}", f"{FUNCTIONS}:slow_job", place.path / "runs" / f"{n}", {"seconds": 0.0})
            for n in (0, 1)
        ]
        results = run_jobs(place, jobs, slots=2, title="train")
        assert (
            len({result["pid"] for result in results}) == 2
            and (place.path / "runs" / "0" / "job.json").is_file()
        )


def test_an_engine_that_is_none_and_options_of_another() -> None:
    with pytest.raises(RecipeError, match="no engine 'spark'; there are local, ray, slurm"):
        engine_of("spark")
    with pytest.raises(RecipeError, match="takes no address"):
        engine_of("local", {"address": "x:1"})
    with pytest.raises(RecipeError, match="--address is of a Ray cluster"):
        engine_of("slurm", {"address": "x:1"})
