"""Worker processes: spawned, kept from stage to stage, and watched while they work.

A worker that dies is noticed at once: the call is given to a new one, and if it dies at the same item again, that
item is given up. A worker that is at one item for too long is killed; the item gets a second chance with ten times
the time, and is given up after that. One that takes more memory than its share is killed, too; its call is run again
once no other is, with all the memory that workers may have. What is given up is told to the caller (`gave_up`) and to
the function, which quarantines the item and goes on (see guard.py). A step that works on no item, such as one over the
whole corpus, has no deadline, since its time grows with the corpus; of its memory and its deaths the caller is told.
"""

import importlib
import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

import psutil

from headwater.engine import guard, heap
from headwater.engine.arrow import leave_pandas_out
from headwater.engine.progress import Progress, set_reporter
from headwater.errors import HeadwaterError, QuarantineLimit, RecipeError, of_system

# Two one-thread workers beat one two-thread worker, and results must not depend on the number of threads.
_THREADS = ("OMP", "MKL", "OPENBLAS", "NUMBA", "RAYON")
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in _THREADS} | {"TOKENIZERS_PARALLELISM": "false"}
WATCH_SECONDS = 0.2  # between two looks at what the workers are at, and at their memory


@dataclass
class Call:
    """One function to call in a worker."""

    name: tuple[str, str]  # stage and shard, or title and job
    function: str  # "module:function"
    arguments: dict[str, Any]
    given_up: dict[str, str] = field(default_factory=dict)  # item -> why it is not to be touched
    alone: bool = False  # not beside others: it took more memory than its share
    resources: dict[str, float] = field(default_factory=dict)  # what it asks a cluster for


@dataclass
class _Worker:
    process: BaseProcess
    pipe: "Connection[Any, Any]"
    watch: guard.Watch
    call: Call | None = None

    def memory(self) -> int:
        """Bytes that its process holds; 0 once it has ended."""
        with suppress(psutil.Error):
            return int(psutil.Process(self.process.pid).memory_info().rss)
        return 0


def default_workers() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def resolve(name: str) -> Callable[..., Any]:
    """The function that "module:function" names, imported; a worker's memory is set for what that needs."""
    module, _, function = name.partition(":")
    resolved: Callable[..., Any] = getattr(importlib.import_module(module), function)
    heap.adapt()
    return resolved


def run_calls(
    calls: list[Call],
    workers: int,
    progress: Progress,
    *,
    fresh: bool = False,
    gave_up: Callable[[Call, str, str], None] = lambda call, item, reason: None,
    sharing: int = 0,
) -> Iterator[tuple[Call, Any]]:
    """Runs the calls and yields each with its result, in the order in which they end.

    `workers` 0: in this process, without a watch. `fresh`: in processes of their own, which end with this.
    `sharing`: workers that this machine's memory is shared by, where there are more than these.
    `gave_up(call, item, reason)` is called before the call is tried again without the item. The first error of
    a function ends everything; HeadwaterError for a worker that keeps dying without an item to blame.
    """
    if workers == 0 and not fresh:
        yield from _run_here(calls, progress)
        return
    waiting = list(reversed(calls))
    alone: list[Call] = []
    blame = _Blame(gave_up, max(sharing, min(workers, len(calls))))
    with _pool(min(workers, len(calls)), fresh=fresh) as pool:
        for worker in pool:
            _give(worker, waiting)
        while (busy := [worker for worker in pool if worker.call is not None]) or alone:
            if not busy:
                _give(pool[0], alone)
                busy = pool[:1]
            watched: list[Any] = [worker.pipe for worker in busy]
            watched += [worker.process.sentinel for worker in busy]
            ready = wait(watched, timeout=WATCH_SECONDS)
            for worker in busy:
                assert worker.call is not None
                if worker.pipe not in ready and worker.process.sentinel not in ready:
                    greedy = not fresh and worker.memory() > blame.budget(worker.call)
                    if not greedy and blame.has_time(worker.call, worker.watch):
                        continue
                    worker.process.kill()
                    worker.process.join()
                    again = (blame.greedy if greedy else blame.stuck)(worker.call, worker.watch)
                    (alone if again.alone else waiting).append(again)
                    _replace(worker)
                    _give(worker, waiting)
                    continue
                kind, value = _message(worker)
                if kind == "progress":
                    progress.report(worker.call.name[1], *value)
                elif kind == "result":
                    call = worker.call
                    _give(worker, waiting)
                    yield call, value
                elif kind == "dead":
                    worker.process.join()
                    waiting.append(blame.died(worker.call, worker.watch, worker.process.exitcode, job=fresh))
                    _replace(worker)
                    _give(worker, waiting)
                else:
                    raise value


def _run_here(calls: list[Call], progress: Progress) -> Iterator[tuple[Call, Any]]:
    try:
        for call in calls:
            set_reporter(partial(progress.report, call.name[1]))
            guard.attach(None, call.given_up)
            yield call, resolve(call.function)(**call.arguments)
    finally:
        set_reporter(None)
        guard.attach(None, {})


def _message(worker: _Worker) -> tuple[str, Any]:
    """What the worker says: "progress", "result" or "error" with its value, or "dead"."""
    with suppress(EOFError, OSError):
        if worker.pipe.poll():
            kind, value = worker.pipe.recv()
            return kind, value
    return "dead", None


class _Blame:
    """Which items workers died at or were stuck at, and what follows from it."""

    def __init__(self, gave_up: Callable[[Call, str, str], None], workers: int) -> None:
        self._gave_up = gave_up
        self._share, self._all = guard.memory_share(workers), guard.memory_alone(workers)
        self._deaths: Counter[tuple[tuple[str, str], str | None]] = Counter()
        self._second_chance: set[tuple[tuple[str, str], str | None]] = set()

    def has_time(self, call: Call, watch: guard.Watch) -> bool:
        seconds = guard.SECONDS
        if (call.name, watch.item()) in self._second_chance:
            seconds *= guard.SECOND_CHANCE
        return watch.seconds() <= seconds

    def stuck(self, call: Call, watch: guard.Watch) -> Call:
        """The call to try again: with more time for the item, or without it."""
        item = watch.item()
        if (call.name, item) in self._second_chance and item is not None:
            self._give_up(call, item, guard.DEADLINE)
        self._second_chance.add((call.name, item))
        return call

    def budget(self, call: Call) -> int:
        """Bytes that the call's worker may take."""
        return self._all if call.alone else self._share

    def greedy(self, call: Call, watch: guard.Watch) -> Call:
        """The call to try again: alone, or without the item. Raises where it was alone and nothing is to blame."""
        item = watch.item()
        if call.alone and item is None:
            raise HeadwaterError(
                f"{'/'.join(call.name)} took more than {self._all >> 20:,} MiB of memory, which is what workers may have "
                f"here; what was finished is kept. Use a machine with more, or set {guard.MEMORY_VARIABLE} (such as 30GB)"
            )
        if call.alone and item is not None:
            self._give_up(call, item, guard.MEMORY)
        call.alone = not call.alone
        return call

    def died(self, call: Call, watch: guard.Watch, exitcode: int | None, *, job: bool) -> Call:
        """The call to try again, without the item at its second death. Raises where nothing is to blame."""
        item = watch.item()
        self._deaths[call.name, item] += 1
        again = self._deaths[call.name, item] > 1
        if job or (again and (item is None or item in call.given_up)):
            raise HeadwaterError(
                f"a worker died (exit code {exitcode}) on {'/'.join(call.name)}; what was finished is kept, so the "
                "same command goes on from there"
                + (" (killed: was there enough memory?)" if exitcode == -signal.SIGKILL else "")
            )
        if again and item is not None:
            self._give_up(call, item, guard.WORKER_DIED)
        return call

    def _give_up(self, call: Call, item: str, reason: str) -> None:
        call.given_up = {**call.given_up, item: reason}
        self._gave_up(call, item, reason)


# ---------------------------------------------------------------- processes

# Workers of stages that ended, kept for the next stage: starting one and importing what it needs takes seconds.
_idle: list[_Worker] = []
# A worker has the environment of its start: credentials that were set or changed since need new ones.
_CREDENTIALS = ("AWS_", "FSSPEC_", "GOOGLE_", "AZURE_", "HF_")
_started_with: dict[str, str] = {}


def end_idle() -> None:
    """Ends the workers that wait for a next stage, so that the next one starts its own."""
    _end(_idle)


def _give(worker: _Worker, waiting: list[Call]) -> None:
    worker.call = waiting.pop() if waiting else None
    if worker.call is not None:
        with suppress(OSError):  # dead already: its sentinel says so
            worker.pipe.send(worker.call)


@contextmanager
def _pool(workers: int, *, fresh: bool) -> Iterator[list[_Worker]]:
    """Worker processes; left by an error they end at once. `fresh`: started for this block, ended after it."""
    global _started_with
    credentials = {name: value for name, value in os.environ.items() if name.startswith(_CREDENTIALS)}
    if fresh or credentials != _started_with:
        end_idle()
        _started_with = credentials
    pool = [worker for worker in _idle[:workers] if worker.process.is_alive()]
    del _idle[:workers]
    pool += [_start() for _ in range(workers - len(pool))]
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


def _start() -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    shared = guard.shared_bytes(context)
    process = context.Process(target=_serve, args=(theirs, shared), daemon=True)
    with _one_thread(), _main_left_out(), _interrupt_held_back():
        process.start()
    theirs.close()
    return _Worker(process, ours, guard.Watch(shared))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Processes started in this block compute on one thread."""
    environment = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        yield
    finally:
        for name, value in environment.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _interrupt_held_back() -> Iterator[None]:
    """Processes started in this block do not see Ctrl-C until they ignore it; this one sees it after the block."""
    resource_tracker.ensure_running()  # which would let it through
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


@contextmanager
def _main_left_out() -> Iterator[None]:
    """Processes started in this block do not run the caller's script again: a script that calls us needs no
    `if __name__ == "__main__"`. What workers call is in modules."""
    main = sys.modules["__main__"]
    kept = {name: getattr(main, name) for name in ("__file__", "__spec__") if hasattr(main, name)}
    try:
        main.__dict__.pop("__file__", None)
        main.__spec__ = None
        yield
    finally:
        main.__dict__.update(kept)


def _replace(worker: _Worker) -> None:
    """A new process in the place of a dead one."""
    worker.pipe.close()
    new = _start()
    worker.process, worker.pipe, worker.watch = new.process, new.pipe, new.watch


def _end(workers: list[_Worker]) -> None:
    """Closes their pipes, at which a worker ends, and waits for them; empties the list."""
    for worker in workers:
        worker.pipe.close()
    for worker in workers:
        worker.process.join()
    workers.clear()


def _serve(pipe: "Connection[Any, Any]", shared: Any) -> None:
    """A worker's life: calls in, results out, until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C ends
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, daemon=True).start()
    leave_pandas_out()
    heap.settle()
    set_reporter(lambda done, total, note: pipe.send(("progress", (done, total, note))))
    while True:
        try:
            call: Call = pipe.recv()
        except EOFError:
            return
        guard.attach(shared, call.given_up)
        answer: tuple[str, Any]
        try:
            answer = ("result", resolve(call.function)(**call.arguments))
        except (RecipeError, QuarantineLimit) as error:
            answer = ("error", error)
        except HeadwaterError as error:
            answer = ("error", HeadwaterError(f"{'/'.join(call.name)}: {error}"))
        except OSError as error:
            answer = ("error", HeadwaterError(f"{'/'.join(call.name)}: {of_system(error)}"))
        except Exception:
            answer = ("error", RuntimeError(f"{'/'.join(call.name)} failed\n{traceback.format_exc()}"))
        guard.end()
        pipe.send(answer)
        del call, answer
        heap.give_back()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
