"""One writer at a time: a lock on `lease.json`, which also says who holds it.

The lock is the operating system's, so it ends with its holder however that ends. Within one process it may be
taken again (a comparison holds it while it runs the recipes that it compares).
"""

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from headwater.errors import HeadwaterError

_held: set[Path] = set()


@contextmanager
def hold_lease(path: Path) -> Iterator[None]:
    """Holds the lease of a workspace; HeadwaterError names the holder where another process has it."""
    if path in _held:
        yield
        return
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise HeadwaterError(
                f"{path.parent} is in use by {_holder(path)}; wait for it or stop it"
            ) from error
        file.truncate(0)
        holder = {"process": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%F %T")}
        json.dump(holder, file)
        file.flush()
        _held.add(path)
        try:
            yield
        finally:
            _held.discard(path)
            file.truncate(0)


def is_held(path: Path) -> bool:
    """Whether this process holds the lease already."""
    return path in _held


def holder_of(path: Path) -> dict[str, Any] | None:
    """Who wrote into a lease that they hold it: process, host, since; None where nobody did, or it was released."""
    try:
        holder: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return holder


def _holder(path: Path) -> str:
    holder = holder_of(path)
    if holder is None:
        return "another process"
    return f"process {holder['process']} on {holder['host']}, since {holder['since']}"
