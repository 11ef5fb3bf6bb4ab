"""`headwater finetune`: from a pre-trained run to a task, and what it can do there."""

from pathlib import Path
from typing import Any

import click

from headwater import api
from headwater.cli.shared import WORKSPACE, print_result, refuse_idle, workers_option

FILE = click.Path(path_type=Path)
KINDS = ("classification", "tagging", "reading", "choice", "generation")  # of tasks/items.py


@click.command()
@click.argument("run", type=FILE)
@click.option(
    "--task",
    required=True,
    metavar="PLACE",
    help="A file, a folder or .zip with train and test files, or hf://….",
)
@click.option("--validation", type=FILE, help="The validation split, where --task does not have it.")
@click.option("--test", type=FILE, help="The test split, where --task does not have it.")
@click.option("--kind", type=click.Choice(KINDS), help="Default: what the columns say.")
@click.option("--columns", metavar="ROLE=NAME,…", help="Columns by role: text=review,label=stars.")
@click.option(
    "--items",
    type=click.IntRange(2),
    metavar="N",
    help="So many items of train, drawn; a fifth of validation.",
)
@click.option(
    "--search", "trials", type=click.IntRange(0), default=0, metavar="N", help="Try N settings on validation."
)
@click.option(
    "--seeds", type=click.IntRange(1), default=1, show_default=True, help="Models of the chosen setting."
)
@click.option("--seed", type=int, default=0, show_default=True, help="The first of them.")
@click.option("--from-scratch", is_flag=True, help="The same model with new weights, to compare.")
@click.option("--labels", metavar="N,N,…", help="Pre-trained against new weights at so many labels.")
@click.option("--draws", type=click.IntRange(2), default=5, show_default=True, help="Of --labels.")
@click.option(
    "--lora", type=click.IntRange(1), metavar="RANK", help="Train added matrices of this rank, not the model."
)
@click.option("--learning-rate", type=click.FloatRange(0, min_open=True))
@click.option("--epochs", type=click.IntRange(1))
@click.option("--batch", type=click.IntRange(1), help="Items a step (default: 8 to 32).")
@click.option("--weight-decay", type=click.FloatRange(0))
@click.option("--workspace", type=WORKSPACE, help="Default: the run's own.")
@workers_option("Trainings at a time (default: one a core).")
@click.option("--card", "card_only", is_flag=True, help="Print what is in the task, and train nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def finetune(
    run: Path,
    task: str,
    validation: Path | None,
    test: Path | None,
    kind: str | None,
    columns: str | None,
    items: int | None,
    trials: int,
    seeds: int,
    seed: int,
    from_scratch: bool,
    labels: str | None,
    draws: int,
    lora: int | None,
    learning_rate: float | None,
    epochs: int | None,
    batch: int | None,
    weight_decay: float | None,
    workspace: Path | str | None,
    workers: int | None,
    card_only: bool,
    as_json: bool,
) -> None:
    """Fine-tune the model of RUN on a task; its test score.

    RUN is a run's folder, or that of a model. The task's files are csv, tsv, jsonl, Parquet, SQuAD JSON, CoNLL, or in
    the layouts of CLUE and FewCLUE. Settings are chosen on validation; test is read once, at the end.
    """
    if labels is None:
        refuse_idle(["draws"], "of --labels alone; name numbers of labels, or leave it out")
    else:
        refuse_idle(
            ["trials", "seeds", "seed", "from_scratch"],
            "not with --labels, which trains with one setting on --draws draws, from both kinds of weights",
        )
    from headwater.pipeline.finetune import result_lines

    settings: dict[str, Any] = {
        "learning_rate": learning_rate, "epochs": epochs, "batch": batch, "weight_decay": weight_decay, "lora": lora,
    }  # fmt: skip

    def say(lines: list[str]) -> None:
        for line in [*lines, ""]:
            click.echo(_plain(line), err=as_json)

    given = [] if columns is None else columns.split(",")
    asked: dict[str, Any] = {
        "validation": validation, "test": test, "kind": kind, "columns": given, "items": items, "workspace": workspace,
    }  # fmt: skip
    if card_only:
        card, lines = api.task_card(run, task, **asked)
        print_result(card, as_json, [_plain(line) for line in lines])
        return
    if labels is not None:
        from headwater.compare.label_curves import lines_of

        rows = api.label_curve(
            run,
            [task],
            labels=_counts(labels),
            draws=draws,
            **asked,
            settings=settings,
            workers=workers,
            say=say,
        )
        print_result(rows, as_json, [*map(_plain, lines_of(rows))])
        return
    result = api.finetune(
        run, task, **asked, settings=settings, trials=trials, seeds=seeds, seed=seed, from_scratch=from_scratch,
        workers=workers, say=say,
    )  # fmt: skip
    print_result(result, as_json, [*map(_plain, result_lines(result)), f"result    {result['folder']}"])


def _counts(labels: str) -> list[int]:
    try:
        counts = sorted({int(one) for one in labels.split(",")})
    except ValueError:
        counts = []
    if not counts or counts[0] < 2:
        raise click.UsageError(f"--labels {labels}: expected numbers of at least 2, as in 16,64,256")
    return counts


def _plain(line: str) -> str:
    """Labels come from files of others."""
    from headwater.inspect.visible import visible

    return visible(line)
