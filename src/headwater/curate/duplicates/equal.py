"""One partition of a channel whose equal keys say all: the same address, the same text."""

from typing import Any

import numpy as np

from headwater.curate.duplicates.exchange import LEFT, left_before, shared_groups, spreads_of, starts_of, take
from headwater.curate.duplicates.survivors import standings, survivors
from headwater.engine.workspace import Output


def equal_shard(
    out: Output,
    *,
    spreads: list[dict[str, Any]],
    left: list[str],
    policy: str,
    earlier: dict[str, Any],
) -> dict[str, Any]:
    """Shard function: `.left`, the documents of one partition that leave, by position.

    `spreads`: every shard's keys, ranks, rows and this partition's run; `left`: files of those that left before.
    """
    shards = spreads_of(spreads)
    records, positions = take(shards)
    keep = ~left_before(left, int(starts_of(shards)[-1]))[positions]
    keys, positions = records["key"][keep], positions[keep]
    members, starts = shared_groups(keys)
    groups = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    at = positions[members]
    standing = standings(shards, at, policy, earlier)
    stays = survivors(groups, standing)
    leaves = stays != np.arange(len(members))
    found = np.zeros(int(leaves.sum()), LEFT)
    found["position"], found["similarity"] = at[leaves], 1
    for name in ("high", "low"):
        found[name] = standing[name][stays[leaves]]
    with out.path("left").open("wb") as file:
        found[np.argsort(found["position"])].tofile(file)
    return {"left": len(found), "clusters": len(starts) - 1}
