"""`headwater presets`: the public recipes' rules, each with its value, its variant and its source."""

from pathlib import Path

import click

from headwater.cli.shared import Group, print_result

_json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


@click.group(cls=Group)
def presets() -> None:
    """The public recipes' rules, each with its source."""


@presets.command("list")
@_json_option
def presets_list(as_json: bool) -> None:
    """The presets there are."""
    from headwater.curate.presets.show import presets_list

    found = presets_list()
    lines = [f"{name:<15} {title}" for name, title in found]
    print_result([{"name": name, "title": title} for name, title in found], as_json, lines)


@presets.command("show")
@click.argument("name")
@_json_option
def presets_show(name: str, as_json: bool) -> None:
    """Every rule of a preset with value, variant and source.

    NAME is one of `presets list`, or a file of your own (mine.yaml).
    """
    from headwater.curate.presets.show import as_json as preset_json
    from headwater.curate.presets.show import show

    folder = Path.cwd()
    print_result(
        preset_json(name, folder) if as_json else None, as_json, [] if as_json else show(name, folder)
    )


@presets.command("diff")
@click.argument("a")
@click.argument("b")
@_json_option
def presets_diff(a: str, b: str, as_json: bool) -> None:
    """What presets A and B do differently, rule by rule."""
    from headwater.curate.presets.show import difference, difference_lines

    found = difference(a, b, Path.cwd())
    print_result(found, as_json, difference_lines(found))
