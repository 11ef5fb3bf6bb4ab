"""What a model reads and what it is to predict: what every objective makes of text, and the loss of it."""

from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from headwater.model.losses import mean_nats
from headwater.model.transformer import Transformer


@dataclass(frozen=True)
class Batch:
    """Arrays of integers. `tokens` … `decoder_tokens` are what `Transformer.hidden` takes under the same names.

    Its states, (B, P, D) with P positions (of the text, of the decoder, or those `at`), are read at `predicted`,
    places in B · P, or at all.
    """

    tokens: np.ndarray  # (B, T)
    targets: np.ndarray  # (N,): what stands at those places
    predicted: np.ndarray | None = None  # (N,)
    documents: np.ndarray | None = None  # (B, T)
    order: np.ndarray | None = None  # (B, T)
    at: np.ndarray | None = None  # (B, K)
    decoder_tokens: np.ndarray | None = None  # (B, U)

    def on(self, place: torch.device | str) -> dict[str, Tensor]:
        """The arrays as tensors, by name."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: torch.from_numpy(a).to(place) for name, a in arrays.items() if a is not None}


def batch_loss(model: Transformer, batch: dict[str, Tensor], count: float | None = None) -> Tensor:
    """The mean over what is predicted of −log P(target), in nats: a scalar in fp32 at least.

    `count`: how many targets the mean is over, where this batch is a part of a larger one.
    """
    batch = dict(batch)
    targets, predicted = batch.pop("targets"), batch.pop("predicted", None)
    if model.config.family == "bert" and predicted is not None:
        batch["at"], predicted = by_row(predicted, *batch["tokens"].shape)
    hidden = model.hidden(batch.pop("tokens"), **batch)  # (B, P, D)
    if predicted is not None:
        hidden = hidden.flatten(0, 1)[predicted]  # (N, D)
    read = model.head(hidden)
    return mean_nats(read, model.output_weight, targets, bias=model.output_bias, count=count)


def by_row(places: Tensor, rows: int, positions: int) -> tuple[Tensor, Tensor]:
    """Ascending places (N,) in B · T -> (B, K) positions in each row, and where in B · K the places are now.

    K is as many as the fullest row has; in the others the last position stands for what is missing.
    """
    row = places // positions
    counts = torch.bincount(row, minlength=rows)
    columns = torch.arange(len(places), device=places.device) - (counts.cumsum(0) - counts)[row]
    at = places.new_full((rows, max(1, int(counts.max()))), positions - 1)
    at[row, columns] = places - row * positions
    return at, row * at.size(1) + columns


def documents_of(tokens: np.ndarray, first: int, *, last: bool = False) -> np.ndarray:
    """(B, T): the number of each token's document. A document begins with the token `first`, or ends with it."""
    marks = np.cumsum(tokens == first, 1)
    return marks - (tokens == first) if last else marks
