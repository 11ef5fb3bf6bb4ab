"""Where a value stands among all others, without reading them again: quantiles kept with every shard of signals.

`quantiles_of` makes them when a shard is written; `rank` weighs the shards by their documents. A shard gives
each of its POINTS quantiles, so a rank is right to about 1/POINTS of the corpus.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

POINTS = 51


def quantiles_of(path: Path, columns: list[str]) -> dict[str, dict[str, Any]]:
    """Column -> {"count", "mean", "points"}: POINTS values from the least to the greatest, evenly spread over the
    rows that have one; nothing for a column that has none. A column is in memory at a time."""
    found = {}
    with pq.ParquetFile(path) as file:
        for name in columns:
            column = pc.drop_null(file.read([name], use_threads=False)[name]).cast(pa.float64()).to_numpy()
            values = np.sort(column[~np.isnan(column)])
            if len(values):
                places = np.linspace(0, len(values) - 1, POINTS).round().astype(np.int64)
                points = [float(f"{value:.6g}") for value in values[places].tolist()]
                found[name] = {"count": len(values), "mean": float(f"{values.mean():.6g}"), "points": points}
    return found


def rank(value: float, sketches: Iterable[dict[str, Any]]) -> float | None:
    """The share of documents with a smaller value (equal ones counted half); None where nothing was measured."""
    below, total = 0.0, 0
    for sketch in sketches:
        points = np.asarray(sketch["points"])
        left, right = np.searchsorted(points, value, "left"), np.searchsorted(points, value, "right")
        below += sketch["count"] * (left + right) / 2 / len(points)
        total += sketch["count"]
    return below / total if total else None


def merged(sketches: Iterable[dict[str, Any]], at: Iterable[float]) -> list[float]:
    """Quantiles of all shards together; nothing where nothing was measured. `at`: shares from 0 to 1."""
    points, weights = [], []
    for sketch in sketches:
        points.append(np.asarray(sketch["points"]))
        weights.append(np.full(len(sketch["points"]), sketch["count"] / len(sketch["points"])))
    if not points:
        return []
    values, weight = np.concatenate(points), np.concatenate(weights)
    order = np.argsort(values, kind="stable")
    share = (np.cumsum(weight[order]) - weight[order] / 2) / weight.sum()
    return [float(value) for value in np.interp(list(at), share, values[order])]
