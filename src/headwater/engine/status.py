"""What is going on in a workspace, from the workspace alone: its event log and its lease. Nothing is locked or written,
so it may be asked while others write; of a workspace in a store it is as old as the last commit."""

import json
import os
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from headwater.engine import store_lease
from headwater.engine.contents import Content, read
from headwater.engine.lease import holder_of
from headwater.engine.manifests import newest_manifest
from headwater.engine.objects import Objects
from headwater.engine.store import is_url
from headwater.engine.workspace import EVENTS
from headwater.errors import HeadwaterError, redacted

BEGINNINGS = ("recipe", "compare")  # events that begin a run


@dataclass
class Step:
    """One line of work: the shards of some stages, or jobs. `weight`: bytes to read, where that is known."""

    title: str
    tasks: int
    kept: int  # found as they were
    engine: str
    workers: int
    began: float  # Unix time
    updated: float
    done: int = 0
    weight: int = 0
    weight_done: int = 0
    documents: int = 0
    bytes: int = 0
    given_up: int = 0  # items that killed, held up or outgrew their worker

    @property
    def running(self) -> int:
        """Tasks at work now, if anything is."""
        return min(self.workers, self.tasks - self.done)

    @property
    def fraction(self) -> float:
        if self.weight:
            return self.weight_done / self.weight
        return self.done / self.tasks if self.tasks else 1.0


@dataclass
class Status:
    workspace: str
    state: str = "empty"  # empty, running, ended, failed, or stopped: it ended without a word
    recipe: str = ""
    until: str = ""  # the stage that was asked for, or "compare"
    holder: str = ""  # who writes
    began: float = 0.0
    updated: float = 0.0
    error: str = ""
    steps: list[Step] = field(default_factory=list)

    @property
    def now(self) -> Step | None:
        """The step that is at work."""
        return self.steps[-1] if self.state == "running" and self.steps else None

    def seconds(self, step: Step) -> float:
        return max(1e-9, (time.time() if step is self.now else step.updated) - step.began)

    def seconds_left(self) -> float | None:
        """Of the step at work, at its pace so far; None where nothing is done yet, or nothing at work."""
        step = self.now
        if step is None or step.fraction <= 0:
            return None
        return self.seconds(step) * (1 - step.fraction) / step.fraction

    def as_json(self) -> dict[str, Any]:
        value = asdict(self)
        for step, record in zip(self.steps, value["steps"], strict=True):
            seconds = self.seconds(step)
            record |= {
                "running": step.running if step is self.now else 0,
                "seconds": round(seconds, 1),
                "documents_per_second": round(step.documents / seconds, 1),
                "bytes_per_second": round(step.bytes / seconds),
            }
        left = self.seconds_left()
        return value | {"seconds_left": None if left is None else round(left, 1)}


def status_of(place: Path | str) -> Status:
    """The status of a workspace: a folder, or the URL of one in a store. HeadwaterError where there is none."""
    if is_url(place):
        lines, holder = _in_store(str(place))
        status = read_events(lines, Status(redacted(str(place)), holder=holder))
    else:
        root = Path(place)
        if not root.is_dir():
            raise HeadwaterError(f"no workspace at {root}")
        status = read_events(_lines(root), Status(str(root), holder=_holder(root)))
    if status.state == "running" and not status.holder:
        status.state = "stopped"
    return status


def read_events(lines: Iterable[str], status: Status) -> Status:
    """The last run in an event log. A line that is only half written is left out."""
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        _take(event, status)
    return status


def _take(event: dict[str, Any], status: Status) -> None:
    kind, now = event["event"], float(event["time"])
    if kind in BEGINNINGS:
        until = event.get("stage", kind)
        recipe = event.get("name") or ", ".join(event.get("arms", ()))
        status.state, status.recipe, status.until, status.began = "running", recipe, until, now
        status.steps, status.error = [], ""
    status.updated = now
    step = status.steps[-1] if status.steps else None
    if kind in ("stage", "jobs"):
        tasks = event["tasks"] if kind == "stage" else event["jobs"]
        status.steps.append(
            Step(event["title"], tasks, event["kept"], event.get("engine", "local"), event.get("workers", 1), now, now,
                 weight=event.get("weight", 0))
        )  # fmt: skip
    elif kind in ("shard", "job") and step is not None:
        result = event.get("result", {})
        step.done += 1
        step.updated = now
        step.weight_done += event.get("weight", 0)
        step.documents += result.get("documents", 0)
        step.bytes += result.get("bytes", 0)
    elif kind == "gave_up" and step is not None:
        step.given_up += 1
    elif kind in ("ended", "failed") and status.state == "running":
        status.state, status.error = kind, event.get("error", "")


# ---------------------------------------------------------------- where it is read


def _lines(root: Path) -> Iterator[str]:
    for path in [*sorted((root / "events").glob("*.jsonl")), root / EVENTS]:
        with suppress(FileNotFoundError), path.open(encoding="utf-8") as log:
            yield from log


def _in_store(url: str) -> tuple[list[str], str]:
    objects = Objects(url)
    number, files = newest_manifest(objects)
    if not number:
        raise HeadwaterError(f"no workspace at {redacted(url)}")
    logs = sorted(path for path in files if path.startswith("events/") and path.endswith(".jsonl"))
    contents: list[Content] = [files[path] for path in [*logs, EVENTS] if path in files]
    lines = [line for content in contents for line in read(objects, content).decode().splitlines()]
    _, lease = store_lease.newest(objects)
    held = lease is not None and not lease["released"] and time.time() < lease["expires"] + lease["seconds"]
    return lines, f"process {lease['process']} on {lease['host']}" if lease and held else ""


def _holder(root: Path) -> str:
    """Who holds the lease; of another machine it cannot be known whether it still does."""
    holder = holder_of(root / "lease.json")
    if holder is None:
        return ""
    here = holder["host"] == socket.gethostname()
    if here and holder["process"] != os.getpid() and not psutil.pid_exists(holder["process"]):
        return ""
    return f"process {holder['process']} on {holder['host']}"


# ---------------------------------------------------------------- how it is shown


def lines_of(status: Status) -> list[str]:
    ends = {
        "empty": "nothing was run here yet",
        "stopped": "it ended without a word (killed?); the same command goes on from there",
        "failed": f"failed: {status.error}",
    }
    lines = [f"workspace {status.workspace}"]
    if status.recipe:
        lines.append(f"recipe    {status.recipe}, up to {status.until}")
    by = f" by {status.holder}" if status.state == "running" else ""
    updated = f", last word {clock(time.time() - status.updated)} ago" if status.updated else ""
    lines.append(f"state     {ends.get(status.state, status.state)}{by}{updated}")
    for step in status.steps:
        running = f", {step.running} running" if step is status.now else ""
        kept = f", {step.kept} kept" if step.kept else ""
        given_up = f", {step.given_up} given up" if step.given_up else ""
        seconds = status.seconds(step)
        rate = f"  {step.documents:,} documents, {step.documents / seconds:,.0f}/s, {step.bytes / 1e6 / seconds:.1f} MB/s" if step.documents else ""  # fmt: skip
        lines.append(
            f"{step.title:<24} {step.done}/{step.tasks}{running}{kept}{given_up}{rate}  {clock(seconds)}"
        )
    if (left := status.seconds_left()) is not None:
        lines.append(f"left      {clock(left)} of this step")
    return lines


def prometheus_of(status: Status) -> str:
    """The same as text for Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats)."""
    labels = f'workspace="{_escaped(status.workspace)}",recipe="{_escaped(status.recipe)}"'
    lines = [
        "# HELP headwater_running Whether a run is at work.",
        "# TYPE headwater_running gauge",
        f"headwater_running{{{labels}}} {int(status.state == 'running')}",
        "# HELP headwater_failed Whether the last run failed.",
        "# TYPE headwater_failed gauge",
        f"headwater_failed{{{labels}}} {int(status.state in ('failed', 'stopped'))}",
        "# HELP headwater_updated_seconds Unix time of the last event.",
        "# TYPE headwater_updated_seconds gauge",
        f"headwater_updated_seconds{{{labels}}} {status.updated}",
    ]
    if (left := status.seconds_left()) is not None:
        lines += [
            "# HELP headwater_left_seconds Time left for the step at work.",
            "# TYPE headwater_left_seconds gauge",
            f"headwater_left_seconds{{{labels}}} {left:.1f}",
        ]
    for name, what in (("tasks", "Tasks to do."), ("done", "Tasks done."), ("kept", "Tasks found done."),
                       ("given_up", "Items given up."), ("documents", "Documents."), ("bytes", "Bytes of text.")):  # fmt: skip
        lines += [f"# HELP headwater_step_{name} {what}", f"# TYPE headwater_step_{name} gauge"]
        for number, step in enumerate(status.steps):
            where = f'{labels},number="{number}",step="{_escaped(step.title)}"'
            lines.append(f"headwater_step_{name}{{{where}}} {getattr(step, name)}")
    return "\n".join(lines) + "\n"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def clock(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
