"""A rehearsal at a thousand times the shards: what the driver of a cluster run costs, and how many objects it leaves.

    ./run bench rehearsal [--shards 32000] [--families 12] [--store file|s3] [--cores 1000]

A small recipe has 32 shards; this one has 32,000, each a few bytes. The driver's code is the real one: stages, keys,
parcels, entries, event log, commits to a store with its packs, manifests and conditional writes, and a second run that
finds everything done. Only what runs on the other machines is not there: each call is answered at once, as
`engine.nodes.work` answers, with contents that are already sent. Two steps are made: documents, and a stage of
signals for each family, measured together. Commits come as often as they would with so many cores: where these make a
shard in --work core seconds, one for what they make in COMMIT_SECONDS.

Printed for growing numbers of shards: the driver's seconds and those of its commits, a shard; what the last quarter of
the calls of a step cost to the first; the objects of the store. It is linear if a shard costs no more at the end than
twice what it costs at the beginning. The bar: less than 5% of the work of shards of normal size (--work, core seconds of
reading and measuring a WARC of 1 GB; see scaling.md). With `--store s3` the server is a process of its own (moto).
"""

import argparse
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec
import xxhash

from headwater.engine import store as store_module
from headwater.engine.contents import Content
from headwater.engine.engines import Request
from headwater.engine.nodes import Answer, Parcel, parcel_of, take_in
from headwater.engine.stages import Task, run_stages
from headwater.engine.workers import Call
from headwater.engine.workspace import Entry, FileRecord, Workspace

DATA = 200 << 10  # bytes that a file of a shard is said to have: an object of its own
BAR, LINEAR = 0.05, 2.0


class Answered:
    """An engine whose machines answer at once. It commits after every so many calls."""

    name, elsewhere = "answered", True

    def __init__(self, calls_per_commit: int) -> None:
        self._calls_per_commit = calls_per_commit
        self.first = self.last = 0.0  # CPU seconds of the first and of the last quarter of each step's calls

    def workers(self, asked: int | None) -> int:
        return asked or 1000

    def run(self, request: Request) -> Iterator[tuple[Call, Any]]:
        part = max(1, len(request.calls) // 4)
        marks = [time.process_time()]
        for number, call in enumerate(request.calls, 1):
            answer = answered(parcel_of(request.workspace, call, job=request.jobs))
            yield call, take_in(request.workspace, call, answer, request.gave_up)
            if number % self._calls_per_commit == 0:
                assert request.workspace.store is not None
                request.workspace.store.commit(everything=False)
            if number % part == 0:
                marks.append(time.process_time())
        self.first += marks[1] - marks[0]
        self.last += marks[4] - marks[3]


def answered(parcel: Parcel) -> Answer:
    entries, files = [], {}
    for folder, task in zip(parcel.call.arguments["folders"], parcel.call.arguments["tasks"], strict=True):
        digest = xxhash.xxh3_128_hexdigest(task.key.encode())
        result = {"documents": 20_000, "bytes": 80_000_000, "files": {}}
        entries.append(
            Entry(Path(folder), task.shard, task.key, {"parquet": FileRecord(DATA, digest)}, result)
        )
        below = Path(folder).relative_to(parcel.root) / f"{task.shard}.parquet"
        files[below.as_posix()] = Content(DATA, digest)
    return Answer(entries, files=files)


def stages_of(shards: int, families: int, documents: list[Entry] | None) -> dict[str, list[Task]]:
    names = [f"crawl-f-{number:08x}" for number in range(shards)]
    if documents is None:
        return {
            "documents/crawl": [
                Task(name, f"key {name}", "a:b", {"files": []}, weight=1 << 30) for name in names
            ]
        }
    return {
        f"signals/family{family:02}": [
            Task(
                one.shard,
                f"{family} {one.fingerprint}",
                "a:b",
                {"texts": str(one.path())},
                together=one.shard,
            )
            for one in documents
        ]
        for family in range(families)
    }


def rehearse(root: Path, url: str, shards: int, families: int, calls_per_commit: int = 185) -> dict[str, Any]:
    """Seconds of the driver (CPU), of its commits, of a second run; objects and bytes of the newest manifest."""
    os.environ["HEADWATER_CACHE"] = str(root / "cache")
    spent = {"commits": 0.0, "number": 0.0}
    commit = store_module.Store.commit

    def timed(self: store_module.Store, **how: bool) -> None:
        began = time.thread_time()
        commit(self, **how)
        spent["commits"] += time.thread_time() - began
        spent["number"] += 1

    store_module.Store.commit, store_module.COMMIT_SECONDS = timed, 1e6  # type: ignore[method-assign]
    seconds, opened = list[float](), 0.0
    engine = Answered(calls_per_commit)
    try:
        for _ in range(2):
            began = time.process_time()
            place = Workspace(url, engine)
            opened = time.process_time() - began
            with place.lease():
                place.event("recipe", name="rehearsal", stage="measure")
                made = run_stages(place, stages_of(shards, families, None), workers=1000, title="read")
                run_stages(
                    place, stages_of(shards, families, made["documents/crawl"]), workers=1000, title="measure"
                )
            seconds.append(time.process_time() - began)
    finally:
        store_module.Store.commit = commit  # type: ignore[method-assign]
    assert place.store is not None
    manifest = place.store.latest()[1]
    there = sum(len(place.store.objects.names(name)) for name in ("objects", "manifests"))
    return {
        "driver": seconds[0], "again": seconds[1], "commits": spent["commits"], "number": spent["number"],
        "files": len(manifest), "objects": len({content.object for content in manifest.values()}),
        "packs": len({content.pack for content in manifest.values() if content.pack}), "there": there,
        "growth": engine.last / engine.first, "opened": opened,
    }  # fmt: skip


@contextmanager
def store_of(kind: str, root: Path) -> Iterator[str]:
    """The URL of an empty workspace."""
    if kind == "file":
        yield f"file://{root}/store"
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stderr=subprocess.DEVNULL
    )
    os.environ |= {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "rehearsal",
                   "AWS_SECRET_ACCESS_KEY": "rehearsal", "AWS_DEFAULT_REGION": "us-east-1"}  # fmt: skip
    try:
        while True:
            with socket.socket() as asked:
                if asked.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        files = fsspec.filesystem("s3", skip_instance_cache=True)
        files.mkdir("rehearsal")
        fsspec.filesystem("s3").clear_instance_cache()
        yield "s3://rehearsal/workspace"
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shards", type=int, default=32_000)
    parser.add_argument("--families", type=int, default=12)
    parser.add_argument("--store", choices=("file", "s3"), default="file")
    parser.add_argument("--cores", type=int, default=1000)
    parser.add_argument("--work", type=float, default=324.0, help="core seconds of a normal shard")
    options = parser.parse_args()
    # a shard is two calls, one that reads it and one that measures it
    calls_per_commit = max(1, round(2 * options.cores * store_module.COMMIT_SECONDS / options.work))
    costs, growth = [], 0.0
    for shards in (max(4, options.shards // 32), options.shards // 8, options.shards):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            with store_of(options.store, root) as url:
                found = rehearse(root, url, shards, options.families, calls_per_commit)
            shutil.rmtree(root / "cache")
        costs.append(found["driver"] / shards)
        growth = found["growth"]
        stages = 1 + options.families
        print(
            f"{shards:>7,} shards, {stages} stages: driver {found['driver']:7.1f} CPU s = {1000 * costs[-1]:5.1f} ms a "
            f"shard, {found['number']:.0f} commits {found['commits']:.1f} s, last quarter {growth:.2f} x of the first, "
            f"again {found['again']:.1f} s ({found['opened']:.1f} s to open it); {found['files']:,} files in {found['objects']:,} objects, "
            f"{found['packs']:.0f} of them packs; {found['objects'] / shards / stages:.3f} objects a shard of a stage "
            f"and {found['there']:,} packs, logs and manifests; "
            f"memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10:,} MiB",
            flush=True,
        )
    size, share = costs[-1] / costs[0], costs[-1] / options.work
    print(
        f"a shard costs {size:.2f} x of what it costs at a 32nd of the size; {share:.3%} of {options.work:g} core s"
    )
    sys.exit(0 if max(size, growth) <= LINEAR and share <= BAR else 1)


if __name__ == "__main__":
    main()
