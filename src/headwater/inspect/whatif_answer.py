"""What `headwater whatif` says: its answer as data, and as lines for a terminal."""

from dataclasses import asdict, dataclass, field
from typing import Any

from headwater.inspect.visible import one_line
from headwater.recipe.quantities import show_count, show_size


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
