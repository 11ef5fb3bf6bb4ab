"""A recipe to its compiled plan, and to the families of signals that are measured for it."""

from headwater.curate.plan import Plan, compile_plan
from headwater.curate.steps import families_of
from headwater.curate.training_set import mixture_weights, refuse_other_sources
from headwater.errors import RecipeError
from headwater.recipe import Recipe
from headwater.signals import numeric_signals
from headwater.signals.families import Family, families_of_recipe


def signals_of(recipe: Recipe) -> list[str]:
    """Every signal that a rule of the recipe may judge, as `family.signal`: the built-in ones and its own."""
    families = families_of_recipe(recipe.signals, recipe.folder).values()
    own = [signal for family in families if family.settings is not None for signal in family.numbers]
    return [*numeric_signals(), *own]


def plan_of(recipe: Recipe) -> Plan:
    """The compiled plan; RecipeError where a rule, a preset, a source of the mixture or a family that is needed
    does not exist."""
    kinds = {source.name: source.kind for source in recipe.sources}
    plan = compile_plan(recipe.curate, signals_of(recipe), kinds, recipe.folder)
    needed = _needed(plan)
    if missing := sorted(needed - set(families_of_recipe(recipe.signals, recipe.folder, needed))):
        raise RecipeError(
            f"signals.families: curate needs {', '.join(missing)} too; add what is missing, or leave "
            "signals.families out to measure all"
        )
    _check_mixture(recipe)
    return plan


def _check_mixture(recipe: Recipe) -> None:
    """Said before anything is read; what a mixture asks of the sources' tokens is known later."""
    sources = [source.name for source in recipe.sources if source.role == "train"]
    weights = mixture_weights(recipe.curate, dict.fromkeys(sources, 1))
    if weights is not None:
        refuse_other_sources(weights, sources)


def measured_families(recipe: Recipe) -> dict[str, Family]:
    """By name: those that the recipe names, or by default those that are for all and those that its plan asks for."""
    return families_of_recipe(recipe.signals, recipe.folder, _needed(plan_of(recipe)))


def _needed(plan: Plan) -> set[str]:
    return {"language"}.union(*(families_of(step) for step in plan.steps))
