"""A run's metrics as curves for other tools: one reading of `metrics.jsonl`, a few writers of it.

    tensorboard   event files, written by hand (`tensorboard.py`)
    wandb         an offline run of Weights & Biases, by its own package where that is installed; `wandb sync` sends it

Nothing here speaks to a server.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from headwater.engine.workspace import read_json
from headwater.errors import HeadwaterError

TAGS = {  # of metrics.jsonl: what the tools call it
    "loss": "loss/nats_per_token", "bits": "loss/bits_per_token", "lr": "train/learning_rate",
    "tokens_per_second": "train/tokens_per_second", "epoch": "train/epoch", "tokens": "train/tokens",
    "mfu": "train/mfu", "validation_loss": "held-out/nats_per_token", "validation_bits": "held-out/bits_per_token",
}  # fmt: skip


@dataclass(frozen=True)
class Point:
    step: int
    seconds: float  # since the training began
    values: dict[str, float]  # by tag


def points(run: Path) -> Iterator[Point]:
    """The lines of run/metrics.jsonl, as they are asked for.

    Raises HeadwaterError where there are no metrics, or a line is none (a last line that is cut is left out: the
    training may be writing it).
    """
    path = run / "metrics.jsonl"
    try:
        raw = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise HeadwaterError(
            f"{run}/metrics.jsonl: no metrics to show ({getattr(error, 'strerror', None) or error}); name a run's folder, as "
            "`headwater train` prints it"
        ) from error
    for number, text in enumerate(raw[:-1], 1):
        try:
            line = json.loads(text)
            values = {tag: float(line[name]) for name, tag in TAGS.items() if line.get(name) is not None}
            yield Point(int(line["step"]), float(line.get("seconds", 0.0)), values)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise HeadwaterError(f"{path}:{number}: not a line of metrics ({error})") from error


def write_wandb(run: Path, folder: Path, *, project: str = "headwater") -> Path:
    """The run's curves as an offline run of Weights & Biases below `folder`; the folder that `wandb sync` takes.

    Raises HeadwaterError where `wandb` is not installed.
    """
    found = list(points(run))  # what is wrong with them is said before anything is written
    if find_spec("wandb") is None:
        raise HeadwaterError(
            "Weights & Biases is not installed: `pip install wandb`, or write event files with --tensorboard and "
            "`wandb sync` those"
        )
    wandb: Any = import_module("wandb")
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        name: value
        for name, value in (read_json(run / "config.json") or {}).items()
        if name != "training_set"
    }
    made = wandb.init(
        project=project,
        name=run.resolve().name,
        dir=str(folder),
        config=settings,
        mode="offline",
    )
    place = Path(made.dir).parent
    for point in found:
        made.log({**point.values, "seconds": point.seconds}, step=point.step)
    made.finish()
    return place
