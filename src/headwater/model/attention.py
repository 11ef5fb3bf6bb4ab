"""Attention (EQ-ATT): softmax(QKᵀ/√E) V, over several heads, then W^O: one implementation for every use.

What differs between self and cross, causal, bidirectional, permuted and document-masked attention is which keys a
query may see and what positions add to the scores. Both stand in a `View`, made once for all blocks of a stack.

On a CPU and for short sequences the matrix of probabilities is made in full and kept for the way back: PyTorch's
fused attention has a slow bf16 backward pass there (explicit batched products took 1/7 of its time at 64
positions, 1/2.3 at 256, 1/1.4 at 512). Everywhere else `scaled_dot_product_attention`; on CUDA, where documents are
masked and nothing is added to the scores, FlexAttention (Dong 2024), which skips blocks that nobody may look at.

Shapes: B batch, H heads, T query positions, S key positions, E head width, D model width.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from headwater.model.config import ModelConfig
from headwater.model.layers import rms_norm
from headwater.model.positions import RelativeScores, rotate

if TYPE_CHECKING:  # half a second of imports that a CPU has no use for
    from torch.nn.attention.flex_attention import BlockMask

EXPLICIT_UP_TO = 512  # keys
ROWS = 128  # queries in a block
FLEX_FROM = 16  # width of a head: FlexAttention has no narrower ones


@dataclass(frozen=True)
class View:
    """How the queries of a stack look at keys, the same in all of its blocks."""

    causal: bool = False  # query t sees keys 0 … t
    mask: Tensor | None = None  # (B, T, S), added to scores: 0 where a query may look, −∞ elsewhere
    blind: Tensor | None = None  # (B, T): queries that see no key at all; they read zeros
    bias: Tensor | None = None  # (H, 1, T, S), added to scores (T5)
    angles: tuple[Tensor, Tensor] | None = None  # cosines and signed sines (T, E) (rotary)
    distances: Tensor | None = None  # (2S, D): sines and cosines of S … −S + 1 (XLNet)
    at: Tensor | None = None  # (B, K): where the last K queries stand; the others stand at 0 … T − 1
    same_segment: Tensor | None = None  # (B, T, S)
    blocks: "BlockMask | None" = None  # the mask for FlexAttention, on CUDA
    query_angles: tuple[Tensor, Tensor] | None = (
        None  # of queries that do not stand where the keys do (rotary)
    )

    @classmethod
    def of(cls, visible: Tensor | None, dtype: torch.dtype, *, causal: bool = False, **more: Any) -> "View":
        """From a matrix that says which keys a query may see, (B, T, S) bool, and, with `causal`, not later ones."""
        if visible is None:
            return cls(causal=causal, **more)
        if causal:
            visible = visible & torch.ones(visible.shape[1:], dtype=torch.bool, device=visible.device).tril()
        blind = ~visible.any(2)
        some_blind = visible.device.type != "cpu" or bool(blind.any())  # elsewhere asking would be waiting
        if (
            some_blind
        ):  # a softmax over nothing is no number: such rows look at all keys and are cleared afterwards
            visible = visible | blind[:, :, None]
        mask = torch.zeros(visible.shape, dtype=dtype, device=visible.device)
        mask.masked_fill_(~visible, float("-inf"))
        blocks = block_mask(visible) if visible.device.type == "cuda" and "distances" not in more else None
        return cls(causal=causal, mask=mask, blind=blind if some_blind else None, blocks=blocks, **more)


def block_mask(visible: Tensor) -> "BlockMask":
    """(B, T, S) bool, for FlexAttention."""
    from torch.nn.attention.flex_attention import create_block_mask

    batch, queries, keys = visible.shape

    def may_look(b: Tensor, h: Tensor, q: Tensor, k: Tensor) -> Tensor:
        return visible[b, q, k]

    return create_block_mask(may_look, batch, None, queries, keys, device=str(visible.device))


@lru_cache(maxsize=2)
def _flex(compiled: bool) -> Any:
    from torch.nn.attention.flex_attention import flex_attention

    return torch.compile(flex_attention) if compiled else flex_attention


def attend_by_blocks(
    q: Tensor, k: Tensor, v: Tensor, blocks: "BlockMask", scale: float, *, compiled: bool = True
) -> Tensor:
    """`attend` by FlexAttention: q (H, B, T, E), k and v (G, B, S, E) -> (H, B, T, E). Compiled unless it is tried out
    where there is no device for it: then slow, and without a way back."""
    q, k, v = (x.transpose(0, 1).contiguous() for x in (q, k, v))
    read: Tensor = _flex(compiled)(q, k, v, block_mask=blocks, scale=scale, enable_gqa=k.size(1) != q.size(1))
    return read.transpose(0, 1)


class ExplicitAttention(torch.autograd.Function):
    """Attention by batched matrix products, q (H, B, T, E), k and v (H, B, S, E) -> (H, B, T, E).

    Under `causal` queries come in blocks of rows, each of which meets only the keys up to its own end: of the matrix
    above the diagonal most is never computed. Else all rows are one block, which takes an eighth less time.
    """

    @staticmethod
    def forward(
        context: Any, q: Tensor, k: Tensor, v: Tensor, scale: float, causal: bool, mask: Tensor | None,
        bias: Tensor | None,
    ) -> Tensor:  # fmt: skip
        heads, batch, queries, _ = q.shape
        scaled = (q * scale).flatten(0, 1)  # (T, E) is smaller than the scores (T, S)
        k, v = k.flatten(0, 1), v.flatten(0, 1)
        output, probabilities = torch.empty_like(scaled), []
        for start, end, keys in _row_blocks(queries, k.size(1), causal):
            scores = torch.bmm(scaled[:, start:end], k[:, :keys].mT)  # (H·B, rows, keys)
            by_head = scores.view(heads, batch, end - start, keys)
            if bias is not None:
                by_head += bias[:, :, start:end, :keys]
            if mask is not None:
                by_head += mask[:, start:end, :keys]
            elif causal:
                scores[:, :, start:] += _causal_mask(end - start, q.dtype)
            probabilities.append(torch.softmax(scores, -1))
            output[:, start:end] = torch.bmm(probabilities[-1], v[:, :keys])
        context.save_for_backward(scaled, k, v, *probabilities)
        context.scale, context.causal, context.heads = scale, causal, heads
        context.bias_shape = bias.shape if bias is not None and context.needs_input_grad[6] else None
        return output.view(q.shape)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        scaled, k, v, *probabilities = context.saved_tensors
        heads, shape = context.heads, context.bias_shape
        gradient = gradient.contiguous().flatten(0, 1)
        of_q, of_k, of_v = torch.empty_like(scaled), torch.empty_like(k), torch.empty_like(v)
        of_bias = None if shape is None else k.new_zeros(shape)
        blocks = list(zip(_row_blocks(scaled.size(1), k.size(1), context.causal), probabilities, strict=True))
        for (start, end, keys), p in reversed(
            blocks
        ):  # the last meets all keys: those before add to what it says
            of_rows = gradient[:, start:end]
            of_p = torch.bmm(of_rows, v[:, :keys].mT)
            of_scores = torch._softmax_backward_data(of_p, p, -1, p.dtype)
            of_q[:, start:end] = torch.bmm(of_scores, k[:, :keys])
            if end == scaled.size(1):
                torch.bmm(p.mT, of_rows, out=of_v)
                torch.bmm(of_scores.mT, scaled[:, start:end], out=of_k)
            else:
                of_v[:, :keys].baddbmm_(p.mT, of_rows)
                of_k[:, :keys].baddbmm_(of_scores.mT, scaled[:, start:end])
            if of_bias is not None:
                by_head = of_scores.view(heads, -1, *of_scores.shape[1:])
                by_head = by_head.sum(1, keepdim=True) if shape[1] == 1 else by_head
                of_bias[:, :, start:end, :keys] = by_head
        of_all = (of_q.mul_(context.scale), of_k, of_v)
        return *(x.view(heads, -1, *x.shape[1:]) for x in of_all), None, None, None, of_bias


def _row_blocks(queries: int, keys: int, causal: bool) -> list[tuple[int, int, int]]:
    """(first query, last query + 1, keys that they meet)."""
    if not causal:
        return [(0, queries, keys)]
    ends = [(start, min(start + ROWS, queries)) for start in range(0, queries, ROWS)]
    return [(start, end, end) for start, end in ends]


@lru_cache(maxsize=8)
def _causal_mask(positions: int, dtype: torch.dtype) -> Tensor:
    """(T, T), added to scores: 0 where a position may look, −∞ at what comes after it."""
    return torch.full((positions, positions), float("-inf"), dtype=dtype).triu(1)


def attend(
    q: Tensor, k: Tensor, v: Tensor, view: View, *, scale: float | None = None, bias: Tensor | None = None
) -> Tensor:
    """q (H, B, T, E), k and v (G, B, S, E) with G heads that divide H -> (H, B, T, E).

    `scale` of the scores, 1/√E unless given; `bias` (H, B or 1, T, S) is added to them. Heads come first: queries,
    keys and values of one projection are then three plain blocks of memory.
    """
    heads, _, queries, width = q.shape
    scale = width**-0.5 if scale is None else scale
    if queries == 1 and not view.causal and q.device.type == "cpu" and not torch.is_grad_enabled():
        read = _one_query(q, k, v, view, scale, bias)
    elif q.device.type == "cpu" and k.size(2) <= EXPLICIT_UP_TO:
        if len(k) != heads:
            k, v = (x.repeat_interleave(heads // len(x), 0) for x in (k, v))
        read = cast(Tensor, ExplicitAttention.apply(q, k, v, scale, view.causal, view.mask, bias))  # type: ignore[no-untyped-call]
    elif view.blocks is not None and bias is None and width >= FLEX_FROM:
        read = attend_by_blocks(q, k, v, view.blocks, scale)
    else:
        q, k, v = (x.transpose(0, 1) for x in (q, k, v))
        added = None if view.mask is None else view.mask[:, None]  # (B, 1, T, S)
        if bias is not None:
            of_heads = bias.transpose(0, 1)  # (B or 1, H, T, S)
            if added is None and view.causal:
                added = of_heads.new_full(of_heads.shape[2:], float("-inf")).triu(1)
            added = of_heads if added is None else of_heads + added
        read = F.scaled_dot_product_attention(
            q,
            k,
            v,
            added,
            is_causal=view.causal and added is None,
            scale=scale,
            enable_gqa=k.size(1) != heads,
        ).transpose(0, 1)
    return read if view.blind is None else read.masked_fill(view.blind[..., None], 0)


def _one_query(q: Tensor, k: Tensor, v: Tensor, view: View, scale: float, bias: Tensor | None) -> Tensor:
    """A step of writing: q (H, B, 1, E) -> (H, B, 1, E), with nothing kept and no key copied."""
    groups, batch, keys, width = k.shape
    together = (q * scale).view(groups, -1, batch, width).transpose(1, 2)  # (G, B, H/G, E): share keys
    scores = torch.matmul(together, k.mT)  # (G, B, H/G, S)
    if bias is not None:
        scores += bias.reshape(groups, -1, bias.size(1), keys).transpose(1, 2)
    if view.mask is not None:
        scores += view.mask
    read = torch.matmul(torch.softmax(scores, -1), v)
    return read.transpose(1, 2).reshape(q.shape)


class Attention(nn.Module):
    """Attention with several heads, (B, T, D) -> (B, T, D). Queries, keys and values come from one matrix.

    Keys and values are read from `source` (B, S, D) where there is one (cross-attention; the second stream), else
    from x itself.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.head_width = config.heads, config.kv_heads, config.head_width
        self.qk_norm, self.epsilon = config.qk_norm, config.norm_epsilon
        self.scale = self.head_width**-0.5 if config.attention_scale else 1.0
        rows = (self.heads + 2 * self.kv_heads) * self.head_width
        self.query_key_value = nn.Linear(config.width, rows, bias=config.attention_bias)
        self.output = nn.Linear(self.heads * self.head_width, config.width, bias=config.attention_bias)
        self.relative = RelativeScores(config) if config.position == "xlnet" else None

    def forward(self, x: Tensor, view: View, source: Tensor | None = None) -> Tensor:
        return self.read(*self.queries_keys_values(x, view, source), view)

    def read(self, q: Tensor, k: Tensor, v: Tensor, view: View) -> Tensor:
        """What the queries (H, B, T, E) find among keys and values (G, B, S, E), through W^O: (B, T, D)."""
        bias = view.bias
        if self.relative is not None:
            assert view.distances is not None
            bias = self.relative(q, view.distances, view.at, view.same_segment)
            q = q + self.relative.content_bias[:, None, None]
        read = attend(q, k, v, view, scale=self.scale, bias=bias)  # (H, B, T, E)
        output: Tensor = self.output(read.permute(1, 2, 0, 3).flatten(2))
        return output

    def queries_keys_values(
        self, x: Tensor, view: View, source: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(H, B, T, E) and twice (G, B, S, E), G being `kv_heads`: normed and turned, as they meet each other."""
        if source is None:
            every = self._heads(x, slice(None))  # (H + 2G, B, T, E)
            # queries and keys are treated alike
            both, v = torch.split(every, [self.heads + self.kv_heads, self.kv_heads])
            q, k = torch.split(self._placed(both, view.angles), [self.heads, self.kv_heads])
            return q, k, v
        rows = self.heads * self.head_width
        q = self._placed(self._heads(x, slice(rows)), view.query_angles or view.angles)
        k, v = torch.split(self._heads(source, slice(rows, None)), self.kv_heads)
        return q, self._placed(k, view.angles), v

    def _heads(self, x: Tensor, rows: slice) -> Tensor:
        """Some rows of the matrix: (B, T, D) -> (heads, B, T, E)."""
        weight, bias = self.query_key_value.weight[rows], self.query_key_value.bias
        heads = F.linear(x, weight, None if bias is None else bias[rows])
        return (
            heads.view(*x.shape[:2], len(weight) // self.head_width, self.head_width)
            .permute(2, 0, 1, 3)
            .contiguous()
        )

    def _placed(self, heads: Tensor, angles: tuple[Tensor, Tensor] | None) -> Tensor:
        if self.qk_norm:
            heads = rms_norm(heads, self.epsilon)
        return heads if angles is None else rotate(heads, *angles)
