"""`find`: the same tasks, one after another in this process, over documents said to be alive: for `whatif`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from headwater.corpus.shards import ShardWriter
from headwater.curate.decisions import DECISIONS_SCHEMA, UNKNOWN
from headwater.curate.duplicates.equal import equal_shard
from headwater.curate.duplicates.exchange import left_of, partitions
from headwater.curate.duplicates.keys import BAND_CHANNELS, keys_shard
from headwater.curate.duplicates.near import buckets_shard, cluster_shard
from headwater.engine.workspace import Entry, Output
from headwater.recipe.settings import Duplicates

ALL = {"*": "*"}  # every language is of one track: who is alive is said by document
NO_EARLIER: dict[str, Any] = {"rows": 0, "left": []}


@dataclass(frozen=True)
class AliveShard:
    """*Shapes*: `alive` (rows,) bool, `lengths` (rows,) int64, UTF-8 bytes of the texts as they are now. `signals`: by
    family, the newest edition's file first; `source`: its place in the recipe."""

    shard: str
    documents: Path
    signals: dict[str, tuple[Path, ...]]
    alive: np.ndarray
    lengths: np.ndarray
    source: int = 0


def find(shards: list[AliveShard], settings: Duplicates, folder: Path) -> dict[str, dict[str, np.ndarray]]:
    """Which rows leave: shard -> reason -> (n,) rows. Works in `folder`; an earlier corpus has no say."""
    channels = ["url"] * settings.url + ["exact"] * settings.exact
    channels += BAND_CHANNELS if settings.near is not None else []
    parts = partitions(sum(len(shard.alive) for shard in shards))
    keys = [_keys(shard, settings, channels, parts, folder) for shard in shards]

    def part(channel: str, number: int) -> list[dict[str, Any]]:
        return [
            {"keys": str(one.path("keys")), "ranks": str(one.path("ranks")), "rows": one.result["rows"],
             "run": one.result["runs"][channel][number : number + 2]}
            for one in keys
        ]  # fmt: skip

    said = {"policy": settings.policy, "earlier": NO_EARLIER}
    left: dict[str, list[str]] = {}
    for kind in (channel for channel in channels if channel in ("url", "exact")):
        before = [path for paths in left.values() for path in paths]
        left[f"{kind}_duplicate"] = [
            str(
                _run(
                    folder, f"{kind}-{number}", equal_shard, spreads=part(kind, number), left=before, **said
                ).path("left")
            )
            for number in range(parts)
        ]
    if settings.near is not None and shards:
        before = [path for paths in left.values() for path in paths]
        buckets = [
            _run(folder, f"{channel}-{number}", buckets_shard, spreads=part(channel, number), left=before)
            for channel in BAND_CHANNELS
            for number in range(parts)
        ]
        found = _run(
            folder, "near", cluster_shard, spreads=part(BAND_CHANNELS[0], 0),
            signatures=[[str(path) for path in shard.signals["minhash"]] for shard in shards],
            buckets=[[str(one.path("members")), str(one.path("starts"))] for one in buckets],
            similarity=settings.near.similarity, **said,
        )  # fmt: skip
        left["near_duplicate"] = [str(found.path("left"))]
    answer, at = {}, 0
    for shard in shards:
        rows = len(shard.alive)
        answer[shard.shard] = {
            reason: left_of(files, at, at + rows)["position"] - at for reason, files in left.items()
        }
        at += rows
    return answer


def _keys(shard: AliveShard, settings: Duplicates, channels: list[str], parts: int, folder: Path) -> Entry:
    table = pq.read_table(shard.documents, columns=["id", "split"])
    decisions = folder / f"{shard.shard}.decisions.parquet"
    with ShardWriter(decisions, DECISIONS_SCHEMA) as writer:
        writer.write(
            [
                {"id": name, "language": UNKNOWN, "split": split, "state": "kept" if alive else "dropped", "reasons": 0,
                 "edits": 0, "bytes": size, "bytes_now": size, "text_key": ""}
                for name, split, alive, size in zip(
                    table["id"].to_pylist(), table["split"].to_pylist(), shard.alive.tolist(), shard.lengths.tolist(),
                    strict=True,
                )
            ]
        )  # fmt: skip
    return _run(
        folder, shard.shard, keys_shard, documents=str(shard.documents), decisions=str(decisions),
        signals={family: [str(path) for path in paths] for family, paths in shard.signals.items()},
        tracks=["*"], by_language=ALL, channels=channels, parts=parts, policy=settings.policy,
        quality=settings.quality if settings.policy == "best" else "", source=shard.source,
    )  # fmt: skip


def _run(folder: Path, name: str, function: Any, **arguments: Any) -> Entry:
    out = Output(folder, name)
    return out.commit("find", function(out, **arguments))
