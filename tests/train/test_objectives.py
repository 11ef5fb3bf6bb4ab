"""EQ-LM, EQ-MLM, EQ-PLM and EQ-SPAN, recomputed in plain Python; what chance decides, and by which key."""

import itertools
import math
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import HeadwaterError, RecipeError
from headwater.model.losses import mean_nats
from headwater.model.presets import resolve
from headwater.model.special_tokens import SpecialTokens, with_special_tokens
from headwater.model.tokenizer import Tokenizer, train
from headwater.model.transformer import Transformer
from headwater.model.words import word_numbers
from headwater.train.objectives import Batch, batch_loss, lm, mlm, objective_of, plm, span

torch.set_num_threads(1)
SENTENCES = {"en": ["I", "love", "NLP"], "zh": ["我", "爱", "自然", "语言", "处理"]}
WORDS = 6  # ids 1 … 5 are words, 0 the separator, the rest special
SPECIAL = SpecialTokens(
    frozenset({0, 6, 7, 8, 9, 10, 11}), 0, pad=6, begin=7, end=8, mask=9, sentinels=(11, 10)
)
sentences = pytest.mark.parametrize("words", SENTENCES.values(), ids=SENTENCES)


def model_of(preset: str, family: str) -> Transformer:
    config = resolve(
        {"family": family, "preset": preset, "layers": 2, "width": 8, "heads": 2, "context": 16}, 12
    )
    model, random = Transformer(config, seed=1), torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=random), alpha=0.3)
    return model.double()


def generators(count: int, seed: int = 0) -> list[np.random.Generator]:
    return [np.random.Generator(np.random.Philox(key=seed + n)) for n in range(count)]


def nats(states: list[float], model: Transformer, target: int) -> float:
    """−log of exp(e(x)ᵀh + b_x) / Σ_x' exp(e(x')ᵀh + b_x'), in plain Python."""
    biases = [0.0] * 12 if model.output_bias is None else model.output_bias.tolist()
    scores = [
        sum(e * h for e, h in zip(row, states, strict=True)) + bias
        for row, bias in zip(model.output_weight.tolist(), biases, strict=True)
    ]
    return -(scores[target] - math.log(sum(math.exp(score) for score in scores)))


def transformed(states: list[float], model: Transformer) -> list[float]:
    """BERT's layer before the output: norm(gelu(h W + b))."""
    dense, norm = model.transform.dense, model.transform.norm
    out = []
    for row, bias in zip(dense.weight.tolist(), dense.bias.tolist(), strict=True):
        value = sum(w * h for w, h in zip(row, states, strict=True)) + bias
        out.append(0.5 * value * (1 + math.erf(value / math.sqrt(2))))
    mean = sum(out) / len(out)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in out) / len(out) + 1e-12)
    gains = zip(out, norm.weight.tolist(), norm.bias.tolist(), strict=True)
    return [(value - mean) / deviation * gain + bias for value, gain, bias in gains]


@sentences
def test_eq_lm(words: list[str]) -> None:
    model, count = model_of("gpt2-nano", "gpt"), len(words)
    tokens = np.array([[0, *range(1, count + 1)]])
    states = model.hidden(torch.from_numpy(tokens[:, :-1]))[0].tolist()
    expected = sum(nats(states[i - 1], model, i) for i in range(1, count + 1)) / count
    assert batch_loss(model, lm.batch(tokens).on("cpu")).item() == pytest.approx(expected, abs=1e-6)


@sentences
def test_eq_mlm(words: list[str]) -> None:
    """The second word is masked: predicted from the first and the others, at its own place."""
    model, count = model_of("bert-nano", "bert"), len(words)
    read = [7, 1, 9, *range(3, count + 1), 8]
    batch = Batch(np.array([read]), np.array([2]), np.array([2]))
    state = model.hidden(torch.tensor([read]))[0, 2].tolist()
    expected = nats(transformed(state, model), model, 2)
    assert batch_loss(model, batch.on("cpu")).item() == pytest.approx(expected, abs=1e-6)


@sentences
def test_eq_plm_over_positions_and_over_steps(words: list[str]) -> None:
    """For every order of the words: the sum over positions i, each given what comes before it in the order, is the
    sum over steps t of the order, each computed on its own with all later words replaced by others."""
    model, count = model_of("xlnet-nano", "xlnet"), len(words)
    tokens = torch.tensor([[*range(1, count + 1), 8, 7]])  # <sep> and <cls> may be seen by all
    for steps in itertools.islice(itertools.permutations(range(count)), 24):
        order = torch.zeros_like(tokens)
        order[0, list(steps)] = torch.arange(1, count + 1)
        at = torch.arange(count)[None]
        states = model.hidden(tokens, order=order, at=at)[0].tolist()
        over_positions = sum(nats(states[i], model, i + 1) for i in range(count))
        over_steps = 0.0
        for step, place in enumerate(steps):
            unknown = tokens.clone()
            unknown[0, list(steps[step:])] = 0
            state = model.hidden(unknown, order=order, at=torch.tensor([[place]]))[0, 0].tolist()
            over_steps += nats(state, model, place + 1)
        assert over_positions == pytest.approx(over_steps, abs=1e-6)
        batch = {"tokens": tokens, "order": order, "at": at, "targets": tokens[:, :count]}
        assert batch_loss(model, batch, 1).item() == pytest.approx(over_positions, abs=1e-6)


@sentences
def test_eq_span(words: list[str]) -> None:
    """x̃ = the text with the second word cut out; y = sentinel, the word, </s>, each given those before and x̃."""
    model, count = model_of("t5-nano", "t5"), len(words)
    inputs, written = [1, 11, *range(3, count + 1), 8], [11, 2, 8]
    batch = Batch(np.array([inputs]), np.array([written]), decoder_tokens=np.array([[6, *written[:-1]]]))
    states = model.hidden(torch.tensor([inputs]), decoder_tokens=torch.tensor([[6, 11, 2]]))[0].tolist()
    scaled = [[value / math.sqrt(8) for value in state] for state in states]  # T5 v1.0
    expected = sum(nats(state, model, y) for state, y in zip(scaled, written, strict=True)) / 3
    assert batch_loss(model, batch.on("cpu")).item() == pytest.approx(expected, abs=1e-6)


# ---------------------------------------------------------------- what is drawn


def test_masks_are_15_percent_in_80_10_10_and_no_special_token_is_touched_or_drawn() -> None:
    random = np.random.default_rng(0)
    ordinary = np.arange(20, 500)
    rows = random.choice(ordinary, (1500, 126))
    rows[:, [30, 31]] = SPECIAL.end, SPECIAL.begin
    batch = mlm.batch(rows, generators(1500), SPECIAL, ordinary)
    original = mlm.framed(rows, 7, 8)
    assert len(batch.targets) == 1500 * round(0.15 * 124)
    assert np.array_equal(original.reshape(-1)[batch.predicted], batch.targets)
    read = batch.tokens.reshape(-1)[batch.predicted]
    assert (read == 9).mean() == pytest.approx(0.8, abs=0.01)
    assert ((read != 9) & (read != batch.targets)).mean() == pytest.approx(0.1, abs=0.01)
    untouched = np.ones(original.size, bool)
    untouched[batch.predicted] = False
    assert np.array_equal(batch.tokens.reshape(-1)[untouched], original.reshape(-1)[untouched])
    assert not np.isin(batch.targets, list(SPECIAL.ids)).any()
    assert not np.isin(read[read != 9], list(SPECIAL.ids)).any()
    assert (batch.documents[:, 31] == 1).all() and (batch.documents[:, 32] == 2).all()


TEXT = "I love natural language processing. 我爱自然语言处理，也爱“源头活水”。為有源頭活水來 mixed 混合。"


def test_words_are_masked_whole_in_english_and_in_chinese() -> None:
    coder = Tokenizer(train([TEXT, "natural language", "自然语言"] * 2, 300))
    ids, pieces = coder.encode(TEXT), coder.token_bytes()
    assert b"".join(pieces[n] for n in ids.tolist()) == TEXT.encode()
    numbers = word_numbers(ids, pieces)
    assert (np.diff(numbers) >= 0).all()
    words = [
        b"".join(pieces[n] for n in ids[numbers == number].tolist()).decode().strip()
        for number in np.unique(numbers)
    ]
    for word in ("I", "love", "natural", "processing", ".", "我", "，", "“", "。", "mixed"):
        assert word in words
    joined = {"自然语言", "自然", "语言"} & set(
        words
    )  # the tokeniser may have joined the segmenter's two words
    assert joined
    chosen = mlm.choose(np.arange(len(ids)), generators(1)[0], numbers)
    for number in np.unique(numbers[chosen]):
        assert set(np.flatnonzero(numbers == number)) <= set(chosen.tolist())
    assert 1 <= len(chosen) <= round(0.15 * len(ids))


def test_a_cut_character_at_the_end_of_a_row_is_a_word_like_others() -> None:
    pieces = [bytes([n]) for n in range(256)]
    tokens = np.frombuffer("源头 headwater 活".encode()[1:-1], np.uint8).astype(np.int64)
    numbers = word_numbers(tokens, pieces)
    assert len(numbers) == len(tokens) and (np.diff(numbers) >= 0).all()


@settings(max_examples=50, deadline=None)
@given(lengths=st.lists(st.integers(0, 40), min_size=1, max_size=6), seed=st.integers(0, 10**6))
def test_permutations_leave_every_query_something_to_see(lengths: list[int], seed: int) -> None:
    """Targets are 1/6 where there is as much, distinct, never special, in an order of their own; inputs stay."""
    row = list(
        itertools.chain.from_iterable([*[1 + n % 5 for n in range(length)], 8, 7] for length in lengths)
    )
    tokens = np.array([row])
    batch = plm.batch(tokens[:, :-2], generators(1, seed), SPECIAL)
    assert np.array_equal(batch.tokens, tokens)
    targets = batch.at[0][batch.predicted]
    free = int((~np.isin(tokens, list(SPECIAL.ids))).sum())
    assert len(set(targets.tolist())) == len(targets) == min(max(1, len(row) // 6), free)
    assert np.array_equal(batch.targets, tokens[0, targets])
    assert not np.isin(batch.targets, list(SPECIAL.ids)).any()
    assert sorted(batch.order[0, targets].tolist()) == list(range(1, len(targets) + 1))
    assert batch.order.sum() == sum(range(1, len(targets) + 1))
    for place in targets.tolist():
        together = batch.documents[0] == batch.documents[0, place]
        assert (together & (batch.order[0] < batch.order[0, place])).any()


def test_n_grams_are_as_long_as_the_paper_says() -> None:
    free = np.ones(512, bool)
    runs: list[int] = []
    for random in generators(300):
        chosen = plm.choose(free, 85, random)
        assert len(chosen) == 85
        runs += np.diff(np.flatnonzero(np.diff(chosen, prepend=-9, append=9999) != 1)).tolist()
    assert 1.9 < np.mean(runs) < 3.2  # 5 / (1 + 1/2 + … + 1/5) = 2.19, and neighbours that touch


def test_span_corruption_of_568_tokens_is_512_and_114() -> None:
    assert span.text_tokens(512) == 568
    special = replace(SPECIAL, sentinels=tuple(range(699, 599, -1)))
    rows = np.random.default_rng(0).integers(20, 500, (8, 568))
    batch = span.batch(rows, generators(8), special)
    assert batch.tokens.shape == (8, 512)
    assert batch.targets.shape == batch.decoder_tokens.shape == (8, 114)
    assert (batch.decoder_tokens[:, 0] == special.pad).all()
    assert np.array_equal(batch.decoder_tokens[:, 1:], batch.targets[:, :-1])
    for text, read, written in zip(rows, batch.tokens, batch.targets, strict=True):
        assert read[-1] == written[-1] == special.end
        used = [token for token in read.tolist() if token >= 600]
        assert used == list(range(699, 699 - 28, -1))  # counting down
        assert [token for token in written.tolist() if token >= 600] == used
        spans: dict[int, list[int]] = {}
        for token in written[:-1].tolist():
            if token >= 600:
                spans[token] = []
                last = token
            else:
                spans[last].append(token)
        whole = itertools.chain.from_iterable(spans.get(token, [token]) for token in read[:-1].tolist())
        assert list(whole) == text.tolist()
    with pytest.raises(HeadwaterError, match="28 sentinels"):
        span.batch(rows, generators(8), SPECIAL)


@pytest.mark.parametrize(("family", "objective"), [("bert", "mlm"), ("xlnet", "plm"), ("t5", "span")])
def test_a_sequences_chance_is_its_own(family: str, objective: str) -> None:
    """Whatever else is in the batch, and in whatever order: its key decides."""
    coder = Tokenizer(with_special_tokens(train([TEXT] * 2, 300), family))
    made = objective_of(
        objective, family=family, context=32, vocabulary=coder.vocabulary, separator=0, tokenizer=coder,
        document_masks=objective != "span",
    )  # fmt: skip
    rows = np.random.default_rng(0).integers(1, 256, (6, made.text_tokens + 1))
    keys = np.arange(6, dtype=np.uint64)
    one, other = made.make(rows, keys), made.make(rows[::-1], keys[::-1])
    for field in fields(Batch):
        value = getattr(one, field.name)
        if value is not None and value.ndim == 2:
            assert np.array_equal(value[::-1], getattr(other, field.name)), field.name
    assert not np.array_equal(made.make(rows, keys + np.uint64(9)).targets, one.targets)


@pytest.mark.parametrize(("family", "objective", "says"), [
    ("bert", "lm", "sees the tokens that it would predict; leave it out, or set it to mlm"),
    ("gpt", "mlm", "a gpt model cannot learn"), ("t5", "plm", "set it to span"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(family: str, objective: str, says: str) -> None:
    known: dict[str, Any] = {"context": 32, "vocabulary": 300, "separator": 0}
    with pytest.raises(RecipeError, match=says):
        objective_of(objective, family=family, **known)


@pytest.mark.parametrize("family", ["bert", "xlnet", "t5"])
def test_special_tokens_stand_behind_the_text_and_change_none_of_it(family: str) -> None:
    plain = train([TEXT] * 3, 300)
    with_them = with_special_tokens(plain, family)
    before, after = Tokenizer(plain), Tokenizer(with_them)
    special = after.special(family)
    assert min(special.ids - {0}) >= before.vocabulary
    assert np.array_equal(before.encode(TEXT), after.encode(TEXT))
    assert after._encoding is not None  # and as fast
    assert with_special_tokens(with_them, family) == with_them
    if family == "t5":
        assert special.sentinels[0] == after.vocabulary - 1
        assert len(special.sentinels) == 100
    names = " ".join(after.special_names(family).values())
    assert after.decode(after.encode(names)) == names  # in a text they are only characters
    assert not set(after.encode(names).tolist()) & special.ids


def test_the_loss_of_masked_tokens_is_that_of_a_pass_over_all() -> None:
    """BERT's last block computes nothing else; rows have more of them, fewer or none."""
    model = Transformer(
        resolve({"family": "bert", "preset": "bert-nano", "layers": 2, "width": 32}, 40)
    ).double()
    random = np.random.default_rng(0)
    tokens = random.integers(0, 40, (3, 20))
    places = np.array([1, 4, 19, 40, 41, 42, 43, 59])
    batch = Batch(tokens, tokens.reshape(-1)[places], places, np.repeat([[0, 1]] * 3, 10, axis=1))
    tensors = batch.on("cpu")
    states = model.hidden(tensors["tokens"], documents=tensors["documents"]).flatten(0, 1)[
        tensors["predicted"]
    ]
    whole = mean_nats(model.head(states), model.output_weight, tensors["targets"], bias=model.output_bias)
    torch.testing.assert_close(batch_loss(model, tensors), whole, rtol=1e-12, atol=0)
