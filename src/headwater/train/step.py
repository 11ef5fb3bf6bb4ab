"""One step of a training: the gradients of a batch, part by part, and what the optimiser makes of them."""

import torch

from headwater.model.flops import training_flops
from headwater.model.transformer import Transformer
from headwater.train import parallel
from headwater.train.objectives import Batch, batch_loss


def gradients(network: Transformer, batches: list[Batch], place: torch.device) -> float:
    """Adds the gradients of the mean over all targets of all processes; that mean, in nats.

    `batches` are the parts of this process's share, one pass each.
    """
    count = parallel.sum_of(sum(batch.targets.size for batch in batches))
    nats = 0.0
    for batch in batches:  # each adds its share of the mean
        loss = batch_loss(network, batch.on(place), count)
        loss.backward()  # type: ignore[no-untyped-call]
        nats += loss.item()
    return parallel.sum_of(nats)


def flops(network: Transformer, batches: list[Batch]) -> int:
    """Model FLOPs of these parts of a batch, there and back."""
    return sum(
        training_flops(
            network.config, rows=len(batch.tokens), tokens=batch.tokens.shape[1], predicted=batch.targets.size,
            queries=0 if batch.at is None else batch.at.shape[1],
            decoder_tokens=0 if batch.decoder_tokens is None else batch.decoder_tokens.shape[1],
        )
        for batch in batches
    )  # fmt: skip
