"""The words about a score: chance, error, and when examples count as few-shot."""

import numpy as np
import pytest

from headwater.evaluate.curve import Condition, above_chance, curve, interval, mean_and_error, sentence
from headwater.evaluate.minimal_pairs import summarise

N = 400
HALF = np.full(N, 0.5)


def answers(share: float, draws: int, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).random((draws, N)) < share).astype(float)


def test_the_error_has_the_draws_in_it() -> None:
    items = answers(0.7, 1, 0)
    mean, error, freedom = mean_and_error(items)
    assert (
        mean == items.mean()
        and error == pytest.approx(items.std(ddof=1) / N**0.5)
        and freedom == pytest.approx(N - 1)
    )
    apart = np.concatenate([answers(0.6, 1, 1), answers(0.8, 1, 2), answers(0.7, 1, 3)])
    _, wider, fewer = mean_and_error(apart)
    assert wider > apart.mean(1).std(ddof=1) / 3**0.5 and fewer < 10


def test_chance_is_beaten_once_in_forty_by_chance() -> None:
    random = np.random.default_rng(5)
    found = [above_chance((random.random(N) < 0.5).astype(float), HALF) for _ in range(2000)]
    assert 0.01 < np.mean(found) < 0.04
    assert above_chance(answers(0.6, 1, 0)[0], HALF) and not above_chance(
        answers(0.52, 1, 0)[0], HALF, groups=26
    )
    assert not above_chance(np.zeros(N), np.zeros(N)) and above_chance(np.eye(N)[0], np.zeros(N))


@pytest.mark.parametrize("pairs", [25, 40, 60, 200])
def test_the_error_over_paradigms_is_the_spread_of_scores_however_few_pairs_each_has(pairs: int) -> None:
    random = np.random.default_rng(pairs)
    places = np.sort(random.permutation(47 * 20)[:pairs]) % 47 if pairs > 47 else np.arange(pairs)
    rows = [{"paradigm": f"p{place}", "phenomenon": f"f{place % 5}"} for place in places]
    found = [summarise(rows, random.random(pairs) < 0.6) for _ in range(300)]
    scores, errors = (np.array([one[key] for one in found]) for key in ("score", "standard_error"))
    assert np.sqrt((errors**2).mean()) == pytest.approx(scores.std(), rel=0.15)
    for one in found[0]["groups"].values():  # one answer says little, and its interval says so
        assert one["items"] > 1 or one["interval"][1] - one["interval"][0] > 1


@pytest.mark.parametrize(
    ("shots", "shuffled", "english", "chinese"),
    [
        (0.75, 0.55, "few-shot", "少样本"),
        (0.75, 0.75, "the format, not the labels", "格式"),
        (0.60, 0.50, "no better than without examples", "不优于无示例"),
        (0.50, 0.50, "not above chance", "不高于随机水平"),
        (0.60, 0.60, "examples make no difference", "没有作用"),
    ],
)
def test_few_shot_needs_a_gain_over_both_controls(
    shots: float, shuffled: float, english: str, chinese: str
) -> None:
    rows = curve(
        [
            Condition(0, answers(0.6, 1, 0)),
            Condition(5, answers(shots, 3, 1)),
            Condition(5, answers(shuffled, 3, 2), shuffled=True),
        ],
        HALF,
    )
    assert [row["shots"] for row in rows] == [0, 5]
    assert english in sentence(rows[1]) and chinese in sentence(rows[1], "zh")
    assert rows[1]["few_shot"] == (english == "few-shot")
    assert len(rows[1]["draws"]) == 3 and rows[1]["spread"] >= 0


@pytest.mark.parametrize("answer", [0.0, 1.0])
def test_answers_that_are_all_alike_have_an_error(answer: float) -> None:
    """Ten right answers of ten are no proof of all; one says next to nothing."""
    widths = []
    for items in (1, 10, 100):
        mean, error, freedom = mean_and_error(np.full((1, items), answer))
        low, high = interval(mean, error, freedom)
        assert mean == answer and low < answer < high
        widths.append(high - low)
    assert widths[0] > 1 and 0.3 < widths[1] < 0.6 and 0.02 < widths[2] < 0.08
