"""`headwater curves RUN`: a training's curve, for other tools."""

import time
from pathlib import Path

import click

from headwater import api


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--tensorboard", type=click.Path(path_type=Path), metavar="FOLDER", help="Write event files there."
)
@click.option(
    "--wandb", type=click.Path(path_type=Path), metavar="FOLDER", help="Write an offline run there."
)
@click.option("--follow", is_flag=True, help="Event files again as the training goes on.")
def curves(run: Path, tensorboard: Path | None, wandb: Path | None, follow: bool) -> None:
    """A run's curves for TensorBoard, or Weights & Biases.

    Event files need nothing installed here, and W&B reads them too. --wandb needs its package, and no network.

    \b
    headwater curves workspace/runs/RUN --tensorboard curves
    tensorboard --logdir curves        # or: wandb sync curves
    headwater curves workspace/runs/RUN --wandb offline
    wandb sync offline/wandb/offline-run-*
    """
    if tensorboard is None and wandb is None:
        raise click.UsageError("name a folder with --tensorboard or --wandb")
    if follow and tensorboard is None:
        raise click.UsageError("--follow writes event files: name their folder with --tensorboard")
    if wandb is not None:
        click.echo(str(api.curves(run, wandb, tool="wandb")))
    if tensorboard is None:
        return
    click.echo(str(api.curves(run, tensorboard)))
    metrics, seen = run / "metrics.jsonl", 0.0
    while follow:
        if (changed := metrics.stat().st_mtime) != seen:
            api.curves(run, tensorboard)
            seen = changed
        time.sleep(5)
