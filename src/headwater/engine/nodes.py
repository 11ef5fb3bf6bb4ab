"""A call on another machine: what it reads is brought there, it runs watched as everywhere, what it made is sent.

Where every machine sees the workspace's folder (one disk, NFS), a call just runs. Of a workspace in a store a machine
sees nothing but the store:

    parcel_of   here   the call, and the content of every file of the workspace that its arguments name
    work        there  these files below a folder of its own; the call in a supervised process; its files to the store
    take_in     here   the workspace knows of the files, and holds the entries

So a call may be begun again, or twice, on any machine: what it makes is named by its content. Files that a machine
has read it keeps, up to HEADWATER_NODE_CACHE bytes (20 GB), under HEADWATER_CACHE.
"""

import json
import os
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from headwater.engine.contents import Content, Sending, contents_of, fetch
from headwater.engine.engines import GaveUp
from headwater.engine.objects import Objects
from headwater.engine.progress import Progress
from headwater.engine.store import cache_folder
from headwater.engine.workers import Call, default_workers, run_calls
from headwater.engine.workspace import MACHINE, Workspace
from headwater.errors import HeadwaterError
from headwater.recipe.quantities import parse_size

JOB_SENT_SECONDS = 60.0  # between two looks at what a running job has committed


@dataclass(frozen=True)
class Parcel:
    call: Call
    root: str  # the workspace's folder where the call was made
    url: str  # its store; "" where every machine sees that folder
    files: dict[str, Content]  # path in the workspace -> content, of what the call reads
    job: str = ""  # the folder of a job, in the workspace


@dataclass(frozen=True)
class Answer:
    result: Any = None
    error: Exception | None = None
    given_up: tuple[tuple[str, str], ...] = ()  # item, reason
    files: dict[str, Content] | None = None  # what was made, by path in the workspace
    seconds: float = 0.0  # that the call took


# ---------------------------------------------------------------- where the call is made


def parcel_of(workspace: Workspace, call: Call, *, job: bool) -> Parcel:
    root = str(workspace.path)
    folder = str(Path(call.arguments["folder"]).relative_to(root)) if job else ""
    if workspace.store is None:
        return Parcel(call, root, "", {}, folder)
    if job:
        named = [call.arguments["job"].arguments, call.arguments["job"].reads]
    else:
        named = [[task.arguments, task.reads] for task in call.arguments["tasks"]]
    files: dict[str, Content] = {}
    for path in sorted(
        {text.removeprefix(f"{root}/") for text in _texts(named) if text.startswith(f"{root}/")}
    ):
        if (content := workspace.store.content(path)) is not None:
            files[path] = content
            continue
        below = [
            one.relative_to(root).as_posix() for one in (workspace.path / path).rglob("*") if one.is_file()
        ]
        for one in {*below, *workspace.store.absent_below(path)}:
            if (content := workspace.store.content(one)) is not None:
                files[one] = content
    return Parcel(call, root, workspace.store.url, files, folder)


def take_in(workspace: Workspace, call: Call, answer: Answer, gave_up: GaveUp) -> Any:
    """The call's result, after what was made is the workspace's. Raises the call's error."""
    for item, reason in answer.given_up:
        call.given_up[item] = reason
        gave_up(call, item, reason)
    if answer.error is not None:
        raise answer.error
    if workspace.store is None:
        return answer.result
    assert answer.files is not None
    workspace.store.made_elsewhere(answer.files)
    if "job" in call.arguments:  # the folder is whole or nothing, so it is here, too
        for path in answer.files:
            workspace.store.here(path)
        return answer.result
    entries = [replace(entry, store=workspace.store) for entry in answer.result]
    for entry in entries:
        entry.write()
    return entries


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str | Path):
        yield str(value)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


# ---------------------------------------------------------------- where it runs


def work(parcel: Parcel) -> Answer:
    """Runs a call on this machine. Errors of the call are in the answer; what is raised is the machine's."""
    if not parcel.url:
        if not (Path(parcel.root) / "lease.json").is_file():
            raise HeadwaterError(
                f"this machine does not see the workspace {parcel.root}; put it on a disk that all machines share, or "
                "into a store (workspace: s3://…)"
            )
        return _watched(parcel.call, job=bool(parcel.job))
    objects = Objects(parcel.url, ("objects", "jobs"))
    with _folder_of_call() as folder:
        cache = Cache(cache_folder() / "inputs", objects)
        for path, content in parcel.files.items():
            cache.put(content, folder / path)
        call = moved(parcel.call, parcel.root, str(folder))
        if parcel.job:
            answer, files = _job(objects, folder, parcel.job, call)
        else:
            answer = _watched(call)
            entries = answer.result or []
            made = [
                entry.path(suffix).relative_to(folder).as_posix()
                for entry in entries
                for suffix in entry.files
            ]
            files = _send(objects, folder, made)
            for path, content in files.items():
                cache.keep(content, folder / path)
        cache.shrink()
        return moved(replace(answer, files=files), str(folder), parcel.root)  # type: ignore[no-any-return]


def _watched(call: Call, *, job: bool = False) -> Answer:
    given_up: list[tuple[str, str]] = []

    def gave_up(call: Call, item: str, reason: str) -> None:
        given_up.append((item, reason))

    progress, began = Progress("/".join(call.name), 1), time.monotonic()
    try:
        [(_, result)] = run_calls([call], 1, progress, fresh=job, gave_up=gave_up, sharing=default_workers())
    except Exception as error:
        return Answer(error=error, given_up=tuple(given_up))
    return Answer(result, given_up=tuple(given_up), seconds=time.monotonic() - began)


def _job(objects: Objects, folder: Path, name: str, call: Call) -> tuple[Answer, dict[str, Content]]:
    """A job goes on from what it had committed on a machine that was lost, and says so in `jobs/` as it goes."""
    record = f"jobs/{call.arguments['job'].key}.json"
    with suppress(FileNotFoundError):
        for path, content in objects.read(record, parse=contents_of).items():
            fetch(objects, content, folder / path)

    def send() -> dict[str, Content]:
        inside = sorted(path for path in (folder / name).rglob("*") if path.is_file())
        paths = [path.relative_to(folder) for path in inside]
        committed = [path.as_posix() for path in paths if not any(part[0] == "." for part in path.parts)]
        return _send(objects, folder, committed)

    ended = threading.Event()

    def keep_sent() -> None:
        while not ended.wait(JOB_SENT_SECONDS):
            with suppress(Exception):  # tried again
                objects.write(record, _json(send()))

    keeper = threading.Thread(target=keep_sent, daemon=True)
    keeper.start()
    try:
        answer = _watched(call, job=True)
    finally:
        ended.set()
        keeper.join()
    files = send()
    if answer.error is None:
        objects.remove(record)
    return answer, files


def _send(objects: Objects, folder: Path, paths: list[str]) -> dict[str, Content]:
    sending = Sending(objects, folder, {})
    known = {path: one for path in paths if (one := sending.take(path)) is not None}
    return {path: one.content for path, one in {**known, **sending.packed()}.items()}


@contextmanager
def _folder_of_call() -> Iterator[Path]:
    """A folder that goes with this block. What killed processes of this machine have left goes, too."""
    calls = cache_folder() / "calls"
    calls.mkdir(parents=True, exist_ok=True)
    for left in calls.iterdir():
        machine, process, _ = left.name.split("-")
        if machine == MACHINE and not psutil.pid_exists(int(process)):
            shutil.rmtree(left, ignore_errors=True)
    folder = calls / f"{MACHINE}-{os.getpid()}-{secrets.token_hex(4)}"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Cache:
    """Contents that this machine has read or made, by hash; links to them are what calls read."""

    def __init__(self, folder: Path, objects: Objects) -> None:
        self.folder, self._objects = folder, objects
        self.folder.mkdir(parents=True, exist_ok=True)
        self._most = parse_size(os.environ.get("HEADWATER_NODE_CACHE", "20GB"))

    def put(self, content: Content, path: Path) -> None:
        """A link to the content at `path`; fetched where it is not here."""
        kept = self._name(content)
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            if not kept.is_file():
                fetch(self._objects, content, kept)
            with suppress(FileNotFoundError):  # another process has made room meanwhile
                os.utime(kept)
                path.hardlink_to(kept)
                return

    def keep(self, content: Content, path: Path) -> None:
        with suppress(FileExistsError):
            self._name(content).hardlink_to(path)

    def shrink(self) -> None:
        """Removes what was longest not used, until the rest is within bounds."""
        found = []
        for path in self.folder.iterdir():
            with suppress(FileNotFoundError):
                stat = path.stat()
                found.append((stat.st_mtime, stat.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self._most:
                return
            path.unlink(missing_ok=True)
            total -= size

    def _name(self, content: Content) -> Path:
        return self.folder / f"{content.hash}-{content.bytes}"


def moved(value: Any, old: str, new: str) -> Any:
    """The value with every path below the folder `old` below `new` instead."""
    if isinstance(value, str):
        return new + value[len(old) :] if value == old or value.startswith(f"{old}/") else value
    if isinstance(value, Path):
        return Path(moved(str(value), old, new))
    if isinstance(value, dict):
        return {key: moved(one, old, new) for key, one in value.items()}
    if isinstance(value, list):
        return [moved(one, old, new) for one in value]
    if type(value) is tuple:
        return tuple(moved(one, old, new) for one in value)
    if isinstance(value, HeadwaterError):
        return type(value)(str(value).replace(old, new))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: moved(getattr(value, f.name), old, new) for f in fields(value)})
    return value


def _json(files: dict[str, Content]) -> bytes:
    return json.dumps(files, ensure_ascii=False).encode()
