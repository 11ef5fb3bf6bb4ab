"""`--engine ray`: two machines that share nothing but a store make the same bytes as one that has everything.

A raylet stands for a machine: each has a cache folder of its own, and so has the process that asks.
"""

import hashlib
import json
import os
import shutil
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import fsspec
import pytest

from headwater import api
from headwater.engine.engines import engine_of

pytest.importorskip("ray")
from ray.cluster_utils import Cluster

OF_THE_RUN = ("events.jsonl", "inputs.json", "lease.json")  # they tell times and places


@pytest.fixture
def cluster(tmp_path, s3_server, monkeypatch):
    """Two raylets of a processor each; `machines` has their cache folders."""
    import ray

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_worker_niceness", "0")
    monkeypatch.setenv("RAY_ADDRESS", "")
    temporary = Path(f"/tmp/hw-ray-{os.getpid()}")  # names of sockets are short
    (temporary / "ray").mkdir(parents=True)
    monkeypatch.setenv("RAY_TMPDIR", str(temporary))
    cluster = Cluster()
    for name in ("a", "b"):
        settings = {"env_vars": {"HEADWATER_CACHE": str(tmp_path / "machines" / name)}, "num_cpus": 1}
        if name == "a":
            settings |= {"include_dashboard": False}
        cluster.add_node(**settings, object_store_memory=80 << 20)
    monkeypatch.setenv("HEADWATER_CACHE", str(tmp_path / "machines" / "asks"))
    yield cluster
    ray.shutdown()
    cluster.shutdown()
    shutil.rmtree(temporary, ignore_errors=True)


@pytest.fixture
def recipe(tmp_path, real_data, bucket):
    """A recipe whose inputs, all of corpora/web-warc and corpora/books, and workspace are in the store."""
    files = fsspec.filesystem("s3")
    for path in sorted((real_data / "corpora").rglob("*")):
        below = path.relative_to(real_data / "corpora")
        if path.is_file() and below.parts[0] in ("web-warc", "books"):
            files.put_file(str(path), f"{bucket}/in/{below.as_posix()}")
    place = tmp_path / "recipe.yaml"
    inputs = f"s3://{bucket}/in"
    books = f"{inputs}/books"
    place.write_text(
        "sources:\n"
        f"  - {{name: web, kind: warc, paths: ['{inputs}/web-warc/**/*arc*']}}\n"
        f"  - {{name: books, kind: books, paths: ['{books}/**/*.txt*', '{books}/**/*.epub', '{books}/**/*.htm.gz']}}\n"
        f"  - {{name: poetry, kind: files, paths: ['{books}/poetry-zh/*.json.gz']}}\n"
        f"workspace: s3://{bucket}/ws\n"
        "curate: {preset: {en: fineweb, zh: fineweb2-zh}, duplicates: {near: {similarity: 0.8}}}\n"
        "tokenizer: {vocabulary: 1000}\n",
        encoding="utf-8",
    )
    return place


def contents(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name[0] != "." and path.name not in OF_THE_RUN
    }


def made(root: Path) -> Counter[tuple[str, str]]:
    """How many times each shard was taken in."""
    events = [json.loads(line) for line in (root / "events.jsonl").read_text().splitlines()]
    return Counter((event["stage"], event["shard"]) for event in events if event["event"] == "shard")


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_machines_and_a_lost_one_make_the_bytes_of_one(tmp_path, recipe, bucket, cluster):
    import ray

    limit = int(os.environ.get("HEADWATER_RAY_LIMIT", "0")) or None  # documents a shard, to try it on a part
    began = time.monotonic()
    local = api.curate(recipe, workers=2, workspace=tmp_path / "local", limit=limit).workspace
    print(f"local {time.monotonic() - began:.0f} s")
    lost = next(node for node in cluster.list_all_nodes() if not node.head)

    def lose() -> None:
        """Kills one raylet while tasks run, once some shards are there."""
        objects = f"{bucket}/ws/objects"
        files = fsspec.filesystem("s3", skip_instance_cache=True)
        while not files.exists(objects) or len(files.ls(objects, refresh=True)) < 12:
            time.sleep(0.2)
        [process] = lost.all_processes["raylet"]
        os.kill(process.process.pid, signal.SIGKILL)

    killer = threading.Thread(target=lose, daemon=True)
    killer.start()
    began = time.monotonic()
    place = api.curate(recipe, engine=engine_of("ray", {"address": cluster.address}), limit=limit).workspace
    print(f"two raylets, one of them killed {time.monotonic() - began:.0f} s")
    killer.join()
    assert sum(node["Alive"] for node in ray.nodes()) == 1
    other = api.sql(f"s3://{bucket}/ws", "select count(*) from ledger")  # a copy that is whole
    assert other.rows == api.sql(local.path, "select count(*) from ledger").rows
    assert contents(place.path) == contents(local.path)
    assert api.verify(f"s3://{bucket}/ws")[1] == []
    assert max(made(place.path).values()) == 1 and made(place.path) == made(local.path)
    left = list((tmp_path / "machines" / "b" / "headwater" / "calls").iterdir())
    assert len(left) <= 1, "a machine with one worker was lost, and more than one shard with it"
