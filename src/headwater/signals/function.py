"""A signal of the user's own: `module:function` in the recipe, called with a list of texts.

    signals: {functions: {vowels: {function: "my_signals:vowels", settings: {letters: aeiou}}}}

    def vowels(texts: list[str], letters: str) -> list[float | None]: ...

gives the column `vowels.value`. With `gpus: 1` (or a share of one) a cluster runs it where a GPU is free; `batch` texts
come at a time, and what the function keeps in its module stays for the next shard. The module is looked for in the recipe's folder first. The hash of its file is part
of the key: an edited function measures anew (what it imports is not looked at; `settings` may carry a version). An
error costs the texts that it is raised for, one by one, and is kept in `errors`; None is a null without an error.
"""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from headwater.errors import RecipeError
from headwater.signals import Signal

VERSION = 1
LIBRARIES: tuple[str, ...] = ()


def columns(settings: dict[str, Any]) -> tuple[Signal, ...]:
    """value."""
    return (Signal("value", settings["type"], f"what {settings['function']} says"),)


def depends(settings: dict[str, Any]) -> dict[str, Any]:
    """The function's name, its settings, the hash of its module's file."""
    from headwater.signals.families import content_of

    _resolve(settings)
    module = sys.modules[settings["function"].partition(":")[0]]
    source = content_of(Path(str(module.__file__)), settings["function"])
    return {"function": settings["function"], "settings": settings["settings"], "source": source}


def opened_batch(settings: dict[str, Any]) -> Callable[[list[str], list[str]], list[tuple[Any, ...]]]:
    """(ids, texts) -> rows. Whatever the function raises is raised."""
    function, type_name = _resolve(settings), settings["type"]
    kinds = {"double": (int, float), "int64": (int,), "bool": (bool,), "string": (str,)}[type_name]

    def rows(ids: list[str], texts: list[str]) -> list[tuple[Any, ...]]:
        values = list(function(texts, **settings["settings"]))
        if len(values) != len(texts):
            raise ValueError(f"{settings['function']} gave {len(values)} values for {len(texts)} texts")
        for value in values:
            if value is not None and (
                not isinstance(value, kinds) or (isinstance(value, bool) and type_name != "bool")
            ):
                raise TypeError(f"{settings['function']} gave {value!r:.80}, not a {type_name}")
        return [(float(v) if type_name == "double" and v is not None else v,) for v in values]

    return rows


def _resolve(settings: dict[str, Any]) -> Callable[..., Any]:
    where = f"signals.functions: {settings['function']}"
    module_name, _, name = settings["function"].partition(":")
    if settings["folder"] not in sys.path:
        sys.path.insert(0, settings["folder"])
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise RecipeError(f"{where}: cannot import {module_name}: {type(error).__name__}: {error}") from error
    function = getattr(module, name, None)
    if not callable(function) or getattr(module, "__file__", None) is None:
        raise RecipeError(f"{where}: {module_name} has no function {name}")
    return function  # type: ignore[no-any-return]
