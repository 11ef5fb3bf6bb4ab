"""Questions to a recipe's ledger: what another rule would change."""

from pathlib import Path

import click

from headwater import api
from headwater.cli.shared import print_result

_WORKSPACE = click.types.FuncParamType(api.workspace_place)
_WORKSPACE.name = "path or url"


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--rule", "rules", multiple=True, metavar="KEY=VALUE", help="gopher.words.min=20; zh.han.share.min=0.4; =null switches a bound off.")  # fmt: skip
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a recipe key.")
@click.option("--workspace", type=_WORKSPACE, help="Default: the recipe's own; a folder or a URL.")
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
    """What another threshold would change, without changing anything.

    Documents, bytes and tokens kept, by source and language; what each rule removes, and removes alone; the documents
    nearest to the changed bounds. Without --rule: the same for the recipe as it stands.
    """
    from headwater.inspect.whatif import lines_of

    answer = api.whatif(recipe, rules, overrides=overrides, workspace=workspace, exact=exact, ledger=ledger)
    print_result(answer.as_json(), as_json, [] if as_json else lines_of(answer))
