"""`headwater status WORKSPACE`: what a run is at, asked from outside."""

from pathlib import Path
from typing import Any

import click

from headwater import api
from headwater.cli.shared import WORKSPACE, print_result


@click.command()
@click.argument("workspace", type=WORKSPACE, default="workspace", metavar="WORKSPACE")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--prometheus", is_flag=True, help="Print it as text for Prometheus.")
def status(workspace: Path | str, as_json: bool, prometheus: bool) -> None:
    """What is done, what runs, what failed, how long it takes.

    From the workspace alone (a folder or a URL), while others write.
    """
    from headwater.engine.status import lines_of, prometheus_of

    found: Any = api.status(workspace)
    if prometheus:
        click.echo(prometheus_of(found), nl=False)
    else:
        print_result(found.as_json(), as_json, lines_of(found))
