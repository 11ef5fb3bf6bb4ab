"""Runs and tasks to accuracies at so many labels.

label-curves/<key>/    the job of one run, task and number of labels
results/<key>/         label-curve.json: what `measure_labels` found in one go, for the report

`measure_labels` is what pre-training is worth, of one run; `measure_transfer` holds runs of several kinds against each
other.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from headwater.engine.stages import Job, run_jobs
from headwater.engine.workers import default_workers
from headwater.engine.workspace import Workspace, content_key, read_json, write_json
from headwater.errors import RecipeError
from headwater.pipeline.finetune import base_of, card_lines, folders_of
from headwater.tasks.task import Task, keep

VERSION = 2
RECORD = "label-curve.json"


def measure_labels(
    run: Path,
    tasks: Sequence[Task],
    *,
    sizes: Sequence[int],
    draws: int,
    workspace: Path | str | None = None,
    settings: dict[str, Any] | None = None,
    workers: int | None = None,
    say: Callable[[list[str]], None] = lambda lines: None,
) -> list[dict[str, Any]]:
    """A row for each task and number of labels that it has: {"task", "labels", "items", "right"} (see train.label_curve).

    Raises RecipeError for tasks that are no classification, fewer than two draws, and numbers of labels no task has.
    """
    if draws < 2:
        raise RecipeError(
            f"--draws {draws}: one draw says nothing about its noise; at least 2, better 5 or more"
        )
    _refuse_others(tasks)
    base, given = base_of(run, workspace), {k: v for k, v in (settings or {}).items() if v is not None}
    place = base.workspace
    with place.lease():
        jobs, which, kept = [], [], []
        for task in tasks:
            say(card_lines(base, task))
            folder = keep(task, place.path / "tasks")
            for size in sizes:
                if size > len(task.splits["train"]):
                    continue
                key = content_key("label curve", VERSION, base.key, task.key, size, draws, given)
                arguments = {
                    "run": str(base.folder),
                    "task": str(folder),
                    "labels": size,
                    "draws": draws,
                    "settings": given,
                }
                jobs.append(Job(f"{task.name}, {size:,} labels", key, "headwater.train.label_curve:label_curve",
                                place.path / "label-curves" / key[:12], arguments))  # fmt: skip
                which.append((task.name, size))
                kept.append(folder)
        if not jobs:
            raise RecipeError(f"no task has as many training items as {min(sizes):,}; ask for fewer labels")
        slots = default_workers() if workers is None else max(1, workers)
        made = run_jobs(place, jobs, slots=slots, title="label curves")
        measured = [{"task": name, **one} for (name, _), one in zip(which, made, strict=True)]
        key = content_key("label curves", VERSION, [job.key for job in jobs])
        record = {"format": VERSION, "model": str(base.folder), "measured": measured,
                  "folders": sorted({one for folder in kept for one in folders_of(base, folder, jobs)})}  # fmt: skip
        write_json(place.path / "results" / key[:12] / RECORD, record)
    return measured


def label_curves(place: Workspace) -> list[dict[str, Any]]:
    """What `measure_labels` has left in a workspace: {"model", "measured"} each."""
    found = [read_json(path) for path in sorted((place.path / "results").glob(f"*/{RECORD}"))]
    return [one for one in found if one is not None and one.get("format") == VERSION]


def measure_transfer(
    runs: Mapping[str, Sequence[Path]],
    tasks: Sequence[Task],
    workspace: Workspace,
    *,
    sizes: Sequence[int],
    settings: dict[str, Any],
    workers: int,
) -> list[dict[str, Any]]:
    """Rows as `measure_labels` gives them, with these arms and the bag of words; draw n goes on from run n of its arm.

    `runs` are of one workspace, which the caller holds. Raises RecipeError for a task that is no classification, or
    that has fewer training items than one of `sizes`.
    """
    _refuse_others(tasks)
    keys = {arm: [read_json(run / "job.json")["key"] for run in found] for arm, found in runs.items()}
    jobs = []
    for task in tasks:
        folder = keep(task, workspace.path / "tasks")
        for size in sizes:
            if size > len(task.splits["train"]):
                raise RecipeError(
                    f"{task.name} has {len(task.splits['train']):,} training items, not {size:,}"
                )
            key = content_key("transfer", VERSION, keys, task.key, size, settings)
            named = {arm: [str(run) for run in found] for arm, found in runs.items()}
            arguments = {"runs": named, "task": str(folder), "labels": size, "settings": settings}
            jobs.append(Job(f"{task.name}, {size:,} labels", key, "headwater.train.label_curve:transfer",
                            workspace.path / "label-curves" / key[:12], arguments))  # fmt: skip
    made = run_jobs(workspace, jobs, slots=max(1, workers), title="fine-tune")
    named_tasks = [task.name for task in tasks for _ in sizes]
    return [{"task": name, **one} for name, one in zip(named_tasks, made, strict=True)]


def _refuse_others(tasks: Sequence[Task]) -> None:
    wrong = next((task for task in tasks if task.kind != "classification"), None)
    if wrong is not None:
        raise RecipeError(f"{wrong.name} is {wrong.kind}: label curves are of classification")
