"""Attention (EQ-ATT): softmax(QKᵀ/√E) V, over several heads, then W^O.

On a CPU and for short sequences the matrix of probabilities is made in full and kept for the way back: PyTorch's
fused attention has a slow bf16 backward pass there (explicit batched products took 1/7 of its time at 64
positions, 1/2.3 at 256, 1/1.4 at 512). Everywhere else `scaled_dot_product_attention`.

Shapes: B batch, H heads, K key-value heads, T positions, E head width, D model width.
"""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from headwater.model.config import ModelConfig
from headwater.model.layers import rotate

EXPLICIT_UP_TO = 512  # positions


class ExplicitAttention(torch.autograd.Function):
    """Causal attention by batched matrix products, q, k, v (B·H, T, E) -> (B·H, T, E)."""

    @staticmethod
    def forward(context: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        mask = _causal_mask(q.size(1), q.dtype)
        scores = torch.baddbmm(mask, q, k.mT, alpha=q.size(-1) ** -0.5)  # (B·H, T, T)
        probabilities = torch.softmax(scores, -1)
        context.save_for_backward(q, k, v, probabilities)
        return torch.bmm(probabilities, v)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v, probabilities = context.saved_tensors
        of_v = torch.bmm(probabilities.mT, gradient)
        of_probabilities = torch.bmm(gradient, v.mT)
        of_scores = torch._softmax_backward_data(of_probabilities, probabilities, -1, probabilities.dtype)
        scale = q.size(-1) ** -0.5  # applied to (T, E), which is smaller than (T, T)
        return torch.bmm(of_scores, k).mul_(scale), torch.bmm(of_scores.mT, q).mul_(scale), of_v


@lru_cache(maxsize=8)
def _causal_mask(positions: int, dtype: torch.dtype) -> Tensor:
    """(1, T, T), added to scores: 0 where a position may look, −∞ at what comes after it."""
    return torch.full((1, positions, positions), float("-inf"), dtype=dtype).triu(1)


def causal_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """q (B, H, T, E), k and v (B, K, T, E) -> (B, H, T, E); position t sees positions 0 … t."""
    batch, heads, positions, width = q.shape
    if q.device.type == "cpu" and positions <= EXPLICIT_UP_TO:
        if k.size(1) != heads:
            k, v = (x.repeat_interleave(heads // x.size(1), 1) for x in (k, v))
        flat = (x.reshape(batch * heads, positions, width) for x in (q, k, v))
        output: Tensor = ExplicitAttention.apply(*flat)
        return output.view(batch, heads, positions, width)
    return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=k.size(1) != heads)


class Attention(nn.Module):
    """Self-attention with several heads, (B, T, D) -> (B, T, D). Queries, keys and values come from one matrix."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.head_width = config.heads, config.kv_heads, config.head_width
        self.qk_norm, self.epsilon = config.qk_norm, config.norm_epsilon
        rows = (self.heads + 2 * self.kv_heads) * self.head_width
        self.query_key_value = nn.Linear(config.width, rows, bias=config.bias)
        self.output = nn.Linear(config.width, config.width, bias=config.bias)

    def forward(self, x: Tensor, angles: tuple[Tensor, Tensor] | None) -> Tensor:
        """`angles`: cosines and sines (T, E/2) where positions are rotary."""
        batch, positions, width = x.shape
        heads = self.query_key_value(x).view(batch, positions, -1, self.head_width).transpose(1, 2)
        both = heads[:, : self.heads + self.kv_heads]  # queries and keys are treated alike: (B, H+K, T, E)
        v = heads[:, self.heads + self.kv_heads :]  # (B, K, T, E)
        if self.qk_norm:
            both = F.rms_norm(both, (self.head_width,), eps=self.epsilon)
        if angles is not None:
            both = rotate(both, *angles)
        q, k = both.split([self.heads, self.kv_heads], 1)
        read = causal_attention(q, k, v)  # (B, H, T, E)
        output: Tensor = self.output(read.transpose(1, 2).reshape(batch, positions, width))
        return output
