"""A workspace in a store: any file system that fsspec knows (`s3://`, `gs://`, `az://`, …).

    <url>/objects/<hash>-<bytes>        content, under a name that says what it is; never changed
    <url>/manifests/000000012.json      the files of the workspace after so many commits (manifests.py)
    <url>/leases/000000007.json         who writes, and until when (store_lease.py)

Work goes on in a local copy (local_copy.py), by the local protocol (workspace.py); the store is what others see. A commit sends
every new content first and then creates the next manifest, on the condition that no other has its number: a store
that knows conditional writes (S3's If-None-Match) lets only one of two writers succeed. Readers trust the newest
manifest. A commit follows every COMMIT_SECONDS of a run and its end, so a machine that is lost costs no more.

A file above SMALL is an object of its own. Smaller ones, entries of shards above all, are packed: those of one commit
into one object. So a stage is as many objects as it has files of data, and a few.

The local copy is whole, or, where other machines do the work (`partial`), without the files of shards: it knows of
them, and fetches one when it is read here (`here`).
"""

import os
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import xxhash

from headwater.engine import manifests, store_lease
from headwater.engine.contents import Content, Known, Sending, contents_of, fetch, read_pack, write
from headwater.engine.local_copy import ENTRY_SUFFIX, LocalCopy, entry_of, files_of_entry
from headwater.engine.manifests import Manifest, Said, newest_manifest
from headwater.engine.objects import Objects
from headwater.engine.progress import Progress
from headwater.errors import HeadwaterError, redacted

COMMIT_SECONDS = 30.0
COMMIT_SHARE = 0.05  # of the time of a run, commits take no more: where one takes long, the next one waits
# That gc leaves, with what they name, for whoever reads by an older one. Every gc that frees something is a commit, so
# what nothing needs any more goes with the third at the latest.
KEPT_MANIFESTS = 3


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
        self.objects = Objects(self.url, ("objects", manifests.FOLDER, store_lease.FOLDER))
        self._copy = LocalCopy(folder)
        self._said: Said | None = None  # what the newest manifest says; None before the store was asked
        self._there: dict[str, Content] = {}  # what the store holds, by hash
        self._noted: deque[str] = deque()  # files that may differ from what was said, whatever the copy shows
        self._told: set[str] = set()  # folders of which every change is noted
        self._lock = threading.Lock()

    # ------------------------------------------------------------ reading

    def latest(self) -> tuple[int, Manifest]:
        """The newest manifest, and its number; 0 where the store holds no workspace."""
        return newest_manifest(self.objects)

    def bring(self) -> None:
        """Makes the local copy what the newest manifest says. What is here and was never sent stays."""
        with self._lock:
            number, copy = manifests.newest_number(self.objects), self._copy
            if self._said is not None and number == self._said.number == copy.number:
                return
            said, states = Said.read(self.objects, number), copy.states()
            self._said = None  # until all of it is here
            if number > copy.number:
                for path, known in copy.files.items():
                    if path not in said.files and copy.state(path) == known.state:
                        (self.folder / path).unlink()
                        copy.files.pop(path)
            wanted: Manifest = {}
            for path, _ in copy.absent.items():
                if path not in said.files:
                    copy.absent.pop(path)
            for path, content in said.files.items():
                folder, _, name = path.rpartition("/")
                here, known_ = states.get(folder, {}).get(name), copy.files.get(path)
                same = known_ is not None and known_.state == here and known_.content[:2] == content[:2]
                if same or (here is not None and number <= copy.number):
                    copy.absent.pop(path)
                elif here is None and self.partial and entry_of(path, said.files.__contains__):
                    copy.absent[path] = content
                else:
                    wanted[path] = content
            self._receive(dict(sorted(wanted.items())))
            self._believe(said)
            # what this copy committed to a store that others have begun anew
            self._noted += [path for path, known in copy.files.items()
                            if (one := said.files.get(path)) is None or one[:2] != known.content[:2]]  # fmt: skip
            if wanted or number != copy.number or copy.lines > 1:
                copy.keep(number, time.time_ns())

    def _believe(self, said: Said) -> Said:
        """That this is what the newest manifest says."""
        self._said = said
        self._there = {content.hash: content for content in said.files.values()}
        return said

    def here(self, path: str) -> None:
        """Fetches a file of the workspace that is not here."""
        with self._lock:
            if (content := self._copy.absent.get(path)) is not None:
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
        state = self._copy.state(path)
        assert state is not None
        self._copy.files[path] = Known(state, content)
        self._copy.absent.pop(path)

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
        content = self._copy.absent.get(path)
        return content is not None and content.bytes == size

    def absent_below(self, folder: str) -> list[str]:
        return self._copy.absent.below(folder)

    def content(self, path: str) -> Content | None:
        """What a file of the workspace holds, sent to the store if it is not there yet; None where there is none."""
        if (absent := self._copy.absent.get(path)) is not None:
            return absent
        known = self._copy.files.get(path)
        if known is None or known.state != self._copy.state(path):
            known = Sending(self.objects, self.folder, self._there, packing=False).take(path)
            if known is None:
                return None
            self._copy.files[path] = known
            self._noted.append(path)
        return known.content

    def made_elsewhere(self, files: dict[str, Content]) -> None:
        """Files of the workspace that another machine has sent."""
        for path, content in files.items():
            with suppress(FileNotFoundError):
                os.unlink(f"{self.folder}/{path}")  # noqa: PTH108 - quick: of every shard
            self._copy.absent[path] = content
            self._there[content.hash] = content
            self._noted.append(path)

    def wrote(self, path: str, *, told: bool = False) -> None:
        """A file that was written here. `told`: every change in its folder is, by this or by `made_elsewhere`, so that
        commits while a run goes on need not look for any."""
        self._noted.append(path)
        if told:
            self._told.add(path.rpartition("/")[0])

    # ------------------------------------------------------------ writing

    def commit(self, *, everything: bool = True) -> None:
        """Sends what is new, then creates the next manifest. HeadwaterError where another writer was first.

        With `everything`, each file is looked at (its size and time of change). Without, as while a run goes on, those
        of folders of shards are not, but for what was noted and for folders in which something was created.
        """
        with self._lock:
            noted = [self._noted.popleft() for _ in range(len(self._noted))]
            try:
                self._noted += self._commit(noted, everything)
            except BaseException:
                self._noted += noted
                raise

    def _commit(self, noted: list[str], everything: bool) -> list[str]:
        """Files to look at again next time: those of shards that were just being replaced."""
        said = self._said or self._believe(Said.read(self.objects, manifests.newest_number(self.objects)))
        copy, looked = self._copy, time.time_ns()
        changed = {*noted, *copy.changed(None if everything else self._told)}
        changed |= {entry for path in changed if (entry := entry_of(path, self._is_file)) is not None}
        sending, found = Sending(self.objects, self.folder, self._there), dict[str, Known]()
        for path in sorted(changed):
            if copy.absent.get(path) is not None and not self._is_file(path):
                continue
            if (new := sending.take(path, keep=path.endswith(ENTRY_SUFFIX))) is not None:
                found[path] = new
        found |= sending.packed()
        files: Manifest = {}
        for path in changed:
            if (here := found.get(path)) is not None:
                files[path] = here.content
            elif (absent := copy.absent.get(path)) is not None:
                files[path] = absent
        replaced: set[str] = set()
        for path, data in sending.kept.items():
            named = files_of_entry(path, data)
            for name, digest in named.items():
                content = files.get(name) if name in changed else said.files.get(name)
                if content is None or content.hash != digest:
                    replaced |= {path, *named}
                    break
        for path in replaced:
            files.pop(path, None)
            found.pop(path, None)
        files, gone = said.differs(files, (changed | replaced) - files.keys())
        if files or gone:
            if copy.number != said.number or not said.create_next(self.objects, files, gone):
                raise HeadwaterError(
                    f"another run has committed to {redacted(self.url)} meanwhile; what this one has made is kept in "
                    f"{self.folder}: run the same command again"
                )
        elif not found and not replaced:
            return []
        for path in changed | replaced:
            if path in found:
                copy.files[path] = found[path]
            else:
                copy.files.pop(path)
        copy.keep_more(said.number, looked, sorted(changed | replaced))
        return sorted(replaced)

    def _is_file(self, path: str) -> bool:
        return self._copy.state(path) is not None

    def collect(self) -> None:
        """Deletes all but the last few manifests (with those that they go on from), and objects that none of them
        names."""
        numbers = sorted(manifests.numbers(self.objects))
        kept = [Said.read(self.objects, number) for number in numbers[-KEPT_MANIFESTS:]]
        chains = {number for said in kept for number in said.chain}
        for number in numbers:
            if number not in chains:
                self.objects.remove(manifests.name_of(number))
        named = {content.object for said in kept for content in said.files.values()}
        for job in self.objects.names("jobs"):  # what a training had sent when its machine was lost
            named |= {content.object for content in self.objects.read(job, parse=contents_of).values()}
        for name in self.objects.names("objects"):
            if name not in named:
                self.objects.remove(name)
        self._there = {content.hash: content for content in kept[-1].files.values()} if kept else {}

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
                self.commit(everything=False)
            pause = max(COMMIT_SECONDS, (time.monotonic() - began) / COMMIT_SHARE)
