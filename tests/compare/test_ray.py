"""A comparison on a Ray cluster, two machines that share nothing but a store: the verdict's bytes are those of `local`."""

from pathlib import Path

import pytest

from headwater.compare.run import compare
from headwater.engine.engines import engine_of
from headwater.engine.store import local_copy
from headwater.studio.report import report

pytest.importorskip("ray")
pytest.importorskip("torch")
from tests.compare.test_run import FILES, folder, tiny_budget
from tests.pipeline.test_ray import cluster

__all__ = ["cluster", "folder", "tiny_budget"]  # fixtures


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_two_machines_come_to_the_verdict_of_one(tmp_path: Path, folder: Path, bucket: str, cluster) -> None:
    recipes = [folder / "原始.yaml", folder / "整理.yaml"]
    local = compare(recipes, budget="demo", workspace=tmp_path / "local", workers=2)
    engine = engine_of("ray", {"address": cluster.address})
    asked = {"budget": "demo", "workspace": f"s3://{bucket}/ws", "engine": engine}
    found = compare(recipes, **asked)
    for name in FILES:
        assert (found.folder / name).read_bytes() == (local.folder / name).read_bytes(), name
    shown = [
        report(one.workspace, tmp_path / f"{n}.html", one.path).read_bytes()
        for n, one in enumerate((local, found))
    ]
    assert shown[0] == shown[1]
    trained = list((local_copy(f"s3://{bucket}/ws") / "runs").iterdir())
    assert len(trained) == 6
    events = (found.workspace.path / "events.jsonl").read_bytes()
    assert compare(recipes, **asked).result == found.result, "asked again, nothing is trained"
    assert (found.workspace.path / "events.jsonl").read_bytes().count(b'"job"') == events.count(b'"job"')
