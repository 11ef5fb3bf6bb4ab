"""`headwater compare`: from recipes to a verdict.

    arms (ingest, measure, curate, one tokeniser, one pool, a training set each)
      -> a byte 5-gram an arm -> trainings, arms x seeds, as jobs, and their scores -> inference
      -> comparisons/<hash>/comparison.json, comparison.md, comparison.units.json

The hash covers all that the result depends on. Every piece is kept as it is made: a comparison that was killed goes
on from there, to the same bytes, and one that was finished is read.
"""

import json
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.compare.arms import Arm, load_arms
from headwater.compare.budgets import LOOKS, RACE_VERSION, Budget, find_budget
from headwater.compare.found import Found
from headwater.compare.markdown import markdown
from headwater.compare.planning import plan_lines
from headwater.compare.preparation import Prepared, prepare
from headwater.compare.record import record_of
from headwater.compare.result import FORMAT, RESULT_VERSION, result_of
from headwater.compare.trainings import Group, Training, placebo_shares, run_trainings, trainings_of
from headwater.compare.variations import Variation
from headwater.engine.engines import LOCAL, Engine
from headwater.engine.stages import Task, run_stages
from headwater.engine.workspace import Entry, Output, Workspace, content_key, file_hash, read_json
from headwater.errors import RecipeError
from headwater.evaluate.summary import by_domain, domain_weights, summary_of
from headwater.pipeline.run import keep_snapshot
from headwater.pipeline.train import pool_files, require_torch
from headwater.recipe.quantities import show_count

NGRAM_BYTES = 32 * 10**6
NGRAM_VERSION = 1
MATCHINGS = ("token", "pool")


@dataclass(frozen=True)
class Comparison:
    """A finished comparison: `result` is the content of `path`, comparisons/<hash>/comparison.json."""

    workspace: Workspace
    folder: Path
    result: dict[str, Any]

    @property
    def path(self) -> Path:
        return self.folder / "comparison.json"


def compare(
    recipes: Sequence[Path | str],
    *,
    budget: str = "quick",
    workspace: Path | str | None = None,
    workers: int | None = None,
    overrides: Sequence[str] = (),
    margin: float | None = None,
    variations: Sequence[Variation] = (),
    race: bool = False,
    matching: str = "token",
    engine: Engine = LOCAL,
) -> Comparison:
    """Trains on each recipe, the first being the baseline, and says what the difference did.

    `margin`: a difference that would not matter, as a share (default: the budget's), declared before anything is
    trained. `variations`: of the first recipe, arms of their own. `race`: a candidate gets seeds until its effect is
    resolved, 8 at most. `matching`: token, or pool (the same input, so that an arm that keeps less repeats it).
    Raises RecipeError and HeadwaterError for recipes that cannot be compared, before any training.
    """
    chosen, arms, place, count = _asked(
        recipes, budget, overrides, variations, workspace, workers, matching=matching, engine=engine
    )
    declared = _margin(chosen, margin)
    require_torch()
    if chosen.device == "cuda":
        _require_cuda(chosen)
    command = _command(arms, chosen, overrides, margin, variations, race=race, matching=matching)
    for line in plan_lines(arms, chosen, place, workers=count, race=race, matching=matching, margin=declared):
        print(line, file=sys.stderr, flush=True)
    started = time.monotonic()
    with place.lease():
        place.event("compare", arms=[arm.name for arm in arms], budget=budget)
        prepared = prepare(arms, place, chosen, workers=count, matching=matching)
        trainings = trainings_of(prepared, place, chosen, race=race)
        rungs = _rungs(prepared, chosen)
        key = content_key(
            "comparison",
            [FORMAT, RESULT_VERSION],
            chosen.as_json(),
            declared,
            [race and RACE_VERSION, LOOKS, matching],
            [[arm.role, arm.recipe.model_dump(mode="json"), arm.file] for arm in arms],
            [arm.path.read_text(encoding="utf-8") for arm in arms],
            command,
            prepared.heldout.fingerprint,
            [[one.group.place, one.group.kind, one.seed, one.job.key] for one in trainings],
            [task.key for task in rungs.values()],
        )
        found = _stored(place, key)
        if found is None:
            runs = _train(prepared, place, chosen, trainings, rungs, count, race=race)
            result = result_of(prepared, runs, chosen, margin=declared, key=key, command=command)
            record = record_of(prepared, runs, margin=declared, budget=chosen.name)
            found = _commit(place, key, result, record)
            place.event("compared", hash=key, seconds=round(time.monotonic() - started, 1))
    return found


def plan_comparison(
    recipes: Sequence[Path | str],
    *,
    budget: str = "quick",
    overrides: Sequence[str] = (),
    workspace: Path | str | None = None,
    workers: int | None = None,
    variations: Sequence[Variation] = (),
    race: bool = False,
    matching: str = "token",
    engine: Engine = LOCAL,
    margin: float | None = None,
) -> list[str]:
    """What a comparison would do, how long it would take and what it could see; nothing is run."""
    chosen, arms, place, count = _asked(
        recipes, budget, overrides, variations, workspace, workers, matching=matching, engine=engine
    )
    return plan_lines(
        arms, chosen, place, workers=count, race=race, matching=matching, margin=_margin(chosen, margin)
    )


def _margin(budget: Budget, margin: float | None) -> float:
    """What is declared not to matter, as a share."""
    if margin is not None and not 0 < margin < 1:
        raise RecipeError(f"margin {100 * margin:g}%: expected more than 0% and less than 100%, such as 1%")
    return budget.margin if margin is None else margin


def _asked(
    recipes: Sequence[Path | str], budget: str, overrides: Sequence[str], variations: Sequence[Variation],
    workspace: Path | str | None, workers: int | None, *, matching: str, engine: Engine,
) -> tuple[Budget, tuple[Arm, ...], Workspace, int]:  # fmt: skip
    """Budget, arms, workspace and how many trainings run at once."""
    chosen = find_budget(budget, len(recipes) - 1 + len(variations))
    if matching not in MATCHINGS:
        raise RecipeError(f"matching {matching!r}: expected {' or '.join(MATCHINGS)}")
    arms = load_arms([Path(path) for path in recipes], chosen, overrides, variations)
    place = Workspace(workspace or arms[0].recipe.workspace_path, engine)
    alone = 1 if chosen.device == "cuda" and not engine.elsewhere else None
    return chosen, arms, place, engine.workers(alone if workers is None else workers)


def _require_cuda(budget: Budget) -> None:
    import torch

    if not torch.cuda.is_available():
        raise RecipeError(
            f"budget {budget.name} trains {budget.preset} on {show_count(budget.tokens)} tokens, which needs a CUDA "
            "device, and this machine has none; take --budget quick or standard"
        )


def _command(
    arms: Sequence[Arm], budget: Budget, overrides: Sequence[str], margin: float | None,
    variations: Sequence[Variation], *, race: bool, matching: str,
) -> str:  # fmt: skip
    """What to type in the first recipe's folder to get this comparison again."""
    files = [arm.file for arm in arms[: len(arms) - len(variations)]]
    words = ["headwater", "compare", *files]
    for variation in variations:
        words += variation.said.split(" ", 1)
    words += ["--budget", budget.name]
    for override in overrides:
        words += ["--set", override]
    if margin is not None:
        words += ["--margin", f"{100 * margin:g}"]
    if race:
        words.append("--race")
    if matching != "token":
        words += ["--matching", matching]
    return shlex.join(words)


# ---------------------------------------------------------------- rungs and trainings


def measured(
    arms: Sequence[Arm], budget: Budget, workspace: Workspace, workers: int
) -> tuple[Prepared, Found]:
    """Arms trained and scored without a verdict, one arm alone too: what a study asks for."""
    require_torch()
    prepared = prepare(arms, workspace, budget, workers=workers)
    trainings = trainings_of(prepared, workspace, budget, race=False)
    rungs = _rungs(prepared, budget)
    return prepared, _train(prepared, workspace, budget, trainings, rungs, workers, race=False)


def _rungs(prepared: Prepared, budget: Budget) -> dict[tuple[int, str | None], Task]:
    """The n-gram models: (arm, None) of a whole training set, (0, source) of the baseline's single sources.

    Each reads as much text as a training does, once.
    """
    tasks = {}
    sources = prepared.manifest(0)["tokens_by_source"]
    wanted: list[tuple[int, str | None]] = [(place, None) for place in range(len(prepared.arms))]
    wanted += [(0, source) for source in sorted(sources)] if len(sources) > 1 else []
    for place, source in wanted:
        manifest = prepared.manifest(place)
        read = round(budget.tokens * manifest["bytes"] / manifest["tokens"])
        training_set = prepared.outcomes[place].training_set
        assert training_set is not None
        arguments = {
            "training_set": str(training_set),
            "heldout": str(prepared.heldout.path()),
            "max_bytes": min(NGRAM_BYTES, read),
            "source": source,
        }
        key = content_key(
            "ngram",
            NGRAM_VERSION,
            manifest["key"],
            prepared.heldout.fingerprint,
            arguments["max_bytes"],
            source,
        )
        tasks[place, source] = Task(
            "scores",
            key,
            "headwater.evaluate.ngram:score_ngram",
            arguments,
            reads=pool_files(training_set, manifest),
        )
    return tasks


def _train(
    prepared: Prepared,
    workspace: Workspace,
    budget: Budget,
    trainings: list[Training],
    rungs: dict[tuple[int, str | None], Task],
    workers: int,
    *,
    race: bool,
) -> Found:
    """All that is not in the workspace yet: n-gram models, trainings, scores."""
    stages = {f"evaluations/{task.key[:12]}": [task] for task in rungs.values()}
    made = run_stages(workspace, stages, workers=workers, title="n-gram models")
    ngrams = {name: by_domain(made[f"evaluations/{task.key[:12]}"][0].here()) for name, task in rungs.items()}
    given = prepared.arms[0].recipe.evaluate.weights
    weights = domain_weights(
        {name: totals.language for name, totals in ngrams[0, None].items()}, given
    )  # frozen, and found right, before the first training
    own = {place: scored for (place, source), scored in ngrams.items() if source is None}
    positive = {domain: weight for domain, weight in weights.items() if weight > 0}
    # before the first training: should this be killed, `gc` keeps what there is
    workspace.used |= {str(one.job.folder.relative_to(workspace.path)) for one in trainings}
    for outcome in prepared.outcomes:
        keep_snapshot(outcome, compared=True)
    trained = run_trainings(trainings, prepared, workspace, budget, own, positive, race=race, workers=workers)
    arms = []
    for place, outcome in enumerate(prepared.outcomes):
        arms.append(trained.arm(Group(place), own[place]))
        outcome.runs = list(arms[-1].runs)
        outcome.scores = [summary_of(scored, given) for scored in arms[-1].scored]
        keep_snapshot(outcome, compared=True)
    shares = placebo_shares(prepared, budget)
    return Found(
        arms,
        {source: scored for (_, source), scored in ngrams.items() if source is not None},
        weights,
        {place: (share, trained.arm(Group(place, "placebo"), own[0])) for place, share in shares.items()},
        {
            factor: [trained.arm(Group(place, f"rate {factor:g}"), own[place]) for place in own]
            for factor in budget.rates
        },
        trained.looks if race else None,
    )


# ---------------------------------------------------------------- the workspace's copy


def _stored(workspace: Workspace, key: str) -> Comparison | None:
    """The finished comparison, if its files are what was committed."""
    stage = workspace.stage(f"comparisons/{key[:12]}")
    entry = stage.entry("comparison")
    if entry is None or entry.key != key:
        return None
    if any(file_hash(entry.here(suffix)) != record.xxh3 for suffix, record in entry.files.items()):
        return None
    return Comparison(workspace, stage.path, read_json(entry.path("json")))


def _commit(workspace: Workspace, key: str, result: dict[str, Any], record: dict[str, Any]) -> Comparison:
    stage = workspace.stage(f"comparisons/{key[:12]}")
    out = Output(stage.path, "comparison")
    text = json.dumps(result, ensure_ascii=False, indent=1) + "\n"
    out.path("json").write_text(text, encoding="utf-8")
    out.path("units.json").write_text(json.dumps(record, ensure_ascii=False) + "\n", encoding="utf-8")
    out.path("md").write_text(markdown(result), encoding="utf-8")
    entry: Entry = out.commit(key, {"labels": result["labels"]})
    stage.complete([entry])
    return Comparison(workspace, stage.path, json.loads(text))
