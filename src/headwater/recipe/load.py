"""Reads a recipe: YAML 1.2 with line marks, overrides from the command line, errors that name the line.

YAML 1.2 has none of the old traps: `no` is text, `12:30` is text, `1e-3` is a number. A file larger than 1 MB, or
with more than 100 aliases, is refused before anything is built from it; nothing is expanded from the environment.
"""

import difflib
import json
import re
import shlex
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
Place = tuple[int | str, ...]
_PLAIN_MARKS = {
    "：": ": ",
    "，": ", ",
    "［": "[",
    "【": "[",
    "］": "]",
    "】": "]",
    "｛": "{",
    "｝": "}",
    "“": '"',
    "”": '"',
}


def load_recipe(path: Path | str, overrides: tuple[str, ...] | list[str] = ()) -> Recipe:
    """The recipe in a file, with `--set` overrides ("train.tokens=1M") on top; without a name it has the file's.

    RecipeError names file, line, key, what was expected and the nearest valid key.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except IsADirectoryError as error:
        raise RecipeError(
            f"{path} is a folder and no recipe; `headwater init {shlex.quote(str(path))} > recipe.yaml` writes one"
        ) from error
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
    given = {_override(values, override): override.partition("=")[0] for override in overrides}
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        lines = [_explain(details, tree, name, values, given) for details in error.errors()]
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
        hint = _slip(text, error.problem_mark.line) if error.problem_mark else ""
        raise RecipeError(f"{name}:{line}: not valid YAML: {problem}{hint}") from None
    except YAMLError as error:
        raise RecipeError(f"{name}: not valid YAML: {str(error).splitlines()[0]}") from None


def _slip(text: str, line: int) -> str:
    """What is often behind an error in this line (from 0) or the two before it: tabs, and punctuation of Chinese input."""
    lines = text.split("\n")
    if line < len(lines) and lines[line][: -len(lines[line].lstrip()) or None].count("\t"):
        return "; indent with spaces, not with tabs"
    for number in range(min(line, len(lines) - 1), max(-1, line - 3), -1):
        outside = re.sub(r"#.*|\"[^\"]*\"|'[^']*'", "", lines[number])
        if odd := next((mark for mark in outside if mark in _PLAIN_MARKS), None):
            return f"; line {number + 1} has {odd}, where YAML needs {_PLAIN_MARKS[odd]!r}"
    return ""


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


def _override(values: dict[str, Any], override: str) -> Place:
    """`a.b=c`: `c` is YAML, a number in the path is a place in a list. Returns where it went."""
    dotted, equals, text = override.partition("=")
    if not equals or not dotted:
        raise RecipeError(f"--set {override}: expected KEY=VALUE, such as train.tokens=1M")
    value = _plain(_read_yaml(text.encode(), f"--set {dotted}"))
    *parents, last = dotted.split(".")
    node: Any = values
    place: list[int | str] = []
    for key in parents:
        place.append(_number(node, key, override) if isinstance(node, list) else key)
        if isinstance(node, dict) and not isinstance(node.get(key), dict | list):
            node[key] = {}
        node = node[place[-1]]
        if not isinstance(node, dict | list):
            raise RecipeError(
                f"--set {override}: {'.'.join(map(str, place))} is {_shown(node)} and has no keys"
            )
    place.append(_number(node, last, override) if isinstance(node, list) else last)
    node[place[-1]] = value
    return tuple(place)


def _number(node: list[Any], key: str, override: str) -> int:
    """An element of a list by its number, or by its `name` (sources.crawl.text=all)."""
    if key.isdecimal() and int(key) < len(node):
        return int(key)
    for number, item in enumerate(node):
        if isinstance(item, dict) and item.get("name") == key:
            return number
    raise RecipeError(f"--set {override}: the list has no element {key!r}")


# ---------------------------------------------------------------- errors that lead to the line


def _explain(
    details: ErrorDetails, tree: CommentedMap, name: str, values: dict[str, Any], given: dict[Place, str]
) -> str:
    """`values`: the recipe with what was overridden; `given`: by place, the key of each --set."""
    place, line = _locate(details["loc"], tree)
    where = f"{name}:{line}" if line else name
    for path, dotted in given.items():
        if path == tuple(place[: len(path)]) or _holds(path, place, tree):
            where = f"--set {dotted}"
    key = ".".join(str(part) for part in place) or "recipe"
    if details["type"] == "extra_forbidden":
        nearest = difflib.get_close_matches(str(place[-1]), _keys_at(place[:-1], values), n=1, cutoff=0.5)
        hint = f"did you mean '{nearest[0]}'?" if nearest else _valid(place[:-1], values)
        return f"{where}: unknown key '{key}'; {hint}"
    if details["type"] == "missing":
        return f"{where}: '{key}' is missing; it has no default"
    if place[-1:] == ["[key]"]:
        near = difflib.get_close_matches(
            str(place[-2]), details["ctx"]["expected"].split("'")[1::2], n=1, cutoff=0.5
        )
        hint = f"did you mean '{near[0]}'?" if near else f"expected {details['ctx']['expected']}"
        return f"{where}: unknown key '{key.removesuffix('.[key]')}'; {hint}"
    if details["type"] == "list_type":
        got: Any = details["input"]
        example = f": [{got}]" if isinstance(got, str) and place[-1] != "sources" else ""
        what = "a mapping" if isinstance(got, dict) else _shown(got)
        return f"{where}: '{key}' is a list{example or ', each item after a dash'}, got {what}"
    if details["type"].startswith("union_tag"):
        kinds = ", ".join(sorted(SOURCES))
        if not (isinstance(details["input"], dict) and "kind" in details["input"]):
            return f"{where}: '{key}' needs a kind, one of: {kinds} (it has none)"
        return f"{where}: '{key}' needs a kind, one of: {kinds} (got {_shown(details['input'])})"
    message = details["msg"].removeprefix("Value error, ")
    shown = "" if details["type"] == "value_error" else f", got {_shown(details['input'])}"
    return f"{where}: '{key}': {message[0].lower() + message[1:]}{shown}"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("kind", "a mapping")
    return repr(value) if len(repr(value)) <= 80 else repr(value)[:77] + "…"


def _locate(loc: Place, tree: Any) -> tuple[list[int | str], int | None]:
    """The path as it stands in the file (pydantic's union tags left out), and the line of its last known key."""
    node, place, line = tree, [], None
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        if isinstance(node, CommentedMap) and (part in node or last):
            marks = node.lc.data or {}  # a key that came by a merge (`<<`) has none
            line = marks[part][0] + 1 if part in marks else (line or node.lc.line + 1)
            place.append(part)
            node = node.get(part)
        elif isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node):
            line = node.lc.item(part)[0] + 1
            place.append(part)
            node = node[part]
        elif part not in SOURCES:
            place.append(part)  # a key that came by --set, or one below a scalar
            node = None
    return place, line


def _holds(path: Place, place: list[int | str], tree: Any) -> bool:
    """Whether an override below a place made a mapping of what is a value, or nothing, in the file."""
    if path[: len(place)] != tuple(place):
        return False
    for part in place:
        inside = isinstance(tree, CommentedMap) or (
            isinstance(tree, CommentedSeq) and part in range(len(tree))
        )
        tree = tree.get(part) if isinstance(tree, CommentedMap) else tree[part] if inside else None
    return not isinstance(tree, CommentedMap | CommentedSeq)


def _keys_at(place: list[int | str], values: Any) -> list[str]:
    """The keys that are valid at a place of the recipe."""
    model: Any = Recipe
    node = values
    for part in place:
        if isinstance(node, list):
            node = node[part] if isinstance(part, int) and part < len(node) else None
        else:
            node = node.get(part) if isinstance(node, dict) else None
        if isinstance(part, int):
            kind = node.get("kind") if isinstance(node, dict) else None
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


def _valid(place: list[int | str], values: Any) -> str:
    keys = _keys_at(place, values)
    return f"valid keys are: {', '.join(keys)}" if keys else "see `headwater recipe schema`"
