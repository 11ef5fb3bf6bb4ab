"""Scores that were made elsewhere, joined by document id: `signals: {scores: {edu: {path: edu.parquet}}}` gives
`edu.value`. Parquet, JSONL (.jsonl, .json) or CSV, compressed or not, with a column of ids and one of numbers.

An id twice is an error that names it. A document without a score has a null: with an error in the default, which
quarantines it where a rule asks for the score, or without one (`missing: null`), which is not judged.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq

from headwater.errors import RecipeError
from headwater.signals import Signal

VERSION = 1
LIBRARIES: tuple[str, ...] = ()


def columns(settings: dict[str, Any]) -> tuple[Signal, ...]:
    """value."""
    return (Signal("value", "double", f"column {settings['column']} of {Path(settings['path']).name}"),)


def depends(settings: dict[str, Any]) -> dict[str, Any]:
    """The file's content and how it is read; RecipeError for a missing column or a duplicate id."""
    from headwater.signals.families import content_of

    path = Path(settings["folder"], settings["path"])
    content = content_of(path, "signals.scores")
    _table(str(path), settings["id"], settings["column"], content)
    return {"content": content, **{key: settings[key] for key in ("id", "column", "missing")}}


def opened_batch(settings: dict[str, Any]) -> Callable[[list[str], list[str]], list[tuple[Any, ...]]]:
    """(ids, texts) -> rows; raises LookupError for a missing id, unless it is a null by choice."""
    path = Path(settings["folder"], settings["path"])
    ids, values = _table(str(path), settings["id"], settings["column"], "")

    def rows(wanted: list[str], texts: list[str]) -> list[tuple[Any, ...]]:
        names = np.array([name.encode() for name in wanted], ids.dtype if len(ids) else "S1")
        places = np.minimum(np.searchsorted(ids, names), max(0, len(ids) - 1))
        found: list[tuple[Any, ...]] = []
        for name, place in zip(wanted, places.tolist(), strict=True):
            there = len(ids) > 0 and ids[place] == name.encode()
            value = float(values[place]) if there else np.nan
            if not there and settings["missing"] == "error":
                raise LookupError(f"no score for {name} in {path.name}")
            found.append((None if np.isnan(value) else value,))
        return found

    return rows


@cache
def _table(path: str, id_column: str, column: str, content: str) -> tuple[np.ndarray, np.ndarray]:
    """Ids, ascending (n,) bytes, and their values (n,) float64, NaN for null."""
    del content
    where = f"signals.scores: {path}"
    name = Path(path).name.lower()
    try:
        if name.endswith(".parquet"):
            table = pq.read_table(path, columns=[id_column, column])
        elif ".csv" in name:
            table = pyarrow.csv.read_csv(
                path, convert_options=pyarrow.csv.ConvertOptions(column_types={id_column: pa.string()})
            ).select([id_column, column])
        else:
            table = pyarrow.json.read_json(path).select([id_column, column])
        ids = np.array([str(v).encode() for v in table[id_column].to_pylist()])
        values = pc.cast(table[column], pa.float64()).to_numpy(zero_copy_only=False)
    except (pa.ArrowException, KeyError, OSError) as error:
        raise RecipeError(f"{where}: {str(error).splitlines()[0]}; columns {id_column!r} and {column!r} were expected") from error  # fmt: skip
    order = np.argsort(ids, kind="stable")
    ids, values = ids[order], values[order]
    if len(twice := np.flatnonzero(ids[1:] == ids[:-1])):
        raise RecipeError(
            f"{where}: {len(twice):,} ids occur more than once, the first is {ids[twice[0]].decode()}"
        )
    return ids, values
