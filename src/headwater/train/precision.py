"""What a training computes on and in: decided by what the hardware says it has, never by a timing.

A race between bf16 and fp32 would be won now by one and now by the other, and a run must give the same bytes
again. With bf16 weights the optimiser keeps fp32 masters.
"""

import ctypes
import platform
from pathlib import Path

import torch

from headwater.errors import HeadwaterError


def choose_device(name: str) -> torch.device:
    """`auto`: CUDA, else Apple's MPS, else the CPU. Raises HeadwaterError where a named device is absent."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    kind = name.partition(":")[0]
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if not there.get(kind, False):
        have = ", ".join(device for device, present in there.items() if present)
        raise HeadwaterError(f"device {name!r}: this machine has {have}; use one of these, or `auto`")
    return torch.device(name)


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """`auto`: bf16 where the hardware multiplies matrices in bf16, else fp32."""
    if name == "auto":
        name = "bf16" if _multiplies_bf16(device) else "fp32"
    return {"bf16": torch.bfloat16, "fp32": torch.float32}[name]


def prepare_cpu(threads: int) -> None:
    """Settings of this process that change the speed of a training on a CPU and nothing else.

    glibc hands every large tensor back to the system and takes it again, cleared, page by page; kept instead, a
    step at 0.6M parameters takes 7% less time.
    """
    torch.set_num_threads(threads)
    if platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        for option in (-3, -1, -2):  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD
            library.mallopt(option, 2**28)


def _multiplies_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu" and platform.system() == "Linux":
        try:
            text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        except OSError:
            return False
        flags = {
            flag
            for line in text.splitlines()
            if line.startswith(("flags", "Features"))
            for flag in line.split()
        }
        return bool(flags & {"avx512_bf16", "amx_bf16"})
    return False
