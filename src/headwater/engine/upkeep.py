"""Upkeep of a workspace: re-hash what was committed, free what no recipe needs."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.engine.local_copy import ENTRY_SUFFIX
from headwater.engine.workspace import EVENTS, MANIFEST, SEAL, Workspace, file_hash, read_json
from headwater.errors import HeadwaterError

# what is never freed: it was dear, is small, and says what was found
RESULTS = ("comparisons", "task-scores", "results")
NAMED = (
    "tasks",
    "finetunings",
    "tested",
    "label-curves",
)  # whose folders a record in results/ names, if it needs them


def verify(workspace: Workspace) -> tuple[int, list[str]]:
    """Re-hashes every committed file: (files checked, one line for each that is missing or changed)."""
    checked = 0
    problems: list[str] = []
    for path, file in _committed(workspace, problems):
        checked += 1
        if not path.is_file():
            problems.append(f"{path}: missing")
        elif path.stat().st_size != file["bytes"] or file_hash(path) != file["xxh3"]:
            problems.append(f"{path}: changed since it was committed")
    if workspace.store is not None:
        problems += workspace.store.damaged()
    return checked, problems


def _committed(workspace: Workspace, problems: list[str]) -> Iterator[tuple[Path, dict[str, Any]]]:
    for entry_path in sorted(workspace.path.rglob(f"*{ENTRY_SUFFIX}")):
        record = read_json(entry_path)
        if record is None:
            problems.append(f"{entry_path}: the entry cannot be read")
            continue
        shard = entry_path.name.removesuffix(ENTRY_SUFFIX)
        for suffix, file in record["files"].items():
            yield entry_path.parent / f"{shard}.{suffix}", file
    for seal_path in sorted(workspace.path.rglob(SEAL)):
        record = read_json(seal_path)
        if record is None:
            problems.append(f"{seal_path}: the seal cannot be read")
            continue
        for name, file in record.items():
            yield seal_path.parent / name, file


@dataclass(frozen=True)
class Unneeded:
    """Something that can go: a stage's folder, a run, a file that was never committed."""

    path: Path
    bytes: int
    why: str


def unneeded(workspace: Workspace) -> list[Unneeded]:
    """What no recipe of `recipes/` and no result of `results/` needs, by path. A recipe whose file there is deleted needs
    nothing any more.

    Only what this workspace has made: what else lies in its folder (`workspace: .`), another workspace among it, stays.
    Raises HeadwaterError for a folder that nothing was ever made in.
    """
    _refuse_other(workspace)
    needed = _of_results(workspace)
    for path in sorted((workspace.path / "recipes").rglob("*.json")):
        needed |= set((read_json(path) or {}).get("stages", ()))
    found = [
        Unneeded(folder, _size(folder), "no result names it")
        for room in NAMED
        for folder in sorted((workspace.path / room).glob("[!.]*"))
        if folder.is_dir() and f"{room}/{folder.name}" not in needed
    ]
    folders = {path.parent for path in workspace.path.rglob(MANIFEST) if _is_stage(path, workspace)}
    folders |= {
        path.parent
        for path in workspace.path.rglob(f"*{ENTRY_SUFFIX}")
        if not _of_another(path.parent, workspace)
    }
    folders |= {
        path
        for kind in ("runs", "training-sets", "earlier")
        for path in (workspace.path / kind).glob("[!.]*")
    }
    for folder in sorted(folders):
        name = str(folder.relative_to(workspace.path))
        if name.partition("/")[0] in RESULTS + NAMED:
            continue
        if name not in needed:
            found.append(Unneeded(folder, _size(folder), "no recipe needs it"))
        elif (folder / MANIFEST).is_file():
            found += _orphans(folder)
    gone = {one.path for one in found}
    for path in sorted(workspace.path.rglob(".*.tmp")):
        if not gone.intersection(path.parents) and not _of_another(path.parent, workspace):
            found.append(Unneeded(path, _size(path), "never finished"))
    return found


def _refuse_other(workspace: Workspace) -> None:
    """HeadwaterError where no command has written an event: a project's folder, say, named in the place of its workspace."""
    logs = (workspace.path / EVENTS, workspace.path / "events" / "000001.jsonl")
    if workspace.store is None and not any(log.is_file() for log in logs):
        inside = sorted(path.parent for path in workspace.path.glob(f"*/{EVENTS}"))
        hint = f"; did you mean {inside[0]}?" if inside else ""
        raise HeadwaterError(f"{workspace.path} is no workspace: nothing was ever made in it{hint}")


def _is_stage(manifest: Path, workspace: Workspace) -> bool:
    """Whether it is the manifest of the stage that lies there: others write files of this name too."""
    record = read_json(manifest)
    name = record.get("stage") if isinstance(record, dict) else None
    return name == manifest.parent.relative_to(workspace.path).as_posix()


def _of_another(folder: Path, workspace: Workspace) -> bool:
    """Whether a workspace inside this one holds the folder."""
    between = [folder, *folder.parents][: len(folder.relative_to(workspace.path).parts)]
    return any((place / EVENTS).is_file() for place in between)


def _of_results(workspace: Workspace) -> set[str]:
    """Folders of the workspace that records in results/ name: what was trained and tested, and the run it came from."""
    needed: set[str] = set()
    for path in (workspace.path / "results").glob("*/*.json"):
        record = read_json(path) or {}
        if "folders" not in record:  # written by an earlier version: what it needs is not known
            needed |= {
                f"{room}/{one.name}" for room in NAMED for one in (workspace.path / room).glob("[!.]*")
            }
        needed |= set(record.get("folders", ()))
    return needed


def _orphans(folder: Path) -> list[Unneeded]:
    """Files of shards that are not in the stage's manifest: another recipe's older ones, or what a kill has left."""
    manifest = read_json(folder / MANIFEST)
    if manifest is None or "shards" not in manifest:
        return []
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")]
    known = {MANIFEST, SEAL, *(f"{shard}{ENTRY_SUFFIX}" for shard in manifest["shards"])}
    for shard in manifest["shards"]:
        record = read_json(folder / f"{shard}{ENTRY_SUFFIX}") or {"files": {}}
        known |= {f"{shard}.{suffix}" for suffix in record["files"]}
    return [Unneeded(path, _size(path), "in no manifest") for path in files if path.name not in known]


def _size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(inner.stat().st_size for inner in path.rglob("*") if inner.is_file())


def free(workspace: Workspace, things: list[Unneeded] | None = None) -> list[Unneeded]:
    """Removes them, or all that is unneeded once no other run is at work; returns what was removed."""
    _refuse_other(workspace)  # before a lease, which removes what a killed run has left
    with workspace.lease():
        things = unneeded(workspace) if things is None else things
        for one in things:
            if one.path.is_dir():
                shutil.rmtree(one.path)
            else:
                one.path.unlink(missing_ok=True)
        workspace.event("gc", freed=[str(one.path.relative_to(workspace.path)) for one in things])
        if workspace.store is not None:
            workspace.store.commit()
            workspace.store.collect()
    return things
