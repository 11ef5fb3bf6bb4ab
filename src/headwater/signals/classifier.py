"""A quality classifier's score: `signals: {classifiers: {quality: {model: quality.model}}}` gives `quality.score` and
`quality.keep`. The model is one of `headwater train-classifier` (see linear.py) or a fastText model (.bin, .ftz: Joulin
et al. 2017; DCLM's, for one), whose `label` is then named.

`keep` is GPT-3's sampling (Brown et al. 2020, appendix A; GLaM too): 1 where a draw from a Pareto distribution with
`pareto_alpha` (9) is above 1 − score, so that some low-scoring documents stay, for breadth. The draw is a hash of
(seed, document id): the same on every machine and day. A rule asks for it by `quality: {keep: {min: 1}}`.

On Chinese: ours has a Han character as a unit; fastText models split at spaces, as they were trained.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import xxhash

from headwater.errors import HeadwaterError, RecipeError
from headwater.signals import Signal, fasttext, fasttext_file, linear

VERSION = 1
LIBRARIES = ("numba",)


def columns(settings: dict[str, Any]) -> tuple[Signal, ...]:
    """score, keep."""
    return (
        Signal("score", "double", f"P(good) by {Path(settings['model']).name}, 0 to 1"),
        Signal("keep", "int32", "1 where Pareto sampling by the score keeps the document"),
    )


def depends(settings: dict[str, Any]) -> dict[str, Any]:
    """The model's content, the label, how it is sampled."""
    from headwater.signals.families import content_of

    path = Path(settings["folder"], settings["model"])
    content = content_of(path, "signals.classifiers")
    _scorer(str(path), settings["label"], content)
    return {
        "model": content,
        "linear": linear.VERSION,
        "fasttext": fasttext.VERSION,
        **{k: settings[k] for k in ("label", "pareto_alpha", "seed")},
    }


def opened_batch(settings: dict[str, Any]) -> Callable[[list[str], list[str]], list[tuple[Any, ...]]]:
    """(ids, texts) -> rows."""
    score = _scorer(str(Path(settings["folder"], settings["model"])), settings["label"], "")

    def rows(ids: list[str], texts: list[str]) -> list[tuple[Any, ...]]:
        scores = [score(text) for text in texts]
        return [
            (value, int(pareto(name, settings["seed"], settings["pareto_alpha"]) > 1 - value))
            for name, value in zip(ids, scores, strict=True)
        ]

    return rows


def pareto(document: str, seed: int, alpha: float) -> float:
    """A draw from Lomax's Pareto distribution, P(X > x) = (1 + x)^−alpha, told by (seed, id)."""
    uniform = (xxhash.xxh3_64_intdigest(f"pareto {seed} {document}".encode()) + 0.5) / 2**64
    return float(uniform ** (-1 / alpha) - 1)


def warm() -> None:
    """Compiles the kernels, once a machine."""
    linear.warm()


@cache
def _scorer(path: str, label: str | None, content: str) -> Callable[[str], float]:
    del content
    try:
        with Path(path).open("rb") as file:
            magic = file.read(8)
    except OSError as error:
        raise RecipeError(f"signals.classifiers: cannot read {path}: {error.strerror}") from error
    if magic[:4] != fasttext_file.MAGIC.to_bytes(4, "little"):
        try:
            return linear.Linear.load(path).score
        except HeadwaterError as error:
            raise RecipeError(f"signals.classifiers: {error}") from error
    try:
        model = fasttext.FastText.load(path)
    except HeadwaterError as error:
        raise RecipeError(f"signals.classifiers: {error}") from error
    wanted = (label or "").removeprefix(fasttext_file.PREFIX)
    if wanted not in model.labels:
        named = ", ".join(sorted(model.labels)[:20])
        raise RecipeError(f"signals.classifiers: {path} has the labels {named}; name one by `label:`")
    place = model.labels.index(wanted)

    def score(text: str) -> float:
        scores = model.scores(" ".join(text.split()))
        return 0.0 if scores is None else min(1.0, float(scores[place]))

    return score
