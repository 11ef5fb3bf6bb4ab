"""Accuracy at so many labels: the same draws of items for every arm, and a bag of words on the same items.

Jobs of the engine, each of one task and one number of labels. `label_curve` holds a pre-trained model against the same
model with new weights: what pre-training is worth. `transfer` holds pre-trained models of several kinds against each
other, a run of each for every draw. Draw n takes its items, its order and its head by seed n in all arms, so that they
differ in the body's weights alone. Settings are the same in all arms; nothing is chosen on test. At most 1,000 test
items are scored, the first by a hash of their text.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xxhash

from headwater.engine.progress import report
from headwater.engine.workspace import read_json, write_json
from headwater.tasks.baseline import bag_of_words
from headwater.tasks.items import Classified, Item
from headwater.tasks.task import draw, normal, read_about, read_split
from headwater.train import task_folder
from headwater.train.finetune import finetune
from headwater.train.predict import predict

PRETRAINED, SCRATCH, WORDS = "pre-trained", "from scratch", "bag of words"
MOST_TESTED = 1000


@dataclass(frozen=True)
class _Body:
    """What a draw is fine-tuned from."""

    run: str
    from_scratch: bool = False


def label_curve(
    folder: Path, *, run: str, task: str, labels: int, draws: int, settings: dict[str, Any]
) -> dict[str, Any]:
    """{"items": tested, "labels", "right": {arm: [a string of 0 and 1 a draw, a sign an item]}}."""
    arms: dict[str, list[_Body | None]]
    arms = {PRETRAINED: [_Body(run)] * draws, SCRATCH: [_Body(run, True)] * draws, WORDS: [None] * draws}
    return _measured(folder, arms, task=Path(task), labels=labels, settings=settings)


def transfer(
    folder: Path, *, runs: dict[str, list[str]], task: str, labels: int, settings: dict[str, Any]
) -> dict[str, Any]:
    """As `label_curve`, of the arms that `runs` names and the bag of words: draw n goes on from run n of its arm."""
    arms: dict[str, list[_Body | None]] = {arm: [_Body(run) for run in found] for arm, found in runs.items()}
    arms[WORDS] = [None] * max(map(len, runs.values()))
    return _measured(folder, arms, task=Path(task), labels=labels, settings=settings)


def _measured(
    folder: Path, arms: Mapping[str, Sequence[_Body | None]], *, task: Path, labels: int, settings: dict[str, Any]
) -> dict[str, Any]:  # fmt: skip
    """`arms`: the body of each draw; None is the bag of words."""
    folder.mkdir(parents=True, exist_ok=True)
    train, valid = read_split(task, "train"), read_split(task, "validation")
    test = tested(read_split(task, "test"))
    names = tuple(read_about(task)["labels"])
    right: dict[str, list[str]] = {arm: [] for arm in arms}
    draws = max(map(len, arms.values()))
    for number in range(draws):
        for place, (arm, bodies) in enumerate(arms.items()):
            kept, body = folder / f"{place}-{number}.json", bodies[number]
            if (known := read_json(kept)) is None:
                if body is None:
                    some = [draw(train, labels, number), draw(valid, max(16, labels // 5), number), test]
                    said, _ = bag_of_words(*([i for i in part if isinstance(i, Classified)] for part in some))
                else:
                    training = folder / "training"
                    shutil.rmtree(training, ignore_errors=True)
                    finetune(
                        training, run=body.run, task=str(task), settings=settings, seed=number,
                        from_scratch=body.from_scratch, labels=labels,
                    )  # fmt: skip
                    model, coder, _ = task_folder.load(training / "model")
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
