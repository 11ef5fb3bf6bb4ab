"""The recipe: `load_recipe("recipe.yaml")` gives a `Recipe`; see `settings.py` for every key.

What reads YAML is imported when it is asked for: workers are handed settings and read no recipe.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headwater.recipe.load import load_recipe, parse_recipe, recipe_schema
    from headwater.recipe.settings import Recipe

__all__ = ["Recipe", "load_recipe", "parse_recipe", "recipe_schema"]


def __getattr__(name: str) -> Any:
    if name == "Recipe":
        from headwater.recipe import settings

        return settings.Recipe
    if name in __all__:
        from headwater.recipe import load

        return getattr(load, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
