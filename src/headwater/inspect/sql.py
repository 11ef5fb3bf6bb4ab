"""`headwater sql`: one read-only question in SQL over what the workspace has committed.

Views: `documents` (texts and provenance), `ledger` (verdicts; `reason_names` spells its bits out), `signals` (every
measurement, one row a document; names have a dot, so quote them: "gopher.symbol_word_ratio"), `quarantine` (what
could not be read), `files` (the account of every input file) and `clusters` (of duplicates: the id that stayed and
how many documents it stands for). Views read the shards when they are asked;
the query can open no other file, write none, and see no network. Personal data in the answer is masked.
"""

import json
import math
import re
import tempfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from headwater.engine.workspace import Entry, Workspace
from headwater.errors import RecipeError
from headwater.inspect.masked import masked_value
from headwater.inspect.snapshots import Snapshot, open_workspace, snapshots
from headwater.inspect.visible import inert_json, one_line, width

VIEWS = ("documents", "ledger", "signals", "quarantine", "files", "clusters")
# whoever left names a partner, and partners lead to one document that names none
CLUSTERS = """
CREATE VIEW clusters AS
WITH RECURSIVE chain(recipe, id, stayed) AS (
    SELECT recipe, id, partner FROM ledger WHERE partner IS NOT NULL
    UNION ALL
    SELECT chain.recipe, chain.id, ledger.partner FROM chain JOIN ledger
    ON ledger.recipe = chain.recipe AND ledger.id = chain.stayed AND ledger.partner IS NOT NULL
)
SELECT chain.recipe, chain.stayed AS id, 1 + count(*) AS documents FROM chain
LEFT JOIN ledger ON ledger.recipe = chain.recipe AND ledger.id = chain.stayed
WHERE ledger.partner IS NULL GROUP BY ALL
"""
MEMORY = "1GB"
FILES_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("stage", pa.string()),
        ("shard", pa.string()),
        ("file", pa.string()),
        ("read", pa.int64()),
        ("documents", pa.int64()),
        ("gated", pa.int64()),
        ("quarantined", pa.int64()),
        ("bytes", pa.int64()),
        ("reasons", pa.string()),  # JSON: {"gated": {reason: n}, "quarantined": {reason: n}}
    ]
)


@dataclass(frozen=True)
class Table:
    """The rows that a query gave; `more` says that it would have given more than `max_rows`."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    more: bool = False


def sql(workspace: Workspace | Path | str, query: str, *, max_rows: int = 10_000) -> Table:
    """Answers one SELECT; raises RecipeError where the query is another statement or does not run."""
    place = open_workspace(workspace)
    with tempfile.TemporaryDirectory(prefix="headwater-sql-") as scratch:
        connection = _connect(snapshots(place), Path(scratch))
        try:
            statements = connection.extract_statements(query)
            if len(statements) != 1 or statements[0].type not in (
                duckdb.StatementType.SELECT,
                duckdb.StatementType.EXPLAIN,
            ):
                raise RecipeError(
                    "one query that reads, please (select …); views: "
                    + ", ".join(VIEWS)
                    + "; nothing was run"
                )
            cursor = connection.execute(statements[0])
            columns = [column[0] for column in cursor.description or []]
            rows = [masked_value(row) for row in cursor.fetchmany(max_rows + 1)]
        except duckdb.Error as error:
            raise RecipeError(f"{_message(error)}{_hint(error)}") from None
        finally:
            connection.close()
    return Table(columns, rows[:max_rows], len(rows) > max_rows)


def render(table: Table, *, as_json: bool = False, columns: int = 80) -> str:
    """The table for a terminal, or as a JSON list of rows; text from documents cannot command the terminal."""
    if as_json:
        rows = [dict(zip(table.columns, map(_plain, row), strict=True)) for row in table.rows]
        return inert_json(json.dumps(rows, ensure_ascii=False, indent=1, allow_nan=False))
    cells = [[_cell(value) for value in row] for row in table.rows]
    names = [one_line(name) for name in table.columns]
    numeric = [all(isinstance(row[i], int | float | None) for row in table.rows) for i in range(len(names))]
    widths = _widths(names, cells, columns)
    lines = [_line(names, widths, numeric), "  ".join("─" * w for w in widths)]
    lines += [_line(row, widths, numeric) for row in cells]
    count = f"{len(table.rows):,} row{'' if len(table.rows) == 1 else 's'}"
    lines.append(f"({'the first ' if table.more else ''}{count})")
    return "\n".join(line.rstrip() for line in lines)


# ---------------------------------------------------------------- views


def _connect(recipes: list[Snapshot], scratch: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:")
    connection.execute(f"SET memory_limit = '{MEMORY}'")
    connection.execute(f"SET temp_directory = {_text(scratch)}")
    connection.execute("SET autoload_known_extensions = false")
    connection.execute("SET autoinstall_known_extensions = false")
    stages = {name: entries for recipe in recipes for name, entries in recipe.documents.items()}
    readable: set[Path] = set()

    def files(entries: list[Entry], suffix: str = "parquet") -> str:
        paths = [entry.here(suffix) for entry in entries]
        readable.update(paths)
        return f"read_parquet([{', '.join(map(_text, paths))}])"

    documents = [
        f"SELECT *, {_text(name)} AS stage FROM {files(list(entries.values()))}"
        for name, entries in stages.items()
        if entries
    ]
    quarantine = [
        f"SELECT *, {_text(name)} AS stage FROM {files(having, 'quarantine.parquet')}"
        for name, entries in stages.items()
        if (having := [entry for entry in entries.values() if "quarantine.parquet" in entry.files])
    ]
    ledger, signals, seen = [], [], set()
    for recipe in recipes:
        if recipe.ledger:
            names = next(iter(recipe.ledger.values())).result["reasons"]
            spelled = ", ".join(map(_text, names)) or "NULL::VARCHAR"
            ledger.append(
                f"SELECT *, list_filter([{spelled}], lambda name, bit: (reasons >> (bit - 1)) & 1 = 1) AS reason_names, "
                f"{_text(recipe.name)} AS recipe FROM {files(list(recipe.ledger.values()))}"
            )
        for stage, entries in recipe.documents.items():
            families = {f: s for f, s in recipe.signals(stage).items() if list(s) == list(entries)}
            if entries and families and stage not in seen:
                seen.add(stage)
                parts = [f"(SELECT id FROM {files(list(entries.values()))})"]
                parts += [
                    f'(SELECT * RENAME (id AS "{family}.id", errors AS "{family}.errors") FROM {files(list(shards.values()))})'
                    for family, shards in families.items()
                ]
                ids = [f'"{family}.id"' for family in families]
                # where the recipe's file, of an earlier version, does not say what was measured, the ids do
                same = "" if recipe.exact else f" WHERE {' AND '.join(f'id = {one}' for one in ids)}"
                signals.append(
                    f"SELECT * EXCLUDE ({', '.join(ids)}), {_text(stage)} AS stage "
                    f"FROM {' POSITIONAL JOIN '.join(parts)}{same}"
                )
    for view, parts in zip(VIEWS, (documents, ledger, signals, quarantine), strict=False):
        if parts:
            connection.execute(f"CREATE VIEW {view} AS {' UNION ALL BY NAME '.join(parts)}")
    if ledger:
        connection.execute(CLUSTERS)
    accounts = _accounts(stages)
    connection.register("accounts", accounts)
    connection.execute("CREATE TABLE files AS SELECT * FROM accounts")
    connection.unregister("accounts")
    connection.execute(f"SET allowed_paths = [{', '.join(_text(path) for path in sorted(readable))}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _accounts(stages: dict[str, dict[str, Entry]]) -> pa.Table:
    rows = []
    for stage, entries in stages.items():
        source = stage.removeprefix("documents/").rpartition("-")[0]
        for shard, entry in entries.items():
            for file, counts in entry.result["files"].items():
                why = {"gated": counts["gated"], "quarantined": counts["quarantined"]}
                rows.append(
                    {"source": source, "stage": stage, "shard": shard, "file": file, "read": counts["read"],
                     "documents": counts["documents"], "gated": sum(counts["gated"].values()),
                     "quarantined": sum(counts["quarantined"].values()), "bytes": counts["bytes"],
                     "reasons": json.dumps(why, ensure_ascii=False, sort_keys=True)}
                )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=FILES_SCHEMA)


def _text(value: Path | str) -> str:
    """An SQL string literal."""
    return "'" + str(value).replace("'", "''") + "'"


def _message(error: duckdb.Error) -> str:
    return "the query does not run: " + one_line(str(error).split("\n\n")[0]).replace("⏎", "\n  ")


def _hint(error: duckdb.Error) -> str:
    text = str(error)
    if isinstance(error, duckdb.CatalogException) and re.search(r"Table with name", text):
        return (
            f"\n  views: {', '.join(VIEWS)}; one is missing where its stage has not run yet, or not since the "
            "documents changed: headwater curate recipe.yaml"
        )
    if isinstance(error, duckdb.BinderException):
        return '\n  names with a dot are quoted: "gopher.symbol_word_ratio"; `describe signals` lists them'
    return ""


# ---------------------------------------------------------------- rendering


def _cell(value: Any) -> str:
    if value is None:
        return "·"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, bytes):
        return one_line(value[:200].decode("utf-8", "replace"), 200)
    if isinstance(value, list | tuple):
        return one_line(", ".join(str(item) for item in value[:20]) + (" …" if len(value) > 20 else ""), 200)
    return one_line(str(value), 200)


def _plain(value: Any) -> Any:
    """What JSON has a form for; a number that it has none for is null."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key if isinstance(key, str) else str(_plain(key)): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, int | str) else str(value)


def _widths(names: list[str], cells: list[list[str]], columns: int) -> list[int]:
    """Each column as wide as it needs, the widest narrowed until the table fits."""
    widths = [max([width(name), *(width(row[i]) for row in cells)]) for i, name in enumerate(names)]
    room = columns - 2 * (len(widths) - 1)
    while sum(widths) > room and max(widths) > 8:
        widths[widths.index(max(widths))] -= 1
    return widths


def _line(cells: list[str], widths: list[int], numeric: list[bool]) -> str:
    parts = []
    for cell, size, right in zip(cells, widths, numeric, strict=True):
        cell = _fit(cell, size)
        space = " " * (size - width(cell))
        parts.append(space + cell if right else cell + space)
    return "  ".join(parts)


def _fit(cell: str, size: int) -> str:
    if width(cell) <= size:
        return cell
    kept, used = [], 1
    for character in cell:
        used += width(character)
        if used > size:
            break
        kept.append(character)
    return "".join(kept) + "…"
