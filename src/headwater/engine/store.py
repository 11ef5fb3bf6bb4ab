"""A workspace in a store: any file system that fsspec knows (`s3://`, `gs://`, `az://`, …).

    <url>/objects/<hash>-<bytes>        content, under a name that says what it is; never changed
    <url>/manifests/000000012.json      all files of the workspace after so many commits
    <url>/leases/000000007.json         who writes, and until when (store_lease.py)

Work goes on in a local copy, by the local protocol (workspace.py); the store is what others see. A commit sends
every new content first and then creates the next manifest, on the condition that no other has its number: a store
that knows conditional writes (S3's If-None-Match) lets only one of two writers succeed. Readers trust the newest
manifest. A commit follows every COMMIT_SECONDS of a run and its end, so a machine that is lost costs no more.

A file above SMALL is an object of its own. Smaller ones, entries of shards above all, are packed: those of one commit
into one object. So a stage is as many objects as it has files of data, and a few.

The local copy is whole, or, where other machines do the work (`partial`), without the files of shards: it knows of
them, and fetches one when it is read here (`here`).
"""

import json
import os
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import xxhash

from headwater.engine import store_lease
from headwater.engine.contents import Content, Known, Sending, fetch, read_pack, write
from headwater.engine.objects import Objects
from headwater.engine.progress import Progress
from headwater.errors import HeadwaterError, redacted

COMMIT_SECONDS = 30.0
COMMIT_SHARE = 0.05  # of the time of a run, commits take no more: where one takes long, the next one waits
STATE = ".store.json"  # in the local copy: the manifest that it was last the same as
ENTRY_SUFFIX = ".entry.json"
# That gc leaves, with what they name, for whoever reads by an older one. Every gc that frees something is a commit, so
# what nothing needs any more goes with the third at the latest.
KEPT_MANIFESTS = 3
_LOCAL_ONLY = ("lease.json", "tmp")


Manifest = dict[str, Content]


def is_url(place: Path | str) -> bool:
    return "://" in str(place)


def local_copy(url: str) -> Path:
    """Where a store's workspace is worked on: below HEADWATER_CACHE, or the user's cache folder."""
    name = url.rstrip("/").rpartition("/")[2] or "workspace"
    return cache_folder() / "workspaces" / f"{name}-{xxhash.xxh3_64_hexdigest(url.rstrip('/').encode())}"


def cache_folder() -> Path:
    base = os.environ.get("HEADWATER_CACHE") or os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "headwater"


class Store:
    """One workspace at a URL, and its local copy in `folder`."""

    def __init__(self, url: str, folder: Path, *, partial: bool = False) -> None:
        self.url, self.folder, self.partial = url.rstrip("/"), folder, partial
        self.objects = Objects(self.url, ("objects", "manifests", store_lease.FOLDER))
        state = _load(folder / STATE) or {"number": 0, "files": {}, "absent": {}}
        self._number: int = state["number"]
        self._files = {path: Known((size, changed), Content(*content))
                       for path, (size, changed, *content) in state["files"].items()}  # fmt: skip
        # files of the workspace that are in the store and not here
        self._absent: Manifest = {path: Content(*content) for path, content in state["absent"].items()}
        # what the manifest of that number says
        self._said = self._absent | {path: known.content for path, known in self._files.items()}
        self._lock = threading.Lock()

    # ------------------------------------------------------------ reading

    def latest(self) -> tuple[int, Manifest]:
        """The newest manifest, and its number; 0 where the store holds no workspace."""
        return newest_manifest(self.objects)

    def bring(self) -> None:
        """Makes the local copy what the newest manifest says. What is here and was never sent stays."""
        with self._lock:
            number, files = self.latest()
            if number > self._number:
                for path, known in self._files.items():
                    if path not in files and self._state_of(path) == known.state:
                        (self.folder / path).unlink()
            wanted: Manifest = {}
            self._absent = {path: content for path, content in self._absent.items() if path in files}
            for path, content in sorted(files.items()):
                here, known_ = self._state_of(path), self._files.get(path)
                same = known_ is not None and known_.state == here and known_.content[:2] == content[:2]
                if same or (here is not None and number <= self._number):
                    self._absent.pop(path, None)
                elif here is None and self.partial and _of_shard(path, files):
                    self._absent[path] = content
                else:
                    wanted[path] = content
            self._receive(wanted)
            self._said = files
            if wanted or number != self._number:
                self._keep(number)

    def here(self, path: str) -> None:
        """Fetches a file of the workspace that is not here."""
        with self._lock:
            if (content := self._absent.get(path)) is not None:
                self._receive({path: content})

    def _receive(self, wanted: Manifest) -> None:
        packed: dict[str, Manifest] = defaultdict(dict)
        with Progress(f"fetch {redacted(self.url)}", len(wanted)) as progress:
            for path, content in wanted.items():
                if content.pack:
                    packed[content.pack][path] = content
                    continue
                fetch(self.objects, content, self.folder / path)
                self._know(path, content)
                progress.advance(size=content.bytes)
            for pack, files in packed.items():
                data = read_pack(self.objects, pack)
                for path, content in files.items():
                    write(self.folder / path, data[content.offset : content.offset + content.bytes])
                    self._know(path, content)
                    progress.advance(size=content.bytes)

    def _know(self, path: str, content: Content) -> None:
        state = self._state_of(path)
        assert state is not None
        self._files[path] = Known(state, content)
        self._absent.pop(path, None)

    def damaged(self) -> Iterator[str]:
        """Reads every object of the newest manifest: a line for each file whose content is missing or changed."""
        named: dict[str, list[str]] = defaultdict(list)
        for path, content in sorted(self.latest()[1].items()):
            named[content.object].append(path)
        for name, paths in named.items():
            try:
                digest = self.objects.hash(name)
            except FileNotFoundError:
                digest, what = "", "missing"
            else:
                what = "changed since it was committed"
            if name.rpartition("/")[2].partition("-")[0] != digest:
                for path in paths:
                    yield f"{self.objects.where(name)} ({path}): {what}"

    # ------------------------------------------------------------ what is in the store and not here

    def has(self, path: str, size: int) -> bool:
        """Whether the workspace holds a file of so many bytes, in the store if not here."""
        content = self._absent.get(path)
        return content is not None and content.bytes == size

    def absent_below(self, folder: str) -> list[str]:
        return [path for path in self._absent if path.startswith(f"{folder}/")]

    def content(self, path: str) -> Content | None:
        """What a file of the workspace holds, sent to the store if it is not there yet; None where there is none."""
        if (absent := self._absent.get(path)) is not None:
            return absent
        known = self._files.get(path)
        if known is None or known.state != self._state_of(path):
            known = Sending(self.objects, self.folder, self._there(), packing=False).take(path)
            if known is None:
                return None
            self._files[path] = known
        return known.content

    def _there(self) -> list[Content]:
        return [*self._absent.values(), *(known.content for known in self._files.values())]

    def made_elsewhere(self, files: dict[str, Content]) -> None:
        """Files of the workspace that another machine has sent."""
        for path, content in files.items():
            (self.folder / path).unlink(missing_ok=True)
            self._absent[path] = content

    # ------------------------------------------------------------ writing

    def commit(self) -> None:
        """Sends what is new, then creates the next manifest. HeadwaterError where another writer was first."""
        with self._lock:
            absent, known = dict(self._absent), dict(self._files)
            sending, found = Sending(self.objects, self.folder, self._there()), dict[str, Known]()
            for path in self._committed():
                one = known.get(path)
                if one is not None and one.state == self._state_of(path) and not path.endswith(ENTRY_SUFFIX):
                    found[path] = one
                elif (new := sending.take(path, keep=path.endswith(ENTRY_SUFFIX))) is not None:
                    found[path] = new
            found |= sending.packed()
            files = absent | {path: one.content for path, one in found.items()}
            for path, data in sending.kept.items():
                for unmatched in _unmatched(files, path, data):
                    files.pop(unmatched, None)
                    found.pop(unmatched, None)
            if _same(files, self._said):
                return
            # the token tells this commit from one of another writer that says the same
            record = {"token": secrets.token_hex(8), "files": dict(sorted(files.items()))}
            data = json.dumps(record, ensure_ascii=False).encode()
            if not self.objects.create(_manifest_name(self._number + 1), data):
                raise HeadwaterError(
                    f"another run has committed to {redacted(self.url)} meanwhile; what this one has made is kept in "
                    f"{self.folder}: run the same command again"
                )
            self._files, self._said = found, files
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

    def collect(self) -> None:
        """Deletes all but the last few manifests, and objects that none of those names."""
        numbers = sorted(_numbers(self.objects))
        for number in numbers[:-KEPT_MANIFESTS]:
            self.objects.remove(_manifest_name(number))
        named = {
            content.object
            for number in numbers[-KEPT_MANIFESTS:]
            for content in _manifest(self.objects, number).values()
        }
        for job in self.objects.names("jobs"):  # what a training had sent when its machine was lost
            named |= {Content(*one).object for one in self.objects.read(job, parse=json.loads).values()}
        for name in self.objects.names("objects"):
            if name not in named:
                self.objects.remove(name)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """One writer at a time: refused while another's lease has not expired. Commits now and then, and at the end,
        whatever that is."""
        with store_lease.hold(self.objects):
            self.bring()
            ended = threading.Event()
            keeper = threading.Thread(target=self._keep_committed, args=(ended,), daemon=True)
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
                keeper.join()

    def _keep_committed(self, ended: threading.Event) -> None:
        pause = COMMIT_SECONDS
        while not ended.wait(pause):
            began = time.monotonic()
            with suppress(Exception):  # tried again, and said at the end
                self.commit()
            pause = max(COMMIT_SECONDS, (time.monotonic() - began) / COMMIT_SHARE)

    def _state_of(self, path: str) -> tuple[int, int] | None:
        try:
            stat = os.stat(f"{self.folder}/{path}")  # noqa: PTH116 - quick: of every file at every commit
        except FileNotFoundError:
            return None
        return stat.st_size, stat.st_mtime_ns

    def _keep(self, number: int) -> None:
        self._number = number
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / f"{STATE}.tmp"
        files = {path: [*known.state, *known.content] for path, known in self._files.items()}
        state = {"number": number, "files": files, "absent": self._absent}
        temporary.write_text(json.dumps(state), encoding="utf-8")
        temporary.replace(self.folder / STATE)


def newest_manifest(objects: Objects) -> tuple[int, Manifest]:
    """The newest manifest of a store, and its number; 0 where it holds no workspace."""
    number = max(_numbers(objects), default=0)
    return number, _manifest(objects, number) if number else {}


def _manifest(objects: Objects, number: int) -> Manifest:
    record = objects.read(_manifest_name(number), parse=json.loads)
    return {path: Content(*content) for path, content in record["files"].items()}


def _numbers(objects: Objects) -> list[int]:
    names = (name.rpartition("/")[2].removesuffix(".json") for name in objects.names("manifests"))
    return [int(name) for name in names if name.isdigit()]


def _manifest_name(number: int) -> str:
    return f"manifests/{number:09d}.json"


def _same(one: Manifest, other: Manifest) -> bool:
    """Whether two manifests hold the same files, wherever their contents lie."""
    return one.keys() == other.keys() and all(one[path][:2] == other[path][:2] for path in one)


def _of_shard(path: str, files: Manifest) -> bool:
    """Whether a file is named by the entry of a shard: `<shard>.<suffix>` beside `<shard>.entry.json`."""
    if path.endswith(ENTRY_SUFFIX):
        return False
    folder, _, name = path.rpartition("/")
    parts = name.split(".")
    return any(f"{folder}/{'.'.join(parts[:n])}{ENTRY_SUFFIX}" in files for n in range(1, len(parts)))


def _unmatched(files: Manifest, path: str, data: bytes) -> list[str]:
    """The files of a shard that was being replaced while it was looked at: its entry names other content."""
    stem = path.removesuffix(ENTRY_SUFFIX)
    try:
        said = json.loads(data)["files"]
    except (ValueError, KeyError, TypeError):
        said = {}
    named = {f"{stem}.{suffix}": file["xxh3"] for suffix, file in said.items()}
    if all((there := files.get(name)) is not None and there.hash == digest for name, digest in named.items()):
        return []
    return [path, *named]


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
