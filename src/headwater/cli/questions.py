"""Questions to a recipe: what another rule would change, what its sources hold, how good its decisions are."""

import shutil
import sys
from pathlib import Path

import click

from headwater import api
from headwater.cli.shared import WORKSPACE, print_result


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--rule", "rules", multiple=True, metavar="KEY=VALUE", help="gopher.words.min=20; zh.han.share.min=0.4; =null switches a bound off.")  # fmt: skip
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a recipe key.")
@click.option("--workspace", type=WORKSPACE, help="Default: the recipe's own; a folder or a URL.")
@click.option("--exact", is_flag=True, help="Look at every document, however many there are.")
@click.option("--ledger", type=click.Path(path_type=Path), metavar="FILE", help="Write the new ledger here (Parquet).")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def whatif(
    recipe: Path,
    rules: tuple[str, ...],
    overrides: tuple[str, ...],
    workspace: Path | str | None,
    exact: bool,
    ledger: Path | None,
    as_json: bool,
) -> None:
    """What another threshold would change. Changes nothing.

    Documents, bytes and tokens kept, by source and language; what each rule removes, and removes alone; the documents
    nearest to the changed bounds. Without --rule: the same for the recipe as it stands.
    """
    from headwater.inspect.whatif_answer import lines_of

    answer = api.whatif(recipe, rules, overrides=overrides, workspace=workspace, exact=exact, ledger=ledger)
    print_result(answer.as_json(), as_json, [] if as_json else lines_of(answer))


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a recipe key.")
@click.option("--workspace", type=WORKSPACE, help="Default: the recipe's own; a folder or a URL.")
@click.option("--markdown", is_flag=True, help="As the body of a data card.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def profile(
    recipe: Path, overrides: tuple[str, ...], workspace: Path | str | None, markdown: bool, as_json: bool
) -> None:
    """What a recipe has read, one page a source.

    Lengths, languages, sites, dates, licences, repetition, personal data per MB, tokens a word, and quantiles of what
    was measured.
    """
    from headwater.inspect.portrait import lines_of
    from headwater.inspect.portrait import markdown as as_markdown

    answer = api.profile(recipe, overrides=overrides, workspace=workspace)
    if markdown and not as_json:
        click.echo(as_markdown(answer), nl=False)
    else:
        print_result(answer.as_json(), as_json, [] if as_json else lines_of(answer))


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option(
    "-n", "number", type=click.IntRange(min=2), default=200, show_default=True, help="Documents to draw."
)
@click.option("--workspace", type=WORKSPACE, help="Default: the recipe's own; a folder or a URL.")
@click.option("--report", "only_report", is_flag=True, help="Ask nothing; say what the labels so far say.")
@click.option("--unmasked", is_flag=True, help="Show personal data as it is.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def audit(
    recipe: Path, number: int, workspace: Path | str | None, only_report: bool, unmasked: bool, as_json: bool
) -> None:
    """How good a recipe's decisions are, judged by you, blind.

    Kept and dropped documents are shown without their verdict; one key each says whether a text is good to train on.
    Stop with q and go on any time. Reports precision and recall with intervals.
    """
    from headwater.inspect.audit import Audit, ask, lines_of
    from headwater.inspect.masked import unmasked as showing

    session = Audit(recipe, number, workspace=workspace)
    if not only_report:
        with session.labelling(), showing(unmasked):
            ask(session, _key, lambda text: click.echo(text, err=as_json), shutil.get_terminal_size().columns)
    answer = session.report()
    print_result(answer.as_json(), as_json, lines_of(answer))


def _key() -> str:
    """One key of a terminal; of a file or a pipe the next character that is not white space, "" at its end."""
    if sys.stdin.isatty():
        return click.getchar()
    while (character := sys.stdin.read(1)) and character.isspace():
        pass
    return character
