"""A recipe's families: the built-in ones, and those that are made of something of the user's (a model, a list, a
function, a file of scores).

A module of the second sort has `columns(settings)`, `depends(settings)` (JSON that names the content of what it
reads; raises RecipeError where that is not there) and one of `opened(settings)`, which gives a function from a text
to its row, or `opened_batch(settings)`, which gives one from ids and texts to their rows.
"""

import importlib
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import xxhash

from headwater.corpus import text as corpus_text
from headwater.engine.workspace import content_key
from headwater.errors import RecipeError
from headwater.recipe.signals import Signals
from headwater.signals import FAMILIES, NUMBERS, ON_REQUEST, Signal


@dataclass(frozen=True)
class Family:
    """`module`: its name below headwater.signals; `settings`: JSON, of which the key holds what they lead to;
    `languages`: of the documents that it is measured on, None for all."""

    name: str
    module: str
    settings: dict[str, Any] | None = field(default=None)
    languages: tuple[str, ...] | None = None

    @property
    def code(self) -> ModuleType:
        return importlib.import_module(f"headwater.signals.{self.module}")

    @property
    def columns(self) -> tuple[Signal, ...]:
        if self.settings is None:
            return FAMILIES[self.name]
        columns: tuple[Signal, ...] = self.code.columns(self.settings)
        return columns

    @property
    def key(self) -> str:
        """32 hex: whatever the numbers depend on besides the texts: version, columns, libraries, files of the user's."""
        columns = [(signal.name, signal.type) for signal in self.columns]
        libraries = {name: version(name) for name in self.code.LIBRARIES}
        parts = [
            self.name,
            self.code.VERSION,
            corpus_text.VERSION,
            columns,
            libraries,
            unicodedata.unidata_version,
        ]
        if self.settings is not None:
            parts += [self.module, self.code.depends(self.settings)]
        if self.languages is not None:
            parts += [self.languages, Family("language", "language").key]
        return content_key(*parts)

    @property
    def gpus(self) -> float:
        """What a task of it asks a cluster for; no part of the key."""
        return float((self.settings or {}).get("gpus", 0))

    @property
    def numbers(self) -> list[str]:
        """The signals that a rule may judge, as `family.signal`."""
        return [f"{self.name}.{signal.name}" for signal in self.columns if signal.type in NUMBERS]

    @property
    def arguments(self) -> dict[str, Any]:
        """What a shard function needs to find it again."""
        gate = {} if self.languages is None else {"languages": list(self.languages)}
        if self.settings is None:
            return {"family": self.name, **gate}
        return {"family": self.name, "module": self.module, "settings": self.settings, **gate}


def families_of_recipe(signals: Signals, folder: Path, asked_for: Collection[str] = ()) -> dict[str, Family]:
    """By name: those that the recipe names; else the built-in ones, of which some only where they are asked for.
    The recipe's own are always among them. RecipeError where a name is unknown or taken, or what a family needs is not there."""
    names = signals.families or [one for one in FAMILIES if one not in ON_REQUEST or one in asked_for]
    if unknown := sorted(set(names) - set(FAMILIES)):
        raise RecipeError(f"signals.families: no family {unknown[0]!r}; there are {', '.join(FAMILIES)}")
    families = {name: Family(name, name) for name in names}
    own = []
    if signals.perplexity is not None:
        own.append(("perplexity", Family("perplexity", "perplexity", {"folder": str(folder), **signals.perplexity.model_dump()})))  # fmt: skip
    for key, module in (("classifiers", "classifier"), ("word_lists", "word_list"), ("functions", "function"), ("scores", "scores")):  # fmt: skip
        for name, settings in getattr(signals, key).items():
            own.append((key, Family(name, module, {"folder": str(folder), **settings.model_dump()})))
    for key, family in own:
        if family.name in FAMILIES or family.name in families:
            raise RecipeError(f"signals.{key}: the name {family.name!r} is taken by another family; choose one of your own")  # fmt: skip
        family.code.depends(family.settings)  # what is missing is said before anything is read
        families[family.name] = family
    if signals.languages is not None:
        languages = tuple(sorted(set(signals.languages)))
        families = {
            name: family if name == "language" else replace(family, languages=languages)
            for name, family in families.items()
        }
    return families


def content_of(path: Path, where: str) -> str:
    """The hash of a file's content; RecipeError, which says `where` the recipe names it, if it cannot be read."""
    try:
        status = path.stat()
        return _hash(path, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise RecipeError(f"{where}: cannot read {path}: {error.strerror}") from error


@cache
def _hash(path: Path, size: int, changed: int) -> str:
    del size, changed  # of the file that was hashed
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)
    return digest.hexdigest()
