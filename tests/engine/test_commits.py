"""A commit costs what it changes, and says what it said before: counts of files read and of what a manifest names."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import xxhash

from headwater.engine import local_copy, manifests
from headwater.engine.contents import Content, Sending
from headwater.engine.manifests import Said
from headwater.engine.store import Store
from headwater.engine.workspace import Entry, FileRecord, Stage
from headwater.errors import HeadwaterError

SHARDS = 40
STAGE = "signals/语言"


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that commits open."""
    paths: list[str] = []
    take = Sending.take

    def counted(self: Sending, path: str, *, keep: bool = False) -> object:
        paths.append(path)
        return take(self, path, keep=keep)

    monkeypatch.setattr(Sending, "take", counted)
    monkeypatch.setattr(local_copy, "SETTLES", 0)
    return paths


def store_at(tmp_path: Path, machine: str = "一") -> Store:
    store = Store(f"file://{tmp_path}/store", tmp_path / machine, partial=True)
    store.folder.mkdir(exist_ok=True)
    store.bring()
    return store


def made(store: Store, number: int, text: str, key: str = "") -> None:
    """A shard that another machine has made and sent."""
    data = text.encode()
    content = Content(len(data), xxhash.xxh3_128_hexdigest(data))
    store.objects.write(content.object, data)
    shard = f"b{number:03d}"
    store.made_elsewhere({f"{STAGE}/{shard}.parquet": content})
    record = FileRecord(content.bytes, content.hash)
    Entry(store.folder / STAGE, shard, key or text, {"parquet": record}, {"documents": 1}, store).write()


def manifest(store: Store) -> dict:
    number = manifests.newest_number(store.objects)
    return json.loads(store.objects.read(manifests.name_of(number)))


@pytest.fixture
def store(tmp_path: Path, taken: list[str]) -> Iterator[Store]:
    """A workspace of SHARDS shards, committed."""
    store = store_at(tmp_path)
    for number in range(SHARDS):
        made(store, number, f"第{number}片。")
    store.commit()
    assert len(taken) == SHARDS, "entries only: what is in the store was sent already"
    taken.clear()
    yield store


@pytest.mark.parametrize("everything", [True, False], ids=["at the end", "while a run goes on"])
def test_a_commit_reads_and_names_what_has_changed(store: Store, taken: list[str], everything: bool) -> None:
    made(store, 7, "第七片，改过了。")
    store.commit(everything=everything)
    assert set(taken) == {f"{STAGE}/b007.entry.json"} and len(taken) == 1
    said = manifest(store)
    assert sorted(said["files"]) == [f"{STAGE}/b007.entry.json", f"{STAGE}/b007.parquet"]
    assert said["after"] == 1 and said["gone"] == []
    taken.clear()
    store.commit(everything=everything)
    assert taken == [] and manifests.newest_number(store.objects) == 2, "there was nothing to say"


def test_a_run_that_doubles_a_stage_reads_each_entry_once(store: Store, taken: list[str]) -> None:
    for number in range(SHARDS, 2 * SHARDS):
        made(store, number, f"又一片，第{number}。")
        store.commit(everything=False)
    store.commit()
    assert len(taken) == SHARDS == len(set(taken))
    named = sum(len(json.loads(store.objects.read(manifests.name_of(number)))["files"])
                for number in manifests.numbers(store.objects))  # fmt: skip
    assert named <= 4 * len(store.latest()[1]), "manifests name every file again and again"


def test_a_workspace_that_is_opened_again_is_not_read_again(
    tmp_path: Path, store: Store, taken: list[str]
) -> None:
    made(store, 3, "三。")
    store.commit()
    taken.clear()
    again = store_at(tmp_path)
    stage = Stage(again.folder / STAGE, STAGE, again)
    assert all(stage.entry(f"b{number:03d}") is not None for number in range(SHARDS))
    again.commit()
    assert taken == [] and again.latest() == store.latest()


def test_an_entry_of_the_same_size_and_time_is_seen(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two renames may fall into one tick of the clock, with a commit in between."""
    monkeypatch.setattr(local_copy, "SETTLES", 1_000_000_000)
    entry = store.folder / STAGE / "b005.entry.json"
    before = store.latest()[1][f"{STAGE}/b005.entry.json"]
    times = entry.stat().st_mtime_ns
    entry.write_text(entry.read_text().replace('"documents": 1', '"documents": 2'), encoding="utf-8")
    os.utime(entry, ns=(times, times))
    store.commit()
    after = store.latest()[1][f"{STAGE}/b005.entry.json"]
    assert after.bytes == before.bytes and after.hash != before.hash


def test_a_shard_that_another_machine_has_changed_is_seen(tmp_path: Path, store: Store) -> None:
    other = store_at(tmp_path, "二")
    made(other, 9, "第九片，别处改的。", key="new")
    (other.folder / STAGE / "b011.entry.json").unlink()
    other.commit()
    store.bring()
    stage = Stage(store.folder / STAGE, STAGE, store)
    entry = stage.entry("b009")
    assert entry is not None and entry.key == "new"
    assert entry.here().read_text(encoding="utf-8") == "第九片，别处改的。"
    assert stage.entry("b011") is None
    made(store, 9, "第九片，这里改的。")
    store.commit(everything=False)
    other.bring()
    assert other.latest() == store.latest()
    assert f"{STAGE}/b011.entry.json" not in store.latest()[1]


def test_a_race_that_is_lost_leaves_nothing_unsaid(tmp_path: Path, store: Store) -> None:
    other = store_at(tmp_path, "二")
    made(other, 1, "一，先到。")
    other.commit()
    made(store, 2, "二，后到。")
    with pytest.raises(HeadwaterError, match="another run has committed"):
        store.commit(everything=False)
    store.bring()
    store.commit(everything=False)
    entries = Stage(store.folder / STAGE, STAGE, store)
    kept = [entries.entry(shard) for shard in ("b001", "b002")]
    assert [entry and entry.here().read_text(encoding="utf-8") for entry in kept] == [
        "一，先到。",
        "第2片。",
    ]  # whoever lost makes it again: what the newest manifest says counts


def test_a_chain_of_manifests_is_bounded_and_gc_keeps_what_it_needs(store: Store) -> None:
    for number in range(manifests.LINKS + 9):
        made(store, 5, f"第五片，第{number}次。")
        store.commit(everything=False)
        chain = Said.read(store.objects, number + 2).chain
        assert len(chain) <= manifests.LINKS + 1
    everything = store.latest()
    store.collect()
    assert store.latest() == everything
    assert list(store.damaged()) == []
    numbers = sorted(manifests.numbers(store.objects))
    kept = {number for last in numbers[-3:] for number in Said.read(store.objects, last).chain}
    assert set(numbers) == kept
