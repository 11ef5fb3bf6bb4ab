"""LoRA (Hu 2021): W + (r-scaled) B A in the place of W, of which only A (r, in) and B (out, r) are trained.

`peft` replaces the modules named `query_key_value`; our attention reads that layer's *weight* (queries, and keys and
values, are rows of one matrix, read apart in cross-attention and two streams), so a replaced module would never be
called and nothing of it trained. A parametrisation of the weight is right wherever the weight is read.

B starts at zero: the first step is that of the model itself. α = 2r (Hu 2021's scale in the usual setting).
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from headwater.errors import RecipeError
from headwater.model.transformer import Transformer

SCALE = 2.0


class Added(nn.Module):
    """W -> W + 2 B A."""

    def __init__(self, rows: int, columns: int, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.empty(rank, columns).normal_(std=columns**-0.5, generator=generator))
        self.b = nn.Parameter(torch.zeros(rows, rank))

    def forward(self, weight: Tensor) -> Tensor:
        return weight + SCALE * (self.b @ self.a)


def add_lora(model: Transformer, rank: int, *, seed: int = 0) -> int:
    """Adds it to every matrix of the blocks and freezes the rest; how many matrices have it."""
    if not 1 <= rank <= model.config.width:
        raise RecipeError(
            f"the rank of LoRA is {rank}; it must be from 1 to the model's width, {model.config.width}"
        )
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    layers = [m for name, m in model.named_modules() if ".blocks." in f".{name}" and isinstance(m, nn.Linear)]
    for layer in layers:
        parametrize.register_parametrization(
            layer, "weight", Added(layer.out_features, layer.in_features, rank, generator)
        )
    return len(layers)


def merge_lora(model: Transformer) -> None:
    """The sums in the place of the parts: a model as any other."""
    for module in model.modules():
        if isinstance(module, nn.Linear) and parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(cast(nn.Module, module), "weight", leave_parametrized=True)
    for parameter in model.parameters():
        parameter.requires_grad_(True)
