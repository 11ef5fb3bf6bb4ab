"""`--engine slurm`: calls as elements of array jobs, through submitit; here its elements are processes of this machine."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.engine import slurm
from headwater.engine.engines import engine_of
from headwater.engine.stages import Task, run_stage
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


def opened(folder: Path, cluster: str) -> Workspace:
    return Workspace(folder / "ws", engine_of("slurm", {"cluster": cluster, "time": "10"}))


def test_elements_make_what_local_makes_and_are_watched(tmp_path: Path, cluster: str) -> None:
    marks = tmp_path / "标"
    marks.mkdir()
    tasks = [Task("s1", "k1", f"{FUNCTIONS}:items", {"texts": ["一", "die", "二"], "marks": str(marks)})]
    place = opened(tmp_path, cluster)
    with place.lease():
        [made] = run_stage(place, "texts/a", tasks, workers=2, title="a")
    assert made.result["given_up"] == {"1": "worker_died"}
    assert json.loads((place.path / "guard" / "k1.json").read_text(encoding="utf-8")) == {
        "texts: 1": "worker_died"
    }
    [expected] = run_stage(Workspace(tmp_path / "local"), "texts/a", tasks, workers=1, title="a")
    assert made.fingerprint == expected.fingerprint
    assert not list((place.path / "tmp" / "slurm").iterdir()), "what submitit wrote is left"


@pytest.mark.slow
def test_a_lost_element_is_begun_again_and_an_error_arrives(tmp_path: Path, cluster: str) -> None:
    place = opened(tmp_path, cluster)
    with place.lease():
        lost = [Task("s2", "k2", f"{FUNCTIONS}:loses_its_machine", {"marks": str(tmp_path)})]
        [again] = run_stage(place, "texts/b", lost, workers=2, title="b")
        assert again.result["documents"] == 1
        with pytest.raises(HeadwaterError, match="坏文件"):
            run_stage(
                place, "texts/c", [Task("s", "k", f"{FUNCTIONS}:fail", {"text": "x"})], workers=2, title="c"
            )


def test_a_store_needs_a_folder_that_all_machines_see(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_CACHE", str(tmp_path))
    place = Workspace(f"s3://{bucket}/ws", engine_of("slurm"))
    with pytest.raises(HeadwaterError, match="folder=/shared/jobs"):
        run_stage(
            place, "texts/a", [Task("s", "k", f"{FUNCTIONS}:write", {"text": "字"})], workers=1, title="a"
        )
