"""What a recipe asks a cluster for, and what it does not change: GPUs of a signal and of a training, processors."""

from pathlib import Path

import pytest

import headwater.pipeline.measure
from headwater.engine.workspace import Entry, FileRecord, Workspace
from headwater.pipeline.measure import measure_stages
from headwater.recipe.signals import Signals
from headwater.recipe.training import TrainSettings
from headwater.signals.families import families_of_recipe

MODULE = "def score(texts):\n    return [float(len(text)) for text in texts]\n"


def families(folder: Path, gpus: float) -> dict:
    (folder / "my_model.py").write_text(MODULE, encoding="utf-8")
    own = {"quality": {"function": "my_model:score", "gpus": gpus}}
    return families_of_recipe(Signals.model_validate({"families": ["length"], "functions": own}), folder)


def test_a_signal_asks_for_a_gpu_and_is_the_same_signal_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, dict[str, float]] = {}

    def kept(workspace: Workspace, stages: dict, **_: object) -> None:
        asked.update(
            {name.split("/")[1].partition("-")[0]: tasks[0].resources for name, tasks in stages.items()}
        )

    monkeypatch.setattr(headwater.pipeline.measure, "run_stages", kept)
    monkeypatch.setattr(headwater.pipeline.measure, "run_before", lambda *_, **__: None)
    place = Workspace(tmp_path / "ws")
    texts = {"documents/a": [Entry(place.path, "b00", "k", {"parquet": FileRecord(1, "x")}, {"bytes": 9})]}
    measure_stages(place, texts, list(families(tmp_path, 0.25).values()), workers=1)
    assert asked == {"length": {}, "quality": {"GPU": 0.25}}
    with_gpu, without = families(tmp_path, 0.25)["quality"], families(tmp_path, 0)["quality"]
    assert with_gpu.key == without.key


def test_a_recipe_asks_for_no_gpu_unless_it_says_so() -> None:
    assert TrainSettings().gpus == 0 and TrainSettings(gpus=2).gpus == 2
