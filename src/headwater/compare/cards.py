"""An arm as a result shows it, its card: what differs, what it trains on, its runs and their curves."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from headwater.compare.arms import settings_diff
from headwater.compare.found import Found, weighted
from headwater.compare.preparation import Prepared

CURVE_POINTS = 60


def card(prepared: Prepared, place: int, found: Found, ys: np.ndarray) -> dict[str, Any]:
    arm, outcome, runs = prepared.arms[place], prepared.outcomes[place], found.arms[place]
    manifest = prepared.manifest(place)
    assert outcome.curated is not None and outcome.training_set is not None
    counts = outcome.curated.counts
    weights = {domain: weight for domain, weight in found.weights.items() if weight > 0}
    return {
        "name": arm.name,
        "role": arm.role,
        "recipe": arm.file,
        "training_set": outcome.training_set.name,
        "documents": manifest["documents"],
        "bytes": manifest["bytes"],
        "tokens": manifest["tokens"],
        "epochs": max(max(run.result["epochs"].values()) for run in runs.runs),
        "max_epochs": manifest["max_epochs"],
        "languages": counts["languages"],
        "sources": counts["sources"],
        "reasons": dict(counts["reasons"]),
        "settings_diff": settings_diff(prepared.arms[0].recipe, arm.recipe),
        "runs": [
            {
                "seed": run.seed,
                "run": run.folder.name,
                "score": float(y),
                "domains": {name: totals.bits_per_byte for name, totals in scored.items()},
                "curve": _curve(run.folder / "metrics.jsonl"),
            }
            for run, scored, y in zip(runs.runs, runs.scored, ys, strict=True)
        ],
        "ngram": {
            "score": weighted(runs.ngram, weights),
            "domains": {name: totals.bits_per_byte for name, totals in runs.ngram.items()},
        },
    }


def _curve(path: Path) -> list[list[float]]:
    """[[tokens, bits a token]], the last point always among them."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    step = -(-len(lines) // CURVE_POINTS)
    chosen = lines[::-1][::step][::-1] if lines else []
    return [[line["tokens"], line["bits"]] for line in chosen]


def matrix(prepared: Prepared, found: Found) -> dict[str, Any]:
    """Training text by evaluation domain: what each source, and each arm, knows about each domain."""
    rows = list(found.sources.items())
    rows += [(arm.name, runs.ngram) for arm, runs in zip(prepared.arms, found.arms, strict=True)]
    columns = list(found.arms[0].ngram)
    return {
        "rows": [name for name, _ in rows],
        "columns": columns,
        "bits": [[scored[column].bits_per_byte for column in columns] for _, scored in rows],
        "model": "byte 5-gram",
    }
