"""The ledger: what became of every document, kept or not, with its provenance.

One shard a documents' shard, rows in the same order, built from the decisions of the plan's last step and joined
by position (checked by id). What the entry counts adds up, for every input file:

    documents = kept + dropped[reason] + gated[reason] + quarantined[reason]
"""

from collections import Counter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from headwater.corpus.shards import ShardWriter, in_step, read_batches
from headwater.engine.workspace import Output

LEDGER_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("locator", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("state", pa.string(), nullable=False),  # kept, dropped, gated, quarantined
        pa.field("reason", pa.string()),  # the first rule that failed
        pa.field("reasons", pa.uint64(), nullable=False),  # bits, as result["reasons"] numbers them
        pa.field("step", pa.int16()),  # the plan's step that decided
        pa.field("edits", pa.int32(), nullable=False),  # characters removed
        pa.field("bytes", pa.int64(), nullable=False),  # UTF-8 of the text as read
        pa.field("bytes_kept", pa.int64(), nullable=False),  # of the text as kept, 0 where it is not
        pa.field("partner", pa.string()),  # whose duplicate it is
        pa.field("similarity", pa.float32()),
        pa.field("text_key", pa.string(), nullable=False),
    ]
)
STATES = ("kept", "dropped", "gated", "quarantined")
COUNTED = ("source", "language", "split", "state", "reason")


def ledger_shard(
    out: Output, *, documents: str, decisions: str, plan: dict[str, Any], editions: list[dict[str, Any]]
) -> dict[str, Any]:
    """Shard function: documents and their last decisions -> the ledger's shard.

    The result has `reasons` (bit k is reason k), `plan` (Plan.as_json), `editions` ([{"step", "stage"}], oldest
    first: where a step's edits and their spans are), `counts` (rows of COUNTED, documents, bytes, bytes_kept) and
    `files` ({file: {"documents", "kept", "dropped": {reason: n}, "gated": …, "quarantined": …}}).
    """
    numbers: Counter[tuple[str | None, ...]] = Counter()
    sizes: dict[tuple[str | None, ...], list[int]] = {}
    files: dict[str, dict[str, Any]] = {}
    with ShardWriter(out.path(), LEDGER_SCHEMA) as writer:
        streams = [read_batches(documents, ["id", "source", "locator"]), read_batches(decisions)]
        for batch, rows in in_step(streams):
            if not batch["id"].equals(rows["id"]):
                raise AssertionError(f"{decisions} has not the documents of {documents}")
            kept = pc.equal(rows["state"], "kept")
            columns = {name: rows[name] for name in LEDGER_SCHEMA.names if name in rows.schema.names}
            columns |= {"source": batch["source"], "locator": batch["locator"]}
            columns["bytes_kept"] = pc.if_else(kept, rows["bytes_now"], 0)
            table = pa.table([columns[name] for name in LEDGER_SCHEMA.names], schema=LEDGER_SCHEMA)
            writer.write_table(table)
            for row in table.select([*COUNTED, "bytes", "bytes_kept", "locator"]).to_pylist():
                group = tuple(row[name] for name in COUNTED)
                numbers[group] += 1
                size = sizes.setdefault(group, [0, 0])
                size[0] += row["bytes"]
                size[1] += row["bytes_kept"]
                _count_file(files, row)
        total = writer.rows
    _balance(documents, files, total)
    ordered = sorted(numbers, key=lambda group: tuple(value or "" for value in group))
    return {
        "documents": total,
        "bytes": sum(size[1] for size in sizes.values()),
        "reasons": plan["reasons"],
        "plan": plan,
        "editions": editions,
        "counts": [
            dict(zip(COUNTED, group, strict=True))
            | {"documents": numbers[group], "bytes": sizes[group][0], "bytes_kept": sizes[group][1]}
            for group in ordered
        ],
        "files": files,
    }


def file_of(locator: str) -> str:
    """The input file that a locator (`path#offset`) leads to."""
    return locator.rpartition("#")[0]


def _count_file(files: dict[str, dict[str, Any]], row: dict[str, Any]) -> None:
    name = file_of(row["locator"])
    if name not in files:
        files[name] = {"documents": 0, "kept": 0, "dropped": {}, "gated": {}, "quarantined": {}}
    file = files[name]
    file["documents"] += 1
    if row["state"] == "kept":
        file["kept"] += 1
    else:
        of_state = file[row["state"]]
        of_state[row["reason"]] = of_state.get(row["reason"], 0) + 1


def _balance(documents: str, files: dict[str, dict[str, Any]], total: int) -> None:
    """Promise 1, for the part of the ledger: nothing is lost, and whatever left has a reason."""
    for name, file in files.items():
        accounted = file["kept"] + sum(sum(file[state].values()) for state in STATES[1:])
        if file["documents"] != accounted or None in {r for state in STATES[1:] for r in file[state]}:
            raise AssertionError(
                f"{documents}: {name} has {file['documents']} documents, {accounted} accounted for"
            )
    if sum(file["documents"] for file in files.values()) != total:
        raise AssertionError(f"{documents}: {total} documents, but its files have others")
