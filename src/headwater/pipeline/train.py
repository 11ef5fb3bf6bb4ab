"""Training sets to runs, runs to scores: `runs/<key>/` and `evaluations/<key>/`."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.engine.stages import Job, Task, run_jobs, run_stages
from headwater.engine.workspace import Entry, Workspace, content_key, file_hash, read_json
from headwater.errors import HeadwaterError
from headwater.model.words import words_version
from headwater.recipe import Recipe


@dataclass(frozen=True)
class Run:
    """One model trained from one training set and seed."""

    folder: Path
    seed: int
    result: dict[str, Any]


def require_torch() -> None:
    """Training needs the `train` extra; said before any work is done."""
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise HeadwaterError("training needs torch: install headwater[train]")


def train(
    recipe: Recipe,
    workspace: Workspace,
    training_set: Path,
    *,
    seeds: list[int],
    draw: float = 1.0,
    slots: int,
    title: str = "train",
    heldout: Entry | None = None,
) -> list[Run]:
    """One run a seed, `slots` at a time, each on one thread. Finished runs are not repeated, others resume.

    `draw` is the share of documents that each seed draws from the training set; `heldout` what the loss is taken on
    as it trains.
    """
    jobs = [
        training_job(recipe, workspace, training_set, seed=seed, draw=draw, heldout=heldout) for seed in seeds
    ]
    results = run_jobs(workspace, jobs, slots=slots, title=title)
    return [Run(job.folder, seed, result) for job, seed, result in zip(jobs, seeds, results, strict=True)]


def training_job(
    recipe: Recipe, workspace: Workspace, training_set: Path, *, seed: int, draw: float = 1.0,
    heldout: Entry | None = None,
) -> Job:  # fmt: skip
    """The job of one run; its key is the content of the training set and every setting that matters."""
    require_torch()
    manifest = read_json(training_set / "manifest.json")
    arguments: dict[str, Any] = {
        "model": recipe.model.model_dump(mode="json"),
        "train": recipe.train.model_dump(mode="json"),
        "seed": seed,
        "draw": draw,
    }
    gpus = arguments["train"].pop("gpus")  # where it is trained, not what comes of it
    checkpoint = None
    if recipe.model.path is not None:
        arguments["model"]["path"] = str(recipe.folder / recipe.model.path)
        checkpoint = [
            file_hash(file) for file in sorted((recipe.folder / recipe.model.path).glob("*.safetensors"))
        ]
    if recipe.train.validate_every is None:
        heldout = None
    if heldout is not None:
        arguments["heldout"] = str(heldout.path())
    how = ("path", "processes", "parallel")  # how it is found and trained, not what comes of it
    what = {name: {k: v for k, v in arguments[name].items() if k not in how} for name in ("model", "train")}
    seen = {} if heldout is None else {"heldout": heldout.fingerprint}
    words: tuple[int, ...] = ()
    if recipe.train.objective == "mlm" and recipe.train.whole_words:
        words = words_version((training_set / "tokenizer.json").read_text(encoding="utf-8"))
    key = content_key("run", 4, manifest["key"], {**arguments, **what, **seen}, checkpoint, *words)
    folder = workspace.path / "runs" / key[:12]
    return Job(
        f"{training_set.name} seed {seed}",
        key,
        "headwater.train.pretrain:pretrain",
        folder,
        {"training_set": str(training_set), **arguments},
        reads=pool_files(training_set, manifest),
        resources={"CPU": float(max(1, recipe.train.processes)), "GPU": gpus},
    )


def pool_files(training_set: Path, manifest: dict[str, Any]) -> tuple[str, ...]:
    """The tokens of a training set, which lie in its pool."""
    return tuple(os.path.normpath(training_set / shard["path"]) for shard in manifest["pool"])


def score(
    workspace: Workspace, runs: list[Path], heldout: Entry, *, workers: int, title: str = "evaluate"
) -> list[Entry]:
    """Bits per byte of each run on every held-out document: one `scores.parquet` a run."""
    stages = {}
    for run in runs:
        key = content_key("scores", 2, read_json(run / "job.json")["key"], heldout.fingerprint)
        arguments = {"run": str(run), "heldout": str(heldout.path())}
        task = Task("scores", key, "headwater.evaluate.bits_per_byte:score_run", arguments)
        stages[f"evaluations/{key[:12]}"] = [task]
    made = run_stages(workspace, stages, workers=workers, title=title)
    return [made[name][0] for name in stages]
