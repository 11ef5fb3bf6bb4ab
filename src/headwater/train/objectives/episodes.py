"""EQ-LM on text, and on episodes only what the prompt has shown: in-context learning as an objective.

Half of the rows are text, as in `lm`. The others are episodes (`model/episodes.py`) whose two spans come from the row's
own text, or are tokens drawn at random; predicted is, of an item whose span came before, all but its first token: the
rest of the span, and its label. The loss is one mean over all that is predicted.
"""

import numpy as np

from headwater.model.episodes import CLASSES, SPAN, episode, label_tokens
from headwater.train.objectives.batch import Batch

SHARE = 0.5  # of rows that are episodes, and of episodes whose spans are text


def batch(rows: np.ndarray, randoms: list[np.random.Generator], ordinary: np.ndarray, first: int) -> Batch:
    """rows (B, T + 1); `ordinary` are the ids of text, half of which serve as labels; `first` begins an episode."""
    rows, predicted = rows.copy(), []
    labels = label_tokens(ordinary, held_out=False)
    length = rows.shape[1] - 1
    items = length // (SPAN + 1)
    for number, random in enumerate(randoms):
        start = number * length
        if random.random() >= SHARE:
            predicted.append(np.arange(start, start + length))
            continue
        spans = random.choice(ordinary, (CLASSES, SPAN))
        if random.random() < SHARE:
            places = random.choice(length - SPAN, CLASSES, replace=False)
            of_text = rows[number][places[:, None] + np.arange(SPAN)]
            spans = of_text if (of_text[0] != of_text[1]).any() else spans
        order = random.integers(0, CLASSES, items)
        pair = random.choice(labels, CLASSES, replace=False)
        rows[number, 0] = first
        rows[number, 1 : 1 + items * (SPAN + 1)] = episode(spans, order, pair[order])
        shown = np.array([item > 0 and bool((order[:item] == order[item]).any()) for item in range(items)])
        # item n begins at 1 + n · (SPAN + 1), and each of its tokens predicts the next
        begins = 1 + np.flatnonzero(shown) * (SPAN + 1)
        predicted.append(start + (begins[:, None] + np.arange(SPAN)).reshape(-1))
    places = np.concatenate(predicted)
    return Batch(rows[:, :-1], rows[:, 1:].reshape(-1)[places], places)
