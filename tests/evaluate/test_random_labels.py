"""The control with random labels: where there are no choices, the answers of examples that are not shown."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from headwater import api
from headwater.evaluate import harness_tasks
from headwater.evaluate.curve import Condition, curve, sentence
from headwater.evaluate.harness_tasks import _with_random_labels
from headwater.inspect.task_scores import lines_of

Folders = Callable[[str], Path]
DOCS = [{"问": f"第{n}条河", "答": answer} for n, answer in enumerate("源头活水天光云影半亩")]


def task_of(choices: list[str] | None, multiple_input: int = 0) -> Any:
    config = SimpleNamespace(doc_to_choice=choices)
    return SimpleNamespace(
        config=config,
        multiple_input=multiple_input,
        doc_to_target=lambda doc: doc["答"],
        doc_to_choice=lambda doc: choices,
    )


@pytest.mark.parametrize("task", [task_of(None), task_of(["甲", "乙"], multiple_input=2)])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 9])
def test_no_example_has_its_own_answer_nor_that_of_another_that_is_shown(task: Any, count: int) -> None:
    for draw in range(50):
        order = [DOCS[n] for n in np.random.default_rng(draw).permutation(len(DOCS))]
        shown = _with_random_labels(task, order[:count], order[count:], 0, draw)
        assert [dict(one) for one in shown] == order[:count]
        labels = [one.label for one in shown]
        assert set(labels) <= {doc["答"] for doc in order[count:]}
        assert len(set(labels)) == min(count, len(DOCS) - count)


def test_where_no_other_example_is_answered_differently_there_is_no_control() -> None:
    task = task_of(None)
    assert _with_random_labels(task, DOCS, [], 0, 0) == []
    alike = [{"问": "河", "答": "源头 "}, {"问": "江", "答": ["源", "源头"]}]
    assert _with_random_labels(task, [{"问": "水", "答": "源头"}], alike, 0, 0) == []


def test_labels_of_tasks_with_choices_are_drawn_as_before() -> None:
    task = task_of(["甲", "乙", "丙"])
    for draw in range(5):
        random = np.random.Generator(np.random.Philox(key=[7, draw + 2**32]))
        random.permutation(4)
        shown = _with_random_labels(task, DOCS[:4], [], 7, draw)
        assert [one.label for one in shown] == [int(random.integers(3)) for _ in range(4)]


def test_prompts_show_them_and_the_table_says_where_they_are_missing(
    model_folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"问": f"{n}加一得", "答": f"{n + 1}。"} for n in range(12)]
    for name, some in (("题", rows), ("例", [*rows[6:9], rows[8]])):
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in some)
        (tmp_path / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    task = tmp_path / "加一.yaml"
    task.write_text(
        "task: 加一\ncustom_dataset: !function headwater.evaluate.harness.dataset\n"
        "dataset_kwargs: {files: {test: 题.jsonl, shots: 例.jsonl}}\noutput_type: generate_until\n"
        'test_split: test\nfewshot_split: shots\ndoc_to_text: "{{问}}"\ndoc_to_target: "{{答}}"\ntarget_delimiter: ""\n'
        "generation_kwargs: {until: [。], max_gen_toks: 4, do_sample: false}\n"
        "metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]\n",
        encoding="utf-8",
    )
    prompts: list[str] = []
    ask = harness_tasks._ask

    def watched(task: Any, *rest: Any) -> Any:
        found = ask(task, *rest)
        prompts.append(task.instances[0].args[0])
        return found

    monkeypatch.setattr(harness_tasks, "_ask", watched)
    settings: dict[str, Any] = {"data": tmp_path, "workspace": tmp_path / "w", "workers": 0, "limit": 4}
    done = api.evaluate_tasks(model_folders("gpt"), [str(task)], shots=[1, 4], draws=2, **settings)
    assert len(prompts) == 1 + 2 + 2 + 2  # of four examples there are no others
    right = {f"{n}加一得{n + 1}。" for n in (6, 7, 8)}
    for prompt in prompts[1:3]:
        assert prompt.split("\n")[0] in right
    for prompt in prompts[3:5]:
        assert prompt.split("\n")[0] not in right and prompt.split("得")[1].startswith(("7。", "8。", "9。"))
    one, four = done.results[0]["rows"][1:]
    assert "shuffled" in one and "shuffled" not in four and not four["few_shot"]
    assert "with 4 examples: too few others" in "\n".join(lines_of(done.results))
    assert "4 个示例时没有随机标签的对照" in "\n".join(lines_of(done.results, "zh"))


def test_without_the_control_nothing_is_called_few_shot() -> None:
    nothing, chance = np.zeros((1, 100)), np.zeros(100)
    for right, english, chinese in (
        (np.ones((2, 100)), "better than without examples; no control", "优于无示例；没有随机标签的对照"),
        (nothing, "not above chance", "不高于随机水平"),
    ):
        row = curve([Condition(0, nothing), Condition(2, right)], chance)[1]
        assert not row["few_shot"] and "gain_over_shuffled" not in row
        assert sentence(row).startswith(english) and sentence(row, "zh") == chinese
