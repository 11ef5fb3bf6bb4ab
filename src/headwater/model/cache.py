"""A Transformer that reads on: keys and values of what was read are kept (KV cache), and only new positions computed.

    cache = Cache(model, rows=1, room=200)
    logits = cache.read([[5, 8, 13]])                     # (B, V): of what comes next
    logits = cache.step(torch.tensor([21]), advance=[True])

The blocks are the model's own; what differs from `Transformer.hidden` is which rows go through them.

A row at a time, a product of a matrix with a vector waits for memory. On a CPU it takes half the time where a tall
matrix lies in memory column by column (a row of 1,152 × 384: 130 for 225 µs, of 8,192 × 384: 0.7 for 1.6 ms), so
that is how they are laid, once: the numbers stay, and so does everything that is computed with them.

Rows of unequal lengths are padded behind their end, where nothing looks: under a causal mask nobody sees what comes
later, and a step hides all beyond its row's own length.
"""

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from headwater.model.attention import Attention, View
from headwater.model.positions import sinusoids
from headwater.model.transformer import Block, Transformer


class Cache:
    """What `rows` rows of a writer (the decoder, or XLNet's only stack) have read; `room` positions each at most."""

    def __init__(self, model: Transformer, *, rows: int, room: int) -> None:
        config, like = model.config, model.embedding.weight
        stack = model.encoder if model.decoder is None else model.decoder
        assert stack is not None
        self.model, self.room, self.lengths = model, min(room, config.context), [0] * rows
        self._stack, self._blocks = stack, cast(list[Block], list(stack.blocks))
        self._two_streams = config.family == "xlnet"
        shape = (config.kv_heads, rows, self.room, config.head_width)
        # zeros: what a mask hides is multiplied by 0, and must be a number
        self._kept = [(like.new_zeros(shape), like.new_zeros(shape)) for _ in self._blocks]
        self._of_memory: list[tuple[Tensor, Tensor]] = []
        self._memory_view = View()
        self._bias = None if stack.position_bias is None else stack.position_bias(self.room, self.room)
        self._angles = None
        if model._angles is not None:
            self._angles = [x[: self.room].to(like.device, like.dtype) for x in model._angles]
        self._places = model._sinusoids if model.positions is None else model.positions.weight
        self._output = _by_columns(model.output_weight)  # its own: an embedding is read by rows
        with torch.inference_mode(False):  # who writes may train later
            for block in self._blocks:
                for part in (block.attention.query_key_value, block.feed_forward.up):
                    part.weight.data = _by_columns(part.weight.data)

    # ---------------------------------------------------------------- reading

    def encode(self, texts: Sequence[Sequence[int]]) -> None:
        """What an encoder beside the decoder reads, a text a row."""
        tokens, real = _padded(texts, self.model.embedding.weight.device)
        documents = None if bool(real.all()) else real.long()
        assert self.model.encoder is not None
        memory = self.model._run(self.model.encoder, self.model._embed(tokens, documents, None), documents)
        self._of_memory = []
        for block in self._blocks:
            # no queries: only the keys and values of what was read
            assert block.cross_attention is not None
            _, k, v = block.cross_attention.queries_keys_values(memory[:, :0], View(), memory)
            self._of_memory.append((k, v))
        self._memory_view = View.of(None if documents is None else real[:, None], memory.dtype)

    def read(self, texts: Sequence[Sequence[int]], into: Sequence[int] | None = None) -> Tensor:
        """A text a row, from nothing, into all rows or those named; (B, V): the logits of what comes after each."""
        tokens, real = _padded(texts, self.model.embedding.weight.device)
        into = range(len(self.lengths)) if into is None else into
        for row, text in zip(into, texts, strict=True):
            self.lengths[row] = len(text)
        last = torch.tensor([len(text) for text in texts], device=tokens.device) - 1
        count = tokens.size(1)
        x = self._embedded(tokens, slice(count))
        fresh = torch.tensor(list(into), device=tokens.device)
        if self._two_streams:
            at = last[:, None] + 1
            visible = real[:, None].expand(-1, count + 1, -1)
            view = View.of(visible, x.dtype, distances=self._distances(count), at=at)
            return self._logits(
                self._through(torch.cat((x, self._query(len(x))), 1), view, fresh=fresh)[:, -1]
            )
        bias = None if self._bias is None else self._bias[:, :, :count, :count]
        angles = None if self._angles is None else (self._angles[0][:count], self._angles[1][:count])
        states = self._through(x, View(causal=True, bias=bias, angles=angles), fresh=fresh)
        return self._logits(states[torch.arange(len(last)), last])

    def step(self, tokens: Tensor, advance: Sequence[bool]) -> Tensor:
        """One more token a row, (B,); (B, V): the logits of what comes after it.

        Rows that do not advance stay as they are; what is computed for them is to be ignored.
        """
        at = [length - (not go) for length, go in zip(self.lengths, advance, strict=True)]
        self.lengths = [place + 1 for place in at]
        keys = max(self.lengths)
        mask, where = None, torch.tensor(at, device=tokens.device)
        places: Any = slice(at[0], at[0] + 1)
        if min(self.lengths) < keys:
            hidden = torch.arange(keys, device=tokens.device) > where[:, None]  # (B, S)
            mask = torch.zeros(hidden.shape, dtype=self._kept[0][0].dtype, device=tokens.device)
            mask = mask.masked_fill_(hidden, float("-inf"))[:, None]
            places = where[:, None]
        x = self._embedded(tokens[:, None], places)
        if (
            self._two_streams
        ):  # the token as content, and the query of the place after it: both see all up to it
            mask = None if mask is None else mask.expand(-1, 2, -1)
            view = View(mask=mask, distances=self._distances(keys), at=torch.stack((where, where + 1), 1))
            return self._logits(self._through(torch.cat((x, self._query(len(x))), 1), view, places)[:, -1])
        bias = None
        if self._bias is not None:
            bias = self._bias[:, :, places, :keys] if mask is None else self._bias[:, 0, places, :keys]
        angles = None if self._angles is None else (self._angles[0][places], self._angles[1][places])
        return self._logits(self._through(x, View(mask=mask, bias=bias, angles=angles), places)[:, -1])

    # ---------------------------------------------------------------- rows through the blocks

    def _embedded(self, tokens: Tensor, places: Any) -> Tensor:
        """(B, U) -> (B, U, D); `places` of the positions: a slice, or (B, U)."""
        model = self.model
        x: Tensor = model.embedding(tokens)
        if model.config.embedding_scale:
            x = x * model.config.width**0.5
        if self._places is not None:
            x = x + self._places[places].to(x.device, x.dtype)
        if model.segments is not None:
            x = x + model.segments.weight[0]
        return x if model.embedding_norm is None else model.embedding_norm(x)

    def _query(self, rows: int) -> Tensor:
        assert self.model.query is not None
        return self.model.query.expand(rows, 1, -1)

    def _distances(self, keys: int) -> Tensor:
        like = self.model.embedding.weight
        places = torch.arange(keys, -keys, -1)
        return torch.cat(sinusoids(places, self.model.config.width), -1).to(like.device, like.dtype)

    def _through(self, x: Tensor, view: View, places: Any = None, *, fresh: Tensor | None = None) -> Tensor:
        """x (B, R, D) -> (B, R, D): the content that stands at `places`, and XLNet's query.

        Without places a text is read from nothing, into the rows `fresh`.
        """
        for number, block in enumerate(self._blocks):
            x = self._block(number, block, x, view, places, fresh)
        return x if self._stack.final_norm is None else self._stack.final_norm(x)

    def _block(
        self, number: int, block: Block, x: Tensor, view: View, places: Any, fresh: Tensor | None
    ) -> Tensor:
        """As `Block.forward`, with the keys and values that are kept."""

        def attention(x: Tensor) -> Tensor:
            return self._attention(number, block.attention, x, view, places, fresh)

        if block.pre_norm:
            x = x + attention(block.attention_norm(x))
            if block.cross_norm is not None:
                x = x + self._cross(number, block.cross_attention, block.cross_norm(x))
            x = x + block.feed_forward(block.feed_forward_norm(x))
            return x
        x = block.attention_norm(x + attention(x))
        if block.cross_norm is not None:
            x = block.cross_norm(x + self._cross(number, block.cross_attention, x))
        x = block.feed_forward_norm(x + block.feed_forward(x))
        return x

    def _attention(
        self, number: int, layer: Attention, x: Tensor, view: View, places: Any, fresh: Tensor | None
    ) -> Tensor:
        q, k, v = layer.queries_keys_values(x, view, x[:, :-1] if self._two_streams else None)
        keys, values = self._kept[number]
        if fresh is not None:
            keys[:, fresh, : k.size(2)], values[:, fresh, : k.size(2)] = k, v
            return layer.read(q, k, v, view)
        if isinstance(places, slice):
            keys[:, :, places], values[:, :, places] = k, v
        else:
            rows = torch.arange(len(x), device=x.device)
            keys[:, rows, places[:, 0]], values[:, rows, places[:, 0]] = k[:, :, 0], v[:, :, 0]
        count = max(self.lengths)
        return layer.read(q, keys[:, :, :count], values[:, :, :count], view)

    def _cross(self, number: int, layer: Attention | None, x: Tensor) -> Tensor:
        assert layer is not None
        q, _, _ = layer.queries_keys_values(x, View(), x[:, :0])  # no source: only queries
        return layer.read(q, *self._of_memory[number], self._memory_view)

    def _logits(self, states: Tensor) -> Tensor:
        model = self.model
        return F.linear(model.head(states), self._output, model.output_bias)


def _by_columns(weight: Tensor) -> Tensor:
    """The same matrix, on a CPU and in fp32 with each column in one piece; what lies so already is returned as it is."""
    if weight.device.type != "cpu" or weight.dtype != torch.float32 or len(weight) <= weight.size(1):
        return weight
    return weight.mT.contiguous().mT


def _padded(texts: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Tokens (B, T), zeros behind the end of the shorter ones, and which are real (B, T) bool."""
    lengths = torch.tensor([len(text) for text in texts])
    tokens = torch.zeros((len(texts), int(lengths.max())), dtype=torch.long)
    for row, text in enumerate(texts):
        tokens[row, : len(text)] = torch.tensor(list(text), dtype=torch.long)
    real = torch.arange(tokens.size(1)) < lengths[:, None]
    return tokens.to(device), real.to(device)
