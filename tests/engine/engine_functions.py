"""Shard functions and jobs that the engine's tests run in worker processes."""

import os
import time
from pathlib import Path
from typing import Any

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
