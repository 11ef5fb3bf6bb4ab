"""A workspace in a store: any file system that fsspec knows (`s3://`, `gs://`, `az://`, …).

    <url>/objects/<hash>-<bytes>        a file's content, under a name that says what it is; never changed
    <url>/manifests/000000012.json      all files of the workspace after so many commits: {path: [bytes, hash]}
    <url>/leases/000000007.json         who writes, and until when

Work goes on in a local copy, by the local protocol (workspace.py); the store is what others see. A commit sends
every new content first and then creates the next manifest, on the condition that no other has its number: a store
that knows conditional writes (S3's If-None-Match) lets only one of two writers succeed. Readers trust the newest
manifest. A commit follows every COMMIT_SECONDS of a run and its end, so a machine that is lost costs no more.
"""

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import fsspec
import psutil
import xxhash

from headwater.engine.progress import Progress
from headwater.errors import HeadwaterError, of_store, redacted

COMMIT_SECONDS = 30.0
LEASE_SECONDS = float(os.environ.get("HEADWATER_LEASE_SECONDS", "60"))
STATE = ".store.json"  # in the local copy: the manifest that it was last the same as
ENTRY_SUFFIX = ".entry.json"
# That gc leaves, with what they name, for whoever reads by an older one. Every gc that frees something is a commit, so
# what nothing needs any more goes with the third at the latest.
KEPT_MANIFESTS = 3
_WITHOUT_FOLDERS = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oss", "memory")
_LOCAL_ONLY = ("lease.json", "tmp")

File = list[Any]  # bytes, time of change in nanoseconds, xxh3-128


def is_url(place: Path | str) -> bool:
    return "://" in str(place)


def local_copy(url: str) -> Path:
    """Where a store's workspace is worked on: below HEADWATER_CACHE, or the user's cache folder."""
    base = os.environ.get("HEADWATER_CACHE") or os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    name = url.rstrip("/").rpartition("/")[2] or "workspace"
    digest = xxhash.xxh3_64_hexdigest(url.rstrip("/").encode())
    return Path(base).expanduser() / "headwater" / "workspaces" / f"{name}-{digest}"


class Store:
    """One workspace at a URL, and its local copy in `folder`."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url.rstrip("/"), folder
        if "@" in url.partition("://")[2].partition("/")[0] or "::" in url:
            raise HeadwaterError(
                f"{redacted(url)}: a plain URL only, without :: or credentials; those belong into the environment"
            )
        try:
            self._system, self._root = fsspec.url_to_fs(self.url, use_listings_cache=False)
            if self.url.partition("://")[0] not in _WITHOUT_FOLDERS:
                for kind in ("objects", "manifests", "leases"):
                    self._system.makedirs(f"{self._root}/{kind}", exist_ok=True)
        except Exception as error:
            raise of_store(url, error) from error
        state = _load(folder / STATE) or {"number": 0, "files": {}}
        self._number: int = state["number"]
        self._files: dict[str, File] = state["files"]
        self._lock = threading.Lock()

    # ------------------------------------------------------------ reading

    def latest(self) -> tuple[int, dict[str, list[Any]]]:
        """The newest manifest: its number, and {path: [bytes, hash]}; 0 where the store holds no workspace."""
        with self._asking():
            number = max(self._numbers("manifests"), default=0)
            if not number:
                return 0, {}
            files: dict[str, list[Any]] = json.loads(self._system.cat_file(self._name("manifests", number)))
            return number, files

    def bring(self) -> None:
        """Makes the local copy what the newest manifest says. What is here and was never sent stays."""
        with self._lock:
            number, files = self.latest()
            if number > self._number:
                for path, file in self._files.items():
                    if path not in files and self._state_of(path) == file[:2]:
                        (self.folder / path).unlink()
            wanted = []
            for path, (size, digest) in sorted(files.items()):
                here, known = self._state_of(path), self._files.get(path)
                same = known is not None and known[:2] == here and known[2] == digest
                if not same and (here is None or number > self._number):
                    wanted.append((path, size, digest))
            with Progress(f"fetch {redacted(self.url)}", len(wanted)) as progress:
                for path, size, digest in wanted:
                    self._files[path] = self._receive(path, size, digest)
                    progress.advance(size=size)
            if wanted or number != self._number:
                self._keep(number)

    def _receive(self, path: str, size: int, digest: str) -> File:
        final = self.folder / path
        final.parent.mkdir(parents=True, exist_ok=True)
        temporary = final.with_name(f".{final.name}.{os.getpid()}.tmp")
        with self._asking():
            self._system.get_file(self._object(size, digest), str(temporary))
        with temporary.open("rb") as file:
            if _hash(file) != digest:
                raise HeadwaterError(f"{self._object(size, digest)} is not what was committed as {path}")
        temporary.replace(final)
        state = self._state_of(path)
        assert state is not None
        return [*state, digest]

    def damaged(self) -> Iterator[str]:
        """Reads every object of the newest manifest: a line for each that is missing or changed."""
        for path, (size, digest) in sorted(self.latest()[1].items()):
            name = self._object(size, digest)
            try:
                with self._system.open(name, "rb") as file:
                    if _hash(file) != digest:
                        yield f"{name} ({path}): changed since it was committed"
            except FileNotFoundError:
                yield f"{name} ({path}): missing"

    # ------------------------------------------------------------ writing

    def commit(self) -> None:
        """Sends what is new, then creates the next manifest. HeadwaterError where another writer was first."""
        with self._lock:
            objects = {(file[0], file[2]) for file in self._files.values()}
            found: dict[str, File] = {}
            entries: dict[str, bytes] = {}
            for path in self._committed():
                known = self._files.get(path)
                if (
                    known is not None
                    and known[:2] == self._state_of(path)
                    and not path.endswith(ENTRY_SUFFIX)
                ):
                    found[path] = known
                elif (file := self._send(path, objects, entries)) is not None:
                    found[path] = file
            for path, data in entries.items():
                _drop_unmatched(found, path, data)
            manifest = {path: [file[0], file[2]] for path, file in sorted(found.items())}
            if manifest == {path: [file[0], file[2]] for path, file in sorted(self._files.items())}:
                return
            name = self._name("manifests", self._number + 1)
            try:
                with self._asking():
                    self._system.pipe_file(
                        name, json.dumps(manifest, ensure_ascii=False).encode(), mode="create"
                    )
            except FileExistsError as error:
                raise HeadwaterError(
                    f"another run has committed to {redacted(self.url)} meanwhile; what this one has made is kept in "
                    f"{self.folder}: run the same command again"
                ) from error
            self._files = found
            self._keep(self._number + 1)

    def _committed(self) -> list[str]:
        """Files under their final names, relative to the workspace."""
        found = []
        for folder, folders, names in os.walk(self.folder):
            folders[:] = sorted(name for name in folders if name[0] != "." and name not in _LOCAL_ONLY)
            below = Path(folder).relative_to(self.folder)
            found += [
                (below / name).as_posix()
                for name in sorted(names)
                if name[0] != "." and name not in _LOCAL_ONLY
            ]
        return found

    def _send(self, path: str, objects: set[tuple[int, str]], entries: dict[str, bytes]) -> File | None:
        """Sends a file's content where the store has not got it. The open file stays the same one, whatever is
        renamed over it meanwhile; None where it has gone."""
        try:
            file = (self.folder / path).open("rb")
        except FileNotFoundError:
            return None
        with file:
            stat = os.fstat(file.fileno())
            digest = _hash(file, stat.st_size)  # no more than there was: the event log grows meanwhile
            file.seek(0)
            if path.endswith(ENTRY_SUFFIX):
                entries[path] = file.read()
                file.seek(0)
            if (stat.st_size, digest) not in objects:
                name = self._object(stat.st_size, digest)
                with self._asking(), self._system.open(name, "wb") as out:
                    for block in _blocks(file, stat.st_size):
                        out.write(block)
                objects.add((stat.st_size, digest))
        return [stat.st_size, stat.st_mtime_ns, digest]

    def collect(self) -> None:
        """Deletes all but the last few manifests, and objects that none of those names."""
        with self._asking():
            numbers = sorted(self._numbers("manifests"))
            for number in numbers[:-KEPT_MANIFESTS]:
                self._system.rm_file(self._name("manifests", number))
            named = set()
            for number in numbers[-KEPT_MANIFESTS:]:
                files = json.loads(self._system.cat_file(self._name("manifests", number)))
                named |= {self._object(size, digest) for size, digest in files.values()}
            for name in self._list("objects"):
                if name not in named:
                    self._system.rm_file(name)

    # ------------------------------------------------------------ the lease

    @contextmanager
    def hold(self) -> Iterator[None]:
        """One writer at a time: refused while another's lease has not expired. Commits now and then, and at the end,
        whatever that is."""
        number = self._acquire()
        try:
            self.bring()
        except BaseException:
            with suppress(Exception):
                self._write_lease(number, released=True)
            raise
        ended = threading.Event()
        # Two, since a commit may take longer than a lease.
        keepers = [
            threading.Thread(target=self._keep_renewed, args=(number, ended), daemon=True),
            threading.Thread(target=self._keep_committed, args=(ended,), daemon=True),
        ]
        for keeper in keepers:
            keeper.start()
        try:
            yield
        except BaseException:
            with suppress(Exception):
                self.commit()
            raise
        else:
            self.commit()
        finally:
            ended.set()
            for keeper in keepers:
                keeper.join()
            with suppress(Exception):
                self._write_lease(number, released=True)

    def _acquire(self) -> int:
        with self._asking():
            number = max(self._numbers("leases"), default=0)
            if number:
                lease = self._lease(number)
                if not self._is_over(number, lease):
                    raise HeadwaterError(
                        f"{redacted(self.url)} is in use by process {lease['process']} on {lease['host']}, since "
                        f"{lease['since']}; wait for it or stop it (its lease ends {LEASE_SECONDS:g} s after it does)"
                    )
            try:
                self._write_lease(number + 1, mode="create")
            except FileExistsError as error:
                raise HeadwaterError(
                    f"{redacted(self.url)} has just been taken by another process"
                ) from error
            for old in self._numbers("leases"):
                if old <= number:
                    with suppress(FileNotFoundError):
                        self._system.rm_file(self._name("leases", old))
        return number + 1

    def _lease(self, number: int) -> dict[str, Any]:
        lease: dict[str, Any] = json.loads(self._system.cat_file(self._name("leases", number)))
        return lease

    def _is_over(self, number: int, lease: dict[str, Any]) -> bool:
        """Whether its holder has ended. Clocks of machines differ, and go back: where they say that a lease has ended,
        or that it lasts longer than one can, what counts is whether it is still renewed."""
        if lease["released"]:
            return True
        if lease["host"] == socket.gethostname() and not psutil.pid_exists(lease["process"]):
            return True
        if 0 < lease["expires"] - time.time() <= lease["seconds"]:
            return False
        end = time.monotonic() + lease["seconds"] / 2
        with Progress(f"is {redacted(self.url)} still in use", 1):
            while time.monotonic() < end:
                time.sleep(lease["seconds"] / 20)
                if (now := self._lease(number)) != lease:
                    return bool(now["released"])
        return True

    def _write_lease(
        self, number: int, *, released: bool = False, mode: str = "overwrite", renewals: int = 0
    ) -> None:
        lease = {
            "process": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%F %T"),
            "expires": time.time() + LEASE_SECONDS, "seconds": LEASE_SECONDS, "renewals": renewals,
            "released": released,
        }  # fmt: skip
        self._system.pipe_file(self._name("leases", number), json.dumps(lease).encode(), mode=mode)

    def _keep_renewed(self, number: int, ended: threading.Event) -> None:
        renewals = 0
        while not ended.wait(LEASE_SECONDS / 3):
            renewals += 1
            with suppress(Exception):  # tried again
                self._write_lease(number, renewals=renewals)

    def _keep_committed(self, ended: threading.Event) -> None:
        while not ended.wait(COMMIT_SECONDS):
            with suppress(Exception):  # tried again, and said at the end
                self.commit()

    # ------------------------------------------------------------ names

    def _object(self, size: int, digest: str) -> str:
        return f"{self._root}/objects/{digest}-{size}"

    def _name(self, kind: str, number: int) -> str:
        return f"{self._root}/{kind}/{number:09d}.json"

    def _list(self, kind: str) -> list[str]:
        try:
            return [str(name) for name in self._system.ls(f"{self._root}/{kind}", detail=False)]
        except FileNotFoundError:
            return []

    def _numbers(self, kind: str) -> list[int]:
        names = (name.rpartition("/")[2].removesuffix(".json") for name in self._list(kind))
        return [int(name) for name in names if name.isdigit()]

    def _state_of(self, path: str) -> list[int] | None:
        try:
            stat = (self.folder / path).stat()
        except FileNotFoundError:
            return None
        return [stat.st_size, stat.st_mtime_ns]

    def _keep(self, number: int) -> None:
        self._number = number
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / f"{STATE}.tmp"
        temporary.write_text(json.dumps({"number": number, "files": self._files}), encoding="utf-8")
        temporary.replace(self.folder / STATE)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except (HeadwaterError, FileExistsError):
            raise
        except Exception as error:
            raise of_store(self.url, error) from error


def _drop_unmatched(found: dict[str, File], path: str, data: bytes) -> None:
    """Leaves out a shard that was being replaced while it was looked at: its entry names other content."""
    stem = path.removesuffix(ENTRY_SUFFIX)
    try:
        files = json.loads(data)["files"]
    except (ValueError, KeyError, TypeError):
        files = {}
    if any(found.get(f"{stem}.{suffix}", [0, 0, ""])[2] != file["xxh3"] for suffix, file in files.items()):
        for name in (path, *(f"{stem}.{suffix}" for suffix in files)):
            found.pop(name, None)


def _blocks(file: Any, size: int | None = None) -> Iterator[bytes]:
    """A file's first `size` bytes, or all of them."""
    while block := file.read(8 << 20 if size is None else min(size, 8 << 20)):
        size = None if size is None else size - len(block)
        yield block


def _hash(file: Any, size: int | None = None) -> str:
    digest = xxhash.xxh3_128()
    for block in _blocks(file, size):
        digest.update(block)
    return digest.hexdigest()


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
