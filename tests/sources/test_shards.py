"""Which files make which shard: paths, buckets, keys, collisions; ids, units and the split."""

import glob
import json
import os
import shutil
from pathlib import Path

import pytest

from headwater.engine.stages import run_stage
from headwater.engine.workspace import Workspace
from headwater.errors import RecipeError
from headwater.recipe.settings import Holdout
from headwater.recipe.sources import CodeSource, FilesSource, HuggingfaceSource, Unit
from headwater.sources import listing, shards
from headwater.sources.shards import LARGE, InputFile, check_collisions, deal, input_files, plan

HOLDOUT = Holdout()


def source(*paths: str, **settings) -> FilesSource:
    return FilesSource(name=settings.pop("name", "books"), kind="files", paths=list(paths), **settings)


@pytest.fixture
def texts(tmp_path):
    folder = tmp_path / "texts"
    for name in ("一.txt", "二.txt", "sub/三.txt", "sub/odd [1].txt"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name}：今天晚上，很好的月光。", encoding="utf-8")
    return folder


def test_the_root_is_the_fixed_prefix_of_a_glob(texts):
    def relative(*paths: str, **settings) -> list[str]:
        return [file.relative for file in input_files(source(*paths, **settings), texts.parent)]

    assert relative("texts/**/*.txt") == sorted(["一.txt", "二.txt", "sub/三.txt", "sub/odd [1].txt"])
    assert relative("texts/sub/*.txt") == sorted(["三.txt", "odd [1].txt"])
    assert relative("texts/sub/*.txt", root="texts") == sorted(["sub/三.txt", "sub/odd [1].txt"])
    assert relative("texts/sub/odd [1].txt") == ["odd [1].txt"]
    assert relative("texts/*.txt", "texts/一.txt") == sorted(["一.txt", "二.txt"])


def test_paths_that_name_nothing_say_what_and_where(texts, tmp_path):
    (tmp_path / "empty").mkdir()
    for path, message in (
        ("texts/no.txt", r"no file .*texts/no\.txt"),
        ("texts/*.md", "no file there matches"),
        ("nowhere/*.txt", "no folder .*nowhere"),
        ("empty/*.txt", "folder .*empty is empty"),
        ("empty", "folder .*empty is empty"),
        ("texts", r"is a folder; .*texts/\*\*/\*\.txt"),
    ):
        with pytest.raises(RecipeError, match=message):
            input_files(source(path), tmp_path)
    with pytest.raises(RecipeError, match="same path"):
        (tmp_path / "other").mkdir()
        shutil.copy(texts / "一.txt", tmp_path / "other/一.txt")
        input_files(source("texts/*.txt", "other/*.txt"), tmp_path)
    with pytest.raises(RecipeError, match="not below its root"):
        input_files(source("texts/*.txt", root="other"), tmp_path)


@pytest.mark.parametrize(
    "pattern",
    ["*", "*.txt", "**", "**/*.txt", "*/*.txt", "**/**/*.txt", "sub/*", "*/三.txt", "**/[一三].txt", "?.txt", "s*/**/*",
     ".*", "*/.*", "**/odd [[]1].txt", "[!一].txt", "连/*.txt", "**/里/*"],
)  # fmt: skip
def test_a_pattern_names_what_glob_finds(texts, pattern):
    (texts / ".藏.txt").write_text("藏", encoding="utf-8")
    (texts / "sub/.藏").mkdir()
    (texts / "sub/.藏/四.txt").write_text("四", encoding="utf-8")
    (texts / "深/里").mkdir(parents=True)
    (texts / "深/里/五.txt").write_text("五", encoding="utf-8")
    (texts / "连").symlink_to(texts / "sub")
    matches = glob.glob(str(texts / pattern), recursive=True)  # noqa: PTH207
    problems: listing.Problems = {}
    found = listing.matching(texts, Path(pattern).parts, problems)
    assert found == sorted({Path(match) for match in matches if Path(match).is_file()}) and not problems


def test_a_link_to_its_own_folder_is_gone_through_once(texts):
    (texts / "sub/回").symlink_to(texts)
    found = input_files(source("texts/**/*.txt"), texts.parent)
    assert [file.relative for file in found] == sorted(["一.txt", "二.txt", "sub/三.txt", "sub/odd [1].txt"])


def test_a_folder_that_cannot_be_listed_and_a_link_to_nothing_are_named(texts, tmp_path, monkeypatch):
    (texts / "断.txt").symlink_to(tmp_path / "没有.txt")
    with pytest.raises(RecipeError, match=r"'books': cannot read .*断\.txt \(a link that leads nowhere\)"):
        input_files(source("texts/**/*.txt"), tmp_path)
    assert len(input_files(source("texts/**/[一三].txt"), tmp_path)) == 2, "its name does not match"
    code = CodeSource(name="代码", kind="code", paths=["texts/**/*"])
    assert len(input_files(code, tmp_path)) == 4, "repositories hold such links"
    (texts / "断.txt").unlink()
    (texts / "锁").mkdir()
    (texts / "lost+found").mkdir()
    scandir = os.scandir

    def refused(place):
        if Path(place).name in ("锁", "lost+found"):
            raise PermissionError(13, "Permission denied", str(place))
        return scandir(place)

    monkeypatch.setattr(os, "scandir", refused)
    for pattern in ("texts/**/*.txt", "texts/锁/*.txt"):
        with pytest.raises(
            RecipeError, match=r"cannot read .*texts/锁 \(Permission denied\); make it readable"
        ):
            input_files(source(pattern), tmp_path)
    data_set = HuggingfaceSource(name="集", kind="huggingface", paths=["texts"])
    with pytest.raises(RecipeError, match=r"cannot read .*texts/锁"):
        input_files(data_set, tmp_path)
    (texts / "锁").rmdir()
    assert len(input_files(source("texts/**/*.txt"), tmp_path)) == 4, "lost+found is nobody's"


def test_a_file_that_may_not_be_read_is_named(texts, tmp_path, monkeypatch):
    def refused(self, *arguments, **settings):
        raise PermissionError(13, "Permission denied", str(self))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "is_dir", refused)
        with pytest.raises(RecipeError, match=r"'books': cannot read .*texts/一\.txt \(Permission denied\)"):
            input_files(source("texts/一.txt"), tmp_path)
    workspace = Workspace(tmp_path / "workspace")
    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(RecipeError, match=r"cannot read .*texts/一\.txt \(Permission denied\)"):
        plan(source("texts/一.txt"), tmp_path, workspace, holdout=HOLDOUT)


def test_the_recipe_s_folder_is_no_pattern_and_an_escaped_name_is_a_name(texts, tmp_path):
    for name in ("卷 [1]", "卷*", "卷?"):
        folder = tmp_path / name
        shutil.copytree(texts, folder / "texts")
        found = input_files(source("texts/**/*.txt"), folder)
        assert [file.relative for file in found] == [
            file.relative for file in input_files(source("texts/**/*.txt"), tmp_path)
        ]
        above = glob.escape(str(folder))
        assert input_files(source(f"{above}/texts/**/*.txt"), tmp_path) == found
        [one] = input_files(source(f"{above}/texts/sub/odd [[]1].txt"), tmp_path)
        assert one.relative == "odd [1].txt" and one.path == (folder / "texts/sub/odd [1].txt")
        with pytest.raises(RecipeError, match="there is no file"):
            input_files(source("texts/[[]没有].txt"), folder)
        data_set = HuggingfaceSource(name="集", kind="huggingface", paths=[f"{above}/texts"])
        assert len(input_files(data_set, tmp_path)) == 4


def test_one_more_file_touches_one_shard_and_a_large_one_stands_alone(tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(300):
        (folder / f"{number}.txt").write_text(f"第{number}篇。", encoding="utf-8")
    workspace = Workspace(tmp_path / "workspace")
    before = {t.shard: t.key for t in plan(source("many/*.txt"), tmp_path, workspace, holdout=HOLDOUT)}
    assert len(before) == 32
    (folder / "one-more.txt").write_text("又一篇。", encoding="utf-8")
    with (folder / "large.txt").open("wb") as file:
        file.truncate(LARGE + 1)
    after = {t.shard: t.key for t in plan(source("many/*.txt"), tmp_path, workspace, holdout=HOLDOUT)}
    assert len(after.keys() - before.keys()) == 1
    assert sum(before[shard] != after[shard] for shard in before) == 1


def test_a_bucket_of_many_bytes_or_files_is_split_and_no_other(monkeypatch):
    monkeypatch.setattr(shards, "BUCKET_BYTES", 5000)
    monkeypatch.setattr(shards, "BUCKET_FILES", 40)
    files = [InputFile(Path(f"卷{n}.txt"), f"卷{n}.txt", 200 if n % 3 else 10, 0) for n in range(900)]
    dealt = deal(files)
    assert sorted(file.relative for some in dealt.values() for file in some) == sorted(
        f.relative for f in files
    )
    assert max(sum(file.bytes for file in some) for some in dealt.values()) <= 5000
    assert max(map(len, dealt.values())) <= 40 and {len(name) for name in dealt} > {3}
    more = deal([*files, InputFile(Path("又.txt"), "又.txt", 10, 0)])
    changed = [name for name in more if more[name] != dealt.get(name)]
    assert len(changed) == 1, "one more file touches one shard"
    huge = InputFile(Path("巨.txt"), "巨.txt", 10**6, 0)  # smaller than LARGE, larger than a bucket may be
    assert [name for name, some in deal([*files, huge]).items() if huge in some]


def test_a_second_plan_reads_nothing_and_a_change_is_seen(texts, tmp_path, monkeypatch):
    workspace = Workspace(tmp_path / "workspace")
    settings = source("texts/*.txt")
    first = plan(settings, tmp_path, workspace, holdout=HOLDOUT)
    changed = (workspace.path / "inputs.json").stat().st_mtime_ns
    with monkeypatch.context() as patch:
        patch.setattr("hashlib.file_digest", lambda *_: pytest.fail("hashed again"))
        assert plan(settings, tmp_path, workspace, holdout=HOLDOUT) == first
    assert (workspace.path / "inputs.json").stat().st_mtime_ns == changed
    (texts / "一.txt").write_text("改了", encoding="utf-8")
    assert plan(settings, tmp_path, workspace, holdout=HOLDOUT) != first


def test_the_key_names_what_matters_and_nothing_else(texts, tmp_path):
    workspace = Workspace(tmp_path / "workspace")

    def keys(settings: FilesSource, folder=tmp_path, holdout=HOLDOUT, limit=None) -> list[str]:
        return [task.key for task in plan(settings, folder, workspace, holdout=holdout, limit=limit)]

    first = keys(source("texts/*.txt"))
    moved = tmp_path / "elsewhere"
    shutil.copytree(texts, moved / "texts")
    assert keys(source("texts/*.txt"), moved) == first
    assert keys(source("texts/[一二].txt")) == first
    assert keys(source("texts/*.txt", encoding="gb18030")) != first
    assert keys(source("texts/*.txt"), holdout=Holdout(share=0.5)) != first
    assert keys(source("texts/*.txt"), limit=1) != first


@pytest.mark.parametrize("workers", [1, 2])
def test_ids_are_the_same_in_another_folder_under_another_name_with_more_workers(texts, tmp_path, workers):
    import pyarrow.parquet as pq

    shutil.copytree(texts, tmp_path / "copy" / "texts")
    found = []
    for number, (folder, name) in enumerate(((tmp_path, "books"), (tmp_path / "copy", "others"))):
        workspace = Workspace(tmp_path / f"w{number}")
        tasks = plan(source("texts/**/*.txt", name=name), folder, workspace, holdout=HOLDOUT)
        entries = run_stage(workspace, "documents/x", tasks, workers=workers if number else 1, title="read")
        rows = [row for entry in entries for row in pq.read_table(entry.path()).to_pylist()]
        found.append([(row["id"], row["locator"], row["text"], row["unit"], row["split"]) for row in rows])
    assert found[0] == found[1] and len(found[0]) == 4


def test_two_sources_that_would_give_one_id_are_named(texts, tmp_path):
    workspace = Workspace(tmp_path / "workspace")
    one = plan(source("texts/*.txt"), tmp_path, workspace, holdout=HOLDOUT)
    shutil.copytree(texts, tmp_path / "copy")
    two = plan(source("copy/一.txt", name="copies"), tmp_path, workspace, holdout=HOLDOUT)
    with pytest.raises(RecipeError, match=r"'books' and 'copies'.*一\.txt"):
        check_collisions({"books": ("files", one), "copies": ("files", two)})
    rooted = plan(source("copy/一.txt", name="copies", root="."), tmp_path, workspace, holdout=HOLDOUT)
    check_collisions({"books": ("files", one), "copies": ("files", rooted)})
    check_collisions({"books": ("files", one), "copies": ("warc", two)})


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        (None, "鲁迅"),
        (Unit(by="author"), "鲁迅"),
        (Unit(by="file"), "a.jsonl"),
        (Unit(by="folder"), "."),
        (Unit(by="url", pattern=r"/(\w+)/\d+$"), "novel"),
        (Unit(by="site"), "example.com.cn"),
        (Unit(by="path", pattern=r"^[^.]+"), "a"),
    ],
)
def test_the_unit_is_what_the_source_says(tmp_path, read, unit, expected):
    path = tmp_path / "a.jsonl"
    row = {"text": "今天晚上，很好的月光。", "author": "鲁迅", "url": "https://www.example.com.cn/novel/12"}
    path.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    assert read(path, unit=unit).documents[0]["unit"] == expected


def test_what_a_pattern_does_not_fit_is_a_unit_of_its_own(tmp_path, read):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "甲"}\n{"text": "乙"}\n', encoding="utf-8")
    for unit in (Unit(by="document"), Unit(by="path", pattern="nothing"), Unit(by="url")):
        documents = read(path, unit=unit).documents
        assert [document["unit"] for document in documents] == [document["id"] for document in documents]
    with pytest.raises(RecipeError, match="no regular expression"):
        read(path, unit=Unit(by="path", pattern="("))


def test_the_split_follows_the_unit_and_a_reference_is_held_out_whole(tmp_path, read):
    path = tmp_path / "a.jsonl"
    rows = [{"text": f"第{n}条", "author": f"作者{n % 50}"} for n in range(500)]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    documents = read(path, share=0.3).documents
    splits = {(document["unit"], document["split"]) for document in documents}
    assert len(splits) == 50 and 5 <= sum(split == "heldout" for _, split in splits) <= 25
    assert {document["split"] for document in read(path, role="reference").documents} == {"heldout"}


def test_names_that_are_no_utf8_are_shown_and_read(tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    try:
        with open(os.fsencode(folder) + b"/\xce\xc4.txt", "wb") as file:  # noqa: PTH123
            file.write("好".encode())
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    workspace = Workspace(tmp_path / "workspace")
    tasks = plan(source("texts/*.txt"), tmp_path, workspace, holdout=HOLDOUT)
    [entry] = run_stage(workspace, "documents/x", tasks, workers=1, title="read")
    assert list(entry.result["files"]) == ["\\xce\\xc4.txt"] and entry.result["documents"] == 1
