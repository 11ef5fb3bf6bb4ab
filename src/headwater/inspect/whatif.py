"""`headwater whatif`: what another threshold would change, without changing anything.

The answer is exact where no edit comes after the changed rules, whatever the size up to 20 million documents; where
one does, the documents that newly meet it are edited and measured again, and counted. Above 20 million a sample by
the hash in the ids answers, with an interval (Wilson's, at 95%), unless `exact` asks for all.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headwater.curate.plan import Plan
from headwater.curate.presets import Rule
from headwater.curate.presets.show import show_bounds
from headwater.curate.scopes import ANY, track_of
from headwater.curate.steps import RulesStep, families_of
from headwater.errors import HeadwaterError, RecipeError
from headwater.inspect.replay import Replay, first_difference, same_effect
from headwater.inspect.snapshots import open_workspace, snapshots
from headwater.inspect.whatif_answer import WhatIf
from headwater.inspect.whatif_tally import Bound, LedgerWriter, Tally
from headwater.pipeline.plan import plan_of, signals_of
from headwater.recipe import Recipe, load_recipe
from headwater.signals import FAMILIES
from headwater.signals.families import families_of_recipe

SAMPLED_ABOVE = 20_000_000  # documents
SAMPLE = 2_000_000


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
        raise snapshot.no_ledger(recipe_path)
    plan = plan_of(with_rules(recipe, rules))
    first = first_difference(snapshot.plan, plan)
    _same_steps(snapshot.plan, plan)
    asked_for = {family for step in plan.steps for family in families_of(step)}
    if missing := sorted(asked_for - set(snapshot.families)):
        raise HeadwaterError(
            f"{', '.join(missing)} was not measured; headwater measure {recipe_path} --set "
            f"signals.families=[{','.join([*snapshot.families, *missing])}] measures it"
        )
    if recipe.signals.languages != snapshot.record["recipe"]["signals"].get("languages"):
        raise HeadwaterError(
            f"signals.languages is not what this ledger was made with: headwater curate {recipe_path} measures what it needs"
        )
    total = sum(entry.result["documents"] for entry in snapshot.ledger.values())
    share = 1.0 if exact or total <= sampled_above else sample / total
    families = families_of_recipe(recipe.signals, recipe.folder, asked_for)
    replay = Replay(snapshot, plan, len(plan.steps) if first is None else first, list(plan.reasons), families)
    tally = Tally(plan, replay, _changed_bounds(snapshot.plan, plan))
    writer = LedgerWriter(ledger, replay) if ledger is not None else None
    whole = False
    try:
        for shard in replay.shards(share):
            tally.add(shard)
            if writer is not None:
                writer.add(shard)
        whole = True
    finally:
        if writer is not None:
            writer.close(whole=whole)
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
    for number, kind in enumerate(before):
        if kind not in ("rules", "duplicates") and not same_effect(old, new, number):
            raise HeadwaterError(
                f"step {number + 1} edits texts otherwise: headwater curate makes and measures them"
            )


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
            if not same_effect(old, new, number):
                lines.append(f"step {number + 1}, {step.as_json()['step']}: other settings")
            continue
        for track, before, after in _by_track(old["steps"][number]["rules"], step):
            for signal in sorted({*before, *after}):
                a, b = (show_bounds(side[signal]) if signal in side else "none" for side in (before, after))
                if a != b:
                    lines.append(f"{'' if track == ANY else track + ': '}{signal} {a} → {b}")
    return lines
