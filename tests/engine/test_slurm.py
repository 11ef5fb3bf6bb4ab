"""`--engine slurm`: calls as elements of array jobs, through submitit; here its elements are processes of this machine."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.engine import slurm
from headwater.engine.engines import engine_of
from headwater.engine.local import Task, run_stage
from headwater.engine.workspace import Workspace
from headwater.errors import HeadwaterError

from .slurm_daemons import slurm_daemons

pytest.importorskip("submitit")
FUNCTIONS = "engine_functions"


@pytest.fixture(params=["local", pytest.param("slurm", marks=pytest.mark.slow)])
def cluster(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """submitit's executor of this machine, or Slurm's own daemons on loopback."""
    if request.param == "slurm":
        with slurm_daemons(tmp_path) as settings:
            monkeypatch.setenv("SLURM_CONF", str(settings))
            monkeypatch.setattr(slurm, "QUEUE_SECONDS", 1.0)
            yield "slurm"
    else:
        yield "local"


def test_elements_make_what_local_makes_and_a_lost_one_is_begun_again(
    tmp_path: Path, cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_ITEM_SECONDS", "5")
    marks = tmp_path / "标"
    marks.mkdir()
    tasks = [Task("s0", "k0", f"{FUNCTIONS}:write", {"text": "字" * 9}, weight=9),
             Task("s1", "k1", f"{FUNCTIONS}:items", {"texts": ["一", "die", "二"], "marks": str(marks)})]  # fmt: skip
    place = Workspace(tmp_path / "ws", engine_of("slurm", {"cluster": cluster, "time": "10"}))
    with place.lease():
        made = run_stage(place, "texts/a", tasks, workers=2, title="a")
        lost = [Task("s2", "k2", f"{FUNCTIONS}:loses_its_machine", {"marks": str(marks)})]
        [again] = run_stage(place, "texts/b", lost, workers=2, title="b")
        with pytest.raises(HeadwaterError, match="坏文件"):
            run_stage(
                place, "texts/c", [Task("s", "k", f"{FUNCTIONS}:fail", {"text": "x"})], workers=2, title="c"
            )
    assert made[1].result["given_up"] == {"1": "worker_died"} and again.result["documents"] == 1
    assert json.loads((place.path / "guard" / "k1.json").read_text(encoding="utf-8")) == {
        "texts: 1": "worker_died"
    }
    local = Workspace(tmp_path / "local")
    expected = run_stage(local, "texts/a", tasks[:1], workers=0, title="a")
    assert made[0].fingerprint == expected[0].fingerprint
    assert not list((place.path / "tmp" / "slurm").iterdir()), "what submitit wrote is left"


def test_a_store_needs_a_folder_that_all_machines_see(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_CACHE", str(tmp_path))
    place = Workspace(f"s3://{bucket}/ws", engine_of("slurm"))
    with pytest.raises(HeadwaterError, match="folder=/shared/jobs"):
        run_stage(
            place, "texts/a", [Task("s", "k", f"{FUNCTIONS}:write", {"text": "字"})], workers=1, title="a"
        )
