"""Text from a model: the next token, again and again, with keys and values of what was read kept (`cache`).

    writer = Writer(model, [beginning], new_tokens=100, sampling=Sampling(temperature=0.8, seed=1), stop={0})
    for tokens in writer: ...             # or generate(model, [beginning], …), all at once

gpt     The beginning is continued. It is read once, then one position a token is computed.
t5      The encoder reads `sources` once; the decoder continues its own beginning.
xlnet   The beginning is what all may see; each new token is predicted by its query and is then content that later
        ones see: EQ-PLM in the order of reading, in which nothing that was computed changes. (Hugging Face's
        `generate` lets the beginning see what is written, so that all is computed anew for each token.)
bert    fills gaps and cannot write: refused.

Chance: each row draws from a generator of its own, made from (seed, row), in float64 on the CPU. What a row gets does
not depend on the rows beside it but for rounding.

Longer than the context: with `overflow="slide"` a row that is full keeps the later half of its window, which is read
anew (one position more a token on average); "refuse" says so before anything is computed. A t5 decoder ends there.
"""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from headwater.errors import HeadwaterError
from headwater.model.cache import Cache
from headwater.model.transformer import Transformer

Ending = Literal["stop", "length", "context"]


@dataclass(frozen=True)
class Sampling:
    """How a token is drawn. Temperature 0 is greedy: the likeliest. Raises HeadwaterError outside its ranges."""

    temperature: float = 1.0
    top_k: int | None = None  # only the k likeliest
    top_p: float = 1.0  # of these, only the fewest whose probabilities reach p (Holtzman 2020)
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < float("inf"):
            raise HeadwaterError(f"temperature is {self.temperature}; it must be 0 (the likeliest) or more")
        if self.top_k is not None and self.top_k < 1:
            raise HeadwaterError(f"top-k is {self.top_k}; it must be at least 1")
        if not 0 < self.top_p <= 1:
            raise HeadwaterError(f"top-p is {self.top_p}; it must be above 0 and at most 1")
        if not 0 <= self.seed < 2**63:
            raise HeadwaterError(f"seed is {self.seed}; it must be 0 or more, and below 2⁶³")


class Writer:
    """Rows of text as they grow. Iterating gives, a step, each row's new token, None where the row has ended.

    beginnings  tokens of each row, at least one
    sources     for t5: what the encoder reads, a text a row
    stop        tokens that end a row (the step gives them; `rows` does not hold them)
    banned      tokens that are never written

    `rows` holds the new tokens, `ended` why a row has ended, None while it goes on, and `unread` how many tokens of each
    beginning do not fit the context and are left out. Raises HeadwaterError where
    the model cannot write, a row is empty, or a text does not fit.
    """

    def __init__(
        self,
        model: Transformer,
        beginnings: Sequence[Sequence[int]],
        *,
        sources: Sequence[Sequence[int]] | None = None,
        new_tokens: int = 128,
        sampling: Sampling = Sampling(),
        stop: Set[int] = frozenset(),
        banned: Set[int] = frozenset(),
        overflow: Literal["slide", "refuse"] = "slide",
    ) -> None:
        self._check(model, beginnings, sources, new_tokens, overflow)
        self.model, self.sampling, self.stop, self.new_tokens = model, sampling, stop, new_tokens
        self.rows: list[list[int]] = [[] for _ in beginnings]
        self.ended: list[Ending | None] = [None] * len(beginnings)
        self._beginnings = [[int(token) for token in row] for row in beginnings]
        self._sources = sources
        # the place that XLNet's query asks for is a position too
        self._window = model.config.context - (model.config.family == "xlnet")
        self.unread = [len(row) - len(self._fitting(row)) for row in self._beginnings]
        self._banned = torch.tensor(sorted(banned), dtype=torch.long)
        self._randoms = [
            np.random.Generator(np.random.Philox(key=[sampling.seed, row])) for row in range(len(beginnings))
        ]

    @staticmethod
    def _check(
        model: Transformer, beginnings: Sequence[Sequence[int]], sources: Any, new_tokens: int, overflow: str
    ) -> None:
        config = model.config
        if config.family == "bert":
            raise HeadwaterError(
                "a bert model sees both sides of a gap and fills it; it cannot write on. Use a run of the gpt, t5 or "
                "xlnet family"
            )
        if (config.family == "t5") != (sources is not None):
            raise HeadwaterError("a t5 model, and no other, needs `sources` for its encoder to read")
        if not beginnings or not all(len(row) for row in beginnings):
            raise HeadwaterError(
                "there is a row with nothing to go on from; begin it with one token at least"
            )
        longest = max(len(row) for row in beginnings)
        if config.family == "t5" and max(len(row) for row in sources) > config.context:
            raise HeadwaterError(
                f"{max(len(row) for row in sources)} tokens are more than the model's context {config.context}; give a "
                "shorter text"
            )
        if overflow == "refuse" and longest + new_tokens > config.context:
            raise HeadwaterError(
                f"{longest} tokens and {new_tokens} new ones are more than the model's context {config.context}; ask for "
                f"{max(0, config.context - longest)} new ones at most, or let the window slide"
            )

    def __iter__(self) -> Iterator[list[int | None]]:
        windows = [self._fitting(row) for row in self._beginnings]
        room = min(self._window, max(len(row) for row in windows) + self.new_tokens)
        cache = Cache(self.model, rows=len(windows), room=room)
        self.model.eval()
        with torch.inference_mode():
            if self._sources is not None:
                cache.encode(self._sources)
            logits = cache.read(windows)
            for step in range(self.new_tokens):
                going = [why is None for why in self.ended]
                tokens = [self._draw(logits[row], row) if goes else None for row, goes in enumerate(going)]
                for row, token in enumerate(tokens):
                    if token is None:
                        continue
                    if token in self.stop:
                        self.ended[row] = "stop"
                        continue
                    self.rows[row].append(token)
                    if step + 1 == self.new_tokens:
                        self.ended[row] = "length"
                    elif self._sources is not None and cache.lengths[row] == self.model.config.context:
                        self.ended[row] = "context"
                yield tokens
                going = [why is None for why in self.ended]
                if not any(going):
                    return
                for row, token in enumerate(tokens):
                    if token is not None and going[row]:
                        windows[row].append(token)
                full = [row for row, goes in enumerate(going) if goes and cache.lengths[row] == room]
                steps = [goes and row not in full for row, goes in enumerate(going)]
                if any(steps):
                    last = torch.tensor([window[-1] for window in windows], device=logits.device)
                    logits = cache.step(last, steps)
                if full:
                    for row in full:
                        windows[row] = windows[row][-self._kept() :]
                    again = cache.read([windows[row] for row in full], into=full)
                    logits = logits.index_copy(0, torch.tensor(full, device=logits.device), again)

    def _kept(self) -> int:
        return max(1, self.model.config.context // 2)

    def _fitting(self, row: list[int]) -> list[int]:
        """A beginning as it is, or of one that is longer than the context its last part."""
        return list(row) if len(row) <= self._window else row[-self._kept() :]

    def _draw(self, logits: Tensor, row: int) -> int:
        """A token from logits (V,)."""
        if len(self._banned):
            logits = logits.index_fill(0, self._banned.to(logits.device), float("-inf"))
        if not self.sampling.temperature:
            return int(logits.argmax())
        return draw(logits, self.sampling, float(self._randoms[row].random()))


def generate(model: Transformer, beginnings: Sequence[Sequence[int]], **options: Any) -> Writer:
    """All at once: the writer, its `rows` and `ended` complete. The options are those of `Writer`."""
    writer = Writer(model, beginnings, **options)
    for _ in writer:
        pass
    return writer


def draw(logits: Tensor, sampling: Sampling, chance: float) -> int:
    """The token at which the sum of the probabilities, the likeliest first, passes `chance` in [0, 1).

    Temperature, then top-k, then top-p.
    """
    wide = logits.double().cpu()
    wide = (wide - wide.max()) / sampling.temperature  # the likeliest is 0: no temperature makes it infinite
    count = len(wide) if sampling.top_k is None else min(sampling.top_k, len(wide))
    values, tokens = torch.topk(wide, count)  # descending
    probabilities = torch.softmax(values, -1).numpy()
    sums = np.cumsum(probabilities)
    if sampling.top_p < 1:
        count = int(np.searchsorted(sums, sampling.top_p * sums[-1])) + 1  # the first of them always stays
        sums = sums[:count]
    place = int(np.searchsorted(sums, chance * sums[-1], side="right"))
    return int(tokens[min(place, len(sums) - 1)])
