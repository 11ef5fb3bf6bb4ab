"""A run and a task to a task model and its test score.

    tasks/<key>/          the task's items, a file a split
    finetunings/<key>/    a task model, of one seed and setting; or a search, its study and its best model
    tested/<key>/         predictions on the test split, of a task model or of the bag of words
    results/<key>/        result.json, result.md

Trainings read train and validation. The test split is read at the end, once for each seed of the setting that was
chosen; how many other settings have been scored on the same test split in this workspace is said in the result.
"""

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from headwater.engine.stages import Job, run_jobs
from headwater.engine.workers import default_workers
from headwater.engine.workspace import Workspace, content_key, file_hash, read_json, write_json
from headwater.errors import HeadwaterError, RecipeError
from headwater.pipeline import pretraining_text
from headwater.pipeline.pretraining_text import overlap_of
from headwater.pipeline.train import require_torch
from headwater.pipeline.zipped_task import archive_in, folder_of
from headwater.tasks.card import card_of, lines_of
from headwater.tasks.items import Item
from headwater.tasks.metrics import DECISIVE, difference
from headwater.tasks.task import Task, keep, read_split, read_task, smaller

VERSION = 2
MOST_TRIALS = 1000


@dataclass(frozen=True)
class Base:
    """What is fine-tuned: the folder of a model, and the workspace where things are kept."""

    folder: Path
    workspace: Workspace
    key: str  # of its weights


def base_of(run: Path, workspace: Path | str | None) -> Base:
    """A run's model, or a folder with one (ours, or from a hub). The workspace is the run's, unless another is named."""
    require_torch()
    missing = [name for name in ("sklearn", "optuna", "sacrebleu") if find_spec(name) is None]
    if missing:
        raise HeadwaterError(f"fine-tuning needs {', '.join(missing)}: install headwater[finetune]")
    from headwater.model.converse import model_folder

    folder = model_folder(run).resolve()
    if workspace is None:
        inside = folder.parent.parent.name == "runs"
        workspace = folder.parent.parent.parent if inside else Path("workspace")
    weights = [file_hash(path) for path in sorted(folder.glob("*.safetensors"))]
    return Base(folder, Workspace(workspace), content_key(weights, file_hash(folder / "tokenizer.json")))


def task_of(
    place: str, *, validation: Path | None = None, test: Path | None = None, kind: str | None = None,
    columns: Sequence[str] = (), items: int | None = None,
) -> Task:  # fmt: skip
    """A task by its place: a file, a folder, an archive or a folder in one, or `hf://…`, a data set of a hub or a folder
    in that layout. `items`: so many of train alone."""
    named: dict[str, str] = {}
    for column in columns:
        role, sign, name = column.partition("=")
        if not sign:
            raise RecipeError(f"--columns {column}: expected ROLE=NAME, as in text=review")
        if role.strip() in named:
            raise RecipeError(f"--columns: {role.strip()} is named twice")
        named[role.strip()] = name.strip()
    options: dict[str, Any] = {"validation": validation, "test": test, "kind": kind, "columns": named}
    task = _read(place, options)
    return task if items is None else smaller(task, items)


def _read(place: str, options: dict[str, Any]) -> Task:
    if place.startswith("hf://"):
        from headwater.pipeline.hub_task import files_of

        name = place.removeprefix("hf://").strip("/").split("/")[-1]
        return read_task(files_of(place), name=name, **options)
    if (archive := archive_in(place)) is not None:
        return read_task(folder_of(*archive), name=archive[0].stem, **options)
    return read_task(Path(place), **options)


def card_lines(base: Base, task: Task) -> list[str]:
    """What is in a task, for people."""
    from headwater.model.huggingface import read_config

    context = read_config(base.folder).context
    return lines_of(_card(base, task, context), context)


def card(run: Path, task: Task, *, workspace: Path | str | None = None) -> tuple[dict[str, Any], list[str]]:
    """What is in the task, as a record and in lines."""
    from headwater.model.huggingface import read_config

    base = base_of(run, workspace)
    context = read_config(base.folder).context
    with base.workspace.lease():
        made = _card(base, task, context)
    return made, lines_of(made, context)


def finetune(
    run: Path,
    task: Task,
    *,
    workspace: Path | str | None = None,
    settings: dict[str, Any] | None = None,
    trials: int = 0,
    seeds: int = 1,
    seed: int = 0,
    from_scratch: bool = False,
    workers: int | None = None,
    say: Callable[[list[str]], None] = lambda lines: None,
) -> dict[str, Any]:
    """Fine-tunes, and scores on test; the content of result.json. `say` is given the card before anything is trained.

    settings: learning_rate, epochs, batch, weight_decay, warmup, lora; what is not said is the default, or is searched
    in `trials` trials. seeds: task models of the chosen setting, whose test scores are averaged.
    """
    from headwater.model.huggingface import read_config
    from headwater.model.task_inputs import refuse_kind

    given = {name: value for name, value in (settings or {}).items() if value is not None}
    if seeds < 1 or not 0 <= trials <= MOST_TRIALS:
        raise RecipeError(
            f"--seeds {seeds} --search {trials}: at least one seed, and at most {MOST_TRIALS} trials"
        )
    base = base_of(run, workspace)
    config = read_config(base.folder)
    refuse_kind(task.kind, config.family)
    if given.get("lora", 0) > config.width:
        raise RecipeError(f"--lora {given['lora']}: more than the model's width of {config.width}")
    place, slots = base.workspace, default_workers() if workers is None else max(1, workers)
    with place.lease():
        card = _card(base, task, config.context)
        say(lines_of(card, config.context))
        folder = keep(task, place.path / "tasks")
        common = {"run": str(base.folder), "task": str(folder)}
        what = (base.key, task.key, given, from_scratch)
        found = None
        if trials:
            key = content_key("search", VERSION, *what, trials, seed)
            what_else = {"trials": trials, "seed": seed, "from_scratch": from_scratch}
            arguments = {**common, "settings": given, **what_else}
            job = _job(place, "finetunings", "search", key, "headwater.train.search:search", arguments)
            [found] = run_jobs(place, [job], slots=1, title=f"search, {trials} trials")
            given = found["settings"]
        jobs, searched = [], [job] if trials else []
        for number in range(seed, seed + seeds):
            key = content_key("finetune", VERSION, base.key, task.key, given, from_scratch, number)
            arguments = {**common, "settings": given, "seed": number, "from_scratch": from_scratch}
            function = "headwater.train.finetune:finetune"
            jobs.append(_job(place, "finetunings", f"seed {number}", key, function, arguments))
        trained = run_jobs(place, jobs, slots=slots, title="fine-tune")
        tests = [
            _job(place, "tested", job.name, content_key("test", VERSION, job.key),
                 "headwater.train.score_task:score_test", {"model": str(job.folder / "model"), "task": str(folder)})
            for job in jobs
        ]  # fmt: skip
        if task.kind == "classification":
            key = content_key("bag of words", VERSION, task.key)
            function = "headwater.train.score_task:score_baseline"
            tests.append(_job(place, "tested", "bag of words", key, function, {"task": str(folder)}))
        tested = run_jobs(place, tests, slots=slots, title="test")
        key = content_key("result", VERSION, [job.key for job in jobs], found)
        result = {
            "format": VERSION, "task": task.name, "kind": task.kind, "decisive": DECISIVE[task.kind],
            "model": str(base.folder), "family": config.family, "preset": config.preset, "from_scratch": from_scratch,
            "card": card, "search": found, "settings": trained[0]["settings"],
            "seeds": [
                {"seed": made["seed"], "folder": str(job.folder), "best_epoch": made["best_epoch"],
                 "validation": made["validation"], "test": scores}
                for job, made, scores in zip(jobs, trained, tested, strict=False)
            ],
            "test": _averaged(tested[:seeds]),
            "parameters": trained[0]["parameters"], "parameters_trained": trained[0]["parameters_trained"],
            "cut": trained[0]["cut"],
            "folders": folders_of(base, folder, [*searched, *jobs, *tests]),
        }  # fmt: skip
        if task.kind == "classification":
            result["bag_of_words"] = tested[-1]
            result["against_bag_of_words"] = _against(folder, tests[0].folder, tests[-1].folder)
            result["majority"] = _majority(task)
        result["scored_before"] = _scored_before(place, task.test_key, key)
        out = place.path / "results" / key[:12]
        write_json(out / "result.json", result)
        lines = [*lines_of(card, config.context), "", *result_lines(result)]
        (out / "result.md").write_text("\n".join(f"    {line}" for line in lines) + "\n", encoding="utf-8")
        place.event("finetune", task=task.name, result=str(out.relative_to(place.path)))
    return {**result, "folder": str(out)}


def _job(place: Workspace, room: str, name: str, key: str, function: str, arguments: dict[str, Any]) -> Job:
    return Job(name, key, function, place.path / room / key[:12], arguments)


def folders_of(base: Base, task: Path, jobs: Sequence[Job]) -> list[str]:
    """The folders of the workspace that a result rests on, which `gc` keeps: task, jobs, and the run if it is there."""
    root = base.workspace.path
    folders = [task, *(job.folder for job in jobs), base.folder.parent]
    return sorted({str(one.relative_to(root)) for one in folders if one.is_relative_to(root) and one != root})


def _card(base: Base, task: Task, context: int) -> dict[str, Any]:
    from headwater.model.tokenizer import Tokenizer

    tokenizer = Tokenizer.load(base.folder / "tokenizer.json")
    said = (task.key, task.name, task.files, task.notes, task.left_out)
    what = (VERSION, pretraining_text.VERSION, *said, base.key)
    known = base.workspace.path / "tasks" / f"card-{content_key(*what)[:12]}.json"
    kept: dict[str, Any] | None = read_json(known)
    if kept is None:
        kept = card_of(task, lambda text: len(tokenizer.encode(text)), context)
        kept["overlap"] = overlap_of(base.folder, base.workspace, tokenizer, task.splits["test"])
        write_json(known, kept)
    return kept


def _averaged(tested: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Over seeds: the mean, its interval over items (the mean of the seeds'), and the standard deviation over seeds."""
    made: dict[str, Any] = {}
    for name in tested[0]:
        values = [scores[name]["value"] for scores in tested]
        made[name] = {
            end: statistics.fmean(scores[name][end] for scores in tested) for end in ("value", "low", "high")
        }
        made[name]["sd_over_seeds"] = statistics.stdev(values) if len(values) > 1 else None
    return made


def _against(task: Path, ours: Path, theirs: Path) -> dict[str, Any]:
    """The first seed's test score less that of the bag of words, on the same items."""
    items: list[Item] = read_split(task, "test")
    found = difference("classification", items, _predictions(ours), _predictions(theirs))
    return found.as_json()


def _predictions(folder: Path) -> list[dict[str, Any]]:
    with (folder / "predictions.jsonl").open(encoding="utf-8", newline="\n", errors="surrogatepass") as lines:
        return [json.loads(line) for line in lines]


def _majority(task: Task) -> float:
    """Accuracy on test of saying always what is most frequent in train: what chance is here."""
    labels = [item.target for item in task.splits["train"]]
    answer = max(sorted(set(labels)), key=labels.count)
    return round(statistics.fmean(item.target == answer for item in task.splits["test"]), 6)


def _scored_before(place: Workspace, test: str, key: str) -> int:
    """How many other results of this workspace are of the same test split, whatever was trained on."""
    log = place.path / "results" / "tests.json"
    seen: dict[str, list[str]] = read_json(log) or {}
    others = [one for one in seen.get(test, []) if one != key]
    if key not in seen.get(test, []):
        write_json(log, {**seen, test: [*others, key]})
    return len(others)


def task_results(place: Workspace) -> list[dict[str, Any]]:
    """What models fine-tuned in this workspace have reached, by task, the best first; contents of result.json."""
    found = [read_json(path) for path in sorted((place.path / "results").glob("*/result.json"))]
    known = [one for one in found if one is not None and one.get("format") == VERSION]
    return sorted(known, key=lambda one: (one["task"], -one["test"][one["decisive"]]["value"]))


# ---------------------------------------------------------------- in words


def result_lines(result: dict[str, Any]) -> list[str]:
    name, test = result["decisive"], result["test"]
    shown = 1.0 if result["kind"] == "generation" else 100.0
    chosen = ", ".join(
        f"{key} {value:g}" for key, value in result["settings"].items() if isinstance(value, int | float)
    )
    lines = [
        f"model     {result['preset']} ({result['family']}), {'new weights' if result['from_scratch'] else 'pre-trained'}"
    ]
    if result["search"] is not None:
        search = result["search"]
        lines.append(f"search    {len(search['trials'])} trials on validation, {search['pruned']} pruned")
    share = result["parameters_trained"] / result["parameters"]
    lines.append(f"settings  {chosen}" + ("" if share > 0.99 else f"; {share:.1%} of the parameters trained"))
    for place, (score, value) in enumerate(test.items()):
        low, high = (shown * value[end] for end in ("low", "high"))
        spread = (
            ""
            if value["sd_over_seeds"] is None
            else f", SD over {len(result['seeds'])} seeds {shown * value['sd_over_seeds']:.1f}"
        )
        lines.append(
            f"{'test' if not place else '':<10}{score} {shown * value['value']:.1f} [{low:.1f}, {high:.1f}]{spread}"
        )
    if "bag_of_words" in result:
        bag, against = result["bag_of_words"], result["against_bag_of_words"]
        score = bag["test"][name]
        lines.append(
            f"words     bag of words {name} {100 * score['value']:.1f} [{100 * score['low']:.1f}, {100 * score['high']:.1f}] "
            f"({bag['units']}); majority {100 * result['majority']:.1f}"
        )
        lines.append(f"          {bag_sentence(against)}")
        if test[name]["low"] <= result["majority"]:
            lines.append(
                "          not above the majority label: the model has learnt nothing that test shows"
            )
    if result["cut"]:
        lines.append(
            f"cut       {result['cut']:,} training items lost their end: longer than the model's context"
        )
    if result["scored_before"]:
        lines.append(
            f"caution   {result['scored_before']} other settings were scored on this test split here; choosing among them "
            "by test is tuning on it"
        )
    return lines


def bag_sentence(against: dict[str, float]) -> str:
    """Who wins: the first seed's model or the bag of words."""
    value, low, high = (100 * against[end] for end in ("value", "low", "high"))
    interval = f"{value:+.1f} points [{low:+.1f}, {high:+.1f}]"
    if high < 0:
        return f"the bag of words wins: the model is at {interval}"
    if low > 0:
        return f"the model wins: {interval}"
    return f"model and bag of words cannot be told apart: {interval}"
