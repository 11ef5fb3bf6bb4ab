"""The Transformer sees no future, starts where it should, and is as large as its preset says."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import RecipeError
from headwater.model.config import ModelConfig
from headwater.model.losses import mean_nats
from headwater.model.presets import SIZES, resolve
from headwater.model.transformer import Transformer, parameters_without_embeddings

STYLES = ["gpt2", "llama", "modern"]


def small(style: str, width: int = 32) -> ModelConfig:
    return resolve({"family": "gpt", "preset": f"{style}-nano", "width": width, "context": 160}, 300)


def awake(config: ModelConfig) -> Transformer:
    """A model none of whose weights is zero: zero projections would hide any leak."""
    model, random = Transformer(config), torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=random), alpha=0.3)
    return model.eval()


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@settings(max_examples=15, deadline=None)
@given(length=st.integers(2, 160), data=st.data())
def test_a_later_token_leaves_earlier_logits_bit_for_bit(
    style: str, dtype: torch.dtype, length: int, data: st.DataObject
) -> None:
    model = awake(small(style)).to(dtype)
    random = torch.Generator().manual_seed(length)
    tokens = torch.randint(300, (2, length), generator=random)
    place = data.draw(st.integers(1, length - 1))
    changed = tokens.clone()
    changed[:, place] = (changed[:, place] + 1) % 300
    with torch.no_grad():
        before, after = model(tokens), model(changed)
    assert torch.equal(before[:, :place], after[:, :place])
    assert not torch.equal(before[:, place:], after[:, place:])


@pytest.mark.parametrize(
    ("family", "preset"),
    [
        ("gpt", "gpt2"),
        ("gpt", "llama"),
        ("gpt", "modern"),
        ("bert", "bert"),
        ("t5", "t5"),
        ("xlnet", "xlnet"),
    ],
)
def test_a_model_that_was_scored_first_trains_as_one_that_was_not(family: str, preset: str) -> None:
    """What a forward pass keeps for the next of the same length must not be marked as unfit for training."""
    config = resolve({"family": family, "preset": f"{preset}-nano", "width": 32, "context": 64}, 300)
    tokens = torch.arange(40).view(2, 20)
    more = {"decoder_tokens": tokens} if family == "t5" else {}
    gradients = []
    for scored in (True, False):
        torch.manual_seed(1)
        model = awake(config).to(torch.bfloat16)
        if scored:
            with torch.inference_mode():
                model(tokens, **more)
        model(tokens, **more).float().square().mean().backward()
        gradients.append([p.grad for p in model.parameters() if p.grad is not None])
    assert gradients[0] and all(torch.equal(one, other) for one, other in zip(*gradients, strict=True))


def test_post_norm_sees_no_future_either() -> None:
    model = awake(replace(small("gpt2"), norm_order="post"))
    tokens = torch.arange(20)[None]
    changed = tokens.clone()
    changed[0, 12] = 99
    with torch.no_grad():
        assert torch.equal(model(tokens)[:, :12], model(changed)[:, :12])


@pytest.mark.parametrize("style", STYLES)
def test_an_untrained_model_knows_nothing(style: str) -> None:
    model = Transformer(small(style, 64))
    tokens = torch.randint(300, (4, 65), generator=torch.Generator().manual_seed(0))
    nats = mean_nats(model.hidden(tokens[:, :-1]), model.output_weight, tokens[:, 1:])
    assert nats.item() == pytest.approx(math.log(300), abs=1e-5 if style == "modern" else 0.1)


def test_a_seed_is_its_weights() -> None:
    one, same, other = (Transformer(small("modern"), seed=seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["embedding.weight"], other["embedding.weight"])


@pytest.mark.parametrize("size", SIZES)
def test_a_presets_size_is_what_the_formula_says(size: str) -> None:
    layers, width, _ = SIZES[size]
    config = resolve({"family": "gpt", "preset": f"modern-{size}"}, 1000)
    assert parameters_without_embeddings(config) == layers * (4 + 8) * width**2


def test_the_published_size_of_gpt2() -> None:
    config = resolve({"family": "gpt", "preset": "gpt2-base"}, 50_257)
    embeddings = (config.vocabulary + config.context) * config.width
    assert parameters_without_embeddings(config) + embeddings == 124_439_808


@pytest.mark.parametrize(
    ("settings_", "says"),
    [
        ({"preset": "modern-nanno"}, "did you mean 'modern-nano'"),
        ({"preset": "modern-nano", "heads": 3}, "try heads: 2"),
        ({"preset": "modern-nano", "width": 36, "heads": 4}, "even number"),
    ],
)
def test_settings_that_do_not_fit_are_refused_with_advice(settings_: dict[str, object], says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        resolve({"family": "gpt", **settings_}, 300)


def test_a_sequence_beyond_the_context_is_refused() -> None:
    with pytest.raises(ValueError, match="context 160"):
        Transformer(small("modern"))(torch.zeros(1, 161, dtype=torch.long))
