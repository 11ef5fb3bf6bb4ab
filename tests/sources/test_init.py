"""A first recipe loads, names every file that it met, and reads what it promises."""

import gzip
import json
import os
import re
import shutil
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headwater.corpus.document import split_of
from headwater.engine.workspace import Output, Workspace
from headwater.errors import RecipeError
from headwater.recipe import Recipe, load_recipe
from headwater.sources.init import init
from headwater.sources.read import read_shard
from headwater.sources.shards import check_collisions, plan

CHINESE = "今天晚上，很好的月光。我不见他，已是三十多年；今天见了，精神分外爽快。\n"
ENGLISH = "It was the best of times, it was the worst of times, it was the age of wisdom.\n"


def recipe_of(folder: Path, tmp_path: Path) -> tuple[Recipe, str]:
    """The recipe as a person would use it: printed into a file that stands somewhere else."""
    text = init(folder)
    path = tmp_path / "elsewhere" / "recipe.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return load_recipe(path), text


def read_all(recipe: Recipe, tmp_path: Path) -> dict[str, Counter[str]]:
    """Source -> counts of splits, files and bytes, everything read and nothing quarantined without being counted."""
    workspace = Workspace(tmp_path / "workspace")
    counts: dict[str, Counter[str]] = {}
    planned = {}
    for source in recipe.sources:
        tasks = plan(source, recipe.folder, workspace, holdout=recipe.holdout)
        planned[source.name] = (source.kind, tasks)
        counts[source.name] = Counter()
        for task in tasks:
            out = Output(tmp_path / "stage", task.shard)
            result = read_shard(out, **task.arguments)
            counts[source.name].update(pq.read_table(out.path(), columns=["split"]).column(0).to_pylist())
            counts[source.name]["files"] += len(result["files"])
            counts[source.name]["bytes"] += result["bytes"]
            out.discard()
    check_collisions(planned)
    return counts


@pytest.mark.parametrize("corpus", ["books/novels-en", "books/books-zh", "news"])
def test_real_folders_give_recipes_that_read_and_hold_out(real_data, tmp_path, corpus):
    recipe, text = recipe_of(real_data / "corpora" / corpus, tmp_path)
    counts = read_all(recipe, tmp_path)
    total = sum(counts.values(), Counter())
    assert 2 <= total["heldout"] <= 0.35 * total["train"]  # a comparison needs two
    assert recipe.train.tokens <= 5_000_000 and recipe.train.tokens <= 4 * total["bytes"] / 3
    assert recipe.curate.preset is None
    if corpus == "books/novels-en":
        assert total["files"] == 25 and "Author_Title_Year" in text
    if corpus == "books/books-zh":
        assert total["files"] == 11 and "index.csv" in text and "书名" in text
    if corpus == "news":
        assert ".cor: not a known extension" in text and "similarities0-1.txt" in text
        assert total["files"] == 350


def test_a_folder_of_both_languages_holds_out_some_of_each(real_data, tmp_path):
    folder = tmp_path / "mixed"
    for name, pattern in (("en", "novels-en/[A-D]*"), ("zh", "books-zh/*.txt.gz")):
        (folder / name).mkdir(parents=True)
        for path in sorted((real_data / "corpora/books").glob(pattern)):
            shutil.copy(path, folder / name)
    recipe, _ = recipe_of(folder, tmp_path)
    counts = read_all(recipe, tmp_path)
    assert set(counts) == {"en", "zh"}
    assert all(count["heldout"] and count["train"] for count in counts.values())


@pytest.fixture
def folder(tmp_path):
    """A bit of everything."""
    folder = tmp_path / "各种 [texts]"
    (folder / "对话").mkdir(parents=True)
    for number in range(12):
        (folder / f"第{number}章.txt").write_bytes((f"第{number}章\n" + CHINESE * 30).encode("gb18030"))
    rows = [{"问题": "为什么？", "回答全文": CHINESE * 2 + str(n)} for n in range(50)]
    (folder / "对话/a.jsonl").write_text(
        "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8"
    )
    (folder / "notes.csv").write_text("id,text\n" + "".join(f"{n},{ENGLISH.strip()!r}\n" for n in range(9)))
    (folder / "catalogue.csv").write_text("title,year\nHamlet,1603\n")
    (folder / "old.log").write_text(ENGLISH * 20)
    (folder / "numbers.txt").write_text("1 2 3\n" * 500)
    (folder / "book.epub").write_bytes(b"PK\x03\x04")
    (folder / "dump.xml.bz2").write_bytes(b"BZh9")
    (folder / "x.7z").write_bytes(b"7z")
    (folder / "image").write_bytes(bytes(range(256)) * 10)
    (folder / "empty.txt").touch()
    (folder / ".hidden").write_text("hidden")
    return folder


def test_every_file_is_in_a_source_or_listed(folder, tmp_path):
    recipe, text = recipe_of(folder, tmp_path)
    counts = read_all(recipe, tmp_path)
    assert sum(count["files"] for count in counts.values()) == 15
    for name in ("catalogue.csv", "numbers.txt", "book.epub", "dump.xml.bz2", "x.7z", "image", "empty.txt"):
        assert name in text
    assert ".log: not a known extension" in text and ".hidden" not in text
    dialogues = next(source for source in recipe.sources if source.name == "对话")
    assert dialogues.columns == {"text": "回答全文"} and dialogues.unit.by == "document"
    assert counts["对话"]["train"] > counts["对话"]["heldout"] > 0
    assert sum(count["bytes"] for count in counts.values()) > 12 * 30 * len(CHINESE.encode())


def test_authors_and_versions_stay_together(tmp_path):
    books = tmp_path / "books"
    articles = tmp_path / "articles"
    books.mkdir()
    articles.mkdir()
    for author in ("鲁迅", "茅盾", "Dickens"):
        for number in range(3):
            with gzip.open(
                books / f"{author}_Title{number}_19{number}0.txt.gz", "wt", encoding="utf-8"
            ) as file:
                file.write(CHINESE * 10)
    for article in range(10):
        for level in ("adv", "int", "ele"):
            (articles / f"Some news {article}-{level}.txt").write_text(ENGLISH)
    for folder, units in ((books, 3), (articles, 10)):
        recipe, _ = recipe_of(folder, tmp_path)
        [source] = recipe.sources
        rows = []
        for task in plan(source, recipe.folder, Workspace(tmp_path / "w"), holdout=recipe.holdout):
            out = Output(tmp_path / "stage", task.shard)
            read_shard(out, **task.arguments)
            rows += pq.read_table(out.path(), columns=["unit", "split"]).to_pylist()
        assert len({row["unit"] for row in rows}) == units
        held = {row["unit"] for row in rows if row["split"] == "heldout"}
        assert held and held == {
            unit
            for unit in {row["unit"] for row in rows}
            if split_of(unit, **recipe.holdout.model_dump()) == "heldout"
        }


def test_what_cannot_work_is_said(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecipeError, match="empty"):
        init(tmp_path / "empty")
    with pytest.raises(RecipeError, match="not there"):
        init(tmp_path / "nowhere")
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"\x89PNG")
    with pytest.raises(RecipeError, match=r"1 × \.png cannot be read yet: a\.png"):
        init(folder)
    (folder / "a.txt").write_text(CHINESE, encoding="utf-8")
    assert "one unit only" in init(folder)


def test_what_cannot_be_listed_and_links_are_said(tmp_path, monkeypatch):
    folder = tmp_path / "文集"
    for name in ("书/甲.txt", "书/里/乙.txt", "书/锁/丙.txt", "开/丁.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(CHINESE, encoding="utf-8")
    (folder / "开/断.txt").symlink_to(tmp_path / "没有.txt")
    (folder / "开/连").symlink_to(folder / "书")
    scandir = os.scandir

    def refused(place):
        if Path(place).name == "锁":
            raise PermissionError(13, "Permission denied", str(place))
        return scandir(place)

    monkeypatch.setattr(os, "scandir", refused)
    recipe, text = recipe_of(folder, tmp_path)
    assert "1 × cannot be read (Permission denied): 书/锁" in text
    assert "1 × a link that leads nowhere: 开/断.txt" in text and "which is not followed: 开/连" in text
    counts = read_all(recipe, tmp_path)
    assert {name: count["files"] for name, count in counts.items()} == {"书": 2, "开": 1}
    monkeypatch.setattr(os, "scandir", lambda place: refused(place if place != folder else "锁"))
    with pytest.raises(RecipeError, match=r"nothing in .*文集 can be read yet:\n.*Permission denied"):
        init(folder)


def test_a_file_called_events_is_data_and_a_workspace_is_none(tmp_path):
    folder = tmp_path / "记录"
    for name in ("新闻/events.jsonl", "新闻/别的.jsonl", "工作/events.jsonl", "工作/documents/x.jsonl"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps({"text": CHINESE}) + "\n", encoding="utf-8")
    (folder / "工作/inputs.json").write_text("{}")
    recipe, text = recipe_of(folder, tmp_path)
    assert {name: count["files"] for name, count in read_all(recipe, tmp_path).items()} == {"新闻": 2}
    assert "1 × a workspace of Headwater's: 工作" in text


def test_names_that_are_no_utf8_are_read_and_shown(tmp_path):
    folder = tmp_path / "旧书"
    names = ["第一章.txt", "第二章.txt", "第一章.doc", "诗/一.txt", "杂.md"]
    try:
        for name in names:
            path = Path(os.fsdecode(os.fsencode(folder) + b"/" + name.encode("gbk")))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(CHINESE, encoding="utf-8")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    (folder / "目录.txt").write_text("1 2 3\n" * 500)  # left out, so that the others are named one by one
    recipe, text = recipe_of(folder, tmp_path)
    # D2 BB of 一 is UTF-8 by itself, for another character
    assert r"\xb5\xda\u04bb\xd5\xc2.doc".replace(r"\u04bb", "\u04bb") in text and "??\u04bb??.txt" in text
    assert sum(count["files"] for count in read_all(recipe, tmp_path).values()) == 4


def test_an_empty_file_beside_others_is_no_reason_to_name_them_one_by_one(tmp_path):
    folder = tmp_path / "章回"
    folder.mkdir()
    for number in range(5):
        (folder / f"第{number}回.txt").write_text(CHINESE, encoding="utf-8")
        pq.write_table(pa.table({"text": [CHINESE] * 3}), folder / f"第{number}回.parquet")
    (folder / "空.txt").touch()
    (folder / "空.parquet").touch()
    recipe, text = recipe_of(folder, tmp_path)
    paths = [source.paths for source in recipe.sources]
    assert len(paths) == 2 and [f"{folder}/*.txt"] in paths, "files that are added later are read"
    assert "2 × empty: " in text
    (folder / "又.txt").write_text(CHINESE, encoding="utf-8")
    assert sum(count["files"] for count in read_all(recipe, tmp_path).values()) == 5 + 7


def test_names_of_sources_are_short_enough_and_apart(tmp_path):
    folder = tmp_path / ("很长的名字" * 12)
    folder.mkdir()
    for number, column in enumerate(("回答" * 15 + "甲", "回答" * 15 + "乙", "回答" * 15 + "丙")):
        rows = [{column: CHINESE * 2, "序": str(n)} for n in range(5)]
        path = folder / f"{number}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    recipe, _ = recipe_of(folder, tmp_path)
    names = [source.name for source in recipe.sources]
    assert len(set(names)) == 3 and all(len(name) <= 64 for name in names)


def test_a_tiny_folder_s_tokens_and_what_is_said_of_them_agree(tmp_path):
    folder = tmp_path / "短"
    folder.mkdir()
    (folder / "一.txt").write_text(CHINESE, encoding="utf-8")
    (folder / "二.txt").write_text(CHINESE, encoding="utf-8")
    assert "times the text: so little text is for a try" in init(folder)
    (folder / "长.txt").write_text(CHINESE * 5000, encoding="utf-8")
    assert re.search(r"# about [123]\.\d times the text; at most 4\n", init(folder))
