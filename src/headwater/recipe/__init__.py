"""The recipe: `load_recipe("recipe.yaml")` gives a `Recipe`; see `settings.py` for every key."""
