"""`headwater profile`: one page a source, from what is committed: no text is read.

Lengths, languages, sites, dates, licences, units, repetition and the quantiles of every number that was measured,
personal data per megabyte where it was measured, tokens per word where there is a training set, and what the ledger
keeps. Quantiles are those kept with the shards of signals (signals/quantiles.py).
"""

from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from headwater.curate.card import safe, table
from headwater.engine.workspace import Entry
from headwater.errors import HeadwaterError
from headwater.inspect.clusters import Clusters, clusters
from headwater.inspect.clusters import lines_of as lines_of_clusters
from headwater.inspect.snapshots import Snapshot, open_workspace, snapshots
from headwater.inspect.visible import one_line
from headwater.recipe import load_recipe
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


@dataclass(frozen=True)
class Profile:
    recipe: str
    sources: tuple[SourceProfile, ...]
    clusters: Clusters | None = None  # of duplicates, over all sources; None without a ledger

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def profile(
    recipe_path: Path, *, workspace: Path | str | None = None, overrides: tuple[str, ...] = ()
) -> Profile:
    """The profile of what a recipe has read; HeadwaterError where it has read nothing yet."""
    recipe = load_recipe(recipe_path, list(overrides))
    [snapshot] = snapshots(open_workspace(workspace or recipe.workspace_path), recipe.name)
    kinds = {source.name: source.kind for source in recipe.sources}
    if not snapshot.shards:
        raise HeadwaterError(f"{recipe.name} has read nothing yet: headwater measure {recipe_path}")
    return Profile(
        recipe.name,
        tuple(_source(snapshot, name, kinds.get(name, "?")) for name in snapshot.record["documents"]),
        clusters(snapshot) if snapshot.ledger else None,
    )


def _source(snapshot: Snapshot, name: str, kind: str) -> SourceProfile:
    entries = snapshot.of_source(name)
    found = SourceProfile(name, kind)
    found.documents = sum(entry.result["documents"] for entry in entries)
    found.bytes = sum(entry.result["bytes"] for entry in entries)
    if not found.documents:
        return found
    _provenance(found, entries)
    labels: Counter[str] = Counter()
    for entry in snapshot.measured("language", name):
        for row in (
            pq.read_table(entry.path(), columns=["language.label"])["language.label"]
            .value_counts()
            .to_pylist()
        ):
            labels[row["values"] or "none"] += row["counts"]
    found.languages = labels.most_common(MOST)
    for family in snapshot.families:
        kept = [entry.result.get("quantiles", {}) for entry in snapshot.measured(family, name)]
        for signal in dict.fromkeys(
            signal for one in kept for signal in one
        ):  # the recipe's own families, too
            if sketches := snapshot.sketches(signal, name):
                count = sum(sketch["count"] for sketch in sketches)
                mean = sum(sketch["mean"] * sketch["count"] for sketch in sketches) / count
                found.signals[signal] = Distribution(count, mean, tuple(merged(sketches, QUANTILES)))
    for signal_name, one in found.signals.items():
        if signal_name.startswith("privacy.") and one.mean:
            found.personal_per_mb[signal_name.partition(".")[2]] = (
                one.mean * one.documents / found.bytes * MEGABYTE
            )
    _kept(found, snapshot)
    return found


def _provenance(found: SourceProfile, entries: list[Entry]) -> None:
    """Sites, dates, licences, consent and units, of the columns beside the text."""
    paths = [str(entry.path()) for entry in entries if entry.result["documents"]]
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


def _kept(found: SourceProfile, snapshot: Snapshot) -> None:
    if snapshot.ledger:
        found.kept = found.kept_bytes = 0
        for entry in snapshot.ledger.values():
            for row in entry.result["counts"]:
                if (row["source"], row["state"], row["split"]) == (found.name, "kept", "train"):
                    found.kept += row["documents"]
                    found.kept_bytes += row["bytes_kept"]
    folder = snapshot.training_set
    if folder is not None and (folder / "documents.parquet").is_file():
        rows = pq.read_table(folder / "documents.parquet", columns=["source", "length", "bytes"])
        groups = (
            rows.group_by("source", use_threads=False)
            .aggregate([("length", "sum"), ("bytes", "sum")])
            .to_pylist()
        )
        for row in groups:
            if row["source"] == found.name and row["bytes_sum"]:
                found.tokens_per_byte = row["length_sum"] / row["bytes_sum"]
        words, size = found.signals.get("length.words"), found.signals.get("length.bytes")
        if found.tokens_per_byte and words and size and words.mean:
            found.tokens_per_word = found.tokens_per_byte * size.mean / words.mean


# ---------------------------------------------------------------- for a terminal, and for a card


def lines_of(answer: Profile) -> list[str]:
    """One page a source; nothing from a document can command the terminal."""
    lines = [line for source in answer.sources for line in (*_page(source), "")]
    return lines[:-1] if answer.clusters is None else [*lines, *lines_of_clusters(answer.clusters)]


def _page(source: SourceProfile) -> list[str]:
    title = f"{one_line(source.name, 40)} ({source.kind})"
    lines = [title, "─" * len(title)]
    lines.append(
        f"read      {source.documents:,} documents, {show_size(source.bytes)}, {source.units:,} units"
    )
    if source.kept is not None:
        share = source.kept / max(1, source.documents)
        lines.append(
            f"kept      {source.kept:,} documents ({share:.1%}), {show_size(source.kept_bytes or 0)}, to train on"
        )
    for name, pairs in (("language", source.languages), ("site", source.sites), ("licence", source.licenses),
                        ("consent", source.consent)):  # fmt: skip
        if pairs:
            said = ", ".join(f"{one_line(value or NOT_STATED, 30)} {n:,}" for value, n in pairs)
            lines.append(f"{name:<9} {said}")
    if source.site_count > len(source.sites):
        lines.append(f"{'':<9} of {source.site_count:,} sites")
    if source.dated:
        lines.append(
            f"dates     {one_line(str(source.earliest), 20)} to {one_line(str(source.latest), 20)}, {source.dated:,} dated"
        )
        lines.append(f"{'':<9} {', '.join(f'{year} {n:,}' for year, n in source.years)}")
    if source.personal_per_mb:
        said = ", ".join(f"{kind} {value:.2f}" for kind, value in source.personal_per_mb.items())
        lines.append(f"personal  per MB: {said}")
    if source.tokens_per_byte is not None:
        words = f", {source.tokens_per_word:.2f} a word" if source.tokens_per_word is not None else ""
        lines.append(f"tokens    {source.tokens_per_byte:.3f} a byte{words}, by the training set's tokeniser")
    shown = _shown(source)
    if shown:
        lines.append(f"{'signal':<31} {'mean':>8} " + " ".join(f"{at:>7.0%}" for at in QUANTILES))
        for name in shown:
            one = source.signals[name]
            lines.append(
                f"{name:<31} {_short(one.mean):>8} "
                + " ".join(f"{_short(value):>7}" for value in one.quantiles)
            )
        lines.append(f"{'':<9} and {len(source.signals) - len(shown)} more signals: --json")
    return lines


def _short(value: float) -> str:
    """A number in 7 columns."""
    if 1000 <= abs(value) < 10_000_000:
        return f"{value:.0f}"
    return f"{value:.3g}" if 0.001 <= abs(value) < 1000 else f"{value:.2g}"


def _shown(source: SourceProfile) -> list[str]:
    """The signals that a page has room for: some of the built-in ones, all of the recipe's own families."""
    own = [name for name in source.signals if name.partition(".")[0] not in FAMILIES]
    return [*(name for name in SHOWN if name in source.signals), *own]


def markdown(answer: Profile) -> str:
    """The same as the body of a data card."""
    parts = []
    for source in answer.sources:
        parts.append(f"## {safe(source.name)}")
        rows = [["kind", source.kind], ["documents", f"{source.documents:,}"], ["bytes", show_size(source.bytes)],
                ["units", f"{source.units:,}"]]  # fmt: skip
        if source.kept is not None:
            rows.append(
                ["kept to train on", f"{source.kept:,} documents, {show_size(source.kept_bytes or 0)}"]
            )
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
        parts.append(table(["", ""], rows))
        head = ["signal", "mean", *(f"{at:.0%}" for at in QUANTILES)]
        cells = [
            [f"`{name}`", f"{one.mean:.4g}", *(f"{value:.4g}" for value in one.quantiles)]
            for name in _shown(source)
            for one in (source.signals[name],)
        ]
        parts.append(table(head, cells))
    if answer.clusters is not None and answer.clusters.clusters:
        parts.append(
            f"## Duplicates\n\n{lines_of_clusters(answer.clusters)[0].removeprefix('duplicates').strip()}"
        )
    return "\n\n".join(part for part in parts if part) + "\n"
