"""EQ-LM, Radford 2018: −Σ log P(x_i | x_<i); every token is predicted from those before it.

As printed in the founding text: a sum over a text; as implemented: the mean over tokens, so that learning rates do
not depend on the batch. The first token of a text is predicted from the separator before it, or from what its
tokeniser puts there (<s>, behind the separator). Within a sequence attention sees across texts unless documents are
masked (`train.document_masks`).
"""

import numpy as np
from torch import Tensor

from headwater.model.losses import mean_nats
from headwater.model.transformer import Transformer
from headwater.train.objectives.batch import Batch, documents_of


def batch(rows: np.ndarray, *, separator: int | None = None) -> Batch:
    """rows (B, T + 1). With the token that each text begins with as `separator`, each sees itself alone."""
    tokens = rows[:, :-1]
    documents = None if separator is None else documents_of(tokens, separator)
    return Batch(tokens, rows[:, 1:], documents=documents)


def language_modelling(model: Transformer, tokens: Tensor) -> Tensor:
    """The mean of −log P(x_i | x_<i) in nats a token, a scalar; tokens (B, T + 1)."""
    return mean_nats(model.hidden(tokens[:, :-1]), model.output_weight, tokens[:, 1:])
