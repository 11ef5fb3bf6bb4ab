"""The course of a training: `metrics.jsonl`, and progress on the way.

One line every so many steps, 500 at most however long the training, and one at each validation:
{"step", "tokens", "loss" (nats a token, mean since the last line), "bits" (the same / ln 2), "lr" (of matrices),
"tokens_per_second", "mfu" (share of the machine's rate of matrix products that the model needed), "epoch", "seconds"}
and at validations "validation_loss", "validation_bits" (on held-out text). Time spent on validation and checkpoints
is in "seconds", not in the rates.
"""

import json
import math
import os
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

    def __init__(
        self, path: Path, steps: int, batch_tokens: int, state: dict[str, Any] | None, *, machine: float = 0.0
    ) -> None:
        """`machine`: FLOPs a second of the machine, of all that train together; 0 where nobody measured."""
        self.path, self.steps, self.batch_tokens, self.machine = path, steps, batch_tokens, machine
        self.every = math.ceil(steps / LINES)
        state = state or {"step": 0, "losses": [], "last": [], "seconds": 0.0}
        self.step: int = state["step"]  # steps taken
        self._losses: list[float] = list(state["losses"])  # since the last line
        self._last: list[float] = list(state["last"])
        self._before = float(state["seconds"])  # spent by the processes before this one
        self.validation_loss: float | None = state.get("validation_loss")  # the last one
        self._flops, self._busy, self._counted = (
            0,
            0.0,
            0,
        )  # since the last line, and the steps that they are of
        self._all_flops, self._all_busy = int(state.get("flops", 0)), float(state.get("busy", 0.0))
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        kept = [
            line for line in lines if _step(line) <= self.step
        ]  # a kill may have left later and half lines
        if path != Path(os.devnull):
            left = path.with_name(f".{path.name}")
            left.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
            left.replace(path)
        # line by line, so that a checkpoint never knows of a step whose line a kill can still take
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._started = self._shown = self._begun = time.monotonic()

    def state(self) -> dict[str, Any]:
        return {
            "step": self.step, "losses": self._losses, "last": self._last, "seconds": self.seconds,
            "validation_loss": self.validation_loss, "flops": self._all_flops, "busy": self._all_busy,
        }  # fmt: skip

    @property
    def seconds(self) -> float:
        return self._before + time.monotonic() - self._started

    @property
    def final_loss(self) -> float:
        """Nats a token, over the last 5% of the steps."""
        return sum(self._last) / len(self._last)

    @property
    def mfu(self) -> float | None:
        """Model FLOPs a second of all steps, as a share of the machine's."""
        return self._share(self._all_flops, self._all_busy)

    def begin(self) -> None:
        """A step begins: the clock of rates runs until `add`."""
        self._begun = time.monotonic()

    def add(
        self, loss: float, *, learning_rate: float, epoch: float, validation: float | None = None
    ) -> None:
        """One more step is done; `loss` in nats a token, `validation` the same on held-out text."""
        self.step += 1
        self._losses.append(loss)
        self._last = [*self._last, loss][-max(1, round(FINAL_SHARE * self.steps)) :]
        if validation is not None:
            self.validation_loss = validation
        tokens = self.step * self.batch_tokens
        if self.step % self.every == 0 or self.step == self.steps or validation is not None:
            self._write(tokens, learning_rate, epoch, validation)
        now = time.monotonic()
        if now - self._shown >= PROGRESS_SECONDS or self.step == self.steps:
            self._shown = now
            report(tokens, self.steps * self.batch_tokens, self._note(loss))

    def took(self, flops: int) -> None:
        """The step that began is done, all but its records; `flops` is what the model needed."""
        seconds = time.monotonic() - self._begun
        self._flops, self._busy, self._counted = self._flops + flops, self._busy + seconds, self._counted + 1
        self._all_flops, self._all_busy = self._all_flops + flops, self._all_busy + seconds

    def _write(self, tokens: int, learning_rate: float, epoch: float, validation: float | None) -> None:
        mean = sum(self._losses) / len(self._losses)
        speed = self._counted * self.batch_tokens / max(self._busy, 1e-9)
        line = {
            "step": self.step, "tokens": tokens, "loss": mean, "bits": mean / math.log(2), "lr": learning_rate,
            "tokens_per_second": round(speed), "epoch": round(epoch, 4), "seconds": round(self.seconds, 3),
        }  # fmt: skip
        if (share := self._share(self._flops, self._busy)) is not None:
            line["mfu"] = round(share, 4)
        if validation is not None:
            line |= {"validation_loss": validation, "validation_bits": validation / math.log(2)}
        self._file.write(json.dumps(line) + "\n")
        self._losses, self._flops, self._busy, self._counted = [], 0, 0.0, 0

    def _share(self, flops: int, seconds: float) -> float | None:
        return flops / seconds / self.machine if self.machine and flops and seconds else None

    def _note(self, loss: float) -> str:
        """For the line of progress, beside tokens, rate and time left."""
        note = f"{self.step * self.batch_tokens / max(self._all_busy, 1e-9):,.0f} tokens/s, loss {loss:.2f}"
        if self.validation_loss is not None:
            note += f", held-out {self.validation_loss:.2f}"
        return note if self.mfu is None else f"{note}, MFU {self.mfu:.0%}"

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
