"""Duplicates found again among other documents, in a folder that is thrown away: the shard functions of a curation, one
after another, as `pipeline.duplicates` lays them out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headwater.curate.duplicates.equal import equal_shard
from headwater.curate.duplicates.exchange import left_of, partitions
from headwater.curate.duplicates.keys import BAND_CHANNELS, keys_shard
from headwater.curate.duplicates.near import buckets_shard, cluster_shard
from headwater.curate.steps import DuplicatesStep
from headwater.engine.workspace import Output

NOTHING_EARLIER: dict[str, Any] = {"rows": 0, "left": []}


@dataclass(frozen=True)
class Alive:
    """One shard. *Shapes*: `alive`, `bytes` and the columns of `ledger` (id, split, language) all (rows,)."""

    name: str
    documents: Path
    signals: dict[str, list[Path]]  # by family, the newest edition's first, the documents' own last
    ledger: pa.Table
    alive: np.ndarray
    bytes: np.ndarray
    by_language: dict[str, str]
    source: int  # its source's place among the sources


def find_again(shards: list[Alive], step: DuplicatesStep, folder: Path) -> dict[str, dict[str, np.ndarray]]:
    """Shard -> reason -> (rows,) bool: the documents that leave."""
    settings, near = step.settings, step.settings.near
    channels = (
        ["url"] * settings.url + ["exact"] * settings.exact + (BAND_CHANNELS if near is not None else [])
    )
    parts = partitions(sum(len(shard.alive) for shard in shards))
    spread = [_keys(shard, step, channels, parts, folder) for shard in shards]

    def of(channel: str, part: int) -> list[dict[str, Any]]:
        names = ("keys", "ranks", "rows")
        return [{n: one[n] for n in names} | {"run": one["runs"][channel][part : part + 2]} for one in spread]

    left: dict[str, list[str]] = {}
    for kind in ("url", "exact"):
        if kind in channels:
            before, files = [path for some in left.values() for path in some], []
            for part in range(parts):
                out = Output(folder, f"{kind}-{part}")
                equal_shard(
                    out, spreads=of(kind, part), left=before, policy=settings.policy, earlier=NOTHING_EARLIER
                )
                files.append(str(out.path("left")))
            left[f"{kind}_duplicate"] = files
    if near is not None:
        before, buckets = [path for some in left.values() for path in some], []
        for channel in BAND_CHANNELS:
            for part in range(parts):
                out = Output(folder, f"{channel}-{part}")
                buckets_shard(out, spreads=of(channel, part), left=before)
                buckets.append([str(out.path("members")), str(out.path("starts"))])
        out = Output(folder, "near")
        cluster_shard(
            out,
            spreads=of(BAND_CHANNELS[0], 0),
            signatures=[[str(path) for path in shard.signals["minhash"]] for shard in shards],
            buckets=buckets,
            similarity=near.similarity,
            policy=settings.policy,
            earlier=NOTHING_EARLIER,
        )
        left["near_duplicate"] = [str(out.path("left"))]
    found: dict[str, dict[str, np.ndarray]] = {}
    first = 0
    for shard in shards:
        rows = len(shard.alive)
        found[shard.name] = {}
        for reason, files in left.items():
            leaves = np.zeros(rows, bool)
            leaves[left_of(files, first, first + rows)["position"] - first] = True
            found[shard.name][reason] = leaves
        first += rows
    return found


def _keys(
    shard: Alive, step: DuplicatesStep, channels: list[str], parts: int, folder: Path
) -> dict[str, Any]:
    decisions = folder / f"{shard.name}.decisions.parquet"
    state = pa.array(["dropped", "kept"]).take(pa.array(shard.alive.astype(np.int8)))
    table = shard.ledger.select(["id", "split", "language"])
    table = table.append_column("state", state).append_column("bytes_now", pa.array(shard.bytes))
    pq.write_table(table, decisions)
    out = Output(folder, shard.name)
    settings = step.settings
    made = keys_shard(
        out,
        documents=str(shard.documents),
        decisions=str(decisions),
        signals={family: [str(path) for path in paths] for family, paths in shard.signals.items()},
        tracks=list(step.tracks),
        by_language=shard.by_language,
        channels=channels,
        parts=parts,
        policy=settings.policy,
        quality=settings.quality if settings.policy == "best" else "",
        source=shard.source,
    )
    return made | {"keys": str(out.path("keys")), "ranks": str(out.path("ranks"))}
