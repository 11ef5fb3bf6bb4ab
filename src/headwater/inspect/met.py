"""What the steps of a plan met: signals and texts of a shard's documents as they stood before a step.

A signal is that of the newest edition before the step, and of the document itself where no edition changed it. A
text that nobody has measured (it was edited here, or had not come so far) is measured here, once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headwater.corpus.shards import read_batches
from headwater.curate.rules import layer_of_rows
from headwater.inspect.snapshots import Snapshot
from headwater.signals.families import Family
from headwater.signals.measure import Row, row_of

KEPT, DROPPED, LEFT_OTHERWISE = 0, 1, 2  # states as numbers: the last is gated or quarantined


@dataclass
class Shard:
    """One shard's documents, as they were decided and as they are decided again. *Shapes*: all (rows,)."""

    name: str
    table: pa.Table  # of the ledger
    before: np.ndarray  # uint8 states
    before_step: np.ndarray  # int32; -1 where no step of the plan decided
    state: np.ndarray  # uint8, decided again
    step: np.ndarray  # int32, -1
    bits: np.ndarray  # uint64: which rules of the deciding step fail, numbered by the new plan
    reason: np.ndarray  # int16 place in `reasons`; -1 where kept, -2 where the ledger's own reason stands
    wanted: np.ndarray  # bool: documents in the sample
    bytes: np.ndarray  # int64 of the text as kept, were it kept
    texts: dict[int, str] = field(default_factory=dict)  # rows whose text was edited here
    # (family, step) -> row -> values measured here, None where the family failed
    measured: dict[tuple[str, int], dict[int, tuple[Any, ...] | None]] = field(default_factory=dict)

    @cached_property
    def train(self) -> np.ndarray:
        return flags(pc.equal(self.table["split"], "train"))


@dataclass
class Met:
    """Reads what was met. `named`: the signals that the plan's rules name."""

    snapshot: Snapshot
    families: dict[str, Family]  # the recipe's: what measures a text anew
    named: frozenset[str]
    again: dict[str, set[int]] = field(default_factory=dict)  # shard -> rows edited or measured here
    measuring: dict[str, Callable[[str, str], Row]] = field(default_factory=dict)  # families that were opened
    held: dict[Path, pa.Table] = field(default_factory=dict)  # columns of the shard at work
    held_path: str = ""

    def edited(self, shard: Shard, row: int) -> None:
        """Notes that a row's text was edited here."""
        self.again.setdefault(shard.name, set()).add(row)

    def values(
        self, shard: Shard, signal: str, number: int, rows: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """(rows,) float64 values of a signal on the texts that step `number` met, NaN where there is none, and
        (rows,) bool where the family failed. Of `rows` the texts that the family has not measured are measured here."""
        family = signal.partition(".")[0]
        editions = [stage for step, stage in reversed(self.snapshot.editions) if step < number]
        removed = [
            pq.read_table(self._edition(stage, shard.name), columns=["removed"])["removed"].combine_chunks()
            for stage in editions
        ]
        layer = layer_of_rows(removed, shard.table.num_rows)
        values, failed = np.full(shard.table.num_rows, np.nan), np.zeros(shard.table.num_rows, bool)
        unmeasured = np.zeros(shard.table.num_rows, bool)
        unmeasured[list(shard.texts)] = True
        for place, stage in enumerate([*editions, self.snapshot.stage_of[shard.name]]):
            here = (layer == place) & ~unmeasured
            entries = self.snapshot.of_family(family, stage)
            if shard.name not in entries:
                unmeasured |= here
            elif here.any():
                table = self._columns(entries[shard.name].here(), signal)
                column = table[signal].cast(pa.float64())
                numbers = pc.fill_null(column, np.nan).to_numpy()
                valid, error = flags(pc.is_valid(column)), flags(pc.is_valid(table["errors"]))
                values[here] = numbers[here]
                failed[here] = ((~valid & error) | (valid & np.isnan(numbers)))[here]
        unmeasured &= rows
        if unmeasured.any():
            columns = [one.name for one in self.families[family].columns]
            place = columns.index(signal.partition(".")[2])
            for row, measured in self._measured(shard, family, number, unmeasured).items():
                value = None if measured is None else measured[place]
                values[row], failed[row] = np.nan if value is None else float(value), measured is None
        return values, failed

    def _columns(self, path: Path, signal: str) -> pa.Table:
        """A shard of a family's signals: those that the plan's rules name, and this one; kept until the next shard."""
        family = signal.partition(".")[0]
        if self.held_path != path.name:
            self.held, self.held_path = {}, path.name
        table = self.held.get(path)
        if table is None or signal not in table.column_names:
            wanted = sorted({signal, *(name for name in self.named if name.startswith(f"{family}."))})
            table = self.held[path] = pq.read_table(path, columns=[*wanted, "errors"])
        return table

    def _measured(
        self, shard: Shard, family: str, number: int, rows: np.ndarray
    ) -> dict[int, tuple[Any, ...] | None]:
        """The family's values of these rows' texts, None where it fails; each text is measured once."""
        held = shard.measured.setdefault((family, number), {})
        missing = rows.copy()
        missing[list(held)] = False
        if missing.any():
            if family not in self.measuring:
                self.measuring[family] = row_of(self.families[family])
            for row, text in self.texts(shard, missing, number):
                try:
                    held[row] = self.measuring[family](shard.table["id"][row].as_py(), text)
                except Exception:  # a family may fail on any text; measuring it would have said so too
                    held[row] = None
            self.again[shard.name] = self.again.get(shard.name, set()) | set(held)
        return {row: held[row] for row in np.flatnonzero(rows).tolist()}

    def texts(self, shard: Shard, rows: np.ndarray, number: int) -> Iterator[tuple[int, str]]:
        stages = [stage for step, stage in reversed(self.snapshot.editions) if step < number]
        paths = [self._edition(stage, shard.name) for stage in stages]
        paths.append(self.snapshot.shards[shard.name].here())
        held: dict[int, str] = dict(shard.texts)
        for path in reversed(paths):  # the newest last
            at = 0
            for batch in read_batches(path, ["text"]):
                for row in np.flatnonzero(rows[at : at + batch.num_rows]).tolist():
                    if batch["text"][row].is_valid and at + row not in shard.texts:
                        held[at + row] = batch["text"][row].as_py()
                at += batch.num_rows
        yield from sorted((row, text) for row, text in held.items() if rows[row])

    def layers(self, shard: str, number: int, families: list[str]) -> dict[str, list[Path]]:
        """The files of each family, the newest edition's first."""
        stages = [stage for step, stage in reversed(self.snapshot.editions) if step < number]
        stages.append(self.snapshot.stage_of[shard])
        return {
            family: [
                entries[shard].here()
                for stage in stages
                if shard in (entries := self.snapshot.of_family(family, stage))
            ]
            for family in families
        }

    def _edition(self, stage: str, shard: str) -> Path:
        return self.snapshot.entries(stage)[shard].here()


def flags(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(pc.fill_null(column, False), dtype=bool)
