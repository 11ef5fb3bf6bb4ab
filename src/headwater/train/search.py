"""Hyperparameters by Optuna, on validation: TPE (Bergstra 2011), pruned at the median, kept and taken up again.

The study is a journal file in the job's folder: lines of JSON, no pickle and no database. Each trial's sampler is made
anew from (seed, number of trials that ended), so that a search that was killed goes on with the same proposals; the
trial that was running is run again. The winner is that of the highest validation score, of equals the first.
"""

import shutil
from pathlib import Path
from typing import Any

from headwater.engine.progress import report
from headwater.engine.workspace import commit_folder, read_json, write_json
from headwater.errors import HeadwaterError
from headwater.model.converse import model_folder
from headwater.model.huggingface import read_config
from headwater.tasks.metrics import decisive
from headwater.tasks.task import read_about, read_split
from headwater.train.finetune import Diverged, Pruned, finetune, settings_of

TRIAL = "trial.json"  # in `best/`: which trial's model it is
STARTING = 5  # trials drawn at random before TPE models them, and before anything is pruned


def search(
    folder: Path,
    *,
    run: str,
    task: str,
    settings: dict[str, Any],
    trials: int,
    seed: int,
    labels: int | None = None,
    from_scratch: bool = False,
) -> dict[str, Any]:
    """Runs what is missing of so many trials; {"settings": of the best, "trials": [...]}; its model is in `best/`.

    Settings that are given are not searched. Varied: learning rate (a quarter to eight times the default), epochs,
    batch, weight decay. `from_scratch`: of the same model with new weights.
    """
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    for lock in folder.glob("study.journal.lock*"):  # of a process that was killed
        lock.unlink()
    _cut_off_half_a_line(folder / "study.journal")
    journal = str(folder / "study.journal")
    storage = JournalStorage(JournalFileBackend(journal, lock_obj=JournalFileOpenLock(journal)))
    kind = read_about(Path(task))["kind"]
    config = read_config(model_folder(Path(run)))
    number = len(read_split(Path(task), "train")) if labels is None else labels
    usual = settings_of(settings, kind, config.width, number)
    asked: dict[str, Any] = {
        "run": run, "task": task, "seed": seed, "labels": labels, "from_scratch": from_scratch,
    }  # fmt: skip
    study = optuna.create_study(
        storage=storage, study_name="search", direction="maximize", load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTING, n_warmup_steps=1),
    )  # fmt: skip
    for left in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(left.number, state=optuna.trial.TrialState.FAIL)
    ended = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)

    place = folder / "trial"

    def keep_best(number_of_trial: int) -> None:
        write_json(place / TRIAL, number_of_trial)
        commit_folder(place, folder / "best")

    while (done := len(study.get_trials(states=ended))) < trials:
        report(done, trials)
        study.sampler = optuna.samplers.TPESampler(seed=seed * 10_000 + done, n_startup_trials=STARTING)
        trial = study.ask()
        tried = _proposed(trial, settings, usual)

        def watch(epoch: int, score: float, trial: Any = trial) -> None:
            trial.report(score, epoch)
            if trial.should_prune():
                raise Pruned

        shutil.rmtree(place, ignore_errors=True)
        try:
            result = finetune(place, settings=tried, watch=watch, **asked)
        except (Pruned, Diverged):
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(trial, result["validation"][decisive(kind)])
            if study.best_trial.number == trial.number:
                keep_best(trial.number)
    if (
        any(study.get_trials(states=ended[:1]))
        and read_json(folder / "best" / TRIAL) != study.best_trial.number
    ):
        # killed after the trial was told of, and before its model was kept: the same settings give the same model
        shutil.rmtree(place, ignore_errors=True)
        best_settings = _proposed(optuna.trial.FixedTrial(study.best_trial.params), settings, usual)
        finetune(place, settings=best_settings, **asked)
        keep_best(study.best_trial.number)
    shutil.rmtree(place, ignore_errors=True)
    rows = [
        {"trial": place, "settings": one.params, "validation": one.value, "pruned": one.value is None,
         "epochs_seen": len(one.intermediate_values)}
        for place, one in enumerate(study.get_trials(states=ended))
    ]  # fmt: skip
    best = read_json(folder / "best" / "done.json")
    if best is None:
        raise HeadwaterError(
            f"none of {trials} trials ended with a loss that is a number; give a lower --learning-rate"
        )
    return {"settings": best["settings"], "validation": best["validation"], "trials": rows,
            "pruned": sum(row["pruned"] for row in rows)}  # fmt: skip


def _cut_off_half_a_line(journal: Path) -> None:
    """What a killed process has not written to its end: whatever came behind it would be read as one line with it."""
    if journal.is_file() and (data := journal.read_bytes()) and not data.endswith(b"\n"):
        with journal.open("r+b") as file:
            file.truncate(data.rfind(b"\n") + 1)


def _proposed(trial: Any, given: dict[str, Any], usual: Any) -> dict[str, Any]:
    tried = dict(given)
    if given.get("learning_rate") is None:
        rate = usual.learning_rate
        tried["learning_rate"] = trial.suggest_float("learning_rate", rate / 4, rate * 8, log=True)
    if given.get("epochs") is None:
        tried["epochs"] = trial.suggest_int("epochs", max(1, usual.epochs // 2), usual.epochs * 2)
    if given.get("batch") is None:
        tried["batch"] = trial.suggest_categorical("batch", sorted({usual.batch, 16, 32, 64}))
    if given.get("weight_decay") is None:
        tried["weight_decay"] = trial.suggest_float("weight_decay", 1e-3, 0.3, log=True)
    return tried
