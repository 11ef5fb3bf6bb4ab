"""The course of a training: `metrics.jsonl`, and progress on the way.

One line every so many steps, 500 at most however long the training:
{"step", "tokens", "loss" (nats a token, mean since the last line), "bits" (the same / ln 2), "lr" (of matrices),
"tokens_per_second", "epoch", "seconds"}.
"""

import json
import math
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from headwater.engine.progress import report

LINES = 500
PROGRESS_SECONDS = 1.0
FINAL_SHARE = 0.05  # of the steps, at the end: what `final_loss` is the mean of


class Metrics:
    """`with Metrics(…) as metrics: metrics.add(loss, …)` once a step. `state` is what `state()` gave a checkpoint."""

    def __init__(self, path: Path, steps: int, batch_tokens: int, state: dict[str, Any] | None) -> None:
        self.path, self.steps, self.batch_tokens = path, steps, batch_tokens
        self.every = math.ceil(steps / LINES)
        state = state or {"step": 0, "losses": [], "last": [], "seconds": 0.0}
        self.step: int = state["step"]  # steps taken
        self._losses: list[float] = list(state["losses"])  # since the last line
        self._last: list[float] = list(state["last"])
        self._before = float(state["seconds"])  # spent by the processes before this one
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        kept = [
            line for line in lines if _step(line) <= self.step
        ]  # a kill may have left later and half lines
        self._file = path.open("w", encoding="utf-8")
        self._file.writelines(f"{line}\n" for line in kept)
        self._started = self._shown = self._line_at = time.monotonic()

    def state(self) -> dict[str, Any]:
        return {"step": self.step, "losses": self._losses, "last": self._last, "seconds": self.seconds}

    @property
    def seconds(self) -> float:
        return self._before + time.monotonic() - self._started

    @property
    def final_loss(self) -> float:
        """Nats a token, over the last 5% of the steps."""
        return sum(self._last) / len(self._last)

    def add(self, loss: float, *, learning_rate: float, epoch: float) -> None:
        """One more step is done; `loss` in nats a token."""
        self.step += 1
        self._losses.append(loss)
        self._last = [*self._last, loss][-max(1, round(FINAL_SHARE * self.steps)) :]
        now, tokens = time.monotonic(), self.step * self.batch_tokens
        if self.step % self.every == 0 or self.step == self.steps:
            mean = sum(self._losses) / len(self._losses)
            speed = len(self._losses) * self.batch_tokens / max(now - self._line_at, 1e-9)
            line = {
                "step": self.step, "tokens": tokens, "loss": mean, "bits": mean / math.log(2), "lr": learning_rate,
                "tokens_per_second": round(speed), "epoch": round(epoch, 4), "seconds": round(self.seconds, 3),
            }  # fmt: skip
            self._file.write(json.dumps(line) + "\n")
            self._losses, self._line_at = [], now
        if now - self._shown >= PROGRESS_SECONDS or self.step == self.steps:
            self._shown = now
            self._file.flush()
            report(tokens, self.steps * self.batch_tokens, f"loss {loss:.2f}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def _step(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except ValueError:
        return math.inf
