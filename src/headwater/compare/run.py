"""`headwater compare`: from recipes to a verdict.

    arms (ingest, measure, curate, one tokeniser, one pool, a training set each)
      -> a byte 5-gram an arm -> trainings, arms x seeds, as jobs -> scores -> inference
      -> comparisons/<hash>/comparison.json, comparison.md

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

from headwater.compare.arms import Arm, Prepared, load_arms, prepare
from headwater.compare.budgets import Budget, find_budget
from headwater.compare.markdown import markdown
from headwater.compare.result import FORMAT, ArmRuns, Found, result_of
from headwater.engine.local import Job, Task, default_workers, run_jobs, run_stages
from headwater.engine.workspace import Entry, Output, Workspace, content_key, file_hash, read_json
from headwater.errors import RecipeError
from headwater.evaluate.summary import by_domain, domain_weights, summarise
from headwater.pipeline.run import keep_snapshot
from headwater.pipeline.train import Run, require_torch, score, training_job
from headwater.recipe.quantities import show_count

NGRAM_BYTES = 32 * 10**6
NGRAM_VERSION = 1


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
) -> Comparison:
    """Trains on each recipe, the first being the baseline, and says what the difference did.

    `margin`: a difference that would not matter, as a share (default: the budget's), declared before anything is
    trained. Raises RecipeError and HeadwaterError for recipes that cannot be compared, before any training.
    """
    chosen = find_budget(budget, len(recipes) - 1)
    if margin is not None and not 0 < margin < 1:
        raise RecipeError(f"margin {100 * margin:g}%: expected more than 0% and less than 100%, such as 1%")
    arms = load_arms([Path(path) for path in recipes], chosen, overrides)
    require_torch()
    place = Workspace(workspace or arms[0].recipe.workspace_path)
    count = default_workers() if workers is None else workers
    command = _command(arms, chosen, overrides, margin)
    for line in _plan(arms, chosen, place, count):
        print(line, file=sys.stderr, flush=True)
    started = time.monotonic()
    with place.lease():
        place.event("compare", arms=[arm.name for arm in arms], budget=budget)
        prepared = prepare(arms, place, chosen, workers=count)
        jobs = _jobs(prepared, place, chosen)
        rungs = _rungs(prepared, chosen)
        declared = chosen.margin if margin is None else margin
        key = content_key(
            "comparison",
            FORMAT,
            chosen.as_json(),
            declared,
            [[arm.role, arm.recipe.model_dump(mode="json"), arm.file] for arm in arms],
            [arm.path.read_text(encoding="utf-8") for arm in arms],
            command,
            prepared.heldout.fingerprint,
            [[job.name, job.key] for _, _, job in jobs],
            [task.key for task in rungs.values()],
        )
        found = _stored(place, key)
        if found is None:
            runs = _train(prepared, place, chosen, jobs, rungs, count)
            result = result_of(prepared, runs, chosen, margin=declared, key=key, command=command)
            found = _commit(place, key, result)
            place.event("compared", hash=key, seconds=round(time.monotonic() - started, 1))
    return found


def plan_comparison(
    recipes: Sequence[Path | str],
    *,
    budget: str = "quick",
    overrides: Sequence[str] = (),
    workspace: Path | str | None = None,
    workers: int | None = None,
) -> list[str]:
    """What a comparison would do and how long it would take; nothing is run."""
    chosen = find_budget(budget, len(recipes) - 1)
    arms = load_arms([Path(path) for path in recipes], chosen, overrides)
    place = Workspace(workspace or arms[0].recipe.workspace_path)
    return _plan(arms, chosen, place, default_workers() if workers is None else workers)


def _plan(arms: Sequence[Arm], budget: Budget, workspace: Workspace, workers: int) -> list[str]:
    trainings = sum(budget.seeds(arm.role) for arm in arms)
    minutes = budget.seconds(len(arms) - 1, workers) / 60
    tokenizer = arms[0].recipe.tokenizer
    tokens = f"vocabulary {budget.vocabulary:,}" if tokenizer.path is None else f"tokens of {tokenizer.path}"
    lines = [f"workspace {workspace.path}"]
    lines += [f"{arm.role:<9} {arm.name}: {budget.seeds(arm.role)} seeds" for arm in arms]
    lines.append(
        f"budget    {budget.name}: {trainings} trainings of {show_count(budget.tokens)} tokens, {budget.preset}, "
        f"{min(workers, trainings)} at a time"
    )
    lines.append(f"          {tokens}; all this in the place of the recipes' own")
    lines.append(
        f"time      about {max(1, round(minutes))} min and what reading takes; what is made already is kept"
    )
    return lines


def _command(arms: Sequence[Arm], budget: Budget, overrides: Sequence[str], margin: float | None) -> str:
    """What to type in the first recipe's folder to get this comparison again."""
    words = ["headwater", "compare", *(arm.file for arm in arms), "--budget", budget.name]
    for override in overrides:
        words += ["--set", override]
    if margin is not None:
        words += ["--margin", f"{100 * margin:g}"]
    return shlex.join(words)


# ---------------------------------------------------------------- trainings and rungs


def _jobs(prepared: Prepared, workspace: Workspace, budget: Budget) -> list[tuple[int, int, Job]]:
    """(place of the arm, seed, job); seed by seed, so that early results speak of all arms.

    Seeds are the recipe's and those after it, the same for every arm: equal seeds share initialisation and draw.
    """
    jobs = []
    first = prepared.arms[0].recipe.seed
    for number in range(max(budget.seeds_baseline, budget.seeds_candidate)):
        for place, (arm, outcome) in enumerate(zip(prepared.arms, prepared.outcomes, strict=True)):
            if number < budget.seeds(arm.role):
                assert outcome.training_set is not None
                seed = first + number
                job = training_job(arm.recipe, workspace, outcome.training_set, seed=seed, draw=prepared.draw)
                jobs.append((place, seed, job))
    return jobs


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
        arguments = {
            "training_set": str(prepared.outcomes[place].training_set),
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
        tasks[place, source] = Task("scores", key, "headwater.evaluate.ngram:score_ngram", arguments)
    return tasks


def _train(
    prepared: Prepared,
    workspace: Workspace,
    budget: Budget,
    jobs: list[tuple[int, int, Job]],
    rungs: dict[tuple[int, str | None], Task],
    workers: int,
) -> Found:
    """All that is not in the workspace yet: n-gram models, trainings, scores."""
    stages = {f"evaluations/{task.key[:12]}": [task] for task in rungs.values()}
    made = run_stages(workspace, stages, workers=workers, title="n-gram models")
    ngrams = {name: by_domain(made[f"evaluations/{task.key[:12]}"][0].path()) for name, task in rungs.items()}
    weights = domain_weights(
        {name: totals.language for name, totals in ngrams[0, None].items()},
        prepared.arms[0].recipe.evaluate.weights,
    )  # frozen, and found right, before the first training
    results = run_jobs(workspace, [job for _, _, job in jobs], slots=workers, title="train")
    runs = [Run(job.folder, seed, result) for (_, seed, job), result in zip(jobs, results, strict=True)]
    scores = score(workspace, [run.folder for run in runs], prepared.heldout, workers=workers, title="score")
    arms = []
    for place, (arm, outcome) in enumerate(zip(prepared.arms, prepared.outcomes, strict=True)):
        own = [number for number, (of, _, _) in enumerate(jobs) if of == place]
        outcome.runs = [runs[number] for number in own]
        outcome.scores = [summarise(scores[number].path(), arm.recipe.evaluate.weights) for number in own]
        scored = [by_domain(scores[number].path()) for number in own]
        arms.append(ArmRuns(outcome.runs, scored, ngrams[place, None]))
        keep_snapshot(outcome)
    sources = {source: scored for (_, source), scored in ngrams.items() if source is not None}
    return Found(arms, sources, weights)


# ---------------------------------------------------------------- the workspace's copy


def _stored(workspace: Workspace, key: str) -> Comparison | None:
    """The finished comparison, if its files are what was committed."""
    stage = workspace.stage(f"comparisons/{key[:12]}")
    entry = stage.entry("comparison")
    if entry is None or entry.key != key:
        return None
    if any(file_hash(entry.path(suffix)) != record.xxh3 for suffix, record in entry.files.items()):
        return None
    return Comparison(workspace, stage.path, read_json(entry.path("json")))


def _commit(workspace: Workspace, key: str, result: dict[str, Any]) -> Comparison:
    stage = workspace.stage(f"comparisons/{key[:12]}")
    out = Output(stage.path, "comparison")
    text = json.dumps(result, ensure_ascii=False, indent=1) + "\n"
    out.path("json").write_text(text, encoding="utf-8")
    out.path("md").write_text(markdown(result), encoding="utf-8")
    entry: Entry = out.commit(key, {"labels": result["labels"]})
    stage.complete([entry])
    return Comparison(workspace, stage.path, json.loads(text))
