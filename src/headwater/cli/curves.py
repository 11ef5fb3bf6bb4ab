"""`headwater curves RUN`: a training's curve, for other tools."""

import time
from pathlib import Path

import click

from headwater import api


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--tensorboard", type=click.Path(path_type=Path), required=True, metavar="FOLDER", help="Write event files there.")  # fmt: skip
@click.option("--follow", is_flag=True, help="Again whenever the training has gone on; Ctrl-C ends.")
def curves(run: Path, tensorboard: Path, follow: bool) -> None:
    """A run's curves for TensorBoard, or Weights & Biases.

    Neither needs to be installed here.

    \b
    headwater curves workspace/runs/RUN --tensorboard curves
    tensorboard --logdir curves        # or: wandb sync curves
    """
    click.echo(str(api.curves(run, tensorboard)))
    metrics, seen = run / "metrics.jsonl", 0.0
    while follow:
        if (changed := metrics.stat().st_mtime) != seen:
            api.curves(run, tensorboard)
            seen = changed
        time.sleep(5)
