"""Files of data sets to tasks: layouts, splits, the guard of the test split, bad input."""

import csv
import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from headwater.errors import RecipeError
from headwater.tasks.items import Asked, Choice, Classified, Tagged, Written
from headwater.tasks.task import Task, keep, read_about, read_split, read_task, smaller

REVIEWS = [
    ("房间很大，整体感觉不错！", "1"),
    ("早餐太差，无论去多少人。", "0"),
    ("用Python写的，very good。", "1"),
    ("隔音不好，一夜沒睡。", "0"),
]


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def many(count: int) -> list[tuple[str, str]]:
    return [(f"第{number}间：{REVIEWS[number % 4][0]}", REVIEWS[number % 4][1]) for number in range(count)]


def tsv(
    path: Path, rows: list[tuple[str, str]], head: str = "sentence\tlabel\n", encoding: str = "utf-8"
) -> Path:
    return write(path, head + "".join(f"{text}\t{label}\n" for text, label in rows), encoding)


def refusal(*place: object, **options: object) -> str:
    with pytest.raises(RecipeError) as error:
        read_task(*place, **options)  # type: ignore[arg-type]
    assert "\n" not in str(error.value), "one line"
    return str(error.value)


# ---------------------------------------------------------------- layouts


def test_a_csv_with_quotes_a_tsv_without_and_gb18030(tmp_path: Path) -> None:
    rows = [*many(40), ('他说"好"，然后走了', "1")]
    with (tmp_path / "reviews.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("label", "review"), *((label, text) for text, label in rows)])
    tsv(tmp_path / "plain.tsv", rows, head="", encoding="gb18030")
    one, other = read_task(tmp_path / "reviews.csv"), read_task(tmp_path / "plain.tsv")
    for task in (one, other):
        items = [item for some in task.splits.values() for item in some]
        assert sorted((i.text, i.label) for i in items if isinstance(i, Classified)) == sorted(rows)
    assert one.kind == other.kind == "classification" and one.labels == ("0", "1")


def test_json_lines_end_at_line_ends_alone(tmp_path: Path) -> None:
    """U+2028 and NEL stand inside strings of FewCLUE's iflytek."""
    records = [
        {
            "id": n,
            "sentence": f"应用{n}\u2028说明\x85很好。",
            "label_des": ["打车", "地图"][n % 2],
            "label": n % 2,
        }
        for n in range(40)
    ]
    lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    (tmp_path / "train_few_all.json.gz").write_bytes(gzip.compress(lines.encode()))
    task = read_task(tmp_path)
    assert sum(map(len, task.splits.values())) == 40
    assert task.labels == ("地图", "打车")
    folder = keep(task, tmp_path / "tasks")
    assert {s: read_split(folder, s) for s in task.splits} == task.splits
    assert read_about(folder)["key"] == task.key


def test_pairs_drop_what_has_no_consensus_and_count_it(tmp_path: Path) -> None:
    rows = [
        {"sentence1": f"他走了{n}", "sentence2": "他没走", "label": ["entailment", "neutral", "-"][n % 3]}
        for n in range(60)
    ]
    write(tmp_path / "ocnli.json", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    task = read_task(tmp_path / "ocnli.json")
    assert task.left_out == {"all": {"no_consensus": 20}}
    assert sum(map(len, task.splits.values())) == 40
    assert all(item.pair == "他没走" for item in task.splits["train"] if isinstance(item, Classified))


def test_squad_finds_answers_where_they_stand(tmp_path: Path) -> None:
    questions = [
        {
            "id": "a",
            "question": "谁来了？",
            "answers": [{"text": "王小明", "answer_start": 1}],
        },  # off by one, as CMRC's
        {"id": "b", "question": "何时去？", "answers": [], "is_impossible": True},
    ]
    paragraphs = [
        {"context": f"《第{n}回》王小明来了。", "qas": [{**q, "id": f"{n}{q['id']}"} for q in questions]}
        for n in range(30)
    ]
    write(tmp_path / "cmrc.json", json.dumps({"data": [{"paragraphs": paragraphs}]}, ensure_ascii=False))
    task = read_task(tmp_path / "cmrc.json")
    assert task.kind == "reading" and task.labels == ("no answer",)
    for item in (item for some in task.splits.values() for item in some):
        assert isinstance(item, Asked)
        for text, start in item.answers:
            assert item.passage[start : start + len(text)] == text
    sides = [{item.group for item in some} for some in task.splits.values()]
    assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])


def test_choice_tags_and_references(tmp_path: Path) -> None:
    c3 = [
        [
            ["男：去哪儿？", "女：去南方。"],
            [{"question": f"第{n}问", "choice": ["南方", "家"], "answer": "家"}],
            str(n),
        ]
        for n in range(40)
    ]
    write(tmp_path / "c3.json", json.dumps(c3, ensure_ascii=False, indent=1))
    others = {}
    for split in ("test", "validation"):
        other = [[[f"别的{split}"], [{"question": "?", "choice": ["一", "二"], "answer": "一"}], "x"]]
        others[split] = write(tmp_path / f"{split}.json", json.dumps(other, ensure_ascii=False))
    options = read_task(tmp_path / "c3.json", **others)  # type: ignore[arg-type]
    assert all(isinstance(item, Choice) and item.target == "家" for item in options.splits["train"])
    write(tmp_path / "ner.conll", "".join(f"王 B-PER\n小{n} I-PER\n来 O\n\n" for n in range(40)))
    tagged = read_task(tmp_path / "ner.conll")
    assert tagged.labels == ("B-PER", "I-PER", "O") and isinstance(tagged.splits["train"][0], Tagged)
    write(tmp_path / "e2e.csv", "mr,ref\n" + "".join(f'"name[{n // 2}]",第{n}句\n' for n in range(80)))
    written = read_task(tmp_path / "e2e.csv")
    assert written.kind == "generation"
    assert all(isinstance(item, Written) and len(item.references) == 2 for item in written.splits["train"])


def test_a_chat_is_written_out_and_only_answers_are_targets(tmp_path: Path) -> None:
    def chat(n: int) -> dict[str, object]:
        said = [("user", f"第{n}题？"), ("assistant", "请讲。"), ("user", "1+1？"), ("assistant", f"是{n}。")]
        return {"messages": [{"role": role, "content": text} for role, text in said]}

    lines = "".join(json.dumps(chat(n), ensure_ascii=False) + "\n" for n in range(20))
    task = read_task(write(tmp_path / "chat.jsonl", lines))
    items = {item.id: item for some in task.splits.values() for item in some}
    assert task.kind == "generation" and len(items) == 40
    second = items["1/2"]
    assert isinstance(second, Written)
    assert second.source == "用户：第0题？\n助手：请讲。\n用户：1+1？\n助手："
    assert second.references == ("是0。",)
    lines = json.dumps(
        {"messages": [{"role": "user", "content": "？"}, {"role": "assistant", "content": ""}]}
    )
    assert "a message of assistant is empty" in refusal(write(tmp_path / "empty.jsonl", lines + "\n"))


# ---------------------------------------------------------------- splits


def test_equal_texts_never_stand_on_both_sides_of_a_cut(tmp_path: Path) -> None:
    twice = [(text + ending, label) for text, label in many(100) for ending in ("", "。 ")]
    task = read_task(tsv(tmp_path / "all.tsv", twice))
    sides = [{item.texts[0].rstrip("。 ") for item in some} for some in task.splits.values()]
    assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
    assert read_task(tmp_path / "all.tsv").key == task.key


def test_a_labelled_dev_split_is_the_test_and_an_unlabelled_test_is_named(tmp_path: Path) -> None:
    tsv(tmp_path / "train.tsv", many(60))
    tsv(tmp_path / "dev.tsv", [(f"新的{text}", label) for text, label in many(10)])
    tsv(tmp_path / "test.tsv", [(text, "") for text, _ in many(5)])
    task = read_task(tmp_path)
    assert len(task.splits["test"]) == 10 and task.left_out["test"] == {"unlabelled": 5}
    assert any("no labelled test split" in note for note in task.notes)
    assert sum(map(len, task.splits.values())) == 70


def test_tuning_on_the_test_split_is_refused(tmp_path: Path) -> None:
    train, test = (
        tsv(tmp_path / "train.tsv", many(40)),
        tsv(tmp_path / "test.tsv", [(f"乙{t}", y) for t, y in many(20)]),
    )
    copy = tsv(tmp_path / "copy.tsv", [(f"乙{t}", y) for t, y in many(20)])
    assert "tuning" in refusal(
        train, test=test, validation=tsv(tmp_path / "c2.tsv", [(f"乙{t}！", y) for t, y in many(20)])
    )
    assert "validation and test at once" in refusal(train, test=test, validation=copy)


# ---------------------------------------------------------------- bad input: one clear line each


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            [*many(10), ("没有标签", "")],
            "line 12: the label is missing (column 'label'; 1 of 11 lines have none)",
        ),
        ([(text, "1") for text, _ in many(30)], "have one label only ('1')"),
        (many(2), "too few items"),
    ],
)
def test_bad_tables(tmp_path: Path, rows: list[tuple[str, str]], expected: str) -> None:
    assert expected in refusal(tsv(tmp_path / "坏.tsv", rows))


def test_bad_places_and_columns(tmp_path: Path) -> None:
    assert "there is no such task" in refusal(tmp_path / "none")
    tsv(tmp_path / "d" / "dev.tsv", many(30))
    tsv(tmp_path / "d" / "test.tsv", [(f"乙{t}", y) for t, y in many(30)])
    assert "no train split" in refusal(tmp_path / "d")
    assert "say no task" in refusal(write(tmp_path / "x.jsonl", '{"foo": 1, "bar": 2, "id": 3}\n'))
    assert "no sound JSON" in refusal(
        write(tmp_path / "y.jsonl", '{"text": "好", "label": 1}\n{"text": "坏", \n')
    )
    assert "line 3: 3 columns" in refusal(write(tmp_path / "z.tsv", "text\tlabel\n好\t1\n坏\t0\t多\n"))
    assert "has no column 'stars'" in refusal(tsv(tmp_path / "s.tsv", many(9)), columns={"label": "stars"})


def test_ids_that_repeat_and_answers_that_are_empty_or_elsewhere(tmp_path: Path) -> None:
    twice = '{"id": 7, "text": "好", "label": 1}\n{"id": 7, "text": "坏", "label": 0}\n'
    assert "line 2: id '7' is that of line 1 too" in refusal(write(tmp_path / "ids.jsonl", twice))

    def squad(answers: list[dict[str, object]]) -> Path:
        asked = [{"id": "问1", "question": "谁？", "answers": answers}]
        data = {"data": [{"paragraphs": [{"context": "王小明来了。", "qas": asked}]}]}
        return write(tmp_path / "squad.json", json.dumps(data, ensure_ascii=False))

    assert "an answer is empty" in refusal(squad([{"text": "", "answer_start": 0}]))
    assert "does not stand in its passage" in refusal(squad([{"text": "李四", "answer_start": 0}]))
    assert "has no answer and does not say is_impossible" in refusal(squad([]))


def test_real_data_reads_whole(real_data: Path) -> None:
    data = real_data / "datasets"
    expected = {"fewclue/iflytek": 4397, "nli/ocnli.train.3k.json.gz": 2994, "rc/DRCD_dev.json.gz": 3524}
    for place, items in expected.items():
        task: Task = read_task(data / place)
        assert sum(map(len, task.splits.values())) == items, place


def test_a_smaller_task_is_drawn_evenly_and_keeps_its_test(tmp_path: Path) -> None:
    rows = [f"第{n}句，river {n}\t{'好' if n % 4 else '坏'}" for n in range(400)]
    path = tmp_path / "评论.tsv"
    path.write_text("\n".join(["text\tlabel", *rows]), encoding="utf-8")
    whole = read_task(path)
    some = smaller(whole, 100)
    assert Counter(item.target for item in some.splits["train"]) == {"好": 50, "坏": 50}
    assert len(some.splits["validation"]) == 20 and some.splits["test"] == whole.splits["test"]
    assert some.key == smaller(read_task(path), 100).key != whole.key
    assert some.notes[-2:] == (
        f"train: 100 of {len(whole.splits['train'])} items, drawn",
        f"validation: 20 of {len(whole.splits['validation'])} items, drawn",
    )
    assert smaller(whole, 5000) == whole
