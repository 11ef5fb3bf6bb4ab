"""Episodes: a prompt in which labels mean something new each time, and nothing but the prompt says what.

    span A label 1   span B label 2   span B label 2   span A label …

Two spans, each with a label of its own; a model that has seen both can say the label of the next. Labels are tokens,
drawn anew for every episode from one half of the vocabulary in training and from the other when a model is asked, so
that no label was ever learnt (k-shot episodes with disjoint labels; Garg 2022, Wei 2023).
"""

import numpy as np
import xxhash

SPAN = 3  # tokens
CLASSES = 2


def label_tokens(ordinary: np.ndarray, *, held_out: bool) -> np.ndarray:
    """Of ordinary tokens (N,) those that are labels in training, or those that never are."""
    aside = np.array([xxhash.xxh3_64_intdigest(str(token).encode()) & 1 for token in ordinary.tolist()], bool)
    chosen: np.ndarray = ordinary[aside == held_out]
    return chosen


def episode(spans: np.ndarray, order: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """spans (2, SPAN), which of them each item is (n,), the items' labels (n,) -> tokens (n · (SPAN + 1),)."""
    return np.concatenate([spans[order], labels[:, None]], 1).reshape(-1)
