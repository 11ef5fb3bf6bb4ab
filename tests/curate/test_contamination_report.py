"""Evaluation items in a corpus: as much of each as was planted, where, and in which domain; and cut where asked."""

import gzip
import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from corpora import han, make, words

from headwater.cli import cli
from headwater.curate.evaluation_items import read_items
from headwater.errors import RecipeError
from headwater.inspect.why import why

EN = [words(100, seed) for seed in range(1, 5)]
ZH = [f"{han(120, seed)}，{han(79, seed + 50)}" for seed in range(1, 5)]


def shares(text: str) -> dict[float, str]:
    """The beginning of an item: all, a half, a fifth of its words or characters, and a twentieth."""
    space = " " if " " in text else ""
    units = text.split() if space else list(text)
    return {share: space.join(units[: round(share * len(units))]) for share in (1.0, 0.5, 0.2, 0.05)}


def plant(folder: Path) -> tuple[Path, Path]:
    """(recipe, tasks): every item of two benchmarks planted at another share, English in 甲, Chinese in 乙."""
    (folder / "tasks").mkdir(parents=True)
    rows = [{"id": f"q{n}", "question": text, "choices": ["a", "b"]} for n, text in enumerate(EN)]
    (folder / "tasks" / "reading.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    lines = ["句子\t答案", *(f"{text}\t是" for text in [*ZH, "太短"])]
    with gzip.open(folder / "tasks" / "阅读.tsv.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(lines))
    for source, items, filler in (("甲", EN, words), ("乙", ZH, han)):
        documents = []
        for number, (item, share) in enumerate(zip(items, (1.0, 0.5, 0.2, 0.05), strict=True)):
            text = f"{filler(300, 100 + number)}\n{shares(item)[share]}\n{filler(300, 200 + number)}"
            documents.append(json.dumps({"text": text}, ensure_ascii=False))
        (folder / f"{source}.jsonl").write_text("\n".join(documents) + "\n", encoding="utf-8")
    sources = [{"name": name, "kind": "files", "paths": [f"{name}.jsonl"]} for name in ("甲", "乙")]
    recipe = folder / "recipe.yaml"
    recipe.write_text(
        json.dumps({"sources": sources, "holdout": {"share": 0}}, ensure_ascii=False), encoding="utf-8"
    )
    return recipe, folder / "tasks"


def test_planted_items_are_found_at_the_share_that_was_planted(tmp_path: Path) -> None:
    recipe, tasks = plant(tmp_path)
    asked = ["contamination", str(recipe), "--words", "10", "--characters", "25", "--workers", "0", "--tasks",
             str(tasks / "reading.jsonl"), str(tasks / "阅读.tsv.gz")]  # fmt: skip
    answer = CliRunner().invoke(cli, [*asked, "--json"])
    assert answer.exit_code == 0, answer.output
    report = json.loads(answer.stdout)
    found = {(one["benchmark"], one["item"]): one for one in report["items"]}
    for name, domain, ids in (("reading", "甲", ["q0", "q1", "q2"]), ("阅读", "乙", ["1", "2", "3"])):
        assert [key[1] for key in found if key[0] == name] == ids  # a twentieth is no gram
        for item, share in zip(ids, (1.0, 0.5, 0.2), strict=True):
            one = found[name, item]
            assert one["overlap"] == pytest.approx(share, abs=0.006)  # punctuation does not count
            assert one["domains"] == {domain: one["overlap"]}
            assert one["passages"][0]["locator"].startswith(f"{domain}.jsonl#")
        assert report["benchmarks"][name]["domains"] == {domain: 3}
        assert report["benchmarks"][name]["at"] == {"1.0": 1, "0.5": 2, "0.2": 3}
    shown = CliRunner().invoke(cli, asked)
    assert shown.exit_code == 0 and "阅读" in shown.stdout and ZH[0][:20] in shown.stdout


def test_evaluation_text_leaves_the_pool_and_is_named(tmp_path: Path) -> None:
    nested = {"data": [{"title": "题", "paragraphs": [{"context": ZH[0], "qas": [{"question": EN[0]}]}]}]}
    (tmp_path / "考试.json").write_text(json.dumps(nested), encoding="utf-8")
    texts = [han(400, 7) + ZH[0] + han(400, 8), f"{words(200, 90)} {EN[0]} {words(200, 91)}", han(300, 9)]
    settings = {"tasks": ["考试.json"], "margin": 10}
    made = make(tmp_path, [{"text": text} for text in texts], None, decontaminate=settings)
    assert made.texts[2] == texts[2]
    assert made.texts[0] == f"{han(400, 7)[:-10]}\n\n{han(400, 8)[10:]}"
    [edition] = made.curated.edition_stages
    assert [span["reason"] for spans in made.spans(edition)[:2] for span in spans] == ["考试", "考试"]
    whose = [entry.result["whose"] for entry in made.workspace.stage(edition).entries().values()]
    assert sum(counts.get("texts", {}).get("考试", 0) for counts in whose) == 2
    [cut] = why(made.workspace, made.rows[0]["id"]).verdicts[0].cuts
    assert cut.reason == "考试" and ZH[0] in cut.text


@pytest.mark.parametrize("name", ["a.json", "a.jsonl.gz", "a.csv", "a.tsv", "a.zip", "a.tar.gz"])
def test_items_of_every_shape(tmp_path: Path, name: str) -> None:
    rows: list[dict[str, Any]] = [
        {"题目": '他说："好"，\n走了。', "选项": ["是", "否"]},
        {"题目": "二", "选项": ["三"]},
    ]
    flat = [{"题目": '他说："好"', "选项": "是"}, {"题目": "二", "选项": "三"}]
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()
    path = tmp_path / name
    if name == "a.json":
        path.write_text(json.dumps(rows), encoding="utf-8")
    elif name == "a.jsonl.gz":
        path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + lines))
    elif name == "a.csv":
        path.write_text('题目,选项\n"他说：""好""",是\n二,三\n', encoding="utf-8")
    elif name == "a.tsv":
        path.write_text('题目\t选项\n他说："好"\t是\n二\t三\n', encoding="utf-8")
    elif name == "a.zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inner/b.jsonl", lines)
            archive.writestr("README.md", "no task")
    else:
        with tarfile.open(path, "w:gz") as archive:
            member = tarfile.TarInfo("inner/b.jsonl")
            member.size = len(lines)
            archive.addfile(member, io.BytesIO(lines))
    items = list(read_items([path]))
    expected = [tuple(row.values()) for row in flat] if name.endswith("sv") else [
        (row["题目"], *row["选项"]) for row in rows
    ]  # fmt: skip
    assert [item.fields for item in items] == expected
    assert {item.benchmark for item in items} == {"a/b" if name in ("a.zip", "a.tar.gz") else "a"}


def test_the_first_row_of_a_table_without_headings_is_an_item(tmp_path: Path) -> None:
    question = "A boat goes upstream at ten miles an hour; how long does it take for twenty?"
    rows = [[question, "2 hours", "3 hours", "A"], ["二加二是多少", "四", "四", "B"]]
    path = tmp_path / "mmlu.csv"
    path.write_text("\n".join('"' + '","'.join(row) + '"' for row in rows), encoding="utf-8")
    assert [item.fields for item in read_items([path])] == [tuple(row) for row in rows]
    path.write_text(",Question,A\n0,病毒是什么,手机\n\n1,以下属于,防火墙,多\n", encoding="utf-8")
    assert [item.fields for item in read_items([path])] == [
        ("0", "病毒是什么", "手机"),
        ("1", "以下属于", "防火墙", "多"),
    ]


def test_wrong_task_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text('{"a": "b"}\n{"a', encoding="utf-8")
    (tmp_path / "deep.json").write_text("[" * 200_000 + "]" * 200_000, encoding="utf-8")
    (tmp_path / "note.md").write_text("无", encoding="utf-8")
    for name, said in (
        ("bad.jsonl", "cannot be read"),
        ("deep.json", "cannot be read"),
        ("note.md", "is no .json"),
        ("none.json", "is missing"),
    ):
        with pytest.raises(RecipeError, match=f"{name} {said}"):
            list(read_items([tmp_path / name]))
