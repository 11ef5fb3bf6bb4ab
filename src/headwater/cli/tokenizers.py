"""`headwater tokenizers`: what tokenisers make of texts."""

from pathlib import Path

import click

from headwater import api
from headwater.cli.shared import WORKSPACE, Group, print_result, workers_option


@click.group(cls=Group)
def tokenizers() -> None:
    """Tokenisers, compared language by language."""


@tokenizers.command()
@click.argument("names", metavar="TOKENIZER", nargs=-1, required=True)
@click.option(
    "--recipe", type=click.Path(path_type=Path), help="Measure (and train) on its training documents."
)
@click.option("--text", "texts", multiple=True, help="A file to measure, or a sentence to show; repeatable.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a recipe key.")
@click.option("--workspace", type=WORKSPACE, help="Default: the recipe's own.")
@workers_option("Worker processes, to read.", default=1, show_default=True)
@click.option(
    "--html", type=click.Path(path_type=Path), metavar="FILE", help="Write the comparison here as a page."
)
@click.option(
    "--language", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="Of --html."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def compare(
    names: tuple[str, ...],
    recipe: Path | None,
    texts: tuple[str, ...],
    overrides: tuple[str, ...],
    workspace: Path | str | None,
    workers: int,
    html: Path | None,
    language: str,
    as_json: bool,
) -> None:
    """Fertility, coverage and speed of tokenisers by language.

    And bytes per token. A TOKENIZER is a tokenizer.json, a run's or training set's folder, or a kind that is trained on the recipe's
    documents: byte-bpe, bpe, wordpiece or unigram, with a vocabulary (bpe:8000). The same sentences are shown in the
    colours of each one's tokens.
    """
    from headwater.inspect.tokenizers import lines_of

    comparison = api.compare_tokenizers(
        names, recipe=recipe, texts=texts, overrides=overrides, workspace=workspace, workers=workers
    )
    if html is not None:
        from headwater.studio.tokenizers import write_tokenizers

        write_tokenizers(comparison, html, language=language)
    if as_json:
        print_result(comparison.as_json(), True, [])
    else:
        click.echo("\n".join([*lines_of(comparison), *([f"page      {html}"] if html else [])]))
