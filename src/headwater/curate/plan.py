"""`compile_plan`: the `curate` part of a recipe -> an ordered list of steps, with every reason numbered.

    preset: {en: fineweb, zh: fineweb2-zh}          decontaminate            every document
    lines: {repeated: 2}                       ->   lines                    every document
    order: [lines, rules, duplicates]               rules   en: …  zh: …     one step for several tracks
                                                    duplicates               zh (before its filters)
                                                    …

`preset` and `rules` are keyed by whom they concern: "*", a language, a kind of source or a source's name
(`scopes.py`). A document's *track* is its measured language, or "*" where the recipe has nothing of its own for that
language; in a source that the recipe says something else for it is `code:en` or `code:*`. Passes of different tracks
concern different documents, so only the order within a track matters; rules of several tracks that come up together
are one step. A step that the recipe itself adds (`lines`, `duplicates`) concerns all tracks at once: a text is a
duplicate whatever its language was taken for.
"""

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any

from headwater.curate.presets import Asked, LineEdits, Pass, Preset, Rule, load_preset, parts_of
from headwater.curate.presets.show import bounds_text
from headwater.curate.scopes import ANY, Scopes, language_of, track_of
from headwater.curate.steps import (
    BloomStep,
    DecontaminateStep,
    DuplicatesStep,
    LinesStep,
    PassagesStep,
    PlanStep,
    PrivacyStep,
    RulesStep,
)
from headwater.engine.workspace import content_key
from headwater.errors import RecipeError
from headwater.recipe.settings import Curate, Duplicates

MAX_REASONS = 64  # bits of the ledger's `reasons`
LEFT_OUT = Rule(signal="length.bytes", max=-1, reason="left_out", source="recipe")  # no document passes
_SIDES = {"min": "above", "max": "below"}  # a recipe's bound replaces the preset's bound of that side


@dataclass(frozen=True)
class Plan:
    tracks: tuple[str, ...]  # languages, "*", and those of sources that have their own
    presets: dict[str, str]  # track -> name of its preset
    chosen: tuple[str, ...]  # languages and sources for which the recipe names a preset, or null
    steps: tuple[PlanStep, ...]
    made_for: dict[str, tuple[str, ...]]  # track -> the languages that its preset was made for
    asks: dict[str, tuple[Asked, ...]]  # track -> what its preset needs besides
    reasons: tuple[str, ...]  # reason k is bit k of `reasons`; a later step never renumbers an earlier one

    def prefix_key(self, steps: int) -> str:
        """Names what the first so many steps do: a change in a later one leaves it as it is."""
        return content_key(self.tracks, [step.as_json() for step in self.steps[:steps]])

    @property
    def key(self) -> str:
        return self.prefix_key(len(self.steps))

    def by_language(self, source: str) -> dict[str, str]:
        """The track of each language in a source; "*" stands for the languages that are not named."""
        languages = [ANY, *sorted({language_of(track) for track in self.tracks} - {ANY})]
        found = {language: track_of(self.tracks, source, language) for language in languages}
        return {name: track for name, track in found.items() if name == ANY or track != found[ANY]}

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


def compile_plan(
    settings: Curate,
    signals: Collection[str],
    sources: Mapping[str, str] = MappingProxyType({}),
    folder: Path | None = None,
) -> Plan:
    """The plan of a recipe. `signals`: every signal that a rule may name ("gopher.words"); `sources`: the kind of
    each of its sources; `folder`: the recipe's, which presets that are files are relative to.

    RecipeError names the key that is wrong and the nearest right one.
    """
    if settings.duplicates is not None and settings.duplicates.policy == "best":
        _known([settings.duplicates.quality.lstrip("-")], signals, "curate.duplicates.quality")
    presets = _presets(settings, folder)
    scopes = Scopes(settings, sources, {key: tuple(parts) for key, parts in presets.items()})
    overrides = {key: _bounds(f"curate.rules.{key}", rules, signals) for key, rules in settings.rules.items()}
    passes: dict[str, list[Pass]] = {}
    chosen: dict[str, Preset | None] = {}
    for track, keys in scopes.tracks():
        parts = next((presets[key] for key in reversed(keys) if key in presets), {})
        preset = parts.get(language_of(track), parts.get(ANY))
        bounds: dict[str, dict[str, float | None]] = {}
        for key in keys:  # what is said for fewer documents goes before what is said for more
            for signal, sides in overrides.get(key, {}).items():
                bounds[signal] = bounds.get(signal, {}) | sides
        if track.rpartition(":")[0] in settings.leave_out:
            preset, bounds = None, {}
        made, wider = _passes(preset, bounds, settings, signals), scopes.wider(track)
        if wider is None or (made, preset) != (passes[wider], chosen[wider]):
            passes[track], chosen[track] = made, preset
    tracks = tuple(passes)
    if settings.leave_out:
        _known([LEFT_OUT.signal], signals, "curate.leave_out")
    steps = tuple(_in_order(settings, tracks, passes))
    reasons = tuple(dict.fromkeys(reason for step in steps for reason in step.reasons))
    if len(reasons) > MAX_REASONS:
        raise RecipeError(
            f"curate: {len(reasons)} reasons to drop a document; a plan may have {MAX_REASONS}: use fewer rules or presets"
        )
    named = {track: preset for track, preset in chosen.items() if preset is not None}
    return Plan(
        tracks,
        {track: preset.name for track, preset in named.items()},
        scopes.chosen,
        steps,
        {track: tuple(preset.languages) for track, preset in named.items() if preset.languages},
        {track: asks for track, preset in named.items() if (asks := tuple(_asks(preset, signals)))},
        reasons,
    )


def _presets(settings: Curate, folder: Path | None) -> dict[str, dict[str, Preset]]:
    """By the recipe's keys, then by language ("*" for all); nothing where a key says that there is to be none."""
    chosen = {ANY: settings.preset} if isinstance(settings.preset, str) else settings.preset or {}
    return {
        key: {} if name is None else parts_of(load_preset(name, folder), folder)
        for key, name in chosen.items()
    }


def _in_order(settings: Curate, tracks: tuple[str, ...], passes: dict[str, list[Pass]]) -> Iterator[PlanStep]:
    given = {"lines": settings.lines is not None, "rules": any(passes.values())}
    given["privacy"] = settings.privacy is not None
    given["duplicates"] = settings.duplicates is not None and "duplicates" in settings.model_fields_set
    for name, wanted in given.items():
        if wanted and name not in settings.order:
            raise RecipeError(
                f"curate.order: {name} is not in it, but the recipe asks for it; add it or remove curate.{name}"
            )
    if settings.decontaminate is not None:
        yield DecontaminateStep(settings.decontaminate)
    if left := [track for track in tracks if track.rpartition(":")[0] in settings.leave_out]:
        # before anything that looks at other documents: a source that is left out is nobody's duplicate
        yield RulesStep(dict.fromkeys(left, (LEFT_OUT,)))
    for name in settings.order:
        if name == "lines" and settings.lines is not None:
            yield LinesStep(tracks, LineEdits(**settings.lines.model_dump()))
        elif name == "rules":
            yield from _side_by_side(passes)
        elif name == "privacy" and settings.privacy is not None:
            yield PrivacyStep(tracks, settings.privacy)
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
                # a preset's duplicates are found within its language, as it says
                for _, tracks in groupby(sorted(taken, key=language_of), key=language_of):
                    yield from _duplicates(tuple(tracks), first.duplicates)
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
    preset: Preset | None,
    bounds: dict[str, dict[str, float | None]],
    settings: Curate,
    signals: Collection[str],
) -> list[Pass]:
    """What happens to the documents of a track at the place of "rules"; `bounds` are the recipe's."""
    passes: list[Pass] = []
    for one in preset.passes if preset is not None else ():
        if one.rules is not None:
            active = [rule for rule in one.rules if not rule.needs or rule.signal in signals]
            rules = [_overridden(rule, bounds.get(rule.signal, {})) for rule in active]
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


def _asks(preset: Preset, signals: Collection[str]) -> Iterator[Asked]:
    """What the preset asks for and the recipe does not have: rules without their signal, and the rest."""
    for rule in (rule for one in preset.passes for rule in one.rules or ()):
        if rule.needs and rule.signal not in signals:
            yield Asked(
                what=f"the rule {rule.signal} {bounds_text(rule.bounds)}", do=rule.needs, source=rule.source
            )
    yield from preset.asks


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
