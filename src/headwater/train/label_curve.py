"""What pre-training is worth at so many labels: the same draws of items, with pre-trained and with new weights.

A job of the engine: one task, one number of labels. Draw n takes its items, its order and its head by seed n in both
arms, so that they differ in the body's weights alone; the bag of words learns from the same items. Settings are the
defaults in both arms; nothing is chosen on test. At most 1,000 test items are scored, the first by a hash of their
text.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xxhash

from headwater.engine.progress import report
from headwater.engine.workspace import read_json, write_json
from headwater.tasks.baseline import bag_of_words
from headwater.tasks.items import Classified, Item
from headwater.tasks.task import normal, read_about, read_split
from headwater.train import task_folder
from headwater.train.finetune import draw, finetune
from headwater.train.predict import predict

ARMS = ("pre-trained", "from scratch", "bag of words")
MOST_TESTED = 1000


def label_curve(
    folder: Path, *, run: str, task: str, labels: int, draws: int, settings: dict[str, Any]
) -> dict[str, Any]:
    """{"items": tested, "labels", "right": {arm: [a string of 0 and 1 a draw, a sign an item]}}."""
    folder.mkdir(parents=True, exist_ok=True)
    train, valid = read_split(Path(task), "train"), read_split(Path(task), "validation")
    test = tested(read_split(Path(task), "test"))
    names = tuple(read_about(Path(task))["labels"])
    right: dict[str, list[str]] = {arm: [] for arm in ARMS}
    for number in range(draws):
        for place, arm in enumerate(ARMS):
            kept = folder / f"{place}-{number}.json"
            if (known := read_json(kept)) is None:
                if arm == "bag of words":
                    some = [draw(train, labels, number), draw(valid, max(16, labels // 5), number), test]
                    said, _ = bag_of_words(*([i for i in part if isinstance(i, Classified)] for part in some))
                else:
                    place_of_run = folder / "training"
                    shutil.rmtree(place_of_run, ignore_errors=True)
                    scratch = arm == "from scratch"
                    finetune(
                        place_of_run, run=run, task=task, settings=settings, seed=number, from_scratch=scratch, labels=labels
                    )  # fmt: skip
                    model, coder, _ = task_folder.load(place_of_run / "model")
                    said = predict(model, coder, test, names)
                known = "".join(
                    str(int(i.target == one["answer"])) for i, one in zip(test, said, strict=True)
                )
                write_json(kept, known)
            right[arm].append(known)
        report(number + 1, draws)
    shutil.rmtree(folder / "training", ignore_errors=True)
    return {"items": len(test), "labels": min(labels, len(train)), "right": right}


def tested(items: Sequence[Item]) -> list[Item]:
    chosen = sorted(items, key=lambda item: xxhash.xxh3_64_intdigest(normal("".join(item.texts)).encode()))
    return chosen[:MOST_TESTED]
