"""`--engine ray`: calls as tasks of a Ray cluster, with its scheduling, retries, resources and autoscaling.

A task is `nodes.work`: our watch over the call runs as a child of the task's process, so that a document which kills
or holds up its process costs that child. A machine that is lost costs what ran on it: Ray gives these tasks to others.
One that lags costs nothing: when no task waits, those that take much longer than others are begun a second time, and
the first answer counts.

Every machine needs Headwater, the credentials of the workspace's store in its environment, and what the recipe's own
functions import.
"""

import os
import statistics
import time
from collections.abc import Iterator
from typing import Any

from headwater.engine.engines import Request
from headwater.engine.nodes import parcel_of, take_in, work
from headwater.engine.workers import Call, default_workers
from headwater.errors import HeadwaterError

RETRIES = 16  # of a task whose machine or process was lost
LAGS, LAGS_SECONDS = (
    3.0,
    60.0,
)  # a task lags beyond so many times the median of those done, and so many seconds
LOOK_SECONDS = 5.0  # between two looks at who lags
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

    def run(self, request: Request) -> Iterator[tuple[Call, Any]]:
        self._connect()
        workspace, workers, jobs = request.workspace, request.workers, request.jobs
        ray, at_once = self._ray, min(workers, self._at_once) if jobs else self._at_once
        task = ray.remote(work)
        waiting = list(reversed(request.calls))
        running: dict[Any, Call] = {}
        pace = _Pace()

        def begin(call: Call) -> None:
            asked = {"CPU": 1.0, "GPU": 0.0} | call.resources
            options: dict[str, Any] = {
                "num_cpus": asked.pop("CPU"),
                "num_gpus": asked.pop("GPU"),
                "resources": asked,
            }
            named = task.options(max_retries=RETRIES, name="/".join(call.name), **options)
            running[named.remote(parcel_of(workspace, call, job=jobs))] = call

        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    begin(waiting.pop())
                ray.wait(list(running), num_returns=1, timeout=LOOK_SECONDS)
                done, _ = ray.wait(list(running), num_returns=len(running), timeout=0)
                for reference in done:
                    if (call := running.pop(reference, None)) is None:  # its twin has answered
                        continue
                    answer = self._answer(reference, call)
                    for twin in [other for other, same in running.items() if same is call]:
                        del running[twin]
                        ray.cancel(twin, force=True)
                    pace.seconds.append(answer.seconds)
                    yield call, take_in(workspace, call, answer, request.gave_up)
                if not waiting and not jobs and len(running) <= workers:
                    for call in pace.lagging(list(running.values())):
                        begin(call)
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


class _Pace:
    """How long calls take, and which of the last ones lag."""

    def __init__(self) -> None:
        self.seconds: list[float] = []  # of the calls that are done, where they ran
        self._last = 0.0  # since when no call waits for a processor
        self._twice: set[tuple[str, str]] = set()

    def lagging(self, calls: list[Call]) -> list[Call]:
        """Those of the running ones that lag, each named once. Asked from when on all of them run."""
        self._last = self._last or time.monotonic()
        if not self.seconds or time.monotonic() - self._last <= max(
            LAGS_SECONDS, LAGS * statistics.median(self.seconds)
        ):
            return []
        found = [call for call in calls if call.name not in self._twice]
        self._twice |= {call.name for call in found}
        return found
