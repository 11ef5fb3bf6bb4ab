"""What speaks for a verdict: the text that was judged, each signal beside its threshold, the offending passages.

A document's text has versions: as read, and after each edit of the plan that changed it. A rule judged the newest
version before its step, with the signals measured on that version.
"""

import difflib
import re
from dataclasses import dataclass
from typing import Any

from headwater.curate.presets import Rule
from headwater.curate.presets.show import show_bounds
from headwater.curate.scopes import track_of
from headwater.inspect.masked import masked
from headwater.inspect.snapshots import Snapshot, find_ids, row_at
from headwater.signals.explain import spans
from headwater.signals.privacy import CONTACTS

CONTEXT = 90  # characters shown on each side of an offending passage
EXCERPT = 520  # characters of an excerpt
LONGEST_MARK = 240  # of a marked passage that much is shown
COMPARED = 6_000  # characters of each of two duplicates that are compared for the excerpt
_TOKEN = re.compile(r"[A-Za-z0-9_']+|\s+|.", re.DOTALL)

Span = tuple[int, int]  # half-open, code points


@dataclass(frozen=True)
class Piece:
    """A stretch of an excerpt. `kind`: "text", "mark" (the passage in question) or "gap" (something left out)."""

    text: str
    kind: str = "text"


@dataclass(frozen=True)
class Cut:
    """What an edit took out, and why; offsets in the text as it was before that step. `before` and `after` are what
    stands next to it there, to the line's end."""

    step: int
    reason: str
    start: int
    end: int
    text: str
    before: str = ""
    after: str = ""
    partner: str | None = None  # the document that keeps its copy of a shared passage


@dataclass(frozen=True)
class Version:
    """A text as one stage holds it; `step` is -1 as read."""

    step: int
    stage: str
    text: str


@dataclass(frozen=True)
class Judgement:
    """One rule on one document."""

    step: int
    reason: str
    signal: str
    value: Any
    bounds: str  # what passes: "≥ 50, ≤ 100000"
    source: str
    failed: bool
    percentile: float | None = None  # share of the recipe's documents, as read, with a smaller value


@dataclass(frozen=True)
class Partner:
    """Whose duplicate a document is, with excerpts of both where they differ."""

    id: str
    similarity: float | None
    locator: str
    differs: bool
    here: tuple[Piece, ...]
    there: tuple[Piece, ...]


@dataclass(frozen=True)
class Case:
    """A document that left, and the passage for which it did."""

    id: str
    source: str
    locator: str
    url: str | None
    title: str | None
    language: str
    judgement: Judgement | None
    excerpt: tuple[Piece, ...]
    partner: Partner | None


def case_of(snapshot: Snapshot, shard: str, row: int, reason: str) -> Case:
    """The evidence for one reason of one document."""
    ledger = row_at(snapshot.ledger[shard].here(), row)
    document = row_at(snapshot.shards[shard].here(), row)
    versions, cuts = versions_of(snapshot, shard, row, document["text"])
    step = -1 if ledger["step"] is None else ledger["step"]
    judged = version_before(versions, step)
    judgements = judgements_of(snapshot, shard, row, ledger, versions)
    failed = next((j for j in judgements if j.failed and j.reason == reason and j.step == step), None)
    partner = partner_of(snapshot, ledger, judged.text)
    marks = [(cut.start, cut.end) for cut in cuts if cut.step == step]
    if failed is not None:
        marks = offending(failed.signal, judged.text)
    return Case(
        ledger["id"],
        document["source"],
        document["locator"],
        document["url"] and masked(document["url"]),
        document["title"] and masked(document["title"]),
        ledger["language"],
        failed,
        partner.here if partner is not None else excerpt(masked(judged.text), marks),
        partner,
    )


# ---------------------------------------------------------------- texts


def versions_of(snapshot: Snapshot, shard: str, row: int, text: str) -> tuple[list[Version], list[Cut]]:
    """Every version of one document, oldest first, and what the edits between them took out."""
    versions, cuts = [Version(-1, snapshot.stage_of[shard], text)], []
    for step, stage in snapshot.editions:
        entry = snapshot.workspace.stage(stage).entry(shard)
        if entry is None:
            continue
        edited = row_at(entry.here(), row)
        shown, kind = masked(versions[-1].text), snapshot.plan["steps"][step]["step"]
        cuts += [
            Cut(
                step,
                span.get("reason") or kind,
                span["start"],
                span["end"],
                shown[span["start"] : span["end"]],
                *beside(shown, span["start"], span["end"]),
                span.get("partner"),
            )
            for span in edited["spans"] or []
        ]
        if edited["text"] is not None:
            versions.append(Version(step, stage, edited["text"]))
    return versions, cuts


def beside(text: str, start: int, end: int) -> tuple[str, str]:
    """What stands before and after a stretch: the rest of its lines, or else the line next to it."""
    before, after = text[max(0, start - CONTEXT) : start].rstrip("\n"), text[end : end + CONTEXT].lstrip("\n")
    return before.rpartition("\n")[2], after.partition("\n")[0]


def version_before(versions: list[Version], step: int) -> Version:
    """The text that a step met; the newest for step -1 (a document that no step dropped)."""
    return versions[-1] if step < 0 else [version for version in versions if version.step < step][-1]


def offending(signal: str, text: str, values: dict[str, Any] | None = None) -> list[Span]:
    """The passages of a text that make a signal what it is; none for a signal of the whole text.

    `values`: what was measured on it, where the spans of word lists and of personal data are.
    """
    family, _, name = signal.partition(".")
    names = [f"{kind}_spans" for kind in (CONTACTS if name == "contacts" else (name,))]
    names = names if family == "privacy" else ["spans"]
    stored = [found for one in names if isinstance(found := (values or {}).get(f"{family}.{one}"), list)]
    if stored:
        return sorted((span["start"], span["end"]) for some in stored for span in some)
    return [(span[0], span[1]) for span in spans(signal, text)]


def excerpt(text: str, marks: list[Span], limit: int = EXCERPT) -> tuple[Piece, ...]:
    """The first marked passages with what stands around them; the beginning of the text where nothing is marked."""
    pieces: list[Piece] = []
    at = shown = 0
    for start, end in marks or [(0, 0)]:
        start = max(start, at)
        if end < start or (shown >= limit and pieces):
            continue
        low = max(at, start - CONTEXT)
        if low > at:
            pieces.append(Piece("…", "gap"))
        if low < start:
            pieces.append(Piece(text[low:start]))
        stop = min(end, start + LONGEST_MARK)
        if stop > start:
            pieces.append(Piece(text[start:stop], "mark"))
        if stop < end:
            pieces.append(Piece("…", "gap"))
        shown += stop - low
        at = end
        following = next((s for s, _ in marks if s >= end), None)
        tail = min(len(text), end + (CONTEXT if marks else limit))
        tail = tail if following is None else min(tail, following)
        if tail > at:
            pieces.append(Piece(text[at:tail]))
            shown, at = shown + tail - at, tail
    if at < len(text):
        pieces.append(Piece("…", "gap"))
    return tuple(pieces)


# ---------------------------------------------------------------- signals and rules


def values_of(snapshot: Snapshot, shard: str, row: int, version: Version) -> dict[str, Any]:
    """signal -> value, measured on that version; `<family>.errors` where a family failed."""
    values: dict[str, Any] = {}
    for family, entries in snapshot.signals(version.stage).items():
        if shard not in entries:
            continue
        measured = row_at(entries[shard].here(), row)
        values |= {name: value for name, value in measured.items() if name not in ("id", "errors")}
        if measured.get("errors"):
            values[f"{family}.errors"] = measured["errors"]
    return values


def judgements_of(
    snapshot: Snapshot, shard: str, row: int, ledger: dict[str, Any], versions: list[Version]
) -> list[Judgement]:
    """Every rule that judged the document, in order; after the step that dropped it there is none."""
    if ledger["split"] != "train":
        return []
    plan, found = snapshot.plan, []
    track = track_of(plan["tracks"], ledger["source"], ledger["language"])
    for number, step in enumerate(plan["steps"]):
        if ledger["step"] is not None and number > ledger["step"]:
            break
        if step["step"] != "rules" or track not in step["rules"]:
            continue
        version = [one for one in versions if one.step < number][-1]
        values = values_of(snapshot, shard, row, version)
        for said in step["rules"][track]:
            rule = Rule(**said)
            value = values.get(rule.signal)
            found.append(
                Judgement(
                    number,
                    rule.reason,
                    rule.signal,
                    value,
                    show_bounds(rule),
                    rule.source,
                    fails(rule, value),
                    snapshot.percentile(rule.signal, value),
                )
            )
    return found


def fails(rule: Rule, value: Any) -> bool:
    """Whether a value is outside of what the rule allows; what could not be measured is not."""
    if value is None or value != value:
        return False
    return (
        (rule.min is not None and value < rule.min)
        or (rule.max is not None and value > rule.max)
        or (rule.above is not None and value <= rule.above)
        or (rule.below is not None and value >= rule.below)
    )


# ---------------------------------------------------------------- duplicates


def partner_of(snapshot: Snapshot, ledger: dict[str, Any], text: str) -> Partner | None:
    """The duplicate that a document left for, with where the two differ."""
    if not ledger["partner"]:
        return None
    for shard, entry in snapshot.shards.items():
        for row, document in find_ids(entry.here(), ledger["partner"]):
            other = row_at(entry.here(), row)
            versions, _ = versions_of(snapshot, shard, row, other["text"])
            kept = version_before(versions, ledger["step"]).text
            return _compared(document, ledger["similarity"], other["locator"], text, kept)
    for texts in snapshot.indexed_texts():  # of an earlier corpus
        for row, document in find_ids(texts[-1], ledger["partner"]):
            found = [row_at(path, row) for path in texts]
            kept = next(one["text"] for one in found if one["text"] is not None)
            return _compared(document, ledger["similarity"], found[-1]["locator"], text, kept)
    return Partner(ledger["partner"], ledger["similarity"], "", False, excerpt(masked(text), []), ())


def _compared(document: str, similarity: float | None, locator: str, text: str, kept: str) -> Partner:
    mine, theirs = differences(text, kept)
    return Partner(
        document,
        similarity,
        locator,
        bool(mine or theirs),
        excerpt(masked(text), mine, EXCERPT // 2),
        excerpt(masked(kept), theirs, EXCERPT // 2),
    )


def differences(here: str, there: str) -> tuple[list[Span], list[Span]]:
    """Where the beginnings of two texts differ, word by word (character by character in Chinese)."""
    if here == there:
        return [], []
    tokens: list[list[str]] = [_TOKEN.findall(text[:COMPARED]) for text in (here, there)]
    matcher = difflib.SequenceMatcher(None, tokens[0], tokens[1])
    starts: list[list[int]] = []
    for some in tokens:
        places = [0]
        for token in some:
            places.append(places[-1] + len(token))
        starts.append(places)
    spans_here, spans_there = [], []
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind != "equal":
            if b > a:
                spans_here.append((starts[0][a], starts[0][b]))
            if d > c:
                spans_there.append((starts[1][c], starts[1][d]))
    return _closed(spans_here), _closed(spans_there)


def _closed(spans_found: list[Span], gap: int = 4) -> list[Span]:
    """Marks with hardly anything between them become one: easier to read."""
    closed: list[Span] = []
    for start, end in spans_found:
        if closed and start - closed[-1][1] <= gap:
            closed[-1] = (closed[-1][0], end)
        else:
            closed.append((start, end))
    return closed
