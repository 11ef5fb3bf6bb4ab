"""`headwater profile`: one page a source, from what is committed: no text is read (pipeline/source_profile.py)."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from headwater.errors import HeadwaterError
from headwater.inspect.clusters import Clusters, clusters
from headwater.inspect.clusters import lines_of as lines_of_clusters
from headwater.inspect.snapshots import Snapshot, open_workspace, snapshots
from headwater.inspect.visible import one_line
from headwater.pipeline.source_profile import (
    NOT_STATED,
    QUANTILES,
    SourceProfile,
    count_kept,
    markdown_of,
    profile_of,
    shown_signals,
)
from headwater.recipe import load_recipe
from headwater.recipe.quantities import show_size


@dataclass(frozen=True)
class Profile:
    recipe: str
    sources: tuple[SourceProfile, ...]
    clusters: Clusters | None = None  # of duplicates, over all sources; None without a ledger
    older: bool = False  # there is a ledger, but of documents that have changed since

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
        snapshot.older,
    )


def _source(snapshot: Snapshot, name: str, kind: str) -> SourceProfile:
    measured = {family: snapshot.measured(family, name) for family in snapshot.families}
    found = profile_of(name, kind, snapshot.of_source(name), measured)
    if snapshot.ledger and found.documents:
        count_kept(found, list(snapshot.ledger.values()), _tokens_per_byte(snapshot, name))
    return found


def _tokens_per_byte(snapshot: Snapshot, source: str) -> float | None:
    folder = snapshot.training_set
    if folder is None or not (folder / "documents.parquet").is_file():
        return None
    rows = pq.read_table(folder / "documents.parquet", columns=["source", "length", "bytes"])
    sums = rows.group_by("source", use_threads=False).aggregate([("length", "sum"), ("bytes", "sum")])
    for row in sums.to_pylist():
        if row["source"] == source and row["bytes_sum"]:
            return float(row["length_sum"] / row["bytes_sum"])
    return None


# ---------------------------------------------------------------- for a terminal, and for a card


def lines_of(answer: Profile) -> list[str]:
    """One page a source; nothing from a document can command the terminal."""
    lines = [line for source in answer.sources for line in (*_page(source), "")]
    if answer.older:
        said = "the ledger is older than these documents: headwater curate recipe.yaml makes it anew"
        lines = [*lines, f"kept      {said}", ""]
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
    shown = shown_signals(source)
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


def markdown(answer: Profile) -> str:
    """The same as the body of a data card."""
    parts = [part for source in answer.sources for part in markdown_of(source)]
    if answer.clusters is not None and answer.clusters.clusters:
        parts.append(
            f"## Duplicates\n\n{lines_of_clusters(answer.clusters)[0].removeprefix('duplicates').strip()}"
        )
    return "\n\n".join(part for part in parts if part) + "\n"
