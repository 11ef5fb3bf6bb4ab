"""Losses in nats, in fp32 where the model computes in less."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

BLOCK_LOGITS = 2**22  # made at a time on a CPU: 16 MiB in fp32
BLOCK_LOGITS_DEVICE = 2**27


def token_nats(logits: Tensor, targets: Tensor) -> Tensor:
    """EQ-LM, term by term: −log P(x_i | x_<i) from logits (B, T, V) and targets (B, T); (B, T) in fp32 at least."""
    flat = logits.reshape(-1, logits.size(-1)).to(_wide(logits))
    return F.cross_entropy(flat, targets.reshape(-1), reduction="none").view(targets.shape)


class OutputNats(torch.autograd.Function):
    """Output layer and mean cross-entropy in one, a block of positions at a time, gradients with it.

    All logits at once, in fp32 and with their gradient, are the largest tensors of a training by far. Made a block
    at a time their memory is fixed; the time is about 7% more at 1,000 tokens of vocabulary and less at 32,000.
    """

    @staticmethod
    def forward(
        context: Any, hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, count: float
    ) -> Tensor:
        rows, block = len(hidden), max(256, _limit(hidden) // len(weight))
        wide = _wide(hidden)
        nats = hidden.new_zeros((), dtype=wide)
        of_hidden = torch.empty_like(hidden)
        of_weight = torch.zeros_like(weight, dtype=wide)
        of_bias = None if bias is None else torch.zeros_like(bias, dtype=wide)
        for start in range(0, rows, block):
            part, wanted = hidden[start : start + block], targets[start : start + block, None]
            log_p = F.log_softmax(F.linear(part, weight, bias).to(wide), -1)  # (block, V)
            nats -= log_p.gather(1, wanted).sum()
            # the gradient of a row's logits: its probabilities, less 1 at the target
            of_logits = log_p.exp_().scatter_add_(1, wanted, log_p.new_full(wanted.shape, -1.0)).div_(count)
            if of_bias is not None:
                of_bias += of_logits.sum(0)
            of_logits = of_logits.to(hidden.dtype)
            torch.mm(of_logits, weight, out=of_hidden[start : start + block])
            of_weight += of_logits.T @ part
        of_bias = None if of_bias is None else of_bias.to(weight.dtype)
        context.save_for_backward(of_hidden, of_weight.to(weight.dtype), of_bias)
        return nats / count

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        of_hidden, of_weight, of_bias = context.saved_tensors
        gradient = gradient.to(of_hidden.dtype)
        of_bias = None if of_bias is None else of_bias * gradient
        return of_hidden * gradient, of_weight * gradient, of_bias, None, None


def mean_nats(
    hidden: Tensor, weight: Tensor, targets: Tensor, *, bias: Tensor | None = None, count: float | None = None
) -> Tensor:
    """The mean over positions of −log softmax(hidden weightᵀ + bias)[target]: a scalar, in fp32 at least.

    hidden (…, D), weight (V, D), bias (V,), targets (…). `count` is what the sum is divided by, where that is not
    the number of these targets: one of several parts of a batch then adds its share of the mean over all.
    """
    flat, flat_targets = hidden.reshape(-1, hidden.size(-1)), targets.reshape(-1)
    divisor = len(flat) if count is None else count
    if not torch.is_grad_enabled():
        return _only_nats(flat, weight, bias, flat_targets) / divisor
    nats: Tensor = OutputNats.apply(flat, weight, bias, flat_targets, divisor)  # type: ignore[no-untyped-call]
    return nats


def _only_nats(hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
    """The sum over positions, a block at a time, where no gradient is asked for."""
    block = max(256, _limit(hidden) // len(weight))
    parts = zip(torch.split(hidden, block), torch.split(targets, block), strict=True)
    logits = ((F.linear(part, weight, bias), wanted) for part, wanted in parts)
    nats = [token_nats(part, wanted).sum() for part, wanted in logits]
    return torch.stack(nats).sum() if nats else hidden.new_zeros((), dtype=_wide(hidden))


def _limit(hidden: Tensor) -> int:
    return BLOCK_LOGITS if hidden.device.type == "cpu" else BLOCK_LOGITS_DEVICE


def _wide(x: Tensor) -> torch.dtype:
    return torch.promote_types(x.dtype, torch.float32)
