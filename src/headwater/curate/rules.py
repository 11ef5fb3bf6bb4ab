"""Rules: signals against thresholds, a shard at a time, in columns.

Every rule of a document's track is evaluated, none is skipped because another one failed: `reasons` has a bit for
each rule that failed, `reason` names the first in the order of the preset. A signal that could not be measured is
not a value: null with an error quarantines the document (`signal_failed:<family>`), as NaN does; null without an
error was gated, and is not judged.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headwater.curate.decisions import decided, read_decisions, track_of, write_decisions
from headwater.curate.presets import Rule
from headwater.engine.workspace import Output

FAILED = "signal_failed"


def judge_shard(
    out: Output,
    *,
    decisions: str,
    signals: dict[str, list[str]],
    editions: list[str],
    rules: dict[str, list[dict[str, Any]]],
    languages: list[str],
    numbers: dict[str, int],
    step: int,
) -> dict[str, Any]:
    """Decisions after rules. `rules` by track; `signals` are the files of each family, newest edition first,
    the documents' own last; `editions` are the editions that all but the last belong to.
    """
    before = read_decisions(decisions)
    parsed = {track: [Rule(**rule) for rule in some] for track, some in rules.items()}
    names = sorted({rule.signal for some in parsed.values() for rule in some})
    layer = layer_of_rows(editions, before.num_rows)
    values, failed = _measured(names, signals, layer)
    tracks = track_of(before, languages)
    train = pc.and_(pc.equal(before["state"], "kept"), pc.equal(before["split"], "train"))
    after = before
    for track, some in parsed.items():
        rows = np.asarray(pc.and_(train, pc.equal(tracks, track)), dtype=bool)
        after = _judged(after, rows, some, values, failed, numbers, step)
    return write_decisions(out, after)


def _judged(
    decisions: pa.Table,
    rows: np.ndarray,
    rules: list[Rule],
    values: dict[str, np.ndarray],
    failed: dict[str, np.ndarray],
    numbers: dict[str, int],
    step: int,
) -> pa.Table:
    found = judge(rules, values, numbers)
    first, reasons = found
    unmeasured = np.full(len(rows), "", object)
    for rule in reversed(rules):  # the first rule's family is the one named
        family = rule.signal.partition(".")[0]
        unmeasured[failed[rule.signal]] = f"{FAILED}:{family}"
    lost = rows & (unmeasured != "")
    drop = rows & (first >= 0) & ~lost
    names = np.array([*(rule.reason for rule in rules), ""], object)
    decisions = decided(
        decisions, drop, state="dropped", reason=_strings(names[first]), reasons=reasons, step=step
    )
    return decided(
        decisions, lost, state="quarantined", reason=_strings(unmeasured), reasons=reasons, step=step
    )


def judge(
    rules: list[Rule], values: dict[str, np.ndarray], numbers: dict[str, int]
) -> tuple[np.ndarray, np.ndarray]:
    """(rows,) int the first rule that failed, -1 for none, and (rows,) uint64 bits of all that failed.

    *Shapes*: each of `values` (rows,) float64, NaN where there is nothing to judge.
    """
    count = len(next(iter(values.values()))) if values else 0
    first = np.full(count, -1)
    reasons = np.zeros(count, np.uint64)
    for number, rule in enumerate(rules):
        fails = fails_rule(rule, values[rule.signal])
        reasons[fails] |= np.uint64(1 << numbers[rule.reason])
        first[fails & (first < 0)] = number
    return first, reasons


def fails_rule(rule: Rule, values: np.ndarray) -> np.ndarray:
    """(rows,) bool. NaN fails nothing."""
    fails = np.zeros(len(values), bool)
    if rule.min is not None:
        fails |= values < rule.min
    if rule.max is not None:
        fails |= values > rule.max
    if rule.above is not None:
        fails |= values <= rule.above
    if rule.below is not None:
        fails |= values >= rule.below
    return fails


# ---------------------------------------------------------------- signals of the text as it is now


def layer_of_rows(editions: list[str], rows: int) -> np.ndarray:
    """(rows,) int: which of the editions, newest first, holds the row's text; len(editions) for the document."""
    layer = np.full(rows, len(editions))
    for number in reversed(range(len(editions))):
        removed = pq.read_table(editions[number], columns=["removed"]).column(0).to_numpy()
        layer[removed > 0] = number
    return layer


def _measured(
    names: list[str], signals: dict[str, list[str]], layer: np.ndarray
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Per signal (rows,) float64 values, NaN for null, and (rows,) bool failed, of each row's newest text."""
    values = {name: np.full(len(layer), np.nan) for name in names}
    failed = {name: np.zeros(len(layer), bool) for name in names}
    for family, paths in signals.items():
        some = [name for name in names if name.startswith(f"{family}.")]
        for number, path in enumerate(paths):
            here = layer == number
            if not here.any():
                continue
            table = pq.read_table(path, columns=[*some, "errors"])
            if table.num_rows != len(layer):
                raise AssertionError(f"{path} has {table.num_rows} rows, its documents {len(layer)}")
            error = np.asarray(pc.is_valid(table["errors"]), dtype=bool)
            for name in some:
                column = pc.cast(table[name], pa.float64())
                valid = np.asarray(pc.is_valid(column), dtype=bool)
                numbers = pc.fill_null(column, np.nan).to_numpy()
                values[name][here] = numbers[here]
                failed[name][here] = ((~valid & error) | (valid & np.isnan(numbers)))[here]
    return values, failed


def _strings(values: np.ndarray) -> pa.Array:
    return pa.array([value or None for value in values.tolist()], pa.string())
