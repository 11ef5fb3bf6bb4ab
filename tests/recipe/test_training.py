"""Family, preset and objective imply each other; what does not fit is refused while the recipe is read."""

from typing import Any

import pytest
from pydantic import ValidationError

from headwater.recipe.settings import Recipe

SOURCES = [{"name": "s", "kind": "files", "paths": ["*.txt"]}]


def read(**values: Any) -> Recipe:
    return Recipe.model_validate({"sources": SOURCES, **values})


@pytest.mark.parametrize(("model", "family", "preset", "objective"), [
    ({}, "gpt", "modern-nano", "lm"), ({"preset": "llama-mini"}, "gpt", "llama-mini", "lm"),
    ({"family": "bert"}, "bert", "bert-nano", "mlm"), ({"preset": "xlnet-micro"}, "xlnet", "xlnet-micro", "plm"),
    ({"preset": "t5v1.1-base"}, "t5", "t5v1.1-base", "span"), ({"preset": "vanilla-2017"}, "t5", "vanilla-2017", "span"),
    ({"family": "bert", "preset": "modern-nano"}, "bert", "modern-nano", "mlm"),
])  # fmt: skip
def test_each_implies_the_others(model: dict[str, Any], family: str, preset: str, objective: str) -> None:
    recipe = read(model=model)
    assert (recipe.model.family, recipe.model.preset, recipe.train.objective) == (family, preset, objective)


@pytest.mark.parametrize(("values", "says"), [
    ({"model": {"family": "gpt", "preset": "bert-nano"}}, "no model of the gpt family but of bert"),
    ({"model": {"family": "bert"}, "train": {"objective": "lm"}}, "a bert model cannot learn lm"),
    ({"train": {"objective": "span"}}, "set it to lm"),
    ({"model": {"family": "bert", "path": "checkpoint", "width": 64}}, "width is that of the model in `path`"),
])  # fmt: skip
def test_what_does_not_fit_is_refused(values: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        read(**values)
