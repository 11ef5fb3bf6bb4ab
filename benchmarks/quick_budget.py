"""What *quick* costs: a comparison of three recipes, against the same trainings one after another, nothing shared.

    ./run bench quick_budget [--tokens 2M] [--documents 3000] [--alone 12]

The other side is what a careful person does without a comparison: for every training a workspace of its own, read,
measured, curated and tokenised again by as many workers, one training at a time on 2 threads, then its score. Both
sides train the same recipes, seeds and tokens, by the same jobs, and score the same text. `--alone` of the trainings
are made so, spread over the arms, and the rest counted like them; `--tokens` makes the trainings of both sides smaller,
and what is read, measured and tokenised weighs more then. Kernels are compiled before either is timed. Printed are
seconds of the clock and of CPU for each side and their ratios; bars: .5 of the clock on two idle cores, and 25 minutes
for the whole. Under load only CPU seconds count, and processors that are shared flatter neither side.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from peers import real_texts

from headwater.compare.arms import load_arms
from headwater.compare.budgets import BUDGETS, Budget
from headwater.compare.preparation import prepare
from headwater.compare.run import compare
from headwater.engine.stages import run_jobs
from headwater.engine.workers import end_idle
from headwater.engine.workspace import Workspace
from headwater.pipeline.train import score, training_job
from headwater.recipe.quantities import parse_count

SOURCES = {"en": ["corpora/books/novels-en/*.txt.gz"], "zh": ["corpora/books/books-zh/*.txt.gz"]}
RECIPE = """\
name: {name}
sources:
  - {{name: en, kind: files, paths: ["en.jsonl"], columns: {{text: text, unit: unit}}}}
  - {{name: zh, kind: files, paths: ["zh.jsonl"], columns: {{text: text, unit: unit}}}}
holdout: {{share: 0.2}}
curate: {{{curate}}}
evaluate: {{bytes_per_unit: 4kB}}
"""
ARMS = {
    "raw": "duplicates: null",
    "deduplicated": "duplicates: {exact: true, near: {similarity: 0.8}}",
    "curated": "preset: headwater",
}
BAR, MINUTES = 0.5, 25
WORKERS = 2


def measured(work: Callable[[], None]) -> tuple[float, float]:
    """Seconds of the clock, and of CPU in this process and its children, those that are kept for later ended."""

    def cpu() -> float:
        end_idle()  # only of children that have ended is it known
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(one.ru_utime + one.ru_stime for one in used)

    before, clock = cpu(), time.perf_counter()
    work()
    return time.perf_counter() - clock, cpu() - before


def in_trainings(workspace: Path) -> float:
    """Seconds of the clock in which its trainings ran."""
    seconds = last = 0.0
    for line in (workspace / "events.jsonl").read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if event["event"] == "job":
            seconds += event["time"] - last
        if event["event"] in ("jobs", "job"):
            last = event["time"]
    return seconds


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def write(folder: Path, documents: int) -> list[Path]:
    for language, texts in real_texts(SOURCES, documents, (500, 4000)).items():
        lines = [
            json.dumps({"text": text, "unit": f"{language}{number // 5}"}, ensure_ascii=False)
            for number, text in enumerate([*texts, *texts[: len(texts) // 5]])  # a fifth is there twice
        ]
        (folder / f"{language}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    paths = []
    for name, curate in ARMS.items():
        paths.append(folder / f"{name}.yaml")
        paths[-1].write_text(RECIPE.format(name=name, curate=curate), encoding="utf-8")
    return paths


def alone(path: Path, seed: int, budget: Budget, folder: Path) -> None:
    """One training with everything before and after it, in a workspace of its own."""
    workspace = Workspace(folder)
    arms = load_arms([path], budget, [])
    prepared = prepare(arms, workspace, budget, workers=WORKERS)
    [outcome] = prepared.outcomes
    assert outcome.training_set is not None
    job = training_job(arms[0].recipe, workspace, outcome.training_set, seed=seed, draw=prepared.draw)
    job = replace(job, arguments={**job.arguments, "threads": 2})
    run_jobs(workspace, [job], slots=1, title="train")
    score(workspace, [job.folder], prepared.heldout, workers=1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tokens", type=parse_count, default=BUDGETS["quick"].tokens)
    parser.add_argument("--documents", type=int, default=3000, help="of each language")
    parser.add_argument("--alone", type=int, default=12)
    options = parser.parse_args()
    whole, quick = BUDGETS["quick"], replace(BUDGETS["quick"], tokens=options.tokens)
    trainings = quick.trainings(2)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        say(f"texts: {options.documents:,} documents of each language")
        paths = write(folder, options.documents)
        (folder / "few").mkdir()
        say("kernels: one small training, not counted")
        alone(write(folder / "few", 60)[-1], 0, replace(quick, tokens=4 * quick.batch), folder / "warm")
        say(f"the comparison: {trainings} trainings of {options.tokens:,} tokens")
        BUDGETS["quick"] = quick
        ours = measured(
            lambda: void(compare(paths, budget="quick", workspace=folder / "ours", workers=WORKERS))
        )
        BUDGETS["quick"] = whole
        say(f"the comparison took {ours[0]:.0f} s, {ours[1]:.0f} of CPU")
        seeds = [(arm, seed) for seed in range(6) for arm in range(3) if seed < (3 if arm else 6)]
        theirs, trained = [0.0, 0.0], [in_trainings(folder / "ours"), 0.0]
        for number, (arm, seed) in enumerate(chosen := seeds[: options.alone], 1):
            workspace = folder / f"alone-{arm}-{seed}"
            cost = measured(partial(alone, paths[arm], seed, quick, workspace))
            theirs = [sum(pair) for pair in zip(theirs, cost, strict=True)]
            trained[1] += in_trainings(workspace)
            say(f"alone {number} of {len(chosen)}: {theirs[0]:.0f} s, {theirs[1]:.0f} of CPU so far")
    times = trainings / len(chosen)
    print(
        json.dumps(
            {
                "tokens": options.tokens,
                "trainings": trainings,
                "made alone": len(chosen),
                "quick, seconds": round(ours[0], 1),
                "quick, seconds of trainings": round(trained[0], 1),
                "quick, CPU seconds": round(ours[1], 1),
                "alone, seconds": round(times * theirs[0], 1),
                "alone, seconds of trainings": round(times * trained[1], 1),
                "alone, CPU seconds": round(times * theirs[1], 1),
                "clock": round(ours[0] / (times * theirs[0]), 3),
                "CPU": round(ours[1] / (times * theirs[1]), 3),
                "bar": BAR,
                "minutes": round(ours[0] / 60, 1),
                "minutes allowed": MINUTES,
                "load": [round(one, 1) for one in os.getloadavg()],
            },
            indent=1,
        )
    )


def void(_: object) -> None:
    """Nothing is made of a result here."""


if __name__ == "__main__":
    main()
