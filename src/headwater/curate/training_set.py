"""A training set: which texts of the pool an arm trains on, how sources are weighed, and what is in it.

`documents.parquet` leads from a token back to its document: (shard, offset, length) to id, and the id to locator,
URL and licence. The tokens themselves stay in the pool.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headwater.corpus.shards import ShardWriter, in_step, read_batches
from headwater.curate.pool import LEDGER_COLUMNS
from headwater.errors import HeadwaterError, RecipeError
from headwater.recipe.quantities import show_count
from headwater.recipe.settings import Curate

DOCUMENTS_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("text_key", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("language", pa.string()),
        pa.field("shard", pa.string(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("length", pa.int64(), nullable=False),
        pa.field("bytes", pa.int64(), nullable=False),
    ]
)

_ISO_DAY = re.compile(r"\d{4}(?:-\d\d(?:-\d\d)?)?")  # what is written otherwise has no place in a range


# ---------------------------------------------------------------- mixture


@dataclass(frozen=True)
class Mixture:
    """What share of the training tokens comes from each source, and how often its text is then seen."""

    weights: dict[str, float]  # sum 1
    epochs: dict[str, float]
    limited: tuple[str, ...]  # sources held at the epoch limit, below the weight that was asked for


def mixture_weights(settings: Curate, tokens_by_source: Mapping[str, int]) -> dict[str, float] | None:
    """What the recipe asks for, as weights; None where it has no mixture.

    By tokens: a source's weight is the tokens that it is to give; one that is not named gives none. By alpha: n ** alpha
    of its n tokens (Conneau 2020, XLM-R, section 3.1, has 0.3): 1 is what a source holds, 0 makes all alike.
    """
    if settings.mixture is not None:
        return dict(settings.mixture)
    if settings.mixture_tokens is not None:
        named = {source: float(count) for source, count in settings.mixture_tokens.items()}
        return dict.fromkeys(tokens_by_source, 0.0) | named
    if settings.mixture_alpha is not None:
        return {source: n**settings.mixture_alpha if n else 0.0 for source, n in tokens_by_source.items()}
    return None


def refuse_other_sources(named: Collection[str], sources: Collection[str]) -> None:
    """RecipeError where a mixture does not name exactly the sources to train on."""
    if odd := sorted(set(named) ^ set(sources)):
        problem = (
            "there is no such source to train on" if odd[0] in named else "it has no weight (0 leaves it out)"
        )
        raise RecipeError(
            f"curate.mixture: {odd[0]!r}: {problem}; the sources are {', '.join(sorted(sources))}"
        )


def mixture_plan(
    tokens_by_source: Mapping[str, int], weights: Mapping[str, float], budget_tokens: int, max_epochs: float
) -> Mixture:
    """Weights that keep every source within `max_epochs` (repeating more than 4 times harms: Muennighoff 2023).

    Water-filling: a source that would be repeated more often is held at the limit, and what it leaves goes to
    the others in proportion to their weights, until none exceeds it. Raises HeadwaterError where weights name
    other sources than there are, none is positive, or all sources together cannot fill the budget.
    """
    refuse_other_sources(weights, tokens_by_source)
    if any(weight < 0 for weight in weights.values()) or not sum(weights.values()) > 0:
        raise HeadwaterError(
            "curate.mixture: weights must not be negative, and one at least must be positive"
        )
    used = [source for source in sorted(weights) if weights[source] > 0]
    capacity = {source: max_epochs * tokens_by_source[source] for source in used}
    if sum(capacity.values()) < budget_tokens:
        there = ", ".join(f"{source} {show_count(tokens_by_source[source])}" for source in used)
        raise HeadwaterError(
            f"train.tokens asks for {show_count(budget_tokens)} tokens, but at most {max_epochs:g} epochs of the "
            f"sources in curate.mixture give {show_count(sum(capacity.values()))} (there are: {there}); lower "
            "train.tokens, raise max_epochs or add text"
        )
    taken: dict[str, float] = {}
    open_sources, remaining = list(used), float(budget_tokens)
    while True:
        total = sum(weights[source] for source in open_sources)
        full = [s for s in open_sources if remaining * weights[s] / total > capacity[s] * (1 + 1e-9)]
        if not full:
            break
        for source in full:
            taken[source] = float(capacity[source])
        remaining = budget_tokens - sum(taken.values())
        open_sources = [source for source in open_sources if source not in full]
        if not open_sources:  # the limits fill the budget exactly
            break
    limited = tuple(sorted(taken))
    for source in open_sources:
        taken[source] = remaining * weights[source] / sum(weights[s] for s in open_sources)
    return Mixture(
        {source: taken.get(source, 0.0) / budget_tokens for source in sorted(weights)},
        {source: taken.get(source, 0.0) / max(1, tokens_by_source[source]) for source in sorted(weights)},
        limited,
    )


# ---------------------------------------------------------------- documents


@dataclass
class Contents:
    """What a training set holds and what was left out: all that its card says."""

    documents: Counter[tuple[str, str]] = field(default_factory=Counter)  # (source, language)
    bytes: Counter[tuple[str, str]] = field(default_factory=Counter)
    tokens: Counter[tuple[str, str]] = field(default_factory=Counter)
    licenses: Counter[tuple[str, str]] = field(default_factory=Counter)  # (source, licence) -> documents
    consent: Counter[tuple[str, str]] = field(default_factory=Counter)  # (source, consent) -> documents
    dates: dict[str, tuple[str, str]] = field(default_factory=dict)  # source -> earliest, latest day
    dated: Counter[str] = field(default_factory=Counter)  # source -> documents with such a date
    taken_down: int = 0  # documents on the recipe's take-down list, which are in none of these counts
    read: Counter[str] = field(default_factory=Counter)  # source -> training documents
    heldout: Counter[str] = field(default_factory=Counter)  # source -> documents
    left: Counter[tuple[str, str]] = field(default_factory=Counter)  # (state, reason) -> documents
    left_bytes: Counter[tuple[str, str]] = field(default_factory=Counter)
    read_bytes: int = 0
    personal: Counter[str] = field(default_factory=Counter)  # type -> spans taken out of kept documents
    edited: int = 0  # kept documents that an edit changed

    def by_source(self, counts: Counter[tuple[str, str]]) -> dict[str, int]:
        sums: Counter[str] = Counter()
        for (source, _), number in sorted(counts.items()):
            sums[source] += number
        return dict(sums)


def write_documents(path: Path, shards: list[dict[str, str]]) -> Contents:
    """Writes `documents.parquet` of one arm and counts what is in it.

    A shard is {"shard", "documents", "ledger", "pool", "privacy"}, the last four paths of Parquet files; `privacy` is
    the edition without personal data, "" where there is none.
    """
    contents = Contents()
    with ShardWriter(path, DOCUMENTS_SCHEMA) as writer:
        for shard in shards:
            pooled = pq.read_table(shard["pool"])
            place = {key: row for row, key in enumerate(pooled.column("text_key").to_pylist())}
            for kept in _kept(shard, contents):
                rows = pooled.take(pa.array([place[key] for key in kept], pa.int64()))
                rows = rows.append_column("shard", pa.array([shard["shard"]] * len(kept), pa.string()))
                writer.write_table(rows.select(DOCUMENTS_SCHEMA.names).cast(DOCUMENTS_SCHEMA))
                for row in rows.select(["source", "language", "length", "bytes"]).to_pylist():
                    stratum = (row["source"], row["language"] or "und")
                    contents.documents[stratum] += 1
                    contents.bytes[stratum] += row["bytes"]
                    contents.tokens[stratum] += row["length"]
    return contents


def _kept(shard: dict[str, str], contents: Contents) -> Iterator[list[str]]:
    """Text keys of the kept training documents, a batch at a time; everything else is counted."""
    ledger_columns = [*LEDGER_COLUMNS, "reason", "bytes", "edits"]
    streams = [
        read_batches(shard["documents"], ["source", "license", "consent", "date"]),
        read_batches(shard["ledger"], ledger_columns),
    ]
    if shard.get("privacy"):
        streams.append(read_batches(shard["privacy"], ["spans"]))
    for documents, ledger, *private in in_step(streams):
        keys = []
        for batch in private:
            contents.personal += _personal(batch, ledger)
        for document, entry in zip(documents.to_pylist(), ledger.to_pylist(), strict=True):
            source = document["source"]
            if entry["split"] != "train":
                contents.heldout[source] += 1
                continue
            contents.read[source] += 1
            contents.read_bytes += entry["bytes"] or 0
            if entry["state"] != "kept":
                contents.left[entry["state"], entry["reason"] or ""] += 1
                contents.left_bytes[entry["state"], entry["reason"] or ""] += entry["bytes"] or 0
                continue
            keys.append(entry["text_key"])
            contents.edited += bool(entry["edits"])
            contents.licenses[source, document["license"] or "not stated"] += 1
            contents.consent[source, document["consent"] or "not stated"] += 1
            if (day := (document["date"] or "")[:10]) and _ISO_DAY.fullmatch(day):
                first, last = contents.dates.get(source, (day, day))
                contents.dates[source] = (min(first, day), max(last, day))
                contents.dated[source] += 1
        if keys:
            yield keys


def _personal(edition: pa.RecordBatch, ledger: pa.RecordBatch) -> Counter[str]:
    """Spans by type that the edition took out of the documents that are kept."""
    kept = pc.and_(pc.equal(ledger["state"], "kept"), pc.equal(ledger["split"], "train"))
    spans = pc.list_flatten(edition["spans"].filter(kept))
    return Counter(reason.removeprefix("privacy_") for reason in pc.struct_field(spans, "reason").to_pylist())


def manifest(
    *, key: str, vocabulary: int, separator: int, pool: list[dict[str, str]], contents: Contents,
    mixture: Mixture | None, max_epochs: float, token_type: str,
) -> dict[str, Any]:  # fmt: skip
    """What training reads first: where the tokens are and how to weigh them."""
    return {
        "format": 1,
        "key": key,
        "vocabulary": vocabulary,
        "dtype": token_type,
        "separator": separator,
        "pool": pool,
        "documents": sum(contents.documents.values()),
        "bytes": sum(contents.bytes.values()),
        "tokens": sum(contents.tokens.values()),
        "tokens_by_source": contents.by_source(contents.tokens),
        "mixture": None if mixture is None else mixture.weights,
        "epochs": None if mixture is None else mixture.epochs,
        "limited": [] if mixture is None else list(mixture.limited),
        "max_epochs": max_epochs,
    }
