"""What only a whole folder says: that it is a repository of programs, or a data set in a hub's layout."""

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

from headwater.errors import RecipeError
from headwater.sources.files import JSON_LINES, TABLES
from headwater.sources.hub_card import Card, data_files, read_card
from headwater.sources.huggingface import MAX_CARD
from headwater.sources.peek import Look, look
from headwater.sources.peek_content import PROJECTS, is_program

# Of the files of a repository, at least so many are programs; a folder of texts may lie in git as well.
PROGRAMS = 0.25
_KEYS = re.compile(
    r"(?m)^(?:configs|license|licence|language|dataset_info|task_categories|size_categories)\s{0,4}:"
)
_COLUMNS = (*JSON_LINES, *TABLES, ".json", ".txt")


@dataclass(frozen=True)
class DataSet:
    """A folder in a hub's layout, the config that is read of it, and those that are not."""

    top: Path
    config: str | None
    others: tuple[str, ...]
    split: str


def repositories(folder: Path, files: list[Path]) -> dict[Path, list[Path]]:
    """The repositories at or below a folder, the outermost only, each with its files."""
    below: dict[Path, list[Path]] = defaultdict(list)
    for path in files:
        for parent in path.parents:
            below[parent].append(path)
            if parent == folder:
                break
    marked = {path.parent for path in files if path.name in PROJECTS}
    marked |= {parent for parent in below if (parent / ".git").exists()}
    found: dict[Path, list[Path]] = {}
    for top in sorted(marked, key=lambda path: len(path.parts)):
        inside = below[top]
        programs = sum(is_program(path.name) for path in inside)
        if programs and programs >= PROGRAMS * len(inside) and found.keys().isdisjoint(top.parents):
            found[top] = inside
    return found


def looks_of_repository(top: Path, files: list[Path]) -> list[Look]:
    """Every file belongs to it: the reader gates what is no program and no prose. Sizes are those of programs."""
    return [
        Look(path, "code", size=path.stat().st_size if is_program(path.name) else 0, top=top)
        for path in files
    ]


def data_sets(files: list[Path]) -> dict[Path, Card]:
    """Folders whose README.md begins as the card of a data set does."""
    found = {}
    for path in files:
        if path.name == "README.md":
            try:
                with path.open("rb") as file:
                    head = file.read(MAX_CARD)
            except OSError:
                continue  # which is said where it is looked at by itself
            if not head.lstrip(b"\xef\xbb\xbf").startswith(b"---") or not _KEYS.search(
                head.decode("utf-8", "replace")
            ):
                continue
            try:
                found[path.parent] = read_card(head, str(path))
            except RecipeError:
                continue  # its files are looked at one by one
    return found


def looks_of_data_set(top: Path, card: Card, files: list[Path]) -> tuple[DataSet, list[Look]] | None:
    """The files of a data set's `train` split, or of all splits where there is none; the rest is left out. None where
    they are no rows of text, such as conversations, or the card names files that are not there."""
    config = card.default or next(iter(card.configs), None)
    names = {path.relative_to(top).as_posix(): path for path in files}
    try:
        splits = {
            split: chosen
            for split, chosen in data_files(sorted(names), card, config, str(top)).items()
            if chosen
        }
    except RecipeError:
        return None
    split = "train" if "train" in splits else "all"
    chosen = {name for part, members in splits.items() if split in (part, "all") for name in members}
    looks = {name: look(names[name]) for name in sorted(chosen)}
    if not looks or any(
        one.form not in ("text", "json", "jsonl", "csv", "tsv", "parquet", "arrow") for one in looks.values()
    ):
        return None
    if len({one.column for one in looks.values()}) > 1:
        return None
    # An explicit default needs no naming.
    named = config if config is not None and config != card.default and len(card.configs) > 1 else None
    others = tuple(name for name in card.configs if name != config)
    left_out = []
    for name, path in names.items():
        if name not in chosen:
            rows = path.suffix.lower() in _COLUMNS and path.name.lower() not in ("dataset_infos.json",)
            why = "another split or config of its data set" if rows else "about the data, not of it"
            left_out.append(Look(path, "", why))
    inside = [replace(one, form="huggingface", top=top) for one in looks.values()]
    return DataSet(top, named, others, split), [*inside, *left_out]
