"""A store that fails for a moment: nothing is lost, nothing doubled. Before an S3-compatible server stands a proxy that
answers 500 and 503 SlowDown, breaks bodies off, and does the work but does not say so."""

import hashlib
import json
import random
from pathlib import Path

import fsspec
import pytest

import headwater.engine.store
from headwater import api
from headwater.engine import objects
from headwater.engine.store import Store
from headwater.errors import HeadwaterError

from .faulty_proxy import FAULTS, FaultyProxy


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is under test asks again, and not the library below it; and does not wait long."""
    monkeypatch.setattr(objects, "FIRST_PAUSE", 0.005)
    monkeypatch.setattr(objects, "TRIES", 12)
    monkeypatch.setattr(objects.persist, "__kwdefaults__", {"tries": 12})
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


def through(proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
    fsspec.config.conf["s3"] = {"endpoint_url": proxy.url}


@pytest.fixture(autouse=True)
def as_before():
    yield
    fsspec.config.conf.pop("s3", None)
    fsspec.filesystem("s3").clear_instance_cache()


def contents(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
        and path.name[0] != "."
        and path.name not in ("events.jsonl", "inputs.json", "lease.json")
    }


@pytest.fixture
def recipe(tmp_path: Path, bucket: str) -> Path:
    """A recipe whose input, 120 Chinese documents in three files, and workspace are in a bucket."""
    files = fsspec.filesystem("s3")
    draw = random.Random(7)
    for number in range(3):
        rows = [
            {"text": "".join(chr(draw.randrange(0x4E00, 0x9FA5)) for _ in range(600)) + "。"}
            for _ in range(40)
        ]
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        files.pipe_file(f"{bucket}/in/第{number}册.jsonl", lines.encode())
    path = tmp_path / "recipe.yaml"
    path.write_text(
        f"sources: [{{name: texts, kind: files, paths: ['s3://{bucket}/in/*.jsonl']}}]\n"
        f"workspace: s3://{bucket}/ws\n"
        "signals: {families: [language, length]}\n"
        "curate: {preset: null, duplicates: null, decontaminate: null}\ntokenizer: {vocabulary: 300}\n",
        encoding="utf-8",
    )
    return path


@pytest.mark.parametrize(
    "seed", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)]
)
def test_a_run_through_a_faulty_store_makes_the_same_bytes(
    tmp_path: Path, recipe: Path, bucket: str, s3_server: str, impatient: None, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:  # fmt: skip
    expected = contents(api.curate(recipe, workers=0, workspace=tmp_path / "local").workspace.path)
    monkeypatch.setenv("HEADWATER_CACHE", str(tmp_path / "machine"))
    monkeypatch.setattr(headwater.engine.store, "COMMIT_SECONDS", 0.2)
    monkeypatch.setattr(headwater.engine.store, "COMMIT_SHARE", 1)
    with FaultyProxy(s3_server, share=0.35, seed=seed) as proxy:
        through(proxy, monkeypatch)
        place = api.curate(recipe, workers=0).workspace
        monkeypatch.setenv("HEADWATER_CACHE", str(tmp_path / "another"))
        copy = Store(f"s3://{bucket}/ws", tmp_path / "another" / "ws")
        copy.bring()
        assert api.verify(f"s3://{bucket}/ws")[1] == []
        assert set(proxy.faults) == {kind for kinds in FAULTS.values() for kind in kinds}, proxy.faults
        assert sum(proxy.faults.values()) > proxy.requests / 10
    assert contents(place.path) == expected == contents(copy.folder)
    files = fsspec.filesystem("s3", endpoint_url=s3_server)
    manifests = sorted(files.ls(f"{bucket}/ws/manifests", detail=False))
    assert [int(name[-14:-5]) for name in manifests] == list(range(1, len(manifests) + 1)), (
        "a commit was doubled"
    )
    named = {content.object for number in range(1, len(manifests) + 1)
             for content in _contents(files.cat_file(manifests[number - 1]))}  # fmt: skip
    there = {name.partition("/ws/")[2] for name in files.ls(f"{bucket}/ws/objects", detail=False)}
    assert named <= there, "something is lost"


def _contents(data: bytes):
    from headwater.engine.contents import Content

    return [Content(*content) for content in json.loads(data)["files"].values()]


def test_a_commit_whose_answer_is_lost_is_a_commit(
    tmp_path: Path, bucket: str, s3_server: str, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FaultyProxy(s3_server, share=0) as proxy:
        through(proxy, monkeypatch)
        store = Store(f"s3://{bucket}/ws", tmp_path / "one")
        store.folder.mkdir()
        (store.folder / "一.json").write_text("一", encoding="utf-8")
        lost = iter(["lost answer"])
        proxy.fault = lambda method: next(lost, "") if method == "PUT" and _manifest_is_next() else ""  # type: ignore[method-assign]
        written: list[str] = []
        proxy.before = lambda method, path: written.append(path) if method == "PUT" else None

        def _manifest_is_next() -> bool:
            return any("/objects/" in path for path in written)

        store.commit()
        assert next(lost, None) is None, "no answer was lost"
        assert sum("/manifests/" in path for path in written) >= 2, "it was not asked again"
        assert store.latest()[0] == 1 and list(store.latest()[1]) == ["一.json"]


def test_a_conditional_write_that_loses_costs_nothing(
    tmp_path: Path, bucket: str, s3_server: str, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Store(f"s3://{bucket}/ws", tmp_path / "two")
    other.folder.mkdir()
    (other.folder / "二.json").write_text("二", encoding="utf-8")

    came: list[str] = []

    def first(method: str, path: str) -> None:
        """At the last moment another writer comes first."""
        if method == "PUT" and "/manifests/" in path and not came:
            came.append(path)
            other.commit()

    with FaultyProxy(s3_server, share=0, before=first) as proxy:
        through(proxy, monkeypatch)
        store = Store(f"s3://{bucket}/ws", tmp_path / "one")
        store.folder.mkdir()
        (store.folder / "一.json").write_text("一", encoding="utf-8")
        with pytest.raises(HeadwaterError, match="another run has committed"):
            store.commit()
        assert list(store.latest()[1]) == ["二.json"]
        store.bring()
        store.commit()
        assert list(store.latest()[1]) == ["一.json", "二.json"]
