"""A first recipe loads, names every file that it met, and reads what it promises."""

import gzip
import json
import shutil
from collections import Counter
from pathlib import Path

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
