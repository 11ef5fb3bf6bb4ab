"""`--engine slurm`: calls as elements of Slurm's array jobs, through submitit.

    --engine-option partition=cpu --engine-option time=240 --engine-option mem_gb=8 --engine-option folder=/shared/jobs

`time` is in minutes; what else is named goes to submitit as it is (`slurm_account`, …). An element is one call, begun
again if it is preempted or its machine is lost. Slurm holds ARRAY elements at most, the others wait here. `folder` is
seen by all machines and takes what submitit writes for each element; it goes with the run. Default: `tmp/slurm` in the
workspace, if that is on a shared disk. `cluster=local` runs the elements as processes of this machine.
"""

import math
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headwater.engine.engines import Request
from headwater.engine.nodes import parcel_of, take_in, work
from headwater.engine.workers import Call
from headwater.errors import HeadwaterError, RecipeError

if TYPE_CHECKING:
    from headwater.engine.workspace import Workspace

ARRAY = 1000  # elements of an array job: Slurm's own limit, where nobody set another (MaxArraySize 1001)
AT_ONCE = 100  # elements that run at the same time, where --workers does not say
RETRIES = 5  # of an element that was preempted or whose machine was lost
LOOK_SECONDS = 0.5  # between two looks at what has ended
QUEUE_SECONDS = 15.0  # between two looks at the queue, which says what was lost; accounting need not run
_OWN = {"partition": "slurm_partition", "time": "timeout_min"}


class Slurm:
    name, elsewhere = "slurm", True

    def __init__(self, cluster: str = "slurm", folder: str = "", **parameters: str) -> None:
        """`cluster`: slurm, or local; `folder`: seen by all machines; `parameters`: see above."""
        try:
            import submitit
        except ImportError as error:
            raise HeadwaterError("--engine slurm needs submitit: install headwater[slurm]") from error
        if "address" in parameters:
            raise RecipeError("--address is of a Ray cluster; a Slurm cluster is that of this machine")
        self._submitit: Any = submitit
        self._cluster, self._folder = cluster, folder
        named = {_OWN.get(key, key): value for key, value in parameters.items()}
        self._parameters: dict[str, Any] = {k: int(v) if v.isdigit() else v for k, v in named.items()}

    def workers(self, asked: int | None) -> int:
        return asked or AT_ONCE

    def run(self, request: Request) -> Iterator[tuple[Call, Any]]:
        folder = self._place(request.workspace)
        waiting = list(reversed(request.calls))
        running: dict[Any, Call] = {}
        lost: Counter[tuple[str, str]] = Counter()
        queue = _Queue(self._cluster)
        try:
            while waiting or running:
                if waiting and len(running) <= ARRAY - min(len(waiting), ARRAY // 2):
                    running |= self._submit(request, folder, _alike(waiting, ARRAY - len(running)))
                done = [job for job in running if job.paths.result_pickle.is_file()]
                for job in done:
                    call = running.pop(job)
                    try:
                        answer = job.result()
                    except self._submitit.core.utils.FailedJobError as error:
                        raise _failed(call, job, str(error)) from None
                    yield call, take_in(request.workspace, call, answer, request.gave_up)
                for job in queue.gone(running):
                    call = running.pop(job)
                    lost[call.name] += 1
                    if lost[call.name] > RETRIES:
                        raise _failed(call, job, f"was lost {RETRIES + 1} times")
                    waiting.append(call)
                if not done:
                    time.sleep(LOOK_SECONDS)
        finally:
            for job in running:
                job.cancel(check=False)
            shutil.rmtree(folder, ignore_errors=True)

    def _place(self, workspace: "Workspace") -> Path:
        if workspace.store is not None and not self._folder and self._cluster == "slurm":
            raise RecipeError(
                "--engine slurm with a workspace in a store needs a folder that all machines see: "
                "--engine-option folder=/shared/jobs"
            )
        base = Path(self._folder) if self._folder else workspace.path / "tmp" / "slurm"
        return base.resolve() / f"{time.time_ns():x}"

    def _submit(self, request: Request, folder: Path, calls: list[Call]) -> dict[Any, Call]:
        """Calls of the request that ask for the same, as one array."""
        asked = {"CPU": 1.0, "GPU": 0.0} | calls[0].resources
        executor = self._submitit.AutoExecutor(folder=folder, cluster=self._cluster)
        more = {} if self._cluster != "slurm" else {"slurm_array_parallelism": request.workers}
        if asked["GPU"]:
            more["gpus_per_node"] = math.ceil(asked["GPU"])
        given = {
            key: value
            for key, value in self._parameters.items()
            if self._cluster == "slurm" or not key.startswith("slurm_")
        }
        executor.update_parameters(
            **(
                {"name": "headwater", "cpus_per_task": math.ceil(asked["CPU"]), "timeout_min": 24 * 60}
                | more
                | given
            )
        )
        parcels = [parcel_of(request.workspace, call, job=request.jobs) for call in calls]
        return dict(zip(executor.map_array(work, parcels), calls, strict=True))


def _alike(waiting: list[Call], most: int) -> list[Call]:
    """Takes the next calls that ask for the same resources, `most` at most."""
    first = waiting[-1].resources
    taken: list[Call] = []
    while waiting and len(taken) < most and waiting[-1].resources == first:
        taken.append(waiting.pop())
    return taken


class _Queue:
    """Which elements have left the queue without a result, at two looks in a row: the disk may be slow to show one."""

    def __init__(self, cluster: str) -> None:
        self._cluster, self._looked = cluster, time.monotonic()
        self._missing: set[str] = set()

    def gone(self, running: dict[Any, Call]) -> list[Any]:
        if self._cluster != "slurm":
            return [job for job in running if job.done() and not job.paths.result_pickle.is_file()]
        if time.monotonic() - self._looked < QUEUE_SECONDS:
            return []
        self._looked = time.monotonic()
        said = subprocess.run(["squeue", "--noheader", "--array", "--me", "--format", "%i"],
                              capture_output=True, text=True, check=False)  # fmt: skip
        if said.returncode:  # asked again
            return []
        queued = set(said.stdout.split())
        missing = {
            job.job_id
            for job in running
            if job.job_id not in queued and not job.paths.result_pickle.is_file()
        }
        twice, self._missing = missing & self._missing, missing
        return [job for job in running if job.job_id in twice]


def _failed(call: Call, job: Any, why: str) -> HeadwaterError:
    return HeadwaterError(
        f"{'/'.join(call.name)}: element {job.job_id} failed ({why.strip().splitlines()[-1]}); what was finished "
        "is kept, so the same command goes on from there"
    )
