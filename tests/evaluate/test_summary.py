"""Weights: equal over languages, then over domains within one; a person's own."""

import pytest

from headwater.errors import RecipeError
from headwater.evaluate.summary import domain_weights

LANGUAGES = {"books/en": "en", "news/en": "en", "web": "en", "新闻": "zh"}


def test_languages_weigh_the_same_however_many_domains_they_have() -> None:
    weights = domain_weights(LANGUAGES, None)
    assert weights == pytest.approx({"books/en": 1 / 6, "news/en": 1 / 6, "web": 1 / 6, "新闻": 1 / 2})
    assert list(weights) == sorted(weights)


def test_own_weights_are_brought_to_one() -> None:
    weights = domain_weights(LANGUAGES, {"新闻": 3.0, "web": 1.0})
    assert weights == {"books/en": 0.0, "news/en": 0.0, "web": 0.25, "新闻": 0.75}


@pytest.mark.parametrize("given", [{"论坛": 1.0}, {"web": 0.0}, {"web": 2.0, "新闻": -1.0}])
def test_weights_that_mean_nothing_are_refused(given: dict[str, float]) -> None:
    with pytest.raises(RecipeError, match=r"evaluate\.weights"):
        domain_weights(LANGUAGES, given)
