"""Sources to documents: `documents/<source>-<key>/`, one stage a source, and one for shards that the take-down list
changed."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from headwater.engine.stages import Task, run_before, run_stages
from headwater.engine.workspace import Entry, Workspace, content_key
from headwater.errors import HeadwaterError, QuarantineLimit
from headwater.pipeline.snapshot import keep, of_documents
from headwater.pipeline.takedown import take_down
from headwater.recipe import Recipe
from headwater.sources.kinds import KINDS
from headwater.sources.shards import check_collisions, plan


@dataclass(frozen=True)
class Ingested:
    """The documents of a recipe: one committed shard after another, names unique over all sources."""

    shards: tuple[Entry, ...]
    stages: dict[str, str]  # source -> stage name
    source_of: dict[str, str]  # shard -> source
    # source -> stage of the shards that the take-down list changed; its others are those of `stages`
    less: dict[str, str] = field(default_factory=dict)
    taken: str | None = None  # stage that names what was taken down

    @property
    def documents(self) -> int:
        return sum(shard.result["documents"] for shard in self.shards)

    def texts(self) -> Iterator[tuple[str, list[Entry]]]:
        """(stage, its shards that are this recipe's documents)."""
        by_stage: dict[str, list[Entry]] = {}
        for shard in self.shards:
            stage = f"{shard.folder.parent.name}/{shard.folder.name}"
            by_stage.setdefault(stage, []).append(shard)
        yield from by_stage.items()

    @property
    def key(self) -> str:
        """Names the documents' content."""
        return content_key([(shard.shard, shard.fingerprint) for shard in self.shards])


def ingest(recipe: Recipe, workspace: Workspace, *, workers: int, limit: int | None = None) -> Ingested:
    """Reads every source, and asserts that every record is accounted for, file by file.

    `limit` bounds the documents read from each shard: a quick look, kept apart from full runs.
    Raises QuarantineLimit when a larger share of records than `max_quarantined` could not be read.
    """
    stages: dict[str, list[Task]] = {}
    stage_of: dict[str, str] = {}
    source_of: dict[str, str] = {}
    for source in recipe.sources:
        key = content_key(source.model_dump(mode="json"), recipe.holdout.model_dump(), limit)[:12]
        stage_of[source.name] = f"documents/{source.name}-{key}"
        tasks = plan(source, recipe.folder, workspace, holdout=recipe.holdout, limit=limit)
        named = [replace(task, shard=f"{source.name}-{task.shard}") for task in tasks]
        source_of |= {task.shard: source.name for task in named}
        stages[stage_of[source.name]] = named
    check_collisions({source.name: (source.kind, stages[stage_of[source.name]]) for source in recipe.sources})
    unread = [source.kind for source in recipe.sources if _unread(workspace, stage_of[source.name], stages)]
    for warm in dict.fromkeys(KINDS[kind].warm for kind in unread):
        if warm is not None:
            run_before(workspace, warm, {}, workers=workers, title="prepare")
    made = run_stages(workspace, stages, workers=workers, title="read")
    shards = [entry for name in stage_of.values() for entry in made[name]]
    beyond = _account(shards, recipe.max_quarantined)
    shards, less, taken = take_down(recipe, workspace, shards, stage_of, source_of, workers=workers)
    shards.sort(key=lambda entry: entry.shard)
    ingested = Ingested(tuple(shards), stage_of, source_of, less, taken)
    if beyond is not None:  # what could not be read can be asked for
        keep(workspace, of_documents(recipe, workspace, ingested), limited=limit is not None)
        raise beyond
    if not ingested.documents:
        raise HeadwaterError(f"no documents in {', '.join(stage_of)}: {_why_none(shards)}")
    return ingested


def _unread(workspace: Workspace, stage: str, stages: dict[str, list[Task]]) -> bool:
    entries = workspace.stage(stage)
    return any(
        (entry := entries.entry(task.shard)) is None or entry.key != task.key for task in stages[stage]
    )


def _account(shards: list[Entry], limit: float) -> QuarantineLimit | None:
    """Promise 1: read = documents + gated + quarantined, for every file. What to raise where too much was quarantined."""
    read = quarantined = 0
    worst: Counter[str] = Counter()
    for shard in shards:
        for path, counts in shard.result["files"].items():
            lost = sum(counts["quarantined"].values())
            balance = counts["documents"] + sum(counts["gated"].values()) + lost
            if counts["read"] != balance:
                raise AssertionError(f"{path}: read {counts['read']} records but accounted for {balance}")
            read += counts["read"]
            quarantined += lost
            worst[path] += lost
    if read and quarantined > limit * read:
        path, most = worst.most_common(1)[0]
        return QuarantineLimit(
            f"{quarantined:,} of {read:,} records could not be read (the limit is {limit:.0%} of them), "
            f"most of them in {path} ({most:,}); "
            '`headwater sql "select * from quarantine"` lists them, and max_quarantined in the recipe raises the limit'
        )
    return None


def _why_none(shards: list[Entry]) -> str:
    reasons: Counter[str] = Counter()
    for shard in shards:
        for counts in shard.result["files"].values():
            reasons.update(counts["gated"])
            reasons.update(counts["quarantined"])
    if not reasons:
        return "the files are empty"
    return ", ".join(f"{count:,} records were {reason}" for reason, count in reasons.most_common(5))
