"""What the groups of commands share: errors as one message, results as lines or JSON."""

import json
import shutil
import sys
from collections.abc import Callable, Collection
from functools import wraps
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from headwater import api
from headwater.errors import HeadwaterError, of_system


class Group(click.Group):
    """Keeps the order of definition, which is the flow; every command's errors become one message."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except HeadwaterError as error:
            click.echo(f"headwater: {error}", err=True)
            context.exit(error.exit_code)
        except BrokenPipeError:  # the reader of our output has gone: nothing to say to it
            raise
        except OSError as error:
            click.echo(f"headwater: {of_system(error)}", err=True)
            context.exit(1)


def engine_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Who does the work: the command gets it as `engine`."""

    @wraps(function)
    def command(
        *args: Any, engine: str, engine_options: tuple[str, ...], address: str | None, **rest: Any
    ) -> Any:
        return function(*args, engine=chosen_engine(engine, engine_options, address), **rest)

    for option in (
        click.option("--engine-option", "engine_options", multiple=True, metavar="KEY=VALUE",
                     help="Of slurm: partition, time, mem_gb, folder, …"),
        click.option("--address", metavar="HOST:PORT", help="Of a Ray cluster (default: RAY_ADDRESS, or this machine's)."),
        click.option("--engine", type=click.Choice(["local", "ray", "slurm"]), default="local", show_default=True,
                     help="Who does the work: this machine, a Ray cluster, a Slurm cluster."),
    ):  # fmt: skip
        command = option(command)
    return command


def chosen_engine(name: str, pairs: tuple[str, ...], address: str | None) -> Any:
    """The engine that these options name."""
    from headwater.engine.engines import engine_of

    options = dict(_pair(option) for option in pairs)
    if address is not None:
        options["address"] = address
    return engine_of(name, options)


def _pair(option: str) -> tuple[str, str]:
    key, found, value = option.partition("=")
    if not found:
        raise click.UsageError(f"--engine-option {option}: expected KEY=VALUE")
    return key, value


WORKSPACE = click.types.FuncParamType(api.workspace_place)
WORKSPACE.name = "path or url"


def workspace_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--workspace",
        type=WORKSPACE,
        default="workspace",
        show_default=True,
        help="The workspace to ask.",
    )(function)


def workers_option(
    help: str = "Worker processes (default: one a core).", **more: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--workers N`, 0 being this process alone."""
    return click.option("--workers", type=click.IntRange(0), metavar="N", help=help, **more)


unmasked_option = click.option("--unmasked", is_flag=True, help="Show personal data as it is.")


def existing(workspace: Path | str) -> Path | str:
    if isinstance(workspace, Path) and not workspace.is_dir():
        raise HeadwaterError(f"no workspace at {workspace}; name one with --workspace")
    return workspace


language_option = click.option(
    "--language", type=click.Choice(["en", "zh"]), help="Default: the locale's, else en."
)


def refuse_idle(names: Collection[str], why: str) -> None:
    """A usage error where one of these parameters is given on the command line: here it would do nothing."""
    context = click.get_current_context()
    given = [
        max(parameter.opts, key=len)
        for parameter in context.command.params
        if parameter.name in names
        and context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
    ]
    if given:
        raise click.UsageError(f"{', '.join(given)}: {why}")


def print_result(value: Any, as_json: bool, lines: list[str]) -> None:
    if as_json:
        from headwater.inspect.visible import inert_json

        click.echo(inert_json(json.dumps(value, ensure_ascii=False, indent=1)))
    else:
        click.echo("\n".join(_for_terminal(lines)))


def _for_terminal(lines: list[str]) -> list[str]:
    """Wrapped for a terminal; whole for a file or a pipe."""
    if not sys.stdout.isatty():
        return lines
    from headwater.inspect.visible import wrapped

    return wrapped(lines, shutil.get_terminal_size().columns)
