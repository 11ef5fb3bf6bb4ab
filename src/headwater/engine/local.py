"""The local engine: shard tasks and jobs in supervised worker processes on this machine.

A shard task is a pure function from arguments to files: `function(out: Output, **arguments) -> result`. A job is
longer and keeps its own checkpoints: `function(folder: Path, **arguments) -> result`. Both are named by
"module:function", so that a worker (always spawned, never forked) imports just what it needs.

What is committed already under the same key is not run again. With one worker a shard task runs in this process.
"""

import importlib
import multiprocessing
import os
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from headwater.engine.progress import Progress, set_reporter
from headwater.engine.workspace import Entry, Output, Workspace, read_json, write_json
from headwater.errors import HeadwaterError, QuarantineLimit, RecipeError

# Two one-thread workers beat one two-thread worker, and results must not depend on the number of threads.
_THREADS = ("OMP", "MKL", "OPENBLAS", "NUMBA", "RAYON")
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in _THREADS} | {"TOKENIZERS_PARALLELISM": "false"}


@dataclass(frozen=True)
class Task:
    """One shard to make. `key` names everything that its files depend on."""

    shard: str
    key: str
    function: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """A training or an evaluation: one process, one thread or one GPU, its files in `folder`."""

    name: str
    key: str
    function: str
    folder: Path
    arguments: dict[str, Any] = field(default_factory=dict)


def default_workers() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
    calls: list[_Call] = []
    for stage_name, tasks in stages.items():
        stage = workspace.stage(stage_name)
        for task in tasks:
            entry = stage.entry(task.shard)
            if entry is not None and entry.key == task.key:
                entries[stage_name, task.shard] = entry
            else:
                arguments = {"folder": str(stage.path), "task": task}
                calls.append(_Call((stage_name, task.shard), "headwater.engine.local:_run_task", arguments))
    if calls:
        workspace.event("stage", title=title, tasks=len(calls), kept=len(entries))
        folders = [workspace.stage(name).path for name in stages]
        _remove_unfinished(folders)  # what a killed run has left
        try:
            with Progress(title, len(calls)) as progress:
                for call, entry in _run(calls, workers, progress):
                    entries[call.name] = entry
                    documents, size = entry.result.get("documents", 0), entry.result.get("bytes", 0)
                    progress.advance(documents=documents, size=size)
                    short = {k: v for k, v in entry.result.items() if isinstance(v, int | float | str)}
                    workspace.event("shard", stage=call.name[0], shard=call.name[1], result=short)
        except BaseException:
            _remove_unfinished(folders)
            raise
    made = {name: [entries[name, task.shard] for task in tasks] for name, tasks in stages.items()}
    for name, stage_entries in made.items():
        workspace.stage(name).complete(stage_entries)
    return made


def run_jobs(workspace: Workspace, jobs: list[Job], *, slots: int, title: str) -> list[dict[str, Any]]:
    """Runs jobs, `slots` at a time, each in a process; those done before under the same key are not repeated."""
    results: dict[str, dict[str, Any]] = {}
    calls = []
    for job in jobs:
        done = read_json(job.folder / "job.json")
        if done is not None and done["key"] == job.key:
            results[job.name] = done["result"]
        else:
            arguments = {"folder": str(job.folder), "job": job}
            calls.append(_Call((title, job.name), "headwater.engine.local:_run_job", arguments))
    if calls:
        workspace.event("jobs", title=title, jobs=len(calls), kept=len(results))
        with Progress(title, len(calls)) as progress:
            for call, result in _run(calls, slots, progress, always_spawn=True):
                results[call.name[1]] = result
                progress.advance()
                workspace.event("job", title=title, job=call.name[1])
    return [results[job.name] for job in jobs]


def _run_task(folder: str, task: Task) -> Entry:
    out = Output(Path(folder), task.shard)
    try:
        result = _resolve(task.function)(out, **task.arguments)
        return out.commit(task.key, result)
    except BaseException:
        out.discard()
        raise


def _run_job(folder: str, job: Job) -> dict[str, Any]:
    job.folder.mkdir(parents=True, exist_ok=True)
    result: dict[str, Any] = _resolve(job.function)(job.folder, **job.arguments)
    write_json(job.folder / "job.json", {"key": job.key, "result": result})
    return result


def _resolve(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    resolved: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return resolved


def _remove_unfinished(folders: list[Path]) -> None:
    """Temporary files of these stages; only while no worker writes any."""
    for folder in folders:
        for left in folder.glob(".*.tmp"):
            left.unlink(missing_ok=True)


# ---------------------------------------------------------------- worker processes


@dataclass(frozen=True)
class _Call:
    name: tuple[str, str]  # stage and shard, or title and job
    function: str
    arguments: dict[str, Any]


@dataclass
class _Worker:
    process: BaseProcess
    pipe: "Connection[Any, Any]"
    call: _Call | None = None


def _run(
    calls: list[_Call], workers: int, progress: Progress, *, always_spawn: bool = False
) -> Iterator[tuple[_Call, Any]]:
    """Runs the calls and yields each with its result, in the order in which they end."""
    if min(workers, len(calls)) <= 1 and not always_spawn:
        set_reporter(lambda done, total, note: progress.report(calls[0].name[1], done, total, note))
        try:
            for call in calls:
                yield call, _resolve(call.function)(**call.arguments)
        finally:
            set_reporter(None)
        return
    waiting = list(reversed(calls))
    with _pool(min(workers, len(calls)), fresh=always_spawn) as pool:
        for worker in pool:
            _give(worker, waiting)
        while busy := [worker for worker in pool if worker.call is not None]:
            watched: list[Any] = [worker.pipe for worker in busy]
            watched += [worker.process.sentinel for worker in busy]
            ready = wait(watched)
            for worker in busy:
                if worker.pipe not in ready and worker.process.sentinel not in ready:
                    continue
                assert worker.call is not None
                kind: str = "dead"
                value: Any = None
                with suppress(EOFError):
                    if worker.pipe.poll():
                        kind, value = worker.pipe.recv()
                if kind == "progress":
                    progress.report(worker.call.name[1], *value)
                elif kind == "result":
                    call = worker.call
                    _give(worker, waiting)
                    yield call, value
                elif kind == "dead":
                    worker.process.join()
                    raise HeadwaterError(
                        f"a worker died (exit code {worker.process.exitcode}) on {'/'.join(worker.call.name)}; "
                        "what was finished is kept, so the same command goes on from there"
                    )
                else:
                    raise value


def _give(worker: _Worker, waiting: list[_Call]) -> None:
    worker.call = waiting.pop() if waiting else None
    if worker.call is not None:
        worker.pipe.send(worker.call)


# Workers of stages that ended, kept for the next stage: starting one and importing what it needs takes seconds.
_idle: list[_Worker] = []


@contextmanager
def _pool(workers: int, *, fresh: bool) -> Iterator[list[_Worker]]:
    """Worker processes; left by an error they end at once. `fresh`: started for this block, ended after it."""
    if fresh:
        _end(_idle)
    pool = [worker for worker in _idle[:workers] if worker.process.is_alive()]
    del _idle[:workers]
    pool += _start(workers - len(pool))
    try:
        yield pool
    except BaseException:
        for worker in pool:
            worker.process.kill()
        _end(pool)
        raise
    if fresh:
        _end(pool)
    else:
        _idle.extend(pool)


def _start(count: int) -> list[_Worker]:
    context = multiprocessing.get_context("spawn")
    started = []
    environment = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs,), daemon=True)
            process.start()
            theirs.close()
            started.append(_Worker(process, ours))
    finally:
        for name, value in environment.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    return started


def _end(workers: list[_Worker]) -> None:
    """Closes their pipes, at which a worker ends, and waits for them; empties the list."""
    for worker in workers:
        worker.pipe.close()
    for worker in workers:
        worker.process.join()
    workers.clear()


def _serve(pipe: "Connection[Any, Any]") -> None:
    """A worker's life: calls in, results out, until the pipe closes."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C ends
    threading.Thread(target=_end_with_parent, daemon=True).start()
    set_reporter(lambda done, total, note: pipe.send(("progress", (done, total, note))))
    while True:
        try:
            call: _Call = pipe.recv()
        except EOFError:
            return
        answer: tuple[str, Any]
        try:
            answer = ("result", _resolve(call.function)(**call.arguments))
        except (RecipeError, QuarantineLimit) as error:
            answer = ("error", error)
        except HeadwaterError as error:
            answer = ("error", HeadwaterError(f"{'/'.join(call.name)}: {error}"))
        except Exception:
            answer = ("error", RuntimeError(f"{'/'.join(call.name)} failed\n{traceback.format_exc()}"))
        pipe.send(answer)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
