"""The task `episodes`: which of two labels a span had, by the prompt alone (`model/episodes.py`).

Spans are random tokens and labels are of the half of the vocabulary that `objective: episodes` never uses as such.
k shots are k examples of each span, in random order; the controls are no example, and labels drawn at random.
"""

import numpy as np

from headwater.evaluate.curve import Condition
from headwater.evaluate.likelihood import score
from headwater.evaluate.scorer import Scorer
from headwater.model.episodes import CLASSES, SPAN, episode, label_tokens

EPISODES = 300


def answer(scorer: Scorer, *, shots: list[int], seed: int = 0, episodes: int = EPISODES) -> list[Condition]:
    """Of each number of examples, and its control; the same spans and labels in all."""
    ordinary = np.array([n for n in range(scorer.tokenizer.vocabulary) if n not in scorer.special.ids])
    labels = label_tokens(ordinary, held_out=True)
    begin = [scorer.special.first] if scorer.family == "gpt" else []
    found = []
    for count in sorted({0, *shots}):
        for shuffled in (False, True) if count else (False,):
            pairs, wanted = [], []
            for number in range(episodes):
                random = np.random.Generator(np.random.Philox(key=[seed, number]))
                spans, pair = (
                    random.choice(ordinary, (CLASSES, SPAN)),
                    random.choice(labels, CLASSES, replace=False),
                )
                asked = int(random.integers(CLASSES))
                order = random.permutation(np.repeat(np.arange(CLASSES), count))
                shown = random.integers(0, CLASSES, len(order)) if shuffled else order
                prompt = [*begin, *episode(spans, order, pair[shown]).tolist(), *spans[asked].tolist()]
                pairs += [(prompt, [int(label)]) for label in pair]
                wanted.append(asked)
            scored = score(scorer.model, pairs, scorer.special, scorer.token_bytes)
            values = scored.log_likelihoods.reshape(-1, CLASSES)
            right = values.argmax(1) == np.array(wanted)
            cut = int(scored.cut.reshape(-1, CLASSES).any(1).sum())
            found.append(Condition(count, right[None].astype(float), shuffled, cut))
    return found
