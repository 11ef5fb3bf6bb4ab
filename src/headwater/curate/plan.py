"""`compile_plan`: the `curate` part of a recipe -> an ordered list of steps, with every reason numbered.

    preset: {en: fineweb, zh: fineweb2-zh}          decontaminate            every document
    lines: {repeated: 2}                       ->   lines                    every document
    order: [lines, rules, duplicates]               rules   en: …  zh: …     one step for several tracks
                                                    duplicates               zh (before its filters)
                                                    …

A document's *track* is its measured language, or "*" where the recipe has nothing of its own for that language.
Passes of different tracks concern different documents, so only the order within a track matters; rules of
several tracks that come up together are one step. A step that the recipe itself adds (`lines`, `duplicates`)
concerns all tracks at once: a text is a duplicate whatever its language was taken for.
"""

import difflib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from headwater.curate.presets import LineEdits, Pass, Preset, Rule, load_preset
from headwater.engine.workspace import content_key
from headwater.errors import RecipeError
from headwater.recipe.settings import Bloom, Curate, Decontaminate, Duplicates, Substring

ANY = "*"
MAX_REASONS = 64  # bits of the ledger's `reasons`
_SIDES = {"min": "above", "max": "below"}  # a recipe's bound replaces the preset's bound of that side


@dataclass(frozen=True)
class DecontaminateStep:
    settings: Decontaminate
    reasons = ("contaminated",)

    def as_json(self) -> dict[str, Any]:
        return {"step": "decontaminate", "settings": self.settings.model_dump(mode="json")}


@dataclass(frozen=True)
class RulesStep:
    rules: dict[str, tuple[Rule, ...]]  # by track

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(rule.reason for rules in self.rules.values() for rule in rules))

    @property
    def tracks(self) -> tuple[str, ...]:
        return tuple(self.rules)

    def as_json(self) -> dict[str, Any]:
        rules = {
            track: [
                rule.model_dump(include={"signal", "min", "max", "above", "below", "reason"})
                for rule in rules
            ]
            for track, rules in self.rules.items()
        }
        return {"step": "rules", "rules": rules}


@dataclass(frozen=True)
class LinesStep:
    tracks: tuple[str, ...]
    settings: LineEdits

    @property
    def reasons(self) -> tuple[str, ...]:
        c4 = ("c4_lorem_ipsum", "c4_curly_bracket", "c4_sentences") if self.settings.c4 else ()
        share = ("removed_share",) if self.settings.max_removed_share is not None else ()
        return (*c4, *share, "edited_empty")

    def as_json(self) -> dict[str, Any]:
        return {"step": "lines", "tracks": self.tracks, "settings": self.settings.model_dump(mode="json")}


@dataclass(frozen=True)
class DuplicatesStep:
    """Documents that leave as duplicates of whole documents."""

    tracks: tuple[str, ...]
    settings: Duplicates

    @property
    def reasons(self) -> tuple[str, ...]:
        asked = {
            "url": self.settings.url,
            "exact": self.settings.exact,
            "near": self.settings.near is not None,
        }
        return tuple(f"{kind}_duplicate" for kind, wanted in asked.items() if wanted)

    def as_json(self) -> dict[str, Any]:
        settings = self.settings.model_dump(mode="json", include={"url", "exact", "against"})
        near = self.settings.near
        settings |= {"near": near and {"similarity": near.similarity}, "keep": self.settings.policy}
        if self.settings.policy == "best":
            settings["quality"] = self.settings.quality
        return {"step": "duplicates", "tracks": self.tracks, "settings": settings}


@dataclass(frozen=True)
class BloomStep:
    tracks: tuple[str, ...]
    settings: Bloom
    reasons = ("bloom_duplicate",)

    def as_json(self) -> dict[str, Any]:
        return {"step": "bloom", "tracks": self.tracks, "settings": self.settings.model_dump(mode="json")}


@dataclass(frozen=True)
class PassagesStep:
    """Passages that occur elsewhere are cut. `duplicates`: whose copy stays, and the earlier corpus."""

    tracks: tuple[str, ...]
    settings: Substring
    duplicates: Duplicates
    reasons = ("shared_passages",)

    def as_json(self) -> dict[str, Any]:
        policy = self.duplicates.policy
        return {
            "step": "passages",
            "tracks": self.tracks,
            "settings": self.settings.model_dump(mode="json"),
            "keep": policy,
            "quality": self.duplicates.quality if policy == "best" else None,
            "against": self.duplicates.against,
        }


PlanStep = DecontaminateStep | RulesStep | LinesStep | DuplicatesStep | BloomStep | PassagesStep


@dataclass(frozen=True)
class Plan:
    tracks: tuple[str, ...]  # languages, and "*" last
    presets: dict[str, str]  # track -> name of its preset
    steps: tuple[PlanStep, ...]
    reasons: tuple[str, ...]  # reason k is bit k of `reasons`; a later step never renumbers an earlier one

    def prefix_key(self, steps: int) -> str:
        """Names what the first so many steps do: a change in a later one leaves it as it is."""
        return content_key(self.tracks, [step.as_json() for step in self.steps[:steps]])

    @property
    def key(self) -> str:
        return self.prefix_key(len(self.steps))

    def as_json(self) -> dict[str, Any]:
        """What the ledger keeps of it: tracks, presets, reasons by number, steps with their rules and sources."""
        steps = [step.as_json() for step in self.steps]
        for step, said in zip(self.steps, steps, strict=True):
            if isinstance(step, RulesStep):
                said["rules"] = {
                    track: [rule.model_dump(exclude_none=True) for rule in rules]
                    for track, rules in step.rules.items()
                }
        return {
            "tracks": list(self.tracks),
            "presets": self.presets,
            "reasons": list(self.reasons),
            "steps": steps,
        }


def compile_plan(settings: Curate, signals: Collection[str]) -> Plan:
    """The plan of a recipe. `signals`: every signal that a rule may name ("gopher.words").

    RecipeError names the key that is wrong and the nearest right one.
    """
    presets = _presets(settings)
    overrides = {
        track: _bounds(f"curate.rules.{track}", rules, signals) for track, rules in settings.rules.items()
    }
    for track in [*presets, *overrides]:
        if track != ANY and not re.fullmatch(r"[a-z]{2,3}", track):
            raise RecipeError(f'curate: {track!r} is no language; expected a code such as en or zh, or "*"')
    if settings.duplicates is not None and settings.duplicates.policy == "best":
        _known([settings.duplicates.quality.lstrip("-")], signals, "curate.duplicates.quality")
    tracks = (*sorted(({*presets, *overrides}) - {ANY}), ANY)
    passes = {track: _passes(track, presets, overrides, settings, signals) for track in tracks}
    steps = tuple(_in_order(settings, tracks, passes))
    reasons = tuple(dict.fromkeys(reason for step in steps for reason in step.reasons))
    if len(reasons) > MAX_REASONS:
        raise RecipeError(
            f"curate: {len(reasons)} reasons to drop a document; a plan may have {MAX_REASONS}: use fewer rules or presets"
        )
    return Plan(tracks, {track: preset.name for track, preset in presets.items()}, steps, reasons)


def _presets(settings: Curate) -> dict[str, Preset]:
    chosen = settings.preset
    if chosen is None:
        return {}
    return {
        track: load_preset(name)
        for track, name in ({ANY: chosen} if isinstance(chosen, str) else chosen).items()
    }


def _in_order(settings: Curate, tracks: tuple[str, ...], passes: dict[str, list[Pass]]) -> Iterator[PlanStep]:
    given = {"lines": settings.lines is not None, "rules": any(passes.values())}
    given["duplicates"] = settings.duplicates is not None and "duplicates" in settings.model_fields_set
    for name, wanted in given.items():
        if wanted and name not in settings.order:
            raise RecipeError(
                f"curate.order: {name} is not in it, but the recipe asks for it; add it or remove curate.{name}"
            )
    if settings.decontaminate is not None:
        yield DecontaminateStep(settings.decontaminate)
    for name in settings.order:
        if name == "lines" and settings.lines is not None:
            yield LinesStep(tracks, LineEdits(**settings.lines.model_dump()))
        elif name == "rules":
            yield from _side_by_side(passes)
        elif name == "duplicates" and settings.duplicates is not None:
            without = [t for t in tracks if not any(one.duplicates is not None for one in passes[t])]
            if without:
                yield from _duplicates(tuple(without), settings.duplicates)


def _side_by_side(passes: dict[str, list[Pass]]) -> Iterator[PlanStep]:
    waiting = {track: list(todo) for track, todo in passes.items() if todo}
    while waiting:
        judged = {track: tuple(todo[0].rules) for track, todo in waiting.items() if todo[0].rules is not None}
        if judged:
            yield RulesStep(judged)
            taken = list(judged)
        else:
            # tracks that do the same to their documents do it together
            first = next(iter(waiting.values()))[0]
            taken = [track for track, todo in waiting.items() if todo[0] == first]
            if first.lines is not None:
                yield LinesStep(tuple(taken), first.lines)
            elif first.duplicates is not None:
                for track in taken:  # a preset's duplicates are found within its language, as it says
                    yield from _duplicates((track,), first.duplicates)
        waiting = {track: todo[1:] if track in taken else todo for track, todo in waiting.items()}
        waiting = {track: todo for track, todo in waiting.items() if todo}


def _duplicates(tracks: tuple[str, ...], settings: Duplicates) -> Iterator[PlanStep]:
    """Whole documents first, so that what is cut by paragraph or passage is cut from documents that stay."""
    if settings.url or settings.exact or settings.near is not None:
        yield DuplicatesStep(tracks, settings)
    if settings.bloom is not None:
        yield BloomStep(tracks, settings.bloom)
    if settings.paragraphs:
        yield LinesStep(tracks, LineEdits(repeated=1, keep_first=True))
    if settings.substring is not None:
        yield PassagesStep(tracks, settings.substring, settings)


def _passes(
    track: str,
    presets: dict[str, Preset],
    overrides: dict[str, dict[str, Any]],
    settings: Curate,
    signals: Collection[str],
) -> list[Pass]:
    """What happens to the documents of a track at the place of "rules"."""
    preset = presets.get(track, presets.get(ANY))
    bounds: dict[str, dict[str, float | None]] = {}
    for name in (ANY, track):  # what is said for the language goes before what is said for all
        for signal, sides in overrides.get(name, {}).items():
            bounds[signal] = bounds.get(signal, {}) | sides
    passes: list[Pass] = []
    for one in preset.passes if preset is not None else ():
        if one.rules is not None:
            rules = [_overridden(rule, bounds.get(rule.signal, {})) for rule in one.rules]
            _known([rule.signal for rule in rules], signals, f"preset {preset.name if preset else ''}")
            passes.append(Pass(rules=[rule for rule in rules if rule.bounds]))
        elif one.duplicates is not None and "duplicates" in settings.model_fields_set:
            if settings.duplicates is not None:
                passes.append(Pass(duplicates=settings.duplicates))
        else:
            passes.append(one)
    in_preset = {rule.signal for one in passes for rule in one.rules or ()}
    new = [
        _overridden(Rule(signal=signal, source="recipe"), sides)
        for signal, sides in bounds.items()
        if signal not in in_preset
    ]
    if new := [rule for rule in new if rule.bounds]:
        places = [number for number, one in enumerate(passes) if one.rules is not None]
        if places:  # the text that a preset's last rules judge is the one that is kept
            last = passes[places[-1]].rules or []
            passes[places[-1]] = Pass(rules=[*last, *new])
        else:
            passes.append(Pass(rules=new))
    return _joined([one for one in passes if one.rules is None or one.rules])


def _joined(passes: list[Pass]) -> list[Pass]:
    """Rules with no edit between them are one pass: each document is judged by all of them."""
    joined: list[Pass] = []
    for one in passes:
        if one.rules is not None and joined and joined[-1].rules is not None:
            joined[-1] = Pass(rules=[*joined[-1].rules, *one.rules])
        else:
            joined.append(one)
    return joined


def _overridden(rule: Rule, sides: dict[str, float | None]) -> Rule:
    update: dict[str, Any] = {}
    for side, value in sides.items():
        update |= {side: value, _SIDES[side]: None, "source": "recipe"}
    changed = rule.model_copy(update=update)
    if changed.min is not None and changed.max is not None and changed.min > changed.max:
        raise RecipeError(
            f"curate.rules: {rule.signal} has min {changed.min:g} above max {changed.max:g}: no document passes"
        )
    return changed


# ---------------------------------------------------------------- the rules of a recipe


def _bounds(
    place: str, rules: dict[str, Any], signals: Collection[str]
) -> dict[str, dict[str, float | None]]:
    """{"han": {"share": {"min": .3}}}, or any of it with dots -> {"han.share": {"min": .3}}."""
    found: dict[str, dict[str, float | None]] = {}
    for path, value in _leaves(rules):
        # a dotted key may be cut in several ways: the longest signal name goes first
        fitting = [signal for signal in signals if path.startswith(f"{signal}.")]
        if path in signals:
            raise RecipeError(f"{place}.{path}: expected {{min: …}} or {{max: …}}, found {value!r}")
        if not fitting:
            name, _, side = path.rpartition(".")
            _known([name if side in _SIDES else path], signals, place)
        signal = max(fitting, key=len)
        side = path[len(signal) + 1 :]
        if side not in _SIDES:
            raise RecipeError(f"{place}.{signal}: {side!r} is no bound; expected min or max")
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise RecipeError(f"{place}.{path}: expected a number or null, found {value!r}")
        found.setdefault(signal, {})[side] = value
    return found


def _leaves(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict) and node:
        for key, value in node.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    else:
        yield path, node


def _known(names: list[str], signals: Collection[str], place: str) -> None:
    for name in names:
        if name not in signals:
            near = difflib.get_close_matches(name, signals, n=1, cutoff=0.4)
            hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(sorted(signals))}"
            raise RecipeError(f"{place}: no signal {name!r} that a rule could judge{hint}")
