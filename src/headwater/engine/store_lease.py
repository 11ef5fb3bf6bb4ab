"""Who may write to a workspace in a store, and until when: `<url>/leases/000000007.json`.

A lease is created under the next number, on the condition that nobody else has it, and renewed until it is released.
"""

import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psutil

from headwater.engine.objects import Objects
from headwater.engine.progress import Progress
from headwater.errors import HeadwaterError, redacted

LEASE_SECONDS = float(os.environ.get("HEADWATER_LEASE_SECONDS", "60"))
FOLDER = "leases"


@contextmanager
def hold(objects: Objects) -> Iterator[None]:
    """One writer at a time: HeadwaterError names the other while its lease has not expired."""
    number = _acquire(objects)
    ended = threading.Event()
    keeper = threading.Thread(target=_keep_renewed, args=(objects, number, ended), daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()
        with suppress(Exception):
            objects.write(_name(number), _lease(released=True))


def newest(objects: Objects) -> tuple[int, dict[str, Any] | None]:
    """The number of the last lease, and the lease; (0, None) where nobody ever wrote."""
    number = max(_numbers(objects), default=0)
    return number, objects.read(_name(number), parse=json.loads) if number else None


def _acquire(objects: Objects) -> int:
    number, lease = newest(objects)
    if lease is not None and not _is_over(objects, number, lease):
        raise HeadwaterError(
            f"{redacted(objects.url)} is in use by process {lease['process']} on {lease['host']}, since "
            f"{lease['since']}; wait for it or stop it (its lease ends {LEASE_SECONDS:g} s after it does)"
        )
    if not objects.create(_name(number + 1), _lease()):
        raise HeadwaterError(f"{redacted(objects.url)} has just been taken by another process")
    for old in _numbers(objects):
        if old <= number:
            objects.remove(_name(old))
    return number + 1


def _is_over(objects: Objects, number: int, lease: dict[str, Any]) -> bool:
    """Whether its holder has ended. Clocks of machines differ, and go back: where they say that a lease has ended,
    or that it lasts longer than one can, what counts is whether it is still renewed."""
    if lease["released"]:
        return True
    if lease["host"] == socket.gethostname() and not psutil.pid_exists(lease["process"]):
        return True
    if 0 < lease["expires"] - time.time() <= lease["seconds"]:
        return False
    end = time.monotonic() + lease["seconds"] / 2
    with Progress(f"is {redacted(objects.url)} still in use", 1):
        while time.monotonic() < end:
            time.sleep(lease["seconds"] / 20)
            if (now := objects.read(_name(number), parse=json.loads)) != lease:
                return bool(now["released"])
    return True


def _lease(*, released: bool = False, renewals: int = 0) -> bytes:
    lease = {
        "process": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%F %T"),
        "expires": time.time() + LEASE_SECONDS, "seconds": LEASE_SECONDS, "renewals": renewals,
        "released": released, "token": secrets.token_hex(8),
    }  # fmt: skip
    return json.dumps(lease).encode()


def _keep_renewed(objects: Objects, number: int, ended: threading.Event) -> None:
    renewals = 0
    while not ended.wait(LEASE_SECONDS / 3):
        renewals += 1
        with suppress(Exception):  # tried again
            objects.write(_name(number), _lease(renewals=renewals))


def _name(number: int) -> str:
    return f"{FOLDER}/{number:09d}.json"


def _numbers(objects: Objects) -> list[int]:
    names = (name.rpartition("/")[2].removesuffix(".json") for name in objects.names(FOLDER))
    return [int(name) for name in names if name.isdigit()]
