"""What a worker holds between calls: what it works with, and not what its largest item once needed.

glibc keeps freed blocks for later ones, and takes the largest block that was ever freed for the size of an ordinary
one: after one page of some megabytes a worker keeps that page's room for good, in pieces that no other page fits. In a
worker large blocks are mapped and unmapped one by one instead, and free pages go back after every call; Arrow's pool
likewise. Where the C library is another one, nothing is changed.

Not so while torch computes: each step asks for the same large blocks again, and to map them anew costs as much processor
time as what is computed in them.
"""

import ctypes
import sys
from contextlib import suppress

# Blocks from so many bytes on are mapped by themselves: faults are cheap beside what is done with so much.
MAPPED = 1 << 20
# So much may lie free at the heap's end: what ordinary items take and give back again and again.
SPARE = 16 << 20
# The same where torch is loaded: the largest that glibc allows, and what a small model's step takes and gives back.
MAPPED_BY_TORCH, SPARE_OF_TORCH = 32 << 20, 512 << 20
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h


_settled = False  # whether this process is a worker


def settle() -> None:
    """Once, at a worker's start."""
    global _settled
    _settled = True
    adapt()


def adapt() -> None:
    """In a worker, when what a call needs is imported."""
    if not _settled:
        return
    mapped, spare = (MAPPED_BY_TORCH, SPARE_OF_TORCH) if "torch" in sys.modules else (MAPPED, SPARE)
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, mapped)
        library.mallopt(_M_TRIM_THRESHOLD, spare)


def give_back() -> None:
    """After a call."""
    if "pyarrow" in sys.modules:
        import pyarrow as pa

        pa.default_memory_pool().release_unused()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
