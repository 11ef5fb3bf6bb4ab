"""Models that signals are measured with, trained on the documents of recipes or of files.

Of every text one in twenty (n-grams) or in ten (classifiers) is held out, told by its document's id: what a model says
of itself is of texts that it has not seen.
"""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xxhash

from headwater.corpus.shards import read_batches
from headwater.engine.workers import default_workers
from headwater.engine.workspace import Workspace
from headwater.errors import HeadwaterError
from headwater.model.ngrams import NgramModel, train
from headwater.pipeline.ingest import ingest
from headwater.recipe import Recipe, load_recipe
from headwater.signals import language, linear
from headwater.signals.classifier import pareto

HELD_OUT = 20  # one document in so many is held out of the training of an n-gram model
MOST_HELD_OUT = 5000
RECIPES = (".yaml", ".yml")
REGISTERS = ("register", "genre", "category")  # of a document's `meta`: the first there is names its register
LONGEST_REGISTER = 60  # characters


class Documents:
    """The training documents of recipes (`*.yaml`) and of files of text, read once into shards."""

    def __init__(self, places: Sequence[Path | str], stack: ExitStack, *, workers: int | None = None) -> None:
        """Files are read as the kind `files` reads them (txt, md, jsonl, parquet, …; a folder: all that is in it), into
        a workspace that goes with `stack`; recipes into their own."""
        count = default_workers() if workers is None else workers
        recipes = [load_recipe(place) for place in places if str(place).endswith(RECIPES)]
        paths = [_globs(Path(place)) for place in places if not str(place).endswith(RECIPES)]
        if paths:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="headwater-texts-"))
            source = {"name": "texts", "kind": "files", "paths": paths, "root": None}
            recipes.append(
                Recipe.model_validate({"sources": [source], "holdout": {"share": 0.0}, "workspace": folder})
            )
        self._shards: list[str] = []
        for recipe in recipes:
            workspace = Workspace(recipe.workspace_path)
            with workspace.lease():
                ingested = ingest(recipe, workspace, workers=count)
            self._shards += [str(shard.path()) for shard in ingested.shards]

    def rows(self) -> Iterator["Row"]:
        """Documents that are not held out, in the order of the shards."""
        for shard in self._shards:
            for batch in read_batches(shard, ["id", "source", "text", "meta", "split"]):
                for row in batch.to_pylist():
                    if row["split"] == "train":
                        yield Row(row["id"], row["source"], row["text"], row["meta"])


class Row(NamedTuple):
    """What is trained on of a document; `meta` is JSON."""

    id: str
    source: str
    text: str
    meta: str | None

    @property
    def register(self) -> str | None:
        """Genre, as the document says: the first of REGISTERS that its `meta` has."""
        said = json.loads(self.meta) if self.meta else {}
        found = next((said[key] for key in REGISTERS if isinstance(said.get(key), str | int)), None)
        return None if found is None else str(found)[:LONGEST_REGISTER]


def _globs(place: Path) -> str:
    if not place.exists():
        raise HeadwaterError(f"{place}: there is no such file, folder or recipe")
    return str(place.resolve() / "**/*") if place.is_dir() else str(place.resolve())


def train_ngram(
    places: Sequence[Path | str],
    out: Path,
    *,
    order: int = 5,
    unit: str = "subword",
    smoothing: str = "kneser-ney",
    vocabulary: int = 32_768,
    quantiles_of: Sequence[Path | str] = (),
    workers: int | None = None,
) -> NgramModel:
    """Trains on the documents of recipes or files and writes the model to `out`.

    The quantiles of perplexity that the model carries are of `quantiles_of` (a sample of what is to be judged), by
    default of one document in 20, told by its id, which is not trained on.
    """
    with ExitStack() as stack:
        documents = Documents(places, stack, workers=workers)
        if quantiles_of:
            heldout = [row.text for row in Documents(quantiles_of, stack, workers=workers).rows()]
        else:
            heldout = [row.text for row in documents.rows() if _is_held_out(row.id)]
        kept_all = bool(quantiles_of) or not heldout

        def texts() -> Iterator[str]:
            for row in documents.rows():
                if kept_all or not _is_held_out(row.id):
                    yield row.text

        model = train(
            texts, order=order, unit=unit, smoothing=smoothing, vocabulary=vocabulary, heldout=heldout[:MOST_HELD_OUT]
        )  # fmt: skip
    model.about["quantiles_of"] = "sample" if quantiles_of else "held out" if heldout else "nothing"
    model.save(out)
    return NgramModel.load(out)


def _is_held_out(name: str, one_in: int = HELD_OUT) -> bool:
    return xxhash.xxh3_64_intdigest(name.encode()) % one_in == 0


# ---------------------------------------------------------------- classifiers

TESTED = 10  # one document in so many is held out of the training of a classifier
PARETO_ALPHA = 9


def train_classifier(
    positive: Sequence[Path | str],
    negative: Sequence[Path | str],
    out: Path,
    *,
    bits: int = 20,
    epochs: int = 10,
    seed: int = 0,
    workers: int | None = None,
) -> linear.Linear:
    """Trains on the documents of recipes or files, writes the model to `out`.

    Its `about` has the AUC on held-out documents and, by kind, source, language and register (where documents name theirs), how many of these there are and
    what share of them a threshold of 0.5 and Pareto sampling would keep: what the classifier costs in diversity.
    """
    seen: dict[str, list[str]] = {}
    unseen: dict[str, list[Row]] = {}
    with ExitStack() as stack:
        for kind, places in (("positive", positive), ("negative", negative)):
            rows = list(Documents(places, stack, workers=workers).rows())
            unseen[kind] = [row for row in rows if _is_held_out(row.id, TESTED)]
            seen[kind] = [row.text for row in rows if not _is_held_out(row.id, TESTED)]
    model = linear.train(seen["positive"], seen["negative"], bits=bits, epochs=epochs, seed=seed)
    scores = {kind: [model.score(row.text) for row in rows] for kind, rows in unseen.items()}
    if all(scores.values()):
        model.about["auc"] = linear.auc(scores["positive"], scores["negative"])
    model.about["kept"] = [
        row for kind, rows in unseen.items() for row in _kept(kind, rows, scores[kind], seed)
    ]
    model.save(out)
    return linear.Linear.load(out)


def _kept(kind: str, rows: list[Row], scores: list[float], seed: int) -> Iterator[dict[str, object]]:
    """Of each source, language and register: documents, their mean score, the shares that would be kept."""
    groups: dict[tuple[str, str], list[tuple[float, bool]]] = {}
    for row, score in zip(rows, scores, strict=True):
        sampled = pareto(row.id, seed, PARETO_ALPHA) > 1 - score
        belongs = [("source", row.source), ("language", language.measure(row.text)[0] or "none")]
        if row.register is not None:
            belongs.append(("register", row.register))
        for group in belongs:
            groups.setdefault(group, []).append((score, sampled))
    for (by, name), some in sorted(groups.items()):
        values = np.array([score for score, _ in some])
        yield {
            "of": kind,
            "by": by,
            "name": name,
            "documents": len(some),
            "mean_score": float(values.mean()),
            "kept_by_threshold": float((values >= 0.5).mean()),
            "kept_by_pareto": float(np.mean([sampled for _, sampled in some])),
        }
