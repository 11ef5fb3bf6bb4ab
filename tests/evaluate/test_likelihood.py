"""Continuations under the four families: each number recomputed plainly, a text at a time."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from headwater.evaluate.likelihood import LIKELIHOOD, PSEUDO, measure_of, score
from headwater.evaluate.scorer import Scorer
from headwater.model.words import word_numbers

Scorers = Callable[[str], Scorer]
PAIRS = [
    ("The river has", " its source"),
    ("The river has", " every stream"),
    ("The river has", "."),
    ("源头活水来，", "半亩方塘一鉴开。"),
    ("", "問渠那得清如許？天光雲影"),
    ("", "Python 3 的文档：用 print()"),
    ("A", " model learns"),
]


def log_p(logits: torch.Tensor, token: int) -> float:
    return float(torch.log_softmax(logits.double(), -1)[token])


@pytest.mark.parametrize("kind", ["llama-nano", "gpt2-nano", "modern-nano"])
def test_gpt_is_the_chain_rule(scorers: Scorers, kind: str) -> None:
    scorer = scorers(kind)
    found = scorer.score(PAIRS)
    with torch.no_grad():
        for number, pair in enumerate(PAIRS):
            context, new = scorer.encode_pair(*pair)
            context = context or [scorer.special.separator]
            logits = scorer.model(torch.tensor([context + new]))[0]
            terms = [log_p(logits[len(context) - 1 + i], token) for i, token in enumerate(new)]
            assert found.log_likelihoods[number] == pytest.approx(sum(terms), abs=1e-4)
            likeliest = [int(logits[len(context) - 1 + i].argmax()) for i in range(len(new))]
            assert found.greedy[number] == (likeliest == new)


@pytest.mark.parametrize("kind", ["gpt", "bert", "xlnet", "t5"])
def test_what_is_scored_beside_a_text_changes_nothing(scorers: Scorers, kind: str) -> None:
    scorer = scorers(kind)
    together = scorer.score([*PAIRS, *PAIRS[::-1]])
    alone = [scorer.score([pair]).log_likelihoods[0] for pair in PAIRS]
    assert np.allclose(together.log_likelihoods, alone + alone[::-1], atol=1e-4)
    assert not together.cut.any()


def test_xlnet_reads_left_to_right_and_knows_the_length(scorers: Scorers) -> None:
    """No token's term depends on what comes after it: changed endings of the same length leave the first term alone."""
    scorer, separate = scorers("xlnet"), []
    tokens = scorer.encode("The river has its source")
    special, model = scorer.special, scorer.model
    for ending in ([5, 6, 7], [90, 91, 92]):
        whole = score(
            model, [(tokens[:3], [tokens[3], *ending])], special, scorer.token_bytes
        ).log_likelihoods[0]
        rest = score(
            model, [([*tokens[:3], tokens[3]], ending)], special, scorer.token_bytes
        ).log_likelihoods[0]
        separate.append(whole - rest)
    assert separate[0] == pytest.approx(separate[1], abs=1e-4)
    longer = score(
        model, [(tokens[:3], [tokens[3], 5, 6, 7, 8])], special, scorer.token_bytes
    ).log_likelihoods[0]
    rest = score(model, [(tokens[:4], [5, 6, 7, 8])], special, scorer.token_bytes).log_likelihoods[0]
    assert abs(longer - rest - separate[0]) > 1e-3


def test_bert_masks_a_token_and_the_rest_of_its_word(scorers: Scorers) -> None:
    scorer = scorers("bert")
    text = "Rivers wondering 半亩方塘"
    tokens = scorer.encode(text)
    words = word_numbers(np.array(tokens), scorer.token_bytes)
    assert len(set(words.tolist())) < len(words)  # there are words of several tokens
    special, total = scorer.special, 0.0
    with torch.no_grad():
        for at, token in enumerate(tokens):
            read = [
                special.mask if other >= at and words[other] == words[at] else value
                for other, value in enumerate(tokens)
            ]
            logits = scorer.model(torch.tensor([[special.begin, *read, special.end]]))[0, at + 1]
            total += log_p(logits, token)
    assert scorer.score([("", text)]).log_likelihoods[0] == pytest.approx(total, abs=1e-4)


def test_t5_fills_the_gap_behind_a_context(scorers: Scorers) -> None:
    scorer = scorers("t5")
    special = scorer.special
    context, new = scorer.encode("源头活水"), scorer.encode("天光雲影")
    assert scorer.encode_pair("源头活水", "天光雲影") == (context, new)
    gap = special.sentinels[0]
    with torch.no_grad():
        logits = scorer.model(
            torch.tensor([[*context, gap, special.end]]),
            decoder_tokens=torch.tensor([[special.pad, gap, *new[:-1]]]),
        )[0]
        expected = -F.cross_entropy(logits[1:].double(), torch.tensor(new), reduction="sum")
    assert scorer.score([("源头活水", "天光雲影")]).log_likelihoods[0] == pytest.approx(
        float(expected), abs=1e-4
    )


def test_pseudo_likelihoods_have_a_name_of_their_own() -> None:
    assert [measure_of(family, whole_texts=True) for family in ("gpt", "xlnet", "bert", "t5")] == [
        LIKELIHOOD, LIKELIHOOD, PSEUDO, PSEUDO,
    ]  # fmt: skip
    assert (
        measure_of("t5", whole_texts=False) == LIKELIHOOD and measure_of("bert", whole_texts=False) == PSEUDO
    )


@pytest.mark.parametrize("kind", ["gpt", "bert", "xlnet", "t5"])
def test_what_is_longer_than_the_context_is_cut_on_the_left_or_read_in_windows(
    scorers: Scorers, kind: str
) -> None:
    scorer = scorers(kind)
    long = "源头活水来，半亩方塘一鉴开。" * 20
    found = scorer.score([(long, "天光"), ("", long), ("", "")])
    assert found.cut[0] and np.isfinite(found.log_likelihoods).all()
    assert found.log_likelihoods[1] < 20 * scorer.score([("", "源头活水来，")]).log_likelihoods[0] / 10
    assert found.log_likelihoods[2] == 0
    if kind == "gpt":  # the last of the context is what a plain model sees, too
        context, new = scorer.encode_pair(long, "天光")
        seen = (context + new)[-scorer.model.config.context - 1 : -1]
        with torch.no_grad():
            logits = scorer.model(torch.tensor([seen]))[0][-len(new) :]
        assert found.log_likelihoods[0] == pytest.approx(
            sum(log_p(row, token) for row, token in zip(logits, new, strict=True)), abs=1e-4
        )


@pytest.mark.parametrize("kind", ["gpt", "bert", "xlnet", "t5"])
@pytest.mark.parametrize("before", ["", "问渠", "问渠那得清如许？" * 12], ids=["none", "short", "long"])
def test_continuations_about_as_long_as_the_context_are_scored(
    scorers: Scorers, kind: str, before: str
) -> None:
    """With a context and without, one token below the room and above it, and over several windows."""
    scorer = scorers(kind)
    context, tokens = scorer.encode(before), scorer.encode("源头活水来，半亩方塘一鉴开。" * 30)
    full = scorer.model.config.context
    for count in [*range(full - 4, full + 3), 2 * full - 2, 2 * full, 3 * full]:
        pairs = [(context, tokens[:count]), (context, tokens[:1])]
        found = score(scorer.model, pairs, scorer.special, scorer.token_bytes)
        whole, first = found.log_likelihoods
        assert np.isfinite(whole) and whole < first < 0, count
        assert not found.greedy[0]
        if context and count > full + 1:
            assert found.cut[0], count


def test_windows_read_the_last_of_the_context_and_score_each_token_once(scorers: Scorers) -> None:
    """Two windows, by hand: xlnet's read what the text's end leaves of the model's context."""
    scorer = scorers("xlnet")
    special, room = scorer.special, scorer.model.config.context - 2
    context, new = scorer.encode("天光雲影"), scorer.encode("源头活水来，半亩方塘一鉴开。" * 30)[: room + 4]
    parts = [
        (context[-1:], new[: room - 1]),
        (new[: room - 1][-(room - 5) :], new[room - 1 :]),
    ]
    apart = score(scorer.model, parts, special, scorer.token_bytes)
    found = score(scorer.model, [(context, new)], special, scorer.token_bytes)
    assert found.log_likelihoods[0] == pytest.approx(apart.log_likelihoods.sum(), abs=1e-4)


def test_a_token_that_reaches_over_the_border_is_not_split(scorers: Scorers) -> None:
    scorer = scorers("gpt")
    pairs = zip("源头活水来半亩方塘一鉴开", "头活水来半亩方塘一鉴开。", strict=True)
    one, other = next(
        pair for pair in pairs if scorer.encode("".join(pair))[:1] != scorer.encode(pair[0])[:1]
    )
    assert scorer.encode_pair(one, other) == (scorer.encode(one), scorer.encode(other))
    assert (
        scorer.encode_pair("The river ", "has")[1]
        == scorer.encode("The river has")[len(scorer.encode("The river")) :]
    )
