"""Mixture weights hold where the text suffices; where it does not, no source is repeated beyond the limit."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from headwater.curate.training_set import mixture_plan, mixture_weights
from headwater.errors import HeadwaterError, RecipeError
from headwater.recipe.load import parse_recipe
from headwater.recipe.settings import Curate


def test_weights_stay_as_asked_where_the_text_suffices() -> None:
    plan = mixture_plan({"网页": 1000, "wiki": 1000}, {"网页": 7, "wiki": 3}, 1000, 4)
    assert plan.weights == pytest.approx({"网页": 0.7, "wiki": 0.3})
    assert plan.epochs == pytest.approx({"网页": 0.7, "wiki": 0.3})
    assert plan.limited == ()


def test_a_small_source_is_held_at_the_limit_and_the_others_take_what_it_leaves() -> None:
    plan = mixture_plan({"a": 100, "b": 10_000, "c": 10_000}, {"a": 0.8, "b": 0.1, "c": 0.1}, 1000, 4)
    assert plan.weights == pytest.approx({"a": 0.4, "b": 0.3, "c": 0.3})
    assert plan.epochs["a"] == pytest.approx(4)
    assert plan.limited == ("a",)


def test_one_limit_may_bring_about_the_next() -> None:
    plan = mixture_plan({"a": 10, "b": 50, "c": 1000}, {"a": 0.8, "b": 0.19, "c": 0.01}, 300, 2)
    assert plan.weights == pytest.approx({"a": 20 / 300, "b": 100 / 300, "c": 180 / 300})
    assert plan.limited == ("a", "b")


@settings(max_examples=200, deadline=None)
@given(
    data=st.dictionaries(
        st.sampled_from("abcde"), st.tuples(st.integers(0, 10**6), st.floats(0, 1)), min_size=1
    ),
    budget=st.integers(1, 10**7),
    epochs=st.sampled_from([0.5, 1, 4]),
)
def test_the_budget_is_filled_within_the_limits(
    data: dict[str, tuple[int, float]], budget: int, epochs: float
) -> None:
    tokens = {name: held for name, (held, _) in data.items()}
    weights = {name: weight for name, (_, weight) in data.items()}
    assume(sum(weights.values()) > 1e-6 and all(w == 0 or w > 1e-6 for w in weights.values()))
    if sum(epochs * tokens[name] for name in data if weights[name] > 0) < budget:
        with pytest.raises(HeadwaterError, match="raise max_epochs"):
            mixture_plan(tokens, weights, budget, epochs)
        return
    plan = mixture_plan(tokens, weights, budget, epochs)
    assert sum(plan.weights.values()) == pytest.approx(1)
    for name in data:
        assert plan.epochs[name] <= epochs * (1 + 1e-6)
        assert plan.weights[name] == 0 or weights[name] > 0


@pytest.mark.parametrize(
    ("weights", "message"),
    [({"a": 1}, "'b'.*no weight"), ({"a": 1, "b": 1, "维基": 1}, "'维基'.*no such source"),
     ({"a": -1, "b": 2}, "negative"), ({"a": 0, "b": 0}, "positive"), ({"a": 1, "b": 0}, "a 100")],
)  # fmt: skip
def test_impossible_mixtures_say_why(weights: dict[str, float], message: str) -> None:
    with pytest.raises(HeadwaterError, match=message):
        mixture_plan({"a": 100, "b": 5000}, weights, 1000, 4)


def asked(mixture: str) -> Curate:
    text = f"sources: [{{name: 网页, kind: files, paths: [a.txt]}}]\ncurate: {{mixture: {mixture}}}"
    return parse_recipe(text.encode(), "recipe").curate


def test_a_mixture_is_said_by_weight_by_alpha_or_by_tokens() -> None:
    tokens = {"网页": 10_000, "wiki": 100, "空": 0}
    assert mixture_weights(asked("{网页: .7, wiki: .3, 空: 0, max_epochs: 2}"), tokens) == {
        "网页": 0.7,
        "wiki": 0.3,
        "空": 0,
    }
    assert mixture_weights(asked("{alpha: .5}"), tokens) == pytest.approx({"网页": 100, "wiki": 10, "空": 0})
    assert mixture_weights(asked("{alpha: 0}"), tokens) == {"网页": 1, "wiki": 1, "空": 0}
    by_tokens = asked("{tokens: {网页: 3K, wiki: 400}, max_epochs: 4}")
    assert (
        mixture_weights(by_tokens, tokens) == {"网页": 3000, "wiki": 400, "空": 0}
        and by_tokens.max_epochs == 4
    )
    assert mixture_weights(asked("null"), tokens) is None
    plan = mixture_plan(tokens, mixture_weights(by_tokens, tokens) or {}, 3400, 4)
    assert plan.weights["wiki"] * 3400 == pytest.approx(400) and plan.limited == ()


def test_only_one_way_at_a_time() -> None:
    with pytest.raises(RecipeError, match="one of them"):
        asked("{alpha: .5, wiki: .3}")
    with pytest.raises(RecipeError, match="mixture_alpha"):
        asked("{alpha: 3}")
