"""The workspace: one folder that holds everything a recipe has made, and trusts nothing that is not committed.

Every stage is a folder of shards. A shard is one or more files and an entry, `<shard>.entry.json`, which names
the shard's key (what it was made from), its files with size and hash, and what the task that made it counted.

Commit protocol: each file is written under a temporary name, synced, renamed to its final name; the entry
comes last, by the same steps. A reader therefore sees a shard whole or not at all, and what a killed task left
behind is an orphan without an entry. The stage's own `manifest.json` lists the shards of its last complete run.
"""

import json
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import xxhash

from headwater.engine.engines import LOCAL, Engine
from headwater.engine.lease import hold_lease, is_held
from headwater.engine.local_copy import ENTRY_SUFFIX
from headwater.engine.store import Store, is_url, local_copy
from headwater.errors import HeadwaterError

SEAL = "sealed.json"  # of a folder that is committed whole: a run, a training set
MANIFEST = "manifest.json"
EVENTS = "events.jsonl"
EVENTS_BYTES = (
    4 << 20
)  # of a log that is put by, in events/, for a new one: a store is sent the newest again and again
MACHINE = f"{xxhash.xxh3_64_intdigest(socket.gethostname().encode()) & 0xFFFF:04x}"  # two on one disk share process numbers


def content_key(*parts: Any) -> str:
    """32 hex digits that name a piece of work by what goes into it: xxh3-128 of canonical JSON."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return xxhash.xxh3_128_hexdigest(text.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True)
class FileRecord:
    bytes: int
    xxh3: str


@dataclass(frozen=True)
class Entry:
    """A committed shard."""

    folder: Path
    shard: str
    key: str
    files: dict[str, FileRecord]  # by suffix
    result: dict[str, Any]  # what the task counted
    store: Store | None = field(default=None, compare=False, repr=False)  # where its files may lie instead

    def here(self, suffix: str = "parquet") -> Path:
        """The file to read in this process: fetched first, where other machines made it. Tasks are given `path`."""
        path = self.path(suffix)
        if self.store is not None and not path.is_file():
            self.store.here(f"{self._below(self.store)}/{path.name}")
        return path

    def _below(self, store: Store) -> str:
        """The folder, relative to the workspace."""
        return str(self.folder).removeprefix(f"{store.folder}/")

    def path(self, suffix: str = "parquet") -> Path:
        if suffix not in self.files:
            raise HeadwaterError(f"{self.folder / self.shard} has no .{suffix}; it has {sorted(self.files)}")
        return self.folder / f"{self.shard}.{suffix}"

    def write(self) -> None:
        """Commits the shard; its files are there. Where they are in a store, so is what counts: a file here that a fall
        of the machine leaves empty is found again there."""
        files = {suffix: {"bytes": file.bytes, "xxh3": file.xxh3} for suffix, file in self.files.items()}
        record = {"key": self.key, "files": files, "result": self.result}
        write_json(self.folder / f"{self.shard}{ENTRY_SUFFIX}", record, synced=self.store is None)
        if self.store is not None:
            self.store.wrote(f"{self._below(self.store)}/{self.shard}{ENTRY_SUFFIX}", told=True)

    @cached_property
    def fingerprint(self) -> str:
        """Names the content of the shard's files: what later stages are keyed by."""
        return content_key({suffix: record.xxh3 for suffix, record in self.files.items()})


class Output:
    """Where a shard function writes: temporary paths that `commit` turns into the shard, or `discard` removes."""

    def __init__(self, folder: Path, shard: str) -> None:
        self.folder, self.shard = folder, shard
        self._temporary: dict[str, Path] = {}

    def path(self, suffix: str = "parquet") -> Path:
        """The temporary path of `<shard>.<suffix>`; the same for every call with that suffix."""
        if suffix not in self._temporary:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._temporary[suffix] = self.folder / f".{self.shard}.{suffix}.{MACHINE}-{os.getpid()}.tmp"
        return self._temporary[suffix]

    def commit(self, key: str, result: dict[str, Any]) -> Entry:
        files = {}
        for suffix, temporary in self._temporary.items():
            files[suffix] = file_record(temporary)
            commit_file(temporary, self.folder / f"{self.shard}.{suffix}")
        entry = Entry(self.folder, self.shard, key, files, result)
        entry.write()
        return entry

    def discard(self) -> None:
        for temporary in self._temporary.values():
            temporary.unlink(missing_ok=True)


class Stage:
    """One folder of shards."""

    def __init__(self, path: Path, name: str, store: Store | None = None) -> None:
        self.path, self.name, self._store = path, name, store

    def entry(self, shard: str) -> Entry | None:
        """The committed shard, or None where there is none or one of its files is missing or of another size. What is
        in the store is not missing."""
        record = read_json(f"{self.path}/{shard}{ENTRY_SUFFIX}")
        if record is None:
            return None
        files = {suffix: FileRecord(**file) for suffix, file in record["files"].items()}
        for suffix, file in files.items():
            name = f"{shard}.{suffix}"
            if self._store is not None and self._store.has(f"{self.name}/{name}", file.bytes):
                continue
            try:
                if os.stat(f"{self.path}/{name}").st_size != file.bytes:  # noqa: PTH116 - quick: of every shard
                    return None
            except FileNotFoundError:
                return None
        return Entry(self.path, shard, record["key"], files, record["result"], self._store)

    def entries(self) -> dict[str, Entry]:
        """The shards of the stage's last complete run, by name; none where it was never completed. A shard that was made
        of something else since, in a run that has not come to its end, is not among them."""
        shards = (read_json(self.path / MANIFEST) or {"shards": {}})["shards"]
        entries = {shard: self.entry(shard) for shard in shards}
        return {s: entry for s, entry in entries.items() if entry is not None and entry.key == shards[s]}

    def complete(self, entries: list[Entry]) -> None:
        """Names these shards as the stage's content, if that is not what its manifest says already."""
        manifest = {"stage": self.name, "shards": {entry.shard: entry.key for entry in entries}}
        if read_json(self.path / MANIFEST) != manifest:
            self.path.mkdir(parents=True, exist_ok=True)
            write_json(self.path / MANIFEST, manifest)
            if self._store is not None:
                self._store.wrote(f"{self.name}/{MANIFEST}")


class Workspace:
    """`Workspace("workspace")` opens the folder, and makes it where it is missing.

    `Workspace("s3://bucket/name")` is one in a store (store.py): `path` is its local copy, brought up to date.
    `engine` does its work (engines.py). `partial`: the copy is without the files of shards, each fetched when it is
    read; by default where other machines do the work.
    """

    def __init__(self, path: Path | str, engine: Engine = LOCAL, *, partial: bool | None = None) -> None:
        self.engine = engine
        self.path = local_copy(str(path)) if is_url(path) else Path(path).resolve()
        self.store: Store | None = None
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HeadwaterError(f"cannot make the workspace {self.path}: {error.strerror}") from error
        if is_url(path):
            self.store = Store(str(path), self.path, partial=engine.elsewhere if partial is None else partial)
            if not is_held(self.path / "lease.json"):
                self.store.bring()
        # stages and folders that this process made or took up: what a recipe needs
        self.used: set[str] = set()

    def stage(self, name: str) -> Stage:
        return Stage(self.path / name, name, self.store)

    def stages(self) -> Iterator[Stage]:
        """Every stage that was ever completed, by name."""
        for manifest in sorted(self.path.rglob(MANIFEST)):
            record = read_json(manifest)
            if record is not None and "stage" in record:
                yield Stage(manifest.parent, record["stage"], self.store)

    def event(self, kind: str, **fields: Any) -> None:
        """One line in the event log, `events.jsonl`."""
        record = {"time": round(time.time(), 3), "event": kind, **fields}
        log = self.path / EVENTS
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
            full = file.tell() >= EVENTS_BYTES
        if full:
            put_by = self.path / "events"
            put_by.mkdir(exist_ok=True)
            log.rename(put_by / f"{sum(1 for _ in put_by.iterdir()) + 1:06d}.jsonl")

    @contextmanager
    def lease(self) -> Iterator[None]:
        """One writer at a time; a second one is refused with the name of the first.

        What a killed one had not finished is removed: temporary files and folders, which nothing reads.
        """
        outermost = not is_held(self.path / "lease.json")
        with hold_lease(self.path / "lease.json"):
            if outermost:
                for pattern in (".*.tmp", "*/.*.tmp", "*/*/.*.tmp", "*/*/*/.*.tmp"):
                    for left in list(self.path.glob(pattern)):
                        shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
            with self.store.hold() if self.store is not None and outermost else nullcontext():
                try:
                    yield
                except BaseException as error:
                    if outermost:
                        self.event("failed", error=_said(error)[:2000])
                    raise
                if outermost:
                    self.event("ended")


def _said(error: BaseException) -> str:
    """What stopped a run, in words; some errors have none."""
    if isinstance(error, KeyboardInterrupt | SystemExit):
        return "interrupted"
    return str(error) or type(error).__name__


# ---------------------------------------------------------------- files, committed


def commit_file(temporary: Path, final: Path) -> None:
    """fsync, then rename over the final name, then fsync of the folder."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(final)
    sync_folder(final.parent)


def commit_folder(temporary: Path, final: Path) -> None:
    """A folder's files synced, then the folder renamed; what stood there before is removed."""
    for path in temporary.rglob("*"):
        if path.is_file():
            with path.open("rb+") as file:
                os.fsync(file.fileno())
    if final.exists():
        shutil.rmtree(final)
    temporary.rename(final)
    sync_folder(final.parent)


def seal(folder: Path) -> None:
    """Names every file of a finished folder with its hash in `sealed.json`, written last."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SEAL)
    write_json(folder / SEAL, {str(path.relative_to(folder)): asdict(file_record(path)) for path in paths})


def is_whole(folder: Path) -> bool:
    """Whether a finished folder holds every file that its seal names, of the size that it had."""
    record = read_json(folder / SEAL)
    return record is not None and all(
        (path := folder / name).is_file() and path.stat().st_size == file["bytes"]
        for name, file in record.items()
    )


def file_record(path: Path) -> FileRecord:
    return FileRecord(path.stat().st_size, file_hash(path))


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, value: Any, *, synced: bool = True) -> None:
    """Committed JSON, readable by a person."""
    data = (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()
    temporary = f"{path.parent}/.{path.name}.{os.getpid()}.tmp"
    try:
        file = open(temporary, "wb")  # noqa: PTH123, SIM115 - quick: of every shard
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(temporary, "wb")  # noqa: PTH123, SIM115
    with file:
        file.write(data)
    if synced:
        commit_file(Path(temporary), path)
    else:
        os.replace(temporary, path)  # noqa: PTH105


def read_json(path: Path | str) -> Any:
    """The value, or None where there is no such file or it is not whole."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - quick: of every shard
            return json.loads(file.read())
    except (FileNotFoundError, ValueError):
        return None


def file_hash(path: Path) -> str:
    """xxh3-128 of a file's bytes, 32 hex digits."""
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
