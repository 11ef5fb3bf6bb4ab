"""What a replayed ledger adds up to: counts by source and language, what each rule removes, the documents at the border,
and the new ledger as a file. Shard by shard, in memory that does not grow with the corpus."""

from collections import Counter
from dataclasses import dataclass
from heapq import nsmallest
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headwater.curate.plan import Plan
from headwater.engine.workspace import commit_file
from headwater.inspect.evidence import version_before, versions_of
from headwater.inspect.intervals import wilson
from headwater.inspect.masked import masked
from headwater.inspect.met import DROPPED, KEPT, Shard
from headwater.inspect.replay import Replay
from headwater.inspect.snapshots import Snapshot, row_at
from headwater.inspect.whatif_answer import Border, Effect, Group, WhatIf

BORDER = 20
BEGINNING = 160  # characters of a border document's text
STATES = ("kept", "dropped", "quarantined")


@dataclass(frozen=True)
class Bound:
    """One side of a rule that is not what it was; `value` is the new bound, or the old one where it went."""

    step: int
    track: str
    signal: str
    side: str
    value: float


@dataclass(frozen=True)
class Near:
    apart: float
    bound: Bound
    above: bool  # its value is at the bound or above it
    shard: str
    row: int
    id: str
    source: str
    language: str
    value: float
    before: str
    after: str


class Tally:
    """Counts over shards, one at a time."""

    def __init__(self, plan: Plan, replay: Replay, changed: list[Bound]) -> None:
        self.plan, self.replay, self.changed = plan, replay, changed
        self.looked = self.gained = self.lost = 0
        # (source, language) -> documents and bytes kept before, and after
        self.groups: dict[tuple[str, str], np.ndarray] = {}
        self.patterns: Counter[tuple[int, int]] = Counter()  # (step, bits) -> documents
        self.near: list[Near] = []

    def add(self, shard: Shard) -> None:
        wanted = shard.wanted
        self.looked += int(wanted.sum())
        train = shard.train & wanted
        before, after = train & (shard.before == KEPT), train & (shard.state == KEPT)
        self.gained += int((after & ~before).sum())
        self.lost += int((before & ~after).sum())
        sources, languages = (
            shard.table[name].combine_chunks().dictionary_encode() for name in ("source", "language")
        )
        places = (
            sources.indices.to_numpy().astype(np.int64) * len(languages.dictionary)
            + languages.indices.to_numpy()
        )
        size = len(sources.dictionary) * len(languages.dictionary)
        kept = shard.table["bytes_kept"].to_numpy()
        columns = [
            np.bincount(places[rows], weights=weights[rows] if weights is not None else None, minlength=size)
            for rows, weights in ((before, None), (before, kept), (after, None), (after, shard.bytes))
        ]
        for place in np.flatnonzero(columns[0] + columns[2]).tolist():
            key = (
                sources.dictionary[place // len(languages.dictionary)].as_py(),
                languages.dictionary[place % len(languages.dictionary)].as_py(),
            )
            row = np.array([column[place] for column in columns])
            self.groups[key] = self.groups.get(key, np.zeros(4)) + row
        self._patterns(shard, train)
        for bound in self.changed:
            self._border(shard, train, bound)

    def _patterns(self, shard: Shard, train: np.ndarray) -> None:
        dropped = train & (shard.state == DROPPED)
        for number in np.unique(shard.step[dropped]).tolist():
            bits, counts = np.unique(shard.bits[dropped & (shard.step == number)], return_counts=True)
            for pattern, count in zip(bits.tolist(), counts.tolist(), strict=True):
                self.patterns[number, pattern] += count

    def _border(self, shard: Shard, train: np.ndarray, bound: Bound) -> None:
        """The documents nearest to a changed bound, on both of its sides."""
        came = train & ((shard.before == KEPT) | (shard.before_step >= bound.step))
        came &= np.asarray(pc.equal(self.replay.tracks(shard), bound.track), dtype=bool)
        values, _ = self.replay.met.values(shard, bound.signal, bound.step, came)
        many = max(1, BORDER // (2 * len(self.changed)))
        apart = np.where(came, values - bound.value, np.nan)
        for rows in (np.flatnonzero(apart >= 0), np.flatnonzero(apart < 0)):
            nearest = rows[np.argsort(np.abs(apart[rows]), kind="stable")[:many]]
            here = [self._near(shard, bound, row, float(values[row])) for row in nearest.tolist()]
            same = [n for n in self.near if here and (n.bound, n.above) == (here[0].bound, here[0].above)]
            others = [n for n in self.near if n not in same]
            self.near = others + nsmallest(many, same + here, key=lambda n: (n.apart, n.shard, n.row))

    def _near(self, shard: Shard, bound: Bound, row: int, value: float) -> Near:
        document, source, language = (shard.table[name][row].as_py() for name in ("id", "source", "language"))
        before, after = STATES[shard.before[row]], STATES[shard.state[row]]
        above = value >= bound.value
        return Near(
            abs(value - bound.value),
            bound,
            above,
            shard.name,
            row,
            document,
            source,
            language,
            value,
            before,
            after,
        )

    def answer(self, name: str, changes: list[str], total: int) -> WhatIf:
        scale = total / self.looked if self.looked else 1.0
        snapshot = self.replay.snapshot
        sums = sum(self.groups.values(), np.zeros(4))
        rate = tokens_per_byte(snapshot)
        effects, overlap = self._effects(scale)
        interval = None
        if self.looked < total:
            low, high = wilson(int(sums[2]), self.looked)
            interval = (round(low * total), round(high * total))
        return WhatIf(
            name, changes, total, round(sums[0] * scale), round(sums[2] * scale), round(self.gained * scale),
            round(self.lost * scale), round(sums[1] * scale), round(sums[3] * scale),
            None if rate is None else sums[1] * scale * rate, None if rate is None else sums[3] * scale * rate,
            self.looked == total and not self.replay.unknown,
            None if self.looked == total else self.looked, interval, self.replay.measured_again,
            self.replay.unknown, self._grouped(0, scale), self._grouped(1, scale), effects, overlap,
            self._borders(snapshot),
        )  # fmt: skip

    def _grouped(self, part: int, scale: float) -> list[Group]:
        sums: dict[str, np.ndarray] = {}
        for key, row in self.groups.items():
            sums[key[part]] = sums.get(key[part], np.zeros(4)) + row
        return [
            Group(name, *(round(value * scale) for value in row[[0, 2, 1, 3]]))
            for name, row in sorted(sums.items(), key=lambda item: (-item[1][0], item[0]))
        ]

    def _effects(self, scale: float) -> tuple[list[Effect], dict[str, dict[str, int]]]:
        removes: Counter[str] = Counter()
        alone: Counter[str] = Counter()
        overlap: dict[str, Counter[str]] = {}
        for (_, pattern), count in self.patterns.items():
            names = [self.plan.reasons[bit] for bit in range(pattern.bit_length()) if pattern >> bit & 1]
            removes.update(dict.fromkeys(names, count))
            if len(names) == 1:
                alone[names[0]] += count
            for one in names:
                for other in names:
                    overlap.setdefault(one, Counter())[other] += count
        ordered = sorted(removes, key=lambda reason: (-removes[reason], reason))
        effects = [
            Effect(reason, round(removes[reason] * scale), round(alone[reason] * scale)) for reason in ordered
        ]
        return effects, {
            one: {other: round(overlap[one][other] * scale) for other in ordered} for one in ordered
        }

    def _borders(self, snapshot: Snapshot) -> list[Border]:
        found = []
        for near in sorted(self.near, key=lambda n: (n.bound.signal, n.bound.value, n.apart, n.shard, n.row)):
            document = row_at(snapshot.shards[near.shard].here(), near.row, ["text"])
            versions, _ = versions_of(snapshot, near.shard, near.row, document["text"])
            text = version_before(versions, near.bound.step).text
            found.append(
                Border(near.id, near.bound.signal, near.value, f"{near.bound.side} {near.bound.value:g}",
                       near.source, near.language, near.before, near.after,
                       masked(text[: 2 * BEGINNING])[:BEGINNING])
            )  # fmt: skip
        return found


def tokens_per_byte(snapshot: Snapshot) -> float | None:
    """Of the training set, by its own tokeniser."""
    folder = snapshot.training_set
    if folder is None or not (folder / "documents.parquet").is_file():
        return None
    table = pq.read_table(folder / "documents.parquet", columns=["length", "bytes"])
    size = pc.sum(table["bytes"]).as_py()
    return pc.sum(table["length"]).as_py() / size if size else None


class LedgerWriter:
    """The new ledger, a shard after another."""

    SCHEMA = pa.schema(
        [
            ("id", pa.string()),
            ("state", pa.string()),
            ("reason", pa.string()),
            ("reasons", pa.uint64()),
            ("step", pa.int16()),
        ]
    )

    def __init__(self, path: Path, replay: Replay) -> None:
        self.replay, self.path = replay, path
        self.temporary = path.with_name(f".{path.name}.tmp")
        path.parent.mkdir(parents=True, exist_ok=True)
        self.writer = pq.ParquetWriter(self.temporary, self.SCHEMA, compression="zstd", compression_level=1)

    def add(self, shard: Shard) -> None:
        table = shard.table
        changed = pa.array(shard.reason > -2)
        names = pa.array([*self.replay.reasons, None], pa.string())
        reason = names.take(pa.array(np.where(shard.reason < 0, len(self.replay.reasons), shard.reason)))
        state = pa.array(["kept", "dropped", "quarantined"]).take(pa.array(shard.state))
        columns = [
            table["id"],
            pc.if_else(changed, state, table["state"]),
            pc.if_else(changed, reason, table["reason"]),
            pa.array(shard.bits, pa.uint64()),
            pc.if_else(
                pa.array(shard.step >= 0), pa.array(shard.step.astype(np.int16)), pa.scalar(None, pa.int16())
            ),
        ]
        written = pa.Table.from_arrays(columns, schema=self.SCHEMA)
        self.writer.write_table(written.filter(pa.array(shard.wanted)) if not shard.wanted.all() else written)

    def close(self, *, whole: bool) -> None:
        """Gives the file its name where all shards are in it; else nothing is left of it."""
        self.writer.close()
        if whole:
            commit_file(self.temporary, self.path)
        else:
            self.temporary.unlink(missing_ok=True)
