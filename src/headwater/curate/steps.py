"""The steps of a plan: what each does to the documents of its tracks, the reasons it may give, the signals it reads."""

from dataclasses import dataclass
from typing import Any

from headwater.curate.presets import LineEdits, Rule
from headwater.curate.privacy import FAILED
from headwater.recipe.settings import Bloom, Decontaminate, Duplicates, Privacy, Substring


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
        c4 = ("c4_lorem_ipsum", "c4_curly_bracket", "c4_sentences") if self.settings.c4 is not None else ()
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


@dataclass(frozen=True)
class PrivacyStep:
    tracks: tuple[str, ...]
    settings: Privacy
    reasons = (FAILED,)

    def as_json(self) -> dict[str, Any]:
        return {"step": "privacy", "tracks": self.tracks, "settings": self.settings.model_dump(mode="json")}


PlanStep = DecontaminateStep | RulesStep | LinesStep | DuplicatesStep | BloomStep | PassagesStep | PrivacyStep


def families_of(step: PlanStep) -> set[str]:
    """The signals that a step reads."""
    if isinstance(step, RulesStep):
        return {rule.signal.partition(".")[0] for rules in step.rules.values() for rule in rules}
    if isinstance(step, LinesStep):
        return {"lines"} if step.settings.repeated is not None else set()
    if isinstance(step, PrivacyStep):
        return {"privacy"}
    if isinstance(step, DuplicatesStep | PassagesStep):
        settings = step.settings if isinstance(step, DuplicatesStep) else step.duplicates
        best = {settings.quality.lstrip("-").partition(".")[0]} if settings.policy == "best" else set()
        near = isinstance(step, DuplicatesStep) and settings.near is not None
        return {"hashes", *best, *(["minhash"] if near else [])}
    return set()
