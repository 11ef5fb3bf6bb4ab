"""The formulas of DESIGN.md, recomputed in plain Python: EQ-ATT, EQ-FFN, EQ-LM."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from headwater.model.attention import Attention, View
from headwater.model.config import ModelConfig
from headwater.model.layers import FeedForward
from headwater.model.losses import mean_nats, token_nats
from headwater.model.presets import resolve
from headwater.model.transformer import Transformer

SENTENCES = {"en": ["I", "love", "NLP"], "zh": ["我", "爱", "自然", "语言", "处理", "。"]}


def small(preset: str, **changes: Any) -> ModelConfig:
    settings = {"family": "gpt", "preset": preset, "layers": 2, "width": 8, "heads": 2, "context": 16}
    return replace(resolve(settings, 12), **changes)


def softmax(row: list[float]) -> list[float]:
    exponentials = [math.exp(value - max(row)) for value in row]
    return [value / sum(exponentials) for value in exponentials]


def dot(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("words", SENTENCES.values(), ids=SENTENCES)
@pytest.mark.parametrize("preset", ["gpt2-nano", "llama-nano", "modern-nano"])
def test_eq_lm(words: list[str], preset: str) -> None:
    """−log of exp(e(x_i)ᵀ h_{i−1}) / Σ_x' exp(e(x')ᵀ h_{i−1}), word by word; token 0 begins the text."""
    model = Transformer(small(preset), seed=1)
    if not model.config.tied:
        torch.nn.init.normal_(model.output.weight, generator=torch.Generator().manual_seed(2))
    tokens = torch.tensor([[0, *range(1, len(words) + 1)]])
    hidden = model.hidden(tokens[:, :-1])
    outputs = model.output_weight.tolist()
    expected = []
    for h, target in zip(hidden[0].tolist(), tokens[0, 1:].tolist(), strict=True):
        expected.append(-math.log(softmax([dot(e, h) for e in outputs])[target]))
    nats = token_nats(model(tokens[:, :-1]), tokens[:, 1:])
    assert nats[0].tolist() == pytest.approx(expected, abs=1e-6)
    mean = mean_nats(hidden, model.output_weight, tokens[:, 1:])
    assert mean.item() == pytest.approx(sum(expected) / len(expected), abs=1e-6)


def test_eq_att() -> None:
    """softmax(QKᵀ/√E) V with the causal mask, per head, then W^O, on three positions."""
    layer = Attention(small("llama-nano"))
    x = torch.randn(1, 3, 8, generator=torch.Generator().manual_seed(0))
    rows = layer.query_key_value.weight.tolist()
    q, k, v = (
        [[dot(w, e) for w in part] for e in x[0].tolist()] for part in (rows[:8], rows[8:16], rows[16:])
    )
    expected = []
    for t in range(3):
        concatenated: list[float] = []
        for head in (slice(0, 4), slice(4, 8)):
            weights = softmax([dot(q[t][head], k[s][head]) / math.sqrt(4) for s in range(t + 1)])
            assert sum(weights) == pytest.approx(1)
            concatenated += [dot(weights, [v[s][head][i] for s in range(t + 1)]) for i in range(4)]
        expected.append([dot(w, concatenated) for w in layer.output.weight.tolist()])
    for got, wanted in zip(layer(x, View(causal=True))[0].tolist(), expected, strict=True):
        assert got == pytest.approx(wanted, abs=1e-6)


def test_eq_ffn() -> None:
    """max(0, xW_1 + b_1)W_2 + b_2, as the founding text prints it."""
    layer = FeedForward(small("gpt2-nano", activation="relu"))
    x = torch.randn(8, generator=torch.Generator().manual_seed(0))
    up, down = layer.up, layer.down
    hidden = [
        max(0.0, dot(w, x.tolist()) + b) for w, b in zip(up.weight.tolist(), up.bias.tolist(), strict=True)
    ]
    expected = [dot(w, hidden) + b for w, b in zip(down.weight.tolist(), down.bias.tolist(), strict=True)]
    assert layer(x).tolist() == pytest.approx(expected, abs=1e-6)


def test_the_loss_gives_the_gradients_of_cross_entropy_over_several_blocks() -> None:
    random = torch.Generator().manual_seed(0)
    hidden = torch.randn(3, 200, 8, generator=random, dtype=torch.float64).float().requires_grad_()
    weight = torch.randn(30, 8, generator=random).requires_grad_()
    targets = torch.randint(30, (3, 200), generator=random)
    import headwater.model.losses as losses

    limit, losses.BLOCK_LOGITS = losses.BLOCK_LOGITS, 1  # blocks of 256 positions
    try:
        ours = mean_nats(hidden, weight, targets)
        (3 * ours).backward()
    finally:
        losses.BLOCK_LOGITS = limit
    got = hidden.grad, weight.grad
    hidden.grad = weight.grad = None
    plain = torch.nn.functional.cross_entropy((hidden @ weight.T).view(-1, 30), targets.view(-1))
    (3 * plain).backward()
    assert ours.item() == pytest.approx(plain.item(), abs=1e-6)
    torch.testing.assert_close(got, (hidden.grad, weight.grad), rtol=1e-5, atol=1e-7)
