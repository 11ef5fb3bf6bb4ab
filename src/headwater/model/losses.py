"""Losses in nats, in fp32 whatever the model computes in."""

from torch import Tensor
from torch.nn import functional as F


def token_nats(logits: Tensor, targets: Tensor) -> Tensor:
    """EQ-LM, term by term: −log P(x_i | x_<i) from logits (B, T, V) and targets (B, T); (B, T) fp32."""
    flat = logits.reshape(-1, logits.size(-1)).float()
    return F.cross_entropy(flat, targets.reshape(-1), reduction="none").view(targets.shape)


def mean_nats(logits: Tensor, targets: Tensor) -> Tensor:
    """The mean of `token_nats` over all positions: a scalar, fp32."""
    return F.cross_entropy(logits.reshape(-1, logits.size(-1)).float(), targets.reshape(-1))
