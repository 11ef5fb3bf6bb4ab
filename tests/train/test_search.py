"""What a search varies, and of which weights: those that the result is then trained from."""

import shutil
from pathlib import Path
from typing import Any

import optuna
import pytest
from task_models import small_model, small_task

from headwater.engine.workspace import file_hash
from headwater.train.finetune import finetune, settings_of
from headwater.train.search import _proposed, search

SETTINGS: dict[str, Any] = {
    "epochs": 1, "batch": 8, "learning_rate": 0.01, "weight_decay": 0.01, "precision": "fp32",
}  # fmt: skip


@pytest.mark.parametrize("from_scratch", [False, True])
def test_trials_are_of_the_weights_that_are_asked_for(tmp_path: Path, from_scratch: bool) -> None:
    asked: dict[str, Any] = {
        "run": str(small_model(tmp_path, "gpt")), "task": str(small_task(tmp_path, train_items=24)), "seed": 3,
        "settings": SETTINGS, "from_scratch": from_scratch,
    }  # fmt: skip
    finetune(tmp_path / "alone", **asked)
    expected = file_hash(tmp_path / "alone" / "model" / "model.safetensors")
    search(tmp_path / "search", **asked, trials=1)
    best = tmp_path / "search" / "best"
    assert file_hash(best / "model" / "model.safetensors") == expected
    shutil.rmtree(best)  # as a kill leaves it: the model is made again
    search(tmp_path / "search", **asked, trials=1)
    assert file_hash(best / "model" / "model.safetensors") == expected


@pytest.mark.parametrize(
    ("items", "batches"), [(24, (8, 16, 32, 64)), (100, (8, 16, 32, 64)), (101, (16, 32, 64)), (5000, (16, 32, 64))]
)  # fmt: skip
def test_the_default_batch_is_among_those_that_are_tried(items: int, batches: tuple[int, ...]) -> None:
    usual = settings_of({}, "classification", 128, items)
    assert usual.batch in batches
    trial = optuna.create_study().ask()
    _proposed(trial, {}, usual)
    distribution = trial.distributions["batch"]
    assert isinstance(distribution, optuna.distributions.CategoricalDistribution)
    assert distribution.choices == batches
