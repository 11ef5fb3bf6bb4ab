"""The Transformer: embed, blocks, norm, output. What differs between families and presets is in the config.

x = embed(tokens) [+ positions]            (B, T, D)
x = x + attention(norm(x))                 each block, norms before (pre) …
x = x + cross_attention(norm(x), memory)   in a decoder beside an encoder
x = x + feed_forward(norm(x))              … or norm(x + attention(x)) (post: Vaswani 2017)
logits = head(norm(x)) Wᵀ [+ b]            (B, T, V); W is the embedding where tied (EQ-LM)

Which tokens see each other is said in numbers a token, and is the same for all families:

documents  (B, T)  tokens of one number see each other, and nobody else: packed texts, and padding (any number that
                   no text has). Learned and sinusoidal positions begin anew in each.
order      (B, T)  XLNet: place in the order of factorisation. A token sees those of its own place and before; what
                   is predicted sees only those before. 0 is what all may see.
at         (B, K)  XLNet: positions to predict. Their stream knows the position, not the token. BERT: the positions
                   whose states are wanted; the last block computes no others.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from headwater.model.attention import Attention, View
from headwater.model.config import ModelConfig
from headwater.model.layers import FeedForward, Norm, OutputTransform
from headwater.model.positions import (
    PositionBias,
    positions_in_documents,
    rotary_angles,
    sinusoidal_table,
    sinusoids,
)


class Block(nn.Module):
    """Attention, in a decoder beside an encoder cross-attention, and feed-forward; each with its norm and added to
    what came in."""

    def __init__(self, config: ModelConfig, *, cross: bool = False) -> None:
        super().__init__()
        self.pre_norm = config.norm_order == "pre"
        self.attention_norm, self.attention = Norm(config), Attention(config)
        self.cross_norm = Norm(config) if cross else None
        self.cross_attention = Attention(config) if cross else None
        self.feed_forward_norm, self.feed_forward = Norm(config), FeedForward(config)

    def forward(
        self, x: Tensor, view: View, source: Tensor | None = None, memory: Tensor | None = None,
        memory_view: View | None = None,
    ) -> Tensor:  # fmt: skip
        """x (B, T, D) -> (B, T, D). Keys and values come from `source` (B, S, D), else from x; `memory` (B, M, D)
        is what an encoder has made."""
        if self.pre_norm:
            source = None if source is None else self.attention_norm(source)
            x = x + self.attention(self.attention_norm(x), view, source)
            if self.cross_norm is not None and self.cross_attention is not None:
                x = x + self.cross_attention(self.cross_norm(x), memory_view, memory)
            x = x + self.feed_forward(self.feed_forward_norm(x))
        else:
            x = self.attention_norm(x + self.attention(x, view, source))
            if self.cross_norm is not None and self.cross_attention is not None:
                x = self.cross_norm(x + self.cross_attention(x, memory_view, memory))
            x = self.feed_forward_norm(x + self.feed_forward(x))
        return x


class Stack(nn.Module):
    """An encoder or a decoder: blocks, and a norm behind them where norms come before."""

    def __init__(self, config: ModelConfig, layers: int, *, causal: bool, cross: bool = False) -> None:
        super().__init__()
        self.causal = causal
        self.blocks = nn.ModuleList(Block(config, cross=cross) for _ in range(layers))
        self.final_norm = Norm(config) if config.norm_order == "pre" else None
        self.position_bias = PositionBias(config, causal=causal) if config.position == "t5" else None

    def forward(
        self, x: Tensor, view: View, memory: Tensor | None = None, memory_view: View | None = None
    ) -> Tensor:
        """x (B, T, D) -> (B, T, D)."""
        for block in self.blocks:
            x = block(x, view, None, memory, memory_view)
        return x if self.final_norm is None else self.final_norm(x)

    def at(self, x: Tensor, view: View, at: Tensor, last_view: View) -> Tensor:
        """x (B, T, D) -> (B, K, D), the states at the positions `at` (B, K): of the last block only they are computed."""
        for block in self.blocks[:-1]:
            x = block(x, view)
        wanted = x.gather(1, at[..., None].expand(*at.shape, x.size(2)))
        x = self.blocks[-1](wanted, last_view, x)
        return x if self.final_norm is None else self.final_norm(x)

    def two_streams(self, h: Tensor, g: Tensor, view: View, last_view: View) -> Tensor:
        """Content h (B, T, D) and queries g (B, K, D) -> g (B, K, D); keys and values are read from h alone.

        The same blocks serve both: a block sees the rows of h and, after them, those of g. Of the last block only
        g is read, and only g is computed.
        """
        for block in self.blocks[:-1]:
            h, g = block(torch.cat((h, g), 1), view, h).split([h.size(1), g.size(1)], 1)
        g = self.blocks[-1](g, last_view, h)
        return g if self.final_norm is None else self.final_norm(g)


class Transformer(nn.Module):
    """`Transformer(config, seed=0)(tokens)`: tokens (B, T) of any integer type -> logits (B, T, V).

    The same seed gives the same weights on every device: they are drawn on the CPU, in fp32.
    """

    def __init__(self, config: ModelConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary, config.width)
        self.positions = nn.Embedding(config.context, config.width) if config.position == "learned" else None
        self.segments = nn.Embedding(config.segments, config.width) if config.segments else None
        self.embedding_norm = Norm(config) if config.embedding_norm else None
        two = config.family == "t5"
        self.encoder = Stack(config, config.layers, causal=False) if config.family != "gpt" else None
        self.decoder = None
        if config.family in ("gpt", "t5"):
            self.decoder = Stack(
                config, config.decoder_layers if two else config.layers, causal=True, cross=two
            )
        self.query = nn.Parameter(torch.zeros(config.width)) if config.family == "xlnet" else None
        self.transform = OutputTransform(config) if config.output_transform else None
        self.output = None if config.tied else nn.Linear(config.width, config.vocabulary, bias=False)
        self.output_bias = nn.Parameter(torch.zeros(config.vocabulary)) if config.output_bias else None
        # tables stay in fp32 here: rounded positions would be wrong ones
        self._angles = rotary_angles(config) if config.position == "rotary" else None
        self._sinusoids = sinusoidal_table(config) if config.position == "sinusoidal" else None
        self._angles_at: dict[tuple[torch.device, torch.dtype, int], tuple[Tensor, Tensor]] = {}
        self._initialise(torch.Generator().manual_seed(seed))

    def _initialise(self, generator: torch.Generator) -> None:
        """All weights, in one place.

        Usual: N(0, 0.02), and before pre-norms what writes into the residual stream divided by √(2 · layers)
        (Radford 2019). With zero_projections (Jordan 2024): writers and an untied output are zero, so that each
        block starts as the identity and the loss at exactly ln V; the rest is uniform with a variance of 0.49 /
        fan-in. Positions and segments of T5 and XLNet start without effect.
        """
        config = self.config
        writers = [m.output for m in self.modules() if isinstance(m, Attention)]
        writers += [m.down for m in self.modules() if isinstance(m, FeedForward)]
        depth = (2 * config.layers) ** -0.5 if config.norm_order == "pre" else 1.0
        with torch.no_grad():
            for module in self.modules():
                if isinstance(module, nn.Embedding):
                    module.weight.normal_(std=config.embedding_std, generator=generator)
                if not isinstance(module, nn.Linear):
                    continue
                if module.bias is not None:
                    module.bias.zero_()
                if not config.zero_projections:
                    std = 0.02 * depth if module in writers else 0.02
                    module.weight.normal_(std=std, generator=generator)
                elif module in writers or module is self.output:
                    module.weight.zero_()
                else:
                    bound = 0.7 * (3 / module.in_features) ** 0.5
                    module.weight.uniform_(-bound, bound, generator=generator)
            if self.query is not None:
                self.query.normal_(std=config.embedding_std, generator=generator)

    def compile_blocks(self) -> None:
        """Each block by `torch.compile`: one compilation serves all that are alike."""
        for module in self.modules():
            if isinstance(module, Block):
                module.compile()

    # ---------------------------------------------------------------- tokens to states

    def hidden(
        self,
        tokens: Tensor,
        *,
        documents: Tensor | None = None,
        segments: Tensor | None = None,
        order: Tensor | None = None,
        at: Tensor | None = None,
        decoder_tokens: Tensor | None = None,
        decoder_documents: Tensor | None = None,
    ) -> Tensor:
        """tokens (B, T) -> states before the head: (B, T, D); (B, U, D) of decoder tokens (B, U); (B, K, D) of the
        positions `at`. Raises ValueError beyond the context."""
        x = self._embed(tokens, documents, segments)
        stack = self.encoder
        if stack is None:
            assert self.decoder is not None
            return self._run(self.decoder, x, documents)  # type: ignore[no-any-return]
        if self.config.position == "xlnet":
            return self._permuted(stack, x, documents, segments, order, at)
        if self.decoder is None:
            return self._run(stack, x, documents, at=at)  # type: ignore[no-any-return]
        memory: Tensor = self._run(stack, x, documents)
        if decoder_tokens is None:
            raise ValueError("a t5 model needs decoder_tokens beside the tokens of its encoder")
        x = self._embed(decoder_tokens, decoder_documents, None)
        visible = _shared(decoder_documents, documents, x, memory)
        return self._run(self.decoder, x, decoder_documents, memory, View.of(visible, x.dtype))  # type: ignore[no-any-return]

    def _embed(self, tokens: Tensor, documents: Tensor | None, segments: Tensor | None) -> Tensor:
        positions = tokens.size(1)
        if positions > self.config.context:
            raise ValueError(f"{positions} positions are more than the model's context {self.config.context}")
        x: Tensor = self.embedding(tokens)
        if self.config.embedding_scale:
            x = x * self.config.width**0.5
        if self.positions is not None or self._sinusoids is not None:
            table = self._sinusoids if self.positions is None else self.positions.weight
            assert table is not None
            where: Any = slice(positions) if documents is None else positions_in_documents(documents)
            x = x + table.to(x.device)[where].to(x.dtype)
        if self.segments is not None:
            x = x + self.segments(torch.zeros_like(tokens) if segments is None else segments)
        return x if self.embedding_norm is None else self.embedding_norm(x)

    def _run(
        self, stack: Stack, x: Tensor, documents: Tensor | None, *memory: Any, at: Tensor | None = None
    ) -> Any:
        """A stack on its own tokens, and on what an encoder has made of others; of the states all, or those `at`."""
        bias = None if stack.position_bias is None else stack.position_bias(x.size(1), x.size(1))
        visible = None if documents is None else documents[:, :, None] == documents[:, None]
        angles = self._rotary(x.size(1), x)
        view = View.of(visible, x.dtype, causal=stack.causal, bias=bias, angles=angles)
        if at is None:
            return stack(x, view, *memory)
        if visible is not None:
            visible = visible.gather(1, at[..., None].expand(*at.shape, x.size(1)))  # (B, K, T)
        asked = None if angles is None else (angles[0][at], angles[1][at])  # (B, K, E)
        return stack.at(x, view, at, View.of(visible, x.dtype, angles=angles, query_angles=asked))

    def _permuted(
        self, stack: Stack, h: Tensor, documents: Tensor | None, segments: Tensor | None, order: Tensor | None,
        at: Tensor | None,
    ) -> Tensor:  # fmt: skip
        """XLNet: EQ-PLM's two streams where there are positions to predict, else one that sees what `order` lets it."""
        batch, positions, width = h.shape
        distances = torch.arange(positions, -positions, -1, device=h.device)
        table = torch.cat([part.to(h.device, h.dtype) for part in sinusoids(distances.cpu(), width)], -1)
        keys = torch.zeros(h.shape[:2], dtype=torch.long, device=h.device)
        documents, order = (keys if given is None else given for given in (documents, order))

        def seen(at: Tensor | None) -> tuple[Tensor, Tensor | None]:
            """(B, T or K, S): what the stream of content, or of queries, may see; and what is of its segment."""
            mine = [x if at is None else x.gather(1, at) for x in (documents, order)]
            together = mine[0][:, :, None] == documents[:, None]
            before = order[:, None] < mine[1][:, :, None] + (at is None)
            if segments is None:
                return together & before, None
            own = segments if at is None else segments.gather(1, at)
            return together & before, own[:, :, None] == segments[:, None]

        def view(visible: Tensor, same: Tensor | None) -> View:
            return View.of(visible, h.dtype, distances=table, at=at, same_segment=same)

        content = seen(None)
        if at is None:
            return stack(h, view(*content))  # type: ignore[no-any-return]
        assert self.query is not None
        queries = seen(at)
        visible = torch.cat((content[0], queries[0]), 1)
        same = None
        if content[1] is not None and queries[1] is not None:
            same = torch.cat((content[1], queries[1]), 1)
        g = self.query.expand(batch, at.size(1), width)
        return stack.two_streams(h, g, view(visible, same), view(*queries))

    def _rotary(self, positions: int, like: Tensor) -> tuple[Tensor, Tensor] | None:
        if self._angles is None:
            return None
        place = (like.device, like.dtype, positions)
        if place not in self._angles_at:
            with torch.inference_mode(False):  # kept: who scores first may train later
                cosines, sines = (x[:positions].to(like.device, like.dtype) for x in self._angles)
            self._angles_at = {place: (cosines, sines)}  # only the latest: lengths vary in evaluation
        return self._angles_at[place]

    # ---------------------------------------------------------------- states to logits

    @property
    def output_weight(self) -> Tensor:
        """(V, D)."""
        weight: Tensor = self.embedding.weight if self.output is None else self.output.weight
        return weight

    def head(self, hidden: Tensor) -> Tensor:
        """(…, D) -> (…, D): what the output matrix reads. The states themselves but for BERT and T5 v1.0."""
        if self.transform is not None:
            hidden = self.transform(hidden)
        return hidden * self.config.width**-0.5 if self.config.output_scale else hidden

    def forward(self, tokens: Tensor, **more: Tensor | None) -> Tensor:
        """Logits (B, T, V); `more` as of `hidden`."""
        return F.linear(self.head(self.hidden(tokens, **more)), self.output_weight, self.output_bias)


def _shared(mine: Tensor | None, theirs: Tensor | None, x: Tensor, memory: Tensor) -> Tensor | None:
    """(B, U, T): where a decoder's and an encoder's token are of one document; a side without numbers is all 0."""
    if mine is None and theirs is None:
        return None
    zero = torch.zeros((), dtype=torch.long, device=x.device)
    mine = zero.expand(x.shape[:2]) if mine is None else mine
    theirs = zero.expand(memory.shape[:2]) if theirs is None else theirs
    return mine[:, :, None] == theirs[:, None]


def parameters_without_embeddings(config: ModelConfig) -> int:
    """Parameters of the blocks, norms and the head's transform: what the sizes of presets and scaling laws count.

    Left out are the embeddings of tokens, positions and segments, and the output (Kaplan 2020).
    """
    left_out = ("embedding.", "positions.", "segments.", "output", "query")
    with torch.device("meta"):
        model = Transformer(config)
    return sum(p.numel() for name, p in model.named_parameters() if not name.startswith(left_out))
