"""The recipe: `load_recipe("recipe.yaml")` gives a `Recipe`; see `settings.py` for every key."""

from headwater.recipe.load import load_recipe, parse_recipe, recipe_schema
from headwater.recipe.settings import Recipe

__all__ = ["Recipe", "load_recipe", "parse_recipe", "recipe_schema"]
