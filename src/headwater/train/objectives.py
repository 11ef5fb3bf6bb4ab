"""What a model is trained to do: pure functions from a model and tokens to a loss."""

from torch import Tensor

from headwater.model.losses import mean_nats
from headwater.model.transformer import Transformer


def language_modelling(model: Transformer, tokens: Tensor) -> Tensor:
    """EQ-LM: the mean of −log P(x_i | x_<i) in nats a token, a scalar in fp32; tokens (B, T + 1).

    As printed in the founding text: −Σ log P(x_i | x_<i); as implemented: its mean, so that learning rates do not
    depend on the batch. Within a sequence attention sees across the separators of documents.
    """
    return mean_nats(model.hidden(tokens[:, :-1]), model.output_weight, tokens[:, 1:])


OBJECTIVES = {"lm": language_modelling}
