"""The engines: who runs the calls that stages and jobs are made of.

    local    supervised processes of this machine (workers.py)
    ray      tasks of a Ray cluster (ray.py)
    slurm    array jobs of a batch cluster (slurm.py)

What a call does, how it is watched and how its files are committed is the same for all of them; an engine says where.
"""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from headwater.engine.progress import Progress
from headwater.engine.workers import Call, default_workers, run_calls
from headwater.errors import RecipeError

if TYPE_CHECKING:
    from headwater.engine.workspace import Workspace

GaveUp = Callable[[Call, str, str], None]  # a call, the item that it goes on without, the reason


@dataclass(frozen=True)
class Request:
    """Calls that an engine is to run, the first of them first, `workers` at once."""

    workspace: "Workspace"
    calls: list[Call]
    workers: int
    progress: Progress
    jobs: bool = False  # each in a process of its own, unwatched
    gave_up: GaveUp = lambda call, item, reason: None  # told of every item that a call goes on without


class Engine(Protocol):
    name: str
    elsewhere: bool  # other machines may do the work: a workspace in a store is not copied whole to this one

    def workers(self, asked: int | None) -> int:
        """How many calls run at once; `asked`: by the user, who may leave it to the engine."""
        ...

    def run(self, request: Request) -> Iterator[tuple[Call, Any]]:
        """Runs the calls and yields each with its result, in the order in which they end. The first error of a
        function ends everything."""
        ...


class Local:
    name, elsewhere = "local", False

    def workers(self, asked: int | None) -> int:
        return default_workers() if asked is None else asked

    def run(self, request: Request) -> Iterator[tuple[Call, Any]]:
        return run_calls(
            request.calls, request.workers, request.progress, fresh=request.jobs, gave_up=request.gave_up
        )


LOCAL = Local()
_ELSEWHERE = {"ray": "headwater.engine.ray:Ray", "slurm": "headwater.engine.slurm:Slurm"}
ENGINES = ("local", *_ELSEWHERE)


def engine_of(name: str, options: dict[str, str] | None = None) -> Engine:
    """The engine of a name. `options`: of ray `address`, of slurm what `submitit` takes; RecipeError for others."""
    if name == "local":
        if options:
            raise RecipeError(f"--engine local takes no {', '.join(options)}")
        return LOCAL
    if name not in _ELSEWHERE:
        raise RecipeError(f"no engine {name!r}; there are {', '.join(ENGINES)}")
    module, _, kind = _ELSEWHERE[name].partition(":")
    engine: Engine = getattr(importlib.import_module(module), kind)(**(options or {}))
    return engine
