"""`headwater compare`: from data choices to a verdict."""

from pathlib import Path
from typing import Any

import click

from headwater import api
from headwater.cli.shared import WORKSPACE, engine_options, print_result, refuse_idle, workers_option

BUDGETS = ("demo", "quick", "standard", "gpu")  # of compare/budgets.py, which is imported when it is used


@click.command()
@click.argument("recipes", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--vary", multiple=True, metavar="KEY=V1,V2", help="The first recipe with another value; one arm a value."
)
@click.option(
    "--drop-source", "drop_sources", multiple=True, metavar="NAME", help="The first recipe without a source."
)
@click.option("--preset", "presets", multiple=True, metavar="A,B", help="The first recipe with each preset.")
@click.option("--budget", type=click.Choice(BUDGETS), default="quick", show_default=True)
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key in every recipe."
)
@click.option("--workspace", type=WORKSPACE, help="Default: the first recipe's own.")
@workers_option()
@engine_options
@click.option(
    "--margin", type=float, metavar="PERCENT", help="What counts as material (default: the budget's)."
)
@click.option("--race", is_flag=True, help="3 to 8 seeds a candidate: no more once it is decided.")
@click.option(
    "--matching",
    type=click.Choice(["token", "pool"]),
    default="token",
    show_default=True,
    help="pool: the same input for all, so that an arm that keeps less repeats it.",
)
@click.option(
    "--gate", metavar="'not worse'", help="Exit 1 unless every candidate's interval ends below the margin."
)
@click.option(
    "--plan", is_flag=True, help="Say what would run, how long, and what it could see; run nothing."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def compare(
    recipes: tuple[Path, ...],
    vary: tuple[str, ...],
    drop_sources: tuple[str, ...],
    presets: tuple[str, ...],
    budget: str,
    overrides: tuple[str, ...],
    workspace: Path | str | None,
    workers: int | None,
    margin: float | None,
    race: bool,
    matching: str,
    gate: str | None,
    plan: bool,
    as_json: bool,
    engine: Any,
) -> None:
    """Train on each of RECIPES; what the difference did.

    The first recipe is the baseline. The others, and its variations (--vary, --drop-source, --preset; each repeatable),
    are held against it.
    """
    from headwater.compare.gate import gate as judge
    from headwater.compare.gate import refuse_unknown
    from headwater.compare.variations import variations_of

    if gate is not None:
        refuse_unknown(gate)
    asked: dict[str, Any] = {
        "budget": budget,
        "workspace": workspace,
        "workers": workers,
        "overrides": overrides,
        "variations": variations_of(vary, drop_sources, presets),
        "race": race,
        "matching": matching,
        "engine": engine,
        "margin": None if margin is None else margin / 100,
    }
    if plan:
        from headwater.compare.run import plan_comparison

        lines = plan_comparison(list(recipes), **asked)
        print_result({"plan": lines}, as_json, lines)
        return
    comparison = api.compare(recipes, **asked)
    from headwater.compare.markdown import summary_lines
    from headwater.studio.report import report

    page = report(comparison.workspace, comparison.folder / "report.html", comparison=comparison.path)
    lines = [*summary_lines(comparison.result), f"report    {page}"]
    if gate is None:
        print_result(comparison.result, as_json, lines)
        return
    judged = judge(comparison.result)
    lines += ["", *judged.sentence.values()]
    print_result({**comparison.result, "gate": judged.as_json()}, as_json, lines)
    if not judged.passed:
        click.get_current_context().exit(1)


@click.command()
@click.option(
    "--workspace", type=WORKSPACE, default="workspace", show_default=True, help="The workspace to ask."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def history(workspace: Path | str, as_json: bool) -> None:
    """Every comparison of a workspace, nulls and A/A too.

    For planning: no verdict ever rests on an earlier one.
    """
    from headwater.compare.history import lines_of

    rows = api.history(workspace)
    print_result(rows, as_json, lines_of(rows, Path(str(workspace))))


@click.command()
@click.argument("name", required=False)
@click.option("--record", is_flag=True, help="Train it (some minutes) instead of reading its record.")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    envvar="HEADWATER_TEST_DATA",
    help="The folder of test data that --record trains on.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default="headwater-study",
    show_default=True,
    help="Of --record.",
)
@click.option(
    "--seeds", type=click.IntRange(2), metavar="N", help="Runs an arm of --record (default: the study's)."
)
@click.option(
    "--tokens",
    type=click.IntRange(1),
    metavar="N",
    help="Of each training of --record (default: the study's).",
)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE", help="Where --record writes its result."
)
@workers_option()
@click.option(
    "--html",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write NAME's page, or that of all recorded ones.",
)
@click.option(
    "--table", is_flag=True, help="The 5-gram against the Transformer, pair by pair, over all studies."
)
@click.option(
    "--language",
    type=click.Choice(["en", "zh"]),
    default="en",
    show_default=True,
    help="Of --table and --html.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def study(
    name: str | None,
    record: bool,
    data: Path | None,
    folder: Path,
    seeds: int | None,
    tokens: int | None,
    out: Path | None,
    workers: int | None,
    html: Path | None,
    table: bool,
    language: str,
    as_json: bool,
) -> None:
    """What the literature expects, and what was found here.

    Without NAME the studies there are. A study's finding is made again from its recorded runs; --record trains them.
    """
    if name is None:
        refuse_idle(["record"], "name the study that is to be trained")
    if not record:
        of_record = ["data", "folder", "seeds", "tokens", "out", "workers"]
        refuse_idle(
            of_record, "of --record alone; without it a study's record is read, and nothing is trained"
        )
    from headwater.compare.studies import STUDIES
    from headwater.compare.studies.study import keep, lines_of
    from headwater.errors import RecipeError

    if name is None and (table or html):
        _all_studies(html, language, as_json)
        return
    if table:
        raise RecipeError("--table is over all studies; leave NAME out")
    if name is None:
        states = {
            one: "recorded" if about.path.is_file() else "not recorded" for one, about in STUDIES.items()
        }
        lines = [f"{one:<17} {states[one]:<13} {about.question[0]}" for one, about in STUDIES.items()]
        print_result(states, as_json, lines)
        return
    if record and data is None:
        raise RecipeError("--record needs --data FOLDER (or HEADWATER_TEST_DATA): the texts to train on")
    result = api.study(
        name, data=data if record else None, folder=folder, seeds=seeds, tokens=tokens, workers=workers
    )
    if record:
        keep(STUDIES[name], result, out or folder / name / "result.json")
    lines = lines_of(result)
    if html is not None:
        from headwater.studio.studies import write_studies

        lines.append(f"page      {write_studies([result], html, language=language)}")
    print_result(result, as_json, lines)


def _all_studies(html: Path | None, language: str, as_json: bool) -> None:
    """The recorded studies together: the table of the 5-gram against the Transformer, and their page."""
    from headwater.compare.studies import STUDIES
    from headwater.compare.studies.agreement import agreement, resolved_pairs, table
    from headwater.compare.studies.study import recorded

    results = [recorded(one) for one in STUDIES.values() if one.path.is_file()]
    pairs = resolved_pairs(results)
    lines = table(pairs, language)
    if html is not None:
        from headwater.studio.studies import write_studies

        lines.append(f"page      {write_studies(results, html, language=language)}")
    print_result({**agreement(pairs), "rows": pairs}, as_json, lines)
