"""What scores say: bits per byte of each domain, and the one score of a run that comparisons rest on.

    bits per byte of a domain = Σ nats / (ln 2 · Σ raw UTF-8 bytes)
    y = Σ_k w_k ln b_k over domains k        weights equal over languages, then over a language's domains

A log ratio has no unit: a mean of raw bits per byte would count Chinese, which has three bytes a character and so
fewer bits in each, for less.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headwater.errors import RecipeError

HELDOUT_COLUMNS = ["id", "unit", "domain", "language", "text"]
SCORES_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("unit", pa.string(), nullable=False),
        pa.field("domain", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("bytes", pa.int64(), nullable=False),  # raw UTF-8
        pa.field("nats", pa.float64(), nullable=False),  # −ln P of the document
    ]
)


@dataclass(frozen=True)
class DomainTotals:
    """One domain of a `scores.parquet`."""

    language: str
    documents: int
    units: tuple[str, ...]  # ascending
    bytes: np.ndarray  # (units,)
    nats: np.ndarray  # (units,)

    @property
    def unit_bits(self) -> np.ndarray:
        """Bits per byte of each unit, (units,)."""
        bits: np.ndarray = self.nats / math.log(2) / self.bytes
        return bits

    @property
    def bits_per_byte(self) -> float:
        return float(self.nats.sum() / math.log(2) / self.bytes.sum())


def by_domain(scores: Path) -> dict[str, DomainTotals]:
    """Sums over the documents of each unit, domains by name."""
    columns = pq.read_table(scores).to_pydict()
    domains = np.array(columns["domain"], np.str_)
    totals = {}
    for domain in sorted(set(columns["domain"])):
        here = np.flatnonzero(domains == domain)
        units, place = np.unique([columns["unit"][row] for row in here], return_inverse=True)
        sizes, nats = np.zeros(len(units)), np.zeros(len(units))
        np.add.at(sizes, place, [columns["bytes"][row] for row in here])
        np.add.at(nats, place, [columns["nats"][row] for row in here])
        language = columns["language"][here[0]]
        totals[domain] = DomainTotals(language, len(here), tuple(units.tolist()), sizes, nats)
    return totals


def domain_weights(languages: Mapping[str, str], given: Mapping[str, float] | None) -> dict[str, float]:
    """Weights that sum to 1, by domain; `languages` is each domain's. Raises RecipeError for a domain without text."""
    if given is not None:
        if unknown := sorted(set(given) - set(languages)):
            raise RecipeError(
                f"evaluate.weights: no held-out text in {unknown[0]!r}; there is some in {', '.join(sorted(languages))}"
            )
        total = sum(given.values())
        if total <= 0 or min(given.values()) < 0:
            raise RecipeError(
                "evaluate.weights: weights must not be negative, and one at least must be positive"
            )
        return {domain: given.get(domain, 0.0) / total for domain in sorted(languages)}
    spoken = sorted(set(languages.values()))
    share = {language: sum(other == language for other in languages.values()) for language in spoken}
    return {domain: 1 / len(spoken) / share[languages[domain]] for domain in sorted(languages)}


def summarise(scores: Path, weights: Mapping[str, float] | None = None) -> dict[str, Any]:
    """{"score": y, "domains": {name: bits per byte}, "documents", "units", "bytes"} of a `scores.parquet`."""
    return summary_of(by_domain(scores), weights)


def summary_of(domains: Mapping[str, DomainTotals], weights: Mapping[str, float] | None) -> dict[str, Any]:
    """The same of scores that are read already."""
    given = domain_weights({name: totals.language for name, totals in domains.items()}, weights)
    return {
        "score": sum(weight * math.log(domains[name].bits_per_byte) for name, weight in given.items()),
        "domains": {name: totals.bits_per_byte for name, totals in domains.items()},
        "documents": sum(totals.documents for totals in domains.values()),
        "units": sum(len(totals.units) for totals in domains.values()),
        "bytes": int(sum(totals.bytes.sum() for totals in domains.values())),
    }
