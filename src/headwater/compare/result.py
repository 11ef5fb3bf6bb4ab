"""From scores to `comparison.json`: everything that a comparison found, and nothing that a second run would change."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from headwater.compare.budgets import Budget
from headwater.compare.cards import card, matrix
from headwater.compare.found import ArmRuns, Found, weighted
from headwater.compare.preparation import Prepared
from headwater.compare.robustness import learning_rates, placebos
from headwater.compare.sentence import sentence
from headwater.compare.statistics import (
    ArmScores,
    Effect,
    arm_score,
    effect,
    holm,
    percent,
    verdict,
)
from headwater.pipeline.portions import CLAIM_UNITS

FORMAT = 2
RESULT_VERSION = 1  # raise it when the same scores give another result of this format


def result_of(
    prepared: Prepared, found: Found, budget: Budget, *, margin: float, key: str, command: str
) -> dict[str, Any]:
    """The content of comparison.json (see the keys; percents below zero are better, `effect` is ln of the ratio)."""
    weights = {domain: weight for domain, weight in found.weights.items() if weight > 0}
    scores = [arm.scores() for arm in found.arms]
    ys = [arm_score(one, weights) for one in scores]
    ends = [_end_of_race(found, place) for place in range(1, len(scores))]
    baselines = [
        {domain: one.only(range(len(found.arms[0].runs))[:seeds]) for domain, one in scores[0].items()}
        for seeds, _ in ends
    ]
    effects = [effect(one, against, weights) for one, against in zip(scores[1:], baselines, strict=True)]
    if found.looks is not None:
        effects = [one.cautious for one in effects]  # as its looks decided
    adjusted = holm([one.p for one in effects])
    candidates = []
    for place, (one, p_holm) in enumerate(zip(effects, adjusted, strict=True), 1):
        best = float(min(ys[place].mean(), ys[0].mean()))
        level = ends[place - 1][1]
        candidates.append(
            {"arm": prepared.arms[place].name, "p_holm": p_holm}
            | _candidate(one, margin, len(effects), best, level)
            | _domains(scores[place], baselines[place - 1], weights, len(effects), level)
            | _rung(found.arms[place], found.arms[0], weights, one)
        )
    names = [arm.name for arm in prepared.arms]
    rates = learning_rates(names, scores, found.rates, weights, margin)
    proxy = _proxy(prepared, found, ys, weights)
    domains = [
        {
            "name": name,
            "language": totals.language,
            "weight": found.weights[name],
            "units": len(totals.units),
            "documents": totals.documents,
            "bytes": int(totals.bytes.sum()),
            "held_out": prepared.heldout.result["held_out"][
                name
            ],  # units and bytes, of which the above are scored
        }
        for name, totals in found.arms[0].ngram.items()
    ]
    result: dict[str, Any] = {
        "format": FORMAT,
        "hash": key,
        "budget": budget.as_json(),
        "margin": margin,
        "draw": prepared.draw,
        "matching": _matching(prepared, found),
        "labels": labels(
            prepared.draw, domains, proxy["beats_ngram"], any(one["flips"] for one in rates["arms"])
        ),
        "domains": domains,
        "arms": [card(prepared, place, found, ys[place]) for place in range(len(prepared.arms))],
        "candidates": candidates,
        "aa": _aa(found.arms[0], scores[0], weights, margin),
        "placebos": placebos(names, scores, found.placebos, weights, margin),
        "rates": rates,
        "race": _race(prepared, found),
        "matrix": matrix(prepared, found),
        "proxy": proxy,
        "recipes": {arm.file: arm.path.read_text(encoding="utf-8") for arm in prepared.arms},
        "command": command,
    }
    return {**result, "sentence": sentence(result)}


def labels(
    draw: float, domains: Sequence[Mapping[str, Any]], beats_ngram: bool, flips: bool = False
) -> list[str]:
    """What a verdict must not be read without."""
    few = any(domain["units"] < CLAIM_UNITS for domain in domains if domain["weight"] > 0)
    said = {"this corpus": draw == 1.0, "weak proxy": not beats_ngram, "on these texts": few, "flips": flips}
    return [label for label, holds in said.items() if holds]


# ---------------------------------------------------------------- candidates


def _end_of_race(found: Found, place: int) -> tuple[int, float]:
    """(seeds of the baseline, level of the interval) at which this candidate is judged: those of its last look."""
    seeds, level = len(found.arms[0].runs), 0.95
    for look in found.looks or ():
        if place in look.ps:
            seeds, level = look.seeds, 1 - look.alpha
    return seeds, level


def _race(prepared: Prepared, found: Found) -> list[dict[str, Any]] | None:
    if found.looks is None:
        return None
    return [
        {
            "seeds": look.seeds,
            "alpha": look.alpha,
            "candidates": [
                {"arm": prepared.arms[place].name, "p": p, "decided": look.decided[place]}
                for place, p in look.ps.items()
            ],
        }
        for look in found.looks
        if look.ps
    ]


def _matching(prepared: Prepared, found: Found) -> dict[str, Any]:
    """What is equal between arms. One model and one tokeniser: equal tokens are equal compute."""
    epochs = {
        arm.name: max(max(run.result["epochs"].values()) for run in runs.runs)
        for arm, runs in zip(prepared.arms, found.arms, strict=True)
    }
    repeats = max(epochs.values()) > 1.02 and max(epochs.values()) > 1.02 * min(epochs.values())
    return {"name": prepared.matching, "compute": True, "repeats": repeats, "epochs": epochs}


def _candidate(
    found: Effect, margin: float, candidates: int, best_score: float, level: float
) -> dict[str, Any]:
    word, negligible = verdict(
        found, margin=margin, candidates=candidates, best_score=best_score, level=level
    )
    interval = _percents(found.interval(level, candidates))
    return {
        "verdict": word,
        "negligible": negligible,
        "effect": found.delta,
        "percent": percent(found.delta),
        "level": level,
        "interval": interval,
        "not_worse": interval[1] < 100 * margin and word != "not measurable",
        "interval90": _percents(found.interval(0.90)),
        "p": found.p,
        "df": found.df,
        "variance": _variance(found),
        "smallest_visible": percent(found.smallest_visible(candidates, level)),
        "seeds_needed": _seeds_needed(found, margin, candidates) if word == "cannot tell" else None,
        "probability_better": found.probability_better,
    }


def _seeds_needed(found: Effect, margin: float, candidates: int) -> int | None:
    """At which a difference as large as this one, or as the margin if that is larger, would be seen; where these seeds
    would have seen the margin already, and could not tell, one as large as this."""
    size, material = abs(found.delta), math.log1p(margin)
    seen = found.planned_difference(candidates) <= material
    return found.seeds_needed(size if seen else max(size, material), candidates)


def _variance(found: Effect) -> dict[str, float]:
    """Where the noise comes from: seeds of the candidate, seeds of the baseline, held-out units."""
    candidate, baseline, *units = (part for part, _ in found.parts)
    return {"candidate_seeds": candidate, "baseline_seeds": baseline, "units": sum(units)}


def _domains(
    arm: ArmScores, baseline: ArmScores, weights: Mapping[str, float], candidates: int, level: float
) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    for domain in weights:
        one = effect(arm, baseline, {domain: 1.0})
        resampled = len(one.parts) > 2  # units enough to say something about others
        rows.append(
            {
                "name": domain,
                "percent": percent(one.delta),
                "interval": _percents(one.interval(level, candidates)) if resampled else None,
                "bits_baseline": float(baseline[domain].by_seed.mean()),
                "bits_arm": float(arm[domain].by_seed.mean()),
            }
        )
    worst = max(rows, key=lambda row: row["percent"])
    return {"domains": rows, "worst_domain": {"name": worst["name"], "percent": worst["percent"]}}


def _rung(arm: ArmRuns, baseline: ArmRuns, weights: Mapping[str, float], found: Effect) -> dict[str, Any]:
    difference = weighted(arm.ngram, weights) - weighted(baseline.ngram, weights)
    return {"ngram_percent": percent(difference), "ngram_agrees": (difference < 0) == (found.delta < 0)}


def _aa(baseline: ArmRuns, scores: ArmScores, weights: Mapping[str, float], margin: float) -> dict[str, Any]:
    """The baseline's first runs against its last: what a difference of nothing looks like here."""
    half = len(baseline.runs) // 2
    groups = [list(range(half)), list(range(half, len(baseline.runs)))]
    one, other = ({domain: found.only(group) for domain, found in scores.items()} for group in groups)
    difference = effect(one, other, weights)
    word, _ = verdict(difference, margin=margin)
    return {
        "percent": percent(difference.delta),
        "interval": _percents(difference.interval()),
        "verdict": word,
        "seeds": [[baseline.runs[place].seed for place in group] for group in groups],
    }


def _proxy(
    prepared: Prepared, found: Found, ys: Sequence[np.ndarray], weights: Mapping[str, float]
) -> dict[str, Any]:
    """The Transformer beside the n-gram, in the arm where it does worst against it."""
    pairs = [(float(y.mean()), weighted(arm.ngram, weights)) for y, arm in zip(ys, found.arms, strict=True)]
    worst = max(range(len(pairs)), key=lambda place: pairs[place][0] - pairs[place][1])
    transformer, ngram = pairs[worst]
    return {
        "arm": prepared.arms[worst].name,
        "beats_ngram": transformer < ngram,
        "bits_transformer": math.exp(transformer),
        "bits_ngram": math.exp(ngram),
    }


def _percents(interval: tuple[float, float]) -> list[float]:
    return [percent(end) for end in interval]
