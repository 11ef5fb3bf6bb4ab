"""A training is a function of its settings: killed and resumed it ends with the same bytes."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from training_sets import texts, write_training_set

import headwater.train.pretrain as pretrain_module
from headwater.errors import HeadwaterError
from headwater.model import huggingface
from headwater.model.tokenizer import Tokenizer
from headwater.train import checkpoint
from headwater.train.precision import choose_device
from headwater.train.pretrain import pretrain

MODEL = {"family": "gpt", "preset": "modern-nano", "layers": 2, "width": 32, "heads": None, "context": 32}
TRAIN = {
    "objective": "lm", "tokens": 128 * 40, "batch": 128, "optimizer": "muon", "learning_rate": None,
    "schedule": "wsd", "precision": "fp32", "checkpoint_every": 128 * 6,
}  # fmt: skip


@pytest.fixture(scope="module")
def training_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    documents = [(f"文档-{n}", "诗", text) for n, text in enumerate(texts(200))]
    return write_training_set(tmp_path_factory.mktemp("sets") / "诗", documents)


def run(
    folder: Path, training_set: Path, *, seed: int = 0, draw: float = 1.0, **train: Any
) -> dict[str, Any]:
    settings = {**TRAIN, **train}
    return pretrain(
        folder,
        training_set=str(training_set),
        model=MODEL,
        train=settings,
        seed=seed,
        draw=draw,
        device="cpu",
    )


def losses(folder: Path) -> list[tuple[int, float, float]]:
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return [(line["step"], line["loss"], line["lr"]) for line in lines]


def weights(folder: Path) -> bytes:
    return (folder / "model" / "model.safetensors").read_bytes()


class Killed(BaseException):
    pass


def kill_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies when it asks for this step's batch."""
    batch = pretrain_module.Stream.batch

    def dying(stream: Any, asked: int) -> Any:
        if asked == step:
            raise Killed
        return batch(stream, asked)

    monkeypatch.setattr(pretrain_module.Stream, "batch", dying)


def test_a_run_leaves_what_later_stages_read(training_set: Path, tmp_path: Path) -> None:
    done = run(tmp_path / "run", training_set)
    assert done == json.loads((tmp_path / "run" / "done.json").read_text(encoding="utf-8"))
    assert done["tokens"] == TRAIN["tokens"]
    first, last = losses(tmp_path / "run")[0], losses(tmp_path / "run")[-1]
    assert first[1] == pytest.approx(math.log(320), abs=0.01)
    assert last[0] == 40
    assert last[1] < 0.8 * first[1]
    assert done["epochs"]["all"] == pytest.approx(json.loads(
        (tmp_path / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()[-1])["epoch"], abs=1e-3)  # fmt: skip
    model = huggingface.load(tmp_path / "run" / "model")
    coder = Tokenizer.load(tmp_path / "run" / "model" / "tokenizer.json")
    logits = model(torch.tensor([[coder.separator, *coder.encode("半亩方塘")[:20].tolist()]]))
    assert torch.isfinite(logits).all()
    assert sorted(p.name for p in (tmp_path / "run" / "checkpoints").iterdir()) == ["step-30", "step-36"]


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_killed_and_resumed_equals_uninterrupted(
    training_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, optimizer: str, precision: str
) -> None:
    settings = {"optimizer": optimizer, "precision": precision}
    run(tmp_path / "whole", training_set, **settings)
    for step in (3, 15, 39):  # before the first checkpoint, between two, on the last step
        with monkeypatch.context() as patch, pytest.raises(Killed):
            kill_at(step, patch)
            run(tmp_path / "killed", training_set, **settings)
        with (tmp_path / "killed" / "metrics.jsonl").open("a") as file:
            file.write('{"step": 3')  # half a line, as a kill leaves it
    run(tmp_path / "killed", training_set, **settings)
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")


def test_a_kill_during_a_checkpoint_leaves_the_one_before(
    training_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path / "whole", training_set)
    commit, calls = checkpoint.commit_folder, []

    def dying(temporary: Path, final: Path) -> None:
        calls.append(final.name)
        if final.name == "step-12":
            raise Killed
        commit(temporary, final)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(checkpoint, "commit_folder", dying)
        run(tmp_path / "killed", training_set)
    assert calls == ["step-6", "step-12"]
    left = checkpoint.load_newest(tmp_path / "killed" / "checkpoints")
    assert left is not None
    assert left.step == 6
    run(tmp_path / "killed", training_set)
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")


def test_a_damaged_checkpoint_is_passed_over(
    training_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path / "whole", training_set)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        kill_at(20, patch)
        run(tmp_path / "killed", training_set)
    damaged = tmp_path / "killed" / "checkpoints" / "step-18" / "state.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\0")
    run(tmp_path / "killed", training_set)
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")


def test_done_is_done_and_another_run_is_refused(
    training_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run(tmp_path / "run", training_set)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*")}
    with monkeypatch.context() as patch:
        kill_at(0, patch)
        assert run(tmp_path / "run", training_set) == done
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*")} == before
    with pytest.raises(HeadwaterError, match="seed: 0 there, 1 now"):
        run(tmp_path / "run", training_set, seed=1)


def test_seeds_are_runs_of_their_own(training_set: Path, tmp_path: Path) -> None:
    for name, seed, draw in (("a", 0, 1.0), ("b", 1, 1.0), ("c", 0, 0.6)):
        run(tmp_path / name, training_set, seed=seed, draw=draw, tokens=640)
    assert len({weights(tmp_path / name) for name in "abc"}) == 3


def test_a_loss_that_is_no_number_stops_the_run(training_set: Path, tmp_path: Path) -> None:
    with pytest.raises(
        HeadwaterError, match=r"the loss is (nan|inf) at step \d+ of 40.*lower train.learning_rate"
    ):
        run(tmp_path / "run", training_set, learning_rate=1e30)
    assert not (tmp_path / "run" / "done.json").exists()


def test_repeating_too_often_is_a_warning(training_set: Path, tmp_path: Path) -> None:
    done = run(tmp_path / "run", training_set, draw=0.05, tokens=128 * 200)
    assert done["epochs"]["all"] > 4
    assert "the text was repeated" in done["warnings"][0]


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(HeadwaterError, match="headwater curate"):
        run(tmp_path / "run", tmp_path / "nothing")
    with pytest.raises(HeadwaterError, match="this machine has"):
        choose_device("tpu")
