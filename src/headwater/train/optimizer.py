"""Muon for matrices, AdamW for the rest; fp32 masters whatever the model computes in.

Muon (Jordan 2024): momentum, then the nearest orthogonal matrix to it, by a few products of matrices: all
directions of a matrix learn at one rate. At these sizes and budgets it reaches a given loss in a fraction of
AdamW's tokens. AdamW: Loshchilov 2019.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from headwater.model.config import ModelConfig
from headwater.model.transformer import Transformer
from headwater.train.parallel import first_row, is_sharded, local, part_of, sum_of, sum_over_ranks, whole

# Polar Express (Amsel 2025): the best polynomials a X + b (XXᵀ) X + c (XXᵀ)² X, one a step, in its algorithm 1 for
# singular values from 0.001 to 1, with its margins (1.01 for rounding, a cushion of 0.024). Four steps, not five: at
# .8M parameters and 100,000 tokens (three seeds) the loss was no worse, and a step takes 2 to 5% less time.
POLYNOMIALS = [
    (8.205160, -22.901935, 16.460725),
    (4.066395, -2.861154, 0.518400),
    (3.909595, -2.823352, 0.525037),
    (3.318420, -2.488488, 0.510049),
]
MOMENTUM = 0.9
BETAS = (0.8, 0.95)
WEIGHT_DECAY = 0.1  # of matrices, times their learning rate
CLIP = 1.0  # norm of the gradient, under AdamW; Muon's steps do not depend on it


@dataclass(frozen=True)
class Rates:
    """Peak learning rates by the kind of parameter."""

    matrices: float
    embedding: float
    output: float
    vectors: float  # gains and biases

    def scaled(self, factor: float) -> "Rates":
        return Rates(
            *(value * factor for value in (self.matrices, self.embedding, self.output, self.vectors))
        )


def default_rates(kind: str, config: ModelConfig) -> Rates:
    """What trained best at 0.6M parameters and 0.5M tokens: `./run bench training --learning-rate …`.

    `modern` (on novels, three seeds a rate) and AdamW were chosen among finer steps; bert, xlnet and t5 among four
    settings and with one seed, on this Python's documentation: a good start, not the last word. To other widths: Adam's
    fall as 1/√width under Muon (nanochat) and as 1/width without (Yang 2021); Muon's own step has the scale of its
    matrix already (half the rate was worse at a width of 256). Steps of few tokens want less.
    """
    wider = config.width / 128
    if kind == "muon":
        matrices, rest = 0.03, (0.02, 0.01, 0.01)
        if config.embedding_norm and not config.tied:
            # behind a norm the embedding's scale is free; QK-norm and outputs that start at zero bear larger steps
            matrices, rest = 0.028, (0.21, 0.021, 0.007)
        elif config.position == "t5":  # whose embeddings start fifty times as large
            rest = (0.3, 0.01, 0.01)
        return Rates(matrices, *(value * wider**-0.5 for value in rest))
    return Rates(*[0.008 / wider] * 4)


@torch.no_grad()
def orthogonalise(matrices: Tensor) -> Tensor:
    """(N, R, C) of any floating type -> each near UVᵀ of its singular value decomposition.

    Values that were at least 0.001 of the matrix's norm are between 0.4 and 1.6.
    """
    tall = matrices.size(-2) > matrices.size(-1)
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) * 1.02 + 1e-6)  # singular values at most 1
    for a, b, c in POLYNOMIALS:
        square = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


class Optimizer:
    """Steps all parameters of a model. `learning_rate`, where given, is that of the matrices; the others follow.

    State, for checkpoints: `tensors()`, by name; `load` puts it back and the weights with it. Where processes hold
    only their rows of the parameters (`parallel.shard`), each keeps and steps those; what is saved is whole.
    """

    def __init__(
        self, model: Transformer, *, kind: str, learning_rate: float | None = None,
        precision: torch.dtype | None = None,
    ) -> None:  # fmt: skip
        """`precision` of Muon's products, by default that of the parameters when it steps."""
        self.precision = precision
        rates = default_rates(kind, model.config)
        if learning_rate is not None:
            rates = rates.scaled(learning_rate / rates.matrices)
        self.kind, self.rates, self.steps = kind, rates, 0
        self.parameters = dict(model.named_parameters())
        self.masters = {name: local(p.detach()).float().clone() for name, p in self.parameters.items()}
        self.sharded = any(is_sharded(p) for p in self.parameters.values())
        matrices = [name for name in self.masters if _kind_of(name, self.masters[name]) == "matrices"]
        muon = matrices if kind == "muon" else []
        # momentum under Muon; first and second moments under AdamW
        self.momentum = {name: torch.zeros_like(self.masters[name]) for name in muon}
        adam = [name for name in self.masters if name not in self.momentum]
        self.mean = {name: torch.zeros_like(self.masters[name]) for name in adam}
        self.square = {name: torch.zeros_like(self.masters[name]) for name in adam}
        self.pieces = _by_shape(self.parameters, muon, model.config)

    @torch.no_grad()
    def step(self, multiplier: float) -> None:
        """One step at `multiplier` times the peak rates; gradients are used up.

        Of several processes, each has gradients of its part of the batch; their sum is everybody's.
        """
        self.steps += 1
        gradients = {}
        for name, parameter in self.parameters.items():
            gradient = parameter.grad  # None of XLNet's segments, where a text is all there is
            if gradient is None:
                gradients[name] = torch.zeros_like(self.masters[name])
            else:
                gradients[name] = local(gradient).float()
            parameter.grad = None
        if not self.sharded:  # shards arrive summed
            sum_over_ranks(list(gradients.values()))
        if self.kind == "adamw":
            norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(list(gradients.values()))))
            if self.sharded:
                norm = torch.tensor(sum_of(float(norm) ** 2) ** 0.5)
            torch._foreach_mul_(list(gradients.values()), (CLIP / (norm + 1e-6)).clamp(max=1.0))
        self._muon(gradients, multiplier)
        self._adamw(gradients, multiplier)
        self.write_back()

    def write_back(self) -> None:
        """The masters into the model, rounded to its precision."""
        with torch.no_grad():
            torch._foreach_copy_([local(p) for p in self.parameters.values()], list(self.masters.values()))

    def _muon(self, gradients: dict[str, Tensor], multiplier: float) -> None:
        learning_rate = self.rates.matrices * multiplier
        if self.momentum:
            momentum = list(self.momentum.values())
            gradient = [gradients[name] for name in self.momentum]
            torch._foreach_lerp_(momentum, gradient, 1 - MOMENTUM)
            torch._foreach_lerp_(gradient, momentum, MOMENTUM)  # Nesterov's look ahead
            torch._foreach_mul_(
                [self.masters[name] for name in self.momentum], 1 - learning_rate * WEIGHT_DECAY
            )
        for (rows, columns), pieces in self.pieces.items():
            full = {name: whole(gradients[name], self.parameters[name]) for name, _ in pieces}
            stacked = torch.stack([full[name][start : start + rows] for name, start in pieces])
            updates = orthogonalise(stacked.to(self.precision or self.parameters[pieces[0][0]].dtype))
            # tall matrices take larger steps: their outputs then change as much as those of square ones
            size = learning_rate * max(1.0, rows / columns) ** 0.5
            for (name, start), update in zip(pieces, updates, strict=True):
                first = first_row(self.parameters[name])  # of those that this process holds
                low, high = max(start, first), min(start + rows, first + len(self.masters[name]))
                if low < high:
                    own = self.masters[name][low - first : high - first]
                    own.add_(update[low - start : high - start], alpha=-size)

    def _adamw(self, gradients: dict[str, Tensor], multiplier: float) -> None:
        first, second = BETAS
        correction = (1 - second**self.steps) ** 0.5
        for kind in ("matrices", "embedding", "output", "vectors"):
            names = [name for name in self.mean if _kind_of(name, self.masters[name]) == kind]
            if not names:
                continue
            gradient, mean, square, master = (
                [of[name] for name in names] for of in (gradients, self.mean, self.square, self.masters)
            )
            learning_rate = getattr(self.rates, kind) * multiplier
            torch._foreach_lerp_(mean, gradient, 1 - first)
            torch._foreach_mul_(square, second)
            torch._foreach_addcmul_(square, gradient, gradient, 1 - second)
            divisor = torch._foreach_sqrt(square)
            torch._foreach_div_(divisor, correction)
            torch._foreach_add_(divisor, 1e-10)
            if kind == "matrices":
                torch._foreach_mul_(master, 1 - learning_rate * WEIGHT_DECAY)
            torch._foreach_addcdiv_(master, mean, divisor, -learning_rate / (1 - first**self.steps))

    def tensors(self) -> dict[str, Tensor]:
        """The whole state by name. Of processes that hold shards all have to ask, and each gets all of it."""
        return {
            f"{part}.{name}": whole(tensor, self.parameters[name])
            for part, of in self._state().items()
            for name, tensor in of.items()
        }

    @torch.no_grad()
    def load(self, tensors: dict[str, Tensor], steps: int) -> None:
        """What `tensors` gave, and the number of steps taken."""
        for part, of in self._state().items():
            for name, tensor in of.items():
                tensor.copy_(part_of(tensors[f"{part}.{name}"], self.parameters[name]))
        self.steps = steps
        self.write_back()

    def _state(self) -> dict[str, dict[str, Tensor]]:
        return {"master": self.masters, "momentum": self.momentum, "mean": self.mean, "square": self.square}


def _kind_of(name: str, tensor: Tensor) -> str:
    """The field of Rates that a parameter belongs to."""
    if name.startswith(("embedding.", "positions.", "segments.")):
        return "embedding"
    if name.startswith("output."):
        return "output"
    return "matrices" if tensor.ndim == 2 and name.endswith(".weight") and "bias" not in name else "vectors"


def _by_shape(
    parameters: Mapping[str, Tensor], names: Iterable[str], config: ModelConfig
) -> dict[tuple[int, int], list[tuple[str, int]]]:
    """{(rows, columns): [(name, first row)]}: equal shapes are orthogonalised together.

    Queries, keys and values, and the two halves of a gated feed-forward, lie in one tensor each but are matrices
    of their own.
    """
    shapes: dict[tuple[int, int], list[tuple[str, int]]] = {}
    queries, keys = config.heads * config.head_width, config.kv_heads * config.head_width
    for name in names:
        rows, columns = parameters[name].shape
        parts = [rows]
        if "query_key_value" in name:
            parts = [queries, keys, keys]
        elif name.endswith("feed_forward.up.weight") and config.gated:
            parts = [rows // 2, rows // 2]
        start = 0
        for part in parts:
            shapes.setdefault((part, columns), []).append((name, start))
            start += part
    return shapes
