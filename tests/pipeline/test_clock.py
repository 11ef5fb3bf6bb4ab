"""Row 33, clocks: one that goes back, files from the future, machines whose clocks differ."""

import itertools
import json
import os
import time
from pathlib import Path

import fsspec
import pytest

from headwater import api
from headwater.engine import store_lease
from headwater.engine.store import Store
from headwater.errors import HeadwaterError

YEAR = 365 * 86400


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "texts").mkdir()
    for file in range(3):
        rows = [{"text": f"卷{file}第{n}章：江水漲了{n}寸。The river rose, day {n}."} for n in range(20)]
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (tmp_path / "texts" / f"{file}.jsonl").write_text(lines, encoding="utf-8")
    path = tmp_path / "recipe.yaml"
    path.write_text(
        "sources: [{name: texts, kind: files, paths: ['texts/*.jsonl']}]\n"
        "signals: {families: [language, length, hashes]}\ncurate: {duplicates: {near: null}}\ntokenizer: {vocabulary: 300}\n",
        encoding="utf-8",
    )
    return path


def curated(recipe: Path, name: str) -> dict[str, bytes]:
    root = api.curate(recipe, workers=0, workspace=recipe.parent / name).workspace.path
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name not in ("events.jsonl", "inputs.json", "lease.json")
    }


def made(recipe: Path, name: str) -> int:
    """Shards that were made in a workspace, of all runs."""
    lines = (recipe.parent / name / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return sum(json.loads(line)["event"] == "shard" for line in lines)


@pytest.mark.fault(33)
def test_a_clock_that_goes_back_changes_no_byte_and_makes_nothing_again(recipe, monkeypatch) -> None:
    expected = curated(recipe, "undisturbed")
    hours = itertools.count()
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: 2e9 - 3600 * next(hours))
        assert curated(recipe, "back") == expected
        count = made(recipe, "back")
        for path in (recipe.parent / "back").rglob("*"):
            os.utime(path, (3e9, 3e9))  # as if made on a day that is still to come
        assert curated(recipe, "back") == expected
    assert made(recipe, "back") == count
    assert next(hours) > count, "no clock was asked"


@pytest.mark.fault(6)
@pytest.mark.fault(33)
def test_a_file_of_the_same_length_and_time_is_another(recipe) -> None:
    before = curated(recipe, "w")
    path = recipe.parent / "texts" / "1.jsonl"
    stat = path.stat()
    path.write_text(path.read_text(encoding="utf-8").replace("江", "河"), encoding="utf-8")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (stat.st_size, stat.st_mtime_ns)
    assert curated(recipe, "w") != before


@pytest.mark.fault(5)
@pytest.mark.fault(33)
@pytest.mark.parametrize("ahead", [YEAR, -YEAR], ids=["ahead", "behind"])
def test_a_lease_is_as_good_as_its_renewals_whatever_the_clocks_say(
    tmp_path, bucket, monkeypatch, ahead
) -> None:
    monkeypatch.setattr(store_lease, "LEASE_SECONDS", 1.5)
    url, clock = f"s3://{bucket}/ws", time.time
    one, two = (Store(url, tmp_path / name) for name in ("one", "two"))
    with one.hold():
        monkeypatch.setattr(time, "time", lambda: clock() + ahead)
        with pytest.raises(HeadwaterError, match="is in use by process"), two.hold():
            pass
    # The holder's machine is lost: its lease is not renewed any more, and says what its clock said.
    [name] = fsspec.filesystem("s3").ls(f"{bucket}/ws/leases", detail=False)
    lost = json.loads(fsspec.filesystem("s3").cat_file(name)) | {"released": False, "host": "gone"}
    fsspec.filesystem("s3").pipe_file(name, json.dumps(lost | {"expires": clock() - ahead}).encode())
    with two.hold():
        pass
