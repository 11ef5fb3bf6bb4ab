"""`headwater evaluate`: a recipe's bits per byte, or what a model can do, by tasks."""

from pathlib import Path
from typing import Any

import click

from headwater import api
from headwater.cli.shared import chosen_engine, language_option, print_result, refuse_idle
from headwater.errors import RecipeError

_HELP = """Bits per byte of a recipe, or tasks of a run.

\b
headwater evaluate recipe.yaml                        bits per byte on held-out text
headwater evaluate RUN --tasks blimp,copa --data DATA
headwater evaluate RUN --tasks sst2 --shots 0,1,5 --data DATA

RUN is the folder of a run or of a model, from a hub too. Tasks are ours (--list), files of the harness's format (x.yaml),
or the harness's own as lm_eval:NAME, which it fetches. With --shots each number of examples has two controls: no
examples, and the same ones with random labels. The results are kept in the workspace: task-scores/.
"""


def _shots(_: click.Context, __: click.Parameter, value: str) -> list[int]:
    try:
        return sorted({int(one) for one in value.split(",")})
    except ValueError as error:
        raise click.BadParameter("numbers with commas between them, such as 0,1,5,10") from error


def of_runs(stage: click.Command) -> click.Command:
    """The stage's command, which takes runs and tasks too."""

    @click.command("evaluate", help=_HELP, short_help="Bits per byte on held-out text; tasks, few-shot.")
    @click.option("--tasks", "tasks", multiple=True, metavar="A,B", help="Tasks to ask the model.")
    @click.option(
        "--list", "list_tasks", is_flag=True, is_eager=True, help="The tasks that come with Headwater."
    )
    @click.option(
        "--data", type=click.Path(path_type=Path), help="Folder of evaluation data. [HEADWATER_TASK_DATA]"
    )
    @click.option(
        "--shots", callback=_shots, default="0", show_default=True, metavar="0,1,5", help="Examples shown."
    )
    @click.option("--draws", type=click.IntRange(1), default=3, show_default=True, help="Of the examples.")
    @click.option(
        "--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Of the draws."
    )
    @language_option
    @click.pass_context
    def command(context: click.Context, /, tasks: tuple[str, ...], list_tasks: bool, **options: Any) -> None:
        names = [name for one in tasks for name in one.split(",") if name]
        asked = {key: options.pop(key) for key in ("data", "shots", "draws", "seed", "language")}
        if list_tasks:
            from headwater.evaluate.harness_tasks import overview

            print_result(
                overview(), options["as_json"], [f"{n:<18} {what}" for n, what in overview().items()]
            )
            return
        place = options["recipe"]
        if place is None:
            raise click.UsageError("name a recipe, or a run with --tasks")
        if names and not place.exists():
            raise RecipeError(f"{place}: there is no recipe, and no folder of a run or a model")
        if place.is_dir():
            engine = options["engine"] != "local" or options["engine_options"] or options["address"]
            if options.pop("plan") or options["overrides"] or engine:
                raise click.UsageError("--plan, --set and --engine are for recipes; this names a folder")
            _ask(place, names, asked, options)
        elif names and options["plan"]:
            from headwater.pipeline.summary import plan_lines

            _check(place, names, asked, options)
            lines = plan_lines(place, "train", overrides=options["overrides"], workspace=options["workspace"])
            lines.append(f"tasks     {', '.join(names)}, of the run that is trained")
            print_result({"plan": lines}, options["as_json"], lines)
        elif names:
            from headwater.pipeline.run import run_until

            _check(place, names, asked, options)
            settings = {key: options[key] for key in ("overrides", "workspace", "workers")}
            engine = chosen_engine(options["engine"], options["engine_options"], options["address"])
            outcome = run_until("train", place, **settings, engine=engine)
            _ask(outcome.runs[0].folder, names, asked, {**options, "workspace": None})
        else:
            refuse_idle(asked, "of --tasks alone; name tasks, or write them into the recipe, under evaluate")
            context.invoke(stage, **options)

    for parameter in stage.params:
        if isinstance(parameter, click.Argument):
            place = click.Path(path_type=Path)
            parameter = click.Argument(["recipe"], required=False, type=place, metavar="RECIPE|RUN")
        elif parameter.name == "limit":
            what = "At most N documents of each shard, or N items of each task."
            parameter = click.Option(["--limit"], type=click.IntRange(1), metavar="N", help=what)
        command.params.append(parameter)
    return command


def _check(place: Path, names: list[str], asked: dict[str, Any], options: dict[str, Any]) -> None:
    """The tasks of a recipe's run, before it is trained; their data is where the recipe says, unless --data does."""
    from headwater.pipeline.check import check_tasks, data_of_tasks
    from headwater.recipe import load_recipe

    if asked["data"] is None:
        asked["data"] = data_of_tasks(load_recipe(place, options["overrides"]))
    check_tasks(names, asked["data"])


def _ask(run: Path, names: list[str], asked: dict[str, Any], options: dict[str, Any]) -> None:
    from headwater.inspect.task_scores import lines_of
    from headwater.sources.handbook import default_language

    language = asked.pop("language") or default_language()
    settings = {key: options[key] for key in ("limit", "workspace", "workers")}
    done = api.evaluate_tasks(run, names, **asked, **settings)
    print_result(
        done.as_json(), options["as_json"], [*lines_of(done.results, language), f"kept in   {done.folder}"]
    )
