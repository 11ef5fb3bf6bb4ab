"""Documents and signals to a ledger: the plan's steps, one after another, over all shards.

    decisions/<key>/     where every document stands after a step
    editions/<key>/      texts after an edit
    line-keys/, line-repeats/, duplicate-*/, passage-*/, bloom/    what corpus-wide steps exchange
    ledger/<key>/        what became of every document

A stage's folder is named by the documents and the steps up to it, so a changed threshold makes its own step and the
later ones again and nothing else: earlier steps are found as they were, and nothing is measured again. After an
edit a text is measured again by the families that a later step asks for, and by no other.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from headwater.corpus.shards import in_step, read_batches
from headwater.curate.plan import Plan
from headwater.curate.scopes import ANY
from headwater.curate.steps import (
    BloomStep,
    DecontaminateStep,
    DuplicatesStep,
    LinesStep,
    PrivacyStep,
    RulesStep,
)
from headwater.engine.workspace import Entry, Workspace, content_key
from headwater.errors import HeadwaterError
from headwater.pipeline.contamination import decontaminate
from headwater.pipeline.curation_steps import VERSION, CurationRun
from headwater.pipeline.duplicates import find_duplicates
from headwater.pipeline.ingest import Ingested
from headwater.pipeline.measure import Measured
from headwater.pipeline.plan import plan_of
from headwater.recipe import Recipe

WARNED_LANGUAGES = 8  # language identification finds many in noise


@dataclass(frozen=True)
class Texts:
    """One shard: its documents, what became of them, and the editions of their texts, the newest first."""

    documents: Entry
    ledger: Entry
    editions: tuple[Entry, ...]


@dataclass(frozen=True)
class Curated:
    """One arm's texts."""

    key: str  # names the outcome: the plan and every row of the ledger
    plan: Plan
    ledger_stage: str
    edition_stages: tuple[str, ...]  # oldest first
    shards: dict[str, Texts]
    counts: dict[str, Any]  # see `_counts`
    warnings: tuple[str, ...]
    indexes: tuple[str, ...]  # stages of duplicates' indexes, for a later corpus
    privacy_stage: str | None = None  # of the editions the one without personal data

    def texts(self, shard: str) -> Texts:
        return self.shards[shard]


def curate(
    recipe: Recipe, workspace: Workspace, ingested: Ingested, measured: Measured, *, workers: int
) -> Curated:
    """Runs the plan of the recipe; raises HeadwaterError where no training document is kept."""
    plan = plan_of(recipe)
    cleaned = decontaminate(recipe, workspace, ingested, workers=workers)
    # a take-down list changes shards, not the stages that they were read into
    read = sorted([*ingested.stages.values(), *ingested.less.values()])
    languages = None if recipe.signals.languages is None else sorted(set(recipe.signals.languages))
    base = content_key("curate", VERSION, read, cleaned, *([] if languages is None else [languages]))
    run = CurationRun(workspace, ingested, measured, workers, plan, base, recipe.folder, languages=languages)
    run.start()
    found = _languages(run.decisions, ingested, plan)
    indexes: list[str] = []
    for number, step in enumerate(plan.steps):
        if isinstance(step, DecontaminateStep):
            assert cleaned is not None
            run.take_edition(number, cleaned)
        elif isinstance(step, RulesStep):
            run.judge(number, step)
        elif isinstance(step, LinesStep):
            run.take_edition(number, run.edit(number, step))
        elif isinstance(step, DuplicatesStep):
            indexes.append(find_duplicates(run, number, step))
        elif isinstance(step, BloomStep):
            from headwater.pipeline.passages import (
                find_seen,  # their kernels' compiler takes .2 s and 80 MB to load
            )

            find_seen(run, number, step)
        elif isinstance(step, PrivacyStep):
            run.take_edition(number, run.take_personal_data_out(number, step, recipe.folder))
        else:
            from headwater.pipeline.passages import cut_passages

            run.take_edition(number, cut_passages(run, number, step))
    ledger_stage, ledger = run.ledger()
    editions = [workspace.stage(name).entries() for name in reversed(run.editions)]
    shards = {
        entry.shard: Texts(entry, ledger[entry.shard], tuple(edition[entry.shard] for edition in editions))
        for entry in ingested.shards
    }
    _account(ingested, ledger)
    counts = _counts(ledger.values())
    if not counts["training"]["documents"]:
        raise HeadwaterError(_nothing(counts))
    key = content_key(plan.key, [(shard, entry.fingerprint) for shard, entry in ledger.items()])
    warnings = tuple(_warnings(plan, found))
    private = [run.edited_by[n] for n, step in enumerate(plan.steps) if isinstance(step, PrivacyStep)]
    stage = private[0] if private else None
    return Curated(
        key, plan, ledger_stage, tuple(run.editions), shards, counts, warnings, tuple(indexes), stage
    )


def final_texts(curated: Curated, shard: str) -> Iterator[tuple[str, str]]:
    """(id, text) of the documents of a shard that are kept, in their order and as the last edit left them."""
    texts = curated.texts(shard)
    streams = [read_batches(texts.ledger.here(), ["id", "state"])]
    streams += [read_batches(entry.here(), ["id", "text"]) for entry in (*texts.editions, texts.documents)]
    for ledger, *layers in in_step(streams):
        for row in range(ledger.num_rows):
            if ledger["state"][row].as_py() == "kept":
                newest = next(layer for layer in layers if layer["text"][row].is_valid)
                yield newest["id"][row].as_py(), newest["text"][row].as_py()


# ---------------------------------------------------------------- what came of it


def _account(ingested: Ingested, ledger: dict[str, Entry]) -> None:
    """Promise 1 over both stages: every document that was read from a file is in the ledger."""
    for entry in ingested.shards:
        accounted = ledger[entry.shard].result["files"]
        for path, counts in entry.result["files"].items():
            documents = accounted.get(path, {"documents": 0})["documents"]
            if counts["documents"] != documents:
                raise AssertionError(
                    f"{path}: {counts['documents']} documents read, {documents} in the ledger"
                )


def _counts(ledger: Any) -> dict[str, Any]:
    """Documents by state; `training`: what is kept to train on; `reasons`, `sources`, `languages`: of the same.

    `bytes` is UTF-8 of all documents as read; `bytes_kept` of the training text after edits.
    """
    states = dict.fromkeys(("kept", "dropped", "gated", "quarantined"), 0)
    training = {"documents": 0, "bytes": 0}
    reasons: Counter[str] = Counter()
    groups: dict[str, dict[str, dict[str, int]]] = {"sources": {}, "languages": {}}
    documents = heldout = size = 0
    for entry in ledger:
        for row in entry.result["counts"]:
            documents += row["documents"]
            size += row["bytes"]
            states[row["state"]] += row["documents"]
            if row["state"] != "kept":
                reasons[row["reason"]] += row["documents"]
            elif row["split"] != "train":
                heldout += row["documents"]
            else:
                places = [groups["sources"].setdefault(row["source"], {"documents": 0, "bytes": 0}),
                          groups["languages"].setdefault(row["language"], {"documents": 0, "bytes": 0})]  # fmt: skip
                for place in [training, *places]:
                    place["documents"] += row["documents"]
                    place["bytes"] += row["bytes_kept"]
    ordered = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    return {
        "documents": documents,
        **states,
        "heldout": heldout,
        "bytes": size,
        "bytes_kept": training["bytes"],
        "training": training,
        "reasons": [[reason, number] for reason, number in ordered],
        **groups,
    }


def _languages(decisions: dict[str, Entry], ingested: Ingested, plan: Plan) -> Counter[str]:
    """Training documents that are not gated by measured language, of the decisions of the start, but for sources whose preset is said."""
    languages: Counter[str] = Counter()
    for shard, entry in decisions.items():
        if ingested.source_of[shard] not in plan.chosen:
            languages.update(entry.result["languages"])
    return languages


def _warnings(plan: Plan, languages: Counter[str]) -> Iterator[str]:
    """What a person may not expect: documents that no preset judges, or one made for another language."""
    if not plan.presets:
        return
    yield from dict.fromkeys(
        f"preset {plan.presets[track]} asks for {one.what}, which it does not bring: {one.do}"
        for track, asked in plan.asks.items()
        for one in asked
    )
    for number, (language, documents) in enumerate(languages.most_common()):
        if number == WARNED_LANGUAGES:
            rest = sum(languages.values()) - sum(count for _, count in languages.most_common(number))
            yield f"{len(languages) - number} more languages: {rest:,} documents; the ledger names each document's"
            return
        track = language if language in plan.tracks else ANY
        name = plan.presets.get(track)
        counted = f"{documents:,} document{'s' if documents != 1 else ''}"
        if name is None and language not in plan.chosen:
            yield f"{language}: no preset, so {counted} kept as they are; curate.preset: {{{language}: …}} names one"
        elif name is not None and language not in (made_for := plan.made_for.get(track, (language,))):
            yield f"{language}: preset {name} was made for {', '.join(made_for)}, and judges {counted}"


def _nothing(counts: dict[str, Any]) -> str:
    heldout = counts["heldout"]
    if counts["documents"] == heldout:
        return f"all {heldout:,} documents are held out, so none is left to train on; lower holdout.share or add a source"
    reasons = ", ".join(f"{reason} {number:,}" for reason, number in counts["reasons"][:5])
    return (
        f"nothing survives curation: {counts['documents'] - heldout:,} training documents, none kept ({reasons}); "
        'loosen these rules (curate.rules: {"*": {family: {signal: {max: …}}}}), choose another curate.preset, or see '
        "what is there with `curate: {preset: null}`"
    )
