"""The small parts of a Transformer: norms, rotary positions, feed-forward.

Shapes: B batch, T positions, H heads, D model width, E head width, F feed-forward width.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from headwater.model.config import ModelConfig


class Norm(nn.Module):
    """Layer norm (Ba 2016) or RMS norm (Zhang and Sennrich 2019) over the last dimension (…, D), by config."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.kind, self.epsilon, self.shape = config.norm, config.norm_epsilon, (config.width,)
        self.weight = nn.Parameter(torch.ones(self.shape)) if config.norm_gain else None
        with_bias = config.norm_gain and config.bias and config.norm == "layer"
        self.bias = nn.Parameter(torch.zeros(self.shape)) if with_bias else None

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "rms":
            return F.rms_norm(x, self.shape, self.weight, self.epsilon)
        return F.layer_norm(x, self.shape, self.weight, self.bias, self.epsilon)


# ---------------------------------------------------------------- rotary positions


def rotary_angles(config: ModelConfig) -> tuple[Tensor, Tensor]:
    """Cosines and sines (context, E/2) in fp32 of RoPE (Su 2021), halves paired as in Llama."""
    exponents = torch.arange(0, config.head_width, 2).float() / config.head_width
    angles = torch.outer(torch.arange(config.context).float(), config.rotary_base**-exponents)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """x (B, H, T, E) turned by the angles (T, E/2) of its positions."""
    first, second = x.chunk(2, -1)
    return torch.cat((first * cosines - second * sines, second * cosines + first * sines), -1)


# ---------------------------------------------------------------- feed-forward


class SquaredRelu(torch.autograd.Function):
    """max(0, x)² (So 2021). One tensor is kept for the way back, not two, and it is read once."""

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        positive = F.relu(x)
        context.save_for_backward(positive)
        return positive * positive

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        (positive,) = context.saved_tensors
        return (positive * gradient).mul_(2)


class FeedForward(nn.Module):
    """EQ-FFN: f(x W_1 + b_1) W_2 + b_2 on (B, T, D), f by config; the founding text's f is ReLU.

    SwiGLU (Shazeer 2020): (silu(x W_g) ∘ x W_1) W_2, gate and W_1 in one matrix, the gate first.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.activation = config.activation
        gates = 2 if config.activation == "swiglu" else 1
        self.up = nn.Linear(config.width, gates * config.feed_forward, bias=config.bias)
        self.down = nn.Linear(config.feed_forward, config.width, bias=config.bias)

    def forward(self, x: Tensor) -> Tensor:
        hidden: Tensor = self.up(x)  # (B, T, F), or (B, T, 2F) with gates
        if self.activation == "relu2":
            hidden = SquaredRelu.apply(hidden)
        elif self.activation == "relu":
            hidden = F.relu(hidden)
        elif self.activation == "swiglu":
            gate, value = hidden.chunk(2, -1)
            hidden = F.silu(gate) * value
        else:
            hidden = F.gelu(hidden, approximate="tanh" if self.activation == "gelu_tanh" else "none")
        output: Tensor = self.down(hidden)
        return output
