"""A workspace in a store: what one machine commits another goes on from; of two writers one succeeds.

Against an S3-compatible server on loopback; another cache folder stands for another machine.
"""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time

import fsspec
import pytest

import headwater.engine.contents
import headwater.engine.store
from headwater import api
from headwater.engine.store import Store
from headwater.engine.workspace import Workspace
from headwater.errors import HeadwaterError

CHINESE = "今天晚上，很好的月光。{}。"
TRADITIONAL = "所謂回憶者，雖說可以使人歡欣。{}。"


@pytest.fixture
def recipe(tmp_path, bucket):
    """A recipe on three files, whose workspace is in a bucket."""
    (tmp_path / "texts").mkdir()
    for number in range(3):
        rng = random.Random(number)
        rows = [
            {
                "text": (CHINESE if n % 2 else TRADITIONAL).format(
                    "".join(chr(rng.randrange(0x4E00, 0x9FA5)) for _ in range(90))
                )
            }
            for n in range(40)
        ]
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (tmp_path / "texts" / f"第{number}册.jsonl").write_text(lines, encoding="utf-8")
    path = tmp_path / "recipe.yaml"
    path.write_text(
        "sources: [{name: texts, kind: files, paths: ['texts/*.jsonl']}]\n"
        f"workspace: s3://{bucket}/研究/ws\n"
        "curate: {duplicates: {near: null}}\ntokenizer: {vocabulary: 300}\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Goes over to another machine, which has no local copy of anything."""

    def other(name: str) -> None:
        monkeypatch.setenv("HEADWATER_CACHE", str(tmp_path / "machines" / name))

    other("one")
    return other


def contents(root) -> dict[str, str]:
    """Hashes of the committed files; the log and the cache of inputs tell times and places."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
        and path.name[0] != "."
        and path.name not in ("events.jsonl", "inputs.json", "lease.json")
    }


def events(root, kind: str) -> int:
    return sum(json.loads(line)["event"] == kind for line in (root / "events.jsonl").read_text().splitlines())


def test_another_machine_goes_on_where_the_first_one_ended(tmp_path, recipe, bucket, machine):
    local = api.curate(recipe, workers=1, workspace=tmp_path / "local").workspace
    first = api.curate(recipe, workers=2).workspace
    assert contents(first.path) == contents(local.path)
    made = events(first.path, "shard")
    machine("two")
    second = api.curate(recipe, workers=2).workspace
    assert second.path != first.path and contents(second.path) == contents(first.path)
    assert events(second.path, "shard") == made, "made again what the first machine had made"
    url = f"s3://{bucket}/研究/ws"
    assert api.sql(url, "select count(*) from ledger where state = 'kept'").rows == api.sql(
        local.path, "select count(*) from ledger where state = 'kept'"
    ).rows  # fmt: skip
    assert api.verify(url)[1] == []
    store = fsspec.filesystem("s3")
    everything = b"".join(store.cat_file(name) for name in store.find(bucket))
    assert b"canary-secret" not in everything


def test_a_run_that_is_killed_goes_on_on_another_machine(tmp_path, recipe, bucket, machine):
    expected = contents(api.curate(recipe, workers=1, workspace=tmp_path / "local").workspace.path)
    api.ingest(recipe, workers=1)
    code = (
        "import os, signal, threading; from headwater import api; from headwater.engine import store, store_lease\n"
        "store.COMMIT_SECONDS = .05; store_lease.LEASE_SECONDS = .3\n"
        "create, done = store.Store.commit, []\n"
        "def commit(self, **how):\n"
        "    create(self, **how); done.append(1)\n"
        "    if len(done) == 3: os.kill(os.getpid(), signal.SIGKILL)\n"
        "store.Store.commit = commit\n"
        f"api.curate({str(recipe)!r}, workers=1)"
    )
    killed = subprocess.run([sys.executable, "-c", code], check=False, timeout=120)
    assert killed.returncode == -signal.SIGKILL
    time.sleep(0.3)  # its lease ends; a process that is gone on this host would lose it at once
    machine("two")
    place = api.curate(recipe, workers=1).workspace
    assert contents(place.path) == expected
    assert api.verify(f"s3://{bucket}/研究/ws")[1] == []


def test_labels_of_an_audit_are_part_of_the_workspace(recipe, machine):
    api.curate(recipe, workers=1)
    one = api.audit(recipe, 10)
    assert len(one.draws) >= 4
    with one.labelling():
        one.label(one.draws[0], "good")
    one.label(one.draws[1], "bad")  # and killed, so that nothing was committed
    machine("two")
    two = api.audit(recipe, 10)
    assert two.draws == one.draws and list(two.labels.values()) == ["good"]
    with two.labelling():
        two.label(two.draws[2], "unsure")
    machine("one")
    again = api.audit(recipe, 10)
    with again.labelling():
        assert again.labels == {
            again.draws[0].key: "good",
            again.draws[2].key: "unsure",
            again.draws[1].key: "bad",
        }
    machine("two")
    assert api.audit(recipe, 10).report().labelled == 3


def test_of_two_writers_one_is_refused_by_name(recipe, bucket, machine):
    url = f"s3://{bucket}/ws"
    first = Workspace(url)
    with first.lease():
        machine("two")
        with (
            pytest.raises(HeadwaterError, match=f"is in use by process {os.getpid()}"),
            Workspace(url).lease(),
        ):
            pass
    with Workspace(url).lease():
        pass


def test_of_two_commits_at_once_only_one_succeeds(tmp_path, bucket):
    """A writer whose lease has run out, and who does not know, cannot overwrite what came after."""
    one, two = (Store(f"s3://{bucket}/ws", tmp_path / name) for name in ("one", "two"))
    for store, text in ((one, "一"), (two, "二")):
        store.folder.mkdir()
        store.bring()
        (store.folder / f"{text}.json").write_text(text, encoding="utf-8")
    two.commit()
    with pytest.raises(HeadwaterError, match="another run has committed"):
        one.commit()
    one.bring()
    one.commit()
    assert sorted(one.latest()[1]) == ["一.json", "二.json"]
    assert (one.folder / "二.json").read_text(encoding="utf-8") == "二"


def test_a_log_that_grows_while_it_is_sent_is_sent_as_it_was(tmp_path, bucket, monkeypatch):
    store = Store(f"s3://{bucket}/ws", tmp_path / "one")
    store.folder.mkdir()
    log = store.folder / "events.jsonl"
    log.write_text("第一行。\n", encoding="utf-8")
    hashed = headwater.engine.contents.hash_of

    def and_a_line_more(file, *size):
        digest = hashed(file, *size)
        with log.open("a", encoding="utf-8") as more:
            more.write("又一行。\n")
        return digest

    monkeypatch.setattr(headwater.engine.contents, "hash_of", and_a_line_more)
    store.commit()
    monkeypatch.undo()
    other = Store(f"s3://{bucket}/ws", tmp_path / "two")
    other.bring()
    assert (other.folder / "events.jsonl").read_text(encoding="utf-8") == "第一行。\n"


def test_a_shard_is_replaced_as_a_whole_or_not_at_all(tmp_path, bucket):
    store = Store(f"s3://{bucket}/ws", tmp_path / "ws")
    stage = Workspace(tmp_path / "ws").stage("documents")
    stage.path.mkdir()
    from headwater.engine.workspace import Output, commit_file

    for text in ("旧", "新"):
        out = Output(stage.path, "b01")
        out.path("txt").write_text(text, encoding="utf-8")
        if text == "旧":
            out.commit("key", {})
            store.commit()
        else:  # the data has its final name already, the entry is the old one still
            commit_file(out.path("txt"), stage.path / "b01.txt")
    store.commit()
    assert [path for path in store.latest()[1] if path.startswith("documents/b01")] == []


def test_bit_rot_in_the_store_is_named_and_gc_frees_what_nothing_names(tmp_path, recipe, bucket, machine):
    url, files = f"s3://{bucket}/研究/ws", fsspec.filesystem("s3")
    api.curate(recipe, workers=1)
    files.pipe_file(f"{bucket}/研究/ws/objects/orphan-1", b"x")
    api.gc(url, delete=True)
    names = files.ls(f"{bucket}/研究/ws/objects", detail=False)
    assert not any(name.endswith("orphan-1") for name in names)
    assert api.verify(url)[1] == []
    objects: dict[tuple, list[str]] = {}
    for path, content in Store(url, tmp_path / "x").latest()[1].items():
        objects.setdefault(content.object, []).append(path)
    name = max(objects, key=lambda one: len(objects[one]))
    victim = f"{bucket}/研究/ws/{name}"
    files.pipe_file(victim, bytes([files.cat_file(victim)[0] ^ 1]) + files.cat_file(victim)[1:])
    problems = api.verify(url)[1]
    assert len(problems) == len(objects[name]) and objects[name][0] in problems[0]
    machine("two")
    with pytest.raises(HeadwaterError, match="is not what was committed"):
        api.verify(url)


def test_gc_leaves_what_the_last_few_manifests_name(tmp_path, bucket):
    store, files = Store(f"s3://{bucket}/ws", tmp_path / "one"), fsspec.filesystem("s3")
    store.folder.mkdir()
    store.bring()
    texts = ["春", "夏", "秋", "冬"]
    for text in texts:
        (store.folder / "季.txt").write_text(text, encoding="utf-8")
        store.commit()
    store.collect()
    objects = {files.cat_file(name).decode() for name in files.ls(f"{bucket}/ws/objects", detail=False)}
    assert objects == set(texts[-headwater.engine.store.KEPT_MANIFESTS :])
    assert len(files.ls(f"{bucket}/ws/manifests", detail=False)) == len(objects) == 3


def test_without_a_workspace_at_the_url_it_says_so(bucket, machine):
    with pytest.raises(HeadwaterError, match="no workspace at s3://"):
        api.sql(f"s3://{bucket}/没有", "select 1")
    with pytest.raises(HeadwaterError, match="credentials"):
        api.sql("s3://key:secret@bucket/ws", "select 1")


def test_any_file_system_will_do(tmp_path, recipe, machine):
    """`file://`, as a shared disk would be mounted."""
    url = f"file://{tmp_path}/shared/ws"
    first = contents(api.curate(recipe, workers=1, workspace=url).workspace.path)
    machine("two")
    assert contents(api.curate(recipe, workers=1, workspace=url).workspace.path) == first
