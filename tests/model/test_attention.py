"""Explicit attention is PyTorch's attention, and the hand-written ways back are right."""

import pytest
import torch
from torch.nn.functional import rms_norm as reference_rms_norm
from torch.nn.functional import scaled_dot_product_attention

from headwater.model.attention import View, attend, attend_by_blocks, block_mask
from headwater.model.config import ModelConfig
from headwater.model.layers import SquaredRelu, rms_norm
from headwater.model.positions import rotary_angles, rotate
from headwater.model.presets import resolve


@pytest.mark.parametrize("positions", [1, 7, 128, 300])
@pytest.mark.parametrize("kv_heads", [4, 2])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 3e-2)])
def test_explicit_attention_equals_sdpa_both_ways(
    positions: int, kv_heads: int, dtype: torch.dtype, tolerance: float
) -> None:
    random = torch.Generator().manual_seed(positions)
    shapes = [(4, 2, positions, 16), (kv_heads, 2, positions, 16), (kv_heads, 2, positions, 16)]
    leaves = [torch.randn(shape, generator=random).to(dtype).requires_grad_() for shape in shapes]
    gradient = torch.randn(shapes[0], generator=random).to(dtype)
    ours = attend(*leaves, View(causal=True))
    ours.backward(gradient)
    got = [ours.detach(), *(leaf.grad for leaf in leaves)]

    wide = [leaf.detach().float().requires_grad_() for leaf in leaves]
    theirs = scaled_dot_product_attention(
        *(leaf.transpose(0, 1) for leaf in wide), is_causal=True, enable_gqa=True
    ).transpose(0, 1)
    theirs.backward(gradient.float())
    for mine, reference in zip(got, [theirs.detach(), *(leaf.grad for leaf in wide)], strict=True):
        scale = max(1.0, float(reference.abs().max()))
        assert float((mine.float() - reference).abs().max()) <= tolerance * scale


@pytest.mark.parametrize("kv_heads", [4, 2])
def test_a_step_of_writing_reads_what_the_whole_reads(kv_heads: int) -> None:
    random = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(h, 3, t, 16, generator=random) for h, t in ((4, 1), (kv_heads, 9), (kv_heads, 9)))
    visible = torch.arange(9) < torch.tensor([9, 4, 7])[:, None, None]  # (B, 1, S)
    bias = torch.randn(4, 1, 1, 9, generator=random)
    for view in (View(), View.of(visible, torch.float32)):
        for added in (None, bias):
            with torch.no_grad():
                step = attend(q, k, v, view, bias=added)
            torch.testing.assert_close(step, attend(q, k, v, view, bias=added).detach(), rtol=0, atol=1e-6)


def documents(positions: int) -> torch.Tensor:
    """(2, T, T) bool: texts of unequal lengths side by side, each causal."""
    numbers = torch.arange(positions) * torch.tensor([3, 5])[:, None] // positions
    return (numbers[:, :, None] == numbers[:, None]) & torch.ones(
        positions, positions, dtype=torch.bool
    ).tril()


@pytest.mark.filterwarnings("ignore:flex_attention called without")
def test_flex_attention_over_documents_is_the_same() -> None:
    random = torch.Generator().manual_seed(1)
    q, k, v = (torch.randn(heads, 2, 96, 16, generator=random) for heads in (4, 2, 2))
    visible = documents(96)
    by_blocks = attend_by_blocks(q, k, v, block_mask(visible), 16**-0.5, compiled=False)
    torch.testing.assert_close(by_blocks, attend(q, k, v, View.of(visible, q.dtype)), rtol=0, atol=1e-5)


@pytest.mark.skipif(
    not torch.cuda.is_available(), reason="needs a CUDA device: attention there is SDPA and FlexAttention"
)
@pytest.mark.parametrize("masked", [False, True])
def test_attention_on_cuda_is_that_of_the_cpu(masked: bool) -> None:
    random = torch.Generator().manual_seed(2)
    leaves = [torch.randn(heads, 2, 256, 32, generator=random).requires_grad_() for heads in (4, 2, 2)]
    gradient = torch.randn(4, 2, 256, 32, generator=random)
    found = []
    for place in ("cpu", "cuda"):
        moved = [leaf.detach().to(place).requires_grad_() for leaf in leaves]
        visible = documents(256).to(place)
        view = View.of(visible, torch.float32) if masked else View(causal=True)
        assert (view.blocks is not None) == (masked and place == "cuda")
        read = attend(*moved, view)
        read.backward(gradient.to(place))
        found.append([read.detach().cpu(), *(leaf.grad.cpu() for leaf in moved if leaf.grad is not None)])
    for cpu, cuda in zip(*found, strict=True):
        torch.testing.assert_close(cuda, cpu, rtol=0, atol=2e-4)


def test_ways_back_agree_with_finite_differences() -> None:
    random = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 5, 8, generator=random, dtype=torch.float64).requires_grad_()
    cosines, sines = (part[:5].double() for part in rotary_angles(config()))
    assert torch.autograd.gradcheck(lambda x: rms_norm(x, 1e-6), (x,))
    assert torch.autograd.gradcheck(lambda x: rotate(x, cosines, sines), (x,))
    assert torch.autograd.gradcheck(SquaredRelu.apply, (x,))


def test_rms_norm_equals_pytorchs() -> None:
    x = torch.randn(4, 9, 32, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(rms_norm(x, 1e-6), reference_rms_norm(x, (32,), eps=1e-6))


def test_rotary_positions_matter_only_by_their_distance() -> None:
    cosines, sines = rotary_angles(config())
    q, k = torch.randn(2, 8, generator=torch.Generator().manual_seed(0))
    products = [
        float(rotate(q, cosines[t], sines[t]) @ rotate(k, cosines[t - 3], sines[t - 3])) for t in (3, 7, 15)
    ]
    assert products == pytest.approx([products[0]] * 3, abs=1e-5)


def config() -> ModelConfig:
    return resolve({"family": "gpt", "preset": "modern-nano", "width": 16, "heads": 2, "context": 16}, 12)
