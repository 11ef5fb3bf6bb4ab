"""Where a token stands, five ways.

learned     a vector a position, added to the embedding (Radford 2018, Devlin 2019)
sinusoidal  the same, of sines and cosines (Vaswani 2017)
rotary      queries and keys turned by their position (Su 2021)
t5          a number a head and bucket of distances, added to the scores (Raffel 2020)
xlnet       scores of queries with sines and cosines of the distance (Dai 2019, Yang 2019)

All but the first two know distances only: they are the same wherever in a packed sequence a document lies.
"""

import math
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from headwater.model.config import ModelConfig


def positions_in_documents(documents: Tensor) -> Tensor:
    """documents (B, T), equal numbers side by side being one document -> (B, T): 0, 1, 2, … in each."""
    places = torch.arange(documents.size(1), device=documents.device).expand_as(documents)
    begins = torch.ones_like(documents, dtype=torch.bool)
    begins[:, 1:] = documents[:, 1:] != documents[:, :-1]
    starts: Tensor = (places * begins).cummax(1).values
    return places - starts


def sinusoids(positions: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Sines and cosines (N, D/2) of position / 10,000^(2i/D), in fp32; positions (N,)."""
    frequencies = 1 / 10_000 ** (torch.arange(0, width, 2).float() / width)
    angles = torch.outer(positions.float(), frequencies)
    return angles.sin(), angles.cos()


def sinusoidal_table(config: ModelConfig) -> Tensor:
    """(context, D) in fp32: sine and cosine by turns, as Vaswani 2017 prints it."""
    return torch.stack(sinusoids(torch.arange(config.context), config.width), -1).flatten(1)


# ---------------------------------------------------------------- rotary


def rotary_angles(config: ModelConfig) -> tuple[Tensor, Tensor]:
    """Cosines and signed sines (context, E) in fp32 of RoPE (Su 2021), halves paired as in Llama.

    The pair (x_i, x_{i+E/2}) turns by the angle position · base^(−2i/E); sines of the first half are negative.
    Rounded as in transformers (1 / base^…): at position 2,000 the last bit of a frequency is 1e-4 of an angle.
    """
    frequencies = 1 / config.rotary_base ** (
        torch.arange(0, config.head_width, 2).float() / config.head_width
    )
    angles = torch.outer(torch.arange(config.context).float(), frequencies)
    cosines, sines = angles.cos(), angles.sin()
    return torch.cat((cosines, cosines), -1), torch.cat((-sines, sines), -1)


class Rotate(torch.autograd.Function):
    """A rotation; the way back is the rotation by the opposite angles."""

    @staticmethod
    def forward(context: Any, x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
        context.save_for_backward(cosines, sines)
        return _turned(x, cosines, sines)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        cosines, sines = context.saved_tensors
        return _turned(gradient, cosines, -sines), None, None


def _turned(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    first, second = x.chunk(2, -1)
    return torch.addcmul(x * cosines, torch.cat((second, first), -1), sines)


def rotate(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """x (…, T, E) turned by the angles (T, E) of its positions."""
    turned: Tensor = Rotate.apply(x, cosines, sines)  # type: ignore[no-untyped-call]
    return turned


# ---------------------------------------------------------------- T5


class PositionBias(nn.Module):
    """T5's bias, one for all blocks of a stack: (T, S) -> (H, 1, T, S), added to the scores.

    Half of the buckets hold one distance each, the others grow with its logarithm up to `position_reach`. An
    encoder tells the two directions apart, a decoder looks back only.
    """

    def __init__(self, config: ModelConfig, *, causal: bool) -> None:
        super().__init__()
        self.causal, self.reach = causal, config.position_reach
        self.weight = nn.Parameter(torch.zeros(config.position_buckets, config.heads))

    def forward(self, queries: int, keys: int) -> Tensor:
        buckets = _buckets(queries, keys, len(self.weight), self.reach, self.causal).to(self.weight.device)
        return self.weight[buckets].permute(2, 0, 1).contiguous()[:, None]  # read once a block: in order


@lru_cache(maxsize=8)
@torch.inference_mode(False)  # kept: who scores first may train later
def _buckets(queries: int, keys: int, buckets: int, reach: int, causal: bool) -> Tensor:
    """(T, S): the bucket of the distance from query to key."""
    ahead = torch.arange(keys) - torch.arange(queries)[:, None]
    if causal:
        first, distance = torch.zeros_like(ahead), (-ahead).clamp(min=0)
    else:
        buckets //= 2
        first, distance = (ahead > 0) * buckets, ahead.abs()
    exact = buckets // 2
    grown = torch.log(distance.float() / exact) / math.log(reach / exact) * (buckets - exact)
    far = (exact + grown.clamp(min=0).long()).clamp(max=buckets - 1)  # log 0 is clamped, and not chosen
    return first + torch.where(distance < exact, distance, far)


# ---------------------------------------------------------------- XLNet


class DistanceScores(torch.autograd.Function):
    """a · r_{i−j} of a (H, B, T+K, E) and r (H, E, 2S), distances S … −S + 1 -> (H, B, T+K, S).

    The first T queries stand at 0 … T − 1, the others `at` (B, K). The score of query i and key j stands in column
    S − (i − j) of a · r: a row of the first is the one above, moved by one. The way back is written out: PyTorch's own
    fills the largest tensor of the model with zeros four times.
    """

    @staticmethod
    def forward(context: Any, asked: Tensor, table: Tensor, at: Tensor | None) -> Tensor:
        heads, batch, rows, _ = asked.shape
        keys = table.size(2) // 2
        own = rows - (0 if at is None else at.size(1))  # rows of the content stream
        by_column = torch.bmm(asked.flatten(1, 2), table).view(heads, batch, rows, 2 * keys)
        scores = asked.new_empty(heads, batch, rows, keys)
        scores[:, :, :own] = _moved(by_column, own)
        if at is not None:
            scores[:, :, own:] = by_column[:, :, own:].gather(3, _columns(at, keys, heads))
        context.save_for_backward(asked, table, at)
        context.own = own
        return scores

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        asked, table, at = context.saved_tensors
        own, keys = context.own, gradient.size(3)
        of_column = gradient.new_zeros(*gradient.shape[:3], 2 * keys)
        _moved(of_column, own).copy_(gradient[:, :, :own])
        if at is not None:
            of_column[:, :, own:].scatter_(3, _columns(at, keys, len(asked)), gradient[:, :, own:])
        of_column = of_column.flatten(1, 2)
        of_asked = torch.bmm(of_column, table.mT).view(asked.shape)
        return of_asked, torch.bmm(asked.flatten(1, 2).mT, of_column), None


def _moved(by_column: Tensor, own: int) -> Tensor:
    """(H, B, T+K, 2S) -> (H, B, T, S), row i from column S − i on: the same memory."""
    keys, steps = by_column.size(3) // 2, by_column.stride()
    shape, apart = (*by_column.shape[:2], own, keys), (*steps[:2], steps[2] - steps[3], steps[3])
    return by_column.as_strided(shape, apart, by_column.storage_offset() + keys * steps[3])


def _columns(at: Tensor, keys: int, heads: int) -> Tensor:
    """(H, B, K, S): where the scores of queries that stand `at` are."""
    return (keys - at[:, :, None] + torch.arange(keys, device=at.device)).expand(heads, -1, -1, -1)


class RelativeScores(nn.Module):
    """XLNet's scores of distance and segment, (H, B, T, S), to be added to those of content.

        (q + u_r) · W_r r_{i−j} + (q + u_s) · s_{i,j}        s: "the same segment", or "another"

    The first T queries stand at 0 … T − 1 and are the content stream; those after them stand at `view.at`.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        heads, width = config.heads, config.head_width
        self.scale = width**-0.5 if config.attention_scale else 1.0
        self.project = nn.Linear(config.width, heads * width, bias=False)  # W_r
        self.content_bias = nn.Parameter(
            torch.zeros(heads, width)
        )  # u_w, added to q for the scores of content
        self.position_bias = nn.Parameter(torch.zeros(heads, width))  # u_r
        self.segment_bias = nn.Parameter(torch.zeros(heads, width))  # u_s
        self.segment = nn.Parameter(torch.zeros(2, heads, width))

    def forward(self, q: Tensor, distances: Tensor, at: Tensor | None, same: Tensor | None) -> Tensor:
        """q (H, B, T+K or K, E); distances (2S, D) of S … −S + 1; `at` (B, K); `same` (B, T+K or K, S), or None;
        times the scale of scores."""
        heads, batch, rows, width = q.shape
        table = self.project(distances).view(-1, heads, width).permute(1, 2, 0)  # (H, E, 2S)
        asked = (q + self.position_bias[:, None, None]) * self.scale
        scores: Tensor = DistanceScores.apply(asked, table, at)  # type: ignore[no-untyped-call]
        if same is not None:
            asked = ((q + self.segment_bias[:, None, None]) * self.scale).reshape(heads, -1, width)
            kinds = torch.bmm(asked, self.segment.permute(1, 2, 0)).view(heads, batch, rows, 2)
            scores = scores + torch.where(same, kinds[..., :1], kinds[..., 1:])
        return scores
