"""Minimal pairs (BLiMP, ZhoBLiMP): of two sentences the grammatical one should be the likelier, whole text by whole text.

Every sentence is scored once, with all others of like length, and no prompt is built: tens of thousands of pairs in
seconds. A tie is not right.
"""

from typing import Any

import numpy as np

from headwater.evaluate.curve import interval, summary
from headwater.evaluate.scorer import Scorer

SHOWN = 0.5  # chance


def judge(scorer: Scorer, rows: list[dict[str, Any]]) -> tuple[np.ndarray, np.ndarray]:
    """rows of `good` and `bad` -> right (n,) bool, and log-likelihoods (n, 2) of good and bad."""
    texts = list(dict.fromkeys(text for row in rows for text in (row["good"], row["bad"])))
    place = {text: number for number, text in enumerate(texts)}
    scores = scorer.score([("", text) for text in texts]).log_likelihoods
    both = scores[[[place[row["good"]], place[row["bad"]]] for row in rows]]
    return both[:, 0] > both[:, 1], both


def summarise(rows: list[dict[str, Any]], right: np.ndarray) -> dict[str, Any]:
    """Of all pairs, of each phenomenon and of each paradigm; a paradigm counts the same whatever its size.

    The error of the whole is of the pairs within these paradigms: it says nothing of others. A paradigm of which one
    pair is asked has no spread of its own, and that of the others stands for it.
    """
    answers = right.astype(float)
    result: dict[str, Any] = {"groups": {}, "phenomena": {}}
    for key, name in (("groups", "paradigm"), ("phenomena", "phenomenon")):
        of = np.array([row[name] for row in rows])
        kinds = sorted(set(of.tolist()))
        alone, freedom = _spread(answers, of)
        for kind in kinds:
            some = answers[of == kind]
            result[key][kind] = one = summary(some[None], np.full(len(some), SHOWN), len(kinds))
            if len(some) == 1:
                one |= {"standard_error": alone, "interval": interval(one["score"], alone, freedom)}
    paradigms = list(result["groups"].values())
    score = float(np.mean([one["score"] for one in paradigms]))
    error = _error(answers, np.array([row["paradigm"] for row in rows]))
    whole = summary(answers[None], np.full(len(answers), SHOWN))
    return {
        **whole, **result, "score": score, "standard_error": error,
        "interval": [score - 1.96 * error, score + 1.96 * error],
        "paradigms_above_chance": sum(one["above_chance"] for one in paradigms),
    }  # fmt: skip


def _error(answers: np.ndarray, of: np.ndarray) -> float:
    """Of the mean of the means of paradigms; that of all answers as one group where no paradigm has two kinds of them."""
    alone, _ = _spread(answers, of)
    groups = [answers[of == kind] for kind in np.unique(of)]
    variances = [some.var(ddof=1) / len(some) if len(some) > 1 else alone**2 for some in groups]
    error = float(np.sqrt(sum(variances))) / len(groups)
    return error or float(summary(answers[None], np.full(len(answers), SHOWN))["standard_error"])


def _spread(answers: np.ndarray, of: np.ndarray) -> tuple[float, int]:
    """Standard deviation of answers (n,) within the kinds that they are `of`, pooled over those with two or more, and
    its degrees of freedom; of all answers where no kind has two."""
    kinds = np.unique(of, return_inverse=True)[1]
    sizes = np.bincount(kinds)
    if len(answers) == len(sizes):
        return float(answers.std(ddof=1)) if len(answers) > 1 else SHOWN, max(1, len(answers) - 1)
    apart = answers - (np.bincount(kinds, answers) / sizes)[kinds]
    freedom = len(answers) - len(sizes)
    return float(np.sqrt((apart**2).sum() / freedom)), freedom
