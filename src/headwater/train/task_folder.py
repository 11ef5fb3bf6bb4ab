"""A task model as a folder: the body as any model's folder, and beside it `task.safetensors` (head) and `task.json`."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from headwater.engine.workspace import read_json, write_json
from headwater.errors import HeadwaterError
from headwater.model import huggingface
from headwater.model.task_inputs import Coder
from headwater.model.task_model import TaskModel
from headwater.model.tokenizer import Tokenizer
from headwater.tasks.items import Item

FORMAT = 2


def save(model: TaskModel, folder: Path, *, source: Path, about: Mapping[str, Any]) -> None:
    """`source`: the folder whose tokeniser it has; `about`: the task's `task.json`."""
    shutil.rmtree(folder, ignore_errors=True)
    huggingface.save(model.body, folder, tokenizer=source / "tokenizer.json")
    head = {name: t.contiguous() for name, t in model.state_dict().items() if not name.startswith("body.")}
    if head:
        save_file(head, folder / "task.safetensors", metadata={"format": "pt"})
    outputs = 0 if model.classifier is None else model.classifier.out_features
    record = {"format": FORMAT, "kind": model.kind, "labels": list(about["labels"]), "outputs": outputs,
              "task": about["name"]}  # fmt: skip
    write_json(folder / "task.json", record)


def load(folder: Path) -> tuple[TaskModel, Coder, tuple[str, ...]]:
    """The model, what encodes for it, and its labels. Raises HeadwaterError where the folder is no task model's."""
    record = read_json(folder / "task.json")
    if record is not None and record.get("format") != FORMAT:
        raise HeadwaterError(f"{folder}: a task model of another version of Headwater; fine-tune again")
    if record is None:
        raise HeadwaterError(f"{folder}: no task model here; `headwater finetune RUN --task T` makes one")
    body = huggingface.load(folder)
    model = TaskModel(body, record["kind"], record["outputs"])
    if record["outputs"]:
        model.load_state_dict(load_file(folder / "task.safetensors"), strict=False)
    coder = Coder(Tokenizer.load(folder / "tokenizer.json"), body.config.family, body.config.context)
    return model, coder, tuple(record["labels"])


def write_predictions(path: Path, items: Sequence[Item], predictions: Sequence[Mapping[str, Any]]) -> None:
    """A line an item, in order: its id, what was right, what was said."""
    with path.open("w", encoding="utf-8", errors="surrogatepass") as file:
        for item, said in zip(items, predictions, strict=True):
            file.write(json.dumps({"id": item.id, "target": item.target, **said}, ensure_ascii=False) + "\n")
