"""Variations of one recipe: arms that are said on the command line, without a file each.

    --vary curate.duplicates.near.similarity=0.7,0.9    one arm a value
    --drop-source wiki                                  one arm that does not train on this source
    --preset gopher,fineweb                             one arm a preset; `none` is no preset

Each changes one thing in the first recipe, which is the baseline; they are not crossed. An arm's name is the recipe's
and what is changed: "news similarity=0.7".
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from headwater.errors import RecipeError
from headwater.recipe import Recipe
from headwater.recipe.settings import NAME

VARIED = ("curate", "sources")  # the data; a budget sets the rest, the same for every arm
LONGEST = 64  # of a recipe's name
LEAST = 12  # characters of the base recipe's name in a variation's
_OPEN, _CLOSED = "[{(", "]})"


@dataclass(frozen=True)
class Variation:
    """One change to the first recipe."""

    said: str  # how errors and the command call it: "--vary curate.max_epochs=8"
    suffix: str  # what it adds to the recipe's name
    # the overrides, as after --set, for the recipe as it is; RecipeError where it cannot be varied so
    overrides: Callable[[Recipe], list[str]]


def variations_of(
    vary: Sequence[str] = (), drop_sources: Sequence[str] = (), presets: Sequence[str] = ()
) -> tuple[Variation, ...]:
    """In the order given: settings, sources, presets. RecipeError where one says nothing."""
    found = []
    keys = [text.partition("=")[0] for text in vary]
    for text, key in zip(vary, keys, strict=True):
        values = _values(text)
        if key.partition(".")[0] not in VARIED:
            raise RecipeError(
                f"--vary {text}: a comparison varies data, so {key!r} should begin with {' or '.join(VARIED)}; model, "
                "training, seed and evaluation are the same for every arm (--budget, --set)"
            )
        short = _short(key, keys)
        found += [_setting(key, value, f"{short}={value}") for value in values]
    found += [_dropped(name) for name in drop_sources]
    for text in presets:
        names = _split(text)
        if not all(names):
            raise RecipeError(f"--preset {text}: expected NAME,NAME, such as gopher,fineweb")
        found += [_preset(name) for name in names]
    return tuple(found)


def name_of(base: str, variation: Variation) -> str:
    """A recipe's name for the arm: it names files too."""
    base, suffix = (re.sub(r"[/\\\x00-\x1f]", "_", part) for part in (base, variation.suffix))
    room = max(LEAST, LONGEST - 2 - len(suffix))
    if len(base) + 1 + len(suffix) > LONGEST and len(base) > room:
        base = f"{base[:room]}…"  # what is changed tells arms apart, so that the recipe's name gives way
    name = f"{base} {suffix}"
    name = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
    assert re.match(NAME, name)
    return name


def _setting(key: str, value: str, suffix: str) -> Variation:
    return Variation(f"--vary {key}={value}", suffix, lambda _: [f"{key}={value}"])


def _dropped(name: str) -> Variation:
    def overrides(recipe: Recipe) -> list[str]:
        trained = [source.name for source in recipe.sources if source.role == "train"]
        if name not in trained:
            known = any(source.name == name for source in recipe.sources)
            problem = "is a reference, which nothing is trained on" if known else "is no source of the recipe"
            raise RecipeError(f"{name!r} {problem}; it trains on {', '.join(trained)}")
        left = [*recipe.curate.leave_out, name]
        if set(trained) <= set(left):
            raise RecipeError(f"without {name!r} there is no source left to train on")
        return [f"curate.leave_out=[{', '.join(map(_quoted, left))}]"]

    return Variation(f"--drop-source {name}", f"without {name}", overrides)


def _preset(name: str) -> Variation:
    value = "null" if name == "none" else _quoted(name)
    return Variation(f"--preset {name}", f"preset={name}", lambda _: [f"curate.preset={value}"])


def _quoted(text: str) -> str:
    """As YAML, whatever is in it."""
    return "'" + text.replace("'", "''") + "'"


def _values(text: str) -> list[str]:
    key, equals, rest = text.partition("=")
    values = _split(rest)
    if not equals or not key or not all(values):
        raise RecipeError(f"--vary {text}: expected KEY=VALUE,VALUE, such as curate.max_epochs=2,8")
    if twice := [value for value in values if values.count(value) > 1]:
        raise RecipeError(f"--vary {text}: {twice[0]!r} is there twice")
    return values


def _split(text: str) -> list[str]:
    """At commas that stand in no bracket and no quotes: a value may be {crawl: 0.5, wiki: 0.5}."""
    parts, depth, quote = [""], 0, ""
    for sign in text:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        elif sign in _OPEN + _CLOSED:
            depth += 1 if sign in _OPEN else -1
        elif sign == "," and depth == 0:
            parts.append("")
            continue
        parts[-1] += sign
    return [part.strip() for part in parts]


def _short(key: str, keys: Sequence[str]) -> str:
    """The end of a key, as long as it must be to say which it is; a bound is said with its signal."""
    parts = key.split(".")
    for length in range(2 if parts[-1] in ("min", "max") else 1, len(parts)):
        short = ".".join(parts[-length:])
        if sum(other == short or other.endswith(f".{short}") for other in set(keys)) == 1:
            return short
    return key
