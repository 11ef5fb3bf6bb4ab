"""Hugging Face's Trainer on rows of tokens: {"model", "train", "test", "labels", settings…} -> CPU seconds and answers."""

import json
import sys
import tempfile
import time
from pathlib import Path

import torch
from transformers import (
    AutoModelForSequenceClassification,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
)


class Rows(torch.utils.data.Dataset):
    def __init__(self, rows: list[dict]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: int) -> dict:
        return self.rows[place]


def main() -> None:
    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    torch.set_num_threads(1)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(asked["model"])
    model = AutoModelForSequenceClassification.from_pretrained(asked["model"], num_labels=asked["labels"])
    with tempfile.TemporaryDirectory() as out:
        trainer = Trainer(
            model=model,
            args=TrainingArguments(
                output_dir=out, num_train_epochs=asked["epochs"], per_device_train_batch_size=asked["batch"],
                learning_rate=asked["learning_rate"], weight_decay=asked["weight_decay"],
                warmup_steps=asked["warmup_steps"], lr_scheduler_type="linear", seed=asked["seed"], save_strategy="no",
                report_to=[], disable_tqdm=True, use_cpu=True, logging_strategy="no",
                train_sampling_strategy="group_by_length" if asked["grouped"] else "random", bf16=asked["bf16"],
                per_device_eval_batch_size=64,
            ),
            train_dataset=Rows(asked["train"]), processing_class=tokenizer,
        )  # fmt: skip
        started = time.process_time()
        trainer.train()
        seconds = time.process_time() - started
        logits = trainer.predict(Rows(asked["test"])).predictions
    answer = {"seconds": seconds, "answers": logits.argmax(-1).tolist(), "steps": trainer.state.global_step}
    Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
