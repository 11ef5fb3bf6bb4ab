"""Fine-tuning a classifier: ours against Hugging Face's Trainer, on one exported checkpoint, with the same rows, batch and
number of steps; one thread.

    ./run bench finetuning [--model RUN or folder] [--task PLACE] [--items 2000] [--epochs 3] [--batch 32] [--seeds 3]

Ours is all of `finetune`: loading, encoding, steps, scoring a small validation split after each epoch, writing the
model. Of the Trainer it is `train()` alone, on rows that are encoded already, and not validated: with its rows drawn,
grouped by length as ours are, and in bf16 where ours is. Examples per CPU second, by turns; accuracies on the same
test items. Without --model an untrained bert-nano with a tokeniser of the task's texts.
"""

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from peers import ask, data_folder, environment

from headwater.model import huggingface
from headwater.model.converse import model_folder
from headwater.model.presets import resolve
from headwater.model.special_tokens import with_special_tokens
from headwater.model.task_inputs import Coder, Row
from headwater.model.tokenizer import Tokenizer, train
from headwater.model.transformer import Transformer
from headwater.tasks.items import Classified, Item
from headwater.tasks.task import Task, keep, read_task
from headwater.train import task_folder
from headwater.train.finetune import finetune
from headwater.train.predict import predict

PACKAGES = ["torch==2.13.0", "numpy", "transformers>=5.0", "safetensors", "accelerate"]
PEERS = {
    "plain": ("Trainer", False, False),
    "grouped": ("Trainer, grouped by length", True, False),
    "bf16": ("Trainer, bf16", False, True),
}
SCRIPT = Path(__file__).parent / "peers" / "finetuning_trainer.py"


def untrained(folder: Path, items: list[Item]) -> Path:
    file = folder / "tokenizer.json"
    file.write_text(
        with_special_tokens(train((text for item in items for text in item.texts), 4096), "bert"),
        encoding="utf-8",
    )
    config = resolve({"family": "bert", "preset": "bert-nano"}, Tokenizer.load(file).vocabulary)
    huggingface.save(Transformer(config), folder / "model", tokenizer=file)
    return folder / "model"


def their_row(row: Row) -> dict[str, object]:
    made: dict[str, object] = {"input_ids": row.tokens.tolist(), "attention_mask": [1] * len(row.tokens)}
    if row.segments is not None:
        made["token_type_ids"] = row.segments.tolist()
    if row.target is not None:
        made["labels"] = int(row.target[0])
    return made


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path)
    parser.add_argument("--task", type=Path, default=data_folder() / "datasets" / "sentiment" / "sst2")
    for name, value in (("items", 2000), ("tested", 1500), ("epochs", 3), ("batch", 32), ("seeds", 3)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--learning-rate", type=float, default=5e-4)
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    asked = parser.parse_args()
    python = environment("training", PACKAGES)
    whole = read_task(asked.task)
    splits = {"train": whole.splits["train"][: asked.items], "validation": whole.splits["validation"][:32],
              "test": whole.splits["test"][: asked.tested]}  # fmt: skip
    task: Task = replace(whole, splits=splits)
    settings = {
        "learning_rate": asked.learning_rate,
        "epochs": asked.epochs,
        "batch": asked.batch,
        "weight_decay": 0.01,
    }
    seen = asked.epochs * len(splits["train"])
    speed: dict[str, list[float]] = {}
    right: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        model = untrained(place, splits["train"]) if asked.model is None else model_folder(asked.model)
        config = huggingface.read_config(model)
        coder = Coder(Tokenizer.load(model / "tokenizer.json"), config.family, config.context)
        train_rows, test_rows = (
            [their_row(row) for row in coder.rows(splits[split], task.labels)] for split in ("train", "test")
        )
        folder = keep(task, place / "tasks")
        true = [task.labels.index(item.label) for item in splits["test"] if isinstance(item, Classified)]
        steps = asked.epochs * -(-len(splits["train"]) // asked.batch)
        question = {"model": str(model), "train": train_rows, "test": test_rows, "labels": len(task.labels),
                    "warmup_steps": round(0.1 * steps), **settings}  # fmt: skip
        few = keep(replace(task, splits={name: some[:32] for name, some in splits.items()}), place / "tasks")
        finetune(
            place / "warm", run=str(model), task=str(few), settings={**settings, "epochs": 1}, seed=0
        )  # imports
        for seed in range(asked.seeds):
            for precision in ("fp32", "auto"):
                run = place / f"run-{seed}-{precision}"
                started = time.process_time()
                made = finetune(
                    run,
                    run=str(model),
                    task=str(folder),
                    settings={**settings, "precision": precision},
                    seed=seed,
                )
                name = f"ours, {made['precision']}"
                speed.setdefault(name, []).append(seen / (time.process_time() - started))
                network, own, labels = task_folder.load(run / "model")
                said = [labels.index(one["answer"]) for one in predict(network, own, splits["test"], labels)]
                right.setdefault(name, []).append(accuracy(said, true))
            for peer in asked.peers:
                name, grouped, bf16 = PEERS[peer]
                answer = ask(python, SCRIPT, {**question, "seed": seed, "grouped": grouped, "bf16": bf16})
                assert answer["steps"] == steps
                speed.setdefault(name, []).append(seen / answer["seconds"])
                right.setdefault(name, []).append(accuracy(answer["answers"], true))
    print(
        f"{task.name}: {len(train_rows):,} items, {asked.epochs} epochs, {steps} steps of {asked.batch}, {asked.seeds} seeds"
    )
    print("| | examples / CPU s | times the Trainer's | accuracy, mean ± SD over seeds |\n|---|---|---|---|")
    for name, values in speed.items():
        ratio = statistics.median(a / b for a, b in zip(values, speed[PEERS[asked.peers[0]][0]], strict=True))
        spread = statistics.stdev(right[name]) if asked.seeds > 1 else 0.0
        print(
            f"| {name} | {statistics.median(values):,.0f} | {ratio:.2f} | "
            f"{100 * statistics.fmean(right[name]):.1f} ± {100 * spread:.1f} |"
        )


def accuracy(said: list[int], true: list[int]) -> float:
    return statistics.fmean(one == other for one, other in zip(said, true, strict=True))


if __name__ == "__main__":
    main()
