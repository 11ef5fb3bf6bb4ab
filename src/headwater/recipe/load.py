"""Reads a recipe: YAML 1.2 with line marks, overrides from the command line, errors that name the line.

YAML 1.2 has none of the old traps: `no` is text, `12:30` is text, `1e-3` is a number. A file larger than 1 MB, or
with more than 100 aliases, is refused before anything is built from it; nothing is expanded from the environment.
"""

import difflib
import json
import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent

from headwater.errors import RecipeError
from headwater.recipe.settings import NAME, Recipe
from headwater.recipe.sources import SOURCES, BaseSource

MAX_BYTES = 1 << 20
MAX_ALIASES = 100


def load_recipe(path: Path | str, overrides: tuple[str, ...] | list[str] = ()) -> Recipe:
    """The recipe in a file, with `--set` overrides ("train.tokens=1M") on top; without a name it has the file's.

    RecipeError names file, line, key, what was expected and the nearest valid key.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecipeError(f"cannot read the recipe {path}: {error.strerror}") from error
    recipe = parse_recipe(data, str(path), overrides)
    if "name" not in recipe.model_fields_set and re.match(NAME, path.stem):
        recipe = recipe.model_copy(update={"name": path.stem})
    recipe._folder = path.resolve().parent
    return recipe


def parse_recipe(data: bytes, name: str, overrides: tuple[str, ...] | list[str] = ()) -> Recipe:
    """The recipe in `data`; `name` is what errors call it."""
    tree = _read_yaml(data, name)
    if not isinstance(tree, CommentedMap):
        raise RecipeError(f"{name}: expected a mapping with at least the key 'sources'")
    values = _plain(tree)
    for override in overrides:
        _override(values, override)
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        lines = [_explain(details, tree, name) for details in error.errors()]
        raise RecipeError("\n".join(lines)) from None


def recipe_schema() -> str:
    """JSON Schema of a recipe, for editors."""
    return json.dumps(Recipe.model_json_schema(), indent=2, ensure_ascii=False)


def _read_yaml(data: bytes, name: str) -> Any:
    if len(data) > MAX_BYTES:
        raise RecipeError(f"{name}: {len(data):,} bytes is too large for a recipe (at most {MAX_BYTES:,})")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RecipeError(f"{name}: not UTF-8 at byte {error.start}; save the file as UTF-8") from None
    try:
        aliases = sum(isinstance(event, AliasEvent) for event in YAML(typ="rt").parse(text))
        if aliases > MAX_ALIASES:
            raise RecipeError(f"{name}: {aliases} aliases; a recipe may have at most {MAX_ALIASES}")
        return YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        problem = (error.problem or "not valid YAML").splitlines()[0]
        raise RecipeError(f"{name}:{line}: not valid YAML: {problem}") from None
    except YAMLError as error:
        raise RecipeError(f"{name}: not valid YAML: {str(error).splitlines()[0]}") from None


def _plain(node: Any) -> Any:
    """Dictionaries, lists and plain scalars, without the reader's own types."""
    if isinstance(node, CommentedMap):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, CommentedSeq):
        return [_plain(value) for value in node]
    if isinstance(node, bool) or node is None:
        return node
    for kind in (int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return str(node)  # dates and the like: a recipe has none, so the model says what it expected


def _override(values: dict[str, Any], override: str) -> None:
    """`a.b=c`: `c` is YAML, a number in the path is a place in a list."""
    dotted, equals, text = override.partition("=")
    if not equals or not dotted:
        raise RecipeError(f"--set {override}: expected KEY=VALUE, such as train.tokens=1M")
    value = _plain(_read_yaml(text.encode(), f"--set {dotted}"))
    *parents, last = dotted.split(".")
    node: Any = values
    for key in parents:
        if isinstance(node, list):
            node = _item(node, key, override)
        elif isinstance(node.get(key), dict | list):
            node = node[key]
        else:
            node[key] = {}
            node = node[key]
    if isinstance(node, list):
        _item(node, last, override)
        node[int(last)] = value
    else:
        node[last] = value


def _item(node: list[Any], key: str, override: str) -> Any:
    """An element of a list by its number, or by its `name` (sources.crawl.text=all)."""
    if key.isdigit() and int(key) < len(node):
        return node[int(key)]
    for item in node:
        if isinstance(item, dict) and item.get("name") == key:
            return item
    raise RecipeError(f"--set {override}: the list has no element {key!r}")


# ---------------------------------------------------------------- errors that lead to the line


def _explain(details: ErrorDetails, tree: CommentedMap, name: str) -> str:
    place, line = _locate(details["loc"], tree)
    where = f"{name}:{line}" if line else name
    key = ".".join(str(part) for part in place) or "recipe"
    if details["type"] == "extra_forbidden":
        nearest = difflib.get_close_matches(str(place[-1]), _keys_at(place[:-1], tree), n=1, cutoff=0.5)
        hint = f"did you mean '{nearest[0]}'?" if nearest else _valid(place[:-1], tree)
        return f"{where}: unknown key '{key}'; {hint}"
    if details["type"] == "missing":
        return f"{where}: '{key}' is missing; it has no default"
    if details["type"].startswith("union_tag"):
        kinds = ", ".join(sorted(SOURCES))
        return f"{where}: '{key}' needs a kind, one of: {kinds} (got {_shown(details['input'])})"
    message = details["msg"].removeprefix("Value error, ")
    shown = "" if details["type"] == "value_error" else f", got {_shown(details['input'])}"
    return f"{where}: '{key}': {message[0].lower() + message[1:]}{shown}"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("kind", "a mapping")
    return repr(value) if len(repr(value)) <= 80 else repr(value)[:77] + "…"


def _locate(loc: tuple[int | str, ...], tree: Any) -> tuple[list[int | str], int | None]:
    """The path as it stands in the file (pydantic's union tags left out), and the line of its last known key."""
    node, place, line = tree, [], None
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        if isinstance(node, CommentedMap) and (part in node or last):
            line = node.lc.key(part)[0] + 1 if part in node else (line or node.lc.line + 1)
            place.append(part)
            node = node.get(part)
        elif isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node):
            line = node.lc.item(part)[0] + 1
            place.append(part)
            node = node[part]
        elif part not in SOURCES:
            place.append(part)  # a key that came by --set, or one below a scalar
    return place, line


def _keys_at(place: list[int | str], tree: Any) -> list[str]:
    """The keys that are valid at a place of the recipe."""
    model: Any = Recipe
    node = tree
    for part in place:
        if isinstance(node, CommentedMap | CommentedSeq):
            node = node.get(part) if isinstance(node, CommentedMap) else node[int(part)]
        if isinstance(part, int):
            kind = node.get("kind") if isinstance(node, CommentedMap) else None
            model = SOURCES.get(str(kind), BaseSource)
        elif part != "sources":
            model = _model_of(model, str(part))
        if model is None:
            return []
    return list(model.model_fields)


def _model_of(model: Any, key: str) -> Any:
    """The settings model of a field, also where it may be None or stands in a union."""
    field = model.model_fields.get(key)
    candidates = [field.annotation, *getattr(field.annotation, "__args__", ())] if field else []
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)


def _valid(place: list[int | str], tree: Any) -> str:
    keys = _keys_at(place, tree)
    return f"valid keys are: {', '.join(keys)}" if keys else "see `headwater recipe schema`"
