"""A model and its tokeniser as tasks ask them: texts in, log-likelihoods out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headwater.engine.progress import report
from headwater.evaluate.likelihood import Scored, measure_of, score
from headwater.model import huggingface
from headwater.model.converse import model_folder
from headwater.model.generate import Sampling, Writer
from headwater.model.tokenizer import Tokenizer
from headwater.model.transformer import Transformer

ROWS = 32  # texts written at once


class Scorer:
    """`Scorer.load(run).score([("The river has its", " source"), ("", "源头活水来。")])`.

    `run` is a run's folder or that of a model, ours or from a hub. An empty context is the beginning of a text.
    """

    def __init__(self, model: Transformer, tokenizer: Tokenizer) -> None:
        self.model, self.tokenizer = model, tokenizer
        self.family = model.config.family
        self.special = tokenizer.special(self.family)
        self.token_bytes = tokenizer.token_bytes()

    @classmethod
    def load(cls, run: Path) -> "Scorer":
        folder = model_folder(run)
        return cls(huggingface.load(folder), Tokenizer.load(folder / "tokenizer.json"))

    def measure(self, *, whole_texts: bool) -> str:
        return measure_of(self.family, whole_texts=whole_texts)

    def encode(self, text: str) -> list[int]:
        return [int(token) for token in self.tokenizer.encode(text)]

    def encode_pair(self, context: str, continuation: str) -> tuple[list[int], list[int]]:
        """Tokens of both, cut as the harness cuts them: spaces at the context's end go to the continuation, and the
        continuation is what the two have more than the context alone.

        Where a token reaches over the border (in Chinese, which has no spaces, it may) each is encoded by itself. A t5
        model reads and writes in different stacks, and its two are always encoded by themselves.
        """
        if not context:
            return [], self.encode(continuation)
        begin = [] if self.family != "gpt" or self.special.begin is None else [self.special.begin]
        spaces = len(context) - len(context.rstrip())
        if spaces:
            context, continuation = context[:-spaces], context[-spaces:] + continuation
        before = self.encode(context)
        if self.family != "t5":
            both = self.encode(context + continuation)
            if both[: len(before)] == before and len(both) > len(before):
                return [*begin, *before], both[len(before) :]
            return [*begin, *before], self._going_on(continuation)
        return before, self.encode(continuation)

    def _going_on(self, text: str) -> list[int]:
        """Tokens of a text that something stands before: without the space that some tokenisers put at a beginning."""
        line, both = self.encode("\n"), self.encode(f"\n{text}")
        apart = both[: len(line)] == line and self.encode("a") != self.encode("\na")[len(line) :]
        return both[len(line) :] if apart and len(both) > len(line) else self.encode(text)

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scored:
        """ln P of each continuation given its context; an empty continuation is certain: 0."""
        encoded = [self.encode_pair(*pair) for pair in pairs]
        some = [number for number, (_, continuation) in enumerate(encoded) if continuation]
        scored = score(self.model, [encoded[number] for number in some], self.special, self.token_bytes)
        values, greedy, cut = np.zeros(len(pairs)), np.ones(len(pairs), bool), np.zeros(len(pairs), bool)
        values[some], greedy[some], cut[some] = scored.log_likelihoods, scored.greedy, scored.cut
        return Scored(values, greedy, cut)

    def write(
        self, prompts: Sequence[str], *, new_tokens: int, until: Sequence[str] = ()
    ) -> tuple[list[str], list[bool]]:
        """What the model writes on, always the likeliest token, up to the first of `until`; and which prompts were
        cut on the left, so that they and `new_tokens` fit the context. A prompt keeps half of the context at least:
        what is longer is written with a window that slides. A t5 model fills a gap at the prompt's end.

        Raises HeadwaterError for a family that cannot write.
        """
        written, cut = [], []
        for start in range(0, len(prompts), ROWS):
            texts, short = self._written(prompts[start : start + ROWS], new_tokens, until)
            written += texts
            cut += short
            report(len(written), len(prompts))
        return written, cut

    def _written(
        self, prompts: Sequence[str], new_tokens: int, until: Sequence[str]
    ) -> tuple[list[str], list[bool]]:
        special, context = self.special, self.model.config.context
        tokens = [self.encode(prompt) for prompt in prompts]
        begin = [] if special.begin is None or self.family != "gpt" else [special.begin]
        options: dict[str, Any] = {}
        if self.family == "t5":
            gap, room = special.sentinels[0], context - 2
            options["sources"] = [[*row[-room:], gap, special.end] for row in tokens]
            beginnings = [[special.pad or 0, gap] for _ in tokens]
        else:
            room = max(1, context // 2, context - new_tokens)
            beginnings = [[*begin, *row][-room:] or [special.first] for row in tokens]
        ends = (special.separator, special.end, special.begin, *special.sentinels)
        stop = {token for token in ends if token is not None}
        writer = Writer(
            self.model,
            beginnings,
            new_tokens=new_tokens,
            sampling=Sampling(temperature=0),
            stop=stop,
            **options,
        )
        for _ in writer:
            if until and all(
                ended is not None or any(end in self.tokenizer.decode(row) for end in until)
                for row, ended in zip(writer.rows, writer.ended, strict=True)
            ):
                break
        texts = []
        for row in writer.rows:
            text = self.tokenizer.decode(row)
            for end in until:
                text = text.partition(end)[0]
            texts.append(text)
        return texts, [len(begin) + len(row) > room for row in tokens]

    @property
    def about(self) -> dict[str, object]:
        config = self.model.config
        count = sum(parameter.numel() for parameter in self.model.parameters())
        return {"family": config.family, "preset": config.preset, "parameters": count, "context": config.context,
                "vocabulary": config.vocabulary}  # fmt: skip
