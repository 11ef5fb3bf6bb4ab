"""What a worker is at, so that whoever watches it knows which item killed it or holds it up.

A shard function names each item before it works on it:

    within("crawl.warc.gz")
    if (reason := begin("record 1042")) is not None:
        ... quarantine the item for that reason, without touching it

`begin` writes the name where the parent process can read it even after the worker's death. It returns a reason for
an item that an earlier attempt had to give up: `worker_died` or `deadline`. Outside of a worker it only answers.
"""

import os
import struct
import time
from dataclasses import dataclass, field
from typing import Any

WORKER_DIED, DEADLINE = "worker_died", "deadline"

# Seconds for one item; a safety net, not a limit: sizes and depths decide what is quarantined, the same everywhere.
# An item that takes longer is tried again with ten times as much, and given up if that is not enough either.
SECONDS = float(os.environ.get("HEADWATER_ITEM_SECONDS", "60"))
SECOND_CHANCE = 10

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
    _write(name)
    return _given_up.get(name.decode("utf-8", "ignore")) if _given_up else None


def end() -> None:
    """Nothing is worked on that an item could be blamed for."""
    _write(b"")


def _write(name: bytes) -> None:
    global _begun
    if _shared is not None:
        _begun += 1
        _STATE.pack_into(_shared, 0, _begun, len(name), name)


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
