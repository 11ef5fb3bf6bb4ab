"""Which files make which shard: the source's paths expanded, hashed, and dealt out.

A file above LARGE is a shard of its own; smaller ones share 32 buckets by a hash of their relative path, so that
10,000 tiny files are few shards and one more file touches one of them. A bucket that holds too many bytes or files is
split in two by the hash's next bit, and again, so that no shard of many files takes much longer than others. A shard's key names the content of its
files, the source's settings and the versions of what reads them. Hashes are kept in the workspace by path, size
and time, so that a second plan reads nothing.
"""

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path, PurePath
from typing import Any

import xxhash
from upath import UPath

from headwater.corpus import text as normalisation
from headwater.engine.stages import Task
from headwater.engine.workspace import Workspace, content_key, read_json, write_json
from headwater.errors import RecipeError
from headwater.recipe.settings import Holdout
from headwater.recipe.sources import BaseSource
from headwater.sources import listing
from headwater.sources.kinds import KINDS
from headwater.sources.places import Place, expand, is_remote
from headwater.sources.saved import saved_to_disk

LARGE = 8 << 20
BUCKETS = 32
BUCKET_BYTES, BUCKET_FILES = 512 << 20, 50_000  # more are split
FUNCTION = "headwater.sources.read:read_shard"
VERSION = 1


@dataclass(frozen=True)
class InputFile:
    path: Place
    relative: str  # to the source's root, with / between its parts; what ids are made from
    bytes: int
    # Nanoseconds: when content, name or times of the file changed last. Unlike the time of modification it cannot be
    # set, so that a file of the same length is not taken for its predecessor by a copy that keeps times.
    changed: int
    version: str = ""  # a store's name of the content; of a local file it is hashed


def plan(
    source: BaseSource,
    folder: Path,
    workspace: Workspace,
    *,
    holdout: Holdout,
    limit: int | None = None,
) -> list[Task]:
    """The source's shards, by name. `limit`: at most so many documents are read from each.

    RecipeError where a path does not exist or matches nothing.
    """
    files = input_files(source, folder)
    companions = {file.path: _companions(file, source) for file in files}
    hashes = _content_hashes([*files, *itertools.chain.from_iterable(companions.values())], workspace)
    contexts = _contexts(files, source)
    shards = deal(files)
    settings = source.model_dump(mode="json")
    kind = KINDS[source.kind]
    made_by: dict[str, Any] = {
        "settings": {name: value for name, value in settings.items() if name not in ("paths", "root")},
        "holdout": holdout.model_dump(mode="json"),
        "limit": limit,
        "versions": [VERSION, kind.version, getattr(normalisation, "VERSION", 1)],
        "libraries": {name: version(name) for name in kind.libraries},
    }
    if kind.model is not None:
        made_by["model"] = kind.model()
    if (urls := getattr(source, "urls", None)) is not None:
        settings["urls"] = urls.below(folder).model_dump(mode="json")
        lists = [_local_file(file, source.name) for file in urls.below(folder).files()]
        listed = _content_hashes(lists, workspace)
        made_by["lists"] = [listed[file.path] for file in lists]
    return [
        Task(
            shard,
            content_key(source.kind, made_by, _content(members, companions, hashes, contexts)),
            FUNCTION,
            {
                "files": [
                    {"path": str(file.path), "relative": file.relative, "bytes": file.bytes}
                    | ({"context": contexts[file.relative][0]} if contexts else {})
                    for file in members
                ],
                "source": settings,
                "holdout": holdout.model_dump(mode="json"),
                "limit": limit,
            },
            weight=sum(file.bytes for file in members),
        )
        for shard, members in sorted(shards.items())
    ]


def deal(files: list[InputFile]) -> dict[str, list[InputFile]]:
    """Shard -> its files, in the order given."""
    shards: dict[str, list[InputFile]] = {}
    for file in files:
        digest = _digest(file)
        name = f"f-{digest:016x}" if file.bytes > LARGE else f"b{digest % BUCKETS:02d}"
        shards.setdefault(name, []).append(file)
    return {
        name: some
        for shard, members in shards.items()
        for name, some in (_halves(shard, members, 0) if shard[0] == "b" else [(shard, members)])
    }


def _halves(name: str, files: list[InputFile], bit: int) -> Iterator[tuple[str, list[InputFile]]]:
    """The bucket, or its parts: `b05-0`, `b05-10`, `b05-11`, …"""
    small = len(files) <= BUCKET_FILES and sum(file.bytes for file in files) <= BUCKET_BYTES
    if small or bit == 32:
        yield name, files
        return
    for half in (0, 1):
        part = [file for file in files if (_digest(file) // BUCKETS >> bit) & 1 == half]
        if part:
            yield from _halves(f"{name}{'' if bit else '-'}{half}", part, bit + 1)


def _digest(file: InputFile) -> int:
    return xxhash.xxh3_64_intdigest(file.relative.encode("utf-8", "surrogateescape"))


def _contexts(files: list[InputFile], source: BaseSource) -> dict[str, tuple[dict[str, str]]]:
    """What else decides what each file's records say; empty for most kinds."""
    made = KINDS[source.kind].contexts
    if made is None:
        return {}
    context = made(source)
    return {file.relative: (context(file.path, file.relative),) for file in files}


def _content(
    members: list[InputFile],
    companions: dict[Place, list[InputFile]],
    hashes: dict[Place, str],
    contexts: dict[str, tuple[dict[str, str]]],
) -> list[list[Any]]:
    """What a shard is made from: its files, each with those that are read together with it and its context."""
    return [
        [
            file.relative,
            hashes[file.path],
            *(hashes[other.path] for other in companions[file.path]),
            *contexts.get(file.relative, ()),
        ]
        for file in members
    ]


def _companions(file: InputFile, source: BaseSource) -> list[InputFile]:
    beside = KINDS[source.kind].beside
    found: list[InputFile] = []
    for place in beside(file.path, source) if beside is not None else []:
        if isinstance(place, UPath):
            _, [remote] = expand(str(place), source.name)
            found.append(InputFile(place, place.name, remote.bytes, 0, remote.version))
        else:
            stat = place.stat()
            found.append(InputFile(place, place.name, stat.st_size, stat.st_ctime_ns))
    return found


def check_collisions(sources: dict[str, tuple[str, list[Task]]]) -> None:
    """Two sources must not yield one id: RecipeError names both where kind and relative path are the same."""
    seen: dict[tuple[str, str], tuple[str, str]] = {}
    for name, (kind, tasks) in sources.items():
        for task in tasks:
            for file in task.arguments["files"]:
                other, path = seen.setdefault((kind, file["relative"]), (name, file["path"]))
                if other != name:
                    raise RecipeError(
                        f"sources {other!r} and {name!r} would give the same ids: both hold {file['relative']} "
                        f"({path} and {file['path']}). Give them `root:` folders above both, so that the paths below "
                        "differ, or name the file in one source only"
                    )


# ---------------------------------------------------------------- paths


def input_files(source: BaseSource, folder: Path) -> list[InputFile]:
    """The files that a source's paths name, sorted by relative path. RecipeError names what may not be read."""
    try:
        return _input_files(source, folder)
    except PermissionError as error:
        problems = {Path(error.filename or folder): error.strerror or str(error)}
        raise RecipeError(listing.unreadable(source.name, problems)) from error


def _input_files(source: BaseSource, folder: Path) -> list[InputFile]:
    found: dict[str, InputFile] = {}
    for pattern in source.paths:
        special = KINDS[source.kind].expand
        listed = special(pattern, folder, source) if special is not None else None
        if listed is not None:
            for one in listed:
                _add(found, InputFile(one.place, one.relative, one.bytes, one.changed, one.version), source)
            continue
        root, files = (
            _expand_remote(pattern, source.name)
            if is_remote(pattern)
            else _expand_local(pattern, folder, source)
        )
        root = _root(source.root, folder) or root
        for path, size, modified, content in files:
            _add(found, InputFile(path, _relative(path, root, source.name), size, modified, content), source)
    return [file for _, file in sorted(found.items())]


def _add(found: dict[str, InputFile], file: InputFile, source: BaseSource) -> None:
    if found.setdefault(file.relative, file).path != file.path:
        raise RecipeError(
            f"source {source.name!r}: {found[file.relative].path} and {file.path} have the same path "
            f"{file.relative!r} below their globs; set `root:` to a folder above both"
        )


def _root(root: str | None, folder: Path) -> Place | None:
    if root is None or is_remote(root):
        return None if root is None else UPath(root)
    return (folder / Path(root).expanduser()).resolve()


def _expand_remote(pattern: str, name: str) -> tuple[Place, list[tuple[Place, int, int, str]]]:
    root, files = expand(pattern, name)
    return root, [(file.place, file.bytes, 0, file.version) for file in files]


def _expand_local(
    pattern: str, folder: Path, source: BaseSource
) -> tuple[Place, list[tuple[Place, int, int, str]]]:
    root, paths = _expand(pattern, folder, source)
    stats = [path.stat() for path in paths]
    return root, [(path, stat.st_size, stat.st_ctime_ns, "") for path, stat in zip(paths, stats, strict=True)]


def _expand(pattern: str, folder: Path, source: BaseSource) -> tuple[Path, list[Path]]:
    """A path or glob: what ids are relative to (its fixed prefix folder), and the files."""
    name, given = source.name, Path(pattern).expanduser()
    above, parts = listing.fixed(given)
    path = folder / given
    if not parts and not path.exists():
        path = folder / above
    if path.is_dir() and (saved := saved_to_disk(path, name)):
        return path.resolve(), [path.resolve() / below for below in saved]
    if path.is_file():
        root = path.parent.resolve()
        return root, [root / path.name]
    if path.is_dir():
        inside = sorted(child for child in path.rglob("*") if child.is_file())
        hint = f"{pattern.rstrip('/')}/**/*{''.join(inside[0].suffixes[-2:])}" if inside else ""
        raise RecipeError(
            f"source {name!r}: {path} is a folder; name the files in it, for example {hint}"
            if inside
            else f"source {name!r}: the folder {path} is empty; put files there or change `paths`"
        )
    if not parts:
        raise RecipeError(f"source {name!r}: there is no file {path} (`paths` says {pattern!r})")
    root = (folder / above).resolve()
    problems: listing.Problems = {}
    files = listing.matching(root, parts, problems)
    if source.kind == "code":  # a repository may well hold links that lead out of it
        problems = {place: why for place, why in problems.items() if why != listing.NOWHERE}
    if problems:
        raise RecipeError(listing.unreadable(name, problems))
    if not files:
        reason = "no file there matches" if root.is_dir() else f"there is no folder {root}"
        if root.is_dir() and not any(root.iterdir()):
            reason = f"the folder {root} is empty"
        raise RecipeError(f"source {name!r}: nothing matches {pattern!r} in {folder}: {reason}")
    return root, files


def _relative(path: Place, root: Place, name: str) -> str:
    if isinstance(path, UPath):
        below = str(root).rstrip("/") + "/"
        if not str(path).startswith(below):
            raise RecipeError(f"source {name!r}: {path} is not below its root {root}")
        return str(path).removeprefix(below)
    try:
        relative = path.relative_to(str(root))
    except ValueError:
        raise RecipeError(f"source {name!r}: {path} is not below its root {root}") from None
    return listing.shown(PurePath(relative).as_posix())


def _local_file(path: str, name: str) -> InputFile:
    """A list that the source's settings name."""
    try:
        stat = Path(path).stat()
    except OSError as error:
        raise RecipeError(
            f"source {name!r}: the list {path} cannot be read ({error.strerror}); `urls` names files that are there, "
            "relative to the recipe"
        ) from error
    return InputFile(Path(path), path, stat.st_size, stat.st_ctime_ns)


# ---------------------------------------------------------------- content


def take_unread(source: BaseSource, folder: Path, workspace: Workspace) -> None:
    """Takes the source's files for what path, size and time say, so that a plan in a workspace that is thrown away
    reads none of them."""
    cache = workspace.path / "inputs.json"
    known: dict[str, list[Any]] = read_json(cache) or {}
    for file in input_files(source, folder):
        if isinstance(file.path, UPath):
            continue  # a store's version says what it is
        name = listing.shown(file.path)
        known[name] = [file.bytes, file.changed, content_key("unread", name, file.bytes, file.changed)]
    write_json(cache, known)


def _content_hashes(files: list[InputFile], workspace: Workspace) -> dict[Place, str]:
    """sha256 of every file; `inputs.json` in the workspace holds those of files not changed since. Of a file in a
    store, the store's version."""
    cache = workspace.path / "inputs.json"
    known: dict[str, list[Any]] = read_json(cache) or {}
    hashes: dict[Place, str] = {}
    changed = False
    for file in files:
        if isinstance(file.path, UPath):
            hashes[file.path] = file.version
            continue
        name = listing.shown(file.path)
        state = [file.bytes, file.changed]
        entry = known.get(name)
        if entry is None or entry[:2] != state:
            try:
                with file.path.open("rb") as stream:
                    entry = [*state, hashlib.file_digest(stream, "sha256").hexdigest()]
            except PermissionError as error:
                raise RecipeError(
                    f"cannot read {name} ({error.strerror}); make it readable, or leave it out of `paths`"
                ) from error
            known[name] = entry
            changed = True
        hashes[file.path] = entry[2]
    if changed:
        write_json(cache, dict(sorted(known.items())))
    return hashes
