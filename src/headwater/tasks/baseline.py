"""The bag of words that stands beside every classification: TF-IDF and logistic regression, by scikit-learn.

Words and pairs of words; where a fifth of the letters are Han, one to three characters. Of a pair of texts each has
features of its own. C is chosen on validation (of equals the smaller), and the test split is scored once.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from headwater.tasks.items import Classified
from headwater.tasks.metrics.generation import is_chinese

CS = (0.1, 1.0, 10.0, 100.0)
MOST_FEATURES = 200_000


def bag_of_words(
    train: Sequence[Classified], validation: Sequence[Classified], test: Sequence[Classified]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Predictions on test, and what was chosen."""
    import scipy.sparse
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    chinese = is_chinese([item.text for item in train])
    how: dict[str, Any] = {"analyzer": "char", "ngram_range": (1, 3)} if chinese else {"ngram_range": (1, 2)}
    sides = 1 if train[0].pair is None else 2
    parts: list[list[Any]] = []
    for side in range(sides):
        made = TfidfVectorizer(sublinear_tf=True, max_features=MOST_FEATURES, **how)
        try:
            fitted = made.fit_transform(_side(train, side))
        except ValueError:  # no word at all on this side
            continue
        parts.append([fitted, *(made.transform(_side(some, side)) for some in (validation, test))])
    labels = [item.label for item in train]
    if not parts:
        answer = max(sorted(set(labels)), key=labels.count)
        return [{"answer": answer} for _ in test], {
            "features": 0,
            "units": "none",
            "C": None,
            "validation": 0.0,
        }
    learn, choose, final = (scipy.sparse.hstack([part[n] for part in parts]).tocsr() for n in range(3))
    best: Any = None
    for c in CS:
        model = LogisticRegression(C=c, max_iter=1000)
        model.fit(learn, labels)
        right = float(np.mean(model.predict(choose) == np.array([item.label for item in validation])))
        if best is None or right > best[0]:
            best = (right, c, model)
    units = "1 to 3 characters" if chinese else "words and pairs of words"
    about = {"features": int(learn.shape[1]), "units": units, "C": best[1], "validation": round(best[0], 6)}
    return [{"answer": str(answer)} for answer in best[2].predict(final)], about


def _side(items: Sequence[Classified], side: int) -> list[str]:
    return [item.texts[side] if side < len(item.texts) else "" for item in items]
