"""`headwater verify`, `gc`, `report` and `doctor`: a workspace looked after, and the machine looked at."""

import shlex
from pathlib import Path

import click

from headwater import api
from headwater.cli.shared import existing, print_result, workspace_option
from headwater.errors import HeadwaterError, redacted


@click.command()
@workspace_option
def verify(workspace: Path | str) -> None:
    """Re-hash committed files and name those that changed."""
    checked, problems = api.verify(existing(workspace))
    if not checked and not problems:
        raise HeadwaterError(
            f"{workspace} holds nothing that was committed: is it a workspace? (--workspace)"
        )
    for problem in problems:
        click.echo(problem)
    click.echo(f"{checked:,} files checked, {len(problems)} with problems")
    if problems:
        raise HeadwaterError("delete the files named above and run the recipe again: they are made anew")


@click.command()
@workspace_option
@click.option("--delete", is_flag=True, help="Free it; without this, only say what could go.")
@click.option("--json", "as_json", is_flag=True)
def gc(workspace: Path | str, delete: bool, as_json: bool) -> None:
    """Free what no recipe needs any more.

    The recipes are those of the workspace's folder recipes/: delete a file there, and what only it needed can go.
    Comparisons and results of tasks are kept, with the task models that a result names: delete a folder of results/,
    and its models can go.
    """
    from headwater.engine.store import is_url, local_copy
    from headwater.recipe.quantities import show_size

    things = api.gc(existing(workspace), delete=delete)
    root = local_copy(str(workspace)) if is_url(workspace) else Path(workspace).resolve()
    names = [str(one.path.relative_to(root)) for one in things]
    lines = [
        f"{show_size(one.bytes):>9}  {name} ({one.why})" for name, one in zip(names, things, strict=True)
    ]
    total = sum(one.bytes for one in things)
    named = redacted(str(workspace)) if is_url(workspace) else str(workspace)
    place = "" if named == "workspace" else f" --workspace {shlex.quote(named)}"
    said = "freed" if delete else f"could be freed: headwater gc{place} --delete"
    lines.append(f"{show_size(total):>9}  {said}")
    print_result({"bytes": total, "freed": delete, "paths": names}, as_json, lines)


@click.command()
@workspace_option
@click.option("--out", type=click.Path(path_type=Path), default="report.html", show_default=True)
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True)
def report(workspace: Path | str, out: Path, lang: str) -> None:
    """One HTML file: funnel, reasons, curves, verdict."""
    click.echo(str(api.report(existing(workspace), out, language=lang)))


@click.command()
@click.option("--json", "as_json", is_flag=True)
def doctor(as_json: bool) -> None:
    """What this machine has, what it lacks, and how to get it."""
    from headwater.inspect.doctor import lines_of

    checks = api.doctor()
    print_result([check.as_json() for check in checks], as_json, lines_of(checks))
    if any(check.failed for check in checks):
        raise HeadwaterError("something that Headwater needs is missing (see above)")
