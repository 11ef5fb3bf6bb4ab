"""The commands, in the order in which data flows. Each imports what it needs when it is called.

Exit codes: 0 clean, 1 failed, 2 usage or recipe error, 3 quarantine above its limit, 130 interrupted.
"""

import codecs
import io
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from headwater import __version__, api
from headwater.cli.chat import chat
from headwater.cli.compare import compare, history, study
from headwater.cli.contamination import contamination
from headwater.cli.curves import curves
from headwater.cli.evaluate import of_runs
from headwater.cli.explain import explain
from headwater.cli.export import export
from headwater.cli.fetch import fetch
from headwater.cli.finetune import finetune
from headwater.cli.models import train_classifier, train_ngram
from headwater.cli.presets import presets
from headwater.cli.preview import preview
from headwater.cli.questions import audit, profile, whatif
from headwater.cli.shared import (
    WORKSPACE,
    Group,
    engine_options,
    print_result,
    unmasked_option,
    workers_option,
    workspace_option,
)
from headwater.cli.status import status
from headwater.cli.tokenizers import tokenizers
from headwater.cli.upkeep import doctor, gc, report, verify
from headwater.errors import RecipeError


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="headwater")
def cli() -> None:
    """From open data to a model, and the measured effect of every data choice."""


def _recipe_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """What every command on a recipe takes."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print the result as JSON."),
        click.option(
            "--limit", type=click.IntRange(1), metavar="N", help="Read at most N documents of each shard."
        ),
        engine_options,
        workers_option(),
        click.option("--workspace", type=WORKSPACE, help="Default: the recipe's own; a folder or a URL."),
        click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a recipe key."),
        click.argument("recipe", type=click.Path(path_type=Path)),
    ):
        function = option(function)
    return function


# ---------------------------------------------------------------- sources


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Print a first recipe for whatever text is in FOLDER."""
    click.echo(api.init(folder), nl=False)


@cli.command()
@click.argument("kind", required=False)
@click.option("--language", type=click.Choice(["en", "zh"]), help="Default: the locale's, else en.")
@click.option("--markdown", is_flag=True, help="All of it, as the handbook's chapter.")
def sources(kind: str | None, language: str | None, markdown: bool) -> None:
    """The kinds of source: example, contents, licence, traps.

    Without KIND a line for each; with KIND (or `all`) what is in it, under which licence, and what goes wrong.
    """
    from headwater.recipe.sources import SOURCES
    from headwater.sources.handbook import chapter, default_language, overview, shown

    language = language or default_language()
    if markdown:
        click.echo(chapter(language), nl=False)
    elif kind is None:
        print_result(None, False, overview(language))
    elif kind != "all" and kind not in SOURCES:
        raise RecipeError(f"{kind!r} is no kind of source; there are {', '.join(SOURCES)}")
    else:
        lines = [shown(one, language) for one in (SOURCES if kind == "all" else [kind])]
        print_result(None, False, [line for some in lines for line in (*some, "")][:-1])


cli.add_command(fetch)


# ---------------------------------------------------------------- the stages of a recipe


def _stage_command(name: str, text: str) -> None:
    """`ingest`, `measure`, `curate`, `train`, `evaluate` and `run` differ in how far they go."""

    @cli.command(name, help=text)
    @_recipe_options
    @click.option("--plan", is_flag=True, help="Say what would run, how long and how much disk; run nothing.")
    def command(
        recipe: Path,
        overrides: tuple[str, ...],
        workspace: Path | str | None,
        workers: int | None,
        limit: int | None,
        as_json: bool,
        plan: bool,
        engine: Any,
        until: str = name,
    ) -> None:
        from headwater.engine.arrow import leave_pandas_out
        from headwater.pipeline.run import run_until
        from headwater.pipeline.summary import lines_of, plan_lines

        leave_pandas_out()
        if plan:
            lines = plan_lines(recipe, until, overrides=overrides, workspace=workspace, limit=limit)
            print_result({"plan": lines}, as_json, lines)
            return
        outcome = run_until(
            until,
            recipe,
            overrides=overrides,
            workspace=workspace,
            workers=workers,
            limit=limit,
            engine=engine,
        )
        lines = lines_of(outcome)
        if name == "run":
            from headwater.studio.report import report

            place, made = outcome.workspace, outcome.recipe.name
            page = report(place, place.path / f"report-{made}.html", recipe=made)
            lines.append(f"report    {page}")
        print_result(outcome.as_json(), as_json, lines)

    if name == "curate":
        click.option(
            "--until",
            type=click.Choice(["ledger", "curate"]),
            default="curate",
            help="ledger: stop once it is decided what is kept; no tokeniser, no training set.",
        )(command)


_stage_command("ingest", "Read the sources into documents.")
_stage_command("measure", "Measure every document.")
_stage_command("curate", "Decide by the rules: ledger, training set and its card.")
_stage_command("train", "Train the recipe's model on its training set.")
cli.add_command(finetune)
_stage_command("evaluate", "Score the model in bits per byte on the held-out text.")
cli.add_command(of_runs(cli.commands["evaluate"]))
_stage_command("run", "All of these, each piece only if it changed; a report.")


cli.add_command(compare)
cli.add_command(study)
cli.add_command(history)


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path), default="headwater-demo")
def demo(folder: Path) -> None:
    """The main job on a real crawl, in five minutes, offline.

    The crawl is of the documentation that is part of every Python, served on this machine.
    """
    print_result(None, False, api.demo(folder))


cli.add_command(train_ngram)
cli.add_command(train_classifier)


# ---------------------------------------------------------------- questions to a workspace


@cli.command()
@click.argument("document")
@workspace_option
@unmasked_option
@click.option("--json", "as_json", is_flag=True)
def why(document: str, workspace: Path | str, unmasked: bool, as_json: bool) -> None:
    """Why DOCUMENT (an id's beginning) was kept or dropped."""
    from headwater.inspect.why import lines_of

    answer = api.why(workspace, document, unmasked=unmasked)
    print_result(answer.as_json(), as_json, [] if as_json else lines_of(answer))


cli.add_command(contamination)
cli.add_command(whatif)
cli.add_command(profile)
cli.add_command(audit)


@cli.command()
@click.argument("query")
@workspace_option
@unmasked_option
@click.option("--json", "as_json", is_flag=True)
def sql(query: str, workspace: Path | str, unmasked: bool, as_json: bool) -> None:
    """Ask the workspace in SQL.

    Views: documents, ledger, signals, quarantine, files, clusters.
    """
    from headwater.inspect.sql import render

    click.echo(render(api.sql(workspace, query, unmasked=unmasked), as_json=as_json))


cli.add_command(preview)
cli.add_command(tokenizers)
cli.add_command(export)


# ---------------------------------------------------------------- a model, seen from inside and heard


cli.add_command(curves)
cli.add_command(explain)
cli.add_command(chat)


# ---------------------------------------------------------------- the rest


cli.add_command(status)
cli.add_command(presets)


@cli.group("recipe", cls=Group)
def recipe_group() -> None:
    """The recipe format."""


@recipe_group.command("schema")
def recipe_schema_command() -> None:
    """JSON Schema of a recipe, for editors."""
    from headwater.recipe import recipe_schema

    click.echo(recipe_schema())


cli.add_command(verify)
cli.add_command(gc)
cli.add_command(report)
cli.add_command(doctor)


def _as_json_escapes(error: UnicodeError) -> tuple[str, int]:
    """What the output's encoding does not have, as in JSON: GBK has no minus sign, so −6% is shown as \\u22126%."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    escapes = (f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
    return "".join(escapes), error.end


def main() -> None:
    """The console script."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if isinstance(sys.stdout, io.TextIOWrapper):
        codecs.register_error("json", _as_json_escapes)
        sys.stdout.reconfigure(errors="json")
    try:
        code = cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo(
            "headwater: interrupted; what was finished is kept, run the same command to go on", err=True
        )
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)
