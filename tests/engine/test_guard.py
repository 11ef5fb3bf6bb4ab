"""A document that kills its worker, one that holds it up: just those are given up, the rest is unaffected."""

import json
from pathlib import Path

import pytest

from headwater.engine import guard
from headwater.engine.stages import Task, run_stage
from headwater.engine.workspace import Workspace
from headwater.errors import HeadwaterError

FUNCTIONS = "engine_functions"
NAMES = ["s0", "s1", "s2"]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "SECONDS", 1.0)
    monkeypatch.setattr(guard, "SECOND_CHANCE", 2)


def run(workspace: Path, texts: dict[str, list[str]], workers: int = 2) -> dict[str, dict]:
    marks = workspace / "marks"
    tasks = []
    for name, some in texts.items():
        (marks / name).mkdir(parents=True, exist_ok=True)
        arguments = {"texts": some, "marks": str(marks / name)}
        tasks.append(Task(name, f"key-{name}", f"{FUNCTIONS}:items", arguments))
    entries = run_stage(Workspace(workspace), "texts/a", tasks, workers=workers, title="好")
    return {entry.shard: entry.result for entry in entries}


@pytest.mark.parametrize("workers", [1, 2])
def test_just_the_guilty_are_given_up(tmp_path: Path, short: None, workers: int) -> None:
    fine = ["一"] * 20
    texts = {"s0": [*fine, "die", *fine, "hang", *fine], "s1": fine, "s2": ["die", *fine, "die"]}
    results = run(tmp_path, texts, workers)
    assert results["s0"] == {"documents": 60, "given_up": {"20": "worker_died", "41": "deadline"}}
    assert results["s1"]["given_up"] == {}
    assert results["s2"]["given_up"] == {"0": "worker_died", "21": "worker_died"}
    events = [
        json.loads(line) for line in (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert sorted(event["item"] for event in events if event["event"] == "gave_up") == [
        "texts: 0", "texts: 20", "texts: 21", "texts: 41",
    ]  # fmt: skip


def test_an_accident_costs_nothing_and_a_slow_item_has_a_second_chance(tmp_path: Path, short: None) -> None:
    results = run(tmp_path, {"s0": ["一", "once", "二"], "s1": ["一", "slow", "三"]})
    assert [result["given_up"] for result in results.values()] == [{}, {}]


def test_what_was_given_up_is_an_input_from_then_on(tmp_path: Path, short: None) -> None:
    first = run(tmp_path, {"s0": ["一", "die", "二"]})
    for left in (tmp_path / "texts" / "a").iterdir():
        left.unlink()
    (tmp_path / "marks" / "s0" / "1").unlink()
    assert run(tmp_path, {"s0": ["一", "die", "二"]}) == first
    assert not (tmp_path / "marks" / "s0" / "1").exists()  # not touched again
    assert run(tmp_path, {"s0": ["一", "die", "二"]}, workers=0) == first


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker may take 400 MiB beside others, 800 MiB alone."""
    monkeypatch.setenv("HEADWATER_WORKER_MEMORY", "400 MiB")
    monkeypatch.setattr(guard, "memory_of_workers", lambda: 800 << 20)


@pytest.mark.fault(2)
def test_an_item_that_takes_too_much_memory_is_tried_alone_then_given_up(
    tmp_path: Path, little: None
) -> None:
    texts = {"s0": ["一", "eat 900", "二", "eat 500", "三"], "s1": ["一"] * 5, "s2": ["eat 100", "二"]}
    first = run(tmp_path, texts)
    assert first["s0"] == {"documents": 4, "given_up": {"1": "memory"}}
    assert first["s1"]["given_up"] == first["s2"]["given_up"] == {}
    for left in (tmp_path / "texts" / "a").iterdir():
        left.unlink()
    (tmp_path / "marks" / "s0" / "1").unlink()
    assert run(tmp_path, texts) == first
    assert not (tmp_path / "marks" / "s0" / "1").exists()  # not touched again


@pytest.mark.fault(2)
def test_a_step_without_items_that_takes_too_much_memory_fails_by_name(tmp_path: Path, little: None) -> None:
    def step(mebibytes: int) -> Task:
        return Task("all", f"k{mebibytes}", f"{FUNCTIONS}:eats", {"mebibytes": mebibytes})

    run_stage(Workspace(tmp_path), "steps/a", [step(500)], workers=1, title="大")
    with pytest.raises(HeadwaterError, match=r"steps/a/all took more than 800 MiB.*HEADWATER_WORKER_MEMORY"):
        run_stage(Workspace(tmp_path), "steps/a", [step(900)], workers=1, title="大")


def test_shares_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADWATER_WORKER_MEMORY", raising=False)
    monkeypatch.setattr(guard, "memory_of_workers", lambda: 12 << 30)
    assert [guard.memory_share(workers) >> 30 for workers in (1, 4, 64)] == [12, 3, 1]
    assert guard.memory_alone(4) == 12 << 30
    monkeypatch.setenv("HEADWATER_WORKER_MEMORY", "20GB")
    assert guard.memory_share(4) == guard.memory_alone(4) == 20 * 10**9
    monkeypatch.setenv("HEADWATER_WORKER_MEMORY", "viel")
    with pytest.raises(HeadwaterError, match=r"HEADWATER_WORKER_MEMORY: expected a size such as"):
        guard.memory_share(1)


def test_a_worker_that_dies_without_an_item_fails_by_name(tmp_path: Path) -> None:
    bad = Task("s9", "k", f"{FUNCTIONS}:dies")
    with pytest.raises(HeadwaterError, match=r"died .*texts/a/s9.*enough memory"):
        run_stage(Workspace(tmp_path), "texts/a", [bad], workers=1, title="坏")


def test_names_of_items_are_read_whole_whatever_they_are() -> None:
    shared = bytearray(guard.BYTES)
    watch = guard.Watch(shared)
    try:
        for name in ("源头#1", "", "x" * 5000, "𠮷" * 400):
            guard.attach(shared, {})
            assert guard.begin(name) is None
            seen = watch.item() or ""
            assert seen == name[: len(seen)] and len(seen) >= min(len(name), 120)
            guard.attach(shared, {seen: "deadline"} if seen else {})
            assert guard.begin(name) == ("deadline" if seen else None)
        guard.end()
        assert watch.item() is None
    finally:
        guard.attach(None, {})
