"""Losses in nats, in fp32 whatever the model computes in."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

BLOCK_LOGITS = 2**22  # made at a time on a CPU: 16 MiB in fp32
BLOCK_LOGITS_DEVICE = 2**27


def token_nats(logits: Tensor, targets: Tensor) -> Tensor:
    """EQ-LM, term by term: −log P(x_i | x_<i) from logits (B, T, V) and targets (B, T); (B, T) fp32."""
    flat = logits.reshape(-1, logits.size(-1)).float()
    return F.cross_entropy(flat, targets.reshape(-1), reduction="none").view(targets.shape)


class OutputNats(torch.autograd.Function):
    """Output layer and mean cross-entropy in one, a block of positions at a time, gradients with it.

    All logits at once, in fp32 and with their gradient, are the largest tensors of a training by far. Made a block
    at a time their memory is fixed; the time is about 7% more at 1,000 tokens of vocabulary and less at 32,000.
    """

    @staticmethod
    def forward(context: Any, hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
        limit = BLOCK_LOGITS if hidden.device.type == "cpu" else BLOCK_LOGITS_DEVICE
        rows, block = len(hidden), max(256, limit // len(weight))
        nats = hidden.new_zeros((), dtype=torch.float32)
        of_hidden = torch.empty_like(hidden)
        of_weight = torch.zeros_like(weight, dtype=torch.float32)
        for start in range(0, rows, block):
            part, wanted = hidden[start : start + block], targets[start : start + block, None]
            log_p = F.log_softmax(F.linear(part, weight).float(), -1)  # (block, V)
            nats -= log_p.gather(1, wanted).sum()
            # the gradient of a row's logits: its probabilities, less 1 at the target
            of_logits = log_p.exp_().scatter_add_(1, wanted, log_p.new_full(wanted.shape, -1.0)).div_(rows)
            of_logits = of_logits.to(hidden.dtype)
            torch.mm(of_logits, weight, out=of_hidden[start : start + block])
            of_weight += of_logits.T @ part
        context.save_for_backward(of_hidden, of_weight.to(weight.dtype))
        return nats / rows

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        of_hidden, of_weight = context.saved_tensors
        gradient = gradient.to(of_hidden.dtype)
        return of_hidden * gradient, of_weight * gradient, None


def mean_nats(hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    """The mean over positions of −log softmax(hidden weightᵀ)[target]: a scalar, fp32.

    hidden (B, T, D), weight (V, D), targets (B, T).
    """
    flat = hidden.reshape(-1, hidden.size(-1))
    nats: Tensor = OutputNats.apply(flat, weight, targets.reshape(-1))  # type: ignore[no-untyped-call]
    return nats
