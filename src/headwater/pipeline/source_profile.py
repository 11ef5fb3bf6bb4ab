"""The profile of one source: what was read of it, from what is committed with its shards; no text is read.

Lengths, languages, sites, dates, licences, units, the quantiles of every number that was measured (those kept with the
shards of signals: signals/quantiles.py), personal data per megabyte, and what a ledger keeps. `headwater profile`
shows it (inspect/portrait.py), and it is the body of a training set's card.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import pyarrow.parquet as pq

from headwater.curate.card import safe, table
from headwater.engine.workspace import Entry
from headwater.recipe.quantities import show_count, show_size
from headwater.signals import FAMILIES
from headwater.signals.quantiles import merged

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
MOST = 8  # languages, sites, licences that are named
SHOWN = (
    "length.characters", "length.words", "length.lines", "gopher.mean_word_length", "gopher.alphabetic_words",
    "repetition.duplicate_lines", "repetition.top_2_gram", "repetition.duplicate_5_grams",
    "fineweb.line_punctuation_quoted", "fineweb.short_lines", "han.share", "language.score",
)  # fmt: skip
MEGABYTE = 1_000_000
MOST_SKETCHES = 200  # shards whose quantiles are merged
NOT_STATED = "not stated"


@dataclass(frozen=True)
class Distribution:
    """A signal over the documents as read: how many have it, its mean, its QUANTILES."""

    documents: int
    mean: float
    quantiles: tuple[float, ...]


@dataclass
class SourceProfile:
    name: str
    kind: str
    documents: int = 0
    bytes: int = 0
    units: int = 0
    kept: int | None = None  # documents to train on; None without a ledger
    kept_bytes: int | None = None
    languages: list[tuple[str, int]] = field(default_factory=list)  # measured, by documents
    sites: list[tuple[str, int]] = field(default_factory=list)
    site_count: int = 0
    dated: int = 0
    earliest: str | None = None
    latest: str | None = None
    years: list[tuple[str, int]] = field(default_factory=list)
    licenses: list[tuple[str, int]] = field(default_factory=list)  # "" where none is stated
    consent: list[tuple[str, int]] = field(default_factory=list)
    personal_per_mb: dict[str, float] = field(default_factory=dict)
    tokens_per_word: float | None = None
    tokens_per_byte: float | None = None
    signals: dict[str, Distribution] = field(default_factory=dict)


def profile_of(
    name: str, kind: str, entries: Sequence[Entry], measured: Mapping[str, Sequence[Entry]]
) -> SourceProfile:
    """Of the shards of a source's documents, and by family those of their signals."""
    found = SourceProfile(name, kind)
    found.documents = sum(entry.result["documents"] for entry in entries)
    found.bytes = sum(entry.result["bytes"] for entry in entries)
    if not found.documents:
        return found
    _provenance(found, entries)
    labels: Counter[str] = Counter()
    for entry in measured.get("language", ()):
        column = pq.read_table(entry.here(), columns=["language.label"])["language.label"]
        for row in column.value_counts().to_pylist():
            labels[row["values"] or "none"] += row["counts"]
    found.languages = sorted(labels.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST]
    for family in measured:
        kept = [entry.result.get("quantiles", {}) for entry in thinned(measured[family])]
        for signal in dict.fromkeys(
            signal for one in kept for signal in one
        ):  # the recipe's own families, too
            sketches = [one[signal] for one in kept if signal in one]
            count = sum(sketch["count"] for sketch in sketches)
            mean = sum(sketch["mean"] * sketch["count"] for sketch in sketches) / count
            found.signals[signal] = Distribution(count, mean, tuple(merged(sketches, QUANTILES)))
    for signal_name, one in found.signals.items():
        if signal_name.startswith("privacy.") and one.mean:
            found.personal_per_mb[signal_name.partition(".")[2]] = (
                one.mean * one.documents / found.bytes * MEGABYTE
            )
    return found


def thinned(entries: Sequence[Entry]) -> Sequence[Entry]:
    """Of more than MOST_SKETCHES shards every second, third …"""
    return entries[:: 1 + (len(entries) - 1) // MOST_SKETCHES] if entries else entries


def count_kept(found: SourceProfile, ledger: Sequence[Entry], tokens_per_byte: float | None) -> None:
    """Adds what a ledger keeps of it to train on, and what a tokeniser makes of that."""
    found.kept = found.kept_bytes = 0
    for entry in ledger:
        for row in entry.result["counts"]:
            if (row["source"], row["state"], row["split"]) == (found.name, "kept", "train"):
                found.kept += row["documents"]
                found.kept_bytes += row["bytes_kept"]
    found.tokens_per_byte = tokens_per_byte
    words, size = found.signals.get("length.words"), found.signals.get("length.bytes")
    if tokens_per_byte and words and size and words.mean:
        found.tokens_per_word = tokens_per_byte * size.mean / words.mean


def _provenance(found: SourceProfile, entries: Sequence[Entry]) -> None:
    """Sites, dates, licences, consent and units, of the columns beside the text."""
    paths = [str(entry.here()) for entry in entries if entry.result["documents"]]
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET memory_limit = '1GB'")
        connection.execute(
            f"CREATE VIEW d AS SELECT url, date, license, consent, unit FROM read_parquet({_list(paths)})"
        )

        def counted(expression: str, most: int = MOST) -> list[tuple[str, int]]:
            rows = connection.execute(
                f"SELECT coalesce({expression}, '') AS value, count(*) AS n FROM d GROUP BY 1 ORDER BY n DESC, value LIMIT {most}"
            ).fetchall()
            return [(str(value), int(n)) for value, n in rows]

        host = r"regexp_extract(lower(url), '^[a-z][a-z0-9+.-]*://(?:[^/@]*@)?(?:www\.)?([^/:?#]+)', 1)"
        found.units, found.site_count = _numbers(
            connection, f"SELECT count(DISTINCT unit), count(DISTINCT nullif({host}, '')) FROM d"
        )
        found.sites = [(site, n) for site, n in counted(host, MOST + 1) if site][:MOST]
        year = r"regexp_extract(date, '^(\d{4})', 1)"
        row = connection.execute(
            f"SELECT count(*), min(date), max(date) FROM d WHERE {year} <> ''"
        ).fetchone()
        assert row is not None
        found.dated, found.earliest, found.latest = int(row[0]), row[1], row[2]
        years = connection.execute(
            f"SELECT {year} AS y, count(*) FROM d WHERE {year} <> '' GROUP BY 1 ORDER BY 1"
        ).fetchall()
        found.years = [(str(y), int(n)) for y, n in years][-3 * MOST :]
        found.licenses, found.consent = counted("license"), [(c, n) for c, n in counted("consent") if c]


def _list(paths: list[str]) -> str:
    return "[" + ", ".join("'" + path.replace("'", "''") + "'" for path in paths) + "]"


def _numbers(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[int, int]:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


# ---------------------------------------------------------------- for a card


def shown_signals(source: SourceProfile) -> list[str]:
    """The signals that a page has room for: some of the built-in ones, all of the recipe's own families."""
    own = [name for name in source.signals if name.partition(".")[0] not in FAMILIES]
    return [*(name for name in SHOWN if name in source.signals), *own]


def markdown_of(source: SourceProfile, level: int = 2) -> Iterator[str]:
    """A section of Markdown, its heading of this level; nothing in it does anything but be read."""
    yield f"{'#' * level} {safe(source.name)}"
    rows = [["kind", source.kind], ["documents", f"{source.documents:,}"], ["bytes", show_size(source.bytes)],
            ["units", f"{source.units:,}"]]  # fmt: skip
    if source.kept is not None:
        rows.append(["kept to train on", f"{source.kept:,} documents, {show_size(source.kept_bytes or 0)}"])
    for name, pairs in (("languages", source.languages), ("sites", source.sites), ("licences", source.licenses),
                        ("consent", source.consent)):  # fmt: skip
        if pairs:
            rows.append([name, ", ".join(f"{safe(value or NOT_STATED)} ({n:,})" for value, n in pairs)])
    if source.dated:
        rows.append(
            [
                "dates",
                f"{safe(source.earliest)} to {safe(source.latest)} ({show_count(source.dated)} dated)",
            ]
        )
    if source.personal_per_mb:
        rows.append(
            ["personal data per MB", ", ".join(f"{k} {v:.2f}" for k, v in source.personal_per_mb.items())]
        )
    if source.tokens_per_word is not None:
        rows.append(["tokens a word", f"{source.tokens_per_word:.2f}"])
    yield table(["", ""], rows)
    head = ["signal", "mean", *(f"{at:.0%}" for at in QUANTILES)]
    cells = [
        [f"`{name}`", f"{one.mean:.4g}", *(f"{value:.4g}" for value in one.quantiles)]
        for name in shown_signals(source)
        for one in (source.signals[name],)
    ]
    yield table(head, cells)
