"""CPU time to the same loss: ours and nanoGPT at about 1M parameters, characters of tinyshakespeare.

    ./run bench time_to_loss [--seeds 3] [--iterations 2000] [--rates .0005 .001 .002 .004 .008]
                             [--tokens 200k 250k 300k 350k 450k] [--batch 1k] [--sides ours nanogpt] [--results FILE]
                             [--nanogpt URL or folder]

nanoGPT: its README's configuration for a CPU (4 layers of 128, 64 positions, 12 sequences a step, cosine to a tenth),
swept over five learning rates; the README's own is 0.001 at 2,000 iterations. Ours: modern, the same layers, width and
positions, default learning rates, five lengths of training. As many trials on both sides, the same seeds.

90% of the text is trained on, 5% chooses (nanoGPT's rate: the lowest mean loss over the seeds; our length: the
shortest whose mean loss is at most nanoGPT's chosen one), 5% reports. Losses are taken on rows of 64 characters laid
side by side, by the same code of each side's logits. Time is CPU time of one thread spent in steps and batches:
no start, no evaluation. The README's row is reached by our shortest length that is at most its loss.

Seeds come one after the other, the README's rate first in each, so that what has been measured is a whole comparison
soon. Each finished trial is a line of the results file (~/.cache/headwater/benchmarks/time_to_loss.jsonl), and is not
repeated by the next call. All of it is about an hour of one core: a trial of nanoGPT takes 170 s, ours 16 to 36 s.
Trials of ours belong to the code that made them: delete their lines, or name another file, where it has changed.
"""

import argparse
import gzip
import json
import os
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
import torch
from peers import ask, data_folder, environment
from training_speed import NANOGPT, PACKAGES, SCRIPT, Ours

from headwater.corpus.shards import ShardWriter
from headwater.corpus.tokens import TokenWriter
from headwater.curate.training_set import DOCUMENTS_SCHEMA
from headwater.model.losses import token_nats
from headwater.recipe.quantities import parse_count
from headwater.train.precision import prepare_cpu
from headwater.train.schedule import rate

CONTEXT = 64
README = {"rate": 1e-3, "iterations": 2000}


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


def rows_of(ids: np.ndarray) -> torch.Tensor:
    """(N, 65): rows side by side, the last character of each being the first of the next."""
    count = (len(ids) - 1) // CONTEXT
    return torch.from_numpy(
        np.stack([ids[n * CONTEXT : (n + 1) * CONTEXT + 1] for n in range(count)]).astype(np.int64)
    )


def trial_of_ours(
    folder: Path, tokens: int, batch: int, seed: int, held: list[torch.Tensor]
) -> dict[str, float]:
    settings = {
        "family": "gpt",
        "preset": "modern-nano",
        "layers": 4,
        "width": 128,
        "heads": 4,
        "context": CONTEXT,
    }
    side = Ours(folder, settings, "lm", batch=batch, precision="auto", seed=seed)
    steps = max(1, tokens // batch)
    seconds, _, _ = side.go(steps, schedule=lambda step: rate("wsd", step, steps))
    side.network.to(torch.float32)
    side.optimizer.write_back()
    with torch.inference_mode():
        losses = [
            float(
                torch.cat(
                    [token_nats(side.network(rows[:, :-1]), rows[:, 1:]) for rows in torch.split(part, 256)]
                ).mean()
            )
            for part in held
        ]
    return {"seconds": seconds, "validation": losses[0], "test": losses[1]}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=2000)
    parser.add_argument("--rates", type=float, nargs="+", default=[5e-4, 1e-3, 2e-3, 4e-3, 8e-3])
    parser.add_argument(
        "--tokens", type=parse_count, nargs="+", default=[200_000, 250_000, 300_000, 350_000, 450_000]
    )
    parser.add_argument("--batch", type=parse_count, default=1024)
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
    alphabet, (training, *rest) = parts()
    held = [rows_of(part) for part in rest]
    trials: list[dict[str, Any]] = [
        {"side": "ours", "tokens": tokens, "batch": asked.batch, "seed": seed}
        for tokens in asked.tokens for seed in range(asked.seeds)
    ]  # fmt: skip
    sweep = [(value, asked.iterations) for value in asked.rates]
    sweep += [] if tuple(README.values()) in sweep else [tuple(README.values())]
    trials += [{"side": "nanogpt", "rate": value, "iterations": count, "seed": seed}
               for value, count in sorted(sweep, key=lambda one: one != tuple(README.values())) for seed in range(asked.seeds)]  # fmt: skip
    trials.sort(key=lambda trial: trial["seed"])
    asked.results.parent.mkdir(parents=True, exist_ok=True)
    done = (
        [json.loads(line) for line in asked.results.read_text().splitlines()]
        if asked.results.exists()
        else []
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_characters(folder, alphabet, training)
        np.save(folder / "tokens.npy", training)
        np.savez(folder / "held.npz", *[part.numpy() for part in held])
        subprocess.run(["git", "clone", "--quiet", asked.nanogpt, str(folder / "nanogpt")], check=True)
        left = [trial for trial in trials if trial["side"] in asked.sides and not any(trial.items() <= one.items() for one in done)]  # fmt: skip
        print(f"{len(left)} of {len(trials)} trials to run, {len(done)} in {asked.results}", flush=True)
        for trial in left:
            if trial["side"] == "ours":
                found = trial_of_ours(folder, trial["tokens"], trial["batch"], trial["seed"], held)
            else:
                config = {"vocabulary": len(alphabet), "layers": 4, "heads": 4, "width": 128, "context": CONTEXT, "batch": 12, "dropout": 0.0}  # fmt: skip
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
    report([one for one in done if any(trial.items() <= one.items() for trial in trials)], asked.iterations)


def report(done: list[dict[str, Any]], iterations: int) -> None:
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for one in done:
        settings = (
            ("ours", one["tokens"]) if one["side"] == "ours" else ("nanogpt", one["rate"], one["iterations"])
        )
        groups.setdefault(settings, []).append(one)

    def mean(group: list[dict[str, Any]], name: str) -> float:
        return statistics.fmean(one[name] for one in group)

    print("| | seeds | CPU s | validation | test |\n|---|---|---|---|---|")
    for settings, group in groups.items():
        print(f"| {' '.join(map(str, settings))} | {len(group)} | {mean(group, 'seconds'):.1f} | {mean(group, 'validation'):.3f} | {mean(group, 'test'):.3f} |")  # fmt: skip
    ours = sorted((s[1], group) for s, group in groups.items() if s[0] == "ours")
    swept = [group for s, group in groups.items() if s[0] == "nanogpt" and s[2] == iterations]
    readme = [group for s, group in groups.items() if s == ("nanogpt", *README.values())]
    for name, found in (("swept", swept), ("README", readme)):
        if not found or (name == "swept" and len(found) == 1):
            continue
        best = min(found, key=lambda group: mean(group, "validation"))
        reached = next(
            (group for _, group in ours if mean(group, "validation") <= mean(best, "validation")), None
        )
        if reached is None:
            print(f"{name}: none of our lengths reaches {mean(best, 'validation'):.3f}")
        else:
            print(f"{name}: nanoGPT {mean(best, 'seconds'):.1f} CPU s to test loss {mean(best, 'test'):.3f}, ours "
                  f"{mean(reached, 'seconds'):.1f} to {mean(reached, 'test'):.3f}: {mean(best, 'seconds') / mean(reached, 'seconds'):.1f} x")  # fmt: skip


if __name__ == "__main__":
    main()
