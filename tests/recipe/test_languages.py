"""The codes of languages that a recipe may name are those that documents are measured to be in."""

from headwater.recipe.languages import CODES
from headwater.signals.language import ONE_LANGUAGE, _model


def test_the_codes_are_the_models_labels_and_that_of_none() -> None:
    assert {"und", *_model().labels} == CODES
    assert set(ONE_LANGUAGE.values()) <= CODES
