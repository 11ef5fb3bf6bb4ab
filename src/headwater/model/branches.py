"""Several continuations of one beginning in one row, the beginning computed once.

    beginning 7 4 9 | 2 5 | 2 8 1      branches  0 0 0 1 1 2 2 2      positions  0 1 2 3 4 3 4 5

A token sees its beginning and, before itself, its own branch; positions go on from the beginning in each. So a row
gives the states that rows of their own would have given, for the families that read from left to right and whose
positions are learned, sinusoidal or rotary.
"""

import torch
from torch import Tensor

from headwater.model.attention import View
from headwater.model.transformer import Transformer


def branched_hidden(model: Transformer, tokens: Tensor, branches: Tensor, positions: Tensor) -> Tensor:
    """tokens, branches and positions (B, T) -> states before the head (B, T, D); padding has a branch of its own.

    A row may be longer than the model's context; no position may.
    """
    stack = model.decoder
    assert stack is not None and stack.position_bias is None
    x: Tensor = model.embedding(tokens)
    if model.config.embedding_scale:
        x = x * model.config.width**0.5
    table = model._sinusoids if model.positions is None else model.positions.weight
    if table is not None:
        x = x + table.to(x.device)[positions].to(x.dtype)
    if model.embedding_norm is not None:
        x = model.embedding_norm(x)
    of_query, of_key = branches[:, :, None], branches[:, None]
    visible = ((of_key == 0) | (of_key == of_query)) & torch.ones(
        (tokens.size(1),) * 2, dtype=torch.bool, device=x.device
    ).tril()
    angles = None
    if model._angles is not None:
        cosines, sines = (part.to(x.device, x.dtype)[positions] for part in model._angles)  # (B, T, E)
        angles = (cosines, sines)
    states: Tensor = stack(x, View.of(visible, x.dtype, angles=angles))
    return states
