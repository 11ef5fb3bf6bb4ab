"""Tasks on a run or a model folder: `task-scores/<model>/`, one shard a task, and what they say together."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from headwater.engine.stages import Task, run_stage
from headwater.engine.workers import default_workers
from headwater.engine.workspace import Workspace, content_key, file_hash, read_json, write_json
from headwater.errors import HeadwaterError
from headwater.model.words import words_version
from headwater.pipeline.check import data_of_tasks, tasks_of
from headwater.pipeline.train import require_torch
from headwater.recipe import Recipe

FOLDER, SUMMARY = "task-scores", "results.json"
FUNCTION = "headwater.evaluate.run_task:run_task"
MODEL_FILES = ("*.safetensors", "config.json", "tokenizer.json")


@dataclass(frozen=True)
class Evaluated:
    """Where the results lie, those of the tasks that were asked for, in that order, and all that are known."""

    folder: Path
    model: str
    results: list[dict[str, Any]]
    known: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        return {"model": self.model, "folder": str(self.folder), "tasks": self.results}


def evaluate_tasks(
    run: Path,
    tasks: Sequence[str],
    *,
    data: Path | str | None = None,
    shots: Sequence[int] = (0,),
    draws: int = 3,
    seed: int = 0,
    limit: int | None = None,
    workspace: Path | str | None = None,
    workers: int | None = None,
) -> Evaluated:
    """`run`: a run's folder, or a model's (ours or from a hub). Tasks that were asked before are not asked again.

    shots  how many examples the prompt shows; 0 is always among them, as the control
    draws  of examples, for each number above 0
    limit  items of each task, spread over all of it
    """
    require_torch()
    from headwater.evaluate.run_task import NO_HARNESS, data_files, describe, version_of
    from headwater.model.converse import model_folder

    if not tasks:
        raise HeadwaterError("name tasks with --tasks; `headwater evaluate --list` shows them")
    if any(count < 0 for count in shots) or draws < 1 or (limit is not None and limit < 2):
        raise HeadwaterError("shots must not be negative, draws be at least 1, and a limit be at least 2")
    folder = model_folder(run)
    place = Workspace(workspace or _workspace_of(run))
    root = str(Path(data or os.environ.get("HEADWATER_TASK_DATA") or ".").resolve())
    model = content_key([file_hash(path) for name in MODEL_FILES for path in sorted(folder.glob(name))])
    words = words_version((folder / "tokenizer.json").read_text(encoding="utf-8"))
    wanted = []
    for task in dict.fromkeys(tasks):
        described = describe(task)
        harness = None
        if (described.get("metadata") or {}).get("kind") not in NO_HARNESS:
            harness = require_harness()
        settings = {
            "task": task, "shots": sorted({0, *shots}), "draws": draws if max(shots, default=0) else 1, "seed": seed,
            "limit": limit,
        }  # fmt: skip
        files = [file_hash(path) for path in data_files(task, root)]
        key = content_key("task", version_of(described), model, settings, described, files, harness, *words)
        shard = f"{_file_name(task)}-{key[:8]}"
        wanted.append(Task(shard, key, FUNCTION, {**settings, "run": str(folder.resolve()), "data": root}))
    os.environ.setdefault("TQDM_DISABLE", "1")  # the harness's bars: progress is the engine's
    stage = place.stage(f"{FOLDER}/{model[:12]}")
    count = default_workers() if workers is None else workers
    with place.lease():
        before = stage.entries()
        made = run_stage(place, stage.name, wanted, workers=count, title="evaluate")
        stage.complete(list({**before, **{entry.shard: entry for entry in made}}.values()))
        known = [read_json(entry.here("json")) for _, entry in sorted(stage.entries().items())]
        write_json(stage.path / SUMMARY, {"format": 1, "model": _name_of(run), "key": model, "tasks": known})
    return Evaluated(stage.path, _name_of(run), [read_json(entry.here("json")) for entry in made], known)


def require_harness() -> str:
    """The harness's version. Tasks need the `evaluate` extra; said before any work is done."""
    try:
        return version("lm_eval")
    except PackageNotFoundError as error:
        raise HeadwaterError("tasks need lm-evaluation-harness: install headwater[evaluate]") from error


def _workspace_of(run: Path) -> Path:
    """The workspace that a run lies in; for other folders ./workspace."""
    folder = run.resolve()
    if folder.name == "model":
        folder = folder.parent
    return folder.parent.parent if folder.parent.name == "runs" else Path("workspace")


def _file_name(task: str) -> str:
    """What a task is called as a file: its own name, as far as names of files allow."""
    return re.sub(r"[^\w.-]+", "-", Path(task).name).strip(".-")[:64] or "task"


def _name_of(run: Path) -> str:
    folder = run.resolve()
    return folder.parent.name if folder.name == "model" else folder.name


def tasks_of_recipe(
    recipe: Recipe, place: Workspace, runs: Sequence[Path], *, workers: int
) -> list[Evaluated]:
    """What a recipe's `evaluate.tasks` say of its runs; none where it names none."""
    asked = recipe.evaluate
    if not asked.tasks:
        return []
    data, files = data_of_tasks(recipe), tasks_of(recipe)
    return [
        evaluate_tasks(
            run, files, data=data, shots=asked.shots, draws=asked.draws, seed=recipe.seed, limit=asked.items,
            workspace=place.path, workers=workers,
        )
        for run in runs
    ]  # fmt: skip


def task_scores(place: Workspace) -> list[dict[str, Any]]:
    """What tasks have said of the models of a workspace: {"model", "tasks"} each."""
    found = [read_json(path) for path in sorted((place.path / FOLDER).glob(f"*/{SUMMARY}"))]
    return [one for one in found if one is not None and one.get("format") == 1]
