"""A signal of the user's own: `module:function` in the recipe, called with a list of texts.

    signals: {functions: {vowels: {function: "my_signals:vowels", settings: {letters: aeiou}}}}

    def vowels(texts: list[str], letters: str) -> list[float | None]: ...

gives the column `vowels.value`. With `gpus: 1` (or a share of one) a cluster runs it where a GPU is free; `batch` texts
come at a time, and what the function keeps in its module stays for the next shard. The module is looked for in the
recipe's folder first, and each folder has its own: modules of one name in two recipes' folders are two modules. The
hash of its file is part of the key: an edited function measures anew (what it imports is not looked at; `settings` may
carry a version). An error costs the texts that it is raised for, one by one, and is kept in `errors`; None is a null
without an error.
"""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from headwater.engine.workspace import content_key
from headwater.errors import RecipeError
from headwater.signals import Signal

VERSION = 1
LIBRARIES: tuple[str, ...] = ()
PACKAGE = "headwater_functions_of_"  # and the hash of a folder: what a folder's modules are known under


def columns(settings: dict[str, Any]) -> tuple[Signal, ...]:
    """value."""
    return (Signal("value", settings["type"], f"what {settings['function']} says"),)


def depends(settings: dict[str, Any]) -> dict[str, Any]:
    """The function's name, its settings, the hash of its module's file."""
    from headwater.signals.families import content_of

    module, _ = _resolve(settings)
    source = content_of(Path(str(module.__file__)), settings["function"])
    return {"function": settings["function"], "settings": settings["settings"], "source": source}


def opened_batch(settings: dict[str, Any]) -> Callable[[list[str], list[str]], list[tuple[Any, ...]]]:
    """(ids, texts) -> rows. Whatever the function raises is raised."""
    (_, function), type_name = _resolve(settings), settings["type"]
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


def _resolve(settings: dict[str, Any]) -> tuple[ModuleType, Callable[..., Any]]:
    """The module and the function in it."""
    where = f"signals.functions: {settings['function']}"
    module_name, _, name = settings["function"].partition(":")
    try:
        module = _imported(module_name, Path(settings["folder"]).resolve())
    except Exception as error:
        raise RecipeError(f"{where}: cannot import {module_name}: {type(error).__name__}: {error}") from error
    function = getattr(module, name, None)
    if not callable(function) or getattr(module, "__file__", None) is None:
        raise RecipeError(f"{where}: {module_name} has no function {name}")
    return module, function


def _imported(name: str, folder: Path) -> ModuleType:
    """The module of that name in the folder, under a name that no other folder's has; else an installed one."""
    package = PACKAGE + content_key(str(folder))[:12]
    if (known := sys.modules.get(f"{package}.{name}")) is not None:
        return known
    others = [
        Path(module.__path__[0])
        for one, module in list(sys.modules.items())
        if one.startswith(PACKAGE) and "." not in one and one != package
    ]
    _put_first(folder, others)
    if package not in sys.modules:
        root = ModuleType(package)
        root.__path__ = [str(folder)]
        sys.modules[package] = root
    try:
        found = importlib.util.find_spec(f"{package}.{name}")
    except ModuleNotFoundError:
        found = None
    if found is not None and found.origin is not None:
        return importlib.import_module(f"{package}.{name}")
    module = importlib.import_module(name)
    if any(_lies_in(module, name, other) for other in others):
        raise ModuleNotFoundError(f"No module named {name!r}")
    return module


def _put_first(folder: Path, others: list[Path]) -> None:
    """Whatever the folder's modules import is looked for there first. What another recipe's folder has under the same
    name is forgotten: it stays with those that have imported it, and is imported anew for this one."""
    for name, module in list(sys.modules.items()):
        top = name.partition(".")[0]
        if top == __name__.partition(".")[0] or not any(_lies_in(module, name, other) for other in others):
            continue
        if (folder / f"{top}.py").is_file() or (folder / top).is_dir():
            del sys.modules[name]
    if str(folder) in sys.path:
        sys.path.remove(str(folder))
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()


def _lies_in(module: ModuleType, name: str, folder: Path) -> bool:
    """Whether that is how the folder's own module of this name is found."""
    file, top = getattr(module, "__file__", None), name.partition(".")[0]
    return file is not None and (
        Path(file) == folder / f"{top}.py" or Path(file).is_relative_to(folder / top)
    )
