"""The trainings of a comparison: which there are, in which order they run, and what is known after each part.

Parts end at barriers, on complete data, so that nothing depends on which training was faster and a killed comparison
goes on to the same result. After each part the runs so far are scored and a running effect is shown. In a race a
candidate whose effect is resolved at a barrier gets no more seeds.
"""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from headwater.compare.budgets import LOOKS, Budget
from headwater.compare.found import ArmRuns, Look, Scored
from headwater.compare.preparation import MIN_DRAWN, Prepared, fewest_documents
from headwater.compare.sentence import signed
from headwater.compare.statistics import effect, percent
from headwater.engine.stages import Job, run_jobs
from headwater.engine.workspace import Workspace
from headwater.evaluate.summary import by_domain
from headwater.pipeline.train import Run, score, training_job

QUIET_SECONDS = 2.0  # parts that took less were there already: nothing is said of them


@dataclass(frozen=True)
class Group:
    """Runs that are averaged: an arm's own, those at another learning rate, or those of its placebo."""

    place: int  # of the arm
    kind: str = ""  # "", "placebo", "rate 0.25"


@dataclass(frozen=True)
class Training:
    group: Group
    seed: int
    job: Job


@dataclass
class Trained:
    """What has been trained and scored so far."""

    runs: dict[Group, list[Run]] = field(default_factory=dict)
    scored: dict[Group, list[Scored]] = field(default_factory=dict)
    looks: list[Look] = field(default_factory=list)

    def arm(self, group: Group, ngram: Scored) -> ArmRuns:
        return ArmRuns(self.runs.get(group, []), self.scored.get(group, []), ngram)


def trainings_of(prepared: Prepared, workspace: Workspace, budget: Budget, *, race: bool) -> list[Training]:
    """All that may be needed; seed by seed, so that early results speak of all arms.

    Seeds are the recipe's and those after it, the same for every arm: equal seeds share initialisation and draw. A
    placebo's are its own: its draws are smaller, and the baseline's are what it is held against.
    """
    first, found = prepared.arms[0].recipe.seed, []

    def add(group: Group, seed: int, draw: float, factor: float = 1.0) -> None:
        arm = prepared.arms[0 if group.kind == "placebo" else group.place]
        outcome = prepared.outcomes[0 if group.kind == "placebo" else group.place]
        assert outcome.training_set is not None
        recipe = arm.recipe
        if factor != 1.0:
            rate = {"learning_rate": factor * learning_rate(recipe)}
            recipe = recipe.model_copy(update={"train": recipe.train.model_copy(update=rate)})
        job = training_job(recipe, workspace, outcome.training_set, seed=seed, draw=draw)
        found.append(Training(group, seed, replace(job, name=f"{arm.name} {group.kind} seed {seed}")))

    most = {arm.role: budget.most_seeds(arm.role, race) for arm in prepared.arms}
    for number in range(max(most.values())):
        for place, arm in enumerate(prepared.arms):
            if number < most[arm.role]:
                add(Group(place), first + number, prepared.draw)
    for factor in budget.rates:
        for number in range(budget.rate_seeds):
            for place in range(len(prepared.arms)):
                add(Group(place, f"rate {factor:g}"), first + number, prepared.draw, factor)
    for place, share in placebo_shares(prepared, budget).items():
        for number in range(budget.seeds_candidate):
            add(Group(place, "placebo"), first + most["baseline"] + number, share)
    return found


def placebo_shares(prepared: Prepared, budget: Budget) -> dict[int, float]:
    """{place of a candidate: share of the baseline's text that its placebo keeps}, where arms repeat differently.

    With text enough for every arm a placebo would be one more A/A arm. It is drawn by document, so not where a
    mixture weighs sources.
    """
    if not budget.placebo or prepared.manifest(0)["mixture"] is not None:
        return {}
    whole = prepared.manifest(0)["tokens"]
    shares = {}
    for place in range(1, len(prepared.arms)):
        kept = prepared.manifest(place)["tokens"]
        share = prepared.draw * kept / whole
        few = fewest_documents(prepared, 0) * share < MIN_DRAWN
        if kept < 0.98 * whole and prepared.draw * kept < budget.tokens and not few:
            shares[place] = share
    return shares


def learning_rate(recipe: Any) -> float:
    """The peak rate of the recipe's matrices."""
    if recipe.train.learning_rate is not None:
        return float(recipe.train.learning_rate)
    from headwater.model.presets import resolve
    from headwater.train.optimizer import default_rates

    config = resolve(recipe.model.model_dump(mode="json"), recipe.tokenizer.vocabulary)
    return default_rates(recipe.train.optimizer, config).matrices


def run_trainings(
    trainings: Sequence[Training],
    prepared: Prepared,
    workspace: Workspace,
    budget: Budget,
    ngrams: Mapping[int, Scored],
    weights: Mapping[str, float],
    *,
    race: bool,
    workers: int,
) -> Trained:
    """Trains and scores, part by part; finished runs and scores are not repeated."""
    trained = Trained()
    decided: set[int] = set()
    parts = list(_looks(trainings, budget) if race else _parts(trainings, max(1, workers)))
    left = sum(map(len, parts))
    for number, part in enumerate(parts):
        wanted = [one for one in part if one.group.kind or one.group.place not in decided]
        if race and number and len(decided) == len(prepared.arms) - 1:
            wanted = [one for one in wanted if one.group.kind]  # nobody needs more of the baseline's seeds
        started = time.monotonic()
        _train(wanted, trained, prepared, workspace, workers, f"train, part {number + 1} of {len(parts)}")
        left -= len(part)
        seconds = (time.monotonic() - started) / max(1, len(wanted)) * left
        if race and number < len(LOOKS) and len(decided) < len(prepared.arms) - 1:
            look = _look(number, trained, prepared, ngrams, weights, decided)
            decided |= {place for place, one in look.decided.items() if one}
            trained.looks.append(look)
        if left and time.monotonic() - started > QUIET_SECONDS:
            for line in running_lines(trained, prepared, budget, ngrams, weights, seconds, race=race):
                print(line, file=sys.stderr, flush=True)
    return trained


def running_lines(
    trained: Trained,
    prepared: Prepared,
    budget: Budget,
    ngrams: Mapping[int, Scored],
    weights: Mapping[str, float],
    seconds: float,
    *,
    race: bool,
) -> list[str]:
    """A line a candidate: what its effect looks like so far, which is no verdict."""
    lines = []
    baseline = trained.arm(Group(0), ngrams[0])
    for place, arm in enumerate(prepared.arms[1:], 1):
        own = trained.arm(Group(place), ngrams[place])
        if min(len(own.runs), len(baseline.runs)) < 2:
            continue
        found = effect(own.scores(), baseline.scores(), weights)
        low, high = (percent(end) for end in found.interval(candidates=len(prepared.arms) - 1))
        state = "not yet decided"
        if any(look.decided.get(place) for look in trained.looks):
            state = "decided, no more seeds"
        lines.append(
            f"so far    {arm.name}: {signed(percent(found.delta))}% [{signed(low)}, {signed(high)}], {state} "
            f"({len(own.runs)} of {budget.most_seeds(arm.role, race)} seeds; "
            f"about {max(1, round(seconds / 60))} min left)"
        )
    return lines


def _train(
    wanted: Sequence[Training], trained: Trained, prepared: Prepared, workspace: Workspace, workers: int, title: str
) -> None:  # fmt: skip
    results = run_jobs(workspace, [one.job for one in wanted], slots=workers, title=title)
    folders = [one.job.folder for one in wanted]
    entries = score(workspace, folders, prepared.heldout, workers=workers, title="score")
    for one, result, entry in zip(wanted, results, entries, strict=True):
        trained.runs.setdefault(one.group, []).append(Run(one.job.folder, one.seed, result))
        trained.scored.setdefault(one.group, []).append(by_domain(entry.here()))


def _parts(trainings: Sequence[Training], slots: int) -> Iterator[list[Training]]:
    """Cut after a seed of all arms, from the second on, where every slot has been busy; the rest is one part."""
    own = [one for one in trainings if not one.group.kind]
    arms = len({one.group.place for one in own})
    seeds = min(sum(one.group.place == place for one in own) for place in range(arms))
    begun = 0
    for seed in range(2, seeds):
        if seed * arms % slots == 0:
            yield own[begun : seed * arms]
            begun = seed * arms
    yield [*own[begun:], *(one for one in trainings if one.group.kind)]


def _looks(trainings: Sequence[Training], budget: Budget) -> Iterator[list[Training]]:
    """What has to be there at each look; then what is no part of the race."""
    own = [one for one in trainings if not one.group.kind]
    first = own[0].seed
    begun: dict[bool, int] = {True: 0, False: 0}
    for seeds, _ in LOOKS:
        ends = {True: max(seeds, budget.seeds_baseline), False: seeds}
        yield [
            one for one in own
            if begun[not one.group.place] <= one.seed - first < ends[not one.group.place]
        ]  # fmt: skip
        begun = ends
    if others := [one for one in trainings if one.group.kind]:
        yield others


def _look(
    number: int, trained: Trained, prepared: Prepared, ngrams: Mapping[int, Scored], weights: Mapping[str, float],
    decided: set[int],
) -> Look:  # fmt: skip
    """The candidates that are still in the race, each against as many of the baseline's seeds as it has itself.

    More of the baseline's are there, for A/A; against them a candidate that varies more than the baseline would be
    called different too often, and so it would by Satterthwaite's degrees of freedom (`benchmarks/verdicts.py`).
    """
    seeds, alpha = LOOKS[number]
    whole = trained.arm(Group(0), ngrams[0]).scores()
    baseline = {domain: scores.only(range(seeds)) for domain, scores in whole.items()}
    ps = {
        place: effect(trained.arm(Group(place), ngrams[place]).scores(), baseline, weights).cautious.p
        for place in range(1, len(prepared.arms))
        if place not in decided
    }
    limit = alpha / (len(prepared.arms) - 1)
    return Look(seeds, alpha, ps, {place: p < limit for place, p in ps.items()})
