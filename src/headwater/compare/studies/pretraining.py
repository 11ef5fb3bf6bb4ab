"""`pretraining`: is a pre-trained model better at tasks than the same model with new weights, at 16 to 1,000 labels?

One small gpt model, pre-trained on books, dialogues, news, web articles, questions and encyclopaedia articles in English
and Chinese (a masked model learns from a seventh of the tokens, and knew hardly more than frequencies at this budget), and
on the texts of the tasks' training splits without their labels: who has 64 labels has many texts like them, and so small
a model learns most from those (Howard 2018; Gururangan 2020 calls it task-adaptive). A text of validation or test is left
out of it. Six tasks of classification in English and Chinese. Five draws of labels, which both arms share, as they share
seeds and settings; a bag of words learns from the same items. Radford 2018 and Devlin 2019 find the gain largest with few
labels; a bag of words may win at this size, and the study says where.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from headwater.compare.label_curves import PRETRAINED, SCRATCH, WORDS, rows_of
from headwater.compare.studies.study import Study
from headwater.compare.studies.texts import write_texts
from headwater.errors import HeadwaterError

TASKS = (
    "sentiment/sst2", "sentiment/ChnSentiCorp_htl_all.csv.gz", "topic/agnews", "topic/thucnews-titles", "fewclue/tnews",
    "nli/ocnli.train.3k.json.gz",
)  # fmt: skip
EPOCHS = {16: 40, 64: 20, 256: 10, 1000: 5}  # of every fine-tuning, by its number of labels
EXPECTED_TASKS = 4  # on which pre-training helps at one of the sizes
RECIPE = """\
name: {name}
workspace: workspace
sources:
  - name: chat
    kind: dialogue
    paths: ["{data}/chat/**/*.json.gz", "{data}/chat/**/*.raw.txt.gz", "{data}/chat/*.zip"]
  - {{name: lm, kind: files, paths: ["{data}/lm/wikitext-2.valid.txt.gz"], root: "{data}"}}
  - name: news
    kind: files
    paths: ["{data}/news/**/*.cor", "{data}/news/**/*.txt"]
    root: "{data}"
    unit: {{by: path, pattern: '([^/]+)[-_][^-_/]+$'}}
  - {{name: qa, kind: files, paths: ["{data}/qa/*.jsonl.gz"], root: "{data}", unit: {{by: document}}}}
  - {{name: html, kind: html, paths: ["{data}/web-html/gne-zh-news/**/*.html.gz", "{data}/web-html/magic-article/**/*.html.gz", "{data}/web-html/aeb/**/*.html.gz"]}}
  - {{name: wikipedia, kind: wikipedia, paths: ["{data}/wikipedia/*.xml-p000000010p000030302-shortened.bz2"]}}
  - {{name: novels, kind: files, paths: ["{data}/books/novels-en/*"], root: "{data}"}}
{sources}signals: {{families: [language, length]}}
curate: {{preset: null, duplicates: null{curate}}}
tokenizer: {{vocabulary: {vocabulary}}}
model: {{family: {family}, preset: {preset}}}
"""
SOURCES = """\
  - {{name: books-zh, kind: files, paths: ["{data}/books/books-zh/*.txt.gz"], root: "{data}"}}
  - {{name: tasks, kind: files, paths: ["tasks.jsonl"], columns: {{text: text, unit: unit}}}}
"""
# a source that runs out after four readings leaves its share to the others
SHARES = {"chat": 0.05, "lm": 0.05, "news": 0.05, "qa": 0.05, "html": 0.1, "wikipedia": 0.1, "novels": 0.1,
          "books-zh": 0.15, "tasks": 0.35}  # fmt: skip
PRESET, VOCABULARY = "modern-micro", 4096


def write(data: Path, folder: Path) -> Sequence[Path]:
    corpora = (data / "corpora").resolve()
    if not (data / "datasets" / TASKS[0]).is_dir():
        raise HeadwaterError(
            f"{data}: no {TASKS[0]} for this study; name the folder of test data with --data"
        )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pretraining.yaml"
    write_texts(folder / "tasks.jsonl", unlabelled(data))
    shares = ", ".join(f"{name}: {share}" for name, share in SHARES.items())
    text = RECIPE.format(
        name="pretraining", data=corpora, family="gpt", preset=PRESET, vocabulary=VOCABULARY,
        sources=SOURCES.format(data=corpora), curate=f", mixture: {{{shares}}}",
    )  # fmt: skip
    path.write_text(text, encoding="utf-8")
    return [path]


def unlabelled(data: Path) -> Iterator[tuple[str, str]]:
    """(task and number, text): of the training splits each text once, but for those that validation or test has too."""
    from headwater.tasks.task import normal, read_task

    for place in TASKS:
        task = read_task(data / "datasets" / place)
        seen = {
            normal(text)
            for split in ("validation", "test")
            for item in task.splits[split]
            for text in item.texts
        }
        for item in task.splits["train"]:
            for text in item.texts:
                if normal(text) not in seen:
                    seen.add(normal(text))
                    yield f"{task.name} {len(seen)}", text


def measure(study: Study, data: Path, folder: Path, workers: int) -> dict[str, Any]:
    """Trains the recipe, then both arms and the bag of words at every number of labels; the record."""
    from headwater.pipeline.label_curve import measure_labels
    from headwater.pipeline.run import run_until
    from headwater.tasks.task import read_task

    [recipe] = write(data, folder)
    outcome = run_until("train", recipe, overrides=[f"train.tokens={study.tokens}"], workers=workers)
    run, tasks = outcome.runs[0].folder, [read_task(data / "datasets" / place) for place in TASKS]
    measured = []
    for labels, epochs in EPOCHS.items():
        settings = {"epochs": epochs}
        measured += measure_labels(
            run, tasks, sizes=(labels,), draws=study.seeds, settings=settings, workers=workers
        )
    return record_of(measured, study.seeds)


def record_of(measured: Sequence[dict[str, Any]], draws: int) -> dict[str, Any]:
    runs = [{"seed": number, "bits": {}} for number in range(draws)]
    arms = [{"name": name, "runs": runs} for name in (PRETRAINED, SCRATCH, WORDS)]
    return {"margin": 0.01, "domains": {}, "arms": arms, "model": PRESET, "vocabulary": VOCABULARY,
            "measured": list(measured)}  # fmt: skip


def judge(record: dict[str, Any]) -> dict[str, Any]:
    found = rows_of(record["measured"])
    helped = sorted({row["task"] for row in found if row["verdict"] == "helps"})
    hurt = sorted({row["task"] for row in found if row["verdict"] == "hurts"})
    words = sum(row["words"] == "wins" for row in found)
    tasks = len({row["task"] for row in found})
    named = ", ".join(helped) or "none"
    return {
        "as_expected": len(helped) >= min(EXPECTED_TASKS, tasks) and not hurt,
        "rows": [_row(row) for row in found],
        "sentence": {
            "en": f"Pre-training helps on {len(helped)} of {tasks} tasks at one number of labels at least ({named})"
            f"{f'; it hurts on {len(hurt)}' if hurt else ''}. The bag of words wins {words} of {len(found)} times.",
            "zh": f"预训练在 {tasks} 个任务中的 {len(helped)} 个上至少在一种标注量下有益（{'、'.join(helped) or '无'}）"
            f"{f'；在 {len(hurt)} 个上有害' if hurt else ''}。词袋模型在 {len(found)} 次中胜出 {words} 次。",
        },
    }


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """As a study's table shows it: points of accuracy, and what the bag of words reached."""
    accuracy = row["accuracy"]
    english = f"{row['task']}, {row['labels']:,} labels ({accuracy[SCRATCH]:.1f} → {accuracy[PRETRAINED]:.1f}; bag of words {accuracy[WORDS]:.1f})"
    chinese = f"{row['task']}，{row['labels']:,} 个标注（{accuracy[SCRATCH]:.1f} → {accuracy[PRETRAINED]:.1f}；词袋 {accuracy[WORDS]:.1f}）"
    return {
        "name": {"en": english, "zh": chinese}, "percent": row["difference"], "interval": row["interval"],
        "ngram": None, "unit": "points",
    }  # fmt: skip


STUDY = Study(
    name="pretraining",
    question=(
        "Is a pre-trained model better at tasks than the same model with new weights, with 16 to 1,000 labels?",
        "在 16 到 1,000 个标注下，预训练过的模型是否比同一模型的全新权重更擅长任务？",
    ),
    expected=(
        "it gains on at least four of six tasks at one number of labels; a bag of words may win",
        "在六个任务中的至少四个上、某一标注量下有增益；词袋模型可能胜出",
    ),
    confirmatory=True,
    arms=2,
    seeds=5,
    tokens=8_000_000,
    write=write,
    judge=judge,
    measure=measure,
    lesson=(
        "Of 24 differences 23 are above zero; five draws tell three tasks from nothing. Topics gain most (12 to 18 points "
        "on AG News and THUCNews titles with 64 and 256 labels, 4 to 7 with 1,000), sentiment and entailment 1 to 4 with "
        "256 labels and more. What a model of this size knows stands in the mean of its states: read off the last token "
        "alone, it was no better than one from scratch. The bag of words is ahead from 256 labels on.",
        "24 个差值中 23 个大于零；五次抽取能把三个任务与零区分开。主题分类得益最多（AG News 与 THUCNews 标题在 64 和 256 个标注时 12 到 18 个百分点，"
        "1,000 个时 4 到 7 个），情感与蕴含在 256 个标注以上为 1 到 4 个百分点。这样大小的模型所知道的在其状态的平均之中：只读最后一个词元时，"
        "它并不比从头训练的好。从 256 个标注起词袋领先。",
    ),
)
