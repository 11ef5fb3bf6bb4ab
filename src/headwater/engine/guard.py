"""What a worker is at, so that whoever watches it knows which item killed it or holds it up.

A shard function names each item before it works on it:

    within("crawl.warc.gz")
    if (reason := begin("record 1042")) is not None:
        ... quarantine the item for that reason, without touching it

`begin` writes the name where the parent process can read it even after the worker's death. It returns a reason for
an item that an earlier attempt had to give up: `worker_died`, `deadline` or `memory`. Outside of a worker it only answers.
"""

import os
import struct
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from headwater.errors import HeadwaterError
from headwater.recipe.quantities import parse_size

WORKER_DIED, DEADLINE, MEMORY = "worker_died", "deadline", "memory"

# Seconds for one item; a safety net, not a limit: sizes and depths decide what is quarantined, the same everywhere.
# An item that takes longer is tried again with ten times as much, and given up if that is not enough either.
SECONDS = float(os.environ.get("HEADWATER_ITEM_SECONDS", "60"))
SECOND_CHANCE = 10

# Of the machine's memory, or of what its container may have, workers get so much between them; the rest is for what
# the system, the parent and the moments between two looks take. An item at which a worker takes more than its share is
# tried again while no other works, with all of it, and given up if that is not enough either. A safety net, too.
OF_MACHINE = 0.8
LEAST_SHARE = 1 << 30  # what libraries take before they do anything is a good part of less
MEMORY_VARIABLE = "HEADWATER_WORKER_MEMORY"
_CONTAINER = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")

BYTES = 512
NAME_BYTES = BYTES - 10
# how many items were begun or ended, the length of the current one's name, the name
_STATE = struct.Struct(f"<QH{NAME_BYTES}s")

_shared: Any = None  # the bytes that the parent reads
_begun = 0
_given_up: dict[str, str] = {}
_scope = ""


def shared_bytes(context: Any) -> Any:
    """What a worker and its parent share: made by the parent, handed to the process."""
    return context.RawArray("B", BYTES)


def attach(shared: Any, given_up: dict[str, str]) -> None:
    """In a worker: where to write, and which items of the coming call are given up. `shared` None: nowhere."""
    global _shared, _given_up, _scope
    _scope = ""
    _shared = None if shared is None else memoryview(shared).cast("B")
    _given_up = given_up


def within(scope: str) -> None:
    """What the items named from here on are part of (a file)."""
    global _scope
    _scope = scope


def begin(item: str = "") -> str | None:
    """Names what is worked on from here, "" being the scope itself; the reason if it is not to be touched."""
    item = f"{_scope}: {item}" if _scope and item else _scope or item
    name = item.encode("utf-8", "replace")[:NAME_BYTES]
    reason = _given_up.get(name.decode("utf-8", "ignore")) if _given_up else None
    _write(name if reason is None else b"")  # what is not touched is not to blame for what follows
    return reason


def end() -> None:
    """Nothing is worked on that an item could be blamed for."""
    _write(b"")


def _write(name: bytes) -> None:
    global _begun
    if _shared is not None:
        _begun += 1
        _STATE.pack_into(_shared, 0, _begun, len(name), name)


def memory_of_workers() -> int:
    """Bytes that all workers may take between them."""
    total: int = psutil.virtual_memory().total
    for place in _CONTAINER:
        with suppress(OSError, ValueError):  # "max" where there is no limit
            total = min(total, int(Path(place).read_text()))
    return int(OF_MACHINE * total)


def memory_share(workers: int) -> int:
    """Bytes that one of so many workers may take; HEADWATER_WORKER_MEMORY sets another number."""
    if given := os.environ.get(MEMORY_VARIABLE):
        try:
            return parse_size(given)
        except ValueError as error:
            raise HeadwaterError(f"{MEMORY_VARIABLE}: {error}") from error
    return max(LEAST_SHARE, memory_of_workers() // max(1, workers))


def memory_alone(workers: int) -> int:
    """Bytes that a worker may take while no other works."""
    return max(memory_share(workers), memory_of_workers())


@dataclass
class Watch:
    """The parent's side: since when a worker has been at the same item."""

    shared: Any
    begun: int = 0
    since: float = field(default_factory=time.monotonic)

    def item(self) -> str | None:
        """The item that the worker is at, or was at when it died."""
        _, length, name = _STATE.unpack_from(self.shared, 0)
        return name[:length].decode("utf-8", "ignore") if length else None

    def seconds(self) -> float:
        """For how long it has been at it."""
        begun, length, _ = _STATE.unpack_from(self.shared, 0)
        if begun != self.begun or not length:
            self.begun, self.since = begun, time.monotonic()
        return time.monotonic() - self.since
