"""Every kind of file is proposed as the kind of source that reads it, and what is proposed can be read."""

import gzip
import io
import json
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from headwater.errors import RecipeError
from headwater.recipe import load_recipe
from headwater.sources.init import init
from headwater.sources.peek import look
from tests.sources.test_init import CHINESE, ENGLISH, read_all, recipe_of

TALK = [
    {
        "messages": [
            {"role": "user", "content": "你好，今晚有月亮吗？"},
            {"role": "assistant", "content": CHINESE},
        ]
    }
    for _ in range(6)
]
POEMS = [
    {"author": "杜甫", "title": f"绝句{n}", "paragraphs": ["两个黄鹂鸣翠柳，一行白鹭上青天。"]}
    for n in range(6)
]
THREADS = [{"question": "为什么天是蓝的？", "answers": [{"text": CHINESE, "score": 3}]} for _ in range(6)]
FEED = (
    '<?xml version="1.0"?><rss version="2.0"><channel><title>新闻</title>'
    f"<item><title>一</title><description>{CHINESE * 5}</description></item></channel></rss>"
)
NITF = f"<?xml version='1.0'?><nitf><body><body.content><p>{CHINESE * 5}</p></body.content></body></nitf>"
WIKI = (
    '<mediawiki xml:lang="zh"><page><title>月</title><ns>0</ns><id>1</id><revision><id>2</id>'
    f"<model>wikitext</model><text>{CHINESE * 5}</text></revision></page></mediawiki>"
)
POSTS = (
    '<?xml version="1.0" encoding="utf-8"?>\n<posts>\n<row Id="1" PostTypeId="1" Title="月光" '
    f'Body="&lt;p&gt;{CHINESE.strip()}&lt;/p&gt;" Score="1" CreationDate="2014-01-21T20:26:05.383" />\n</posts>\n'
)
GUTENBERG = (
    "The Project Gutenberg eBook of Moon\n\nTitle: Moon\n\nAuthor: Lu Xun\n\n"
    f"*** START OF THE PROJECT GUTENBERG EBOOK MOON ***\n\n{ENGLISH * 40}\n\n"
    "*** END OF THE PROJECT GUTENBERG EBOOK MOON ***\n"
)
IRC = "".join(f"[12:{n:02d}] <月{n % 3}> 今天晚上，很好的月光。\n" for n in range(20))
SUBTITLES = (
    "1\n00:00:01,000 --> 00:00:02,000\n今天晚上，很好的月光。\n\n2\n00:00:03,000 --> 00:00:04,000\n是的。\n"
)
MAIL = "From a@example.com Mon Jul 20 01:01:07 2015\nFrom: a@example.com\nSubject: moon\n\n" + ENGLISH
PAGE = f"<!DOCTYPE html><html><head><title>月</title></head><body><p>{CHINESE * 20}</p></body></html>"
TEX = "\\documentclass{article}\n\\begin{document}\n\\section{Moon}\n" + ENGLISH * 10 + "\\end{document}\n"
ARC = (
    b"filedesc://x.arc 0.0.0.0 20080101000000 text/plain 76\n1 0 Headwater\nURL IP-address Archive-date "
    b"Content-type Archive-length\n\n"
)


def lines(rows: list[dict]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def archive(**files: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        for name, text in files.items():
            made.writestr(name.replace("__", "/").replace("_DOT_", "."), text)
    return held.getvalue()


FILES: dict[str, tuple[str | bytes, str]] = {
    "zhwiki-pages-articles.xml": (WIKI, "wikipedia"),
    "Posts.xml": (POSTS, "forum"),
    "feed.rss": (FEED, "news"),
    "agency.xml": (NITF, "news"),
    "moon.txt": (GUTENBERG, "books"),
    "moon.htm": (PAGE.replace("<p>", f"<pre>{GUTENBERG}</pre><p>", 1), "books"),
    "poems.json": (json.dumps(POEMS, ensure_ascii=False), "books"),
    "log.txt": (IRC, "dialogue"),
    "film.srt": (SUBTITLES, "dialogue"),
    "list.mbox": (MAIL, "dialogue"),
    "letter.eml": (MAIL.partition("\n")[2], "dialogue"),
    "talk.jsonl": (lines(TALK), "dialogue"),
    "talk.json": (json.dumps({str(n): row for n, row in enumerate(TALK)}), "dialogue"),
    "talk.zip": (archive(val_DOT_json=json.dumps(TALK)), "dialogue"),
    "threads.jsonl": (lines(THREADS), "forum"),
    "main.tex": (TEX, "papers"),
    "paper.zip": (archive(main_DOT_tex=TEX), "papers"),
    "page.html": (PAGE, "html"),
    "pages.zip": (archive(a_DOT_html=PAGE, b_DOT_html=PAGE), "html"),
    "crawl.arc": (ARC, "warc"),
    "CC-NEWS-1.warc": (b"WARC/1.0\r\n", "news"),
    "stack.jsonl": (lines([{"hexsha": str(n), "content": "print(1)\n"} for n in range(5)]), "code"),
    "novel.txt": (CHINESE * 30, "text"),
    "rows.jsonl": (lines([{"text": CHINESE} for _ in range(5)]), "jsonl"),
    # What looks like something and is not.
    "list.md": ("# Moon\n\n" + "* one two three four\n* five: six seven\n" * 20, "text"),
    "play.txt": ("HAMLET: To be, or not to be, that is the question.\n" * 40, "text"),
    "Users.xml": (POSTS.replace("posts", "users"), ""),
    "layout.xml": ("<layout><a/></layout>", ""),
    "fake.pdf": ("no pdf", ""),
    "pages.warc.wat.gz": (gzip.compress(b"WARC/1.0\r\n"), ""),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("packed", [False, True])
def test_names_and_first_bytes_decide_the_kind(tmp_path, name, packed):
    content, form = FILES[name]
    data = content.encode() if isinstance(content, str) else content
    if packed and not name.endswith((".zip", ".gz", ".pdf", ".arc")):
        name, data = name + ".gz", gzip.compress(data)
    path = tmp_path / name
    path.write_bytes(data)
    found = look(path)
    assert found.form == form and bool(found.why) == (form == "")
    assert (
        0 <= found.size <= 3 * max(200, len(data) if not name.endswith(".gz") else len(gzip.decompress(data)))
    )


@pytest.mark.parametrize("name", [name for name, (_, form) in FILES.items() if form])
def test_cut_and_changed_files_are_looked_at_without_an_error(tmp_path, name):
    content, _ = FILES[name]
    data = content.encode() if isinstance(content, str) else content
    path = tmp_path / name
    for tenth in range(1, 10):
        path.write_bytes(data[: len(data) * tenth // 10])
        assert isinstance(look(path).form, str)
        changed = bytearray(data)
        changed[len(data) * tenth // 10] ^= 0xFF
        path.write_bytes(changed)
        assert isinstance(look(path).form, str)


def test_a_large_object_and_long_lines_are_known_beyond_the_sample(tmp_path):
    long = [{"messages": [{"role": "user", "content": CHINESE * 2000}] * 2}] * 2
    (tmp_path / "one.json").write_text(json.dumps({"conversations": long[0]["messages"]}), encoding="utf-8")
    (tmp_path / "lines.jsonl").write_text(lines(long), encoding="utf-8")
    assert [look(tmp_path / name).form for name in ("one.json", "lines.jsonl")] == ["dialogue", "dialogue"]


def test_pages_beside_the_text_are_neither_the_text_nor_counted_as_such(tmp_path):
    rows = [{"html": f"<html>{'<p>x</p>' * 900}</html>", "answer": CHINESE * 2} for _ in range(5)]
    (tmp_path / "rows.jsonl").write_text(lines(rows), encoding="utf-8")
    found = look(tmp_path / "rows.jsonl")
    assert found.column == "answer"
    assert found.size < 0.2 * (tmp_path / "rows.jsonl").stat().st_size


def test_all_of_them_in_one_folder_are_read_once(tmp_path):
    folder = tmp_path / "各种"
    for number, (name, (content, _)) in enumerate(FILES.items()):
        (folder / f"部{number % 4}").mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        (folder / f"部{number % 4}" / name).write_bytes(data)
    recipe, text = recipe_of(folder, tmp_path)
    read = {source.kind for source in recipe.sources}
    assert read == {
        "wikipedia", "forum", "news", "books", "dialogue", "papers", "html", "warc", "code", "files",
    }  # fmt: skip
    counts = read_all(recipe, tmp_path)
    assert sum(count["files"] for count in counts.values()) == sum(form != "" for _, form in FILES.values())
    for name, (_, form) in FILES.items():
        assert form or name in text


def test_a_dump_is_one_source_and_its_other_tables_are_none(tmp_path):
    for site in ("beer", "月"):
        (tmp_path / "qa" / site).mkdir(parents=True)
        (tmp_path / "qa" / site / "Posts.xml").write_text(POSTS, encoding="utf-8")
        for table in ("Users", "Comments", "Badges"):
            other = POSTS.replace("posts", table.lower())
            (tmp_path / "qa" / site / f"{table}.xml").write_text(other, encoding="utf-8")
    recipe, text = recipe_of(tmp_path / "qa", tmp_path)
    assert [source.kind for source in recipe.sources] == ["forum", "forum"]
    assert "4 × is read with the Posts.xml beside it" in text and "2 × a table of a StackExchange" in text
    counts = read_all(recipe, tmp_path)  # and the two Posts.xml do not share ids
    assert sum(count["files"] for count in counts.values()) == 2


def project(folder: Path, name: str) -> None:
    (folder / name / "src").mkdir(parents=True)
    (folder / name / "pyproject.toml").write_text(f"[project]\nname = '{name}'\n")
    (folder / name / "README.md").write_text(ENGLISH)
    for number in range(3):
        (folder / name / "src" / f"m{number}.py").write_text(
            f"# 月光\ndef f{number}():\n    return {number}\n"
        )


def test_repositories_are_code_with_all_their_files(tmp_path):
    for name in ("alpha", "beta"):
        project(tmp_path / "work" / "repos", name)
    (tmp_path / "work" / "novel.txt").write_text(CHINESE * 30, encoding="utf-8")
    recipe, _ = recipe_of(tmp_path / "work", tmp_path)
    kinds = {source.kind: source for source in recipe.sources}
    assert set(kinds) == {"code", "files"}
    counts = read_all(recipe, tmp_path)
    assert counts[kinds["code"].name]["files"] == 10 and counts[kinds["files"].name]["files"] == 1
    [alone] = recipe_of(tmp_path / "work" / "repos" / "alpha", tmp_path)[0].sources
    assert alone.kind == "code" and alone.unit.by == "path"


def test_texts_in_git_are_no_repository_of_programs(tmp_path):
    folder = tmp_path / "poetry"
    (folder / ".git").mkdir(parents=True)
    (folder / "package.json").write_text("{}")
    for number in range(9):
        (folder / f"{number}.json").write_text(json.dumps(POEMS, ensure_ascii=False), encoding="utf-8")
    (folder / "check.py").write_text("print(1)\n")
    recipe, text = recipe_of(folder, tmp_path)
    assert [source.kind for source in recipe.sources] == ["books"]
    assert ".py is no prose" in text and "package.json" in text


def test_a_folder_with_a_card_is_a_data_set(tmp_path):
    top = tmp_path / "hub" / "月集"
    (top / "data").mkdir(parents=True)
    (top / "README.md").write_text(
        "---\nlicense: cc-by-4.0\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n"
        "    path: data/train.jsonl\n  - split: test\n    path: data/test.jsonl\n---\n# 月集\n",
        encoding="utf-8",
    )
    for split in ("train", "test"):
        rows = lines([{"text": CHINESE + str(n)} for n in range(9)])
        (top / "data" / f"{split}.jsonl").write_text(rows, encoding="utf-8")
    recipe, text = recipe_of(tmp_path / "hub", tmp_path)
    [source] = recipe.sources
    assert source.kind == "huggingface" and source.paths == [str(top)]
    assert "test.jsonl" in text and "another split or config" in text
    [count] = read_all(recipe, tmp_path).values()
    assert count["files"] == 1 and count["train"] + count["heldout"] == 9
    # Conversations are no rows of text: their files are read by the kind that knows them.
    (top / "data" / "train.jsonl").write_text(lines(TALK), encoding="utf-8")
    assert "dialogue" in {source.kind for source in recipe_of(tmp_path / "hub", tmp_path)[0].sources}


def test_a_card_that_is_unsound_costs_only_itself(tmp_path):
    (tmp_path / "README.md").write_text("---\nlicense: [\n---\n")
    (tmp_path / "a.jsonl").write_text(lines([{"text": CHINESE}] * 3), encoding="utf-8")
    assert "kind: files" in init(tmp_path)


def test_arrow_and_xz_are_read(tmp_path):
    import lzma

    folder = tmp_path / "tables"
    folder.mkdir()
    table = pa.table({"正文": [CHINESE] * 9})
    with pa.OSFile(str(folder / "a.arrow"), "wb") as file, pa.ipc.new_stream(file, table.schema) as out:
        out.write_table(table)
    (folder / "b.txt.xz").write_bytes(lzma.compress((CHINESE * 30).encode("gb18030")))
    recipe, _ = recipe_of(folder, tmp_path)
    counts = read_all(recipe, tmp_path)
    assert sum(count["files"] for count in counts.values()) == 2
    assert sum(count["train"] + count["heldout"] for count in counts.values()) == 10


def test_files_of_one_name_in_several_folders_get_a_root(tmp_path):
    for language in ("en", "zh"):
        (tmp_path / "texts" / language).mkdir(parents=True)
        for number in range(4):
            (tmp_path / "texts" / language / f"{number}.txt").write_text(CHINESE * 9, encoding="utf-8")
    recipe, _ = recipe_of(tmp_path / "texts", tmp_path)
    assert {source.root for source in recipe.sources} == {str(tmp_path / "texts")}
    assert sum(count["files"] for count in read_all(recipe, tmp_path).values()) == 8


@pytest.mark.parametrize(
    ("corpus", "kinds"),
    [
        ("chat", {"dialogue"}),
        ("qa", {"forum", "files"}),
        ("papers", {"papers", "files"}),
        ("wikipedia", {"wikipedia"}),
        ("books", {"books", "files"}),
        ("web-html", {"html", "files"}),
        ("web-warc", {"warc"}),
    ],
)
def test_real_folders_are_proposed_as_what_they_are(real_data, tmp_path, corpus, kinds):
    text = init(real_data / "corpora" / corpus)
    (tmp_path / "recipe.yaml").write_text(text, encoding="utf-8")
    recipe = load_recipe(tmp_path / "recipe.yaml")
    assert {source.kind for source in recipe.sources} == kinds
    assert "cannot be read (" not in text


def test_nothing_that_can_be_read_is_said(tmp_path):
    (tmp_path / "layout.xml").write_text("<layout/>")
    with pytest.raises(RecipeError, match="XML of no known kind"):
        init(tmp_path)
