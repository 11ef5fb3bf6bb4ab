"""Documents to signals: `signals/<family>-<key>/<texts>/`, same shards and rows as the texts they measure."""

from dataclasses import dataclass, replace

from headwater.engine.stages import Task, run_before, run_stages
from headwater.engine.workspace import Entry, Workspace
from headwater.pipeline.ingest import Ingested
from headwater.pipeline.plan import measured_families
from headwater.pipeline.snapshot import signals_key
from headwater.recipe import Recipe
from headwater.signals.families import Family


@dataclass(frozen=True)
class Measured:
    families: dict[str, Family]
    entries: dict[str, dict[str, Entry]]  # family -> shard -> entry

    def of(self, family: str, shard: str) -> Entry:
        return self.entries[family][shard]


def measure(recipe: Recipe, workspace: Workspace, ingested: Ingested, *, workers: int) -> Measured:
    """Every family of the recipe on every document."""
    families = measured_families(recipe)
    entries: dict[str, dict[str, Entry]] = {family: {} for family in families}
    stages = measure_stages(workspace, dict(ingested.texts()), list(families.values()), workers=workers)
    for (_, family), name in stages.items():
        entries[family] |= workspace.stage(name).entries()
    return Measured(families, entries)


def measure_texts(
    workspace: Workspace, texts_stage: str, families: list[Family], *, workers: int
) -> dict[str, str]:
    """The families on the texts of an edition: family -> name of its signals' stage.

    What was edited is a document in a language that is measured, whatever the rest of it may be taken for.
    """
    texts = list(workspace.stage(texts_stage).entries().values())
    stages = measure_stages(workspace, {texts_stage: texts}, families, workers=workers, gated=False)
    return {family: name for (_, family), name in stages.items()}


def measure_stages(
    workspace: Workspace,
    texts: dict[str, list[Entry]],
    families: list[Family],
    *,
    workers: int,
    gated: bool = True,
) -> dict[tuple[str, str], str]:
    """(texts stage, family) -> signals stage, of these shards of each. What was measured under the same key is not
    measured again. `gated`: texts in languages that a family is not for have no values.
    """
    enough = sum(len(shards) for shards in texts.values()) >= workers
    names, stages = {}, {}
    keys = {family.name: family.key for family in families}
    for texts_stage, shards in texts.items():
        for family in families:
            name = f"signals/{family.name}-{keys[family.name][:12]}/{texts_stage.replace('/', '-')}"
            names[texts_stage, family.name] = name
            stages[name] = [
                Task(
                    entry.shard,
                    signals_key(family.name, keys[family.name], entry),
                    "headwater.signals.measure:measure_shards",
                    {
                        "texts": str(entry.path()),
                        **(family if gated else replace(family, languages=None)).arguments,
                    },
                    together=f"{texts_stage}/{entry.shard}" + ("" if enough else _half(family)),
                    weight=entry.result.get("bytes", 0),
                    resources={"GPU": family.gpus} if family.gpus else {},
                )
                for entry in shards
            ]
    if any(workspace.stage(name).entry(t.shard) is None for name, tasks in stages.items() for t in tasks):
        modules = sorted({family.module for family in families})
        run_before(
            workspace,
            "headwater.signals.measure:warm",
            {"modules": modules},
            workers=workers,
            title="prepare",
        )
    run_stages(workspace, stages, workers=workers, title="measure")
    return names


def _half(family: Family) -> str:
    """Where shards are fewer than workers, a shard is measured in two passes: families that need words, the rest."""
    return "#words" if "rjieba" in family.code.LIBRARIES else "#rest"
