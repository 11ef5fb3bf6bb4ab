"""Muon's updates are orthogonal, every parameter moves, rates follow one number, and state survives."""

import pytest
import torch

from headwater.model.presets import resolve
from headwater.model.transformer import Transformer
from headwater.train.objectives.lm import language_modelling
from headwater.train.optimizer import Optimizer, orthogonalise
from headwater.train.schedule import rate


@pytest.mark.parametrize("shape", [(3, 32, 32), (2, 128, 32), (2, 32, 128)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_orthogonalised_matrices_have_singular_values_near_one(
    shape: tuple[int, int, int], dtype: torch.dtype
) -> None:
    random = torch.Generator().manual_seed(0)
    u, _, v = torch.linalg.svd(torch.randn(shape, generator=random), full_matrices=False)
    matrices = u * torch.logspace(0, -2, u.size(-1)) @ v  # the largest value is 100 times the smallest
    got = orthogonalise(matrices.to(dtype)).float()
    after = torch.linalg.svdvals(got)
    assert 0.4 < after.min() <= after.max() < 1.6
    turned = u.mT @ got @ v.mT  # the same directions: what lies off the diagonal is rounding
    assert (turned - torch.diag_embed(turned.diagonal(dim1=1, dim2=2))).norm() / turned.norm() < 0.05


@pytest.mark.parametrize("kind", ["muon", "adamw"])
@pytest.mark.parametrize("style", ["gpt2", "llama", "modern"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_repeated_sentence_is_learnt(kind: str, style: str, dtype: torch.dtype) -> None:
    settings = {"family": "gpt", "preset": f"{style}-nano", "width": 32, "layers": 2, "context": 16}
    model = Transformer(resolve(settings, 64))
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    optimizer = Optimizer(model, kind=kind)
    model.to(dtype)
    tokens = torch.randint(64, (4, 17), generator=torch.Generator().manual_seed(0))
    losses = []
    for step in range(60):
        loss = language_modelling(model, tokens)
        loss.backward()
        optimizer.step(rate("linear", step, 60))
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    for name, parameter in model.named_parameters():
        assert parameter.dtype == dtype
        assert not torch.equal(parameter.float(), before[name]), f"{name} never moved"


def test_one_learning_rate_scales_all() -> None:
    model = Transformer(resolve({"family": "gpt", "preset": "modern-nano"}, 300))
    default = Optimizer(model, kind="muon").rates
    quarter = Optimizer(model, kind="muon", learning_rate=default.matrices / 4).rates
    assert quarter == default.scaled(0.25)


@pytest.mark.parametrize("kind", ["wsd", "linear", "cosine"])
@pytest.mark.parametrize("steps", [1, 2, 10, 1000])
def test_schedules_rise_to_one_and_end_low_but_above_zero(kind: str, steps: int) -> None:
    rates = [rate(kind, step, steps) for step in range(steps)]
    assert all(0 < value <= 1 for value in rates)
    top = rates.index(max(rates))
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    if steps >= 10:
        assert max(rates) == pytest.approx(1, abs=0.02)
        assert rates[-1] < 0.3
