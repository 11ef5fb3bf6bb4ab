"""A sample on its way: what is to be fetched is resolved once and written down, then made file by file.

While it is made everything stands in `.<name>.part` beside its place: the plan (in which "latest" has become a
date), a line for each file that is done, and the files. A later call with the same request goes on from there, by
the same plan. At the end the folder, or its only file, takes its name, and the summary stands beside it, as
`<name>.json`: source, version, licence, every file with its bytes and SHA-256, and the recipe lines that read it.
"""

import glob
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headwater import __version__
from headwater.engine.lease import hold_lease
from headwater.engine.progress import Progress
from headwater.engine.workspace import read_json, sync_folder, write_json
from headwater.errors import HeadwaterError
from headwater.recipe.quantities import show_size
from headwater.sources.fetch.asking import Client, GoneError, TooLargeError
from headwater.sources.fetch.download import (
    Piece,
    Wanted,
    download,
    drop_part,
    forget,
    made,
    record_of,
    size_of,
)

STATE = ".fetch"  # in the folder, while it is made
LISTED = 50  # things left out that a summary names one by one


@dataclass(frozen=True)
class Plan:
    """What a request comes to: a version that does not move, and its files."""

    source: str  # URL of the version
    version: str
    date: str | None  # of the version, as YYYY-MM-DD where known
    license: str
    wanted: tuple[Wanted, ...]
    read_by: dict[str, Any]  # the recipe's source: kind, and what else it needs; "{out}" is the place
    left_out: dict[str, Any] = field(
        default_factory=dict
    )  # what the version has besides, and why it is not fetched
    written: dict[str, str] = field(default_factory=dict)  # further files and their text
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def bytes(self) -> int | None:
        """Of all files, where all are known."""
        sizes = [size_of(wanted) for wanted in self.wanted]
        return None if None in sizes else sum(size or 0 for size in sizes)


@dataclass(frozen=True)
class Request:
    """What a person asked of a source."""

    asked: dict[str, Any]  # as JSON: the same request goes on where an earlier call ended
    resolve: Callable[[Client], Plan]
    delay: float  # seconds between two requests that the source wants
    one_file: bool = False
    busy: frozenset[int] = frozenset()  # statuses that mean "later" here, besides the usual ones
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)  # by host: headers


def within(wanted: list[Wanted], max_bytes: int) -> tuple[tuple[Wanted, ...], dict[str, Any]]:
    """The first files that are `max_bytes` together, and what is left out. HeadwaterError where that is all."""
    kept: list[Wanted] = []
    total = 0
    for one in wanted:
        total += size_of(one) or 0
        if total > max_bytes:
            break
        kept.append(one)
    if not kept and wanted:
        raise HeadwaterError(
            f"{wanted[0].path} is {show_size(size_of(wanted[0]) or 0)}, more than --max-bytes "
            f"({show_size(max_bytes)}); raise it"
        )
    rest = wanted[len(kept) :]
    return tuple(kept), left_out("max_bytes", [one.path for one in rest]) if rest else {}


def left_out(reason: str, names: list[str]) -> dict[str, Any]:
    return {reason: {"count": len(names), "first": names[:LISTED]}}


def plain_name(name: str) -> str:
    """A name that a server gave, as a path below a folder; HeadwaterError where it would leave it or hide in it."""
    parts = name.split("/")
    if any(not part or part.startswith(".") or "\\" in part or "\0" in part for part in parts):
        raise HeadwaterError(
            f"the server names a file {name!r}, which is no plain relative path; it is refused"
        )
    return name


# ---------------------------------------------------------------- making it


def finished(out: Path, request: dict[str, Any]) -> dict[str, Any] | None:
    """The summary of the same request, or None; HeadwaterError where something else stands there."""
    if not out.exists():
        return None
    summary: dict[str, Any] | None = read_json(summary_path(out))
    if summary is None:
        if work_folder(out).is_dir() or (out / STATE).is_dir():
            return None  # whole, but the process ended before the summary was written
        raise HeadwaterError(
            f"{out} is there, but was not fetched (it has no {summary_path(out).name}); "
            "remove it or choose another name"
        )
    if summary.get("request") != request:
        raise HeadwaterError(
            f"{out} is there already, from another request ({_shown(summary.get('request', {}))}); remove it and "
            f"{summary_path(out).name}, or choose another --out"
        )
    for left in (work_folder(out), out / STATE):  # of a process that ended while it tidied up
        shutil.rmtree(left, ignore_errors=True)
    return summary


def make(
    request: dict[str, Any],
    out: Path,
    resolve: Callable[[Client], Plan],
    client: Client,
    *,
    max_bytes: int,
    one_file: bool = False,
) -> dict[str, Any]:
    """Fetches what `request` resolves to into the folder (or the file) `out`, and returns the summary.

    request: JSON that names what is wanted; the same request goes on where an earlier call ended, or finds it done.
    """
    if (summary := finished(out, request)) is not None:
        return summary
    work = out if (out / STATE).is_dir() else work_folder(out)
    state = work / STATE
    state.mkdir(parents=True, exist_ok=True)
    with hold_lease(state / "lease.json"):
        plan = _planned(request, state, out, resolve, client)
        records, missing = _files(plan, work, state, client, max_bytes, out)
        if not records:
            raise HeadwaterError(
                f"nothing of {plan.source} could be fetched; first: {missing[0] if missing else 'above --max-bytes'}"
            )
        for name, text in plan.written.items():
            (work / name).write_text(text, encoding="utf-8")
        if work != out:
            _take_name(work, out, plan, one_file)
        summary = _summary(request, plan, records, missing, out)
        for left in out.parent.glob(f".{glob.escape(summary_path(out).name)}.*.tmp"):
            left.unlink()
        write_json(summary_path(out), summary)
    shutil.rmtree(work_folder(out) if one_file else out / STATE, ignore_errors=True)
    return summary


def planned(request: dict[str, Any], out: Path, resolve: Callable[[Client], Plan], client: Client) -> Plan:
    """What would be fetched: the plan of an unfinished call where there is one. Fetches listings only."""
    saved = read_json(work_folder(out) / STATE / "plan.json")
    if saved is not None and saved["request"] == request:
        return _plan_of(saved["plan"])
    return resolve(client)


def _planned(
    request: dict[str, Any],
    state: Path,
    out: Path,
    resolve: Callable[[Client], Plan],
    client: Client,
) -> Plan:
    saved = read_json(state / "plan.json")
    if saved is not None:
        if saved["request"] != request:
            raise HeadwaterError(
                f"{state.parent} holds the beginning of another fetch ({_shown(saved['request'])}); end that with "
                "its own command, remove the folder, or choose another --out"
            )
        return _plan_of(saved["plan"])
    try:
        plan = resolve(client)
        if not plan.wanted:
            raise HeadwaterError(f"{plan.source}: there is nothing that fits the request")
    except BaseException:
        shutil.rmtree(state.parent)  # nothing is in it yet
        raise
    write_json(state / "plan.json", {"request": request, "plan": asdict(plan)})
    return plan


def _plan_of(saved: dict[str, Any]) -> Plan:
    wanted = tuple(
        Wanted(
            **{
                **one,
                "pieces": tuple(Piece(**piece) for piece in one["pieces"]),
                "otherwise": tuple(one["otherwise"]),
            }
        )
        for one in saved["wanted"]
    )
    return Plan(**{**saved, "wanted": wanted})


def _files(
    plan: Plan, work: Path, state: Path, client: Client, max_bytes: int, out: Path
) -> tuple[list[dict[str, Any]], list[str]]:
    """Makes every file that is not made yet: the records of all, and what was not there."""
    done = {record["path"]: record for record in _lines(state / "done.jsonl")}
    left = max_bytes - sum(record.get("bytes", 0) for record in done.values())
    with Progress(f"fetch {out.name}", len(plan.wanted)) as progress:
        for wanted in plan.wanted:
            if wanted.path not in done:
                if (final := made(wanted, work)) is not None:
                    record = record_of(wanted, final)
                elif left <= 0 and wanted.optional:
                    record = {"path": wanted.path, "missing": "above --max-bytes"}
                else:
                    try:
                        record = download(client, wanted, work, left, _watch(progress, wanted.path))
                    except GoneError as error:
                        if not wanted.optional:
                            raise
                        record = {"path": wanted.path, "missing": str(error)}
                    except TooLargeError:
                        if not wanted.optional or not done:
                            raise
                        drop_part(wanted, work)
                        left = 0
                        record = {"path": wanted.path, "missing": "above --max-bytes"}
                _append(state / "done.jsonl", record)
                forget(wanted, work)
                done[wanted.path] = record
                left -= record.get("bytes", 0)
            progress.report(wanted.path, 1, 1, "")
            progress.advance(documents=1, size=done[wanted.path].get("bytes", 0))
    records = [done[wanted.path] for wanted in plan.wanted]
    return (
        [record for record in records if "missing" not in record],
        [f"{record['path']}: {record['missing']}" for record in records if "missing" in record],
    )


def _watch(progress: Progress, name: str) -> Callable[[int, int | None], None]:
    def watch(have: int, size: int | None) -> None:
        note = show_size(have) + (f" of {show_size(size)}" if size else "")
        progress.report(name, min(have, size - 1) if size else have, size or have + 1, note)

    return watch


def _take_name(work: Path, out: Path, plan: Plan, one_file: bool) -> None:
    for left in work.rglob(".*"):  # what a write that was killed left
        if left.is_file() and left.parent.name != STATE:
            left.unlink()
    if one_file:
        if (final := made(plan.wanted[0], work)) is not None:
            final.replace(out)
    else:
        for folder in {path.parent for path in work.rglob("*")}:
            sync_folder(folder)
        work.replace(out)
    sync_folder(out.parent)


def _summary(
    request: dict[str, Any], plan: Plan, records: list[dict[str, Any]], missing: list[str], out: Path
) -> dict[str, Any]:
    return {
        "kind": request["kind"],
        "source": plan.source,
        "version": plan.version,
        "date": plan.date,
        "license": plan.license,
        "retrieved": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "bytes": sum(record["bytes"] for record in records),
        "files": records,
        **({"missing": {"count": len(missing), "first": missing[:LISTED]}} if missing else {}),
        **({"left_out": plan.left_out} if plan.left_out else {}),
        **plan.about,
        "recipe": recipe_line(plan.read_by, out),
        "request": request,
        "software": f"Headwater {__version__}",
    }


def recipe_line(read_by: dict[str, Any], out: Path) -> str:
    """The line of a recipe's `sources:` that reads what was fetched."""
    paths = [str(path).replace("{out}", str(out.resolve())) for path in read_by["paths"]]
    source = {"name": _name(out), **read_by, "paths": paths}
    inside = ", ".join(f"{key}: {_yaml(value)}" for key, value in source.items())
    return f"- {{{inside}}}"


def _name(out: Path) -> str:
    stem = out.name.partition(".")[0] or "fetched"
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in stem)[:64]


def _yaml(value: Any) -> str:
    plain = (
        isinstance(value, str) and value.replace("-", "").replace("_", "").isalnum() and value[0].isalpha()
    )
    return (
        value
        if plain and value not in ("true", "false", "null", "no", "yes", "on", "off")
        else json.dumps(value, ensure_ascii=False)
    )


def _shown(request: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in request.items() if value not in (None, "", [], False))


def summary_path(out: Path) -> Path:
    return out.with_name(f"{out.name}.json")


def work_folder(out: Path) -> Path:
    return out.with_name(f".{out.name}.part")


def _lines(path: Path) -> list[dict[str, Any]]:
    """The records that were written whole."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    records = []
    for line in data.splitlines():
        with suppress(ValueError):
            records.append(json.loads(line))
    return records


def _append(path: Path, record: dict[str, Any]) -> None:
    """A line of its own, whatever a process that was killed left of the one before."""
    with path.open("ab") as file:
        file.write(b"\n" + json.dumps(record, ensure_ascii=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
