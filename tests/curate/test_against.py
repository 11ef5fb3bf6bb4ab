"""A corpus against an earlier one: the same survivors as both in one run, and no index believed that is not whole."""

import json
import random
from pathlib import Path
from typing import Any

import fsspec
import pytest
from corpora import Made, han, make, words

from headwater.errors import HeadwaterError

POLICY = {"url": True, "near": {"similarity": 0.7}, "keep": "source_order"}


def corpus(count: int, seed: int, copies_of: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    """English and Chinese documents; every third is a copy, near-copy or page of the same address as another."""
    draw = random.Random(seed)
    made: list[dict[str, Any]] = []
    for number in range(count):
        own = 1000 * seed + number
        pool = [*(copies_of or []), *made]
        like = draw.choice(pool) if number % 3 == 2 and pool else None
        if like is None:
            text, url = (han(200, own) if number % 2 else words(120, own)), f"https://例子.cn/{own}"
        elif number % 9 == 2:
            text, url = like["text"], None
        elif number % 9 == 5:
            text, url = (
                han(90, own),
                f"http://www.例子.cn/{like['url'].rpartition('/')[2]}/" if like["url"] else None,
            )
        else:
            text, url = like["text"][:-12] + han(9, own), None
        made.append({"text": text, "url": url})
    return made


OLD = corpus(60, 1)
NEW = corpus(24, 2, OLD)


def against(folder: Path, earlier: Path | str, *, store: str = "", **more: Any) -> Made:
    settings = {**POLICY, **more, "against": str(earlier)}
    return make(folder, {"新": NEW}, settings, name="new", store=store)


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("earlier"), {"旧": OLD}, POLICY, name="old")


def test_the_same_survivors_as_both_in_one_run(tmp_path: Path, earlier: Made) -> None:
    both = make(tmp_path / "both", {"旧": OLD, "新": NEW}, POLICY)
    new = against(tmp_path / "new", earlier.workspace.path)
    assert both.reasons == earlier.reasons + new.reasons
    assert set(new.reasons) == {"", "url_duplicate", "exact_duplicate", "near_duplicate"}
    partners = [row["partner"] for row in both.rows]
    assert partners == [row["partner"] for row in earlier.rows + new.rows]
    # and a third corpus against the second: all of the first is known there too
    again = make(
        tmp_path / "third",
        {"三": [*OLD[:9], *NEW[:9], {"text": han(150, 7)}]},
        {**POLICY, "against": str(new.workspace.path)},
        name="third",
    )
    assert again.kept == [18]


def test_passages_of_the_earlier_corpus_are_cut_from_the_new(tmp_path: Path) -> None:
    shared = han(70, 5)
    settings = {"near": None, "substring": {}}
    old = make(tmp_path / "old", {"旧": [{"text": han(80, 1) + shared}]}, settings, name="old")
    new = make(
        tmp_path / "new", {"新": [{"text": f"{words(60)} {shared} {words(70, 2)}"}, {"text": han(100, 9)}]},
        {**settings, "against": str(old.workspace.path)}, name="new",
    )  # fmt: skip
    assert new.texts == [f"{words(60)}\n\n{words(70, 2)}", han(100, 9)]


def index_of(made: Made) -> tuple[Path, dict[str, Any]]:
    [stage] = made.curated.indexes
    path = made.workspace.path / stage / "index.entry.json"
    return path, json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.fault(34)
@pytest.mark.parametrize("damage", ["truncated", "changed", "missing", "count", "version", "channel"])
def test_an_index_that_is_not_whole_is_refused_by_name(tmp_path: Path, damage: str) -> None:
    old = make(tmp_path / "old", {"旧": OLD[:9]}, {**POLICY, "url": damage != "channel"}, name="old")
    place, record = index_of(old)
    keys = next(name for name in record["result"]["files"] if name.endswith(".keys"))
    path = old.workspace.path / keys
    whole = path.read_bytes()
    if damage == "truncated":
        path.write_bytes(whole[:-12])
    elif damage == "changed":
        path.write_bytes(whole[:40] + bytes([whole[40] ^ 1]) + whole[41:])
    elif damage == "missing":
        path.unlink()
    elif damage == "count":
        record["result"]["documents"] += 1
    elif damage == "version":
        record["result"]["header"]["minhash"] = "0" * 32
    place.write_text(json.dumps(record), encoding="utf-8")
    said = {
        "truncated": f"not whole: {keys} has", "changed": f"damaged: {keys}", "missing": f"{keys} is missing",
        "count": "does not add up", "version": "stale, made by other keys", "channel": "no keys of url",
    }  # fmt: skip
    with pytest.raises(HeadwaterError, match=said[damage]):
        against(tmp_path / "new", old.workspace.path)


def test_a_place_without_an_index_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(HeadwaterError, match="holds no index of duplicates; curate a recipe"):
        against(tmp_path, tmp_path / "nowhere")


def test_an_earlier_corpus_in_a_store_and_a_workspace_in_another(
    tmp_path: Path, earlier: Made, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a store or from a folder: the same verdicts. Each machine has a cache of its own."""
    monkeypatch.setenv("HEADWATER_CACHE", str(tmp_path / "甲"))
    make(tmp_path / "old", {"旧": OLD}, POLICY, name="old", store=f"s3://{bucket}/old")
    monkeypatch.setenv("HEADWATER_CACHE", str(tmp_path / "乙"))
    expected = against(tmp_path / "new", earlier.workspace.path)
    found = against(tmp_path / "there", f"s3://{bucket}/old", store=f"s3://{bucket}/new")
    assert (found.reasons, found.partners) == (expected.reasons, expected.partners)
    # a third machine knows of the first corpus through the second alone
    fsspec.filesystem("s3").rm(f"{bucket}/old", recursive=True)
    monkeypatch.setenv("HEADWATER_CACHE", str(tmp_path / "丙"))
    settings = {**POLICY, "against": f"s3://{bucket}/new/recipes/new.json"}
    rows = [*OLD[:9], *NEW[:9], {"text": han(150, 7)}]
    assert make(tmp_path / "third", {"三": rows}, settings, name="third").kept == [18]
    with pytest.raises(HeadwaterError, match="holds no index of duplicates"):
        against(tmp_path / "none", f"s3://{bucket}/nowhere")
