"""One task on one model, as a shard of the workspace: `<task>.json` says what was found, `<task>.parquet` every answer."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from headwater.corpus.shards import ShardWriter
from headwater.engine.workspace import Output
from headwater.errors import HeadwaterError
from headwater.evaluate import episodes, harness_tasks, minimal_pairs, task_data
from headwater.evaluate.curve import curve
from headwater.evaluate.induction import SPANS, induction
from headwater.evaluate.scorer import Scorer
from headwater.model.episodes import CLASSES

VERSION = 2  # raise it whenever a number changes; 2: answers that are all alike have an error
WITHOUT_CHOICES = 3  # the same, of tasks without choices
OF_PAIRS = 3  # the same, of minimal pairs; 2: the error counts paradigms of one pair
MINIMAL_PAIRS, INDUCTION, EPISODES = NO_HARNESS = ("minimal pairs", "induction", "episodes")  # kinds
ANSWERS = pa.schema(
    [
        pa.field("item", pa.int64(), nullable=False),  # place in the test split
        pa.field("shots", pa.int64(), nullable=False),
        pa.field("draw", pa.int64(), nullable=False),
        pa.field("shuffled", pa.bool_(), nullable=False),  # the control with random labels
        pa.field("right", pa.float64(), nullable=False),
        pa.field("log_likelihoods", pa.list_(pa.float64())),  # of the choices
        pa.field("written", pa.string()),  # of a generation
    ]
)


def run_task(
    out: Output,
    *,
    run: str,
    task: str,
    data: str | None,
    shots: list[int],
    draws: int,
    seed: int,
    limit: int | None,
) -> dict[str, Any]:
    """Shard function, on one thread in fp32: the same bytes every time."""
    torch.set_num_threads(1)
    scorer = _scorer(run)
    config = describe(task)
    about = config.get("metadata") or {}
    result: dict[str, Any] = {
        "task": task,
        "kind": about.get("kind", config.get("output_type")),
        "language": about.get("language"),
        "model": scorer.about,
    }
    if about.get("kind") == INDUCTION:
        found_score = induction(scorer, spans=limit or SPANS, seed=seed)
        below = found_score["interval"][1] < 0
        result |= {"metric": "nats a token", "measure": scorer.measure(whole_texts=False)}
        result["rows"] = [{"shots": 0, "cut": 0, "chance": 0.0, "above_chance": below, **found_score}]
        answers = []
    elif about.get("kind") == EPISODES:
        count = limit or episodes.EPISODES
        conditions = episodes.answer(scorer, shots=shots, seed=seed, episodes=count)
        result |= {"metric": "acc", "measure": scorer.measure(whole_texts=False)}
        result["rows"] = curve(conditions, np.full(count, 1 / CLASSES))
        answers = [
            {"item": item, "shots": one.shots, "draw": 0, "shuffled": one.shuffled, "right": float(value)}
            for one in conditions
            for item, value in enumerate(one.right[0])
        ]
    elif about.get("kind") == MINIMAL_PAIRS:
        rows = task_data.rows(**_dataset_settings(config), data=data)["test"]
        places = harness_tasks.sample(len(rows), limit)
        rows = [rows[place] for place in places]
        right, both = minimal_pairs.judge(scorer, rows)
        result |= {"metric": "acc", "measure": scorer.measure(whole_texts=True)}
        result["rows"] = [{"shots": 0, "cut": 0, **minimal_pairs.summarise(rows, right)}]
        answers = [
            {"item": place, "shots": 0, "draw": 0, "shuffled": False, "right": float(value), "log_likelihoods": scores}
            for place, value, scores in zip(places, right.tolist(), both.tolist(), strict=True)
        ]  # fmt: skip
    else:
        loaded = harness_tasks.load(task, data)
        found = harness_tasks.answer(
            loaded, scorer, shots=shots, draws=draws, seed=seed, limit=limit, primary=about.get("primary")
        )
        # the first choice of a task without contexts is a whole text
        empty = not (loaded.doc_to_text(loaded.eval_docs[0]) or loaded.multiple_input)
        written = loaded.OUTPUT_TYPE == "generate_until"
        result |= {
            "metric": about.get("primary") or ("exact_match" if written else "acc"),
            "measure": "greedy generation" if written else scorer.measure(whole_texts=empty),
            "rows": curve(found.conditions, found.chance),
            "other": found.other,
            "examples": {"seed": seed, "split": loaded.fewshot_cfg.split, "drawn": found.drawn},
        }
        answers = [_answer(row) for row in found.rows]
    out.path("json").write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    with ShardWriter(out.path(), ANSWERS) as writer:
        writer.write(answers)
    return {"documents": result["rows"][0]["items"]}


@lru_cache(maxsize=1)
def _scorer(run: str) -> Scorer:
    """A worker keeps the model from task to task."""
    return Scorer.load(Path(run))


def describe(task: str) -> dict[str, Any]:
    """What a task's file says, functions by name; {} for the harness's own. HeadwaterError where it is none."""
    if task in (INDUCTION, EPISODES):
        return {"metadata": {"kind": task, "version": 1}}
    if task.startswith(harness_tasks.PREFIX):
        return {}
    path = harness_tasks.task_file(task)
    reader = YAML(typ="safe", pure=True)
    reader.constructor.add_constructor("!function", lambda loader, node: node.value)
    try:
        config = reader.load(path.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise HeadwaterError(f"{task}: not a task file ({' '.join(str(error).split())})") from error
    if not isinstance(config, dict):
        raise HeadwaterError(f"{task}: not a task file (its top level has no keys)")
    return config


def version_of(described: dict[str, Any]) -> int:
    """Of the code that makes a task's numbers, by what its file says; {} is one of the harness's own."""
    kind = (described.get("metadata") or {}).get("kind")
    if kind == MINIMAL_PAIRS:
        return OF_PAIRS
    known = kind in NO_HARNESS
    return VERSION if known or described.get("doc_to_choice") is not None else WITHOUT_CHOICES


def data_files(task: str, data: str | None) -> list[Path]:
    """The local files that a task's numbers depend on. Raises HeadwaterError where one is missing."""
    config = describe(task)
    if task.endswith((".yaml", ".yml")):  # functions of its own stand beside it
        beside = sorted(harness_tasks.task_file(task).parent.glob("*.py"))
    else:
        beside = []
    patterns = (config.get("dataset_kwargs") or {}).get("files") or {}
    if not isinstance(patterns, dict) or "custom_dataset" not in config:
        return beside
    folder = Path(data or ".")
    return beside + [path for some in patterns.values() for path in task_data.places(folder, some)]


def _dataset_settings(config: dict[str, Any]) -> dict[str, Any]:
    return dict(config["dataset_kwargs"])


def _answer(row: dict[str, Any]) -> dict[str, Any]:
    answers = row.pop("answers")
    row.pop("all")
    if answers and isinstance(answers[0], str):
        return {**row, "written": answers[0]}
    return {**row, "log_likelihoods": [float(value) for value, _ in answers]}
