"""Trainings whose training set is in an object store, as jobs on machines that see nothing else: by two processes the
losses are those of one, and a run whose machine is lost goes on elsewhere, with another number of processes."""

import json
import multiprocessing
import random
import time
from pathlib import Path

import fsspec
import psutil
import pytest

from headwater import api
from headwater.engine import nodes
from headwater.engine.nodes import Parcel, parcel_of, take_in, work
from headwater.engine.workers import Call
from headwater.pipeline.train import training_job
from headwater.recipe import load_recipe
from headwater.train.pretrain import pretrain

TOLERANCE = 1e-5


def metrics(folder: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (folder / "metrics.jsonl").read_text().splitlines()]


def _work_and_send_often(parcel: Parcel) -> None:
    """On a machine that is to be lost."""
    nodes.JOB_SENT_SECONDS = 0.1
    work(parcel)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_processes_train_as_one_and_one_goes_on_where_two_were_lost(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(3)
    rows = [
        {"text": "".join(chr(0x4E00 + draw.randrange(300)) for _ in range(200)) + "。"} for _ in range(150)
    ]
    (tmp_path / "文.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe_path = tmp_path / "recipe.yaml"
    recipe_path.write_text(
        f"sources: [{{name: t, kind: files, paths: [文.jsonl]}}]\nworkspace: s3://{bucket}/ws\n"
        "signals: {families: [language, length]}\nholdout: {share: 0}\n"
        "curate: {preset: null, duplicates: null, decontaminate: null}\ntokenizer: {vocabulary: 400}\n"
        "model: {layers: 2, width: 32, heads: 2, context: 64}\n"
        "train: {tokens: 160000, batch: 4096, checkpoint_every: 8192, precision: fp32, optimizer: adamw}\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("HEADWATER_CACHE", str(tmp_path / "one"))
    outcome = api.curate(recipe_path, workers=1)
    assert outcome.training_set is not None

    def call_of(processes: int, name: str) -> Call:
        recipe = load_recipe(recipe_path, [f"train.processes={processes}"])
        job = training_job(recipe, outcome.workspace, outcome.training_set, seed=0)
        return Call(
            ("train", name), "headwater.engine.stages:_run_job", {"folder": str(job.folder), "job": job}
        )

    [alone, shared] = [call_of(1, "alone").arguments["job"], call_of(2, "shared").arguments["job"]]
    assert alone.key == shared.key and shared.resources["CPU"] == 2
    expected = tmp_path / "alone"
    pretrain(expected, **alone.arguments)

    # on a machine that has nothing of it
    monkeypatch.setenv("HEADWATER_CACHE", str(tmp_path / "two"))
    call = call_of(2, "shared")
    take_in(outcome.workspace, call, work(parcel_of(outcome.workspace, call, job=True)), lambda *_: None)
    assert metrics(shared.folder) == pytest.approx(metrics(expected), abs=TOLERANCE)
    assert not list((tmp_path / "two" / "headwater" / "calls").iterdir())

    # on one that is lost, and then on another
    monkeypatch.setenv("HEADWATER_CACHE", str(tmp_path / "three"))
    lost = multiprocessing.get_context("spawn").Process(
        target=_work_and_send_often, args=(parcel_of(outcome.workspace, call, job=True),)
    )
    lost.start()
    files, record = fsspec.filesystem("s3"), f"{bucket}/ws/jobs/{shared.key}.json"
    while not (files.exists(record) and b"checkpoints/" in files.cat_file(record)):
        assert lost.is_alive(), "it ended before a checkpoint was sent"
        time.sleep(0.1)
    for process in [*psutil.Process(lost.pid).children(recursive=True), psutil.Process(lost.pid)]:
        process.kill()
    lost.join()
    steps = max(
        int(name.partition("step-")[2].partition("/")[0])
        for name in json.loads(files.cat_file(record))
        if "step-" in name
    )
    monkeypatch.setenv("HEADWATER_CACHE", str(tmp_path / "four"))
    call = call_of(1, "resumed")
    answer = work(parcel_of(outcome.workspace, call, job=True))
    assert answer.error is None and answer.files is not None
    take_in(outcome.workspace, call, answer, lambda *_: None)
    assert metrics(alone.folder) == pytest.approx(metrics(expected), abs=TOLERANCE)
    assert steps > 0 and not files.exists(record)
