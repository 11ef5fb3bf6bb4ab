"""How fast this machine multiplies matrices: what a training's own rate is held against (MFU).

Measured once a process and kept in the run's record, in the precision and on the threads that the training uses.
"""

import time
from functools import lru_cache

import torch

SIZE, SIZE_DEVICE = 1024, 8192  # rows and columns, on a CPU and elsewhere
ROUNDS = 8


@lru_cache(maxsize=4)
def matrix_rate(device: torch.device, precision: torch.dtype, threads: int) -> float:
    """FLOPs a second of one large product of matrices, the best of eight; `threads` are those of PyTorch now.

    On one thread of a CPU by its own time: what else the machine does is none of its rate.
    """
    clock = time.thread_time if device.type == "cpu" and threads == 1 else time.perf_counter
    size = SIZE if device.type == "cpu" else SIZE_DEVICE
    left = torch.ones(size, size, dtype=precision, device=device)
    right = torch.ones(size, size, dtype=precision, device=device)
    out = torch.empty_like(left)
    best = float("inf")
    with torch.no_grad():
        for _ in range(ROUNDS):
            _wait(device)
            started = clock()
            torch.mm(left, right, out=out)
            _wait(device)
            best = min(best, clock() - started)
    return 2 * size**3 / best


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
