"""Who of a cluster stays: a rank a document, the lowest stays; equals are decided by the lower id.

    best          most of the signal `quality` (with - before its name: least), then the longest; unmeasured last
    longest       UTF-8 bytes of the text as it is at this step
    first         place in the corpus: order of shards and rows
    source_order  the order of the recipe's sources
    oldest        by date; an unknown date is no reason to stay
    newest        by date; an unknown date is older than any
    license       public domain, then permissive, share-alike, restricted (NC, ND), other, unknown; then the longest

Documents of an earlier corpus go before all others, those that stayed in it first.
"""

import re
from typing import Any

import numpy as np

from headwater.curate.duplicates.exchange import LEFT, Spread, starts_of

RANK = np.dtype([("rank", "<u8"), ("high", "<u8"), ("low", "<u8")])  # lowest stays; the id, 128 bits
# the same with what goes before: 0 stayed in the earlier corpus, 1 left in it, 2 is new
STANDING = np.dtype([("era", "u1"), ("rank", "<u8"), ("high", "<u8"), ("low", "<u8")])
_LAST = np.uint64(2**64 - 1)
_LENGTHS = 2**32 - 1

_LICENSES = [
    (0, re.compile(r"cc0|public domain|publicdomain|\bpd\b|unlicense|0bsd|wtfpl|公有领域|公有領域")),
    (
        3,
        re.compile(
            r"\bn[cd]\b|noncommercial|non-commercial|noderiv|no derivatives|禁止演绎|禁止改作|非商业|非商業"
        ),
    ),
    (2, re.compile(r"by-sa|share-?alike|gfdl|gpl|mpl|epl|cddl|odbl|sharing|相同方式")),
    (
        1,
        re.compile(
            r"\bby\b|attribution|apache|\bmit\b|bsd|\bisc\b|zlib|mulan|odc-by|permissive|署名|姓名標示|boost|\bbsl"
        ),
    ),
]
_NUMBERS = re.compile(r"\d+")


def license_rank(name: str | None) -> int:
    """0 public domain, 1 attribution only, 2 share-alike, 3 restricted, 4 another, 5 unknown."""
    said = (name or "").strip().lower().replace("_", "-")
    if not said or said in ("unknown", "none", "noassertion"):
        return 5
    return next((rank for rank, words in _LICENSES if words.search(said)), 4)


def date_number(date: str | None) -> int:
    """A date as a number that sorts as dates do: `2024-05-01T…` and 2024年5月1日 are 20240501……; 0 where unknown."""
    numbers = _NUMBERS.findall((date or "")[:40])
    if not numbers or len(numbers[0]) != 4:
        return int(numbers[0][:8].ljust(14, "0")) if numbers and len(numbers[0]) == 8 else 0
    parts = [*(number[:2] for number in numbers[1:6]), *["0"] * 5]
    return int(numbers[0] + "".join(part.zfill(2) for part in parts[:5]))


def ranks(policy: str, columns: dict[str, Any], places: np.ndarray, source: int) -> np.ndarray:
    """(rows,) uint64. *Shapes*: all (rows,): `lengths` int64, `quality` float64 (more is better, NaN unmeasured),
    `dates` and `licenses` strings or None; `places` int64, rows in the shard."""
    found = places.astype(np.uint64)  # first: `standings` puts the shard before it
    shorter = (_LENGTHS - np.minimum(columns["lengths"], _LENGTHS)).astype(np.uint64)
    if policy == "longest":
        found = shorter
    elif policy == "source_order":
        found[:] = source
    elif policy in ("oldest", "newest"):
        dates = np.array([date_number(date) for date in columns["dates"]], np.uint64)
        found[:] = _LAST - dates if policy == "newest" else np.where(dates > 0, dates, _LAST)
    elif policy == "license":
        of = np.array([license_rank(name) for name in columns["licenses"]], np.uint64)
        found[:] = (of << np.uint64(32)) | shorter
    elif policy == "best":
        found[:] = (_worse(columns["quality"]) << np.uint64(32)) | shorter
    return found


def _worse(quality: np.ndarray) -> np.ndarray:
    """(rows,) uint64 of 32 bits that fall as the quality rises; NaN has the highest."""
    bits = np.asarray(quality, np.float32).view(np.uint32).astype(np.uint64)
    negative = bits >> np.uint64(31) == 1
    ascending = np.where(negative, np.uint64(_LENGTHS) - bits, bits | np.uint64(1 << 31))
    return np.where(np.isnan(quality), np.uint64(_LENGTHS), np.uint64(_LENGTHS) - ascending)


def standings(
    spreads: list[Spread], positions: np.ndarray, policy: str, earlier: dict[str, Any]
) -> np.ndarray:
    """(n,) STANDING of the documents at these positions.

    `earlier`: {"rows": positions of the earlier corpus, "left": files of what left in it}.
    """
    found = np.zeros(len(positions), STANDING)
    starts = starts_of(spreads)
    shards = np.searchsorted(starts, positions, "right") - 1
    for shard in np.unique(shards).tolist():
        here = np.flatnonzero(shards == shard)
        table = np.memmap(spreads[shard].ranks, RANK, "r")
        rows = table[positions[here] - starts[shard]]
        for name in ("rank", "high", "low"):
            found[name][here] = rows[name]
        if policy == "first":
            found["rank"][here] = positions[here]
    found["era"] = 2
    if earlier["rows"]:
        found["era"][positions < earlier["rows"]] = 0
        for path in earlier["left"]:
            found["era"][np.isin(positions, np.fromfile(path, LEFT)["position"])] = 1
    return found


def survivors(groups: np.ndarray, standing: np.ndarray) -> np.ndarray:
    """(n,) int64: the place of the survivor of each member's group. *Shapes*: groups (n,), ascending."""
    order = np.lexsort((standing["low"], standing["high"], standing["rank"], standing["era"], groups))
    new = np.ones(len(order), bool)
    new[1:] = groups[order[1:]] != groups[order[:-1]]
    first = np.empty(len(order), np.int64)
    first[order] = order[np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))]
    return first
