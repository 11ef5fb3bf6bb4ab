"""`hf://org/name`, or `hf://` and a folder in a hub's layout: the files of each split, as kind `huggingface` finds them.

Files of a hub are fetched once into the user's cache, under a name that holds the commit.
"""

import os
from pathlib import Path

from upath import UPath

from headwater.errors import RecipeError
from headwater.recipe.sources import HuggingfaceSource
from headwater.sources.huggingface import expand
from headwater.sources.places import Place, open_binary
from headwater.tasks.task import SPLITS


def files_of(place: str) -> dict[str, list[Path]]:
    """{split: files}. Raises RecipeError where there is no split."""
    name = place.removeprefix("hf://")
    folder = Path(name).expanduser()
    pattern = str(folder.resolve()) if folder.is_dir() else f"hf://datasets/{name.removeprefix('datasets/')}"
    found: dict[str, list[Path]] = {}
    problem = f"{place}: holds no file"
    for split in SPLITS:
        source = HuggingfaceSource.model_validate(
            {"name": "task", "kind": "huggingface", "paths": [pattern], "split": split}
        )
        try:
            listed = expand(pattern, Path(), source)
        except RecipeError as error:
            problem = str(error)
            continue
        if listed:
            found[split] = [_here(one.place) for one in listed]
    if not found:
        raise RecipeError(problem)
    return found


def _here(place: Place) -> Path:
    """The file itself, or its copy in the cache."""
    if not isinstance(place, UPath) or place.protocol in ("", "file"):
        return Path(str(place))
    cache = Path(os.environ.get("HEADWATER_CACHE") or Path.home() / ".cache" / "headwater")
    final = cache / "tasks-of-hubs" / str(place).partition("://")[2]
    if not final.is_file():
        final.parent.mkdir(parents=True, exist_ok=True)
        temporary = final.with_name(f".{final.name}.{os.getpid()}.tmp")
        with open_binary(place) as theirs, temporary.open("wb") as ours:
            while block := theirs.read(1 << 20):
                ours.write(block)
        temporary.replace(final)
    return final
