"""Rules: signals against thresholds, a shard at a time, in columns.

Every rule of a document's track is evaluated, none is skipped because another one failed: `reasons` has a bit for
each rule that failed, `reason` names the first in the order of the preset. A signal that could not be measured is
not a value: null with an error quarantines the document (`signal_failed:<family>`), as NaN does; null without an
error was gated, and is not judged.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headwater.corpus.shards import in_step, read_batches
from headwater.curate.decisions import FAILED, decided, in_question, track_of, write_decisions
from headwater.curate.presets import Rule
from headwater.engine.workspace import Output


def judge_shard(
    out: Output,
    *,
    decisions: str,
    signals: dict[str, list[str]],
    editions: list[str],
    rules: dict[str, list[dict[str, Any]]],
    by_language: dict[str, str],
    numbers: dict[str, int],
    step: int,
) -> dict[str, Any]:
    """Decisions after rules. `rules` by track; `signals` are the files of each family, newest edition first,
    the documents' own last; `editions` are the editions that all but the last belong to.
    """
    parsed = {
        track: [Rule(**rule) for rule in some]
        for track, some in rules.items()
        if track in by_language.values()
    }
    names = sorted({rule.signal for some in parsed.values() for rule in some})
    columns = {
        family: [*(name for name in names if name.startswith(f"{family}.")), "errors"] for family in signals
    }
    files = [(family, path) for family, paths in signals.items() for path in paths]

    def tables() -> Iterator[pa.Table]:
        streams = [read_batches(decisions), *(read_batches(path, ["removed"]) for path in editions)]
        streams += [read_batches(path, columns[family]) for family, path in files]
        for before, *rest in in_step(streams):
            table = pa.Table.from_batches([before])
            layer = layer_of_rows([batch["removed"] for batch in rest[: len(editions)]], table.num_rows)
            measured: dict[str, list[pa.RecordBatch]] = {}
            for (family, _), batch in zip(files, rest[len(editions) :], strict=True):
                measured.setdefault(family, []).append(batch)
            values, failed = _measured(names, measured, layer)
            tracks = track_of(table, by_language)
            train = in_question(table, None, by_language)
            for track, some in parsed.items():
                rows = train & np.asarray(pc.equal(tracks, track), dtype=bool)
                table = _judged(table, rows, some, values, failed, numbers, step)
            yield table

    return write_decisions(out, tables())


def _judged(
    decisions: pa.Table,
    rows: np.ndarray,
    rules: list[Rule],
    values: dict[str, np.ndarray],
    failed: dict[str, np.ndarray],
    numbers: dict[str, int],
    step: int,
) -> pa.Table:
    first, reasons = judge(rules, values, numbers)
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


def layer_of_rows(removed: list[pa.Array], rows: int) -> np.ndarray:
    """(rows,) int: which of the editions, newest first, holds the row's text; len(removed) for the document.

    *Shapes*: `removed`, the editions' column, each (rows,): an edition holds the rows from which it removed.
    """
    layer = np.full(rows, len(removed))
    for number in reversed(range(len(removed))):
        layer[removed[number].to_numpy() > 0] = number
    return layer


def _measured(
    names: list[str], signals: dict[str, list[pa.RecordBatch]], layer: np.ndarray
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Per signal (rows,) float64 values, NaN for null, and (rows,) bool failed, of each row's newest text."""
    values = {name: np.full(len(layer), np.nan) for name in names}
    failed = {name: np.zeros(len(layer), bool) for name in names}
    for family, layers in signals.items():
        some = [name for name in names if name.startswith(f"{family}.")]
        for number, batch in enumerate(layers):
            here = layer == number
            if not here.any():
                continue
            error = np.asarray(pc.is_valid(batch["errors"]), dtype=bool)
            for name in some:
                column = pc.cast(batch[name], pa.float64())
                valid = np.asarray(pc.is_valid(column), dtype=bool)
                numbers = pc.fill_null(column, np.nan).to_numpy(zero_copy_only=False)
                values[name][here] = numbers[here]
                failed[name][here] = ((~valid & error) | (valid & np.isnan(numbers)))[here]
    return values, failed


def _strings(values: np.ndarray) -> pa.Array:
    return pa.array([value or None for value in values.tolist()], pa.string())
