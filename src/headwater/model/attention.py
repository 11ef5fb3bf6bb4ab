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
from headwater.model.layers import rms_norm, rotate

EXPLICIT_UP_TO = 512  # positions
ROWS = 128  # queries in a block


class ExplicitAttention(torch.autograd.Function):
    """Causal attention by batched matrix products, q, k, v (B·H, T, E) -> (B·H, T, E).

    Queries come in blocks of rows, and a block meets only the keys up to its own end: of the matrix above the
    diagonal most is never computed.
    """

    @staticmethod
    def forward(context: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        scaled = q * q.size(-1) ** -0.5  # (T, E) is smaller than the scores (T, T)
        output, probabilities = torch.empty_like(q), []
        for start, end in _row_blocks(q.size(1)):
            scores = torch.bmm(scaled[:, start:end], k[:, :end].mT)  # (B·H, rows, end)
            scores[:, :, start:] += _causal_mask(end - start, q.dtype)
            probabilities.append(torch.softmax(scores, -1))
            output[:, start:end] = torch.bmm(probabilities[-1], v[:, :end])
        context.save_for_backward(scaled, k, v, *probabilities)
        return output

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        scaled, k, v, *probabilities = context.saved_tensors
        gradient = gradient.contiguous()
        of_q, of_k, of_v = torch.empty_like(k), torch.zeros_like(k), torch.zeros_like(v)
        for (start, end), p in zip(_row_blocks(k.size(1)), probabilities, strict=True):
            of_rows = gradient[:, start:end]
            of_v[:, :end] += torch.bmm(p.mT, of_rows)
            of_p = torch.bmm(of_rows, v[:, :end].mT)
            of_scores = torch._softmax_backward_data(of_p, p, -1, p.dtype)
            of_q[:, start:end] = torch.bmm(of_scores, k[:, :end])
            of_k[:, :end] += torch.bmm(of_scores.mT, scaled[:, start:end])
        return of_q.mul_(k.size(-1) ** -0.5), of_k, of_v


def _row_blocks(positions: int) -> list[tuple[int, int]]:
    return [(start, min(start + ROWS, positions)) for start in range(0, positions, ROWS)]


@lru_cache(maxsize=8)
def _causal_mask(positions: int, dtype: torch.dtype) -> Tensor:
    """(T, T), added to scores: 0 where a position may look, −∞ at what comes after it."""
    return torch.full((positions, positions), float("-inf"), dtype=dtype).triu(1)


def causal_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """q (H, B, T, E), k and v (K, B, T, E) -> (H, B, T, E); position t sees positions 0 … t.

    Heads come first: queries, keys and values of one projection are then three plain blocks of memory.
    """
    heads, batch, positions, width = q.shape
    if q.device.type == "cpu" and positions <= EXPLICIT_UP_TO:
        if len(k) != heads:
            k, v = (x.repeat_interleave(heads // len(x), 0) for x in (k, v))
        flat = (x.reshape(heads * batch, positions, width) for x in (q, k, v))
        output: Tensor = ExplicitAttention.apply(*flat)  # type: ignore[no-untyped-call]
        return output.view(heads, batch, positions, width)
    q, k, v = (x.transpose(0, 1) for x in (q, k, v))
    read = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=k.size(1) != heads)
    return read.transpose(0, 1)


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
        """`angles`: cosines and signed sines (T, E) where positions are rotary."""
        batch, positions, width = x.shape
        heads = self.query_key_value(x).view(batch, positions, -1, self.head_width)
        heads = heads.permute(2, 0, 1, 3).contiguous()  # (H + 2K, B, T, E)
        # queries and keys are treated alike
        both, v = heads.split([self.heads + self.kv_heads, self.kv_heads])
        if self.qk_norm:
            both = rms_norm(both, self.epsilon)
        if angles is not None:
            both = rotate(both, *angles)
        q, k = both.split([self.heads, self.kv_heads])
        read = causal_attention(q, k, v)  # (H, B, T, E)
        output: Tensor = self.output(read.permute(1, 2, 0, 3).reshape(batch, positions, width))
        return output
