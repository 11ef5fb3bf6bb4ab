"""The arms of a comparison: recipes that share everything but their data decisions."""

import os.path
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.compare.budgets import Budget
from headwater.compare.variations import Variation, name_of
from headwater.errors import RecipeError
from headwater.pipeline.plan import plan_of
from headwater.recipe import Recipe, load_recipe


@dataclass(frozen=True)
class Arm:
    """One recipe of a comparison, the first being the baseline."""

    role: str  # baseline or candidate
    recipe: Recipe  # with the budget's model, training and tokeniser
    path: Path
    file: str  # the path from the folder of the first arm's recipe: what a result and its command say
    said: str = ""  # how errors call it; of a variation: what the command line says

    @property
    def name(self) -> str:
        return self.recipe.name


def load_arms(
    paths: Sequence[Path],
    budget: Budget,
    overrides: Sequence[str],
    variations: Sequence[Variation] = (),
) -> tuple[Arm, ...]:
    """The recipes' arms, the first being the baseline, then those of the variations of the first recipe.

    Raises RecipeError where names are not distinct, an arm equals the baseline, or arms are split differently.
    """
    budget.refuse(overrides)
    recipes = [load_recipe(path, list(overrides)) for path in paths]
    shared = budget.of(recipes[0])
    same: dict[str, Any] = {"model": shared.model, "train": shared.train, "tokenizer": shared.tokenizer}
    same |= {"evaluate": shared.evaluate, "seed": shared.seed}
    arms = []
    for number, (path, recipe) in enumerate(zip(paths, recipes, strict=True)):
        role = "candidate" if number else "baseline"
        file = Path(os.path.relpath(path.resolve(), paths[0].resolve().parent)).as_posix()
        arms.append(Arm(role, recipe.model_copy(update=same), path, file, str(path)))
    for variation in variations:
        varied = _varied(paths[0], recipes[0], overrides, variation)
        made = varied.model_copy(update={**same, "name": name_of(recipes[0].name, variation)})
        arms.append(Arm("candidate", made, paths[0], arms[0].file, variation.said))
    baseline = arms[0]
    for number, arm in enumerate(arms[1:], 1):
        if any(other.name == arm.name for other in arms[:number]):
            raise RecipeError(
                f"{arm.said}: two arms are named {arm.name!r}; give each recipe a name of its own"
            )
        _refuse_incomparable(arm, baseline)
    for arm in arms:
        try:
            plan_of(arm.recipe)
        except RecipeError as error:
            raise _of_variation(arm.said, error) if arm.said.startswith("--") else error from None
    return tuple(arms)


def _varied(path: Path, recipe: Recipe, overrides: Sequence[str], variation: Variation) -> Recipe:
    try:
        return load_recipe(path, [*overrides, *variation.overrides(recipe)])
    except RecipeError as error:
        raise _of_variation(variation.said, error) from None


def _of_variation(said: str, error: RecipeError) -> RecipeError:
    return RecipeError(f"{said}: {error}")


def _refuse_incomparable(arm: Arm, baseline: Arm) -> None:
    if not settings_diff(baseline.recipe, arm.recipe):
        if arm.said.startswith("--"):
            raise RecipeError(f"{arm.said}: this is what {baseline.file} says already; name another value")
        raise RecipeError(
            f"{arm.path} differs from {baseline.path} in nothing that a comparison keeps (the budget sets model, "
            "training and tokeniser of every arm; the first recipe sets seed and evaluation); change its sources or "
            "curate, or vary the recipe itself with --vary KEY=VALUE"
        )
    if arm.recipe.holdout != baseline.recipe.holdout:
        raise RecipeError(f"{arm.said}: holdout differs from {baseline.path}; one split serves all arms")
    if arm.recipe.takedown != baseline.recipe.takedown:
        raise RecipeError(f"{arm.said}: takedown differs from {baseline.path}; one list serves all arms")
    if arm.recipe.curate.decontaminate != baseline.recipe.curate.decontaminate:
        raise RecipeError(
            f"{arm.said}: curate.decontaminate differs from {baseline.path}; an arm that trains on more of the "
            "held-out text than the other would win by it"
        )


def settings_diff(baseline: Recipe, arm: Recipe) -> list[dict[str, Any]]:
    """What an arm's recipe says differently: [{"key": dotted, "baseline", "arm"}], null where it says nothing.

    Sources go by their names, as in `--set sources.crawl.text=all`. Of a block that one of them leaves out (`null`),
    what is off in the other anyway makes no difference.
    """
    before, after = (_settings(recipe) for recipe in (baseline, arm))
    rows = [
        {"key": key, "baseline": before.get(key), "arm": after.get(key)} for key in sorted({*before, *after})
    ]
    return [row for row in rows if _effective(row["baseline"]) != _effective(row["arm"])]


def _effective(value: Any) -> Any:
    return None if value is False else value


def _settings(recipe: Recipe) -> dict[str, Any]:
    said = recipe.model_dump(mode="json", exclude={"name", "workspace"})
    said["sources"] = {source["name"]: source for source in said["sources"]}
    return dict(_flat(said, ""))


def _flat(value: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _flat(item, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value
