"""Perplexity under an n-gram model of good text in the document's language (Wenzek et al. 2020, CCNet, section 3.3).

CCNet scores with a KenLM 5-gram over 65k sentencepieces trained on Wikipedia; ours are trained by `headwater
train-ngram` on any text, and a line is a sentence in both. A document in a language without a model (and no "*" model)
has nulls without an error. `percentile` places it among the texts that were held out of the model's training, or those
given by `--quantiles-of`: CCNet takes a sample of the crawl. `bucket` is CCNet's head (0), middle (1) and tail (2) by
two of these percentiles.

On Chinese: nothing is peculiar to spaces; subwords are byte-level, words are segmented.
"""

import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from headwater.errors import HeadwaterError, RecipeError
from headwater.model.ngrams import NgramModel, train
from headwater.model.ngrams.units import lines_of
from headwater.signals import Signal, language

VERSION = 2
LIBRARIES = ("numba", "rjieba", *language.LIBRARIES)


def columns(settings: dict[str, Any]) -> tuple[Signal, ...]:
    """document, bits_per_byte, percentile, bucket, lines."""
    del settings
    return (
        Signal("document", "double", "perplexity of a unit of the model, over all lines"),
        Signal("bits_per_byte", "double", "−log2 P a UTF-8 byte: models of different units can be compared"),
        Signal(
            "percentile", "double", "share in percent of the model's held-out texts that are less perplexing"
        ),
        Signal("bucket", "int32", "CCNet's 0 head, 1 middle, 2 tail"),
        Signal("lines", "list<float>", "perplexity of each line that is not blank"),
    )


def depends(settings: dict[str, Any]) -> dict[str, Any]:
    """The models' content by language, the percentiles, how languages are told apart."""
    models = {}
    for name, path in settings["models"].items():
        models[name] = _model(settings, path).about["xxh3"]
    return {
        "models": models,
        "head": settings["head"],
        "tail": settings["tail"],
        "language": language.VERSION,
    }


def opened(settings: dict[str, Any]) -> Callable[[str], tuple[Any, ...]]:
    """A function from a text to its row."""
    models = {name: _model(settings, path) for name, path in settings["models"].items()}

    def measure(text: str) -> tuple[Any, ...]:
        label = language.measure(text)[0] if set(models) != {"*"} else None
        model = models.get(label or "*", models.get("*"))
        if model is None:
            return (None,) * 5
        nats, units = model.lines(text)
        if not len(units):
            return None, None, None, None, []
        total = float(nats.sum())
        value = math.exp(min(700.0, total / int(units.sum())))
        size = sum(len(line.encode()) + 1 for line in lines_of(text))
        percentile = model.percentile(value)
        known = percentile == percentile
        bucket = int(percentile > settings["head"]) + int(percentile > settings["tail"]) if known else None
        lines = [math.exp(min(80.0, n / u)) for n, u in zip(nats.tolist(), units.tolist(), strict=True)]
        return value, total / math.log(2) / size, percentile if known else None, bucket, lines

    return measure


def warm() -> None:
    """Compiles the kernel for a mapped file's arrays, once a machine."""
    with tempfile.TemporaryDirectory() as folder:
        train(lambda: ["ab", "ab"], order=2, unit="character").save(Path(folder, "m"))
        NgramModel.load(Path(folder, "m")).lines("ab")


def _model(settings: dict[str, Any], path: str) -> NgramModel:
    try:
        return NgramModel.load(Path(settings["folder"], path))
    except HeadwaterError as error:
        raise RecipeError(f"signals.perplexity: {error}") from error
