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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headwater.curate import scopes
from headwater.curate.decisions import FAILED, track_of
from headwater.curate.edits import edit
from headwater.curate.plan import Plan
from headwater.curate.presets import Rule
from headwater.curate.rules import fails_rule
from headwater.curate.steps import DuplicatesStep, LinesStep, PlanStep, RulesStep, families_of
from headwater.inspect.duplicates import Alive, find_again
from headwater.inspect.met import DROPPED, KEPT, LEFT_OTHERWISE, Met, Shard, flags
from headwater.inspect.snapshots import Snapshot
from headwater.signals.families import Family

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


@dataclass
class Replay:
    """A plan replayed. `reasons`: names, the new plan's first; `unknown`: what the answer does not know, in words."""

    snapshot: Snapshot
    plan: Plan
    first: int  # the first step that differs
    reasons: list[str]
    families: dict[str, Family]  # the recipe's: what measures a text anew
    unknown: list[str] = field(default_factory=list)

    @cached_property
    def met(self) -> Met:
        rules = (step.rules for step in self.plan.steps if isinstance(step, RulesStep))
        named = frozenset(rule.signal for by_track in rules for some in by_track.values() for rule in some)
        return Met(self.snapshot, self.families, named)

    @property
    def measured_again(self) -> int:
        """Documents whose edits or signals were made again."""
        return sum(map(len, self.met.again.values()))

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
        table = pq.read_table(self.snapshot.ledger[name].here(), columns=LEDGER)
        names = pc.index_in(table["state"], value_set=pa.array(["kept", "dropped"]))
        before = pc.fill_null(names, LEFT_OTHERWISE).to_numpy().astype(np.uint8)
        step = pc.fill_null(table["step"].cast(pa.int32()), -1).to_numpy().astype(np.int32)
        wanted = np.ones(table.num_rows, bool)
        if sample < 1:
            wanted = flags(pc.less(table["id"], f"{int(sample * 16**8):08x}"))
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
        return number < len(steps) and same_effect(self.snapshot.plan, self.plan, number)

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
            here = rows & flags(pc.equal(tracks, track))
            if here.any():
                self._judge_track(shard, here, number, list(rules))

    def _judge_track(self, shard: Shard, rows: np.ndarray, number: int, rules: list[Rule]) -> None:
        first = np.full(len(rows), -1)
        bits, lost = np.zeros(len(rows), np.uint64), np.full(len(rows), -1)
        for place, rule in enumerate(rules):
            values, failed = self.met.values(shard, rule.signal, number, rows)
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

    # ---------------------------------------------------------------- edits and duplicates

    def _edit(self, shard: Shard, rows: np.ndarray, number: int, step: LinesStep) -> None:
        """An edit for documents that had not met it."""
        tracks = self.tracks(shard)
        rows = rows & flags(pc.is_in(tracks, value_set=pa.array(list(step.tracks))))
        if not rows.any():
            return
        if step.settings.repeated is not None:
            self._unknown("which lines are repeated in the corpus, now that other documents have a say in it")
        for row, text in self.met.texts(shard, rows, number):
            done = edit(text, step.settings)
            self.met.edited(shard, row)
            if done.dropped is not None:
                shard.state[row], shard.step[row] = DROPPED, number
                shard.bits[row] = np.uint64(1 << self.plan.reasons.index(done.dropped))
                shard.reason[row] = self._place(done.dropped)
            elif done.text is not None and done.text != text:
                shard.texts[row] = done.text
                shard.bytes[row] = len(done.text.encode())

    def _duplicates(self, held: list[Shard], number: int, step: DuplicatesStep) -> None:
        alive, changed = {}, False
        for shard in held:
            tracks = self.tracks(shard)
            now = shard.train & shard.wanted & (shard.state == KEPT)
            now &= flags(pc.is_in(tracks, value_set=pa.array(list(step.tracks))))
            came = shard.train & shard.wanted & ((shard.before == KEPT) | (shard.before_step >= number))
            came &= flags(pc.is_in(tracks, value_set=pa.array(list(step.tracks))))
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
                        self.snapshot.shards[shard.name].here(),
                        self.met.layers(shard.name, number, sorted(families_of(step))),
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

    def _unknown(self, what: str) -> None:
        if what not in self.unknown:
            self.unknown.append(what)


def effect(step: dict[str, Any] | PlanStep) -> Any:
    """What a step does to the documents of its tracks, without where its numbers come from."""
    said = step if isinstance(step, dict) else step.as_json()
    rules = {
        track: [
            {k: v for k, v in rule.items() if v is not None and k not in ("source", "variant")}
            for rule in some
        ]
        for track, some in said.get("rules", {}).items()
    }
    return {**said, "tracks": list(said.get("tracks", ())), "rules": rules}


def same_effect(old: dict[str, Any], new: Plan, number: int) -> bool:
    """Whether step `number` of two plans does the same to the same documents: a plan with a track of its own for a
    language that another leaves to "*" may still concern the same."""
    was, now = effect(old["steps"][number]), effect(new.steps[number])
    among = sorted({*old["tracks"], *new.tracks})
    return {**was, "tracks": None} == {**now, "tracks": None} and (
        _concerned(was["tracks"], old["tracks"], among) == _concerned(now["tracks"], new.tracks, among)
    )


def _concerned(tracks: Sequence[str], plan: Sequence[str], among: Sequence[str]) -> list[str]:
    """Of the tracks of both plans those whose documents a step of one of them concerns."""
    places = [track.rpartition(":") for track in among]
    return [
        track
        for track, (source, _, language) in zip(among, places, strict=True)
        if scopes.track_of(plan, source, language) in tracks
    ]


def first_difference(old: dict[str, Any], new: Plan) -> int | None:
    """The first step in which two plans differ; None where they do the same."""
    steps = old["steps"]
    for number in range(len(new.steps)):
        if number >= len(steps) or not same_effect(old, new, number):
            return number
    return len(new.steps) if len(steps) > len(new.steps) else None
