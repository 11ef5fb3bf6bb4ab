"""`find`: exact duplicates, then near-duplicates among what is left, over the documents alive at this step.

Memory is about 60 bytes a document and 500 a candidate (mapped from disk); the temporary folder takes 112 bytes
a document. Ids and dates are read for members of clusters only.
"""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from headwater.curate.duplicates.keys import (
    PERMUTATIONS,
    AliveShard,
    Layer,
    buckets,
    layer_of_rows,
    training_rows,
)
from headwater.curate.duplicates.near import clusters, least_equal
from headwater.curate.duplicates.survivors import (
    exact_survivors,
    near_partners,
    order_of_preference,
    read_column,
)
from headwater.recipe.settings import Duplicates

__all__ = ["EXACT", "NEAR", "REASONS", "AliveShard", "Layer", "ShardDuplicates", "find"]

REASONS = ("", "exact_duplicate", "near_duplicate")  # what the codes in `ShardDuplicates.reason` stand for
EXACT, NEAR = 1, 2


@dataclass(frozen=True)
class ShardDuplicates:
    """What leaves one shard.

    *Shapes*: all (rows,). `drop` bool; `reason` uint8, an index into REASONS; `partner` string array, the id of
    the partner of a row that leaves, else null; `similarity` float32, NaN for a row that stays: 1 for an exact
    duplicate, the share of equal signature values for a near one.
    """

    drop: np.ndarray
    reason: np.ndarray
    partner: pa.Array
    similarity: np.ndarray


def find(shards: list[AliveShard], settings: Duplicates, workspace_tmp: Path) -> dict[str, ShardDuplicates]:
    """Which of the documents alive leave as duplicates: shard -> ShardDuplicates.

    Takes the shards in the order given, which must not depend on anything but the corpus (`first` keeps by it).
    Only the training split takes part. Two texts of equal xxh3-64 and equal length count as equal: among N
    documents the chance of one false pair is below N² / 2^65, 1e-5 for 20 million.
    """
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum([len(shard.alive) for shard in shards])])
    total = int(starts[-1])
    drop = np.zeros(total, bool)
    reason = np.zeros(total, np.uint8)
    similarity = np.full(total, np.nan, np.float32)
    partners: dict[int, int] = {}  # position -> position, of documents that leave
    alive = np.concatenate([training_rows(shard) for shard in shards]) if shards else np.zeros(0, bool)
    measured = [layer_of_rows(shard) for shard in shards]
    layers = [layer_of for _, layer_of in measured]
    keep = settings.near.keep if settings.near is not None else "first"
    if settings.exact and total:
        hashes = np.concatenate([shard_hashes for shard_hashes, _ in measured])
        has_hash = np.concatenate(layers) >= 0
        positions = np.sort(buckets(hashes, alive & has_hash)[0])
        preference, lengths = _preference(keep, shards, positions)
        survivor = exact_survivors(hashes[positions], lengths, preference)
        leaves = survivor != np.arange(len(positions))
        drop[positions[leaves]], reason[positions[leaves]], similarity[positions[leaves]] = True, EXACT, 1.0
        partners |= dict(zip(positions[leaves].tolist(), positions[survivor[leaves]].tolist(), strict=True))
    if settings.near is not None and total:
        workspace_tmp.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="duplicates-", dir=workspace_tmp))
        try:
            wanted = settings.near.similarity
            positions, edges, signatures = clusters(shards, layers, alive & ~drop, wanted, folder)
            preference, _ = _preference(keep, shards, positions)
            partner, equal = near_partners(edges, preference, signatures, least_equal(wanted))
        finally:
            shutil.rmtree(folder)
        leaves = partner >= 0
        drop[positions[leaves]], reason[positions[leaves]] = True, NEAR
        similarity[positions[leaves]] = equal[leaves] / np.float32(PERMUTATIONS)
        partners |= dict(zip(positions[leaves].tolist(), positions[partner[leaves]].tolist(), strict=True))
    named = np.array(sorted(set(partners.values())), np.int64)
    ids = dict(zip(named.tolist(), read_column(shards, named, "id"), strict=True))
    return {
        shard.shard: ShardDuplicates(
            drop[low:high],
            reason[low:high],
            _partner_column(partners, ids, low, high),
            similarity[low:high],
        )
        for shard, low, high in zip(shards, starts[:-1].tolist(), starts[1:].tolist(), strict=True)
    }


def _preference(keep: str, shards: list[AliveShard], positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(C,) ranks of the candidates and (C,) lengths."""
    lengths = np.concatenate([shard.lengths for shard in shards]).astype(np.int64)[positions]
    ids = read_column(shards, positions, "id")
    dates = read_column(shards, positions, "date") if keep == "newest" else np.zeros(len(positions), object)
    return order_of_preference(keep, positions, lengths, ids, dates), lengths


def _partner_column(partners: dict[int, int], ids: dict[int, str], low: int, high: int) -> pa.Array:
    return pa.array(
        [ids[partners[position]] if position in partners else None for position in range(low, high)],
        pa.string(),
    )
