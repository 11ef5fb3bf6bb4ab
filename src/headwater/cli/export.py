"""`headwater export`: a curated corpus for another tool."""

from pathlib import Path

import click

from headwater import api
from headwater.cli.shared import WORKSPACE, print_result, workers_option

FORMATS = ("jsonl", "parquet", "datasets", "megatron", "nanogpt")


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option(
    "--format", "format", type=click.Choice(FORMATS), required=True, help="Whose files they are to be."
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="A folder that is not there yet.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a recipe key.")
@click.option("--workspace", type=WORKSPACE, help="Default: the recipe's own.")
@workers_option()
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def export(
    recipe: Path,
    format: str,
    out: Path,
    overrides: tuple[str, ...],
    workspace: Path | str | None,
    workers: int | None,
    as_json: bool,
) -> None:
    """Write what RECIPE keeps in the formats of other tools.

    JSON lines, Parquet, a Hugging Face data set, Megatron's or nanoGPT's files; with the card (licences and consent
    by source) and Croissant. What is not curated yet is curated first.
    """
    from headwater.pipeline.export import lines_of

    written = api.export(
        recipe, format=format, out=out, overrides=overrides, workspace=workspace, workers=workers
    )
    print_result(written, as_json, lines_of(written))
