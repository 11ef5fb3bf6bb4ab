"""Presets: the public recipes as data. Each `<name>.yaml` here is one; every number in it has its source.

A preset is a list of passes, in order. A pass is one of

    - rules: [{signal: gopher.words, min: 50, source: Gopher table A1}, …]
    - include: gopher             # all passes of another preset
    - lines: {c4: true}           # an edit; later passes judge the text that it leaves
    - duplicates: {exact: false, near: {similarity: 0.75}}

`min` and `max` are allowed values, `above` and `below` are not. `reason` is what the ledger calls a document that
fails (default: the signal with `_` for `.`); `variant` says which of several public readings of the number is meant.
"""

from functools import lru_cache
from importlib.resources import files
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator
from ruamel.yaml import YAML

from headwater.errors import HeadwaterError, RecipeError
from headwater.recipe.settings import Duplicates, Lines
from headwater.recipe.sources import Settings


class Rule(Settings):
    """A signal against thresholds. A document fails outside of [min, max] or not inside of (above, below)."""

    signal: str
    min: float | None = None
    max: float | None = None
    above: float | None = None
    below: float | None = None
    reason: str = ""
    source: str = ""
    variant: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _name(cls, values: Any) -> Any:
        if isinstance(values, dict) and not values.get("reason") and isinstance(values.get("signal"), str):
            values = {**values, "reason": values["signal"].replace(".", "_")}
        return values

    @property
    def bounds(self) -> dict[str, float]:
        """The sides that are set."""
        sides = {"min": self.min, "max": self.max, "above": self.above, "below": self.below}
        return {side: value for side, value in sides.items() if value is not None}


class LineEdits(Lines):
    """The edits of a recipe's `lines`, and those that only a preset asks for."""

    c4: bool = False  # C4's line and page rules but for the line end (see line_rules.py)


class Pass(Settings):
    """One of the four."""

    include: str | None = None
    rules: list[Rule] | None = None
    lines: LineEdits | None = None
    duplicates: Duplicates | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("a pass is one of include, rules, lines, duplicates")
        return self


class Preset(Settings):
    name: str
    title: str
    paper: str
    variant: str
    languages: list[str]  # those it was made for
    passes: list[Pass] = Field(min_length=1)


def preset_names() -> list[str]:
    names = [entry.name for entry in files(__name__).iterdir()]
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


@lru_cache
def load_preset(name: str) -> Preset:
    """The preset, with what it includes put in its place. RecipeError where there is none of that name."""
    if name not in preset_names():
        raise RecipeError(f"no preset {name!r}; there are {', '.join(preset_names())}")
    text = files(__name__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    try:
        preset = Preset.model_validate(YAML(typ="safe", pure=True).load(text))
    except ValidationError as error:
        raise HeadwaterError(f"curate/presets/{name}.yaml is not a preset: {error}") from error
    passes: list[Pass] = []
    for one in preset.passes:
        passes += load_preset(one.include).passes if one.include is not None else [one]
    return preset.model_copy(update={"passes": passes})


def presets_list() -> list[tuple[str, str]]:
    """(name, title) of every preset."""
    return [(name, load_preset(name).title) for name in preset_names()]


def preset_rules(name: str) -> list[dict[str, Any]]:
    """Every rule of a preset in order: `pass` (1, 2, …), signal, its bounds, reason, source, variant."""
    return [
        {"pass": number, "signal": rule.signal, **rule.bounds, "reason": rule.reason, "source": rule.source}
        | ({"variant": rule.variant} if rule.variant else {})
        for number, one in enumerate(load_preset(name).passes, start=1)
        for rule in one.rules or []
    ]


SIGNS = {"min": "≥", "above": ">", "max": "≤", "below": "<"}


def show_bounds(rule: Rule) -> str:
    """`≥ 50, ≤ 100000`."""
    return ", ".join(f"{SIGNS[side]} {value:g}" for side, value in rule.bounds.items())


def show(name: str) -> list[str]:
    """Lines for a terminal: what the preset does, pass by pass, each number with its source."""
    preset = load_preset(name)
    lines = [f"{preset.name}: {preset.title}", f"paper    {preset.paper}", f"variant  {preset.variant}",
             f"made for {', '.join(preset.languages)}"]  # fmt: skip
    for number, one in enumerate(preset.passes, start=1):
        if one.rules is not None:
            lines.append(f"pass {number}   keep a document if")
            for rule in one.rules:
                lines.append(f"  {rule.signal:<37} {show_bounds(rule):<15} {rule.source}")
                if rule.variant:
                    lines.append(f"      ({rule.variant})")
        elif one.lines is not None:
            chosen = one.lines.model_dump(exclude_defaults=True)
            lines.append(f"pass {number}   edit lines: {', '.join(f'{k} {v}' for k, v in chosen.items())}")
        elif one.duplicates is not None:
            near = one.duplicates.near
            kinds = (["exact"] if one.duplicates.exact else []) + (
                [f"near, from a similarity of {near.similarity:g}, keep the {one.duplicates.policy}"]
                if near
                else []
            )
            lines.append(f"pass {number}   drop duplicates: {'; '.join(kinds)}")
    return lines
