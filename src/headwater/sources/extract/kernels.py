"""Kernels of the main-text extractor: compiled by numba once, kept on disk, compiled anew when any of their files changes.

numba finds a compiled kernel by its name and by the content of its own file alone. A kernel of this folder holds the
tables of `tags.py` and the kernels of other files that it calls, too; so its name carries a hash of all of these files.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba

# The files whose tables, constants and kernels are compiled into kernels of other files.
FILES = ("blocks", "features", "repeats", "tags", "tokens", "topic")
SOURCES = hashlib.blake2b(
    b"\0".join(Path(__file__).with_name(f"{name}.py").read_bytes() for name in FILES), digest_size=8
).hexdigest()
_Function = TypeVar("_Function", bound=Callable[..., Any])


def kernel(function: _Function) -> _Function:
    return _compiled(function)


def inlined(function: _Function) -> _Function:
    """A kernel that becomes a part of each kernel that calls it."""
    return _compiled(function, inline="always")


def _compiled(function: _Function, **options: Any) -> _Function:
    function.__qualname__ = f"{function.__qualname__}_{SOURCES}"
    compiled: _Function = numba.njit(cache=True, nogil=True, **options)(function)
    return compiled
