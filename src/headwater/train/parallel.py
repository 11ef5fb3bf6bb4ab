"""Several processes that share each batch, one device each: `train: {processes: 2}`, or `torchrun` by hand.

Every process reads its rows of the batch (those whose number leaves its rank when divided by the number of
processes), and the gradients are summed, in fp32. What a batch holds does not depend on how many share it, so that a
run goes on with another number of processes, or the other way to share, than it began with. Two processes end with the
bits of one that takes the batch in two passes (fp32, CPU); other numbers add up in another order, and differ in the
last digits.

    ddp     each process holds the whole model and the whole optimiser
    fsdp    each holds its rows of every parameter, gradient and moment (PyTorch's `fully_shard`, FSDP2); a block is
            gathered when it is needed. For models that fit no single device. Muon's updates need whole matrices,
            which are gathered one shape at a time. The sequences of a batch must divide by the processes.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor, distribute_tensor

from headwater.engine.workspace import read_json, write_json
from headwater.errors import HeadwaterError
from headwater.model.transformer import Block, Transformer


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


def sum_of(value: float) -> float:
    """The sum of a number over all processes; the number itself where there is one."""
    if ranks()[1] == 1:
        return value
    place = "cuda" if dist.get_backend() == "nccl" else "cpu"
    total = torch.tensor([float(value)], dtype=torch.float64, device=place)
    dist.all_reduce(total)
    return float(total)


def wait_for_all() -> None:
    if ranks()[1] > 1:
        dist.barrier()


# ---------------------------------------------------------------- fsdp


def shard(network: Transformer, place: torch.device, precision: torch.dtype) -> None:
    """Leaves each process its rows of every parameter, in fp32; blocks compute in `precision`, gathered one by one."""
    mesh = init_device_mesh(place.type, (ranks()[1],))
    policy = MixedPrecisionPolicy(param_dtype=precision, reduce_dtype=torch.float32)
    parts: list[nn.Module] = [part for part in network.modules() if isinstance(part, Block)]
    for part in [*parts, network]:
        fully_shard(part, mesh=mesh, mp_policy=policy)
        part.set_gradient_divide_factor(1.0)  # type: ignore[operator]  # sums, as everywhere here,
        part.set_force_sum_reduction_for_comms(True)  # type: ignore[operator]  # which gloo can make too
    register_fsdp_forward_method(network, "hidden")


def is_sharded(tensor: Tensor) -> bool:
    return isinstance(tensor, DTensor)


def local(tensor: Tensor) -> Tensor:
    """What this process holds of a tensor: its rows, or all of it."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def first_row(tensor: Tensor) -> int:
    """The number of the first row that this process holds."""
    rank, world = ranks()
    return rank * -(-len(tensor) // world) if isinstance(tensor, DTensor) else 0


def whole(part: Tensor, like: Tensor) -> Tensor:
    """All rows of what is laid out as `like`, on every process; `part` are this one's. All have to ask."""
    if not isinstance(like, DTensor):
        return part
    spread = DTensor.from_local(
        part, like.device_mesh, like.placements, shape=like.shape, stride=like.stride()
    )
    return spread.full_tensor()


def part_of(tensor: Tensor, like: Tensor) -> Tensor:
    """Of a whole tensor what this process holds, laid out as `like`."""
    if not isinstance(like, DTensor):
        return tensor
    return distribute_tensor(tensor, like.device_mesh, like.placements, src_data_rank=None).to_local()


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
