"""How much of each held-out unit is scored, so that scoring has an end where units are whole books.

A domain's score rests on its units (author, site, repository), and what is left of its noise falls with their number:
a little of every unit says more than all of a few. So a limit on the whole is shared by the domains alike, and a
domain's share by its units alike; what the small ones do not use, the large ones get. Where that is less than LEAST
bytes of each, those units are scored that come first by a hash of their names, as many as are needed for a claim about
the domain at least.
"""

from collections.abc import Collection, Mapping

import xxhash

LEAST = 2000  # bytes: less of a unit is hardly more than its first sentences
CLAIM_UNITS = 12  # of a domain: fewer, and what is found is about these texts


def portions(
    domains: Mapping[str, Mapping[str, int]], *, bytes_per_unit: int | None, max_bytes: int | None
) -> dict[str, dict[str, int]]:
    """{domain: {unit: bytes to score}} of {domain: {unit: bytes held out}}; units that are not scored are not in it."""
    limit = _largest(domains) if bytes_per_unit is None else bytes_per_unit
    wanted = {
        name: {unit: min(size, limit) for unit, size in units.items()} for name, units in domains.items()
    }
    if max_bytes is None:
        return wanted
    whole = {name: sum(units.values()) for name, units in wanted.items()}
    share = level(whole.values(), max_bytes)
    return {name: units if whole[name] <= share else _shared(units, share) for name, units in wanted.items()}


def level(sizes: Collection[int], total: int) -> int:
    """The largest c with Σ min(size, c) ≤ total, as a whole number; the largest size where all of them fit."""
    left = total
    for number, size in enumerate(ordered := sorted(sizes)):
        if size > (share := left // (len(ordered) - number)):
            return share
        left -= size
    return max(ordered)


def beginning(text: str, size: int) -> str:
    """The first `size` bytes of a text, less what they have of a character that they cut; one character at least."""
    return text.encode()[:size].decode(errors="ignore") or text[:1]


def _shared(units: Mapping[str, int], total: int) -> dict[str, int]:
    chosen: list[str] = []
    least = 0
    for unit in sorted(units, key=lambda name: (xxhash.xxh3_64_intdigest(name.encode()), name)):
        least += min(units[unit], LEAST)
        if least > total and len(chosen) >= CLAIM_UNITS:
            break
        chosen.append(unit)
    size = max(1, level([units[unit] for unit in chosen], total))
    return {unit: min(units[unit], size) for unit in chosen}


def _largest(domains: Mapping[str, Mapping[str, int]]) -> int:
    return max(size for units in domains.values() for size in units.values())
