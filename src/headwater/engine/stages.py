"""Shard tasks and jobs: what a stage is made of, by whichever engine (engines.py) does the workspace's work.

A shard task is a pure function from arguments to files: `function(out: Output, **arguments) -> result`. A job is
longer and keeps its own checkpoints: `function(folder: Path, **arguments) -> result`. Both are named by
"module:function", so that a worker (always spawned, never forked) imports just what it needs.

What is committed already under the same key is not run again. The largest tasks come first, so that no long one is
begun when the others end. With 0 workers a shard task runs in this process, unwatched. Items that had to be given up
(guard.py) are kept in `guard/<key>.json`: an input to the task from then on.

Tasks that read the same shard may be made in one call (`Task.together`), each still a shard of its own: committed,
kept and made again by itself.
"""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headwater.engine.engines import LOCAL, Request
from headwater.engine.kernels import compiled_anew
from headwater.engine.progress import Progress
from headwater.engine.workers import Call, end_idle, resolve, run_calls
from headwater.engine.workspace import SEAL, Entry, Output, Workspace, is_whole, read_json, seal, write_json


@dataclass(frozen=True)
class Task:
    """One shard to make. `key` names everything that its files depend on.

    Those of the tasks to make that share a function and a non-empty `together` are made by one call of it:
    `function(outs: list[Output], arguments: list[dict]) -> list[result]`. `reads`: files of the workspace that it reads
    beside those that its arguments name. `resources` is what it asks a cluster for, such as {"GPU": 1}; an engine of one
    machine has what it has.
    """

    shard: str
    key: str
    function: str
    arguments: dict[str, Any] = field(default_factory=dict)
    together: str = ""
    weight: int = 0  # bytes to read, about: who comes first, and how much is left
    reads: tuple[str, ...] = ()
    resources: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """A training or an evaluation: one process, one thread or one GPU, its files in `folder`.

    `reads` and `resources`: as a task's.
    """

    name: str
    key: str
    function: str
    folder: Path
    arguments: dict[str, Any] = field(default_factory=dict)
    reads: tuple[str, ...] = ()
    resources: dict[str, float] = field(default_factory=dict)


def run_stage(
    workspace: Workspace, stage_name: str, tasks: list[Task], *, workers: int, title: str
) -> list[Entry]:
    """Makes a stage's shards, those that are not there yet; their entries in the order of `tasks`."""
    return run_stages(workspace, {stage_name: tasks}, workers=workers, title=title)[stage_name]


def run_stages(
    workspace: Workspace, stages: dict[str, list[Task]], *, workers: int, title: str
) -> dict[str, list[Entry]]:
    """Several stages at once, whose tasks do not depend on each other."""
    entries: dict[tuple[str, str], Entry] = {}
    groups: dict[Any, list[tuple[str, Task]]] = {}  # (stage, task) to make, those of one call in one list
    for stage_name, tasks in stages.items():
        stage = workspace.stage(stage_name)
        for task in tasks:
            entry = stage.entry(task.shard)
            if entry is not None and entry.key == task.key:
                entries[stage_name, task.shard] = entry
            else:
                alone = (stage_name, task.shard)
                apart = tuple(sorted(task.resources.items()))
                group = (task.function, task.together, apart) if task.together else alone
                groups.setdefault(group, []).append((stage_name, task))
    ordered_groups = sorted(groups.values(), key=lambda group: -sum(task.weight for _, task in group))
    folders = {name: str(workspace.stage(name).path) for name in stages}
    guarded = _guarded(workspace)
    calls = [_call_of(workspace, group, folders, guarded) for group in ordered_groups]
    if calls:
        engine = workspace.engine if workers else LOCAL
        weights = {(name, task.shard): task.weight for group in ordered_groups for name, task in group}
        tasks_to_make = len(weights)
        workspace.event("stage", title=title, stages=list(stages), tasks=tasks_to_make, kept=len(entries),
                        weight=sum(weights.values()), engine=engine.name, workers=max(1, workers))  # fmt: skip
        _remove_unfinished(list(folders.values()))  # what a killed run has left

        def gave_up(call: Call, item: str, reason: str) -> None:
            for task in call.arguments["tasks"]:
                write_json(_guard_file(workspace, task.key), call.given_up)
            workspace.event("gave_up", stage=call.name[0], shard=call.name[1], item=item, reason=reason)

        try:
            with Progress(title, tasks_to_make) as progress:
                request = Request(workspace, calls, workers, progress, gave_up=gave_up)
                for call, made in engine.run(request):
                    for stage_name, entry in zip(call.arguments["stages"], made, strict=True):
                        entries[stage_name, entry.shard] = entry
                        documents, size = entry.result.get("documents", 0), entry.result.get("bytes", 0)
                        progress.advance(documents=documents, size=size)
                        short = {k: v for k, v in entry.result.items() if isinstance(v, int | float | str)}
                        weight = weights[stage_name, entry.shard]
                        workspace.event(
                            "shard", stage=stage_name, shard=entry.shard, weight=weight, result=short
                        )
        except BaseException:
            _remove_unfinished(list(folders.values()))
            raise
    ordered = {name: [entries[name, task.shard] for task in tasks] for name, tasks in stages.items()}
    for name, stage_entries in ordered.items():
        workspace.stage(name).complete(stage_entries)
    workspace.used |= set(stages)
    return ordered


def run_jobs(workspace: Workspace, jobs: list[Job], *, slots: int, title: str) -> list[dict[str, Any]]:
    """Runs jobs, `slots` at a time, each in a process; those done before under the same key are not repeated."""
    results: dict[str, dict[str, Any]] = {}
    calls = []
    for job in jobs:
        workspace.used.add(str(job.folder.relative_to(workspace.path)))
        done = read_json(job.folder / "job.json")
        if done is not None and done["key"] == job.key and is_whole(job.folder):
            results[job.name] = done["result"]
        else:
            arguments = {"folder": str(job.folder), "job": job}
            name = (title, job.name)
            calls.append(Call(name, "headwater.engine.stages:_run_job", arguments, resources=job.resources))
    if calls:
        engine = workspace.engine
        workspace.event(
            "jobs", title=title, jobs=len(calls), kept=len(results), engine=engine.name, workers=slots
        )
        with Progress(title, len(calls)) as progress:
            for call, result in engine.run(Request(workspace, calls, max(1, slots), progress, jobs=True)):
                results[call.name[1]] = result
                progress.advance()
                workspace.event("job", title=title, job=call.name[1])
    return [results[job.name] for job in jobs]


def run_before(
    workspace: Workspace, function: str, arguments: dict[str, Any], *, workers: int, title: str
) -> None:
    """Calls a function in one worker, before the others start: what it compiles they find on disk, and what it loads
    that worker goes on with, and this process goes without. A worker that had to compile ends here, since a compiler's
    memory is never given back. Other machines compile for themselves."""
    if workspace.engine.elsewhere:
        return
    call = Call((title, function), f"{__name__}:_before", {"function": function, "arguments": arguments})
    with Progress(title, 1) as progress:
        [(_, compiled)] = run_calls([call], workers, progress)
        progress.advance()
    if compiled:
        end_idle()


def _before(function: str, arguments: dict[str, Any]) -> bool:
    resolve(function)(**arguments)
    return compiled_anew()


def _call_of(
    workspace: Workspace, group: list[tuple[str, Task]], folders: dict[str, str], guarded: set[str]
) -> Call:
    """The call that makes these tasks of the stages named, whose folders these are."""
    stages, tasks = [stage for stage, _ in group], [task for _, task in group]
    arguments = {"stages": stages, "folders": [folders[stage] for stage in stages], "tasks": tasks}
    name = (stages[0], tasks[0].shard)
    call = Call(name, "headwater.engine.stages:_run_tasks", arguments, resources=tasks[0].resources)
    for task in tasks:
        if task.key in guarded:
            call.given_up |= read_json(_guard_file(workspace, task.key)) or {}
    return call


def _run_tasks(stages: list[str], folders: list[str], tasks: list[Task]) -> list[Entry]:
    """In the worker. What is committed stays, should the next one fail."""
    del stages
    outs = [Output(Path(folder), task.shard) for folder, task in zip(folders, tasks, strict=True)]
    function = resolve(tasks[0].function)
    try:
        if tasks[0].together:
            results = function(outs, [task.arguments for task in tasks])
        else:
            results = [function(outs[0], **tasks[0].arguments)]
        return [out.commit(task.key, result) for out, task, result in zip(outs, tasks, results, strict=True)]
    except BaseException:
        for out in outs:
            out.discard()
        raise


def _run_job(folder: str, job: Job) -> dict[str, Any]:
    if (job.folder / SEAL).is_file() and not is_whole(job.folder):
        shutil.rmtree(job.folder)  # finished once, and damaged since
    job.folder.mkdir(parents=True, exist_ok=True)
    result: dict[str, Any] = resolve(job.function)(job.folder, **job.arguments)
    (job.folder / "job.json").unlink(missing_ok=True)
    seal(job.folder)
    write_json(job.folder / "job.json", {"key": job.key, "result": result})
    return result


def _guard_file(workspace: Workspace, key: str) -> Path:
    return workspace.path / "guard" / f"{key}.json"


def _guarded(workspace: Workspace) -> set[str]:
    """Keys of the tasks of which items were given up."""
    return {path.stem for path in (workspace.path / "guard").glob("*.json")}


def _remove_unfinished(folders: list[str]) -> None:
    """Temporary files of these stages; only while no worker writes any."""
    for folder in folders:
        for left in Path(folder).glob(".*.tmp"):
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
