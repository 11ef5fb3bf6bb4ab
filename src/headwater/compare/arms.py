"""The arms of a comparison: recipes that share everything but their data decisions, brought to training sets.

Pieces that are the same are made once, because the workspace finds them by content: documents and signals of
equal sources, one tokeniser, one pool of tokens, one held-out set.
"""

import os.path
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import xxhash

from headwater.compare.budgets import Budget
from headwater.compare.variations import Variation, name_of
from headwater.corpus.shards import read_batches
from headwater.engine.workspace import Entry, Workspace, content_key, read_json
from headwater.errors import HeadwaterError, RecipeError
from headwater.pipeline.curation import curate
from headwater.pipeline.heldout import held_out
from headwater.pipeline.ingest import Ingested, ingest
from headwater.pipeline.measure import measure
from headwater.pipeline.plan import plan_of
from headwater.pipeline.run import Outcome
from headwater.pipeline.training_set import build_pool, build_training_set, train_tokenizer
from headwater.recipe import Recipe, load_recipe
from headwater.recipe.quantities import show_count

DRAWN = 1.25  # tokens that a seed draws, of those that it reads
# Documents that a draw leaves of every source, on average: of fewer, two draws differ more in size than in content,
# and one of them may be empty.
MIN_DRAWN = 20
# Four epochs are nearly as good as fresh text, forty are not (Muennighoff 2023): `curate.max_epochs` times this is refused.
TOO_OFTEN = 10
MIN_UNITS_TO_COMPARE = 2


@dataclass(frozen=True)
class Arm:
    """One recipe of a comparison, the first being the baseline."""

    role: str  # baseline or candidate
    recipe: Recipe  # with the budget's model, training and tokeniser
    path: Path
    file: str  # the path from the folder of the first arm's recipe: what a result and its command say
    said: str = ""  # how errors call it; of a variation: what the command line says

    @property
    def name(self) -> str:
        return self.recipe.name


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


def load_arms(
    paths: Sequence[Path],
    budget: Budget,
    overrides: Sequence[str],
    variations: Sequence[Variation] = (),
) -> tuple[Arm, ...]:
    """The recipes' arms, the first being the baseline, then those of the variations of the first recipe.

    Raises RecipeError where names are not distinct, an arm equals the baseline, or arms are split differently.
    """
    budget.refuse(overrides)
    recipes = [load_recipe(path, list(overrides)) for path in paths]
    shared = budget.of(recipes[0])
    same: dict[str, Any] = {"model": shared.model, "train": shared.train, "tokenizer": shared.tokenizer}
    same |= {"evaluate": shared.evaluate, "seed": shared.seed}
    arms = []
    for number, (path, recipe) in enumerate(zip(paths, recipes, strict=True)):
        role = "candidate" if number else "baseline"
        file = Path(os.path.relpath(path.resolve(), paths[0].resolve().parent)).as_posix()
        arms.append(Arm(role, recipe.model_copy(update=same), path, file, str(path)))
    for variation in variations:
        varied = _varied(paths[0], recipes[0], overrides, variation)
        made = varied.model_copy(update={**same, "name": name_of(recipes[0].name, variation)})
        arms.append(Arm("candidate", made, paths[0], arms[0].file, variation.said))
    baseline = arms[0]
    for number, arm in enumerate(arms[1:], 1):
        if any(other.name == arm.name for other in arms[:number]):
            raise RecipeError(
                f"{arm.said}: two arms are named {arm.name!r}; give each recipe a name of its own"
            )
        _refuse_incomparable(arm, baseline)
    for arm in arms:
        try:
            plan_of(arm.recipe)
        except RecipeError as error:
            raise _of_variation(arm.said, error) if arm.said.startswith("--") else error from None
    return tuple(arms)


def _varied(path: Path, recipe: Recipe, overrides: Sequence[str], variation: Variation) -> Recipe:
    try:
        return load_recipe(path, [*overrides, *variation.overrides(recipe)])
    except RecipeError as error:
        raise _of_variation(variation.said, error) from None


def _of_variation(said: str, error: RecipeError) -> RecipeError:
    return RecipeError(f"{said}: {error}")


def _refuse_incomparable(arm: Arm, baseline: Arm) -> None:
    if not settings_diff(baseline.recipe, arm.recipe):
        if arm.said.startswith("--"):
            raise RecipeError(f"{arm.said}: this is what {baseline.file} says already; name another value")
        raise RecipeError(
            f"{arm.path} differs from {baseline.path} in nothing that a comparison keeps (the budget sets model, "
            "training and tokeniser of every arm; the first recipe sets seed and evaluation); change its sources or "
            "curate, or vary the recipe itself with --vary KEY=VALUE"
        )
    if arm.recipe.holdout != baseline.recipe.holdout:
        raise RecipeError(f"{arm.said}: holdout differs from {baseline.path}; one split serves all arms")
    if arm.recipe.takedown != baseline.recipe.takedown:
        raise RecipeError(f"{arm.said}: takedown differs from {baseline.path}; one list serves all arms")
    if arm.recipe.curate.decontaminate != baseline.recipe.curate.decontaminate:
        raise RecipeError(
            f"{arm.said}: curate.decontaminate differs from {baseline.path}; an arm that trains on more of the "
            "held-out text than the other would win by it"
        )


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
    if held:  # of none, `held_out` says more
        raise HeadwaterError(
            f"the held-out text is of {held} unit (author, site, repository) of {every}, so nothing says how far a "
            f"difference goes beyond it; raise holdout.share (it is {recipe.holdout.share:g}; 0.4 is not too much for a few "
            "books), name a source's `unit:`, or add a source with role: reference"
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


def settings_diff(baseline: Recipe, arm: Recipe) -> list[dict[str, Any]]:
    """What an arm's recipe says differently: [{"key": dotted, "baseline", "arm"}], null where it says nothing.

    Sources go by their names, as in `--set sources.crawl.text=all`. Of a block that one of them leaves out (`null`),
    what is off in the other anyway makes no difference.
    """
    before, after = (_settings(recipe) for recipe in (baseline, arm))
    rows = [
        {"key": key, "baseline": before.get(key), "arm": after.get(key)} for key in sorted({*before, *after})
    ]
    return [row for row in rows if _effective(row["baseline"]) != _effective(row["arm"])]


def _effective(value: Any) -> Any:
    return None if value is False else value


def _settings(recipe: Recipe) -> dict[str, Any]:
    said = recipe.model_dump(mode="json", exclude={"name", "workspace"})
    said["sources"] = {source["name"]: source for source in said["sources"]}
    return dict(_flat(said, ""))


def _flat(value: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _flat(item, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value
