"""`objective`: LM, MLM, PLM and span corruption, then fine-tuned on the same labels.

A gpt, a bert, an xlnet and a t5 of the published form and the same preset size, each pre-trained on the same number of
tokens of one English and Chinese pool, then fine-tuned with the same settings. Run n of every family is paired with
draw n of the labels: a difference is within pairs, so that what its interval holds is another pre-training, another
draw of labels and other test items at once. A bag of words learns from the same items.

What is compared is accuracy, and nothing else: LM, PLM and span corruption give a text a likelihood, MLM a
pseudo-likelihood, and neither their losses nor their bits are put side by side. Exploratory: at Devlin 2019's and
Raffel 2020's sizes MLM and span corruption transfer best; a model of this size has seen too little for that to be
expected of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from headwater.compare.label_curves import WORDS, table
from headwater.compare.paired import paired, pooled
from headwater.compare.sentence import signed
from headwater.compare.statistics import Effect
from headwater.compare.studies.pretraining import RECIPE
from headwater.compare.studies.study import Study
from headwater.errors import HeadwaterError

FAMILIES = {
    "gpt": "LM",
    "bert": "MLM",
    "xlnet": "PLM",
    "t5": "span",
}  # the first is what the others are held against
PRESETS = {"gpt": "gpt2-nano", "bert": "bert-nano", "xlnet": "xlnet-nano", "t5": "t5-nano"}
TASKS = ("topic/agnews", "sentiment/sst2", "topic/thucnews-titles")
SIZES = (64,)  # labels
SETTINGS = {"epochs": 12}  # of every fine-tuning: 96 steps of 8
VOCABULARY = 2048


def write(data: Path, folder: Path) -> Sequence[Path]:
    """A recipe a family; they differ in the model and in the tokens that its objective needs beside those of text."""
    if not (data / "datasets" / TASKS[0]).is_dir():
        raise HeadwaterError(
            f"{data}: no {TASKS[0]} for this study; name the folder of test data with --data"
        )
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for family, preset in PRESETS.items():
        paths.append(folder / f"{family}.yaml")
        text = RECIPE.format(
            name=family,
            data=(data / "corpora").resolve(),
            family=family,
            preset=preset,
            vocabulary=VOCABULARY,
            sources="",
            curate="",
        )
        paths[-1].write_text(f"{text}train: {{validate_every: null}}\n", encoding="utf-8")
    return paths


def measure(study: Study, data: Path, folder: Path, workers: int) -> dict[str, Any]:
    """Pre-trains every family as often as there are draws, fine-tunes each run on every task; the record."""
    from headwater.engine.stages import run_jobs
    from headwater.pipeline.label_curve import measure_transfer
    from headwater.pipeline.run import run_until
    from headwater.pipeline.train import training_job
    from headwater.tasks.task import read_task

    made = {
        family: run_until("curate", recipe, overrides=[f"train.tokens={study.tokens}"], workers=workers)
        for family, recipe in zip(FAMILIES, write(data, folder), strict=True)
    }
    which = [(family, seed) for seed in range(study.seeds) for family in FAMILIES]
    place = made["gpt"].workspace
    jobs = {}
    for family, seed in which:
        own = made[family]
        assert own.training_set is not None
        job = training_job(own.recipe, place, own.training_set, seed=seed)
        jobs[family, seed] = replace(job, name=f"{family} seed {seed}")
    with place.lease():
        results = run_jobs(place, list(jobs.values()), slots=max(1, workers), title="pre-train")
        runs = {family: [jobs[family, seed].folder for seed in range(study.seeds)] for family in FAMILIES}
        tasks = [read_task(data / "datasets" / one) for one in TASKS]
        measured = measure_transfer(runs, tasks, place, sizes=SIZES, settings=SETTINGS, workers=workers)
    parameters = {
        family: result["parameters_without_embeddings"]
        for (family, _), result in zip(which, results, strict=True)
    }
    return record_of(measured, study.seeds, parameters)


def record_of(
    measured: Sequence[dict[str, Any]], draws: int, parameters: Mapping[str, int]
) -> dict[str, Any]:
    """`parameters`: of each family, without embeddings."""
    runs = [{"seed": number, "bits": {}} for number in range(draws)]
    return {
        "margin": 0.01, "domains": {}, "arms": [{"name": name, "runs": runs} for name in (*FAMILIES, WORDS)],
        "model": ", ".join(PRESETS.values()), "vocabulary": VOCABULARY, "parameters": dict(parameters),
        "measured": list(measured),
    }  # fmt: skip


def judge(record: dict[str, Any]) -> dict[str, Any]:
    """Means over tasks first, all of them together 95% sure; then task by task, again all together."""
    by_size: dict[int, list[dict[str, Any]]] = {}
    for one in record["measured"]:
        by_size.setdefault(one["labels"], []).append(one)
    first, *others = FAMILIES
    arms = (*others, WORDS)
    means = [
        (size, arm, pooled([(_right(one, arm), _right(one, first)) for one in found]))
        for size, found in by_size.items()
        for arm in arms
    ]
    each = [
        (one, arm, paired(_right(one, arm), _right(one, first)))
        for one in record["measured"]
        for arm in others
    ]
    rows = []
    for size, arm, found in means:
        tasks = len(by_size[size])
        name = _name(
            arm,
            f"mean of {tasks} tasks",
            f"{tasks} 个任务平均",
            size,
            [_accuracy(by_size[size], one) for one in (first, arm)],
        )
        rows.append(_row(name, found, len(means)))
    spoken = {
        size: [row for row, (of, *_) in zip(rows, means, strict=True) if of == size] for size in by_size
    }
    for one, arm, found in each:
        name = _name(
            arm, one["task"], one["task"], one["labels"], [_accuracy([one], a) for a in (first, arm)]
        )
        rows.append(_row(name, found, len(each)))
    english = [f"with {size:,} labels {_told(arms, some, 'en')}" for size, some in spoken.items()]
    chinese = [f"{size:,} 个标注时 {_told(arms, some, 'zh')}" for size, some in spoken.items()]
    return {
        "as_expected": None,
        "rows": rows,
        "sentence": {
            "en": f"Fine-tuned, points of accuracy against LM, mean over tasks: {'; '.join(english)}.",
            "zh": f"微调后与 LM 相比的准确率百分点（各任务平均）：{'；'.join(chinese)}。",
        },
    }


def _right(one: dict[str, Any], arm: str) -> np.ndarray:
    """(draws, items) of 0 and 1."""
    return table(one["right"][arm])


def _accuracy(some: Sequence[dict[str, Any]], arm: str) -> float:
    return 100 * float(np.mean([_right(one, arm).mean() for one in some]))


def _name(arm: str, english: str, chinese: str, labels: int, accuracy: Sequence[float]) -> dict[str, str]:
    before, after = (f"{value:.1f}" for value in accuracy)
    return {
        "en": f"{_called(arm, 'en')} against LM, {english}, {labels:,} labels ({before} → {after})",
        "zh": f"{_called(arm, 'zh')} 对 LM，{chinese}，{labels:,} 个标注（{before} → {after}）",
    }


def _called(arm: str, language: str) -> str:
    return FAMILIES.get(arm, {"en": WORDS, "zh": "词袋"}[language])


def _row(name: dict[str, str], found: Effect, together: int) -> dict[str, Any]:
    low, high = found.interval(candidates=together)
    percent, interval = 100 * found.delta, [100 * low, 100 * high]
    return {"name": name, "percent": percent, "interval": interval, "ngram": None, "unit": "points"}


def _told(arms: Sequence[str], rows: Sequence[dict[str, Any]], language: str) -> str:
    parts = [
        f"{_called(arm, language)} {signed(row['percent'])} [{signed(row['interval'][0])}, {signed(row['interval'][1])}]"
        for arm, row in zip(arms, rows, strict=True)
    ]
    return ", ".join(parts) if language == "en" else "，".join(parts)


STUDY = Study(
    name="objective",
    question=(
        "Which pre-training objective is worth most to tasks, at one size and one number of tokens?",
        "在同样的规模和词元数下，哪一种预训练目标对任务最有用？",
    ),
    expected=("nothing: exploratory", "不作预期：探索性"),
    confirmatory=False,
    arms=len(FAMILIES),
    seeds=4,
    tokens=600_000,
    write=write,
    judge=judge,
    measure=measure,
    lesson=(
        "Nothing between the objectives at this size: .6M parameters without embeddings (T5 has two stacks of them), "
        "600,000 tokens, one default rate a family, 64 labels and 96 steps. All four are behind a bag of words that "
        "learnt from the same 64. LM is ahead of MLM on AG News alone, by an interval that nearly touches zero; MLM "
        "learns from a seventh of the tokens, so that a short budget favours LM.",
        "在这个规模上，各目标之间看不出差别：不含词嵌入 60 万参数（T5 有两个这样的栈）、60 万词元、每个家族用一个默认学习率、"
        "64 个标注、96 步。四者都落后于从同样 64 个标注学习的词袋。只有在 AG News 上 LM 领先 MLM，区间几乎触及零；"
        "MLM 只从七分之一的词元学习，因此短预算对 LM 有利。",
    ),
)
