"""From arms to training sets, and to the one text that all of them are scored on.

Pieces that are the same are made once, because the workspace finds them by content: documents and signals of
equal sources, one tokeniser, one pool of tokens, one held-out set. What cannot be compared is refused here, before
any training.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import xxhash

from headwater.compare.arms import Arm
from headwater.compare.budgets import Budget
from headwater.corpus.shards import read_batches
from headwater.engine.workspace import Entry, Workspace, content_key, read_json
from headwater.errors import HeadwaterError
from headwater.pipeline.curation import curate
from headwater.pipeline.heldout import held_out
from headwater.pipeline.ingest import Ingested, ingest
from headwater.pipeline.measure import measure
from headwater.pipeline.run import Outcome
from headwater.pipeline.training_set import build_pool, build_training_set, train_tokenizer
from headwater.recipe import Recipe
from headwater.recipe.quantities import show_count

DRAWN = 1.25  # tokens that a seed draws, of those that it reads
# Documents that a draw leaves of every source, on average: of fewer, two draws differ more in size than in content,
# and one of them may be empty.
MIN_DRAWN = 20
# Four epochs are nearly as good as fresh text, forty are not (Muennighoff 2023): `curate.max_epochs` times this is refused.
TOO_OFTEN = 10
MIN_UNITS_TO_COMPARE = 2


@dataclass(frozen=True)
class Prepared:
    """The arms' training sets in one workspace, and what they are scored on."""

    arms: tuple[Arm, ...]
    outcomes: tuple[Outcome, ...]  # in the order of the arms
    heldout: Entry
    draw: float  # share of the documents that a seed draws
    matching: str = "token"  # or pool: what is equal between arms besides the tokens of a training

    def manifest(self, place: int) -> dict[str, Any]:
        training_set = self.outcomes[place].training_set
        assert training_set is not None
        manifest: dict[str, Any] = read_json(training_set / "manifest.json")
        return manifest


def prepare(
    arms: Sequence[Arm], workspace: Workspace, budget: Budget, *, workers: int, matching: str = "token"
) -> Prepared:
    """Ingests, measures and curates each arm, and makes the training sets.

    Raises HeadwaterError where arms would be scored on different text or on too little of it, keep the same text, or
    keep too little.
    """
    outcomes, heldout = [], []
    for arm in arms:
        ingested = ingest(arm.recipe, workspace, workers=workers)
        _refuse_few_units(arm.recipe, ingested)
        measured = measure(arm.recipe, workspace, ingested, workers=workers)
        outcomes.append(Outcome(arm.recipe, workspace, ingested, measured))
        heldout.append(held_out(arm.recipe, workspace, ingested, measured))
    for arm, entry in zip(arms, heldout, strict=True):
        if entry.fingerprint != heldout[0].fingerprint:
            raise HeadwaterError(
                f"{arm.name} and {arms[0].name} hold out different text, so their scores cannot be compared: their "
                "sources must be the same. To train without a source, keep it and give it no weight: "
                "curate: {leave_out: [its-name]}"
            )
    for arm, outcome in zip(arms, outcomes, strict=True):
        assert outcome.measured is not None
        with _named(arm):
            outcome.curated = curate(
                arm.recipe, workspace, outcome.ingested, outcome.measured, workers=workers
            )
        outcome.heldout = heldout[0]
    tokenizer = train_tokenizer(arms[0].recipe, workspace, [o.ingested for o in outcomes], workers=workers)
    curated = [outcome.curated for outcome in outcomes if outcome.curated is not None]
    pool = build_pool(workspace, tokenizer, curated, workers=workers)
    for arm, outcome in zip(arms, outcomes, strict=True):
        assert outcome.curated is not None
        with _named(arm):
            outcome.training_set = build_training_set(
                workspace, arm.recipe, outcome.curated, pool, tokenizer, ingested=outcome.ingested, measured=outcome.measured
            )  # fmt: skip
    _refuse_equal(arms, outcomes)
    prepared = Prepared(tuple(arms), tuple(outcomes), heldout[0], draw=1.0, matching=matching)
    return replace(prepared, draw=_draw(prepared, budget))


@contextmanager
def _named(arm: Arm) -> Iterator[None]:
    """An error says which arm it is about: that nothing is left, say."""
    try:
        yield
    except HeadwaterError as error:
        raise type(error)(f"{arm.name}: {error}") from None


def _draw(prepared: Prepared, budget: Budget) -> float:
    """The share of the documents that each seed draws; 1 where half of an arm's would not do.

    Matched by tokens, it is enough for every arm; matched by pool, so much that the baseline reads it once: an arm
    that keeps less of the same input repeats it.
    """
    places = range(len(prepared.arms))
    shares = [budget.tokens / _tokens_at_hand(prepared, place, budget) for place in places]
    for arm, share in zip(prepared.arms, shares, strict=True):
        if share > (most := TOO_OFTEN * arm.recipe.curate.max_epochs):
            raise HeadwaterError(
                f"{arm.name} keeps {show_count(budget.tokens / share)} tokens, which a training of "
                f"{show_count(budget.tokens)} tokens ({budget.name}) would read {share:.0f} times, more than {most:g}: "
                "the verdict would be about repetition; add text, loosen its rules, or take a smaller --budget"
            )
    few = max(MIN_DRAWN / fewest_documents(prepared, place) for place in places)
    if prepared.matching == "pool":
        return 1.0 if max(shares[0], few) > 0.5 else max(shares[0], few)
    needed = max(shares)
    return 1.0 if max(needed, few) > 0.5 else min(0.5, max(DRAWN * needed, few))


def fewest_documents(prepared: Prepared, place: int) -> int:
    """Documents of the arm, or, with a mixture, of its source that has fewest."""
    training_set, mixture = prepared.outcomes[place].training_set, prepared.manifest(place)["mixture"]
    assert training_set is not None
    counts: Counter[str] = Counter()
    for batch in read_batches(training_set / "documents.parquet", ["source"]):
        counts.update({one["values"]: one["counts"] for one in batch.column(0).value_counts().to_pylist()})
    if mixture is None:
        return counts.total()
    return min(counts[source] for source, weight in mixture.items() if weight > 0)


def _tokens_at_hand(prepared: Prepared, place: int, budget: Budget) -> float:
    """What an arm can read before it repeats anything; with a mixture its scarcest source decides."""
    manifest = prepared.manifest(place)
    if manifest["tokens"] < budget.batch:
        raise HeadwaterError(
            f"{prepared.arms[place].name} keeps {show_count(manifest['tokens'])} tokens, fewer than one batch of "
            f"{show_count(budget.batch)}; loosen its rules, or add text"
        )
    if manifest["mixture"] is None:
        return float(manifest["tokens"])
    held: dict[str, int] = manifest["tokens_by_source"]
    shares = [(source, weight) for source, weight in manifest["mixture"].items() if weight > 0]
    return min(held.get(source, 0) / float(weight) for source, weight in shares)


def _refuse_few_units(recipe: Recipe, ingested: Ingested) -> None:
    """Before anything is measured: what a model is scored on must be of two units at least."""
    units: dict[str, set[str]] = {"heldout": set(), "train": set()}
    for shard in ingested.shards:
        for batch in read_batches(shard.here(), ["unit", "domain", "split"]):
            for row in batch.to_pylist():
                if recipe.evaluate.domains is None or row["domain"] in recipe.evaluate.domains:
                    units[row["split"]].add(row["unit"])
        if len(units["heldout"]) >= MIN_UNITS_TO_COMPARE:
            return
    held, every = len(units["heldout"]), len(units["heldout"] | units["train"])
    ways = (
        f"raise holdout.share (it is {recipe.holdout.share:g}; 0.4 is not too much for a few books), name a source's "
        "`unit:`, or add a source with role: reference"
    )
    if every == 1:
        raise HeadwaterError(
            "all text is of one unit (author, site, repository; of plain files each is one), and what is trained on must "
            "not be scored; split it, name a source's `unit:`, or add a source with role: reference"
        )
    if held == 0 and recipe.evaluate.domains is None:  # of chosen domains, `held_out` says more
        raise HeadwaterError(
            f"none of the {every} units (author, site, repository) is held out, so nothing can be scored; {ways}"
        )
    if held:
        raise HeadwaterError(
            f"the held-out text is of {held} unit (author, site, repository) of {every}, so nothing says how far a "
            f"difference goes beyond it; {ways}"
        )


def _refuse_equal(arms: Sequence[Arm], outcomes: Sequence[Outcome]) -> None:
    """Arms that keep the same text would be compared with themselves."""
    texts: dict[str, str] = {}
    for arm, outcome in zip(arms, outcomes, strict=True):
        assert outcome.training_set is not None
        documents = together = 0  # a sum of hashes: the same text in any order
        for batch in read_batches(outcome.training_set / "documents.parquet", ["text_key"]):
            documents += batch.num_rows
            together += sum(xxhash.xxh3_128_intdigest(key.encode()) for key in batch.column(0).to_pylist())
        mixture = read_json(outcome.training_set / "manifest.json")["mixture"]
        name = content_key(documents, together, mixture)
        if name in texts:
            raise HeadwaterError(
                f"{arm.name} keeps exactly the text that {texts[name]} keeps ({documents:,} documents), so there is "
                f"nothing to compare; {_what_else(arm)}"
            )
        texts[name] = arm.name


def _what_else(arm: Arm) -> str:
    if arm.said.startswith("--"):
        ways = ("--preset gopher", "--vary curate.duplicates=null", "--drop-source NAME")
        return f"vary what changes it: {', '.join(way for way in ways if not way.startswith(arm.said.split()[0]))}"
    return "make its rules stricter, or see `headwater run` on it for what they dropped"
