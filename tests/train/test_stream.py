"""Batches are a function of (seed, step); an epoch holds every token once; a draw is a share of the documents."""

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from training_sets import texts, write_training_set

from headwater.errors import HeadwaterError
from headwater.model.tokenizer import Tokenizer
from headwater.train.stream import Stream


@pytest.fixture(scope="module")
def training_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    documents = [(f"文档-{n}", "ab"[n % 2], text) for n, text in enumerate(texts(300))]
    return write_training_set(tmp_path_factory.mktemp("sets") / "both", documents)


def stream(training_set: Path, **settings: object) -> Stream:
    return Stream(training_set, **{"context": 32, "batch_sequences": 4, "seed": 0, **settings})  # type: ignore[arg-type]


def expected(training_set: Path) -> Counter[int]:
    """Every text's tokens, and one separator each."""
    coder = Tokenizer.load(training_set / "tokenizer.json")
    counts: Counter[int] = Counter()
    for text in texts(300):
        counts.update([coder.separator, *coder.encode(text).tolist()])
    return counts


def test_any_step_can_be_asked_for_in_any_order(training_set: Path) -> None:
    forward = [stream_.batch(step) for stream_ in [stream(training_set)] for step in range(30)]
    again = stream(training_set)
    for step in (29, 0, 17, 18, 3):
        assert np.array_equal(again.batch(step), forward[step])
    assert forward[0].shape == (4, 33)
    assert forward[0].dtype == np.int64


@pytest.mark.parametrize("context", [32, 37, 100_000])
def test_every_token_is_a_target_once_an_epoch(training_set: Path, context: int) -> None:
    """Over e epochs each token is counted e times, but for the two ends of the pieces read."""
    one = stream(training_set, context=context, batch_sequences=1)
    epochs = 3 if context < 1000 else 7
    sequences = epochs * one.tokens // context if context < 1000 else 4
    counts = Counter(token for step in range(sequences) for token in one.batch(step)[0, 1:].tolist())
    whole = expected(training_set)
    assert one.tokens == sum(whole.values())
    if context < 1000:
        missing = {token: epochs * count - counts[token] for token, count in whole.items()}
        assert sum(abs(count) for count in missing.values()) <= 2 * context
        assert one.epochs(sequences)["all"] == pytest.approx(epochs, abs=0.01)
    else:  # one piece reaches over several epochs
        share = sum(counts.values()) / one.tokens
        assert all(
            counts[token] == pytest.approx(count * share, rel=0.2)
            for token, count in whole.items()
            if count > 50
        )


def test_documents_stay_whole_after_their_separator(training_set: Path) -> None:
    one = stream(training_set, context=1000, batch_sequences=1)
    coder = Tokenizer.load(training_set / "tokenizer.json")
    known = {tuple(coder.encode(text).tolist()) for text in texts(300)}
    found = 0
    for step in range(50):
        row = one.batch(step)[0].tolist()
        cuts = [place for place, token in enumerate(row) if token == coder.separator]
        for start, end in pairwise(cuts):
            assert tuple(row[start + 1 : end]) in known
            found += 1
    assert found > 20


def test_seeds_and_epochs_have_their_own_orders(training_set: Path) -> None:
    zero, one = stream(training_set, context=200), stream(training_set, context=200, seed=1)
    assert not np.array_equal(zero.batch(0), one.batch(0))
    an_epoch = zero.tokens // (4 * 200)
    first = {row.tobytes() for step in range(an_epoch) for row in zero.batch(step)}
    second = {row.tobytes() for step in range(an_epoch + 1, 2 * an_epoch) for row in zero.batch(step)}
    assert len(first & second) < 0.2 * len(second)


def test_a_draw_is_a_share_and_differs_by_seed(training_set: Path) -> None:
    halves = [stream(training_set, draw=0.5, seed=seed) for seed in range(6)]
    assert all(100 < half.documents < 200 for half in halves)
    assert len({half.tokens for half in halves}) > 1
    assert stream(training_set, draw=1.0).documents == 300


def test_sets_that_share_documents_share_them_in_the_draw(tmp_path: Path, training_set: Path) -> None:
    """A document is drawn for its own id's sake, whatever else is in the set and whichever file it is in."""
    documents = [(f"文档-{n}", "a", text) for n, text in enumerate(texts(300))]
    fewer = write_training_set(tmp_path / "fewer", documents[:200], shards=3)

    def drawn(path: Path) -> set[int]:
        return set(stream(path, draw=0.4)._texts[0].documents.keys.tolist())

    of_all, of_fewer = drawn(training_set), drawn(fewer)
    assert of_fewer <= of_all
    assert 0 < len(of_fewer) < len(of_all)


@settings(max_examples=20, deadline=None)
@given(weight=st.floats(0.02, 0.98), batch=st.integers(1, 9))
def test_a_mixture_is_kept_in_every_batch(training_set: Path, weight: float, batch: int) -> None:
    mixed = stream(_with(training_set, mixture={"b": 1 - weight, "a": weight}), batch_sequences=batch)
    taken = np.diff([mixed._taken(step) for step in range(200)], axis=0)
    assert (taken.sum(1) == batch).all()
    assert (np.abs(taken[:, 0] - weight * batch) < 1 + 1e-9).all()
    assert taken[:, 0].mean() == pytest.approx(weight * batch, abs=0.25)
    assert set(mixed.epochs(5)) == {"a", "b"}
    assert np.array_equal(stream(mixed.path, batch_sequences=batch).batch(7), mixed.batch(7))


def _with(training_set: Path, **changes: object) -> Path:
    """The same set with another manifest."""
    other = training_set.with_name(f"{training_set.name}-changed")
    other.mkdir(exist_ok=True)
    for name in ("documents.parquet", "tokenizer.json"):
        (other / name).write_bytes((training_set / name).read_bytes())
    manifest = json.loads((training_set / "manifest.json").read_text(encoding="utf-8"))
    (other / "manifest.json").write_text(json.dumps({**manifest, **changes}), encoding="utf-8")
    return other


def test_a_source_of_weight_zero_is_left_out(training_set: Path) -> None:
    assert stream(_with(training_set, mixture={"a": 1.0, "b": 0.0})).documents == 150


def test_a_token_beyond_the_vocabulary_is_a_hard_stop(training_set: Path) -> None:
    damaged = stream(_with(training_set, vocabulary=40))
    with pytest.raises(HeadwaterError, match=r"step \d+ has token .* but the vocabulary has 40"):
        for step in range(100):
            damaged.batch(step)


def test_too_little_text_is_refused(training_set: Path, tmp_path: Path) -> None:
    with pytest.raises(HeadwaterError, match="fewer than one batch"):
        stream(training_set, batch_sequences=10_000)
    with pytest.raises(HeadwaterError, match="no document of source 'c' is left"):
        stream(_with(training_set, mixture={"a": 0.5, "c": 0.5}))
    with pytest.raises(HeadwaterError, match="no whole training set"):
        stream(tmp_path)
