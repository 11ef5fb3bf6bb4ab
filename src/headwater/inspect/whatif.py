"""`headwater whatif`: what another threshold would change, without changing anything.

The answer is exact where no edit comes after the changed rules, whatever the size up to 20 million documents; where
one does, the documents that newly meet it are edited and measured again, and counted. Above 20 million a sample by
the hash in the ids answers, with an interval (Wilson's, at 95%), unless `exact` asks for all.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from heapq import nsmallest
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headwater.curate.plan import Plan, RulesStep, families_of
from headwater.curate.presets import Rule
from headwater.curate.presets.show import show_bounds
from headwater.curate.scopes import ANY, track_of
from headwater.errors import HeadwaterError, RecipeError
from headwater.inspect.evidence import version_before, versions_of
from headwater.inspect.intervals import wilson
from headwater.inspect.masked import masked
from headwater.inspect.replay import DROPPED, KEPT, Replay, Shard, effect, first_difference
from headwater.inspect.snapshots import Snapshot, open_workspace, row_at, snapshots
from headwater.inspect.visible import one_line
from headwater.pipeline.plan import plan_of, signals_of
from headwater.recipe import Recipe, load_recipe
from headwater.recipe.quantities import show_count, show_size
from headwater.signals import FAMILIES
from headwater.signals.families import families_of_recipe

SAMPLED_ABOVE = 20_000_000  # documents
SAMPLE = 2_000_000
BORDER = 20
BEGINNING = 160  # characters of a border document's text
STATES = ("kept", "dropped", "quarantined")


@dataclass(frozen=True)
class Group:
    """Documents and bytes kept of one source or language, before and after."""

    name: str
    before: int
    after: int
    bytes_before: int
    bytes_after: int


@dataclass(frozen=True)
class Effect:
    """What one rule removes under the new plan: in all, and alone (documents that no other rule of its step fails)."""

    reason: str
    removes: int
    alone: int


@dataclass(frozen=True)
class Border:
    """A document near the changed bound."""

    id: str
    signal: str
    value: float
    bound: str
    source: str
    language: str
    before: str
    after: str
    beginning: str


@dataclass
class WhatIf:
    recipe: str
    changed: list[str]  # the rules that differ, old and new
    documents: int  # in the ledger
    kept_before: int
    kept_after: int
    gained: int
    lost: int
    bytes_before: int
    bytes_after: int
    tokens_before: float | None  # by the training set's tokens a byte; None where there is no training set
    tokens_after: float | None
    exact: bool
    sampled: int | None = None  # documents looked at, where not all
    interval: tuple[int, int] | None = None  # of kept_after, 95%, of a sample
    measured_again: int = 0
    unknown: list[str] = field(default_factory=list)
    sources: list[Group] = field(default_factory=list)
    languages: list[Group] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    overlap: dict[str, dict[str, int]] = field(default_factory=dict)  # documents that fail both
    border: list[Border] = field(default_factory=list)
    ledger: str | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def whatif(
    recipe_path: Path,
    rules: Sequence[str] = (),
    *,
    overrides: Sequence[str] = (),
    workspace: Path | str | None = None,
    exact: bool = False,
    ledger: Path | None = None,
    sampled_above: int = SAMPLED_ABOVE,
    sample: int = SAMPLE,
) -> WhatIf:
    """What the recipe's ledger would be with other rules.

    `rules`: "gopher.words.min=20", "zh.han.share.min=0.4", "gopher.words.max=null"; `overrides`: as after --set, of
    `curate`; `ledger`: a file that the new ledger is written to, as Parquet (id, state, reason, reasons, step).
    """
    recipe = load_recipe(recipe_path, list(overrides))
    place = open_workspace(workspace or recipe.workspace_path)
    [snapshot] = snapshots(place, recipe.name)
    if not snapshot.ledger:
        raise HeadwaterError(f"{recipe.name} has no ledger yet: headwater curate {recipe_path}")
    plan = plan_of(with_rules(recipe, rules))
    first = first_difference(snapshot.plan, plan)
    _same_steps(snapshot.plan, plan)
    asked_for = {family for step in plan.steps for family in families_of(step)}
    if missing := sorted(asked_for - set(snapshot.families)):
        raise HeadwaterError(
            f"{', '.join(missing)} was not measured; headwater measure {recipe_path} --set "
            f"signals.families=[{','.join([*snapshot.families, *missing])}] measures it"
        )
    total = sum(entry.result["documents"] for entry in snapshot.ledger.values())
    share = 1.0 if exact or total <= sampled_above else sample / total
    families = families_of_recipe(recipe.signals, recipe.folder, asked_for)
    replay = Replay(snapshot, plan, len(plan.steps) if first is None else first, list(plan.reasons), families)
    tally = _Tally(plan, replay, _changed_bounds(snapshot.plan, plan))
    writer = _LedgerWriter(ledger, replay) if ledger is not None else None
    try:
        for shard in replay.shards(share):
            tally.add(shard)
            if writer is not None:
                writer.add(shard)
    finally:
        if writer is not None:
            writer.close()
    answer = tally.answer(recipe.name, _changes(snapshot.plan, plan), total)
    answer.ledger = None if ledger is None else str(ledger)
    return answer


def with_rules(recipe: Recipe, rules: Sequence[str]) -> Recipe:
    """The recipe with more rules, written as KEY=VALUE."""
    signals = signals_of(recipe)
    added: dict[str, dict[str, Any]] = {track: dict(some) for track, some in recipe.curate.rules.items()}
    for text in rules:
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals:
            raise RecipeError(f"--rule {text!r}: expected KEY=VALUE, as in gopher.words.min=20")
        track, _, rest = key.partition(".")
        told = any(rest.startswith(f"{signal}.") for signal in signals)
        if any(key.startswith(f"{signal}.") for signal in signals) or (track in FAMILIES and not told):
            track, rest = ANY, key
        added.setdefault(track, {})[rest] = _number(text, value.strip())
    curate = recipe.curate.model_copy(update={"rules": added})
    changed = recipe.model_copy(update={"curate": curate})
    return changed


def _number(text: str, value: str) -> float | None:
    if value in ("null", "none", ""):
        return None
    try:
        return float(value)
    except ValueError:
        raise RecipeError(f"--rule {text!r}: {value!r} is no number; null switches the bound off") from None


def _same_steps(old: dict[str, Any], new: Plan) -> None:
    before, after = [step["step"] for step in old["steps"]], [step.as_json()["step"] for step in new.steps]
    if before != after and "rules" not in before:
        raise HeadwaterError(
            "this ledger was made without rules, so there is no threshold to change: give the recipe curate.rules or a "
            "curate.preset (headwater presets list), then headwater curate; whatif answers from there"
        )
    if before != after:
        raise HeadwaterError(
            f"the ledger was made by the steps {', '.join(before)}; these would be {', '.join(after)}. That is another "
            "order of work, not another threshold: headwater curate, with the recipe changed, measures what it needs"
        )
    for number, (was, step) in enumerate(zip(old["steps"], new.steps, strict=True)):
        if was["step"] not in ("rules", "duplicates") and effect(was) != effect(step):
            raise HeadwaterError(
                f"step {number + 1} edits texts otherwise: headwater curate makes and measures them"
            )


@dataclass(frozen=True)
class Bound:
    """One side of a rule that is not what it was; `value` is the new bound, or the old one where it went."""

    step: int
    track: str
    signal: str
    side: str
    value: float


def _changed_bounds(old: dict[str, Any], new: Plan) -> list[Bound]:
    found = []
    for number, step in enumerate(new.steps):
        if isinstance(step, RulesStep):
            for track, before, after in _by_track(old["steps"][number]["rules"], step):
                for signal in sorted({*before, *after}):
                    was = before[signal].bounds if signal in before else {}
                    now = after[signal].bounds if signal in after else {}
                    found += [
                        Bound(number, track, signal, side, now.get(side, was.get(side, 0.0)))
                        for side in sorted({*was, *now})
                        if was.get(side) != now.get(side)
                    ]
    return found


def _by_track(
    was: dict[str, list[dict[str, Any]]], step: RulesStep
) -> list[tuple[str, dict[str, Rule], dict[str, Rule]]]:
    """Of every track its rules before and after, by signal; a track that is new had those of the wider one."""
    found = []
    for track in sorted({*was, *step.rules}):
        source, _, language = track.rpartition(":")
        before = was.get(track_of(list(was), source, language), [])
        after = step.rules.get(track_of(list(step.rules), source, language), ())
        found.append(
            (track, {rule["signal"]: Rule(**rule) for rule in before}, {rule.signal: rule for rule in after})
        )
    return found


def _changes(old: dict[str, Any], new: Plan) -> list[str]:
    lines = []
    for number, step in enumerate(new.steps):
        if not isinstance(step, RulesStep):
            if effect(old["steps"][number]) != effect(step):
                lines.append(f"step {number + 1}, {step.as_json()['step']}: other settings")
            continue
        for track, before, after in _by_track(old["steps"][number]["rules"], step):
            for signal in sorted({*before, *after}):
                a, b = (show_bounds(side[signal]) if signal in side else "none" for side in (before, after))
                if a != b:
                    lines.append(f"{'' if track == ANY else track + ': '}{signal} {a} → {b}")
    return lines


# ---------------------------------------------------------------- what it adds up to


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


class _Tally:
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
        values, _ = self.replay.values(shard, bound.signal, bound.step, came)
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
            document = row_at(snapshot.shards[near.shard].path(), near.row, ["text"])
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


class _LedgerWriter:
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
        self.replay = replay
        path.parent.mkdir(parents=True, exist_ok=True)
        self.writer = pq.ParquetWriter(path, self.SCHEMA, compression="zstd", compression_level=1)

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

    def close(self) -> None:
        self.writer.close()


# ---------------------------------------------------------------- for a terminal


def lines_of(answer: WhatIf) -> list[str]:
    """Plain lines; nothing in a document can command the terminal."""
    lines = [f"{answer.recipe}: {change}" for change in answer.changed] or [
        f"{answer.recipe}: no rule changes"
    ]
    lines.append(_how(answer))
    kept = f"{answer.kept_before:,} → {answer.kept_after:,} of {answer.documents:,}"
    lines.append(f"documents {kept} (+{answer.gained:,}, −{answer.lost:,})")
    if answer.interval is not None:
        lines.append(f"          95% interval {answer.interval[0]:,} to {answer.interval[1]:,}")
    lines.append(f"bytes     {show_size(answer.bytes_before)} → {show_size(answer.bytes_after)}")
    if answer.tokens_before is not None and answer.tokens_after is not None:
        tokens = f"about {show_count(round(answer.tokens_before))} → {show_count(round(answer.tokens_after))}"
        lines.append(f"tokens    {tokens} (by the training set's tokens a byte)")
    for title, groups in (("source", answer.sources), ("language", answer.languages)):
        changed = [group for group in groups if group.before != group.after]
        lines += [
            f"{title:<9} {one_line(g.name, 24):<24} {g.before:>10,} → {g.after:,}" for g in changed[:20]
        ]
        lines += [f"{'':<9} and {len(changed) - 20} more"] if len(changed) > 20 else []
    if answer.effects:
        lines += ["", f"{'rule':<40} {'removes':>10} {'alone':>10}"]
        lines += [f"{one.reason:<40} {one.removes:>10,} {one.alone:>10,}" for one in answer.effects]
    lines += _overlap_lines(answer)
    if answer.border:
        lines += ["", "nearest to the changed bounds"]
    for border in answer.border:
        verdict = border.before if border.before == border.after else f"{border.before} → {border.after}"
        lines.append(f"{border.id[:12]} {border.signal} {border.value:.4g} ({border.bound}) {verdict}")
        lines.append(f"  │ {one_line(border.beginning, 76)}")
    if answer.ledger is not None:
        lines += ["", f"ledger    {answer.ledger}"]
    return lines


def _how(answer: WhatIf) -> str:
    if answer.sampled is not None:
        return f"estimated from {answer.sampled:,} documents, drawn by their ids; --exact looks at all"
    again = (
        f"; {answer.measured_again:,} documents edited and measured again" if answer.measured_again else ""
    )
    if answer.unknown:
        return f"not exact: not known is {'; '.join(answer.unknown)}{again}"
    return f"exact{again}"


def _overlap_lines(answer: WhatIf) -> list[str]:
    """How many documents fail each two of the rules that remove the most."""
    names = [effect.reason for effect in answer.effects[:8]]
    if len(names) < 2:
        return []
    lines = ["", "documents that fail both " + " ".join(f"{n:>8}" for n in range(1, len(names) + 1))]
    for number, one in enumerate(names, start=1):
        cells = " ".join(f"{answer.overlap[one][other]:>8,}" for other in names)
        lines.append(f"{number} {one[:22]:<22} {cells}")
    return lines
