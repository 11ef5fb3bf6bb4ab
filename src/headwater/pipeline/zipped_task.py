"""A data set in an archive, `cola_public.zip` or `cola_public.zip/cola_public/raw`: its files, unpacked once into the cache.

What an archive may hold is what a source may (sources/archives.py): no path that leads out, no link, no bomb; a member
may have what a file of a data set may. A member that is refused is an error, since half a data set is none.
"""

import os
import re
import shutil
from pathlib import Path, PurePosixPath

from headwater.engine.store import cache_folder
from headwater.engine.workspace import file_hash
from headwater.errors import RecipeError
from headwater.sources.archives import Member, is_archive, members
from headwater.sources.records import Quarantined
from headwater.tasks.records import LONGEST_FILE, harmless, suffix_of


def archive_in(place: str) -> tuple[Path, str] | None:
    """(archive, folder in it) of such a place; None where it names none."""
    for path in (Path(place), *Path(place).parents):
        if path.is_file():
            inside = Path(place).relative_to(path).as_posix()
            return (path, "" if inside == "." else inside) if is_archive(path) else None
    return None


def folder_of(archive: Path, inside: str) -> Path:
    """The folder of the data set's files. Raises RecipeError where there is none, or several and none is named."""
    root = cache_folder() / "tasks-of-archives" / file_hash(archive)[:16]
    if not root.is_dir():
        _unpack(archive, root)
    folders = sorted({path.parent.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()})
    chosen = [name for name in folders if not inside or name == inside or name.startswith(f"{inside}/")]
    shown = ", ".join(harmless(name) for name in folders[:5])
    if not chosen:
        problem = (
            f"has no folder {harmless(inside)} with files of a data set; it has {shown}"
            if folders
            else "holds no file of a data set"
        )
        raise RecipeError(f"{archive}: {problem}")
    if len(chosen) > 1:
        raise RecipeError(
            f"{archive}: holds files of data sets in several folders ({shown}); name one: --task {archive}/{harmless(chosen[0])}"
        )
    return root / chosen[0]


def _unpack(archive: Path, root: Path) -> None:
    temporary = root.with_name(f".{root.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        for one in members(archive, _is_of_a_data_set, LONGEST_FILE):
            if isinstance(one, Quarantined):
                raise RecipeError(f"{archive}: {one.reason}: {harmless(one.detail)}")
            if isinstance(one, Member):
                path = temporary / re.sub(r"[\x00-\x1f\\]", "_", one.name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(one.data)
        try:
            temporary.rename(root)
        except OSError:  # another process was first
            if not root.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _is_of_a_data_set(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return not hidden and bool(suffix_of(Path(path.name))) and not path.stem.lower().startswith("readme")
