"""The funnel of a recipe: what was read, what left at which step and why, what the training set holds.

Documents, bytes and tokens for every source and step; the most frequent reasons with documents as examples; the
account of every input file, checked: read = documents + gated + quarantined, and documents = kept + dropped +
gated + quarantined of the ledger. Counts come from committed shards, one shard in memory at a time.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headwater.engine.workspace import Entry
from headwater.inspect.evidence import Case, case_of
from headwater.inspect.snapshots import Snapshot

LEDGER_COLUMNS = ["id", "source", "split", "state", "reason", "step", "bytes", "bytes_kept", "edits"]


@dataclass(frozen=True)
class Amount:
    """`tokens` is counted in the training set, and estimated from its bytes per token elsewhere."""

    documents: int = 0
    bytes: int = 0
    tokens: float | None = None

    def __add__(self, other: "Amount") -> "Amount":
        tokens = (
            None if self.tokens is None and other.tokens is None else (self.tokens or 0) + (other.tokens or 0)
        )
        return Amount(self.documents + other.documents, self.bytes + other.bytes, tokens)


@dataclass(frozen=True)
class Level:
    """What is left at one point of the flow, by source."""

    kind: Literal["documents", "heldout", "train", "step", "kept", "training_set"]
    name: str  # of the plan's step, else ""
    sources: dict[str, Amount]

    @property
    def total(self) -> Amount:
        return reduce(Amount.__add__, self.sources.values(), Amount())


@dataclass(frozen=True)
class Reason:
    """Why documents left, at which step of the plan; None where they left before any."""

    name: str
    state: str
    step: int | None
    documents: int
    bytes: int
    examples: tuple[Case, ...] = ()


@dataclass(frozen=True)
class FileAccount:
    """One input file: records read and what became of them."""

    source: str
    file: str
    read: int
    documents: int
    gated: dict[str, int]
    quarantined: dict[str, int]
    bytes: int
    states: dict[str, int] = field(default_factory=dict)  # its documents in the ledger; empty without one

    @property
    def balanced(self) -> bool:
        lost = sum(self.gated.values()) + sum(self.quarantined.values())
        in_ledger = not self.states or sum(self.states.values()) == self.documents
        return self.read == self.documents + lost and in_ledger


@dataclass(frozen=True)
class Funnel:
    recipe: str
    sources: tuple[str, ...]
    levels: tuple[Level, ...]
    reasons: tuple[Reason, ...]
    files: tuple[FileAccount, ...]
    edited: int = 0  # kept documents that an edit changed
    characters_removed: int = 0  # by these edits

    @property
    def balanced(self) -> bool:
        return all(file.balanced for file in self.files)

    def level(self, kind: str) -> Level | None:
        return next((level for level in self.levels if level.kind == kind), None)


def funnel(snapshot: Snapshot, *, examples: int = 3, reasons: int = 8) -> Funnel:
    """The funnel of one recipe; `examples` documents (lowest ids) for each of the `reasons` most frequent reasons."""
    sources = tuple(snapshot.record["documents"])
    shards = [(s, e) for s in sources for e in snapshot.of_source(s)]
    tally = _Tally(examples)
    for entry in snapshot.ledger.values():
        tally.add(entry)
    levels = _levels(snapshot, sources, shards, tally)
    found = [
        Reason(reason, state, None if step < 0 else step, count, tally.reason_bytes[reason, state, step])
        for (reason, state, step), count in sorted(
            tally.reasons.items(), key=lambda item: (-item[1], item[0])
        )
    ]
    shown = [_with_examples(snapshot, reason, tally) for reason in found[:reasons]] + found[reasons:]
    return Funnel(
        snapshot.name,
        sources,
        tuple(levels),
        tuple(shown),
        tuple(_files(snapshot, shards)),
        tally.edited,
        tally.removed,
    )


# ---------------------------------------------------------------- counting the ledger


class _Tally:
    """What the ledger's shards add up to."""

    def __init__(self, examples: int) -> None:
        self.examples = examples
        # (source, split, state, step)
        self.amounts: dict[tuple[str, str, str, int], Amount] = defaultdict(Amount)
        self.kept: dict[str, Amount] = defaultdict(Amount)  # source -> final text
        self.reasons: Counter[tuple[str, str, int]] = Counter()  # reason, state, step
        self.reason_bytes: Counter[tuple[str, str, int]] = Counter()
        # the same key -> (id, shard, row)
        self.found: dict[tuple[str, str, int], list[tuple[str, str, int]]] = defaultdict(list)
        self.edited = self.removed = 0

    def add(self, entry: Entry) -> None:
        table = pq.read_table(entry.here(), columns=LEDGER_COLUMNS)
        table = table.set_column(
            table.column_names.index("step"), "step", pc.fill_null(table["step"].cast(pa.int32()), -1)
        ).set_column(table.column_names.index("reason"), "reason", pc.fill_null(table["reason"], ""))
        groups = table.group_by(["source", "split", "state", "step", "reason"], use_threads=False)
        for row in groups.aggregate([("id", "count"), ("bytes", "sum"), ("bytes_kept", "sum")]).to_pylist():
            amount = Amount(row["id_count"], row["bytes_sum"] or 0)
            left = row["state"] != "kept"
            step = row["step"] if left else -1
            self.amounts[row["source"], row["split"], row["state"], step] += amount
            if left:
                key = (row["reason"], row["state"], step)
                self.reasons[key] += amount.documents
                self.reason_bytes[key] += amount.bytes
            elif row["split"] == "train":
                self.kept[row["source"]] += Amount(amount.documents, row["bytes_kept_sum"] or 0)
        edits = pc.fill_null(table["edits"], 0)
        changed = pc.and_(pc.equal(table["state"], "kept"), pc.greater(edits, 0))
        self.edited += pc.sum(changed).as_py() or 0
        self.removed += pc.sum(edits.filter(changed)).as_py() or 0
        self._examples(entry.shard, table)

    def _examples(self, shard: str, table: pa.Table) -> None:
        left = table.select(["id", "reason", "state", "step"]).append_column(
            "row", pa.array(range(table.num_rows), pa.int64())
        )
        left = left.filter(pc.not_equal(left["state"], "kept")).sort_by("id")
        for reason in pc.unique(left["reason"]).to_pylist():
            counts: Counter[tuple[str, str, int]] = Counter()
            for row in left.filter(pc.equal(left["reason"], reason)).to_pylist():
                key = (reason, row["state"], row["step"])
                counts[key] += 1
                if counts[key] <= self.examples:
                    self.found[key] = sorted([*self.found[key], (row["id"], shard, row["row"])])[
                        : self.examples
                    ]


def _with_examples(snapshot: Snapshot, reason: Reason, tally: _Tally) -> Reason:
    places = tally.found[reason.name, reason.state, -1 if reason.step is None else reason.step]
    cases = tuple(case_of(snapshot, shard, row, reason.name) for _, shard, row in places)
    return Reason(reason.name, reason.state, reason.step, reason.documents, reason.bytes, cases)


# ---------------------------------------------------------------- levels and files


def _levels(
    snapshot: Snapshot, sources: tuple[str, ...], shards: list[tuple[str, Entry]], tally: _Tally
) -> list[Level]:
    read = {source: Amount() for source in sources}
    for source, entry in shards:
        read[source] += Amount(entry.result["documents"], entry.result["bytes"])
    levels = [Level("documents", "", read)]
    if snapshot.ledger:
        levels.append(
            Level("heldout", "", _sum(tally, sources, lambda split, state, step: split == "heldout"))
        )
        levels.append(Level("train", "", _sum(tally, sources, lambda split, state, step: split != "heldout")))
        for number, step in enumerate(snapshot.plan["steps"]):
            left = _sum(
                tally,
                sources,
                lambda split, state, at, n=number: split != "heldout" and (state == "kept" or at > n),
            )
            levels.append(Level("step", _step_name(step, snapshot.plan["presets"]), left))
        levels.append(Level("kept", "", {source: tally.kept[source] for source in sources}))
    if (training := _training(snapshot, sources)) is not None:
        levels.append(training)
        size, tokens = training.total.bytes, training.total.tokens or 0
        if size and tokens:
            levels = [
                level if level is training else Level(level.kind, level.name, {
                    source: Amount(amount.documents, amount.bytes, amount.bytes * tokens / size)
                    for source, amount in level.sources.items()
                })
                for level in levels
            ]  # fmt: skip
    return levels


def _step_name(step: dict[str, Any], presets: dict[str, str]) -> str:
    """`rules en: fineweb, zh: fineweb2-zh`."""
    tracks = list(step.get("rules") or step.get("tracks") or ())
    if step["step"] == "rules":
        named = [f"{track.removesuffix(':*')}: {presets[track]}" for track in tracks if track in presets]
        return " ".join(["rules", ", ".join(named)]).strip()
    return " ".join([step["step"], *(tracks if tracks and "*" not in tracks else [])])


def _sum(tally: _Tally, sources: tuple[str, ...], wanted: Any) -> dict[str, Amount]:
    sums = {source: Amount() for source in sources}
    for (source, split, state, step), amount in tally.amounts.items():
        if wanted(split, state, step):
            sums[source] += amount
    return sums


def _training(snapshot: Snapshot, sources: tuple[str, ...]) -> Level | None:
    folder = snapshot.training_set
    if folder is None or not (folder / "documents.parquet").is_file():
        return None
    table = pq.read_table(folder / "documents.parquet", columns=["source", "length", "bytes"])
    rows = table.group_by("source", use_threads=False).aggregate(
        [("source", "count"), ("length", "sum"), ("bytes", "sum")]
    )
    sums = {source: Amount(0, 0, 0) for source in sources}
    for row in rows.to_pylist():
        sums[row["source"]] = Amount(row["source_count"], row["bytes_sum"], row["length_sum"])
    return Level("training_set", "", sums)


def _files(snapshot: Snapshot, shards: list[tuple[str, Entry]]) -> list[FileAccount]:
    """A file that is split over several shards is one account."""
    sums: dict[tuple[str, str], FileAccount] = {}
    for source, entry in shards:
        ledger = snapshot.ledger.get(entry.shard)
        judged = ledger.result["files"] if ledger is not None else {}
        for file, counts in entry.result["files"].items():
            before = sums.get((source, file), FileAccount(source, file, 0, 0, {}, {}, 0))
            sums[source, file] = FileAccount(
                source,
                file,
                before.read + counts["read"],
                before.documents + counts["documents"],
                dict(Counter(before.gated) + Counter(counts["gated"])),
                dict(Counter(before.quarantined) + Counter(counts["quarantined"])),
                before.bytes + counts["bytes"],
                dict(Counter(before.states) + Counter(_states(judged.get(file)))),
            )
    return [sums[key] for key in sorted(sums)]


def _states(file: dict[str, Any] | None) -> dict[str, int]:
    """Documents by state, of one file's account in the ledger."""
    if file is None:
        return {}
    return {"kept": file["kept"]} | {
        state: sum(file[state].values()) for state in ("dropped", "gated", "quarantined")
    }
