"""Presets: the public recipes as data. Each `<name>.yaml` here is one; every number in it has its source.

A preset is a list of passes, in order. A pass is one of

    - rules: [{signal: gopher.words, min: 50, source: Gopher table A1}, …]
    - include: gopher             # all passes of another preset
    - lines: {c4: {words: 5}}     # an edit; later passes judge the text that it leaves
    - duplicates: {exact: false, near: {similarity: 0.75}}

`min` and `max` are allowed values, `above` and `below` are not. `reason` is what the ledger calls a document that
fails (default: the signal with `_` for `.`); `variant` says which of several public readings of the number is meant.
A rule on a signal that only a model or a list of the user's gives has `needs`, what to train and where to name it: it
judges where the recipe's `signals` have a family of that name, and is said as a warning where they have not.

`asks` is what a recipe of the literature needs besides: a list of URLs, a classifier, a model. A curation by the
preset says each of them as a warning, with what to do, so that none is left out in silence.

A preset of your own is a file of the same kind, named by its path (`preset: mine.yaml`). It may begin with another
one: `extends: gopher` takes its passes, `change: {gopher.words: {min: 20}}` sets bounds in them (null switches one
off), and `passes` come after. `by_language: {en: headwater-en, zh: headwater-zh}` names a preset for each language.
"""

from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from headwater.errors import HeadwaterError, RecipeError
from headwater.recipe.settings import Bound, Duplicates, Lines
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
    needs: str | None = None  # what gives the signal, where the package does not

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


class C4Lines(Settings):
    """C4's line and page rules (line_rules.py, edits.py), as TFDS or datatrove reads them."""

    variant: Literal["tfds", "datatrove"] = "tfds"
    line_end: bool = True  # whether a line without an end mark goes
    words: int = 5  # a line with fewer goes
    sentences: int = 3  # a page with fewer goes


class LineEdits(Lines):
    """The edits of a recipe's `lines`, and those that only a preset asks for."""

    c4: C4Lines | None = None


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


class Asked(Settings):
    """What a recipe of the literature needs that a preset alone cannot give."""

    what: str
    do: str  # what a person can do about it
    source: str


class Preset(Settings):
    name: str
    title: str
    paper: str
    variant: str
    languages: list[str]  # those it was made for
    extends: str | None = None
    change: dict[str, Bound] = Field(default_factory=dict)
    passes: list[Pass] = Field(default_factory=list)
    asks: list[Asked] = Field(default_factory=list)
    by_language: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.by_language and (self.passes or self.extends or self.change):
            raise ValueError("by_language names other presets: such a preset has no passes of its own")
        if not (self.by_language or self.passes or self.extends):
            raise ValueError("expected passes, extends or by_language")
        if self.change and not self.extends:
            raise ValueError("change sets bounds in the preset that extends names; there is none")
        return self


def preset_names() -> list[str]:
    names = [entry.name for entry in files(__name__).iterdir()]
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


def load_preset(name: str, folder: Path | None = None) -> Preset:
    """The preset, with what it includes and extends put in its place.

    `name`: one of `preset_names()`, or the path of a YAML file, relative to `folder`. RecipeError says what is wrong.
    """
    if name.endswith((".yaml", ".yml")):
        path = (folder or Path.cwd()) / name
        return _resolved(_own(path), path.parent, (str(path.resolve()),))
    return _built_in(name)


@lru_cache
def _built_in(name: str) -> Preset:
    if name not in preset_names():
        raise RecipeError(f"no preset {name!r}; there are {', '.join(preset_names())}, or name a .yaml file")
    text = files(__name__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    try:
        preset = Preset.model_validate(YAML(typ="safe", pure=True).load(text))
    except ValidationError as error:
        raise HeadwaterError(f"curate/presets/{name}.yaml is not a preset: {error}") from error
    return _resolved(preset, None, (name,))


LARGEST_FILE = 1 << 20  # bytes: nobody writes more rules by hand


def _own(path: Path) -> Preset:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise RecipeError(f"{path}: {path.stat().st_size:,} bytes are too many for a preset")
        value = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"no preset at {path}: {error.strerror}") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is not YAML: {error}") from None
    if not isinstance(value, dict):
        raise RecipeError(f"{path}: expected a preset (title, extends or passes, …)")
    told = {
        "name": path.stem,
        "title": path.stem,
        "paper": "none",
        "variant": "of this file",
        "languages": [],
    }
    try:
        return Preset.model_validate(told | value)
    except ValidationError as error:
        [first, *_] = error.errors()
        place = ".".join(map(str, first["loc"]))
        raise RecipeError(f"{path}: {place + ': ' if place else ''}{first['msg']}") from None


def _resolved(preset: Preset, folder: Path | None, inside: tuple[str, ...]) -> Preset:
    """With the passes of others in place; `inside`: the presets that led here."""

    def other(name: str) -> Preset:
        place = str(((folder or Path.cwd()) / name).resolve()) if name.endswith((".yaml", ".yml")) else name
        if place in inside:
            raise RecipeError(f"preset {preset.name} leads back to itself by {name}")
        if place == name:
            return _built_in(name)
        return _resolved(_own(Path(place)), Path(place).parent, (*inside, place))

    passes: list[Pass] = []
    asks, languages = list(preset.asks), list(preset.languages)
    if preset.extends is not None:
        base = other(preset.extends)
        if base.by_language:
            raise RecipeError(
                f"preset {preset.name} extends {base.name}, which names a preset a language: extend one of those"
            )
        passes += _changed(base, preset)
        asks += base.asks
        languages = languages or base.languages
    for one in preset.passes:
        if one.include is None:
            passes.append(one)
        else:
            included = other(one.include)
            passes += included.passes
            asks += included.asks
    update = {
        "passes": passes,
        "asks": [one for place, one in enumerate(asks) if one not in asks[:place]],
        "languages": languages,
        "extends": None,
        "change": {},
    }
    return preset.model_copy(update=update)


def _changed(base: Preset, preset: Preset) -> list[Pass]:
    """The passes of what is extended, with the bounds that `change` sets."""
    known = {rule.signal for one in base.passes for rule in one.rules or ()}
    if unknown := sorted(set(preset.change) - known):
        raise RecipeError(
            f"preset {preset.name} changes {unknown[0]}, but {base.name} has no rule on it; it has {', '.join(sorted(known))}"
        )
    passes = []
    for one in base.passes:
        if one.rules is None:
            passes.append(one)
            continue
        rules = []
        for rule in one.rules:
            sides = preset.change[rule.signal] if rule.signal in preset.change else Bound()
            set_to = {side: getattr(sides, side) for side in sides.model_fields_set}
            opposite = {{"min": "above", "max": "below"}[side]: None for side in set_to}
            changed = rule.model_copy(update=set_to | opposite | ({"source": preset.name} if set_to else {}))
            rules += [changed] if changed.bounds else []
        passes += [Pass(rules=rules)] if rules else []
    return passes


def parts_of(preset: Preset, folder: Path | None = None) -> dict[str, Preset]:
    """By language ("*" for all) what the preset does: itself, or the presets that `by_language` names."""
    return {language: load_preset(name, folder) for language, name in preset.by_language.items()} or {
        "*": preset
    }
