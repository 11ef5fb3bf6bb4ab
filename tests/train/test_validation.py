"""The loss on held-out text and the utilisation: in every line that has them, in the record, and without a trace in
the weights."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from torch.nn import functional as F
from training_sets import texts, write_training_set

import headwater.train.pretrain as pretrain_module
from headwater.model import huggingface
from headwater.model.tokenizer import Tokenizer
from headwater.train.objectives import objective_of
from headwater.train.pretrain import pretrain
from headwater.train.validation import validation_batches

MODEL = {"family": "gpt", "preset": "modern-nano", "layers": 2, "width": 32, "context": 32}
TRAIN = {
    "objective": "lm", "tokens": 128 * 20, "batch": 128, "optimizer": "muon", "learning_rate": None,
    "schedule": "wsd", "precision": "fp32", "checkpoint_every": 128 * 6, "validate_every": 128 * 8,
    "validation_tokens": 640,
}  # fmt: skip


@pytest.fixture(scope="module")
def training_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    documents = [(f"文档-{n}", "诗", text) for n, text in enumerate(texts(200))]
    return write_training_set(tmp_path_factory.mktemp("sets") / "诗", documents)


@pytest.fixture(scope="module")
def heldout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("heldout") / "heldout.parquet"
    rows = [{"id": f"held-{n}", "text": text} for n, text in enumerate(texts(40, seed=1))]
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def run(folder: Path, training_set: Path, heldout: Path | None) -> dict[str, Any]:
    return pretrain(
        folder, training_set=str(training_set), model=MODEL, train=TRAIN, seed=0, device="cpu",
        heldout=None if heldout is None else str(heldout),
    )  # fmt: skip


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


def test_held_out_loss_is_in_the_curve_and_the_record(
    training_set: Path, heldout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run(tmp_path / "run", training_set, heldout)
    found = {line["step"]: line["validation_loss"] for line in lines(tmp_path / "run") if "validation_loss" in line}  # fmt: skip
    assert list(found) == [8, 16, 20] and found[20] < found[8]
    assert done["validation_loss"] == found[20]
    assert 0 < done["mfu"] < 1 and all(0 < line["mfu"] < 1 for line in lines(tmp_path / "run"))
    assert done["matrix_flops_per_second"] > 1e8
    # what is taken of the finished model, by hand, over the same sequences
    coder = Tokenizer.load(training_set / "tokenizer.json")
    objective = objective_of(
        "lm", family="gpt", context=32, vocabulary=320, separator=coder.separator, tokenizer=None
    )
    batches = validation_batches(heldout, coder, objective, tokens=640, sequences=4)
    rows = torch.cat([torch.from_numpy(batch.tokens) for batch in batches])
    wanted = torch.cat([torch.from_numpy(batch.targets) for batch in batches])
    assert rows.shape == (20, 32) and torch.equal(rows[1:, 0], wanted[:-1, -1])
    logits = huggingface.load(tmp_path / "run" / "model")(rows)
    assert F.cross_entropy(logits.flatten(0, 1), wanted.flatten()).item() == pytest.approx(
        found[20], abs=1e-5
    )
    # nothing of it is in the weights, and a run that was killed has the same curve
    plain = run(tmp_path / "plain", training_set, None)
    assert plain["validation_loss"] is None
    files = [tmp_path / name / "model" / "model.safetensors" for name in ("run", "plain")]
    assert files[0].read_bytes() == files[1].read_bytes()

    class Killed(BaseException):
        pass

    batch = pretrain_module.Stream.batch

    def dying(stream: Any, asked: int) -> Any:
        if asked == 17:
            raise Killed
        return batch(stream, asked)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(pretrain_module.Stream, "batch", dying)
        run(tmp_path / "killed", training_set, heldout)
    assert run(tmp_path / "killed", training_set, heldout)["validation_loss"] == done["validation_loss"]
    same = ("step", "loss", "validation_loss")
    assert [[line.get(name) for name in same] for line in lines(tmp_path / "killed")] == [
        [line.get(name) for name in same] for line in lines(tmp_path / "run")
    ]


def test_held_out_text_of_less_than_one_sequence_gives_no_loss(training_set: Path, tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([{"id": "短", "text": "源头。"}]), tmp_path / "held.parquet")
    done = run(tmp_path / "run", training_set, tmp_path / "held.parquet")
    assert done["validation_loss"] is None
    assert any("held-out text" in warning for warning in done["warnings"])
