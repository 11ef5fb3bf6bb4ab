"""Nobody sees what is hidden, bit for bit; and a text among others in one sequence is what it is alone."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import headwater.model.attention as attention
from headwater.model.attention import View, attend
from headwater.model.positions import DistanceScores
from headwater.model.presets import resolve
from headwater.model.transformer import Transformer

torch.set_num_threads(1)
PRESETS = {
    "modern-nano": "gpt", "gpt2-nano": "gpt", "llama-nano": "gpt", "bert-nano": "bert", "t5-nano": "t5",
    "t5v1.1-nano": "t5", "vanilla-2017-nano": "t5", "xlnet-nano": "xlnet",
}  # fmt: skip
_MODELS: dict[tuple[str, torch.dtype], Transformer] = {}


def awake(preset: str, dtype: torch.dtype = torch.float32) -> Transformer:
    """A small model none of whose weights is zero: zero projections would hide any leak."""
    if (preset, dtype) not in _MODELS:
        config = resolve(
            {"family": PRESETS[preset], "preset": preset, "layers": 2, "width": 32, "context": 64}, 50
        )
        model, random = Transformer(replace(config, kv_heads=1)), torch.Generator().manual_seed(3)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=random), alpha=0.2)
        _MODELS[preset, dtype] = model.eval().to(dtype)
    return _MODELS[preset, dtype]


@st.composite
def packed(draw: st.DrawFn) -> dict[str, Any]:
    """A row of several documents, an order in it, and one token to perturb."""
    lengths = draw(st.lists(st.integers(1, 8), min_size=1, max_size=4))
    documents = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    count = len(documents)
    random = torch.Generator().manual_seed(draw(st.integers(0, 10**6)))
    targets = torch.randperm(count, generator=random)[: draw(st.integers(1, count))]
    order = torch.zeros(count, dtype=torch.long).scatter(0, targets, 1 + torch.arange(len(targets)))
    return {
        "tokens": torch.randint(50, (count,), generator=random), "documents": documents, "order": order,
        "at": targets, "written": torch.randint(50, (count,), generator=random),
        "perturbed": draw(st.integers(0, count - 1)), "causal": draw(st.booleans()),
    }  # fmt: skip


def states(model: Transformer, row: dict[str, Any], tokens: Tensor, written: Tensor | None = None) -> Tensor:
    """What the model makes of a packed row: (positions, V)."""
    more: dict[str, Any] = {"documents": row["documents"][None]}
    if model.config.family == "xlnet":
        more |= {"order": row["order"][None], "at": row["at"][None]}
    if model.config.family == "t5":
        more |= {"decoder_tokens": (row["written"] if written is None else written)[None],
                 "decoder_documents": row["documents"][None]}  # fmt: skip
    with torch.no_grad():
        return model(tokens[None], **more)[0]


@pytest.mark.parametrize("preset", PRESETS)
@settings(max_examples=25, deadline=None)
@given(row=packed())
def test_what_is_hidden_changes_nothing_bit_for_bit(preset: str, row: dict[str, Any]) -> None:
    model, place, documents = awake(preset), row["perturbed"], row["documents"]
    changed = row["tokens"].clone()
    changed[place] = (changed[place] + 1) % 50
    sees = documents == documents[place]  # by position: whether it may depend on the perturbed token
    if model.config.family == "gpt":
        sees = sees & (torch.arange(len(documents)) >= place)
    if model.config.family == "xlnet":  # by position to predict
        sees = sees[row["at"]] & (row["order"][row["at"]] > row["order"][place])
    before, after = states(model, row, row["tokens"]), states(model, row, changed)
    assert torch.equal(before[~sees], after[~sees])
    assert torch.isfinite(before).all()
    if len(sees) and sees.any():
        assert not torch.equal(before[sees], after[sees])
    if model.config.family == "t5":  # the decoder's own tokens: causal, and within the document
        changed = row["written"].clone()
        changed[place] = (changed[place] + 1) % 50
        after = states(model, row, row["tokens"], changed)
        hidden = (documents != documents[place]) | (torch.arange(len(documents)) < place)
        assert torch.equal(before[hidden], after[hidden])


@pytest.mark.parametrize("preset", PRESETS)
@settings(max_examples=10, deadline=None)
@given(row=packed())
def test_packed_is_what_each_text_is_alone(preset: str, row: dict[str, Any]) -> None:
    model, documents = awake(preset, torch.float64), row["documents"]
    together = states(model, row, row["tokens"])
    for number in documents.unique():
        here = documents == number
        inside = torch.cumsum(here, 0) - 1  # place in the row -> place in the document
        at = row["at"][here[row["at"]]]
        alone = {
            "tokens": row["tokens"][here], "documents": documents[here], "order": row["order"][here],
            "at": inside[at], "written": row["written"][here],
        }  # fmt: skip
        if model.config.family == "xlnet" and not len(at):
            continue
        mine = together[here[row["at"]] if model.config.family == "xlnet" else here]
        torch.testing.assert_close(
            states(model, alone, alone["tokens"]), mine, rtol=1e-5, atol=1e-6
        )  # tables of angles are in fp32


def test_a_query_that_sees_nothing_reads_nothing() -> None:
    """Not, as a softmax over hidden scores would have it, all tokens alike, its own among them."""
    model = awake("xlnet-nano")
    row = {
        "documents": torch.zeros(4, dtype=torch.long), "order": torch.tensor([1, 2, 3, 4]), "at": torch.tensor([0]),
    }  # fmt: skip
    one, other = (states(model, row, torch.tensor(tokens)) for tokens in ([1, 2, 3, 4], [5, 6, 7, 8]))
    assert torch.equal(one, other)


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("with_bias", [True, False])
def test_the_two_ways_to_attend_are_one(
    causal: bool, with_bias: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Explicit products and PyTorch's fused attention, with masks, biases and blocks of rows, both ways."""
    random = torch.Generator().manual_seed(0)
    leaves = [torch.randn(h, 2, 150, 8, generator=random).requires_grad_() for h in (4, 2, 2)]
    bias = torch.randn(4, 1, 150, 150, generator=random).requires_grad_() if with_bias else None
    documents = torch.arange(150).expand(2, 150) // torch.tensor([[40], [70]])
    visible = documents[:, :, None] == documents[:, None]
    visible[0, 3] = False
    gradient, found = torch.randn(4, 2, 150, 8, generator=random), []
    for limit in (512, 0):
        monkeypatch.setattr(attention, "EXPLICIT_UP_TO", limit)
        view = View.of(visible, torch.float32, causal=causal)
        read = attend(*leaves, view, bias=bias)
        read.backward(gradient)
        everything = [*leaves, bias] if bias is not None else leaves
        found.append([read.detach(), *(leaf.grad for leaf in everything)])
        for leaf in everything:
            leaf.grad = None
    for mine, reference in zip(*found, strict=True):
        torch.testing.assert_close(mine, reference, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("preset", ["bert-nano", "modern-nano"])
@pytest.mark.parametrize("packed", [True, False])
def test_bert_at_some_positions_is_bert_at_all(preset: str, packed: bool) -> None:
    random = torch.Generator().manual_seed(0)
    model = Transformer(resolve({"family": "bert", "preset": preset, "context": 40}, 64)).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=random), alpha=0.1)
    tokens = torch.randint(64, (3, 40), generator=random)
    more = {"documents": torch.arange(40).expand(3, 40) // torch.tensor([[40], [14], [7]])} if packed else {}
    at = torch.stack([torch.randperm(40, generator=random)[:9] for _ in range(3)])
    whole = model.hidden(tokens, **more).gather(1, at[..., None].expand(3, 9, model.config.width))
    gradient, found = torch.randn(whole.shape, generator=random, dtype=torch.float64), []
    for states in (whole, model.hidden(tokens, **more, at=at)):
        given = torch.autograd.grad(states, list(model.parameters()), gradient, allow_unused=True)
        found.append([states.detach(), *(g for g in given if g is not None)])
    for one, reference in zip(*found, strict=True):
        torch.testing.assert_close(one, reference, rtol=1e-9, atol=1e-9)


def test_scores_of_distances_go_back_as_autograd_says() -> None:
    random = torch.Generator().manual_seed(0)
    asked = torch.randn(
        2, 2, 12, 3, generator=random, dtype=torch.float64
    ).requires_grad_()  # 9 and 3 queries
    table = torch.randn(2, 3, 18, generator=random, dtype=torch.float64).requires_grad_()
    at = torch.tensor([[1, 5, 8], [0, 6, 7]])
    places = torch.cat((torch.arange(9).expand(2, 9), at), 1)
    columns = (9 - places[:, :, None] + torch.arange(9)).expand(2, -1, -1, -1)
    plain = torch.einsum("hbqe,hec->hbqc", asked, table).gather(3, columns)
    read, gradient = DistanceScores.apply(asked, table, at), torch.randn(plain.shape, dtype=torch.float64)
    torch.testing.assert_close(read, plain, rtol=1e-9, atol=1e-9)
    found = [torch.autograd.grad(scores, (asked, table), gradient) for scores in (read, plain)]
    for one, reference in zip(*found, strict=True):
        torch.testing.assert_close(one, reference, rtol=1e-9, atol=1e-9)
