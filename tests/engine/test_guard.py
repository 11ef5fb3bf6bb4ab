"""A document that kills its worker, one that holds it up: just those are given up, the rest is unaffected."""

import json
from pathlib import Path

import pytest

from headwater.engine import guard
from headwater.engine.local import Task, run_stage
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
