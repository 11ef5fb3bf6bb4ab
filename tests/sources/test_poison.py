"""A page whose reading kills or hangs its worker, and a text whose measuring does: those are named, nothing else is
lost."""

import os
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from headwater.engine import guard
from headwater.engine.stages import Task, run_stage, run_stages
from headwater.engine.workers import end_idle
from headwater.engine.workspace import Workspace
from headwater.recipe.sources import WarcSource
from headwater.sources.extract import main_text


@pytest.fixture(autouse=True)
def poison_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    here = str(Path(__file__).parent)
    monkeypatch.syspath_prepend(here)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([here, os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setattr(guard, "SECONDS", 3)
    monkeypatch.setattr(guard, "SECOND_CHANCE", 2)
    end_idle()


def test_a_page_that_kills_and_one_that_hangs_are_quarantined_with_their_bytes(
    tmp_path: Path, web: Any
) -> None:
    names = [f"页{n}" for n in range(60)]
    names[11], names[42] = "kill", "hang"
    archive = tmp_path / "crawl.warc.gz"
    archive.write_bytes(b"".join(
        web.member(web.response(f"http://例.example/{name}", f"<p>{name}：河水在夜里涨了起来。</p>".encode()))
        for name in names
    ))  # fmt: skip
    source = WarcSource(name="crawl", kind="warc", paths=["*"], text="all")
    arguments = {
        "files": [{"path": str(archive), "relative": "crawl.warc.gz", "bytes": archive.stat().st_size}],
        "source": source.model_dump(mode="json"),
        "holdout": {"share": 0.1, "salt": "headwater-1"},
    }
    workspace = Workspace(tmp_path / "workspace")
    main_text.warm()  # kernels are compiled before workers start
    committed = {}
    for function, workers in (("headwater.sources.read:read_shard", 0), ("poison_functions:read", 1)):
        task = Task("crawl", function, function, arguments)
        [entry] = run_stage(workspace, f"documents/{function[:6]}", [task], workers=workers, title="read")
        rows = pq.read_table(entry.path()).to_pylist()
        lost = pq.read_table(entry.path("quarantine.parquet")).to_pylist()
        committed[function[:6]] = (
            {row["id"]: row for row in rows},
            lost,
            entry.result["files"]["crawl.warc.gz"],
        )
    whole, poisoned = committed["headwa"], committed["poison"]
    assert whole[2]["documents"] == 60 and whole[1] == []
    missing = [whole[0][name]["text"][:4] for name in whole[0].keys() - poisoned[0].keys()]
    assert sorted(missing) == ["hang", "kill"]
    assert all(whole[0][name] == row for name, row in poisoned[0].items())
    assert poisoned[2]["quarantined"] == {"deadline": 1, "worker_died": 1}
    assert poisoned[2]["read"] == 60 == poisoned[2]["documents"] + 2
    assert {row["reason"]: "hang" in row["bytes"].decode() for row in poisoned[1]} == {"deadline": True, "worker_died": False}  # fmt: skip


def test_a_text_that_kills_or_hangs_a_signal_loses_that_signal(tmp_path: Path) -> None:
    import pyarrow as pa

    texts = ["河水涨了。"] * 10
    texts[3], texts[7] = "杀", "停"
    file = tmp_path / "texts.parquet"
    pq.write_table(pa.table({"id": [f"d{n}" for n in range(10)], "text": texts}), file)
    task = Task("s", "k", "poison_functions:measure", {"texts": str(file), "family": "gopher"})
    [entry] = run_stage(Workspace(tmp_path / "w"), "signals/g", [task], workers=1, title="measure")
    table = pq.read_table(entry.path())
    errors = table["errors"].to_pylist()
    assert (errors[3], errors[7]) == ("worker_died", "deadline")
    assert [n for n, value in enumerate(table["gopher.words"].to_pylist()) if value is None] == [3, 7]
    assert entry.result["failed"] == 2


def test_in_one_pass_only_the_family_that_a_text_kills_loses_it(tmp_path: Path) -> None:
    import pyarrow as pa

    file = tmp_path / "texts.parquet"
    texts = ["河水涨了。", "杀", "The river rose."]
    pq.write_table(pa.table({"id": ["甲", "乙", "丙"], "text": texts}), file)

    def stages(function: str) -> dict[str, list[Task]]:
        return {
            f"signals/{family}": [Task("s", f"{family}-{function[:6]}", function, {"texts": str(file), "family": family}, "s")]
            for family in ("length", "gopher", "fineweb")
        }  # fmt: skip

    workspace = Workspace(tmp_path / "w")
    made = run_stages(workspace, stages("poison_functions:measure_together"), workers=1, title="measure")
    errors = {name: pq.read_table(entry.path())["errors"].to_pylist() for name, [entry] in made.items()}
    assert errors.pop("signals/gopher") == [None, "worker_died", None]
    assert list(errors.values()) == [[None] * 3] * 2
    # what one pass made is kept family by family: a new key measures its own family alone
    before = {name: entry.path().read_bytes() for name, [entry] in made.items()}
    again = stages("poison_functions:measure_together")
    again["signals/gopher"] = stages("headwater.signals.measure:measure_shards")["signals/gopher"]
    made = run_stages(workspace, again, workers=1, title="measure")
    changed = {name for name, [entry] in made.items() if entry.path().read_bytes() != before[name]}
    assert changed == {"signals/gopher"}
