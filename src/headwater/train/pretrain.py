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
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from headwater.engine.workspace import commit_folder, file_hash, read_json, write_json
from headwater.errors import HeadwaterError, RecipeError
from headwater.model import huggingface
from headwater.model.config import ModelConfig
from headwater.model.presets import resolve
from headwater.model.tokenizer import Tokenizer
from headwater.model.transformer import Transformer, parameters_without_embeddings
from headwater.train import parallel
from headwater.train.checkpoint import load_newest, save
from headwater.train.machine import matrix_rate
from headwater.train.metrics import Metrics
from headwater.train.objectives import Batch, Objective, objective_of
from headwater.train.optimizer import Optimizer
from headwater.train.precision import choose_device, choose_precision, prepare_cpu
from headwater.train.schedule import rate
from headwater.train.step import flops, gradients
from headwater.train.stream import Stream, read_manifest
from headwater.train.validation import validation_batches, validation_loss

VERSION = 4  # 4: lower rates of `modern`; 3: held-out loss and utilisation in the record
SHARED = ("processes", "parallel")  # how the work is shared, not what comes of it


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
    heldout: str | None = None,
) -> dict[str, Any]:
    """Trains one model into `folder`; what `done.json` then holds.

    `model` and `train` are the recipe's settings of these names; `heldout`, where given, is a Parquet file (id, text)
    to take the loss on as often as `train` says. The seed sets initialisation, order and, with `draw` below 1, which
    share of the documents is seen. A finished folder is returned as it is. Raises HeadwaterError where the folder
    holds another run, the training set is too small, a token is not in the vocabulary, or the loss is no longer a
    number; RecipeError where family and objective, or batch and processes, do not belong together.
    """
    folder, source = Path(folder), Path(training_set)
    if train.get("processes", 1) > 1 and "RANK" not in os.environ:
        return parallel.start(folder, {"training_set": training_set, "model": model, "train": train, "seed": seed,
                                       "draw": draw, "device": device, "threads": threads, "heldout": heldout},
                              train["processes"])  # fmt: skip
    prepare_cpu(threads)
    place = parallel.join(choose_device(device))
    rank, world = parallel.ranks()
    precision = choose_precision(train["precision"], place)
    manifest = read_manifest(source)
    network, checkpoint = _model(model, manifest, seed)
    config = network.config
    context = min(model.get("context") or config.context, config.context)
    objective = _objective(train, config, context, manifest, source)
    wanted = {
        "format": VERSION, "training_set": manifest["key"], "model": config.as_json(), "checkpoint": checkpoint,
        "context": context, "train": {name: value for name, value in train.items() if name not in SHARED},
        "seed": seed, "draw": draw, "precision": str(precision).removeprefix("torch."), "device": place.type,
    }  # fmt: skip
    _refuse_another_run(folder, wanted)
    if (done := read_json(folder / "done.json")) is not None:
        finished: dict[str, Any] = done
        return finished

    # ---- what the loop needs
    sequences = max(1, train["batch"] // context)
    a_pass = max(1, (train.get("micro_batch") or train["batch"]) // context)
    batch_tokens = sequences * objective.text_tokens
    steps = max(1, train["tokens"] // batch_tokens)
    stream = Stream(
        source, context=objective.text_tokens, batch_sequences=sequences, seed=seed, draw=draw, between=objective.between
    )  # fmt: skip
    network.to(place)
    if sharded := train.get("parallel", "ddp") == "fsdp" and world > 1:
        if sequences % world:
            raise RecipeError(
                f"train.parallel: fsdp shares a batch of {sequences} sequences among {world} processes evenly or not at "
                "all; set train.batch to a multiple of processes × context"
            )
        parallel.shard(network, place, precision)
    optimizer = Optimizer(
        network, kind=train["optimizer"], learning_rate=train["learning_rate"], precision=precision
    )
    if not sharded:
        network.to(precision)  # the optimiser has taken its fp32 masters
    compiled = train.get("compile")
    if place.type == "cuda" if compiled is None else compiled:
        network.compile_blocks()
    checkpoint_steps = max(1, round(train["checkpoint_every"] / batch_tokens))
    validate_steps, held = 0, []
    if heldout is not None and train.get("validate_every") is not None:
        validate_steps = max(1, round(train["validate_every"] / batch_tokens))
        held = validation_batches(Path(heldout), Tokenizer.load(source / "tokenizer.json"), objective,
                                  tokens=train["validation_tokens"], sequences=min(a_pass, sequences))  # fmt: skip
    machine = matrix_rate(place, precision, threads)
    if rank == 0:
        write_json(folder / "config.json", wanted)
    saved = load_newest(folder / "checkpoints", clean=rank == 0)
    if saved is not None:
        optimizer.load(saved.tensors, saved.step)
    parallel.wait_for_all()  # until all have read what the first goes on to write
    first = saved.step if saved else 0
    log = folder / "metrics.jsonl" if rank == 0 else Path(os.devnull)
    metrics = Metrics(log, steps, batch_tokens, saved.state if saved else None, machine=machine * world)

    # ---- the loop
    with metrics:
        for step in range(first, steps):
            metrics.begin()
            rows = stream.batch(step)[rank::world]
            # the next token leaves nothing to chance, and is spared the keys
            keys = rows[:, 0] if objective.name == "lm" else stream.keys(step)[rank::world]
            # every so many rows, as processes take them: as many passes or processes add up the same sums
            count = -(-len(rows) // a_pass)
            passes = [slice(part, None, count) for part in range(count)]
            batches = [objective.make(rows[part], keys[part]) for part in passes]
            nats = gradients(network, batches, place)
            if not math.isfinite(nats):
                raise HeadwaterError(_not_a_number(folder, nats, step, steps, batches, optimizer))
            multiplier = rate(train["schedule"], step, steps)
            optimizer.step(multiplier)
            metrics.took(int(parallel.sum_of(flops(network, batches))))
            learning_rate, loss = multiplier * optimizer.rates.matrices, None
            if held and ((step + 1) % validate_steps == 0 or step + 1 == steps):
                loss = validation_loss(network, held, place)
            epoch = max(stream.epochs(step + 1).values())
            metrics.add(nats, learning_rate=learning_rate, epoch=epoch, validation=loss)
            if (step + 1) % checkpoint_steps == 0 and step + 1 < steps and (rank == 0 or sharded):
                tensors = optimizer.tensors()  # of shards, all processes have to ask
                if rank == 0:
                    save(folder / "checkpoints", step + 1, tensors, metrics.state())

    # ---- the model, in the precision of the masters
    if sharded:
        masters = {
            name: parallel.whole(part, optimizer.parameters[name]).cpu()
            for name, part in optimizer.masters.items()
        }
        network = Transformer(config)
        network.load_state_dict(masters)
    else:
        network.to(torch.float32)
        optimizer.write_back()
    epochs = stream.epochs(steps)
    result = {
        "format": VERSION,
        "objective": objective.name,
        "tokens": steps * batch_tokens,
        "steps": steps,
        "documents": stream.documents,
        "epochs": epochs,
        "warnings": _warnings(epochs, manifest["max_epochs"], too_little=bool(validate_steps) and not held),
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "parameters_without_embeddings": parameters_without_embeddings(config),
        "loss": metrics.final_loss,  # nats a predicted token, mean of the last 5% of the steps
        "bits": metrics.final_loss / math.log(2),
        "validation_loss": metrics.validation_loss,  # nats a predicted token of held-out text, at the end
        "learning_rates": asdict(optimizer.rates),
        "precision": wanted["precision"],
        "device": place.type,
        "seconds": round(metrics.seconds, 3),
        "tokens_per_second": round(steps * batch_tokens / metrics.seconds),
        "matrix_flops_per_second": round(machine),  # of a process's device, measured when this one began
        "mfu": metrics.mfu,  # model FLOPs of all steps over that, their data and optimiser included
    }
    if rank == 0:
        huggingface.save(network, folder / ".model.tmp", tokenizer=source / "tokenizer.json")
        commit_folder(folder / ".model.tmp", folder / "model")
        write_json(folder / "done.json", result)
    parallel.wait_for_all()
    return result


def _model(
    settings: dict[str, Any], manifest: dict[str, Any], seed: int
) -> tuple[Transformer, list[str] | None]:
    """The model to begin with, and of what files, where it is one that there was before."""
    if settings.get("path") is None:
        return Transformer(resolve(settings, manifest["vocabulary"]), seed=seed), None
    path = Path(settings["path"])
    network = huggingface.load(path)
    config = network.config
    if config.family != settings["family"]:
        raise RecipeError(
            f"model.path: {path} holds a {config.family} model; set model.family: {config.family}"
        )
    if (settings.get("context") or 0) > config.context:
        raise RecipeError(
            f"model.context is {settings['context']:,}, but the model in model.path reads {config.context:,} tokens at most; "
            f"set it to {config.context} or fewer, or leave it out"
        )
    if manifest["vocabulary"] > config.vocabulary:
        raise RecipeError(
            f"model.path: {path} knows {config.vocabulary:,} tokens, the training set's tokeniser has "
            f"{manifest['vocabulary']:,}; set tokenizer.path to the tokenizer.json of that model"
        )
    return network, [file_hash(file) for file in sorted(path.glob("*.safetensors"))]


def _objective(
    train: dict[str, Any], config: ModelConfig, context: int, manifest: dict[str, Any], source: Path
) -> Objective:
    name = train["objective"]
    masks = train.get("document_masks")
    return objective_of(
        name, family=config.family, context=context, vocabulary=config.vocabulary, separator=manifest["separator"],
        tokenizer=Tokenizer.load(source / "tokenizer.json"),
        document_masks=name in ("mlm", "plm") if masks is None else masks, whole_words=train.get("whole_words", True),
    )  # fmt: skip


def _not_a_number(
    folder: Path, nats: float, step: int, steps: int, batches: list[Batch], optimizer: Optimizer
) -> str:
    """Writes the batch out, for whoever wants to know why; what to say."""
    rank, world = parallel.ranks()
    part = f"-of-{rank}" if world > 1 else ""  # each process has its own rows
    file = folder / f"not-a-number-{step + 1}{part}.safetensors"
    arrays = {
        f"{n}.{name}": tensor.contiguous()
        for n, b in enumerate(batches)
        for name, tensor in b.on("cpu").items()
    }
    save_file(arrays, file)
    return (
        f"{folder}: the loss is {nats} at step {step + 1} of {steps}; lower train.learning_rate (it is "
        f"{optimizer.rates.matrices:g} for matrices), or set train.precision: fp32; what was trained before this step "
        f"is in checkpoints/, the batch in {file.name}"
    )


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


def _warnings(epochs: dict[str, float], limit: float, *, too_little: bool) -> list[str]:
    """Muennighoff 2023: up to 4 epochs are almost as good as fresh text, more are not."""
    missing = ["the held-out text is shorter than one sequence, so no loss was taken on it"]
    return missing[: int(too_little)] + [
        f"{'the text' if source == 'all' else source} was repeated {count:.1f} times, above the limit of {limit:g}"
        for source, count in epochs.items()
        if count > limit
    ]
