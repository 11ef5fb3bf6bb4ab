"""`headwater preview`: a recipe on its first documents, or one page block by block."""

import shutil
from pathlib import Path
from typing import Any

import click

from headwater import api
from headwater.cli.shared import WORKSPACE, print_result, workers_option


@click.command()
@click.argument("what", metavar="RECIPE|URL|FILE")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a recipe key.")
@click.option("--workspace", type=WORKSPACE, help="Has no effect: a preview keeps nothing.")
@workers_option("Worker processes (default: 1).")
@click.option(
    "--limit", type=click.IntRange(1), metavar="N", help="Documents of a recipe to show (default: 20)."
)
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write a page's preview here.")
@click.option(
    "--language", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="Of --html."
)
@click.option("--allow-http", is_flag=True, help="Allow plain http.")
@click.option("--allow-loopback", is_flag=True, help="Allow addresses of this machine.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def preview(
    what: str,
    overrides: tuple[str, ...],
    workspace: Path | str | None,
    workers: int | None,
    limit: int | None,
    html: Path | None,
    language: str,
    allow_http: bool,
    allow_loopback: bool,
    as_json: bool,
) -> None:
    """What a recipe makes of its first documents, or a page.

    A page is a web address, a saved page (.html, .mhtml), or a record of a web archive (crawl.warc.gz#OFFSET): its
    blocks are shown with their scores, and what is kept of them. Nothing else is kept.
    """
    del workspace
    if api.names_page(what):
        if overrides or workers or limit:
            raise click.UsageError("--set, --workers and --limit are for recipes; this names a page")
        _preview_page(what, html, language, as_json, allow_loopback=allow_loopback, https_only=not allow_http)
        return
    if html is not None or allow_http or allow_loopback:
        raise click.UsageError("--html, --allow-http and --allow-loopback are for pages; this names a recipe")
    from headwater.inspect.preview import lines_of

    answer = api.preview(Path(what), limit=limit or 20, overrides=overrides, workers=workers or 1)
    print_result(answer.as_json(), as_json, [] if as_json else lines_of(answer))


def _preview_page(what: str, html: Path | None, language: str, as_json: bool, **manners: Any) -> None:
    from headwater.inspect.page import lines_of_page

    answer = api.preview_page(what, **manners)
    if html is not None:
        from headwater.studio.page import write_page

        write_page(answer, html, language=language)
    if as_json:
        print_result(answer.as_json(), True, [])
    elif html is not None:
        click.echo(str(html))
    else:
        # already wrapped by columns; click takes the colours out where it is no terminal
        click.echo("\n".join(lines_of_page(answer, shutil.get_terminal_size().columns)))
