"""Progress of anything longer than two seconds: a bar on a terminal, plain lines elsewhere, both on stderr."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

QUIET_SECONDS = 2.0
LINE_SECONDS = 10.0

_reporter: Callable[[float, float, str], None] | None = None


def set_reporter(reporter: Callable[[float, float, str], None] | None) -> None:
    """Where `report` goes; the engine sets it in each worker."""
    global _reporter
    _reporter = reporter


def report(done: float, total: float, note: str = "") -> None:
    """A task or job says how far it is; outside the engine nothing happens."""
    if _reporter is not None:
        _reporter(done, total, note)


class Progress:
    """Counts tasks, documents and bytes of one stage, and shows rate and time left."""

    def __init__(self, title: str, tasks: int) -> None:
        self.title, self.tasks = title, tasks
        self.done, self.documents, self.bytes = 0, 0, 0
        self._running: dict[str, tuple[float, str]] = {}
        self._started = time.monotonic()
        self._last_line = self._started
        self._live: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
        seconds = time.monotonic() - self._started
        if error is None and seconds >= QUIET_SECONDS:
            print(f"{self.title}: {self._amounts(seconds)}, {_clock(seconds)}", file=sys.stderr, flush=True)

    def advance(self, *, documents: int = 0, size: int = 0) -> None:
        self.done += 1
        self.documents += documents
        self.bytes += size
        self._show()

    def report(self, name: str, done: float, total: float, note: str) -> None:
        """Progress inside one running task."""
        if total > 0 and done >= total:
            self._running.pop(name, None)
        else:
            self._running[name] = (done / total if total else 0.0, note)
        self._show()

    @property
    def fraction(self) -> float:
        running = sum(share for share, _ in self._running.values())
        return min(1.0, (self.done + running) / max(1, self.tasks))

    def _show(self) -> None:
        now = time.monotonic()
        seconds = now - self._started
        if seconds < QUIET_SECONDS:
            return
        if sys.stderr.isatty():
            if self._live is None:
                from rich.live import Live

                self._live = Live(auto_refresh=False, transient=True, console=_stderr_console())
                self._live.start()
            from rich.text import Text

            self._live.update(Text(self._line(seconds), no_wrap=True, overflow="ellipsis"), refresh=True)
        elif now - self._last_line >= LINE_SECONDS:
            self._last_line = now
            print(self._line(seconds), file=sys.stderr, flush=True)

    def _line(self, seconds: float) -> str:
        left = seconds / self.fraction - seconds if self.fraction > 0.02 else None
        bar = "━" * round(self.fraction * 16)
        notes = " ".join(note for _, note in self._running.values() if note)
        ending = f"{_clock(left)} left" if left is not None else "…"
        return f"{self.title} {bar:<16} {self.done}/{self.tasks} {self._amounts(seconds)} {ending} {notes}".rstrip()

    def _amounts(self, seconds: float) -> str:
        if not self.documents:
            return f"{self.done} done"
        rate = self.documents / max(seconds, 1e-9)
        return (
            f"{self.documents:,} documents, {rate:,.0f}/s, {self.bytes / 1e6 / max(seconds, 1e-9):.1f} MB/s"
        )


def _stderr_console() -> Any:
    from rich.console import Console

    return Console(stderr=True)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
