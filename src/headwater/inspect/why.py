"""`headwater why`: what became of one document, in every recipe of the workspace, and what speaks for it."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from headwater.curate.plan import LEFT_OUT
from headwater.engine.workspace import Entry, Workspace
from headwater.errors import HeadwaterError
from headwater.inspect.evidence import (
    Cut,
    Judgement,
    Partner,
    Piece,
    excerpt,
    judgements_of,
    offending,
    partner_of,
    values_of,
    version_before,
    versions_of,
)
from headwater.inspect.masked import masked
from headwater.inspect.snapshots import Snapshot, find_ids, open_workspace, row_at, snapshots
from headwater.inspect.visible import one_line, visible, width

SHORTEST_PREFIX = 6
SHOWN_CUTS = 12
SHOWN_FAILING = 160  # characters of a failing rule's passages
COLUMNS = 80
PROVENANCE = ("source", "locator", "url", "title", "date", "license", "unit", "domain", "split")


@dataclass(frozen=True)
class Verdict:
    """One recipe's account of the document."""

    recipe: str
    state: str
    reason: str | None
    reasons: tuple[str, ...]  # every rule that failed
    step: str | None  # the plan's step that decided
    language: str
    bytes: int
    bytes_kept: int
    judgements: tuple[Judgement, ...]
    signals: dict[str, Any]  # measured on the newest text
    percentiles: dict[str, float]  # signal -> share of the documents, as read, with a smaller value
    failing: dict[str, tuple[Piece, ...]]  # signal of a rule that failed -> where in the text
    cuts: tuple[Cut, ...]
    partner: Partner | None
    excerpt: tuple[Piece, ...]


@dataclass(frozen=True)
class TakenDown:
    """A recipe whose take-down list the document is on: nothing that the recipe made holds it."""

    recipe: str
    source: str
    locator: str
    entry: str  # of the list, in normal form


@dataclass(frozen=True)
class Why:
    id: str
    provenance: dict[str, Any]
    verdicts: tuple[Verdict, ...]  # none before the first `headwater curate`
    taken_down: tuple[TakenDown, ...] = ()
    older: tuple[str, ...] = ()  # recipes whose ledger is older than the document

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def why(workspace: Workspace | Path | str, document: str) -> Why:
    """The document of that id, or of that beginning of an id (6 digits or more, one document).

    HeadwaterError where there is no such document, or there are several.
    """
    place = open_workspace(workspace)
    recipes = snapshots(place)
    wanted = document.strip().lower()
    found = {
        (recipe.name, shard, row): name
        for recipe in recipes
        for shard, entry in recipe.shards.items()
        for row, name in (find_ids(entry.here(), wanted) if len(wanted) >= SHORTEST_PREFIX else ())
    }
    taken = _taken_down(recipes, wanted) if len(wanted) >= SHORTEST_PREFIX else {}
    ids = sorted({*found.values(), *taken})
    if len(ids) != 1:
        raise HeadwaterError(_not_one(wanted, ids))
    by_name = {recipe.name: recipe for recipe in recipes}
    verdicts, provenance, older = [], dict[str, Any](), list[str]()
    for name, shard, row in found:
        recipe = by_name[name]
        read = row_at(recipe.shards[shard].here(), row)
        provenance = provenance or {key: masked(read[key]) for key in PROVENANCE if read[key] is not None}
        if shard in recipe.ledger and _id_at(recipe.ledger[shard], row) == read["id"]:
            verdicts.append(_verdict(recipe, shard, row, read["text"]))
        elif recipe.ledger or recipe.older:
            older.append(name)
    return Why(ids[0], provenance, tuple(verdicts), tuple(taken.get(ids[0], ())), tuple(older))


def _id_at(entry: Entry, row: int) -> str | None:
    """The id in one row of a ledger's shard; None where it has fewer rows."""
    rows = entry.result.get("documents", row + 1)
    return str(row_at(entry.here(), row, ["id"])["id"]) if row < rows else None


def _taken_down(recipes: list[Snapshot], prefix: str) -> dict[str, list[TakenDown]]:
    """By id: what was taken down of the documents whose id begins so."""
    found: dict[str, list[TakenDown]] = {}
    for recipe in recipes:
        stage = recipe.takedown["taken"]
        for entry in recipe.workspace.stage(stage).entries().values() if stage else ():
            for row, document in find_ids(entry.here(), prefix) if entry.result["taken"] else ():
                said = row_at(entry.here(), row)
                found.setdefault(document, []).append(
                    TakenDown(recipe.name, said["source"], said["locator"], said["entry"])
                )
    return found


def _verdict(recipe: Snapshot, shard: str, row: int, text: str) -> Verdict:
    entry = recipe.ledger[shard]
    ledger = row_at(entry.here(), row)
    versions, cuts = versions_of(recipe, shard, row, text)
    judgements = judgements_of(recipe, shard, row, ledger, versions)
    step = ledger["step"] if ledger["state"] != "kept" else None
    judged = version_before(versions, -1 if step is None else step)
    partner = partner_of(recipe, ledger, judged.text)
    marks = [(cut.start, cut.end) for cut in cuts if cut.step == step]
    steps = recipe.plan["steps"]
    values = values_of(recipe, shard, row, judged)
    for judgement in judgements:
        if judgement.failed and not marks:
            marks = offending(judgement.signal, judged.text, values)
    failing = {
        judgement.signal: excerpt(masked(judged.text), places, SHOWN_FAILING)
        for judgement in judgements
        if judgement.failed
        and judgement.step == step
        and (places := offending(judgement.signal, judged.text, values))
    }
    return Verdict(
        recipe.name,
        ledger["state"],
        ledger["reason"],
        tuple(name for bit, name in enumerate(entry.result["reasons"]) if ledger["reasons"] >> bit & 1),
        None if step is None else f"{step + 1} {steps[step]['step']}",
        ledger["language"],
        ledger["bytes"],
        ledger["bytes_kept"],
        tuple(judgements),
        values,
        {name: at for name, value in values.items() if (at := recipe.percentile(name, value)) is not None},
        failing,
        tuple(cuts),
        partner,
        partner.here if partner is not None else excerpt(masked(judged.text), marks),
    )


def _not_one(wanted: str, ids: list[str]) -> str:
    if len(wanted) < SHORTEST_PREFIX:
        return f"{wanted!r} is too short for a document's id; give its first {SHORTEST_PREFIX} digits or more"
    if not ids:
        return (
            f"no document's id begins with {one_line(wanted, 40)}; "
            'headwater sql "select id, title, locator from documents limit 20" lists some'
        )
    return f"{len(ids):,} documents' ids begin with {wanted}; one digit more: {', '.join(ids[:4])}"


# ---------------------------------------------------------------- for a terminal


def lines_of(answer: Why) -> list[str]:
    """Plain lines of at most 80 columns; nothing in the document can command the terminal."""
    lines = [f"document  {answer.id}"]
    lines += [f"{key:<9} {one_line(str(value), 200)}" for key, value in answer.provenance.items()]
    for taken in answer.taken_down:
        lines += [
            f"{taken.recipe}: gated, takedown",
            f"source    {one_line(taken.source, 200)}",
            f"locator   {one_line(taken.locator, 200)}",
            f"entry     {one_line(taken.entry, 200)} of the recipe's take-down list",
            "          nothing that this recipe has made since holds the document",
        ]
    lines += [
        f"verdict   {one_line(name, 40)}: its ledger is older than this document; "
        "headwater curate recipe.yaml makes it anew"
        for name in answer.older
    ]
    if not answer.verdicts and not answer.taken_down and not answer.older:
        lines.append("verdict   none yet: headwater curate recipe.yaml gives one")
    for verdict in answer.verdicts:
        lines += ["", *_verdict_lines(verdict)]
    return [part for line in lines for part in _wrapped(line)]


def _verdict_lines(verdict: Verdict) -> list[str]:
    head = f"{verdict.recipe}: {verdict.state}"
    if verdict.reason:
        head += f", {verdict.reason}" + (f" (step {verdict.step})" if verdict.step else "")
    lines = [head, "─" * min(COLUMNS, width(head))]
    lines.append(f"          {verdict.language}, {verdict.bytes:,} bytes read, {verdict.bytes_kept:,} kept")
    others = [reason for reason in verdict.reasons if reason != verdict.reason]
    if others:
        lines.append(f"also      {', '.join(others)}")
    for judgement in verdict.judgements:
        if judgement.reason == LEFT_OUT.reason:
            lines.append("  ✗ its source is left out (curate.leave_out)")
            continue
        mark = "·" if judgement.value is None else "✗" if judgement.failed else "✓"
        at = _percentile(judgement.percentile)
        lines.append(
            f"  {mark} {judgement.signal:<38} {_value(judgement.value):>10} {at:>5}  {judgement.bounds}"
        )
    shown = [one.signal for one in verdict.judgements if one.reason != LEFT_OUT.reason]
    for signal, pieces in verdict.failing.items():
        lines += [f"fails     {signal}", *_excerpt_lines(pieces)]
    for cut in verdict.cuts[:SHOWN_CUTS]:
        lines += _cut_lines(cut)
    if len(verdict.cuts) > SHOWN_CUTS:
        lines.append(f"edit      and {len(verdict.cuts) - SHOWN_CUTS:,} more")
    lines += _signal_lines(verdict, shown)
    if verdict.partner is not None:
        alike = "" if verdict.partner.similarity is None else f", similarity {verdict.partner.similarity:.2f}"
        lines.append(f"twin      {verdict.partner.id}{alike}  {one_line(verdict.partner.locator, 120)}")
    lines += ["text", *_excerpt_lines(verdict.excerpt)]
    if verdict.partner is not None and verdict.partner.there:
        lines += ["its twin's", *_excerpt_lines(verdict.partner.there)]
    return lines


def _cut_lines(cut: Cut) -> list[str]:
    """What an edit took out, as a difference: - before what went, a space before what stands around it."""
    where = f" (stays in {cut.partner})" if cut.partner else ""
    lines = [f"edit      step {cut.step + 1}: {cut.reason}{where}"]
    lines += [f"    {one_line(cut.before, 70)}"] if cut.before.strip() else []
    lines += [f"  - {one_line(line, 70)}" for line in cut.text.strip("\n").split("\n")[:4]]
    lines += (
        [f"  - … {cut.text.count(chr(10)) - 3} lines more"] if cut.text.strip("\n").count("\n") > 3 else []
    )
    return lines + ([f"    {one_line(cut.after, 70)}"] if cut.after.strip() else [])


def _signal_lines(verdict: Verdict, shown: list[str]) -> list[str]:
    """Every other number that was measured, and where it stands among the corpus."""
    rest = [
        f"  {name:<40} {_value(value):>10} {_percentile(verdict.percentiles.get(name)):>5}"
        for name, value in verdict.signals.items()
        if name not in shown and isinstance(value, int | float | str) and not isinstance(value, bool)
    ]
    return ["signals   (and the share of documents with less)", *rest] if rest else []


def _percentile(at: float | None) -> str:
    return "" if at is None else f"{at:.0%}"


def _excerpt_lines(pieces: tuple[Piece, ...]) -> list[str]:
    text = "".join(
        f"⟦{visible(piece.text)}⟧" if piece.kind == "mark" else visible(piece.text) for piece in pieces
    )
    return [f"  │ {line}" for line in text.split("\n")]


def _value(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else one_line(str(value), 24)


def _wrapped(line: str) -> list[str]:
    """Lines of at most 80 columns; what goes on is indented, and Chinese counts double."""
    indent = "  │ " if line.startswith("  │ ") else " " * 10
    parts, used, current = [], 0, ""
    for character in line:
        size = width(character)
        if used + size > COLUMNS:
            cut = current.rfind(" ", COLUMNS // 2)
            head, rest = (current, "") if cut < 0 else (current[:cut], current[cut + 1 :])
            parts.append(head)
            current = indent + rest
            used = width(current)
        current += character
        used += size
    return [part.rstrip() for part in [*parts, current]]
