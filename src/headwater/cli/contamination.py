"""`headwater contamination`: evaluation text in a corpus, listed."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from headwater import api
from headwater.cli.shared import WORKSPACE, print_result, workers_option

if TYPE_CHECKING:
    from headwater.curate.contamination_report import Report

SHOWN = 20  # items


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option(
    "--tasks", multiple=True, required=True, type=click.Path(path_type=Path), metavar="PATHS…",
    help="Files or folders of JSON, JSON lines, CSV, TSV (.gz, .zip, .tar.gz).",
)  # fmt: skip
@click.argument("more", nargs=-1, type=click.Path(path_type=Path), metavar="")
@click.option(
    "--words", type=click.IntRange(3), metavar="N", help="A gram's words (default: the recipe's, 13)."
)
@click.option(
    "--characters", type=click.IntRange(10), metavar="N", help="Of Chinese (default: the recipe's, 50)."
)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a recipe key.")
@click.option("--workspace", type=WORKSPACE, help="Default: the recipe's own.")
@workers_option()
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Read at most N documents of each shard.")
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON.")
def contamination(
    recipe: Path,
    tasks: tuple[Path, ...],
    more: tuple[Path, ...],
    words: int | None,
    characters: int | None,
    overrides: tuple[str, ...],
    workspace: Path | str | None,
    workers: int | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """Evaluation items that occur in RECIPE's documents.

    By benchmark and domain, with the passages. Nothing is cut: curate.decontaminate.tasks in a recipe does that.
    """
    report = api.contamination(
        recipe, [*tasks, *more], words=words, characters=characters, overrides=overrides, workspace=workspace,
        workers=workers, limit=limit,
    )  # fmt: skip
    print_result(report.as_json(), as_json, [] if as_json else lines_of(report))


def lines_of(report: "Report") -> list[str]:
    """A line a benchmark, then the items with the largest overlap and where they occur."""
    from headwater.inspect.visible import one_line

    lines = [f"{report.documents:,} documents; items by the share of them that occurs there"]
    lines.append(f"{'benchmark':<36} {'items':>7} {'short':>7} {'all':>6} {'≥ .5':>6} {'≥ .2':>6}  domains")
    for name, said in report.benchmarks.items():
        domains = ", ".join(f"{one_line(domain, 40)} {count:,}" for domain, count in said["domains"].items())
        counts = " ".join(f"{count:>6,}" for count in said["at"].values())
        lines.append(
            f"{one_line(name, 36):<36} {said['items']:>7,} {said['too_short']:>7,} {counts}  {domains}"
        )
    for overlap in report.overlaps[:SHOWN]:
        lines += [
            "",
            f"{overlap.overlap:.2f}  {one_line(overlap.benchmark, 60)} {one_line(overlap.item, 40)}",
        ]
        for passage in overlap.passages[:2]:
            lines.append(
                f"      {passage['id']}  {one_line(passage['domain'], 30)}  {one_line(passage['locator'], 80)}"
            )
            lines.append(f"      {one_line(passage['text'], 300)}")
    if len(report.overlaps) > SHOWN:
        lines += ["", f"and {len(report.overlaps) - SHOWN:,} more: --json lists them"]
    return lines
