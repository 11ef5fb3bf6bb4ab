"""A ledger decided again under another plan, in memory: what `whatif` stands on.

What is known of a document is what the ledger says of it. Up to the first step in which the two plans differ, all
is as it was. From there a rule's step is judged again, from the signals of the text as that step met it: for every
document where the rules differ, and for those that had not come so far where they do not. Duplicates are found
again if another set of documents comes up to them. An edit that a document met before has the same outcome; one
that it newly meets is made again here, and its text measured again by the families that later rules ask for.

Not known, and said: repeated lines of the corpus when other documents have a say in them, and duplicates among
texts that were edited here.
"""

import tempfile
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
from headwater.curate.decisions import FAILED, track_of
from headwater.curate.edits import edit
from headwater.curate.plan import Plan
from headwater.curate.presets import Rule
from headwater.curate.rules import fails_rule, layer_of_rows
from headwater.curate.steps import DuplicatesStep, LinesStep, PlanStep, RulesStep, families_of
from headwater.inspect.duplicates import Alive, find_again
from headwater.inspect.snapshots import Snapshot
from headwater.signals.families import Family
from headwater.signals.measure import Row, row_of

LEDGER = [
    "id",
    "source",
    "language",
    "split",
    "state",
    "reason",
    "reasons",
    "step",
    "edits",
    "bytes",
    "bytes_kept",
]
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
        return _flags(pc.equal(self.table["split"], "train"))


@dataclass
class Replay:
    """A plan replayed. `reasons`: names, the new plan's first; `unknown`: what the answer does not know, in words."""

    snapshot: Snapshot
    plan: Plan
    first: int  # the first step that differs
    reasons: list[str]
    families: dict[str, Family]  # the recipe's: what measures a text anew
    again: dict[str, set[int]] = field(default_factory=dict)  # shard -> rows edited or measured here
    unknown: list[str] = field(default_factory=list)
    measuring: dict[str, Callable[[str, str], Row]] = field(default_factory=dict)  # families that were opened
    held: dict[Path, pa.Table] = field(default_factory=dict)  # columns of the shard at work
    held_path: str = ""

    @property
    def measured_again(self) -> int:
        """Documents whose edits or signals were made again."""
        return sum(map(len, self.again.values()))

    # ---------------------------------------------------------------- all of it

    def shards(self, sample: float) -> Iterator[Shard]:
        """Every shard, decided again; of a sample (by id) where `sample` is below 1. A duplicates step holds all of
        them at once, about 150 bytes a document; otherwise one is in memory at a time."""
        steps = self.plan.steps
        after = next(
            (n for n in range(self.first, len(steps)) if isinstance(steps[n], DuplicatesStep)), len(steps)
        )
        started = (self._start(name, sample) for name in self.snapshot.ledger)
        if after == len(steps):
            for shard in started:
                self._through(shard, range(self.first, after))
                yield shard
            return
        held = []
        for shard in started:
            self._through(shard, range(self.first, after))
            held.append(shard)
        for number in range(after, len(steps)):
            step = steps[number]
            if isinstance(step, DuplicatesStep):
                self._duplicates(held, number, step)
            else:
                for shard in held:
                    self._through(shard, range(number, number + 1))
        yield from held

    def _start(self, name: str, sample: float) -> Shard:
        table = pq.read_table(self.snapshot.ledger[name].path(), columns=LEDGER)
        names = pc.index_in(table["state"], value_set=pa.array(["kept", "dropped"]))
        before = pc.fill_null(names, LEFT_OTHERWISE).to_numpy().astype(np.uint8)
        step = pc.fill_null(table["step"].cast(pa.int32()), -1).to_numpy().astype(np.int32)
        wanted = np.ones(table.num_rows, bool)
        if sample < 1:
            wanted = _flags(pc.less(table["id"], f"{int(sample * 16**8):08x}"))
        kept = table["bytes_kept"].to_numpy()
        shard = Shard(
            name, table, before, step, before.copy(), step.copy(), table["reasons"].to_numpy().copy(),
            np.where(before == KEPT, -1, -2).astype(np.int16), wanted,
            np.where(before == KEPT, kept, table["bytes"].to_numpy()),
        )  # fmt: skip
        again = shard.train & shard.wanted & (step >= self.first)
        shard.state[again], shard.step[again], shard.bits[again] = KEPT, -1, 0
        shard.reason[again] = -1
        return shard

    def _through(self, shard: Shard, numbers: range) -> None:
        for number in numbers:
            step, same = self.plan.steps[number], self._same(number)
            alive = shard.train & shard.wanted & (shard.state == KEPT)
            came_before = alive & ((shard.before == KEPT) | (shard.before_step >= number))
            if same and not shard.texts:
                self._as_before(shard, came_before & (shard.before_step == number), number)
                alive &= ~came_before
            elif same:
                known = came_before.copy()
                known[list(shard.texts)] = False
                self._as_before(shard, known & (shard.before_step == number), number)
                alive &= ~known
            if isinstance(step, RulesStep):
                self._judge(shard, alive, number, step)
            elif isinstance(step, LinesStep):
                self._edit(shard, alive, number, step)
            elif alive.any() and not isinstance(step, DuplicatesStep):
                name = step.as_json()["step"]
                self._unknown(f"what the step {name} makes of documents that had not come up to it")

    def _same(self, number: int) -> bool:
        steps = self.snapshot.plan["steps"]
        return number < len(steps) and effect(steps[number]) == effect(self.plan.steps[number].as_json())

    def _as_before(self, shard: Shard, rows: np.ndarray, number: int) -> None:
        shard.state[rows], shard.step[rows] = shard.before[rows], number
        shard.bits[rows] = shard.table["reasons"].to_numpy()[rows]
        shard.reason[rows] = -2

    # ---------------------------------------------------------------- rules

    def tracks(self, shard: Shard) -> pa.ChunkedArray:
        """(rows,) string: the track of each document under the new plan."""
        return track_of(shard.table, self.plan.by_language(self.snapshot.source_of[shard.name]))

    def _judge(self, shard: Shard, rows: np.ndarray, number: int, step: RulesStep) -> None:
        if not rows.any():
            return
        tracks = self.tracks(shard)
        for track, rules in step.rules.items():
            here = rows & _flags(pc.equal(tracks, track))
            if here.any():
                self._judge_track(shard, here, number, list(rules))

    def _judge_track(self, shard: Shard, rows: np.ndarray, number: int, rules: list[Rule]) -> None:
        first = np.full(len(rows), -1)
        bits, lost = np.zeros(len(rows), np.uint64), np.full(len(rows), -1)
        for place, rule in enumerate(rules):
            values, failed = self.values(shard, rule.signal, number, rows)
            fails = fails_rule(rule, values) & rows
            bits[fails] |= np.uint64(1 << self.plan.reasons.index(rule.reason))
            first[fails & (first < 0)] = place
            lost[failed & rows & (lost < 0)] = place
        dropped = rows & (first >= 0) & (lost < 0)
        names = np.array([self._place(rule.reason) for rule in rules], np.int16)
        families = np.array(
            [self._place(f"{FAILED}:{rule.signal.partition('.')[0]}") for rule in rules], np.int16
        )
        shard.state[dropped], shard.step[dropped], shard.bits[dropped] = DROPPED, number, bits[dropped]
        shard.reason[dropped] = names[first[dropped]]
        gone = rows & (lost >= 0)
        shard.state[gone], shard.step[gone], shard.bits[gone] = LEFT_OTHERWISE, number, bits[gone]
        shard.reason[gone] = families[lost[gone]]

    def _place(self, reason: str) -> int:
        if reason not in self.reasons:
            self.reasons.append(reason)
        return self.reasons.index(reason)

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
                table = self._columns(entries[shard.name].path(), signal)
                column = table[signal].cast(pa.float64())
                numbers = pc.fill_null(column, np.nan).to_numpy()
                valid, error = _flags(pc.is_valid(column)), _flags(pc.is_valid(table["errors"]))
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
            named = {
                rule.signal
                for step in self.plan.steps
                if isinstance(step, RulesStep)
                for rules in step.rules.values()
                for rule in rules
            }
            wanted = sorted({signal, *(name for name in named if name.startswith(f"{family}."))})
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
            for row, text in self._texts(shard, missing, number):
                try:
                    held[row] = self.measuring[family](shard.table["id"][row].as_py(), text)
                except Exception:  # a family may fail on any text; measuring it would have said so too
                    held[row] = None
            self.again[shard.name] = self.again.get(shard.name, set()) | set(held)
        return {row: held[row] for row in np.flatnonzero(rows).tolist()}

    def _edition(self, stage: str, shard: str) -> Path:
        return self.snapshot.entries(stage)[shard].path()

    # ---------------------------------------------------------------- edits and duplicates

    def _edit(self, shard: Shard, rows: np.ndarray, number: int, step: LinesStep) -> None:
        """An edit for documents that had not met it."""
        tracks = self.tracks(shard)
        rows = rows & _flags(pc.is_in(tracks, value_set=pa.array(list(step.tracks))))
        if not rows.any():
            return
        if step.settings.repeated is not None:
            self._unknown("which lines are repeated in the corpus, now that other documents have a say in it")
        for row, text in self._texts(shard, rows, number):
            done = edit(text, step.settings)
            self.again.setdefault(shard.name, set()).add(row)
            if done.dropped is not None:
                shard.state[row], shard.step[row] = DROPPED, number
                shard.bits[row] = np.uint64(1 << self.plan.reasons.index(done.dropped))
                shard.reason[row] = self._place(done.dropped)
            elif done.text is not None and done.text != text:
                shard.texts[row] = done.text
                shard.bytes[row] = len(done.text.encode())

    def _texts(self, shard: Shard, rows: np.ndarray, number: int) -> Iterator[tuple[int, str]]:
        stages = [stage for step, stage in reversed(self.snapshot.editions) if step < number]
        paths = [self._edition(stage, shard.name) for stage in stages]
        paths.append(self.snapshot.shards[shard.name].path())
        held: dict[int, str] = dict(shard.texts)
        for path in reversed(paths):  # the newest last
            at = 0
            for batch in read_batches(path, ["text"]):
                for row in np.flatnonzero(rows[at : at + batch.num_rows]).tolist():
                    if batch["text"][row].is_valid and at + row not in shard.texts:
                        held[at + row] = batch["text"][row].as_py()
                at += batch.num_rows
        yield from sorted((row, text) for row, text in held.items() if rows[row])

    def _duplicates(self, held: list[Shard], number: int, step: DuplicatesStep) -> None:
        alive, changed = {}, False
        for shard in held:
            tracks = self.tracks(shard)
            now = shard.train & shard.wanted & (shard.state == KEPT)
            now &= _flags(pc.is_in(tracks, value_set=pa.array(list(step.tracks))))
            came = shard.train & shard.wanted & ((shard.before == KEPT) | (shard.before_step >= number))
            came &= _flags(pc.is_in(tracks, value_set=pa.array(list(step.tracks))))
            alive[shard.name] = now
            changed |= bool((now != came).any()) or not self._same(number)
            if shard.texts:
                self._unknown("which of the texts edited here are duplicates")
        if not changed:
            for shard in held:
                self._as_before(shard, alive[shard.name] & (shard.before_step == number), number)
            return
        if step.settings.against is not None:
            self._unknown("what is a duplicate of the earlier corpus, now that other documents come up to it")
        order = list(self.snapshot.record["documents"])
        with tempfile.TemporaryDirectory(prefix="headwater-whatif-") as folder:
            found = find_again(
                [
                    Alive(
                        shard.name,
                        self.snapshot.shards[shard.name].path(),
                        self._layers(shard.name, number, sorted(families_of(step))),
                        shard.table,
                        alive[shard.name],
                        shard.bytes,
                        self.plan.by_language(self.snapshot.source_of[shard.name]),
                        order.index(self.snapshot.source_of[shard.name]),
                    )
                    for shard in held
                ],
                step,
                Path(folder),
            )
        for shard in held:
            for reason, rows in found[shard.name].items():
                leaves = rows & alive[shard.name]
                leaves[list(shard.texts)] = False
                shard.state[leaves], shard.step[leaves] = DROPPED, number
                shard.bits[leaves] = np.uint64(1 << self.plan.reasons.index(reason))
                shard.reason[leaves] = self._place(reason)

    def _layers(self, shard: str, number: int, families: list[str]) -> dict[str, list[Path]]:
        """The files of each family, the newest edition's first."""
        stages = [stage for step, stage in reversed(self.snapshot.editions) if step < number]
        stages.append(self.snapshot.stage_of[shard])
        return {
            family: [
                entries[shard].path()
                for stage in stages
                if shard in (entries := self.snapshot.of_family(family, stage))
            ]
            for family in families
        }

    def _unknown(self, what: str) -> None:
        if what not in self.unknown:
            self.unknown.append(what)


def effect(step: dict[str, Any] | PlanStep) -> Any:
    """What a step does, without where its numbers come from."""
    said = step if isinstance(step, dict) else step.as_json()
    rules = {
        track: [
            {k: v for k, v in rule.items() if v is not None and k not in ("source", "variant")}
            for rule in some
        ]
        for track, some in said.get("rules", {}).items()
    }
    return {**said, "tracks": list(said.get("tracks", ())), "rules": rules}


def first_difference(old: dict[str, Any], new: Plan) -> int | None:
    """The first step in which two plans differ; None where they do the same."""
    steps = old["steps"]
    for number, step in enumerate(new.steps):
        if number >= len(steps) or effect(steps[number]) != effect(step):
            return number
    return len(new.steps) if len(steps) > len(new.steps) else None


def _flags(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(pc.fill_null(column, False), dtype=bool)
