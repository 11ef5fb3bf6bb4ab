"""Fine-tuning: every head that a family has learns, padding changes nothing, a killed run ends as another one does."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from task_models import of_kind, small_model, small_task

from headwater.engine.workspace import file_hash, read_json
from headwater.errors import HeadwaterError, RecipeError
from headwater.model.lora import add_lora, merge_lora
from headwater.model.task_inputs import Coder
from headwater.model.task_model import TaskModel, collate
from headwater.tasks.items import Asked, Written
from headwater.tasks.metrics import decisive
from headwater.tasks.task import read_split
from headwater.train import finetune as finetune_file
from headwater.train import task_folder
from headwater.train.finetune import batches, draw, finetune, grouped
from headwater.train.predict import predict
from headwater.train.score_task import score_baseline, score_test
from headwater.train.search import search

FAST = {"epochs": 6, "batch": 8, "learning_rate": 0.01, "precision": "fp32"}
HEADS = [
    *(("classification", family) for family in ("bert", "gpt", "xlnet", "t5")),
    ("tagging", "xlnet"), ("reading", "bert"), ("choice", "gpt"), ("generation", "t5"),
    *(pytest.param(*head, marks=pytest.mark.slow) for head in (
        ("tagging", "t5"), ("reading", "t5"), ("reading", "xlnet"), ("choice", "xlnet"), ("generation", "gpt"),
        ("generation", "xlnet"),
    )),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "family"), HEADS)
def test_each_head_learns_what_can_be_learnt(tmp_path: Path, kind: str, family: str) -> None:
    model, task = small_model(tmp_path, family), small_task(tmp_path, kind)
    # the modern preset starts as the identity: the last token has seen nothing yet
    rate = 0.03 if kind in ("generation", "reading") else 0.01
    settings = {**FAST, "learning_rate": rate, "epochs": 12 if family == "gpt" else 6}
    made = finetune(tmp_path / "run", run=str(model), task=str(task), settings=settings, seed=1)
    lines = (tmp_path / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == settings["epochs"]
    scores = score_test(tmp_path / "test", model=str(tmp_path / "run" / "model"), task=str(task))
    value = scores[decisive(kind)]["value"]
    if kind in ("classification", "choice", "tagging"):
        assert value == 1.0
    else:  # what was said before training
        network, coder, labels = task_folder.load(tmp_path / "run" / "model")
        items = read_split(task, "test")
        untrained = TaskModel(type(network.body)(network.body.config), kind, {"reading": 2}.get(kind, 0))
        before = [said["answer"] for said in predict(untrained, coder, items, labels)]
        after = [said["answer"] for said in predict(network, coder, items, labels)]
        assert before != after and value > 0.3
    assert made["best_epoch"] <= settings["epochs"]


@pytest.mark.parametrize("family", ["bert", "gpt", "xlnet", "t5"])
def test_padding_changes_nothing(tmp_path: Path, family: str) -> None:
    """Of XLNet it is on the left, so that <cls> stays last: the others' on the right."""
    folder = small_model(tmp_path, family)
    task_folder_coder = Coder(_tokenizer(folder), family, 32)
    items = [*of_kind("classification", 2), *of_kind("classification", 1, 100000)]
    rows = task_folder_coder.rows(items, ("坏", "好"))
    assert len({len(row.tokens) for row in rows}) > 1
    torch.manual_seed(0)
    model = TaskModel(_load(folder), "classification", 2).double()
    pad = task_folder_coder.special.pad or 0
    together = collate("classification", family, rows, pad, pad)
    alone = torch.cat([model(collate("classification", family, [row], pad, pad)) for row in rows])
    assert torch.allclose(model(together), alone, atol=1e-9)
    if family == "xlnet":
        assert (together["read"] == together["tokens"].size(1) - 1).all()


def _tokenizer(folder: Path) -> Any:
    from headwater.model.tokenizer import Tokenizer

    return Tokenizer.load(folder / "tokenizer.json")


def _load(folder: Path) -> Any:
    from headwater.model import huggingface

    return huggingface.load(folder)


def test_windows_of_a_long_passage_hold_every_token_and_find_the_answer(tmp_path: Path) -> None:
    coder = Coder(_tokenizer(small_model(tmp_path, "bert")), "bert", 32)
    item = of_kind("reading", 1, 1)[0]
    rows = coder.rows([item])
    assert len(rows) > 2
    covered = {place for row in rows for place in range(*_ends(row.spans))}
    assert covered == set(range(len(item.texts[0])))
    told = [row for row in rows if row.target is not None and row.target[0] != row.read]
    assert told
    for row in told:
        first, last = (int(np.flatnonzero(row.places == place)[0]) for place in row.target)
        # tokens may end behind the answer
        assert item.texts[0][row.spans[first][0] : row.spans[last][1]].startswith("王小明")


@pytest.mark.parametrize(("family", "mark"), [("bert", "begin"), ("xlnet", "begin"), ("t5", "end")])
def test_no_answer_is_a_token_of_no_text(tmp_path: Path, family: str, mark: str) -> None:
    """Where the question or the passage has a token of its own, it can be told from "no answer"."""
    coder = Coder(_tokenizer(small_model(tmp_path, family)), family, 32)
    item = Asked("1", "王小明说，第7间房很好。" * 4, "谁说的？", ())
    for row in coder.rows([item]):
        assert row.tokens[row.read] == getattr(coder.special, mark)
        assert row.read not in row.places and row.target.tolist() == [row.read, row.read]
        if family == "t5":
            assert coder.tokenizer.decode(row.tokens[: row.read].tolist()) == "谁说的？"


def _ends(spans: Any) -> tuple[int, int]:
    return int(spans[0][0]), int(spans[-1][1])


def test_loss_of_generation_is_on_what_is_written_alone(tmp_path: Path) -> None:
    """Other words in the source change the loss only through what is read, never as targets."""
    for family in ("gpt", "xlnet", "t5"):
        coder = Coder(_tokenizer(small_model(tmp_path, family)), family, 32)
        rows = coder.rows(of_kind("generation", 3))
        batch = collate("generation", family, rows, coder.special.pad or 0, coder.special.pad or 0)
        targets = [token for row in rows for token in row.target]
        assert batch["targets"].tolist() == targets
        written = coder.tokenizer.decode([token for token in rows[0].target if token != coder.stop])
        assert written == "太差。"


@pytest.mark.parametrize("sources", [("又长又好看",) * 2, ("好", "又长又难看")])
@pytest.mark.parametrize("targets", [("好。", "坏。"), ("好。", "真不好看。")])
@pytest.mark.parametrize("family", ["gpt", "xlnet", "t5"])
def test_the_loss_of_written_texts_is_that_of_each_alone(
    tmp_path: Path, family: str, sources: tuple[str, str], targets: tuple[str, str]
) -> None:
    """Of equal and unequal lengths on either side: what pads one hides nothing of the other."""
    folder = small_model(tmp_path, family)
    coder = Coder(_tokenizer(folder), family, 32)
    rows = coder.rows([Written(str(n), sources[n], (targets[n],)) for n in range(2)])
    torch.manual_seed(0)
    model, pad = TaskModel(_load(folder), "generation", 0).double(), coder.special.pad or 0
    lengths = [len(row.target) for row in rows]
    alone = [model.loss(collate("generation", family, [row], pad, pad)).item() for row in rows]
    together = model.loss(collate("generation", family, rows, pad, pad)).item()
    assert together == pytest.approx(np.average(alone, weights=lengths), abs=1e-9)


def test_lora_trains_few_parameters_and_merges_into_the_same_model(tmp_path: Path) -> None:
    folder = small_model(tmp_path, "bert")
    model = _load(folder)
    tokens = torch.arange(12)[None]
    before = model(tokens)
    assert add_lora(model, 2, seed=3) == 4
    assert torch.allclose(model(tokens), before)  # B is zero
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(".b"):
                parameter.normal_()
    changed = model(tokens)
    assert not torch.allclose(changed, before)
    merge_lora(model)
    assert torch.allclose(model(tokens), changed, atol=1e-6)
    assert set(model.state_dict()) == set(_load(folder).state_dict())
    settings = {**FAST, "lora": 8, "epochs": 12}
    gpt = str(small_model(tmp_path, "gpt"))
    made = finetune(tmp_path / "run", run=gpt, task=str(small_task(tmp_path)), seed=1, settings=settings)
    assert made["parameters_trained"] < made["parameters"] / 2
    assert made["validation"]["accuracy"] == 1.0


def test_a_killed_training_ends_with_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, task = small_model(tmp_path, "bert"), small_task(tmp_path)
    asked = {"run": str(model), "task": str(task), "seed": 2, "settings": {**FAST, "epochs": 4}}
    finetune(tmp_path / "whole", **asked)
    monkeypatch.setattr(finetune_file, "CHECKPOINT_SECONDS", 0.0)

    def stop(epoch: int, score: float) -> None:
        if epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        finetune(tmp_path / "killed", **asked, watch=stop)
    assert not (tmp_path / "killed" / "model").exists(), "nothing half-written"
    finetune(tmp_path / "killed", **asked)
    for name in ("model/model.safetensors", "model/task.safetensors", "predictions.jsonl", "metrics.jsonl"):
        assert file_hash(tmp_path / "killed" / name) == file_hash(tmp_path / "whole" / name), name


def test_a_search_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    model, task = small_model(tmp_path, "gpt"), small_task(tmp_path, train_items=24)
    asked: dict[str, Any] = {
        "run": str(model),
        "task": str(task),
        "seed": 1,
        "settings": {"epochs": 2, "precision": "fp32"},
    }
    whole = search(tmp_path / "whole", **asked, trials=4)
    search(tmp_path / "parts", **asked, trials=2)
    # as a kill leaves it: a lock, half a line, and a trial that was told of before its model was kept
    (tmp_path / "parts" / "study.journal.lock").touch()
    with (tmp_path / "parts" / "study.journal").open("ab") as journal:
        journal.write(b'{"op_code": 4, "wor')
    shutil.rmtree(tmp_path / "parts" / "best")
    parts = search(tmp_path / "parts", **asked, trials=4)
    assert [row["settings"] for row in whole["trials"]] == [row["settings"] for row in parts["trials"]]
    assert whole == parts
    for name in ("model/model.safetensors", "predictions.jsonl"):
        assert file_hash(tmp_path / "whole" / "best" / name) == file_hash(tmp_path / "parts" / "best" / name)
    assert whole["settings"]["epochs"] == 2, "what is given is not searched"
    best = max(row["validation"] for row in whole["trials"] if row["validation"] is not None)
    assert whole["validation"]["accuracy"] == best
    assert read_json(tmp_path / "whole" / "best" / "done.json")["settings"] == whole["settings"]


def test_a_trial_that_diverges_is_pruned_and_none_that_ends_is_said(tmp_path: Path) -> None:
    model, task = small_model(tmp_path, "bert"), small_task(tmp_path, train_items=24)
    settings = {"epochs": 2, "precision": "fp32", "learning_rate": 1e18}
    with pytest.raises(HeadwaterError, match="lower the learning rate"):
        finetune(tmp_path / "run", run=str(model), task=str(task), settings=settings, seed=0)
    with pytest.raises(HeadwaterError, match="none of 2 trials"):
        search(tmp_path / "search", run=str(model), task=str(task), settings=settings, trials=2, seed=0)


def test_labels_are_drawn_evenly_and_batches_depend_on_seed_and_epoch_alone(tmp_path: Path) -> None:
    items = of_kind("classification", 40)
    some = draw(items, 10, seed=3)
    assert [item.target for item in some].count("好") == 5
    assert some == draw(items, 10, seed=3) != draw(items, 10, seed=4)
    coder = Coder(_tokenizer(small_model(tmp_path, "bert")), "bert", 32)
    rows = grouped(coder.rows(items, ("坏", "好")), "classification")
    epoch = [b["tokens"].tolist() for b in batches(rows, "classification", coder, 8, seed=1, epoch=0)]
    assert epoch == [b["tokens"].tolist() for b in batches(rows, "classification", coder, 8, seed=1, epoch=0)]
    assert epoch != [b["tokens"].tolist() for b in batches(rows, "classification", coder, 8, seed=1, epoch=1)]
    assert sum(map(len, epoch)) == 40


def test_the_wrong_head_for_a_family_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    for kind, family, word in (
        ("reading", "gpt", "bert"),
        ("tagging", "gpt", "bert"),
        ("generation", "bert", "gpt"),
    ):
        task = small_task(tmp_path, kind)
        with pytest.raises(RecipeError, match=word):
            finetune(
                tmp_path / "run", run=str(small_model(tmp_path, family)), task=str(task), settings={}, seed=0
            )
        assert not (tmp_path / "run").exists()
        shutil.rmtree(tmp_path / f"{family}-model")


def test_the_bag_of_words_is_scored_on_the_same_items(tmp_path: Path) -> None:
    found = score_baseline(tmp_path / "words", task=str(small_task(tmp_path)))
    assert found["test"]["accuracy"]["value"] == 1.0
    assert len((tmp_path / "words" / "predictions.jsonl").read_text(encoding="utf-8").splitlines()) == 16
