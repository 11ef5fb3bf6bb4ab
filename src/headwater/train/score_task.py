"""The end of a fine-tuning: the test split, read once, by the setting that was chosen.

Jobs of the engine. Both write `predictions.jsonl` into their folder and return scores with intervals.
"""

from pathlib import Path
from typing import Any

from headwater.tasks.baseline import bag_of_words
from headwater.tasks.items import Classified
from headwater.tasks.metrics import scored
from headwater.tasks.task import read_about, read_split
from headwater.train import task_folder
from headwater.train.precision import prepare_cpu
from headwater.train.predict import predict


def score_test(folder: Path, *, model: str, task: str) -> dict[str, Any]:
    """A task model on the test split."""
    prepare_cpu(1)
    kind = read_about(Path(task))["kind"]
    network, coder, labels = task_folder.load(Path(model))
    items = read_split(Path(task), "test")
    predictions = predict(network, coder, items, labels)
    folder.mkdir(parents=True, exist_ok=True)
    task_folder.write_predictions(folder / "predictions.jsonl", items, predictions)
    return {name: score.as_json() for name, score in scored(kind, items, predictions).items()}


def score_baseline(folder: Path, *, task: str) -> dict[str, Any]:
    """The bag of words, trained on the same items, on the test split."""
    splits = {split: [i for i in read_split(Path(task), split) if isinstance(i, Classified)]
              for split in ("train", "validation", "test")}  # fmt: skip
    predictions, about = bag_of_words(splits["train"], splits["validation"], splits["test"])
    folder.mkdir(parents=True, exist_ok=True)
    task_folder.write_predictions(folder / "predictions.jsonl", splits["test"], predictions)
    scores = scored("classification", splits["test"], predictions)
    return {**about, "test": {name: score.as_json() for name, score in scores.items()}}
