"""Shard functions and jobs that the engine's tests run in worker processes."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from headwater.engine import guard
from headwater.engine.workspace import Output
from headwater.errors import HeadwaterError


def write(out: Output, *, text: str) -> dict[str, Any]:
    out.path("txt").write_text(text, encoding="utf-8")
    return {"documents": 1, "bytes": len(text.encode())}


def fail(out: Output, *, text: str) -> dict[str, Any]:
    out.path("txt").write_text(text, encoding="utf-8")
    raise HeadwaterError("坏文件: line 3")


def die(out: Output) -> dict[str, Any]:
    out.path("txt").write_text("half", encoding="utf-8")
    os._exit(9)


def slow_job(folder: Path, *, seconds: float) -> dict[str, Any]:
    (folder / "started").touch()
    time.sleep(seconds)
    return {"pid": os.getpid(), "threads": os.environ["OMP_NUM_THREADS"]}


def items(out: Output, *, texts: list[str], marks: str) -> dict[str, Any]:
    """An item a text. `die`: kills its process; `hang`: never ends; `slow`: only with a second chance; `once`:
    kills its process the first time; `eat 100`: takes so many MiB. Whatever it begins is noted in `marks`."""
    given_up: dict[str, str] = {}
    guard.within("texts")
    for number, text in enumerate(texts):
        reason = guard.begin(f"{number}")
        if reason is not None:
            given_up[str(number)] = reason
            continue
        first = not Path(marks, f"{number}").exists()
        Path(marks, f"{number}").touch()
        if text == "die" or (text == "once" and first):
            os.kill(os.getpid(), signal.SIGKILL)
        if text.startswith("eat"):
            eaten = bytearray(int(text[4:]) << 20)
            eaten[::4096] = b"\1" * len(eaten[::4096])
            time.sleep(1)  # several looks
            del eaten
        if text == "hang" or (text == "slow" and first):
            time.sleep(600)
    out.path("txt").write_text(json.dumps(given_up), encoding="utf-8")
    return {"documents": len(texts) - len(given_up), "given_up": given_up}


def dies(out: Output) -> dict[str, Any]:
    """Dies without an item that could be blamed."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError(out)


def eats(out: Output, *, mebibytes: int) -> dict[str, Any]:
    """Takes memory without an item that could be blamed, as a step over the whole corpus."""
    eaten = bytearray(mebibytes << 20)
    eaten[::4096] = b"\1" * len(eaten[::4096])
    time.sleep(1)
    out.path("txt").write_text(f"{len(eaten)}", encoding="utf-8")
    return {"documents": 1}


def sees_gpu(out: Output) -> dict[str, Any]:
    """Which GPUs a cluster gave the task."""
    out.path("txt").write_text("", encoding="utf-8")
    return {"documents": 1, "gpus": os.environ.get("CUDA_VISIBLE_DEVICES", "")}


def loses_its_machine(out: Output, *, marks: str) -> dict[str, Any]:
    """The first time, kills the process that watches it, as the end of its machine would."""
    first = not Path(marks, "lost").exists()
    Path(marks, "lost").touch()
    if first:
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(600)
    out.path("txt").write_text("又", encoding="utf-8")
    return {"documents": 1}


def lags_at_first(out: Output, *, marks: str) -> dict[str, Any]:
    """The first time it would take ten minutes."""
    first = not Path(marks, "lags").exists()
    Path(marks, "lags").touch()
    if first:
        time.sleep(600)
    out.path("txt").write_text("终", encoding="utf-8")
    return {"documents": 1}
