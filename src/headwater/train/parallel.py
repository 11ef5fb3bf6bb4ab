"""Several processes that share each batch, one device each: `train: {processes: 2}`, or `torchrun` by hand.

Every process holds the whole model, reads its rows of the batch (those whose number leaves its rank when divided by
the number of processes), and the gradients are summed, in fp32. What a batch holds does not depend on how many
share it, so that a run goes on with another number of processes than it began with; sums differ in the last digits.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist

from headwater.engine.workspace import read_json, write_json
from headwater.errors import HeadwaterError


def ranks() -> tuple[int, int]:
    """(this process's rank, number of processes)."""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def join(device: torch.device) -> torch.device:
    """Joins the processes that torchrun started, if it did; the device of this one."""
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        return device
    if not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    return device


def sum_over_ranks(tensors: list[Tensor]) -> None:
    """Replaces each tensor by its sum over all processes; one exchange for all of them."""
    if ranks()[1] == 1 or not tensors:
        return
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    dist.all_reduce(flat)
    for tensor, total in zip(tensors, torch.split(flat, [t.numel() for t in tensors]), strict=True):
        tensor.copy_(total.view_as(tensor))


def wait_for_all() -> None:
    if ranks()[1] > 1:
        dist.barrier()


def start(folder: Path, arguments: dict[str, Any], processes: int) -> dict[str, Any]:
    """Trains by several processes of this machine; what `pretrain` returns. Raises HeadwaterError where one fails."""
    folder.mkdir(parents=True, exist_ok=True)
    job = folder / "processes.json"
    write_json(job, {"folder": str(folder), **arguments})
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes),
        "-m", "headwater.train", str(job),
    ]  # fmt: skip
    ended = subprocess.run(command, stdout=sys.stderr, stderr=subprocess.PIPE, text=True, check=False)
    said = ended.stderr.splitlines()
    job.unlink()
    done: dict[str, Any] | None = read_json(folder / "done.json")
    if ended.returncode or done is None:
        reason = next(
            (line.removeprefix("headwater: ") for line in said if line.startswith("headwater: ")), None
        )
        raise HeadwaterError(
            reason or f"{folder}: one of {processes} processes failed; {' / '.join(said[-3:])}"
        )
    return done
