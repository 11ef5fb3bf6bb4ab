"""The induction score: how much likelier a random span is when it comes a second time (Olsson 2022).

    score = mean over spans of [ −ln P(span, second time) + ln P(span, first time) ] / its tokens      nats a token

Spans are of tokens drawn at random, so nothing but the context can tell what comes; a model that looks back for what
followed last time has a score far below 0, one that does not stays at 0. It is what in-context learning rests on, and
what is real of it at small sizes. The first token of the second span is left out: nothing announces it.

Of gpt models, and of xlnet in the order of reading; the others see what comes after.
"""

from typing import Any

import numpy as np

from headwater.errors import HeadwaterError
from headwater.evaluate.curve import interval, mean_and_error
from headwater.evaluate.likelihood import score
from headwater.evaluate.scorer import Scorer

SPANS, LENGTH = 200, 24  # tokens


def induction(scorer: Scorer, *, spans: int = SPANS, length: int = LENGTH, seed: int = 0) -> dict[str, Any]:
    """The score with its error over spans; `length` at most what fits the context twice. Raises HeadwaterError for
    a family without a direction."""
    if scorer.family not in ("gpt", "xlnet"):
        raise HeadwaterError(
            f"a {scorer.family} model does not read from left to right; it has no induction score"
        )
    length = min(length, (scorer.model.config.context - 3) // 2)
    ordinary = np.array(
        [number for number in range(scorer.tokenizer.vocabulary) if number not in scorer.special.ids]
    )
    random = np.random.Generator(np.random.Philox(key=seed))
    drawn = [random.choice(ordinary, length).tolist() for _ in range(spans)]
    begin = [scorer.special.first] if scorer.family == "gpt" else []
    first = [([*begin, span[0]], span[1:]) for span in drawn]
    second = [([*begin, *span, span[0]], span[1:]) for span in drawn]
    values = score(scorer.model, first + second, scorer.special, scorer.token_bytes).log_likelihoods
    gain = (values[:spans] - values[spans:]) / (length - 1)
    mean, error, freedom = mean_and_error(gain[None])
    return {
        "score": mean,
        "standard_error": error,
        "interval": interval(mean, error, freedom),
        "items": spans,
        "span": length,
        "first": float(-values[:spans].mean() / (length - 1)),
        "second": float(-values[spans:].mean() / (length - 1)),
    }
