"""CPU time to the same loss: ours and nanoGPT, characters of tinyshakespeare at about 1M parameters, or English novels in
8,192 subwords at about 10M.

    ./run bench time_to_loss [--size 1M or 10M] [--seeds 3] [--iterations 2000] [--rates .0005 .001 .002 .004 .008]
                             [--tokens 200k 250k 300k 350k 450k] [--batch 1k] [--scale 1 …] [--sides ours nanogpt]
                             [--results FILE] [--nanogpt URL or folder]

1M: nanoGPT has its README's configuration for a CPU (4 layers of 128, 64 positions, 12 sequences a step, cosine to a tenth),
swept over five learning rates; the README's own is 0.001 at 2,000 iterations. 10M: 6 layers of 384, 256 positions, 4
sequences a step, 300 iterations (some 300,000 tokens), rates .0003 to .004. Ours: modern, the same layers, width and
positions, default learning rates (times each `--scale`), and as many trials as nanoGPT has: lengths, or rates, or both.

90% of the text is trained on, 5% chooses (nanoGPT's rate: the lowest mean loss over the seeds; ours: the
shortest training whose mean loss is at most nanoGPT's chosen one), 5% reports. Losses are taken on rows of the context laid
side by side, by the same code of each side's logits. Time is CPU time of one thread spent in steps and batches:
no start, no evaluation. The README's row is reached by our shortest length that is at most its loss.

Seeds come one after the other, the README's rate first in each, so that what has been measured is a whole comparison
soon. Each finished trial is a line of the results file (~/.cache/headwater/benchmarks/time_to_loss.jsonl), and is not
repeated by the next call. Three seeds are about an hour of one core: a trial of nanoGPT takes 170 s, ours 16 to 36 s;
at 10M one seed takes as long.
Trials of ours belong to the code that made them: delete their lines, or name another file, where it has changed.
"""

import argparse
import gzip
import json
import os
import statistics
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
import torch
from peers import ask, data_folder, environment
from training import pieces, write_training_set
from training_speed import NANOGPT, PACKAGES, SCRIPT, Ours

from headwater.corpus.shards import ShardWriter
from headwater.corpus.tokens import TokenWriter
from headwater.curate.training_set import DOCUMENTS_SCHEMA
from headwater.model.losses import token_nats
from headwater.model.tokenizer import Tokenizer
from headwater.recipe.quantities import parse_count
from headwater.train.precision import prepare_cpu
from headwater.train.schedule import rate

README: dict[str, Any] = {"rate": 1e-3, "iterations": 2000}


@dataclass(frozen=True)
class Size:
    """What both sides train, and what is tried."""

    layers: int
    width: int
    heads: int
    context: int
    sequences: int  # of a step of nanoGPT
    iterations: int
    rates: tuple[float, ...]
    tokens: tuple[int, ...]


SIZES = {
    "1M": Size(4, 128, 4, 64, 12, 2000, (5e-4, 1e-3, 2e-3, 4e-3, 8e-3), (200_000, 250_000, 300_000, 350_000, 450_000)),
    "10M": Size(6, 384, 6, 256, 4, 300, (3e-4, 6e-4, 1e-3, 2e-3, 4e-3), (50_000, 75_000, 100_000, 150_000, 200_000)),
}  # fmt: skip


def of_novels(folder: Path) -> list[np.ndarray]:
    """Writes the training set; ids of the three parts of corpora/books/novels-en."""
    books = [piece for path in sorted((data_folder() / "corpora/books/novels-en").glob("*.txt.gz")) for piece in pieces(path)]  # fmt: skip
    first, second = int(0.9 * len(books)), int(0.95 * len(books))
    coder = write_training_set(folder, books[:first], 8192)
    return [
        np.fromfile(folder / "pool.bin", np.uint16),
        *[np.concatenate([coder.encode(text) for _, text in some]).astype(np.uint16)
          for some in (books[first:second], books[second:])],
    ]  # fmt: skip


def parts() -> tuple[str, list[np.ndarray]]:
    """The alphabet, and ids of characters of the three parts: trained on, chosen by, reported."""
    text = gzip.decompress((data_folder() / "corpora/lm/tinyshakespeare.txt.gz").read_bytes()).decode("utf-8")
    alphabet = "".join(sorted(set(text)))
    ids = np.array([alphabet.index(character) for character in text], np.uint16)
    first, second = int(0.9 * len(ids)), int(0.95 * len(ids))
    return alphabet, [ids[:first], ids[first:second], ids[second:]]


def write_characters(folder: Path, alphabet: str, tokens: np.ndarray) -> None:
    """A training set of one document, whose tokens are characters."""
    coder = tokenizers.Tokenizer(
        tokenizers.models.BPE(vocab={c: n for n, c in enumerate(alphabet)}, merges=[])
    )
    coder.add_special_tokens(["<|endoftext|>"])
    coder.save(str(folder / "tokenizer.json"))
    vocabulary = len(alphabet) + 1
    with TokenWriter(folder / "pool.bin", vocabulary) as writer:
        offset = writer.write(tokens.astype(np.uint32), "tinyshakespeare")
    row = {"id": "tinyshakespeare", "text_key": "0", "source": "text", "language": None, "shard": "pool",
           "offset": offset, "length": len(tokens), "bytes": len(tokens)}  # fmt: skip
    with ShardWriter(folder / "documents.parquet", DOCUMENTS_SCHEMA) as documents:
        documents.write([row])
    manifest = {
        "key": "benchmark", "vocabulary": vocabulary, "dtype": "uint16", "separator": vocabulary - 1,
        "pool": [{"shard": "pool", "path": "pool.bin"}], "mixture": None, "max_epochs": 4,
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def rows_of(ids: np.ndarray, context: int) -> torch.Tensor:
    """(N, context + 1): rows side by side, the last token of each being the first of the next; 25,000 tokens of 10M's at most."""
    count = min(len(ids) - 1, 25_000 if context > 64 else len(ids)) // context
    return torch.from_numpy(
        np.stack([ids[n * context : (n + 1) * context + 1] for n in range(count)]).astype(np.int64)
    )


def trial_of_ours(
    folder: Path, size: Size, tokens: int, batch: int, scale: float, seed: int, held: list[torch.Tensor]
) -> dict[str, float]:
    settings = {"family": "gpt", "preset": "modern-nano",
                **{name: getattr(size, name) for name in ("layers", "width", "heads", "context")}}  # fmt: skip
    side = Ours(folder, settings, "lm", batch=batch, precision="auto", seed=seed)
    steps = max(1, tokens // batch)
    seconds, _, _ = side.go(steps, schedule=lambda step: scale * rate("wsd", step, steps))
    side.network.to(torch.float32)
    side.optimizer.write_back()
    with torch.inference_mode():
        losses = [
            float(
                torch.cat(
                    [
                        token_nats(side.network(rows[:, :-1]), rows[:, 1:])
                        for rows in torch.split(part, 16384 // size.context)
                    ]
                ).mean()
            )
            for part in held
        ]
    return {"seconds": seconds, "validation": losses[0], "test": losses[1]}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=list(SIZES), default="1M")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--iterations", type=int)
    parser.add_argument("--rates", type=float, nargs="+")
    parser.add_argument("--tokens", type=parse_count, nargs="+")
    parser.add_argument("--batch", type=parse_count, default=1024)
    parser.add_argument("--scale", type=float, nargs="+", default=[1.0], help="of our learning rates")
    parser.add_argument(
        "--sides",
        nargs="+",
        default=["ours", "nanogpt"],
        choices=["ours", "nanogpt"],
        help="which trials to run now",
    )
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser.add_argument(
        "--results", type=Path, default=cache / "headwater" / "benchmarks" / "time_to_loss.jsonl"
    )
    parser.add_argument("--nanogpt", default=NANOGPT)
    asked = parser.parse_args()
    prepare_cpu(1)
    size = SIZES[asked.size]
    iterations, of_size = asked.iterations or size.iterations, {"size": asked.size}
    trials: list[dict[str, Any]] = [
        {"side": "ours", **of_size, "tokens": tokens, "batch": asked.batch, "scale": scale, "seed": seed}
        for tokens in asked.tokens or size.tokens for scale in asked.scale for seed in range(asked.seeds)
    ]  # fmt: skip
    sweep: list[tuple[float, int]] = [(value, iterations) for value in asked.rates or size.rates]
    readme = (README["rate"], README["iterations"])
    sweep += [readme] if asked.size == "1M" and readme not in sweep else []
    trials += [{"side": "nanogpt", **of_size, "rate": value, "iterations": count, "seed": seed}
               for value, count in sorted(sweep, key=lambda one: one != readme) for seed in range(asked.seeds)]  # fmt: skip
    trials.sort(key=lambda trial: trial["seed"])
    asked.results.parent.mkdir(parents=True, exist_ok=True)
    done = (
        [json.loads(line) for line in asked.results.read_text().splitlines()]
        if asked.results.exists()
        else []
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if asked.size == "1M":
            alphabet, (training, *rest) = parts()
            vocabulary = len(alphabet)
            write_characters(folder, alphabet, training)
        else:
            training, *rest = of_novels(folder)
            vocabulary = Tokenizer.load(folder / "tokenizer.json").vocabulary
        held = [rows_of(part, size.context) for part in rest]
        np.save(folder / "tokens.npy", training)
        np.savez(folder / "held.npz", *[part.numpy() for part in held])
        subprocess.run(["git", "clone", "--quiet", asked.nanogpt, str(folder / "nanogpt")], check=True)
        left = [trial for trial in trials if trial["side"] in asked.sides and not any(trial.items() <= one.items() for one in done)]  # fmt: skip
        print(f"{len(left)} of {len(trials)} trials to run, {len(done)} in {asked.results}", flush=True)
        for trial in left:
            if trial["side"] == "ours":
                found = trial_of_ours(
                    folder, size, trial["tokens"], trial["batch"], trial["scale"], trial["seed"], held
                )
            else:
                config = {"vocabulary": vocabulary, "layers": size.layers, "heads": size.heads, "width": size.width,
                          "context": size.context, "batch": size.sequences, "dropout": 0.0}  # fmt: skip
                question = {"peer": "nanogpt", "source": str(folder / "nanogpt"), "data": str(folder / "tokens.npy"), "warm": 0,
                            "config": config, "steps": trial["iterations"], "rate": trial["rate"], "seed": 1337 + trial["seed"],
                            "held": str(folder / "held.npz")}  # fmt: skip
                answer = ask(environment("training", PACKAGES), SCRIPT, question)
                found = {
                    "seconds": answer["seconds"],
                    "validation": answer["held"][0],
                    "test": answer["held"][1],
                }
            done.append(trial | found)
            with asked.results.open("a") as file:
                file.write(json.dumps(done[-1]) + "\n")
            print(json.dumps(done[-1]), flush=True)
    report([one for one in done if any(trial.items() <= one.items() for trial in trials)], iterations)


def report(done: list[dict[str, Any]], iterations: int) -> None:
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for one in done:
        settings = (
            ("ours", one["tokens"], one["scale"])
            if one["side"] == "ours"
            else ("nanogpt", one["rate"], one["iterations"])
        )
        groups.setdefault(settings, []).append(one)

    def mean(group: list[dict[str, Any]], name: str) -> float:
        return statistics.fmean(one[name] for one in group)

    print("| | seeds | CPU s | validation | test |\n|---|---|---|---|---|")
    for settings, group in groups.items():
        print(f"| {' '.join(map(str, settings))} | {len(group)} | {mean(group, 'seconds'):.1f} | {mean(group, 'validation'):.3f} | {mean(group, 'test'):.3f} |")  # fmt: skip
    ours = sorted((s[1], mean(group, "validation"), group) for s, group in groups.items() if s[0] == "ours")
    swept = [group for s, group in groups.items() if s[0] == "nanogpt" and s[2] == iterations]
    readme = [group for s, group in groups.items() if s == ("nanogpt", *README.values())]
    for name, found in (("swept", swept), ("README", readme)):
        if not found or (name == "swept" and len(found) == 1):
            continue
        best = min(found, key=lambda group: mean(group, "validation"))
        wanted = mean(best, "validation")
        reached = next((group for _, loss, group in ours if loss <= wanted), None)
        if reached is None:
            print(f"{name}: none of our trainings reaches {wanted:.3f}")
        else:
            print(f"{name}: nanoGPT {mean(best, 'seconds'):.1f} CPU s to test loss {mean(best, 'test'):.3f}, ours "
                  f"{mean(reached, 'seconds'):.1f} to {mean(reached, 'test'):.3f}: {mean(best, 'seconds') / mean(reached, 'seconds'):.1f} x")  # fmt: skip


if __name__ == "__main__":
    main()
