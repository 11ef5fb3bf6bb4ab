"""What *quick* costs: a comparison of three recipes, against the same trainings one after another, nothing shared.

    ./run bench quick_budget [--tokens 2M] [--documents 3000] [--alone 12]

The other side is what a careful person does without a comparison: for every training a workspace of its own, read,
measured, curated and tokenised again, one training at a time on 2 threads, then its score. Both sides train the same
recipes, seeds and tokens. `--alone` of the trainings are made so, spread over the arms, and the rest counted like them;
`--tokens` makes both sides smaller by the same amount. Printed are seconds of the clock and of CPU for each side and
their ratios; bars: .5 of the clock on two idle cores, and 25 minutes for the whole. Under load only CPU seconds count.
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from peers import real_texts

from headwater.compare.arms import load_arms, prepare
from headwater.compare.budgets import BUDGETS
from headwater.compare.run import compare
from headwater.engine.workspace import Workspace
from headwater.pipeline.train import score, training_job
from headwater.recipe.quantities import parse_count
from headwater.train.pretrain import pretrain

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


def measured(work: Callable[[], None]) -> tuple[float, float]:
    """Seconds of the clock, and of CPU in this process and its children."""

    def cpu() -> float:
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(one.ru_utime + one.ru_stime for one in used)

    clock, before = time.perf_counter(), cpu()
    work()
    return time.perf_counter() - clock, cpu() - before


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


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tokens", type=parse_count, default=BUDGETS["quick"].tokens)
    parser.add_argument("--documents", type=int, default=3000, help="of each language")
    parser.add_argument("--alone", type=int, default=12)
    options = parser.parse_args()
    quick = replace(BUDGETS["quick"], tokens=options.tokens)
    BUDGETS["quick"] = quick
    trainings = quick.trainings(2)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        paths = write(folder, options.documents)
        ours = measured(lambda: void(compare(paths, budget="quick", workspace=folder / "ours", workers=2)))
        seeds = [(arm, seed) for seed in range(6) for arm in range(3) if seed < (3 if arm else 6)]
        chosen = seeds[: options.alone]

        def alone() -> None:
            for arm, seed in chosen:
                workspace = Workspace(folder / f"alone-{arm}-{seed}")
                arms = load_arms([paths[arm]], quick, [])
                prepared = prepare(arms, workspace, quick, workers=1)
                [outcome] = prepared.outcomes
                assert outcome.training_set is not None
                job = training_job(
                    arms[0].recipe, workspace, outcome.training_set, seed=seed, draw=prepared.draw
                )
                pretrain(job.folder, **job.arguments, threads=2)
                (job.folder / "job.json").write_text(json.dumps({"key": job.key, "result": {}}))
                score(workspace, [job.folder], prepared.heldout, workers=1)

        theirs = measured(alone)
    times = trainings / len(chosen)
    print(
        json.dumps(
            {
                "tokens": options.tokens,
                "trainings": trainings,
                "made alone": len(chosen),
                "quick, seconds": round(ours[0], 1),
                "quick, CPU seconds": round(ours[1], 1),
                "alone, seconds": round(times * theirs[0], 1),
                "alone, CPU seconds": round(times * theirs[1], 1),
                "clock": round(ours[0] / (times * theirs[0]), 3),
                "CPU": round(ours[1] / (times * theirs[1]), 3),
                "bar": BAR,
                "minutes": round(ours[0] / 60, 1),
                "minutes allowed": MINUTES,
            },
            indent=1,
        )
    )


def void(_: object) -> None:
    """Nothing is made of a result here."""


if __name__ == "__main__":
    main()
