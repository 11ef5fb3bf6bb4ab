"""Which column is what: first lines that are names or may be, splits without labels, options in columns, rows without text."""

import json
from pathlib import Path
from typing import Any

import pytest

from headwater.errors import RecipeError
from headwater.pipeline.finetune import task_of
from headwater.tasks.columns import doubtful_heads
from headwater.tasks.items import Choice, Classified, Written
from headwater.tasks.records import read_records
from headwater.tasks.task import Task, read_task


def write(path: Path, lines: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def records(path: Path, rows: list[dict[str, Any]]) -> Path:
    return write(path, [json.dumps(row, ensure_ascii=False) for row in rows])


def comments(count: int, start: int = 0) -> list[str]:
    return [f"第{n}条评论 number {n},{n % 2}" for n in range(start, start + count)]


def items(task: Task) -> list[Any]:
    return [item for some in task.splits.values() for item in some]


# ---------------------------------------------------------------- first lines


@pytest.mark.parametrize("head", ["comment_text,toxic", "标题,是否讽刺", "headline,is_sarcastic"])
@pytest.mark.parametrize("count", [15, 60])
def test_names_that_are_not_known_never_become_a_class(tmp_path: Path, head: str, count: int) -> None:
    path = write(tmp_path / "毒性.csv", [head, *comments(count)])
    with pytest.raises(RecipeError, match="looks like names of columns") as error:
        read_task(path)
    text, label = head.split(",")
    assert label in str(error.value) and "--columns" in str(error.value) and "\n" not in str(error.value)
    task = task_of(str(path), columns=[f"text={text}", f"label={label}"])
    assert (task.kind, task.labels, len(items(task))) == ("classification", ("0", "1"), count)
    with pytest.raises(RecipeError, match="has no column '文本'"):
        task_of(str(path), columns=["text=文本", f"label={label}"])
    said = doubtful_heads([read_records(path)], "classification", {"text": "1", "label": "2"})
    assert said == [f"毒性.csv: its first line ({text}, {label}) is an item, as --columns says by number"]


def test_a_head_in_each_split_is_no_evidence_for_another(tmp_path: Path) -> None:
    for split, start in (("train", 0), ("test", 100)):
        write(tmp_path / f"{split}.csv", ["标题,讽刺", *comments(40, start)])
    with pytest.raises(RecipeError, match="no item has the label '讽刺'"):
        read_task(tmp_path)


def test_files_without_names_are_read_as_before(tmp_path: Path) -> None:
    """A label of the first line that others have, in this file or another one, is a label; a number always is."""
    plain = read_task(write(tmp_path / "评论.csv", comments(60)))
    assert len(items(plain)) == 60 and not any("first line" in note for note in plain.notes)
    stars = read_records(write(tmp_path / "星.csv", ["很好五星,5", *comments(60)]))
    assert doubtful_heads([stars], "classification", {}) == []
    train = write(tmp_path / "d" / "train.tsv", [f"第{n}句\t{'好坏'[n % 2]}" for n in range(60)])
    write(train.with_name("test.tsv"), ["新的一句\t好", *(f"另{n}句\t坏" for n in range(9))])
    assert len(read_task(train.parent).splits["test"]) == 10


def test_the_first_line_of_pairs_to_write_is_said_on_the_card(tmp_path: Path) -> None:
    lines = ["正文\t概括", *(f"第{n}篇 text {n}\t第{n}条" for n in range(40))]
    path = write(tmp_path / "摘要.tsv", lines)
    task = read_task(path)
    assert task.kind == "generation" and len(items(task)) == 41
    assert any("(正文, 概括), so it is an item" in note and "--columns" in note for note in task.notes)
    named = task_of(str(path), columns=["source=正文", "target=概括"])
    assert (named.kind, len(items(named)), any("first line" in note for note in named.notes)) == (
        "generation", 40, False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "head", ["hypothesis\tgold_label", "abst\tsentiment", "指令\toutput", "highlights\t内容"]
)
def test_every_name_that_a_role_knows_makes_a_head(tmp_path: Path, head: str) -> None:
    path = write(tmp_path / "表.tsv", [head, *(f"第{n}句\t{n % 2}" for n in range(40))])
    text, label = head.split("\t")
    task = task_of(str(path), columns=[f"text={text}", f"label={label}", "pair="])
    assert len(items(task)) == 40
    with pytest.raises(RecipeError) as error:
        task_of(str(path), columns=["text=没有", "label=没有"])
    assert head.replace("\t", ", ") in str(error.value)


def test_names_that_are_empty_or_there_twice(tmp_path: Path) -> None:
    """The SMS spam collection of Kaggle: v1,v2,,,"""
    rows = [f"{'ham' if n % 2 else 'spam'},第{n}条短信,,," for n in range(40)]
    task = task_of(str(write(tmp_path / "短信.csv", ["v1,v2,,,", *rows])), columns=["text=v2", "label=v1"])
    assert task.labels == ("ham", "spam") and len(items(task)) == 40
    with pytest.raises(RecipeError, match="two columns are called 'v2'"):
        task_of(str(write(tmp_path / "二.csv", ["v1,v2,v2", "ham,好,好"])), columns=["text=v2", "label=v1"])


def test_more_than_two_columns_without_names_are_not_guessed(tmp_path: Path) -> None:
    path = write(tmp_path / "三.tsv", [f"c{n}\t第{n}句\t{n % 2}" for n in range(40)])
    with pytest.raises(RecipeError, match="no column for the text"):
        read_task(path, kind="classification")
    task = task_of(str(path), columns=["text=2", "label=3"])
    assert task.labels == ("0", "1") and all(item.texts[0].startswith("第") for item in items(task))


# ---------------------------------------------------------------- splits without labels


def sentences(split: str, count: int, label: bool = True) -> list[dict[str, Any]]:
    return [
        {"id": n, "sentence": f"{split}第{n}句", **({"label": "正负"[n % 2]} if label else {})}
        for n in range(count)
    ]


def test_a_split_without_the_column_of_labels_is_left_out_and_counted(tmp_path: Path) -> None:
    """CLUE's and Kaggle's test files."""
    for split, count in (("train", 80), ("dev", 20)):
        records(tmp_path / f"{split}.json", sentences(split, count))
    records(tmp_path / "test.json", sentences("test", 30, label=False))
    task = read_task(tmp_path)
    assert task.left_out == {"test": {"unlabelled": 30}}
    assert "test: 30 items have no label and are left out" in task.notes
    assert {split: len(some) for split, some in task.splits.items()} == {
        "train": 72,
        "validation": 8,
        "test": 20,
    }
    (tmp_path / "dev.json").unlink()
    assert sum(map(len, read_task(tmp_path).splits.values())) == 80, "validation and test are cut from train"
    records(tmp_path / "train.json", sentences("train", 80, label=False))
    with pytest.raises(RecipeError):
        read_task(tmp_path)


def test_a_test_table_without_labels_and_of_other_kinds(tmp_path: Path) -> None:
    write(tmp_path / "k" / "train.csv", ["comment_text,toxic", *comments(60)])
    write(tmp_path / "k" / "test.csv", ["id,comment_text", *(f"{n},新评论{n}" for n in range(9))])
    task = task_of(str(tmp_path / "k"), columns=["text=comment_text", "label=toxic"])
    assert task.left_out == {"test": {"unlabelled": 9}} and len(items(task)) == 60
    write(tmp_path / "g" / "train.tsv", ["source\ttarget", *(f"原文{n}\t译文{n}" for n in range(60))])
    write(tmp_path / "g" / "test.tsv", ["source", *(f"新原文{n}" for n in range(9))])
    assert read_task(tmp_path / "g").left_out == {"test": {"unlabelled": 9}}


# ---------------------------------------------------------------- ids, labels, pairs


def test_ids_that_repeat_can_be_left_alone_as_the_error_says(tmp_path: Path) -> None:
    path = records(
        tmp_path / "重复.jsonl", [{"id": n // 2, "text": f"第{n}句", "label": n % 2} for n in range(60)]
    )
    with pytest.raises(RecipeError, match="--columns id="):
        task_of(str(path))
    assert len(items(task_of(str(path), columns=["id="]))) == 60
    with pytest.raises(RecipeError, match="has no column '编号'"):
        task_of(str(path), columns=["id=编号"])
    chats = [
        {
            "id": 1,
            "messages": [{"role": "user", "content": f"第{n}问"}, {"role": "assistant", "content": "答"}],
        }
        for n in range(40)
    ]
    assert len(items(task_of(str(records(tmp_path / "对话.jsonl", chats)), columns=["id="]))) == 40


def test_plus_and_minus_are_labels_of_one_text(tmp_path: Path) -> None:
    path = write(tmp_path / "正负.tsv", ["text\tlabel", *(f"第{n}句\t{'+-'[n % 2]}" for n in range(60))])
    task = read_task(path)
    assert (task.labels, len(items(task)), task.left_out) == (("+", "-"), 60, {})


def test_a_second_text_can_be_switched_off(tmp_path: Path) -> None:
    rows = [{"text": f"第{n}句", "keyword": "" if n % 3 else "火灾", "label": n % 2} for n in range(60)]
    path = records(tmp_path / "灾害.jsonl", rows)
    assert read_task(path).left_out == {"all": {"empty_text": 40}}
    task = task_of(str(path), columns=["pair="])
    assert task.left_out == {} and all(isinstance(i, Classified) and i.pair is None for i in items(task))


# ---------------------------------------------------------------- options in columns, rows without text


def test_options_in_columns(tmp_path: Path) -> None:
    """CMMLU: a column without a name first; an option's text may be a letter; fewer options than columns."""
    rows = [f"{n},第{n}题？,答{n},B,C{n},{'' if n % 4 < 3 else '丁'},{'ABCD'[n % 4]}" for n in range(40)]
    task = read_task(write(tmp_path / "题.csv", [",Question,A,B,C,D,Answer", *rows]))
    assert task.kind == "choice" and len(items(task)) == 40
    for item in items(task):
        number = int(item.id) - 2
        assert isinstance(item, Choice) and item.question == f"第{number}题？" and item.answer == number % 4
        assert item.options == (f"答{number}", "B", f"C{number}", "丁")[: 4 if number % 4 == 3 else 3]
    missing = [",Question,A,B,C,D,Answer", "0,第0题？,甲,,丙,丁,A"]
    with pytest.raises(RecipeError, match="line 2: option B is empty"):
        read_task(write(tmp_path / "缺.csv", missing))
    with pytest.raises(RecipeError, match="line 2: the answer 3 is none of the 3 options"):
        read_task(write(tmp_path / "外.csv", [",Question,A,B,C,D,Answer", "0,第0题？,甲,乙,丙,,D"]))
    for odd in (
        "ß",
        "²",
        "９９",
        "9" * 5000,
    ):  # ß has two capitals, and no number that Python knows is another
        asked = {"passage": "文", "question": "问？", "options": ["甲", "乙"], "answer": odd}
        with pytest.raises(RecipeError, match="none of the 2 options"):
            read_task(write(tmp_path / "怪.jsonl", [json.dumps(asked)]))


def test_rows_without_text_are_left_out_and_counted_whatever_the_kind(tmp_path: Path) -> None:
    def rows(**more: Any) -> list[dict[str, Any]]:
        return [{name: made(n) for name, made in more.items()} for n in range(41)]

    def text(n: int) -> str:
        return " " if n == 5 else f"第{n}句 text"

    kinds = {
        "generation": rows(source=text, target=lambda n: f"译{n}"),
        "choice": rows(question=text, options=lambda n: ["甲", "乙"], answer=lambda n: n % 2),
        "classification": rows(text=text, label=lambda n: n % 2),
        "tagging": rows(
            words=lambda n: [] if n == 5 else ["王", f"{n}"], tags=lambda n: [] if n == 5 else ["B-PER", "O"]
        ),
    }
    for kind, some in kinds.items():
        task = read_task(records(tmp_path / f"{kind}.jsonl", some))
        assert task.kind == kind and task.left_out == {"all": {"empty_text": 1}}, kind
        assert len(items(task)) == 40
    c3 = [[["男：走吧。"] if n != 5 else [], [{"question": "" if n == 5 else "？", "choice": ["甲", f"{n}"], "answer": "甲"}], "x"]
          for n in range(41)]  # fmt: skip
    path = tmp_path / "c3.json"
    path.write_text(json.dumps(c3, ensure_ascii=False, indent=1), encoding="utf-8")
    test = tmp_path / "测.json"
    test.write_text(json.dumps([[["别的"], c3[0][1], "y"]], ensure_ascii=False), encoding="utf-8")
    validation = tmp_path / "验.json"
    validation.write_text(json.dumps([[["又一"], c3[0][1], "z"]], ensure_ascii=False), encoding="utf-8")
    assert read_task(path, test=test, validation=validation).left_out == {"train": {"empty_text": 1}}
    with pytest.raises(RecipeError, match="column 'target' is empty"):
        read_task(
            records(tmp_path / "空.jsonl", [{"source": "一", "target": "1"}, {"source": "二", "target": ""}])
        )
    assert isinstance(items(read_task(tmp_path / "generation.jsonl"))[0], Written)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (["txt=评论", "label=v1"], "'txt' is no role of a task; did you mean text?"),
        (
            ["text=v2", "label=v1", "passage=v2"],
            "no role of a task of classification; its roles are text, label",
        ),
        (["text=v2", "text=v1"], "text is named twice"),
    ],
)
def test_a_role_that_a_task_does_not_have_is_refused(tmp_path: Path, columns: list[str], said: str) -> None:
    path = write(
        tmp_path / "短信.csv", ["v1,v2", *(f"{'ham' if n % 2 else 'spam'},第{n}条" for n in range(40))]
    )
    with pytest.raises(RecipeError, match=said.replace("?", r"\?")):
        task_of(str(path), columns=columns)
