"""Clusters of duplicates by size: how many documents each document that stayed stands for.

A document that left names a partner; partners lead to one that stayed (or left for another reason later, or is of an
earlier corpus). A cluster is that document and all that lead to it. What a Bloom filter took has no partner and is in
no cluster.
"""

from collections import Counter
from dataclasses import dataclass

import pyarrow.compute as pc
import pyarrow.parquet as pq

from headwater.inspect.snapshots import Snapshot

LARGEST = 10


@dataclass(frozen=True)
class Clusters:
    """`sizes`: (documents of a cluster, clusters of that size), ascending; `largest`: (id that stayed, documents)."""

    clusters: int
    left: int
    sizes: tuple[tuple[int, int], ...]
    largest: tuple[tuple[str, int], ...]


def clusters(snapshot: Snapshot) -> Clusters:
    """Of one recipe; memory grows with the documents that left as duplicates."""
    partner_of: dict[str, str] = {}
    for entry in snapshot.ledger.values():
        table = pq.read_table(entry.here(), columns=["id", "partner"])
        left = table.filter(pc.is_valid(table["partner"]))
        partner_of |= dict(zip(left["id"].to_pylist(), left["partner"].to_pylist(), strict=True))
    end_of: dict[str, str] = {}
    for name in partner_of:
        path = [name]
        while path[-1] in partner_of and path[-1] not in end_of:
            path.append(partner_of[path[-1]])
        end = end_of.get(path[-1], path[-1])
        end_of |= dict.fromkeys(path[:-1], end)
    members = Counter(end_of.values())
    sizes = Counter(count + 1 for count in members.values())
    largest = sorted(members.items(), key=lambda pair: (-pair[1], pair[0]))[:LARGEST]
    return Clusters(
        len(members),
        len(partner_of),
        tuple(sorted(sizes.items())),
        tuple((name, count + 1) for name, count in largest),
    )


def lines_of(found: Clusters) -> list[str]:
    """For a terminal: a line for the sizes, a line for each of the largest."""
    if not found.clusters:
        return ["duplicates  none"]
    sizes = ", ".join(f"{size:,} × {count:,}" for size, count in found.sizes[:8])
    more = ", …" if len(found.sizes) > 8 else ""
    lines = [
        f"duplicates  {found.left:,} left {found.clusters:,} clusters; documents × clusters: {sizes}{more}"
    ]
    return lines + [f"            {size:>9,}  {name}" for name, size in found.largest[:3]]
