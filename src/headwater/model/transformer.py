"""The Transformer: embed, blocks, norm, output. What differs between families and presets is in the config.

x = embed(tokens) [+ positions]            (B, T, D)
x = x + attention(norm(x))                 each block, norms before (pre) …
x = x + feed_forward(norm(x))              … or norm(x + attention(x)) (post: Vaswani 2017)
logits = norm(x) Wᵀ                        (B, T, V); W is the embedding where tied (EQ-LM)
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from headwater.model.attention import Attention
from headwater.model.config import ModelConfig
from headwater.model.layers import FeedForward, Norm, rotary_angles


class Block(nn.Module):
    """Attention and feed-forward, each with its norm and added to what came in."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.pre_norm = config.norm_order == "pre"
        self.attention_norm, self.attention = Norm(config), Attention(config)
        self.feed_forward_norm, self.feed_forward = Norm(config), FeedForward(config)

    def forward(self, x: Tensor, angles: tuple[Tensor, Tensor] | None) -> Tensor:
        """x (B, T, D) -> (B, T, D)."""
        if self.pre_norm:
            x = x + self.attention(self.attention_norm(x), angles)
            x = x + self.feed_forward(self.feed_forward_norm(x))
        else:
            x = self.attention_norm(x + self.attention(x, angles))
            x = self.feed_forward_norm(x + self.feed_forward(x))
        return x


class Transformer(nn.Module):
    """`Transformer(config, seed=0)(tokens)`: tokens (B, T) of any integer type -> logits (B, T, V).

    The same seed gives the same weights on every device: they are drawn on the CPU, in fp32.
    """

    def __init__(self, config: ModelConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary, config.width)
        self.positions = nn.Embedding(config.context, config.width) if config.position == "learned" else None
        self.embedding_norm = Norm(config) if config.embedding_norm else None
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.final_norm = Norm(config) if config.norm_order == "pre" else None
        self.output = None if config.tied else nn.Linear(config.width, config.vocabulary, bias=False)
        # angles stay in fp32 here: rounded positions would be wrong ones
        self._angles = rotary_angles(config) if config.position == "rotary" else None
        self._angles_at: dict[tuple[torch.device, torch.dtype, int], tuple[Tensor, Tensor]] = {}
        self._initialise(torch.Generator().manual_seed(seed))

    def _initialise(self, generator: torch.Generator) -> None:
        """All weights, in one place.

        Usual: N(0, 0.02), and what writes into the residual stream divided by √(2 · layers) (Radford 2019).
        With zero_projections (Jordan 2024): writers and an untied output are zero, so that each block starts as
        the identity and the loss at exactly ln V; the rest is uniform with a variance of 0.49 / fan-in.
        """
        config = self.config
        writers = [m.output for m in self.modules() if isinstance(m, Attention)]
        writers += [m.down for m in self.modules() if isinstance(m, FeedForward)]
        with torch.no_grad():
            for module in self.modules():
                if isinstance(module, nn.Embedding):
                    module.weight.normal_(std=config.embedding_std, generator=generator)
                if not isinstance(module, nn.Linear):
                    continue
                if module.bias is not None:
                    module.bias.zero_()
                if not config.zero_projections:
                    depth = (2 * config.layers) ** -0.5 if module in writers else 1.0
                    module.weight.normal_(std=0.02 * depth, generator=generator)
                elif module in writers or module is self.output:
                    module.weight.zero_()
                else:
                    bound = 0.7 * (3 / module.in_features) ** 0.5
                    module.weight.uniform_(-bound, bound, generator=generator)

    @property
    def output_weight(self) -> Tensor:
        """(V, D)."""
        weight: Tensor = self.embedding.weight if self.output is None else self.output.weight
        return weight

    def hidden(self, tokens: Tensor) -> Tensor:
        """tokens (B, T) -> what the output reads (B, T, D)."""
        positions = tokens.size(1)
        if positions > self.config.context:
            raise ValueError(f"{positions} positions are more than the model's context {self.config.context}")
        x: Tensor = self.embedding(tokens)
        if self.positions is not None:
            x = x + self.positions.weight[:positions]
        if self.embedding_norm is not None:
            x = self.embedding_norm(x)
        angles = self._rotary(positions, x)
        for block in self.blocks:
            x = block(x, angles)
        return x if self.final_norm is None else self.final_norm(x)

    def forward(self, tokens: Tensor) -> Tensor:
        return F.linear(self.hidden(tokens), self.output_weight)

    def _rotary(self, positions: int, like: Tensor) -> tuple[Tensor, Tensor] | None:
        if self._angles is None:
            return None
        place = (like.device, like.dtype, positions)
        if place not in self._angles_at:
            cosines, sines = (x[:positions].to(like.device, like.dtype) for x in self._angles)
            self._angles_at = {place: (cosines, sines)}  # only the latest: lengths vary in evaluation
        return self._angles_at[place]
