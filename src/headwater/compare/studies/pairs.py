"""Pairs of arms as a study's table shows them, the byte 5-gram's word beside the Transformer's.

A row: {"name": {"en", "zh"}, "arms": [candidate, baseline], "on": {domain: weight}, "percent", "interval", "ngram"};
percents of bits per byte, below zero is better; "ngram" is None where the record has none. A row that is about
something else than two arms has no "arms", and "unit": "points" where it is not of percents.
"""

from collections.abc import Mapping
from typing import Any

from headwater.compare.record import arm_of, ngram_score, scores_of
from headwater.compare.statistics import Effect, effect, percent


def pair(record: dict[str, Any], candidate: str, baseline: str, on: str | None = None) -> dict[str, Any]:
    """The effect of one arm against another: on one domain, or over all with the record's weights."""
    weights = record["weights"] if on is None else strata(record, on)
    row = row_of(named(candidate, baseline, on), found_in(record, candidate, baseline, weights))
    return row | {
        "arms": [candidate, baseline],
        "on": weights,
        "ngram": ngram_percent(record, candidate, baseline, weights),
    }


def strata(record: dict[str, Any], domain: str) -> dict[str, float]:
    """The domain's names in the record, weighted by bytes: text of several languages is in several ("news/en")."""
    sizes = {
        name: sum(units) for name, units in record["domains"].items() if name.partition("/")[0] == domain
    }
    return {name: size / sum(sizes.values()) for name, size in sizes.items()}


def found_in(record: dict[str, Any], candidate: str, baseline: str, weights: Mapping[str, float]) -> Effect:
    return effect(scores_of(record, candidate), scores_of(record, baseline), weights)


def ngram_percent(
    record: dict[str, Any], candidate: str, baseline: str, weights: Mapping[str, float]
) -> float | None:
    if any("ngram" not in arm_of(record, name) for name in (candidate, baseline)):
        return None
    return percent(ngram_score(record, candidate, weights) - ngram_score(record, baseline, weights))


def named(candidate: str, baseline: str, on: str | None) -> dict[str, str]:
    english, chinese = f"{candidate} against {baseline}", f"{candidate} 对 {baseline}"
    return (
        {"en": english, "zh": chinese}
        if on is None
        else {"en": f"{english} on {on}", "zh": f"{chinese}，评于 {on}"}
    )


def row_of(name: dict[str, str], found: Effect) -> dict[str, Any]:
    low, high = found.interval()
    return {"name": name, "percent": percent(found.delta), "interval": [percent(low), percent(high)]}


def better(row: dict[str, Any]) -> bool:
    """Resolved, and fewer bits."""
    return bool(row["interval"][1] < 0)


def worse(row: dict[str, Any]) -> bool:
    return bool(row["interval"][0] > 0)
