"""What the groups of commands share: errors as one message, results as lines or JSON."""

import json
import shutil
import sys
from typing import Any

import click

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


language_option = click.option(
    "--language", type=click.Choice(["en", "zh"]), help="Default: the locale's, else en."
)


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
