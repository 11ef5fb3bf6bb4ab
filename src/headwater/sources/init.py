"""A first recipe from whatever text is in a folder, as YAML with comments.

Files are grouped by subfolder and form; each group becomes a source of the kind that reads it. Repositories and data
sets in a hub's layout are sources as a whole. What cannot be read yet, and what was looked at and left out, is listed
with its count: nothing is passed over in silence. Paths are absolute, so that the recipe works from any folder.
Books named `Author_Title_Year` are split by author, versions of one article (`Banksy-adv`, `Banksy-ele`) by article,
rows without an author one by one, other files by file.
"""

import re
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

from headwater.engine.workspace import EVENTS
from headwater.errors import RecipeError
from headwater.recipe.sources import FilesSource
from headwater.sources.init_recipe import Group, ending, listed, named, render
from headwater.sources.listing import FOLDER, NOWHERE, Problems, escaped, files_below, fixed, shown
from headwater.sources.peek import EMPTY, Look, look
from headwater.sources.peek_folders import (
    DataSet,
    data_sets,
    looks_of_data_set,
    looks_of_repository,
    repositories,
)
from headwater.sources.shards import input_files
from headwater.sources.streams import bare_suffix

LISTED = 40  # files that are named one by one where a glob would take others with them
_NEVER_EMPTY = (".parquet", ".arrow", ".feather", ".epub", ".7z", ".zip", ".tar", ".tgz", ".tbz2", ".txz", ".tzst")  # fmt: skip
# A file called events.jsonl may be data; a workspace has one of these beside it.
_OF_WORKSPACES = frozenset(("lease.json", "inputs.json"))
_AUTHOR_TITLE_YEAR = re.compile(r"^[^_]+_.+_\d{3,4}$")
_VERSION = re.compile(r"^(.+)[-_]([^-_]{1,12})$")
# Of a kind whose units are known only once it is read: the recipe's unit (None: the kind's own), and why.
_UNITS = {
    "warc": (None, "the unit that is held out is the site (registered domain)"),
    "html": (None, "the unit that is held out is the site (registered domain)"),
    "news": (None, "the unit that is held out is the site (registered domain)"),
    "books": (None, "the unit that is held out is the author"),
    "papers": (None, "each paper is a unit of its own"),
    "dialogue": (None, "each conversation is a unit of its own"),
    "forum": (None, "each thread is a unit of its own"),
    "wikipedia": (None, "each page is a unit of its own"),
}


def init(folder: Path) -> str:
    """The recipe's text. RecipeError where the folder is missing, empty, or holds nothing that can be read."""
    folder = folder.expanduser()
    if not folder.is_dir():
        raise RecipeError(
            f"{folder} is {'a file' if folder.exists() else 'not there'}; init takes a folder of texts"
        )
    folder = folder.resolve()
    files, passed = _files(folder)
    if not files and not passed:
        raise RecipeError(f"the folder {shown(folder)} is empty; put texts there first")
    looks, sets = _looks(folder, files)
    left_out = [*(file for file in looks if not file.form), *passed]
    groups = _groups(folder, [file for file in looks if file.form], left_out, sets)
    if not groups:
        raise RecipeError(
            "\n".join([f"nothing in {shown(folder)} can be read yet:", *listed(folder, left_out)])
        )
    return render(folder, groups, left_out)


def _files(folder: Path) -> tuple[list[Path], list[Look]]:
    """Every file but hidden ones; and what is not gone into: workspaces, and what cannot be listed."""
    problems: Problems = {}
    files: list[Path] = []
    workspaces: list[Path] = []
    for place, inside in files_below(folder, problems):
        if not workspaces or not place.is_relative_to(workspaces[-1]):
            names = {path.name for path in inside}
            if EVENTS in names and not names.isdisjoint(_OF_WORKSPACES):
                workspaces.append(place)
            else:
                files += inside
    passed = [Look(place, "", "a workspace of Headwater's") for place in workspaces]
    passed += [
        Look(place, "", why if why in (NOWHERE, FOLDER) else f"cannot be read ({why})")
        for place, why in sorted(problems.items())
        if not any(place.is_relative_to(one) for one in workspaces)
    ]
    return sorted(files), passed


def _looks(folder: Path, files: list[Path]) -> tuple[list[Look], dict[Path, DataSet]]:
    """Repositories and data sets as a whole, every other file by itself."""
    looks: list[Look] = []
    taken: set[Path] = set()
    sets: dict[Path, DataSet] = {}
    for top, card in data_sets(files).items():
        inside = [path for path in files if path.is_relative_to(top) and path not in taken]
        if (found := looks_of_data_set(top, card, inside)) is not None:
            sets[top] = found[0]
            looks += found[1]
            taken.update(inside)
    for top, inside in repositories(folder, [path for path in files if path not in taken]).items():
        looks += looks_of_repository(top, inside)
        taken.update(inside)
    looks += [look(path) for path in files if path not in taken]
    return sorted(looks, key=lambda file: file.path), sets


# ---------------------------------------------------------------- groups


def _groups(folder: Path, looks: list[Look], left_out: list[Look], sets: dict[Path, DataSet]) -> list[Group]:
    by_key: dict[tuple[str, str, str | None, str], list[Look]] = defaultdict(list)
    for file in looks:
        parts = file.path.relative_to(folder).parts
        own = str(file.top) if file.form == "huggingface" else ""
        by_key[parts[0] if len(parts) > 1 and file.top != folder else "", file.form, file.column, own].append(
            file
        )
    groups: list[Group] = []
    names: set[str] = set()
    for (subfolder, form, column, own), members in sorted(by_key.items(), key=lambda item: str(item[0])):
        base = Path(own).name if own else subfolder or folder.name
        extras = ("", form, column or "", *map(str, range(2, 1000)))
        name = next(name for extra in extras if (name := named(base, extra)) not in names)
        names.add(name)
        if form == "huggingface":
            groups.append(_data_set(name, members, sets[Path(own)]))
            continue
        if form == "code":
            groups.append(_code(name, folder, members))
            continue
        inside = set(members)
        others = [file for file in looks if file not in inside]
        paths = _paths(folder, subfolder, members, others, left_out)
        unit, note, units = _unit(form, members)
        groups.append(Group(name, form, tuple(members), paths, unit, note, units))
    return [_with_units(group, folder) for group in _rooted(groups, folder)]


def _data_set(name: str, members: list[Look], found: DataSet) -> Group:
    settings = []
    if found.config is not None:
        settings.append(f"config: {found.config!r}  # others: {', '.join(found.others)}")
    if found.split != "train":
        settings.append(f"split: {found.split}  # it has no split that is called train")
    author = any(file.author for file in members)
    unit = None if author else "{by: document}"
    note = "the unit that is held out is the author" if author else "each row is a unit of its own"
    paths = (escaped(str(found.top)),)
    return Group(name, "huggingface", tuple(members), paths, unit, note, frozenset(), tuple(settings))


def _code(name: str, folder: Path, members: list[Look]) -> Group:
    tops = sorted({file.top for file in members if file.top is not None})
    if len(tops) == len({file.top for file in members}) == 1 and tops[0] is not None:
        unit, note = "{by: path}", "one repository, so that its files are held out one by one"
    else:
        unit, note = None, "the unit that is held out is the repository"
    loose = [str(file.path) for file in members if file.top is None]  # archives and rows
    paths = (*(f"{escaped(str(top))}/**/*" for top in tops), *map(escaped, loose))
    units = (
        frozenset(shown(top.relative_to(folder)) for top in tops)
        if len(tops) > 1 and not loose
        else frozenset()
    )
    root = (folder.parent if folder in tops else folder) if tops else None
    return Group(name, "code", tuple(members), paths, unit, note, units, root=root)


def _paths(
    folder: Path, subfolder: str, members: list[Look], others: list[Look], left_out: list[Look]
) -> tuple[str, ...]:
    """A glob for each extension; or the files themselves where a glob would take in files of another source."""
    base = folder / subfolder
    globs = []
    for end in sorted({ending(file.path) for file in members}):
        same = [file.path for file in members if ending(file.path) == end]
        deep = any(path.parent != base for path in same)
        above = escaped(str(base)) + ("/**/*" if deep else "/*")
        held = _beside(others, base, deep)
        rest = _beside([file for file in left_out if not _empty(file)], base, deep)
        common = _common_ending(same)
        if deep and len(same) <= LISTED and _barred(left_out, base):
            globs += [escaped(path) for path in same]
        elif end and not any(name.endswith(end) for name in (*held, *rest)):
            globs.append(above + escaped(end))
        elif common != end and not any(name.endswith(common) for name in (*held, *rest)):
            globs.append(above + escaped(common))
        elif len({path.name for path in same}) == 1 < len(same) and same[0].name not in (*held, *rest):
            globs.append(above[:-1] + escaped(same[0].name))
        elif end and len(same) > LISTED and not any(name.endswith(end) for name in held):
            globs.append(above + escaped(end))  # what is not read there is gated and counted
        else:
            globs += [escaped(str(path)) for path in same]
    return tuple(globs)


def _barred(left_out: list[Look], base: Path) -> bool:
    """Whether a glob through the folders would meet one that cannot be listed, which a recipe refuses."""
    return any(
        file.why.startswith("cannot be read") and file.path.is_relative_to(base) and not file.path.is_file()
        for file in left_out
    )


def _empty(file: Look) -> bool:
    """Whether a glob may take it in: its reader gates it, or finds no row in it."""
    return file.why == EMPTY and ending(file.path).lower() == bare_suffix(file.path) not in _NEVER_EMPTY


def _beside(files: list[Look], base: Path, deep: bool) -> set[str]:
    return {
        file.path.name
        for file in files
        if (file.path.is_relative_to(base) if deep else file.path.parent == base)
    }


def _common_ending(paths: list[Path]) -> str:
    """What all names end in, from a dot on: `.raw.txt.gz`."""
    backwards = [path.name[::-1] for path in paths]
    first, last = min(backwards), max(backwards)
    same = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    common = first[:same][::-1]
    return common[common.find(".") :] if "." in common and len(paths) > 1 else ending(paths[0])


def _stem(path: Path) -> str:
    return shown(path.name.removesuffix(ending(path)) if ending(path) else path.name)


def _rooted(groups: list[Group], folder: Path) -> list[Group]:
    """With a `root` for every source of a kind, where without it two files would have the same path below theirs."""
    by_kind: dict[str, list[Group]] = defaultdict(list)
    for group in groups:
        by_kind[group.kind].append(group)
    clash = {kind for kind, members in by_kind.items() if kind != "huggingface" and _clash(members)}
    return [
        replace(group, root=folder) if group.kind in clash and group.root is None else group
        for group in groups
    ]


def _clash(groups: list[Group]) -> bool:
    seen: set[str] = set()
    for group in groups:
        for path in {file.path for file in group.looks}:
            relative = next(
                shown(path.relative_to(root))
                for root in map(_fixed, group.paths)
                if path.is_relative_to(root)
            )
            if relative in seen:
                return True
            seen.add(relative)
    return False


def _fixed(pattern: str) -> Path:
    """The folder that ids are relative to where no `root` is given."""
    above, parts = fixed(Path(pattern))
    return above if parts else above.parent


# ---------------------------------------------------------------- units


def _unit(form: str, members: list[Look]) -> tuple[str | None, str, frozenset[str]]:
    """The source's `unit`, why, and the units that it gives, where names tell."""
    if form in _UNITS:
        return *_UNITS[form], frozenset()
    if form != "text":
        if any(file.author for file in members):
            return None, "the unit that is held out is the author", frozenset()
        return "{by: document}", "no author is named, so each row is a unit of its own", frozenset()
    stems = [_stem(file.path) for file in members]
    if len(stems) > 1 and sum(_AUTHOR_TITLE_YEAR.match(stem) is not None for stem in stems) >= 0.8 * len(
        stems
    ):
        units = frozenset(stem.partition("_")[0] for stem in stems)
        return (
            "{by: path, pattern: '([^/_]+)_[^/]*$'}",
            "names are Author_Title_Year: split by author, not by book",
            units,
        )
    matches = [match for stem in stems if (match := _VERSION.match(stem))]
    texts = Counter(match[1] for match in matches)
    endings = {match[2].lower() for match in matches}
    if len(endings) <= 8 and sum(n for n in texts.values() if n > 1) >= 0.8 * len(stems) > 2:
        note = f"versions of one text ({', '.join(sorted(endings))}) stay together"
        return "{by: path, pattern: '([^/]+)[-_][^-_/]+$'}", note, frozenset(texts)
    return None, "the unit that is held out is the file", frozenset()


def _with_units(group: Group, folder: Path) -> Group:
    """Of texts that are split by file, the paths that name their units."""
    if group.form != "text" or group.unit is not None:
        return group
    root = str(group.root) if group.root is not None else None
    source = FilesSource(name=group.name, kind="files", paths=list(group.paths), root=root)
    return replace(group, units=frozenset(file.relative for file in input_files(source, folder)))
