"""Documents to signals: `signals/<family>-<key>/<texts>/`, same shards and rows as the texts they measure."""

from dataclasses import dataclass

from headwater.curate.plan import compile_plan, families_of
from headwater.engine.local import Task, run_stages
from headwater.engine.workspace import Entry, Workspace, content_key
from headwater.errors import RecipeError
from headwater.pipeline.ingest import Ingested
from headwater.recipe import Recipe
from headwater.signals import FAMILIES, ON_REQUEST, numeric_signals
from headwater.signals.measure import family_key, module_of, warm


@dataclass(frozen=True)
class Measured:
    entries: dict[str, dict[str, Entry]]  # family -> shard -> entry

    def of(self, family: str, shard: str) -> Entry:
        return self.entries[family][shard]


def measure(recipe: Recipe, workspace: Workspace, ingested: Ingested, *, workers: int) -> Measured:
    """Every family of the recipe on every document; by default those that are for all, and those that its rules ask
    for."""
    families = recipe.signals.families or _by_default(recipe)
    if unknown := sorted(set(families) - set(FAMILIES)):
        raise RecipeError(f"signals.families: no family {unknown[0]!r}; there are {', '.join(FAMILIES)}")
    entries: dict[str, dict[str, Entry]] = {family: {} for family in families}
    stages = measure_stages(workspace, dict(ingested.texts()), families, workers=workers)
    for (_, family), name in stages.items():
        entries[family] |= workspace.stage(name).entries()
    return Measured(entries)


def _by_default(recipe: Recipe) -> list[str]:
    plan = compile_plan(
        recipe.curate, numeric_signals(), {one.name: one.kind for one in recipe.sources}, recipe.folder
    )
    asked_for = {family for step in plan.steps for family in families_of(step)}
    return [family for family in FAMILIES if family not in ON_REQUEST or family in asked_for]


def measure_texts(
    workspace: Workspace, texts_stage: str, families: list[str], *, workers: int
) -> dict[str, str]:
    """The families on the texts of one stage (documents or an edition): family -> name of its signals' stage."""
    texts = list(workspace.stage(texts_stage).entries().values())
    stages = measure_stages(workspace, {texts_stage: texts}, families, workers=workers)
    return {family: name for (_, family), name in stages.items()}


def measure_stages(
    workspace: Workspace, texts: dict[str, list[Entry]], families: list[str], *, workers: int
) -> dict[tuple[str, str], str]:
    """(texts stage, family) -> signals stage, of these shards of each. What was measured under the same key is not
    measured again.
    """
    enough = sum(len(shards) for shards in texts.values()) >= workers
    names, stages = {}, {}
    for texts_stage, shards in texts.items():
        for family in families:
            name = f"signals/{family}-{family_key(family)[:12]}/{texts_stage.replace('/', '-')}"
            names[texts_stage, family] = name
            stages[name] = [
                Task(
                    entry.shard,
                    content_key(family, family_key(family), entry.fingerprint),
                    "headwater.signals.measure:measure_shards",
                    {"texts": str(entry.path()), "family": family},
                    together=f"{texts_stage}/{entry.shard}" + ("" if enough else _half(family)),
                )
                for entry in shards
            ]
    if any(workspace.stage(name).entry(t.shard) is None for name, tasks in stages.items() for t in tasks):
        warm()  # kernels are compiled once, before workers start
    run_stages(workspace, stages, workers=workers, title="measure")
    return names


def _half(family: str) -> str:
    """Where shards are fewer than workers, a shard is measured in two passes: families that need words, the rest."""
    return "#words" if "rjieba" in module_of(family).LIBRARIES else "#rest"
