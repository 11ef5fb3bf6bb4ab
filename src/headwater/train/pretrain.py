"""Pre-training: one visible loop from a training set to a model.

    runs/<key>/config.json        what was asked for
               metrics.jsonl      the loss as it falls
               checkpoints/       the last two, whole or not there at all
               model/             weights (fp32) in Hugging Face's layout where that can hold them, tokeniser
               done.json          written last

A run that was killed goes on from its newest checkpoint and ends, on a CPU, with the same bytes as one that was
not: batches are a function of (seed, step), and weights a function of seed and batches.
"""

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from headwater.engine.workspace import commit_folder, read_json, write_json
from headwater.errors import HeadwaterError
from headwater.model import huggingface
from headwater.model.presets import resolve
from headwater.model.transformer import Transformer, parameters_without_embeddings
from headwater.train.checkpoint import load_newest, save
from headwater.train.metrics import Metrics
from headwater.train.objectives import OBJECTIVES
from headwater.train.optimizer import Optimizer
from headwater.train.precision import choose_device, choose_precision, prepare_cpu
from headwater.train.schedule import rate
from headwater.train.stream import Stream, read_manifest

VERSION = 1


def pretrain(
    folder: Path | str,
    *,
    training_set: str,
    model: dict[str, Any],
    train: dict[str, Any],
    seed: int,
    draw: float = 1.0,
    device: str = "auto",
    threads: int = 1,
) -> dict[str, Any]:
    """Trains one model into `folder`; what `done.json` then holds.

    `model` and `train` are the recipe's settings of these names. The seed sets initialisation, order and, with
    `draw` below 1, which share of the documents is seen. A finished folder is returned as it is. Raises
    HeadwaterError where the folder holds another run, the training set is too small, a token is not in the
    vocabulary, or the loss is no longer a number.
    """
    folder, source = Path(folder), Path(training_set)
    prepare_cpu(threads)
    place = choose_device(device)
    precision = choose_precision(train["precision"], place)
    manifest = read_manifest(source)
    config = resolve(model, manifest["vocabulary"])
    wanted = {
        "format": VERSION, "training_set": manifest["key"], "model": config.as_json(), "train": train, "seed": seed,
        "draw": draw, "precision": str(precision).removeprefix("torch."), "device": place.type,
    }  # fmt: skip
    _refuse_another_run(folder, wanted)
    if (done := read_json(folder / "done.json")) is not None:
        finished: dict[str, Any] = done
        return finished
    write_json(folder / "config.json", wanted)

    # ---- what the loop needs
    sequences = max(1, train["batch"] // config.context)
    batch_tokens = sequences * config.context
    steps = max(1, train["tokens"] // batch_tokens)
    stream = Stream(source, context=config.context, batch_sequences=sequences, seed=seed, draw=draw)
    network = Transformer(config, seed=seed).to(place)
    optimizer = Optimizer(network, kind=train["optimizer"], learning_rate=train["learning_rate"])
    network.to(precision)  # the optimiser has taken its fp32 masters
    objective = OBJECTIVES[train["objective"]]
    checkpoint_steps = max(1, round(train["checkpoint_every"] / batch_tokens))
    saved = load_newest(folder / "checkpoints")
    if saved is not None:
        optimizer.load(saved.tensors, saved.step)
    first = saved.step if saved else 0
    metrics = Metrics(folder / "metrics.jsonl", steps, batch_tokens, saved.state if saved else None)

    # ---- the loop
    with metrics:
        for step in range(first, steps):
            tokens = torch.from_numpy(stream.batch(step)).to(place)
            loss = objective(network, tokens)
            loss.backward()  # type: ignore[no-untyped-call]
            multiplier = rate(train["schedule"], step, steps)
            optimizer.step(multiplier)
            nats = loss.item()
            if not math.isfinite(nats):
                raise HeadwaterError(
                    f"{folder}: the loss is {nats} at step {step + 1} of {steps}, after {step * batch_tokens:,} tokens; "
                    f"lower train.learning_rate (it is {optimizer.rates.matrices:g} for matrices), or set "
                    "train.precision: fp32; what was trained before this step is in checkpoints/"
                )
            learning_rate = multiplier * optimizer.rates.matrices
            metrics.add(nats, learning_rate=learning_rate, epoch=max(stream.epochs(step + 1).values()))
            if (step + 1) % checkpoint_steps == 0 and step + 1 < steps:
                save(folder / "checkpoints", step + 1, optimizer.tensors(), metrics.state())

    # ---- the model, in the precision of the masters
    network.to(torch.float32)
    optimizer.write_back()
    huggingface.save(network, folder / ".model.tmp", tokenizer=source / "tokenizer.json")
    commit_folder(folder / ".model.tmp", folder / "model")
    epochs = stream.epochs(steps)
    result = {
        "format": VERSION,
        "tokens": steps * batch_tokens,
        "steps": steps,
        "documents": stream.documents,
        "epochs": epochs,
        "warnings": _warnings(epochs, manifest["max_epochs"]),
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "parameters_without_embeddings": parameters_without_embeddings(config),
        "loss": metrics.final_loss,  # nats a token, mean of the last 5% of the steps
        "bits": metrics.final_loss / math.log(2),
        "learning_rates": asdict(optimizer.rates),
        "precision": wanted["precision"],
        "device": place.type,
        "seconds": round(metrics.seconds, 3),
        "tokens_per_second": round(steps * batch_tokens / metrics.seconds),
    }
    write_json(folder / "done.json", result)
    return result


def _refuse_another_run(folder: Path, wanted: dict[str, Any]) -> None:
    """A folder holds one run: settings that differ would mix two."""
    there = read_json(folder / "config.json")
    if there is None or there == wanted:
        return
    before, after = _flat(there), _flat(wanted)
    differ = [key for key in sorted({*before, *after}) if before.get(key) != after.get(key)]
    changes = "; ".join(f"{key}: {before.get(key)} there, {after.get(key)} now" for key in differ[:3])
    raise HeadwaterError(
        f"{folder} holds a run with other settings ({changes}); train into another folder, or delete this one"
    )


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, item in value.items():
        flat.update(_flat(item, f"{prefix}{key}.") if isinstance(item, dict) else {prefix + key: item})
    return flat


def _warnings(epochs: dict[str, float], limit: float) -> list[str]:
    """Muennighoff 2023: up to 4 epochs are almost as good as fresh text, more are not."""
    return [
        f"{'the text' if source == 'all' else source} was repeated {count:.1f} times, above the limit of {limit:g}"
        for source, count in epochs.items()
        if count > limit
    ]
