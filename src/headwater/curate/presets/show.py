"""Presets for people: every rule with its value, its variant and where the number was read."""

from pathlib import Path
from typing import Any

from headwater.curate.presets import Pass, Preset, Rule, load_preset, parts_of, preset_names

SIGNS = {"min": "≥", "above": ">", "max": "≤", "below": "<"}


def presets_list() -> list[tuple[str, str]]:
    """(name, title) of every preset."""
    return [(name, load_preset(name).title) for name in preset_names()]


def preset_rules(name: str, folder: Path | None = None) -> list[dict[str, Any]]:
    """Every rule of a preset in order: `language` ("*" for all), `pass` (1, 2, …), signal, its bounds, reason, source,
    variant."""
    return [
        {"language": language, "pass": number, "signal": rule.signal, **rule.bounds}
        | {"reason": rule.reason, "source": rule.source}
        | {name: said for name in ("variant", "needs") if (said := getattr(rule, name))}
        for language, part in parts_of(load_preset(name, folder), folder).items()
        for number, one in enumerate(part.passes, start=1)
        for rule in one.rules or []
    ]


def show_bounds(rule: Rule) -> str:
    """`≥ 50, ≤ 100000`."""
    return bounds_text(rule.bounds)


def bounds_text(bounds: dict[str, float]) -> str:
    return ", ".join(f"{SIGNS[side]} {value:g}" for side, value in bounds.items())


def as_json(name: str, folder: Path | None = None) -> dict[str, Any]:
    """The preset as it is applied, everything included and extended put in place."""
    preset = load_preset(name, folder)
    value = preset.model_dump(mode="json", exclude_none=True)
    if preset.by_language:
        value["parts"] = {
            language: part.model_dump(mode="json", exclude_none=True)
            for language, part in parts_of(preset, folder).items()
        }
    return value


def show(name: str, folder: Path | None = None) -> list[str]:
    """Lines for a terminal: what the preset does, pass by pass, each number with its source."""
    preset = load_preset(name, folder)
    lines = [f"{preset.name}: {preset.title}", f"paper    {preset.paper}", f"variant  {preset.variant}"]
    if preset.languages:
        lines.append(f"made for {', '.join(preset.languages)}")
    for language, part in parts_of(preset, folder).items():
        if preset.by_language:
            lines += ["", f"{language}: {part.name}", f"  {part.variant}"]
        lines += [line for number, one in enumerate(part.passes, start=1) for line in _pass(number, one)]
        for asked in part.asks:
            lines += [f"asks for {asked.what}  ({asked.source})", f"      {asked.do}"]
    return lines


def _pass(number: int, one: Pass) -> list[str]:
    if one.rules is None:
        return [f"pass {number}   {does(one)}"]
    lines = [f"pass {number}   keep a document if"]
    for rule in one.rules:
        lines.append(f"  {rule.signal:<37} {show_bounds(rule):<15} {rule.source}")
        lines += [f"      ({rule.variant})"] if rule.variant else []
        lines += [f"      needs {rule.needs}"] if rule.needs else []
    return lines


def does(one: Pass) -> str:
    """What an edit or a search for duplicates does, in one line."""
    if one.lines is not None:
        return f"edit lines: {_settings(one.lines.model_dump(exclude_defaults=True))}"
    assert one.duplicates is not None
    chosen, near, bloom = one.duplicates, one.duplicates.near, one.duplicates.bloom
    kinds = (["of one address"] if chosen.url else []) + (["exact"] if chosen.exact else [])
    kinds += [f"near, from a similarity of {near.similarity:g}, keep the {chosen.policy}"] if near else []
    if bloom is not None:
        kinds.append(f"by a Bloom filter, {bloom.threshold:.0%} of {bloom.words}-grams seen before")
    kinds += ["paragraphs"] if chosen.paragraphs else []
    kinds += [f"passages of {chosen.substring.words} words"] if chosen.substring is not None else []
    return f"drop duplicates: {'; '.join(kinds)}"


def _settings(chosen: dict[str, Any]) -> str:
    def said(key: str, value: Any) -> str:
        inner = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        return (
            f"{key} ({inner})"
            if isinstance(value, dict) and value
            else key
            if value in (True, {})
            else f"{key} {inner}"
        )

    return ", ".join(said(key, value) for key, value in chosen.items())


# ---------------------------------------------------------------- two presets


def difference(one: str, other: str, folder: Path | None = None) -> dict[str, Any]:
    """What two presets do differently.

    `rules`: by language and signal the rules of each (none: null) where they are not the same; `same`: how many are;
    `steps`: the order of each, an edit or duplicates by what they do; `asks`: what each asks for.
    """
    presets = [load_preset(name, folder) for name in (one, other)]
    rules = [_by_signal(preset_rules(name, folder)) for name in (one, other)]
    both = sorted(set(rules[0]) | set(rules[1]))
    apart = [
        {
            "language": language,
            "signal": signal,
            "a": rules[0].get((language, signal)),
            "b": rules[1].get((language, signal)),
        }
        for language, signal in both
        if _bounds(rules[0].get((language, signal))) != _bounds(rules[1].get((language, signal)))
    ]
    return {
        "a": presets[0].name,
        "b": presets[1].name,
        "same": len(both) - len(apart),
        "rules": apart,
        "steps": [_steps(preset, folder) for preset in presets],
        "asks": [
            [asked.what for part in parts_of(preset, folder).values() for asked in part.asks]
            for preset in presets
        ],
    }


def difference_lines(found: dict[str, Any]) -> list[str]:
    """The same for a terminal."""
    lines = [f"{'':<38} {found['a']:<18} {found['b']}"]
    for row in found["rules"]:
        name = row["signal"] if row["language"] == "*" else f"{row['language']}: {row['signal']}"
        cells = [
            "; ".join(bounds_text(bounds) for bounds in _bounds(row[side])) or "–" for side in ("a", "b")
        ]
        lines.append(f"{name:<38} {cells[0]:<18} {cells[1]}")
        said = [_said(row[side]) for side in ("a", "b")]
        if said[0] != said[1]:
            lines += [
                f"      {found[side]}: {text}" for side, text in zip(("a", "b"), said, strict=True) if text
            ]
    lines.append(f"{found['same']} rules are the same")
    for side, steps in zip(("a", "b"), found["steps"], strict=True):
        lines.append(f"{found[side]} does: {' → '.join(steps)}")
    for side, asks in zip(("a", "b"), found["asks"], strict=True):
        if asks:
            lines.append(f"{found[side]} asks for: {'; '.join(asks)}")
    return lines


def _by_signal(rules: list[dict[str, Any]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for rule in rules:
        found.setdefault((rule["language"], rule["signal"]), []).append(rule)
    return found


def _bounds(rules: list[dict[str, Any]] | None) -> list[dict[str, float]]:
    return [{side: rule[side] for side in SIGNS if side in rule} for rule in rules or []]


def _said(rules: list[dict[str, Any]] | None) -> str:
    return "; ".join(", ".join(filter(None, (rule["source"], rule.get("variant")))) for rule in rules or [])


def _steps(preset: Preset, folder: Path | None) -> list[str]:
    parts = parts_of(preset, folder)
    return [
        ("" if language == "*" else f"{language}: ")
        + (f"{len(one.rules)} rules" if one.rules is not None else does(one))
        for language, part in parts.items()
        for one in part.passes
    ]
