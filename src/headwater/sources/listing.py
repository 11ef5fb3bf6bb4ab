"""What a folder holds, for globs and for `init`. As glob.glob finds it, but what cannot be listed is said.

glob.glob and Path.rglob pass over a folder that may not be read and a link that leads nowhere, without a word. Here
they go into `problems`: place -> why. Only fsck's `lost+found`, which nobody but root may list, is no problem.
A part of a pattern whose only magic is escaped (`[[]1]`) is the name itself.
"""

import fnmatch
import glob
import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

Problems = dict[Path, str]
NOWHERE = "a link that leads nowhere"
FOLDER = "a link to a folder, which is not followed"
_ESCAPED = re.compile(r"\[([*?[])\]")
_ODD = re.compile("[\udc80-\udcff]")  # bytes that are no UTF-8, as Python holds them in a name


def shown(name: Path | str) -> str:
    """A name for people: bytes in it that are no UTF-8 as \\xNN."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def escaped(name: Path | str) -> str:
    """The pattern that a name is; a byte that is no UTF-8, which no recipe can hold, is `?`."""
    return _ODD.sub("?", glob.escape(str(name)))


def fixed(pattern: Path) -> tuple[Path, tuple[str, ...]]:
    """The parts before the first that is a pattern, as they are called, and the others."""
    parts = pattern.parts
    first = next((n for n, part in enumerate(parts) if glob.has_magic(_ESCAPED.sub("", part))), len(parts))
    return Path(*(_ESCAPED.sub(r"\1", part) for part in parts[:first])), parts[first:]


def matching(folder: Path, parts: Sequence[str], problems: Problems) -> list[Path]:
    """The files below a folder that a pattern's parts name, sorted. Hidden ones only where a part begins with a dot."""
    return sorted(set(_matching(folder, tuple(parts), problems)))


def files_below(folder: Path, problems: Problems) -> Iterator[tuple[Path, list[Path]]]:
    """Every folder and its files, none of them hidden; links to folders are not followed and count as problems."""
    files, inside = [], []
    for entry in _entries(folder, problems):
        path = folder / entry.name
        if entry.name.startswith("."):
            continue
        kind = _kind(path, problems)
        if kind == "folder" and entry.is_symlink():
            problems[path] = FOLDER
        elif kind == "folder":
            inside.append(path)
        elif kind == "file":
            files.append(path)
    yield folder, files
    for path in inside:
        yield from files_below(path, problems)


def unreadable(name: str, problems: Problems) -> str:
    """What is said of a source where a glob met what cannot be read, so that nothing is left out in silence."""
    told = [f"{shown(place)} ({why})" for place, why in sorted(problems.items())]
    more = f" and {len(told) - 3:,} more" if len(told) > 3 else ""
    return (
        f"source {name!r}: cannot read {', '.join(told[:3])}{more}; make it readable, or let `paths` name only what "
        "is to be read"
    )


def _matching(folder: Path, parts: tuple[str, ...], problems: Problems) -> Iterator[Path]:
    part, rest = parts[0], parts[1:]
    if part == "**":
        for below in _folders(folder, problems, frozenset()):
            yield from _matching(below, rest or ("*",), problems)
        return
    if glob.has_magic(part):
        names = fnmatch.filter([entry.name for entry in _entries(folder, problems)], part)
        found = [folder / name for name in names if part.startswith(".") or not name.startswith(".")]
    else:
        found = [folder / part]
    for path in found:
        kind = _kind(path, problems)
        if rest and kind == "folder":
            yield from _matching(path, rest, problems)
        elif not rest and kind == "file":
            yield path


def _folders(folder: Path, problems: Problems, above: frozenset[tuple[int, int]]) -> Iterator[Path]:
    """The folder and all below it, through links as well; one that lies in itself is not gone through again."""
    try:
        state = folder.stat()
    except OSError:
        return  # it was there when its name was read
    if (here := (state.st_dev, state.st_ino)) in above:
        return
    yield folder
    for entry in _entries(folder, problems):
        if not entry.name.startswith(".") and _is_folder(entry):
            yield from _folders(folder / entry.name, problems, above | {here})


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # what it is, is asked where its name matches


def _entries(folder: Path, problems: Problems) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        if folder.name != "lost+found":
            problems[folder] = error.strerror or str(error)
        return []


def _kind(path: Path, problems: Problems) -> str:
    """`file`, `folder`, or nothing."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            problems[path] = NOWHERE
        return ""
    except OSError as error:
        problems[path] = error.strerror or str(error)
        return ""
    return "file" if stat.S_ISREG(mode) else "folder" if stat.S_ISDIR(mode) else ""
