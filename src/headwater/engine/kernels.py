"""Kernels: functions that numba compiles when they are first called, and keeps on disk.

A process that calls none goes without numba, which takes .4 CPU seconds and 60 MB to load: whoever plans, decides and
watches, and every command that only asks.

numba finds a compiled kernel by its name and by the age of its own file alone. But the tables and constants that it
names and the kernels that it calls are compiled into it as well, wherever they stand. So its name carries a hash of all
of these, and a kernel that any of them changed is compiled anew.
"""

import hashlib
import sys
from collections.abc import Callable, Iterator
from functools import cached_property, update_wrapper
from types import CodeType, ModuleType
from typing import Any, TypeVar, cast

import numpy as np

_Function = TypeVar("_Function", bound=Callable[..., Any])
_compiled: list[Any] = []  # the dispatchers of this process
_BLAS = "scipy.linalg.cython_blas"
_PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic, type)


def kernel(function: _Function) -> _Function:
    """Its globals are constants: numbers, arrays, and other kernels, as they are when one is first called."""
    return cast(_Function, Kernel(function))


def inlined(function: _Function) -> _Function:
    """A kernel that becomes a part of each kernel that calls it."""
    return cast(_Function, Kernel(function, inline="always"))


def compiled_anew() -> bool:
    """Whether this process had to compile: numba's compiler keeps some 100 MB of a process that it ran in."""
    return any(dispatcher.stats.cache_misses for dispatcher in _compiled)


class Kernel:
    def __init__(self, function: Callable[..., Any], **options: Any) -> None:
        self.py_func, self.options = function, options
        update_wrapper(self, function)

    def __call__(self, *arguments: Any) -> Any:
        return self.compiled(*arguments)

    @cached_property
    def digest(self) -> str:
        """16 hex: of what is compiled."""
        parts = [repr(sorted(self.options.items())), *_parts(self.py_func)]
        return hashlib.blake2b("\0".join(parts).encode(), digest_size=8).hexdigest()

    @cached_property
    def compiled(self) -> Any:
        """numba's dispatcher. Kernels that it calls become theirs first, in the module that names them."""
        numba = _numba()
        self.py_func.__qualname__ = f"{self.py_func.__qualname__}_{self.digest}"
        for name, value in _named(self.py_func):
            if isinstance(value, Kernel):
                self.py_func.__globals__[name] = value.compiled
        dispatcher = numba.njit(cache=True, nogil=True, **self.options)(self.py_func)
        _compiled.append(dispatcher)
        return dispatcher


def _numba() -> ModuleType:
    """numba. It asks for SciPy's BLAS, which takes .35 CPU seconds and 15 MB to load, and without which
    it does all but multiply matrices, as no kernel does."""
    if "numba" not in sys.modules and _BLAS not in sys.modules:
        sys.modules[_BLAS] = cast(ModuleType, None)  # is not found
        try:
            import numba.np.arraymath  # it is this that asks
        finally:
            del sys.modules[_BLAS]
    import numba

    return numba


def _named(function: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """The globals that a function names."""
    for name in sorted(set(function.__code__.co_names)):
        if name in function.__globals__:
            yield name, function.__globals__[name]


def _parts(function: Callable[..., Any]) -> Iterator[str]:
    """What a function's machine code depends on, in a fixed order."""
    code: CodeType = function.__code__
    yield from (code.co_code.hex(), repr(code.co_names), repr(code.co_varnames), repr(code.co_consts))
    for name, value in _named(function):
        yield f"{name} {_content(value)}"


def _content(value: Any) -> str:
    if isinstance(value, Kernel):
        return value.digest
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape} {hashlib.blake2b(np.ascontiguousarray(value).tobytes()).hexdigest()}"
    if isinstance(value, ModuleType):
        return value.__name__
    if isinstance(value, tuple):
        return repr([_content(one) for one in value])
    if isinstance(value, _PLAIN):
        return repr(value)
    if hasattr(value, "py_func"):  # a kernel that became its dispatcher already
        return str(value.py_func.__qualname__.rpartition("_")[2])
    raise TypeError(f"a kernel names {value!r}, which is no constant")
