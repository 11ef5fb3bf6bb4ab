"""Fine-tuning: one visible loop from a model and a task's training items to a task model.

    finetunings/<key>/config.json       what was asked for
                      metrics.jsonl     a line an epoch: loss of training, scores of validation
                      checkpoints/      the last two, whole or not there at all
                      model/            weights, tokeniser, task.json: head, labels, kind
                      predictions.jsonl of validation, by the model that was kept

The test split is not read here. Validation is scored after every epoch, and the weights of the best epoch are kept
(of equals the first). Batches are a function of (seed, epoch), so that a run that was killed goes on and ends with the
same bytes, on a CPU, as one that was not.

Rows of about the same length share a batch (the order is drawn; every 50 batches of it are sorted by length, cut and
drawn again), so that hardly anything is padding.
"""

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from headwater.engine.progress import report
from headwater.engine.workspace import commit_folder, content_key, read_json, write_json
from headwater.errors import HeadwaterError
from headwater.model import huggingface
from headwater.model.converse import model_folder
from headwater.model.lora import add_lora, merge_lora
from headwater.model.task_inputs import Coder, Row, refuse_kind
from headwater.model.task_model import Batch, TaskModel
from headwater.model.tokenizer import Tokenizer
from headwater.model.transformer import Transformer
from headwater.tasks.metrics import decisive, scores_of
from headwater.tasks.task import draw, read_about, read_split
from headwater.train import task_folder
from headwater.train.checkpoint import load_newest, save
from headwater.train.precision import choose_device, choose_precision, prepare_cpu
from headwater.train.predict import collate_rows, predict
from headwater.train.task_optimizer import TaskOptimizer

VERSION = 2
SORTED_BATCHES = 50  # batches of rows that are sorted by length together
CHECKPOINT_SECONDS = (
    30.0  # between checkpoints, which are of whole epochs; what comes out does not depend on it
)
OUTPUTS = {"choice": 1, "reading": 2, "generation": 0}
STEPS = 600  # that a small data set is trained for
HEAD_RATE = 30.0  # of a gpt's classifier, in rates of the body: with few labels it must be found before the body drifts
DEFAULTS: dict[str, Any] = {
    "learning_rate": None, "epochs": None, "batch": None, "weight_decay": 0.01, "warmup": 0.1, "lora": 0,
    "precision": "auto",
}  # fmt: skip


class Pruned(Exception):
    """A search has seen enough of this training."""


class Diverged(HeadwaterError):
    """The loss is no number."""


@dataclass(frozen=True)
class Settings:
    """What a search varies, and the rest of it."""

    learning_rate: float
    epochs: int
    batch: int
    weight_decay: float = 0.01
    warmup: float = 0.1  # share of the steps, linear; then linearly to 0
    lora: int = 0  # rank; 0: the whole model is updated
    precision: str = "auto"


def settings_of(given: dict[str, Any], kind: str, width: int, items: int) -> Settings:
    """Settings with what is not said filled in. The rate is 5e-4 at a width of 128 and falls as 1/width; few items come
    in smaller batches and are seen more often, until there are about 600 steps (Mosbach 2021), or 40 epochs."""
    values = DEFAULTS | {name: value for name, value in given.items() if value is not None}
    if values["learning_rate"] is None:
        values["learning_rate"] = 5e-4 * 128 / width * (4 if values["lora"] else 1)
    if values["batch"] is None:
        values["batch"] = 32 if items > 1000 else 16 if items > 100 else 8
    if values["epochs"] is None:
        values["epochs"] = min(40, max(3, round(STEPS * values["batch"] / items)))
    return Settings(**values)


def finetune(
    folder: Path | str,
    *,
    run: str,
    task: str,
    settings: dict[str, Any],
    seed: int,
    from_scratch: bool = False,
    labels: int | None = None,
    device: str = "auto",
    threads: int = 1,
    watch: Callable[[int, float], None] | None = None,
) -> dict[str, Any]:
    """Trains one task model into `folder`; what `done.json` then holds.

    run: a run or a model's folder; task: a folder that `tasks.task.keep` made. `from_scratch`: the same model with new
    weights. `labels`: draws so many training items by the seed, equally many of each class as far as they go; the
    validation split is then as small (a fifth, at least 16), since who has 64 labels has no thousand to choose with.
    `watch`: called after each epoch with the score of validation; may raise Pruned. Raises HeadwaterError where the
    loss is no number, RecipeError where the family has no head for the task.
    """
    folder, source = Path(folder), model_folder(Path(run))
    prepare_cpu(threads)
    place = choose_device(device)
    about = read_about(Path(task))
    kind, names = about["kind"], tuple(about["labels"])
    body = huggingface.load(source)
    refuse_kind(kind, body.config.family)
    if from_scratch:
        body = Transformer(body.config, seed=seed)
    items, valid = read_split(Path(task), "train"), read_split(Path(task), "validation")
    if labels is not None:
        items, valid = draw(items, labels, seed), draw(valid, max(16, labels // 5), seed)
    chosen = settings_of(settings, kind, body.config.width, len(items))
    wanted = {
        "format": VERSION, "model": content_key(read_json(source / "config.json")), "task": about["key"],
        "settings": vars(chosen), "seed": seed, "from_scratch": from_scratch, "labels": labels, "device": place.type,
    }  # fmt: skip
    if (done := read_json(folder / "done.json")) is not None and read_json(folder / "config.json") == wanted:
        finished: dict[str, Any] = done
        return finished
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", wanted)

    # ---- what the loop needs
    coder = Coder(Tokenizer.load(source / "tokenizer.json"), body.config.family, body.config.context)
    model = TaskModel(body, kind, OUTPUTS.get(kind, len(names)), seed=seed)
    if chosen.lora:
        add_lora(model.body, chosen.lora, seed=seed)
    # what LoRA adds to a weight is smaller than what bf16 rounds off it
    precision = choose_precision(
        "fp32" if chosen.lora and chosen.precision == "auto" else chosen.precision, place
    )
    model.to(place)
    head = HEAD_RATE if model.with_mean and not chosen.lora else 1.0
    optimizer = TaskOptimizer(model, chosen.learning_rate, chosen.weight_decay, head=head)
    model.to(precision)  # the optimiser has taken its fp32 masters
    rows = grouped(coder.rows(items, names, every=True), kind)
    steps = chosen.epochs * math.ceil(len(rows) / chosen.batch)
    state: dict[str, Any] = {"epoch": 0, "best": None, "lines": [], "seconds": 0.0}
    best: dict[str, Tensor] = {}
    saved = load_newest(folder / "checkpoints")
    if saved is not None:
        state = saved.state
        optimizer.load({name: t for name, t in saved.tensors.items() if not name.startswith("best.")})
        best = {
            name.removeprefix("best."): t for name, t in saved.tensors.items() if name.startswith("best.")
        }
    step = state["epoch"] * math.ceil(len(rows) / chosen.batch)
    saved_at = time.monotonic()
    started = saved_at - state["seconds"]

    # ---- the loop
    for epoch in range(state["epoch"], chosen.epochs):
        model.train()
        total, seen = 0.0, 0
        for batch in batches(rows, kind, coder, chosen.batch, seed, epoch):
            loss = model.loss({name: tensor.to(place) for name, tensor in batch.items()})
            loss.backward()  # type: ignore[no-untyped-call]
            nats = loss.item()
            if not math.isfinite(nats):
                raise Diverged(
                    f"{folder}: the loss is {nats} in epoch {epoch + 1}; lower the learning rate (it is "
                    f"{chosen.learning_rate:g}), or set the precision to fp32"
                )
            optimizer.step(_multiplier(step, steps, chosen.warmup))
            step, total, seen = step + 1, total + nats, seen + 1
            report(step, steps, f"loss {nats:.2f}")
        scores = scores_of(kind, valid, predict(model, coder, valid, names, quick=True))
        score = scores[decisive(kind, quick=True)]
        line = {"epoch": epoch + 1, "loss": total / seen, "validation": scores}
        state["lines"].append(line)
        if state["best"] is None or score > state["best"]["score"]:
            state["best"] = {"epoch": epoch + 1, "score": score}
            best = {name: t.detach().cpu().clone() for name, t in optimizer.masters.items()}
        state["epoch"], state["seconds"] = epoch + 1, time.monotonic() - started
        if watch is not None:
            watch(epoch + 1, score)
        if epoch + 1 < chosen.epochs and time.monotonic() - saved_at > CHECKPOINT_SECONDS:
            saved_at = time.monotonic()
            tensors = optimizer.tensors() | {f"best.{name}": tensor for name, tensor in best.items()}
            save(folder / "checkpoints", epoch + 1, tensors, state)

    # ---- the best epoch's model, in fp32
    model.to(torch.float32)
    optimizer.put(best)
    if chosen.lora:
        merge_lora(model.body)
    task_folder.save(model, folder / ".model.tmp", source=source, about=about)
    commit_folder(folder / ".model.tmp", folder / "model")
    said = predict(model, coder, valid, names)
    task_folder.write_predictions(folder / "predictions.jsonl", valid, said)
    lines = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in state["lines"])
    (folder / "metrics.jsonl").write_text(lines, encoding="utf-8")
    result = {
        "format": VERSION, "items": len(items), "rows": sum(map(len, rows)), "validation_items": len(valid),
        "steps": steps, "settings": vars(chosen), "seed": seed, "from_scratch": from_scratch, "labels": labels,
        "best_epoch": state["best"]["epoch"], "validation": scores_of(kind, valid, said),
        "parameters_trained": sum(t.numel() for t in optimizer.masters.values()),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "cut": coder.cut([row for group in rows for row in group]) if kind in ("classification", "choice", "generation") else 0,
        "precision": str(precision).removeprefix("torch."), "device": place.type,
        "seconds": round(time.monotonic() - started, 3),
    }  # fmt: skip
    write_json(folder / "done.json", result)
    return result


def grouped(rows: Sequence[Row], kind: str) -> list[list[Row]]:
    """What goes into a batch as one: the rows of an item of choice, else each row alone."""
    if kind != "choice":
        return [[row] for row in rows]
    groups: dict[int, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.item, []).append(row)
    return list(groups.values())


def batches(
    rows: Sequence[list[Row]], kind: str, coder: Coder, size: int, seed: int, epoch: int
) -> Iterator[Batch]:
    random = np.random.Generator(np.random.Philox(key=[seed, epoch]))
    order = random.permutation(len(rows))
    lengths = np.array([max(len(row.tokens) for row in group) for group in rows])
    made: list[np.ndarray] = []
    for start in range(0, len(order), size * SORTED_BATCHES):
        part = order[start : start + size * SORTED_BATCHES]
        part = part[np.argsort(lengths[part], kind="stable")]
        made += [part[place : place + size] for place in range(0, len(part), size)]
    for number in random.permutation(len(made)):
        some = [row for place in made[number] for row in rows[place]]
        yield collate_rows(coder, kind, some)


def _multiplier(step: int, steps: int, warmup: float) -> float:
    """Of the peak rate: up to it, then linearly down to a last step above 0."""
    warm = max(1, round(warmup * steps))
    return min((step + 1) / warm, (steps - step) / max(1, steps - warm + 1))
