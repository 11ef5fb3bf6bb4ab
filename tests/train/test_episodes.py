"""The objective of episodes: what is asked can be known from the row, and from nothing else."""

from pathlib import Path

import numpy as np
import pytest

from headwater import api
from headwater.errors import RecipeError
from headwater.model.episodes import SPAN, label_tokens
from headwater.recipe.training import ModelSettings, TrainSettings, check_objective
from headwater.train.objectives import objective_of
from headwater.train.objectives.episodes import batch

ORDINARY = np.arange(1, 300)


def made(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows = np.random.default_rng(seed).integers(1, 300, (40, 65))
    found = batch(rows, [np.random.Generator(np.random.Philox(key=n)) for n in range(40)], ORDINARY, 0)
    assert found.predicted is not None
    return rows, found.tokens, np.stack([found.predicted, found.targets])


def test_half_of_the_rows_are_text_and_all_of_it_is_predicted() -> None:
    rows, tokens, asked = made()
    of_row = asked[0] // 64
    plain = [row for row in range(40) if (of_row == row).sum() == 64]
    assert 12 <= len(plain) <= 28
    for row in plain:
        assert (tokens[row] == rows[row, :-1]).all() and (asked[1][of_row == row] == rows[row, 1:]).all()


def test_what_is_asked_for_has_come_before_and_labels_are_of_their_half() -> None:
    _, tokens, asked = made()
    of_row = asked[0] // 64
    trained, held = (set(label_tokens(ORDINARY, held_out=aside).tolist()) for aside in (False, True))
    assert not trained & held and len(trained | held) == len(ORDINARY) and min(len(trained), len(held)) > 100
    episodes = [row for row in range(40) if 0 < (of_row == row).sum() < 64]
    assert episodes
    for row in episodes:
        assert tokens[row, 0] == 0
        items = tokens[row, 1:61].reshape(15, SPAN + 1)  # the last label is a target, and not read
        assert set(items[:, SPAN].tolist()) <= trained and len(set(items[:, SPAN].tolist())) == 2
        for place, target in asked[:, of_row == row].T:
            item, offset = divmod(place % 64 - 1, SPAN + 1)
            span = tokens[row, 1 + item * (SPAN + 1) :][:SPAN]
            before = [one for one in items[:item] if (one[:SPAN] == span).all()]
            assert before and all(one[offset + 1] == target for one in before)


def test_the_same_keys_give_the_same_episodes() -> None:
    assert all((one == other).all() for one, other in zip(made()[1:], made()[1:], strict=True))


def test_only_gpt_models_learn_it() -> None:
    check_objective(ModelSettings(family="gpt"), TrainSettings(objective="episodes"))
    with pytest.raises(ValueError, match="cannot learn episodes"):
        check_objective(ModelSettings(family="bert"), TrainSettings(objective="episodes"))
    with pytest.raises(RecipeError, match="cannot learn"):
        objective_of("episodes", family="t5", context=64, vocabulary=300, separator=0)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_small_model_learns_to_read_labels_from_the_prompt(tmp_path: Path, real_data: Path) -> None:
    """As docs/en/evaluation.md has it: few-shot, above both controls."""
    recipe = tmp_path / "片段.yaml"
    recipe.write_text(
        f"sources: [{{name: books, kind: books, paths: ['{real_data}/corpora/books/gutenberg-en/*.txt*']}}]\n"
        "tokenizer: {vocabulary: 512}\n"
        "model: {preset: modern-nano, context: 64}\n"
        "train: {objective: episodes, tokens: 1500000, batch: 4096}\n",
        encoding="utf-8",
    )
    [run] = api.train(recipe, workers=1).runs
    [result] = api.evaluate_tasks(run.folder, ["episodes"], shots=[0, 1, 5]).results
    none, *some = result["rows"]
    assert not none["above_chance"] and all(row["few_shot"] for row in some)
    assert all(row["score"] > 0.9 and abs(row["shuffled"]["score"] - 0.5) < 0.1 for row in some)
