"""The local copy of a workspace in a store: which of its files were here when they were last looked at.

What is known is kept in `.store.jsonl`, a line for each commit: what it changed. So a process that opens the copy reads
none of the files, and one that commits reads those that differ from what is known.

    {"number": 12, "looked": 1767225600000000000, "files": {path: [bytes, time of change, *content]}, "absent":
    {path: content}, "gone": [path]}
"""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

from headwater.engine.contents import Content, Known, State

STATE = ".store.jsonl"
ENTRY_SUFFIX = ".entry.json"
LOCAL_ONLY = ("lease.json", "tmp")
# A file that was changed shortly before it was looked at may have been changed again with the same size at the same
# tick of the clock.
SETTLES = 1_000_000_000

T = TypeVar("T")


class ByFolder(Generic[T]):
    """Values by path, kept folder by folder."""

    def __init__(self) -> None:
        self.folders: dict[str, dict[str, T]] = {}

    def get(self, path: str) -> T | None:
        folder, _, name = path.rpartition("/")
        return self.folders.get(folder, {}).get(name)

    def __setitem__(self, path: str, value: T) -> None:
        folder, _, name = path.rpartition("/")
        self.folders.setdefault(folder, {})[name] = value

    def pop(self, path: str) -> None:
        folder, _, name = path.rpartition("/")
        self.folders.get(folder, {}).pop(name, None)

    def items(self) -> Iterator[tuple[str, T]]:
        for folder, inside in list(self.folders.items()):
            for name, value in list(inside.items()):
                yield joined(folder, name), value

    def below(self, folder: str) -> list[str]:
        """The paths below a folder."""
        return [
            joined(one, name)
            for one, inside in list(self.folders.items())
            if one == folder or one.startswith(f"{folder}/")
            for name in list(inside)
        ]


class LocalCopy:
    """The files of a local copy in `folder`. `files`: those that are here; `absent`: those that are in the store only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.number = 0  # the manifest that it was last the same as
        self.looked = 0  # Unix time in nanoseconds, when it was
        self.files: ByFolder[Known] = ByFolder()
        self.absent: ByFolder[Content] = ByFolder()
        self.lines = 0
        self._listed: dict[
            str, int
        ] = {}  # folders of shards that have not changed since -> their time of change
        self._load()

    def state(self, path: str) -> State | None:
        try:
            stat = os.stat(f"{self.folder}/{path}")  # noqa: PTH116 - quick: of many files
        except FileNotFoundError:
            return None
        return stat.st_size, stat.st_mtime_ns

    def states(self) -> dict[str, dict[str, State]]:
        """Every file under its final name, by folder and name."""
        return {folder: inside for folder, _, inside in self._walk("", skip=lambda folder: False)}

    def changed(self, told: set[str] | None) -> list[str]:
        """Files that are not known to be what they were: new, of another size or time of change, changed too shortly
        before they were looked at, or no more. With `told`, folders that are spoken for by whoever changes them, these
        are not looked into, nor are folders of shards in which nothing was created, renamed or removed."""
        found: list[str] = []
        settled = self.looked - SETTLES

        def skip(folder: str) -> bool:
            if told is None:
                return False
            return folder in told or self._listed.get(folder) == _time_of_change(f"{self.folder}/{folder}")

        now, visited = time.time_ns(), set[str]()
        for folder, listed, inside in self._walk("", skip):
            visited.add(folder)
            known = self.files.folders.get(folder, {})
            prefix = f"{folder}/" if folder else ""
            for name, state in inside.items():
                before = known.get(name)
                if before is None or before.state != state or state[1] >= settled:
                    found.append(prefix + name)
            found += [prefix + name for name in list(known) if name not in inside]
            if listed < now - SETTLES and any(name.endswith(ENTRY_SUFFIX) for name in inside):
                self._listed[folder] = listed
        for folder, names in list(self.files.folders.items()):
            if names and folder not in visited and not (self.folder / folder).is_dir():
                found += [joined(folder, name) for name in list(names)]
        return found

    def _walk(self, folder: str, skip: Any) -> Iterator[tuple[str, int, dict[str, State]]]:
        """Each folder, the time of its last change before it was listed, and the files in it."""
        place = f"{self.folder}/{folder}" if folder else str(self.folder)
        listed, inside, folders = _time_of_change(place), dict[str, State](), list[str]()
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    name = entry.name
                    if name[0] == "." or name in LOCAL_ONLY:
                        continue
                    if entry.is_dir():
                        folders += [name] if not entry.is_symlink() else []
                        continue
                    try:
                        stat = entry.stat()
                    except FileNotFoundError:
                        continue
                    inside[name] = stat.st_size, stat.st_mtime_ns
        except FileNotFoundError:
            return
        yield folder, listed, inside
        for name in sorted(folders):
            below = joined(folder, name)
            if not skip(below):
                yield from self._walk(below, skip)

    # ------------------------------------------------------------ what is known, from process to process

    def keep(self, number: int, looked: int) -> None:
        """Writes all that is known."""
        self.number, self.looked, self.lines = number, looked, 1
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / f"{STATE}.tmp"
        files, absent = dict(self.files.items()), dict(self.absent.items())
        temporary.write_text(self._line(files, absent, []), encoding="utf-8")
        temporary.replace(self.folder / STATE)

    def keep_more(self, number: int, looked: int, changed: list[str]) -> None:
        """Writes what is known of these files, which a commit has changed."""
        self.number, self.looked, self.lines = number, looked, self.lines + 1
        files = {path: one for path in changed if (one := self.files.get(path)) is not None}
        absent = {path: content for path in changed if (content := self.absent.get(path)) is not None}
        gone = [path for path in changed if path not in files and path not in absent]
        with (self.folder / STATE).open("a", encoding="utf-8") as file:
            file.write(self._line(files, absent, gone))

    def _line(self, files: dict[str, Known], absent: dict[str, Content], gone: list[str]) -> str:
        record = {
            "number": self.number, "looked": self.looked, "absent": absent, "gone": gone,
            "files": {path: [*one.state, *one.content] for path, one in files.items()},
        }  # fmt: skip
        return json.dumps(record) + "\n"

    def _load(self) -> None:
        try:
            with (self.folder / STATE).open(encoding="utf-8") as lines:
                for line in lines:
                    try:
                        record = json.loads(line)
                    except ValueError:  # a line that was cut off: what it says is found again
                        self.lines += 1
                        return
                    self._take(record)
        except FileNotFoundError:
            return

    def _take(self, record: dict[str, Any]) -> None:
        self.number, self.looked, self.lines = record["number"], record["looked"], self.lines + 1
        for path in record["gone"]:
            self.files.pop(path)
            self.absent.pop(path)
        for path, (size, changed, *content) in record["files"].items():
            self.absent.pop(path)
            self.files[path] = Known((size, changed), Content(*content))
        for path, content in record["absent"].items():
            self.files.pop(path)
            self.absent[path] = Content(*content)


def joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def entry_of(path: str, is_there: Any) -> str | None:
    """The entry that may name a file: `<shard>.entry.json` beside `<shard>.<suffix>`, where there is one."""
    if path.endswith(ENTRY_SUFFIX):
        return None
    folder, _, name = path.rpartition("/")
    parts = name.split(".")
    entries = (f"{joined(folder, '.'.join(parts[:n]))}{ENTRY_SUFFIX}" for n in range(1, len(parts)))
    return next((entry for entry in entries if is_there(entry)), None)


def files_of_entry(path: str, data: bytes) -> dict[str, str]:
    """The files that an entry names, by path, with their hashes."""
    stem = path.removesuffix(ENTRY_SUFFIX)
    try:
        return {f"{stem}.{suffix}": file["xxh3"] for suffix, file in json.loads(data)["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _time_of_change(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns  # noqa: PTH116
    except FileNotFoundError:
        return 0
