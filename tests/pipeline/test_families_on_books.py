"""Each family, on real books, English and Chinese, from the command line: the loss falls, a kill in the middle costs
nothing but time, and transformers loads what comes out and finds our loss on the training's own batch."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from headwater.model import huggingface
from headwater.model.tokenizer import Tokenizer
from headwater.train.objectives import OBJECTIVES, Batch, batch_loss, objective_of
from headwater.train.stream import Stream

COMMAND = [sys.executable, "-c", "from headwater.cli import main; main()"]
BOOKS = {
    "en": ("novels-en", ["Burnett_P*", "Morris_*", "Doyle_H*"]),
    "zh": ("books-zh", ["呐喊*", "且介亭杂文*"]),
}
PRESETS = {"gpt": "llama-nano", "bert": "bert-nano", "xlnet": "xlnet-nano", "t5": "t5-nano"}
CLASSES = {"bert": "AutoModelForMaskedLM", "xlnet": "AutoModelForCausalLM", "t5": "AutoModelForSeq2SeqLM",
           "gpt": "AutoModelForCausalLM"}  # fmt: skip
RECIPE = """\
name: books
sources:
  - {{name: books, kind: books, paths: ["books/*"]}}
holdout: {{share: 0.4}}
tokenizer: {{vocabulary: 2048}}
model: {{family: gpt, preset: llama-nano}}
train: {{tokens: {tokens}, batch: 2k, checkpoint_every: {every}, validate_every: {every}, validation_tokens: 4k}}
"""
TOKENS = int(os.environ.get("HEADWATER_BOOKS_TOKENS", 120_000))


@pytest.fixture(scope="module", params=BOOKS)
def books(request: pytest.FixtureRequest, real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe's folder with a few books of one language; its workspace serves all families."""
    place = tmp_path_factory.mktemp(request.param)
    (place / "books").mkdir()
    name, patterns = BOOKS[request.param]
    for pattern in patterns:
        for path in (real_data / "corpora" / "books" / name).glob(pattern):
            shutil.copy(path, place / "books")
    (place / "recipe.yaml").write_text(RECIPE.format(tokens=TOKENS, every=TOKENS // 6), encoding="utf-8")
    return place


def train(place: Path, family: str) -> subprocess.Popen[bytes]:
    named = {"model.family": family, "model.preset": PRESETS[family], "train.objective": objective(family)}
    settings = [part for name, value in named.items() for part in ("--set", f"{name}={value}")]
    return subprocess.Popen([*COMMAND, "train", "recipe.yaml", *settings, "--workers", "1", "--json"], cwd=place,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip


def objective(family: str) -> str:
    return next(name for name, learner in OBJECTIVES.items() if learner == family)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("family", PRESETS)
def test_a_family_learns_from_books(family: str, books: Path) -> None:
    transformers = pytest.importorskip("transformers")
    before = set((books / "workspace" / "runs").glob("*"))
    killed = train(books, family)
    while killed.poll() is None:  # until there is a checkpoint
        if any(books.glob("workspace/runs/*/checkpoints/step-*/state.json")) and any(
            path not in before and any(path.glob("checkpoints/step-*/state.json"))
            for path in (books / "workspace" / "runs").glob("*")
        ):
            killed.send_signal(signal.SIGKILL)
        time.sleep(0.05)
    assert killed.wait() == -signal.SIGKILL
    [run] = set((books / "workspace" / "runs").glob("*")) - before
    assert not (run / "done.json").exists()
    ended = train(books, family)
    _, said = ended.communicate()
    assert ended.returncode == 0, said.decode()
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, len(lines) + 1)), (
        "no step is missing or done twice"
    )
    held = [line["validation_loss"] for line in lines if "validation_loss" in line]
    assert lines[-1]["loss"] < lines[0]["loss"] - 0.5 and held[-1] < held[0]

    # the training's own objective on its own text, by both
    done = json.loads((run / "done.json").read_text())
    settings = json.loads((run / "config.json").read_text())
    training_set = next(path for path in (books / "workspace" / "training-sets").glob("*")
                        if json.loads((path / "manifest.json").read_text())["key"] == settings["training_set"])  # fmt: skip
    coder = Tokenizer.load(training_set / "tokenizer.json")
    made = objective_of(objective(family), family=family, context=128, vocabulary=coder.vocabulary,
                        separator=coder.separator, tokenizer=coder)  # fmt: skip
    stream = Stream(training_set, context=made.text_tokens, batch_sequences=4, seed=0, between=made.between)
    batch = made.make(stream.batch(0), stream.keys(0))
    with torch.no_grad():
        ours = batch_loss(huggingface.load(run / "model"), batch.on("cpu")).item()
        model = getattr(transformers, CLASSES[family]).from_pretrained(run / "model").eval()
        theirs = their_loss(family, model, batch)
    print(f"\n{books.name[:2]} {family}: {lines[0]['loss']:.3f} -> {lines[-1]['loss']:.3f}, held-out {held[0]:.3f} -> {held[-1]:.3f} in "
          f"{done['steps']} steps, {done['tokens_per_second']:,} tokens/s; loss {ours:.6f}, transformers' {theirs:.6f}")  # fmt: skip
    assert theirs == pytest.approx(ours, abs=1e-4)
    assert (
        transformers.AutoTokenizer.from_pretrained(run / "model").decode(coder.encode("源头 river"))
        is not None
    )


def their_loss(family: str, model: Any, batch: Batch) -> float:
    given = batch.on("cpu")
    tokens, targets = given["tokens"], given["targets"]
    if family == "t5":
        return float(model(input_ids=tokens, labels=targets).loss)
    if family == "gpt":
        return float(F.cross_entropy(model(input_ids=tokens).logits.flatten(0, 1), targets.flatten()))
    if family == "bert":
        return float(
            F.cross_entropy(model(input_ids=tokens).logits.flatten(0, 1)[given["predicted"]], targets)
        )
    # a position may not look at those that come with it in the order or later; its own content is hidden from its query
    order, at = given["order"], given["at"]
    hidden = (order[:, None] >= order.clamp(min=1)[:, :, None]).float()
    mapping = F.one_hot(at, tokens.size(1)).float()
    logits = model(input_ids=tokens, perm_mask=hidden, target_mapping=mapping).logits
    return float(F.cross_entropy(logits.flatten(0, 1)[given["predicted"]], targets))
