"""A paper that crashes its engine and one that holds it up are named; nothing else of the archive is lost."""

import gzip
import io
import os
import tarfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from headwater.engine import guard
from headwater.engine.stages import Task, run_stage
from headwater.engine.workers import end_idle
from headwater.engine.workspace import Workspace
from headwater.recipe.sources import PapersSource


@pytest.fixture(autouse=True)
def poison_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    here = str(Path(__file__).parent)
    monkeypatch.syspath_prepend(here)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([here, os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setattr(guard, "SECONDS", 1.5)
    monkeypatch.setattr(guard, "SECOND_CHANCE", 2)
    end_idle()


@pytest.mark.fault(26)
def test_a_paper_that_kills_and_one_that_hangs_are_quarantined(tmp_path: Path) -> None:
    members = {
        f"1707/1707.{n:05}.gz": gzip.compress(
            f"\\documentclass{{article}}\\begin{{document}}论文{n}。".encode()
        )
        for n in range(30)
    }
    members["1707/1707.00011.gz"] = gzip.compress(b"\\documentclass{article}\\begin{document} x % hang")
    members["1707/1707.00017.pdf"] = b"%PDF-1.7 % kill"
    path = tmp_path / "arXiv_src.tar"
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    source = PapersSource(name="papers", kind="papers", paths=["*"])
    arguments = {
        "files": [{"path": str(path), "relative": path.name, "bytes": path.stat().st_size}],
        "source": source.model_dump(mode="json"),
        "holdout": {"share": 0.1, "salt": "headwater-1"},
    }
    task = Task("papers", "papers", "paper_poison:read", arguments)
    [entry] = run_stage(Workspace(tmp_path / "workspace"), "documents/p", [task], workers=1, title="read")
    assert pq.read_table(entry.path()).num_rows == 29
    assert entry.result["files"][path.name]["quarantined"] == {"deadline": 1, "worker_died": 1}
    lost = {row["reason"]: row for row in pq.read_table(entry.path("quarantine.parquet")).to_pylist()}
    assert lost["worker_died"]["offset"] == "1707/1707.00017.pdf"
    assert lost["deadline"]["offset"] == "1707/1707.00011.gz"
