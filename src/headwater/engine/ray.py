"""`--engine ray`: calls as tasks of a Ray cluster, with its scheduling, retries, resources and autoscaling.

A task is `nodes.work`: our watch over the call runs as a child of the task's process, so that a document which kills
or holds up its process costs that child. A machine that is lost costs what ran on it: Ray gives these tasks to others.

Every machine needs Headwater, the credentials of the workspace's store in its environment, and what the recipe's own
functions import.
"""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from headwater.engine.engines import GaveUp
from headwater.engine.nodes import parcel_of, take_in, work
from headwater.engine.progress import Progress
from headwater.engine.workers import Call, default_workers
from headwater.errors import HeadwaterError

if TYPE_CHECKING:
    from headwater.engine.workspace import Workspace

RETRIES = 16  # of a task whose machine or process was lost
AT_ONCE = 1000  # tasks that Ray is told of, so that it sees what is wanted; the others wait here


class Ray:
    name, elsewhere = "ray", True

    def __init__(self, address: str = "") -> None:
        """`address` of a cluster; without one that which RAY_ADDRESS names or runs here, else one of this machine."""
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError as error:
            raise HeadwaterError("--engine ray needs Ray: install headwater[ray]") from error
        self._ray: Any = ray
        self._address = address
        self._at_once = AT_ONCE

    def workers(self, asked: int | None) -> int:
        self._connect()
        self._at_once = asked or AT_ONCE
        return asked or max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def run(
        self,
        workspace: "Workspace",
        calls: list[Call],
        *,
        workers: int,
        progress: Progress,
        jobs: bool = False,
        gave_up: GaveUp = lambda call, item, reason: None,
    ) -> Iterator[tuple[Call, Any]]:
        self._connect()
        ray, at_once = self._ray, min(workers, self._at_once) if jobs else self._at_once
        task = ray.remote(work)
        waiting = list(reversed(calls))
        running: dict[Any, Call] = {}
        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    call = waiting.pop()
                    asked = {"CPU": 1.0, "GPU": 0.0} | call.resources
                    options: dict[str, Any] = {
                        "num_cpus": asked.pop("CPU"),
                        "num_gpus": asked.pop("GPU"),
                        "resources": asked,
                    }
                    named = task.options(max_retries=RETRIES, name="/".join(call.name), **options)
                    running[named.remote(parcel_of(workspace, call, job=jobs))] = call
                done, _ = ray.wait(list(running), num_returns=1)
                done, _ = ray.wait(list(running), num_returns=len(running), timeout=0)
                for reference in done:
                    call = running.pop(reference)
                    yield call, take_in(workspace, call, self._answer(reference, call), gave_up)
        finally:
            for reference in running:
                ray.cancel(reference, force=True)

    def _answer(self, reference: Any, call: Call) -> Any:
        errors = self._ray.exceptions
        try:
            return self._ray.get(reference)
        except errors.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, HeadwaterError):
                raise cause from None
            raise RuntimeError(f"{'/'.join(call.name)} failed\n{error}") from None
        except errors.RayError as error:
            raise HeadwaterError(
                f"{'/'.join(call.name)}: Ray gave it up after {RETRIES} retries ({type(error).__name__}); what was "
                "finished is kept, so the same command goes on from there"
            ) from error

    def _connect(self) -> None:
        ray = self._ray
        if ray.is_initialized():
            return
        quiet = {"log_to_driver": False, "logging_level": "ERROR"}
        try:
            ray.init(address=self._address or "auto", **quiet)
        except ConnectionError as error:
            if self._address:
                raise HeadwaterError(f"no Ray cluster answers at {self._address}: {error}") from error
            ray.init(num_cpus=default_workers(), include_dashboard=False, **quiet)
