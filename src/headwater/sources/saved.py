"""Folders that `datasets.save_to_disk` wrote: which Arrow files in them are the data, and of which split."""

import json
from pathlib import Path
from typing import Any

from headwater.errors import RecipeError


def saved_to_disk(folder: Path, source: str, split: str = "all") -> list[str]:
    """The Arrow files of a saved data set, or of the splits of a dictionary of them, relative to the folder; empty
    where it is none. RecipeError where rows were chosen but not written, or a split is not there."""
    splits = _json(folder / "dataset_dict.json").get("splits")
    if isinstance(splits, list):
        chosen = [name for name in splits if isinstance(name, str) and split in ("all", name)]
        if not chosen:
            raise RecipeError(
                f"source {source!r}: {folder} has no split {split!r}; it has {', '.join(map(str, splits))}"
            )
        return [
            f"{name}/{file}"
            for name in chosen
            if name not in ("", ".", "..") and "/" not in name
            for file in saved_to_disk(folder / name, source)
        ]
    state = _json(folder / "state.json")
    files = state.get("_data_files")
    if not isinstance(files, list):
        return []
    if state.get("_indices_data_files"):
        raise RecipeError(
            f"source {source!r}: {folder} holds a selection of its rows by their numbers; save it again after "
            "`flatten_indices()`"
        )
    names = [file.get("filename") for file in files if isinstance(file, dict)]
    return sorted(
        name for name in names if isinstance(name, str) and "/" not in name and (folder / name).is_file()
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes()) if path.is_file() and path.stat().st_size < 1 << 24 else {}
    except (ValueError, RecursionError, OSError):
        return {}
    return found if isinstance(found, dict) else {}
