"""Training: tokens a CPU second, ours beside nanoGPT and Hugging Face's `Trainer`; and the share of the machine's rate.

    ./run bench training_speed [--parts gpt lines packed plm span] [--rounds 3] [--steps 2] [--precisions auto fp32]
                               [--nanogpt URL or folder]

    gpt      our default (modern-small, Muon, the precision `auto` chooses) and nanoGPT's own of its configuration
             train_shakespeare_char: 6 layers of 384, 256 positions, in single precision and without its dropout (and, to save
             time, in steps of 16 sequences for 64: its optimiser takes less than 1% either way)
    lines    BERT of 6 layers of 384: ours packed; Trainer line by line, 8 a batch, padded to the longest of it
    packed   the same, both in rows of 512
    plm      XLNet of that size, ours and Trainer with Hugging Face's own collator
    span     T5 of 6 + 6 such layers, ours and Trainer with the collator of transformers' examples

Texts: the novels of the test data for `gpt`, WikiText-2 validation for the others. One thread each, by turns, the
median of the rounds' ratios; tokens are those that are no padding. Peers compute in single precision, as they do when
nothing else is asked of them; ours in each of `--precisions` (`auto`: bf16 where the CPU multiplies in it), single
precision for MLM alone.
Both begin with the same weights. `share` is model FLOPs (model/flops.py) a CPU second over this machine's rate of
matrix products in the same precision, taken in each round.
"""

import argparse
import gzip
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peers import ask, data_folder, environment
from training import pieces, write_training_set

from headwater.model import huggingface
from headwater.model.presets import resolve
from headwater.model.special_tokens import with_special_tokens
from headwater.model.tokenizer import Tokenizer
from headwater.model.transformer import Transformer
from headwater.train.machine import matrix_rate
from headwater.train.objectives import objective_of
from headwater.train.optimizer import Optimizer
from headwater.train.precision import choose_precision, prepare_cpu
from headwater.train.step import flops, gradients
from headwater.train.stream import Stream

PACKAGES = ["torch==2.13.0", "numpy", "transformers>=5.0", "safetensors", "accelerate"]
NANOGPT = "https://github.com/karpathy/nanoGPT"
SCRIPT = Path(__file__).parent / "peers" / "training_peers.py"
CPU = torch.device("cpu")
FAMILIES = {"gpt": ("gpt", "lm"), "lines": ("bert", "mlm"), "packed": ("bert", "mlm"), "plm": ("xlnet", "plm"),
            "span": ("t5", "span")}  # fmt: skip
NOVELS = ("Austen_Emma_1815.txt.gz", "Bronte*", "C*")


class Ours:
    """A training as `pretrain` sets it up; `go(steps)` takes that many: (CPU seconds, tokens, model FLOPs)."""

    def __init__(
        self,
        training_set: Path,
        settings: dict[str, Any],
        objective: str,
        *,
        batch: int,
        precision: str,
        seed: int = 0,
    ) -> None:
        tokenizer = Tokenizer.load(training_set / "tokenizer.json")
        self.network = Transformer(resolve(settings, tokenizer.vocabulary), seed=seed)
        context = self.network.config.context
        self.objective = objective_of(
            objective, family=settings["family"], context=context, vocabulary=tokenizer.vocabulary,
            separator=tokenizer.separator, tokenizer=tokenizer, document_masks=objective in ("mlm", "plm"),
        )  # fmt: skip
        self.optimizer = Optimizer(self.network, kind="muon")
        self.precision = choose_precision(precision, CPU)
        self.network.to(self.precision)
        self.stream = Stream(training_set, context=self.objective.text_tokens, batch_sequences=max(1, batch // context),
                             seed=seed, between=self.objective.between)  # fmt: skip
        self.step = 0

    def go(self, steps: int, schedule: Callable[[int], float] = lambda step: 0.1) -> tuple[float, int, int]:
        tokens = needed = 0
        started = time.process_time()
        for _ in range(steps):
            batch = self.objective.make(self.stream.batch(self.step), self.stream.keys(self.step))
            gradients(self.network, [batch], CPU)
            self.optimizer.step(schedule(self.step))
            tokens += batch.tokens.size
            needed += flops(self.network, [batch])
            self.step += 1
        return time.process_time() - started, tokens, needed


def training_sets(folder: Path, families: set[str]) -> dict[str, Path]:
    """A training set a family, of WikiText-2's paragraphs; `gpt` of novels."""
    books = [piece for pattern in NOVELS for path in sorted((data_folder() / "corpora/books/novels-en").glob(pattern))
             for piece in pieces(path)]  # fmt: skip
    raw = gzip.decompress((data_folder() / "corpora/lm/wikitext-2.valid.txt.gz").read_bytes()).decode()
    lines = [(f"line {n}", line.strip()) for n, line in enumerate(raw.splitlines()) if line.strip()]
    made = {}
    for family in sorted(families):
        made[family] = folder / family
        made[family].mkdir()
        write_training_set(made[family], books if family == "gpt" else lines, 8192)
        definition = with_special_tokens(
            (made[family] / "tokenizer.json").read_text(encoding="utf-8"), family
        )
        (made[family] / "tokenizer.json").write_text(definition, encoding="utf-8")
        manifest = json.loads((made[family] / "manifest.json").read_text(encoding="utf-8"))
        manifest["vocabulary"] = Tokenizer(definition).vocabulary
        (made[family] / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "lines.json").write_text(json.dumps([text for _, text in lines]), encoding="utf-8")
    return made


def rows_of(part: str, tokenizer: Tokenizer, lines: list[str], context: int) -> list[list[int]]:
    """What Trainer reads: lines, each framed and cut; or all of them end to end, in rows of the context."""
    special = tokenizer.special(FAMILIES[part][0])
    before = [] if part != "lines" and part != "packed" else [special.begin]
    after = {"plm": [special.end, special.begin], "span": []}.get(part, [special.end])
    framed = [[*before, *tokenizer.encode(line).tolist(), *after] for line in lines]
    if part == "lines":
        return [row if len(row) <= context else [*row[: context - 1], special.end] for row in framed]
    joined = [token for row in framed for token in row]
    if part == "span":
        from headwater.train.objectives.span import text_tokens

        context = text_tokens(context)
    return [joined[n : n + context] for n in range(0, len(joined) - context, context)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", nargs="+", default=list(FAMILIES), choices=list(FAMILIES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--size", default="small")
    parser.add_argument("--precisions", nargs="+", default=["auto", "fp32"], choices=["auto", "fp32", "bf16"])
    parser.add_argument(
        "--batch", type=int, default=8, help="sequences a batch of Trainer's (its default: 8)"
    )
    parser.add_argument("--ours-only", action="store_true")
    parser.add_argument("--nanogpt", default=NANOGPT)
    asked = parser.parse_args()
    prepare_cpu(1)
    python = None if asked.ours_only else environment("training", PACKAGES)
    print(
        "| part | ours, tokens / CPU s | share of matrix rate | peer, tokens / CPU s | ours / peer |\n|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        made = training_sets(folder, {FAMILIES[part][0] for part in asked.parts})
        lines = json.loads((folder / "lines.json").read_text(encoding="utf-8"))
        if python is not None and "gpt" in asked.parts:
            subprocess.run(
                ["git", "clone", "--quiet", "--depth", "1", asked.nanogpt, str(folder / "nanogpt")],
                check=True,
            )
        for part in asked.parts:
            family, objective = FAMILIES[part]
            settings = {"family": family, "preset": f"{'modern' if family == 'gpt' else family}-{asked.size}"}
            settings |= {"context": 256} if part == "gpt" else {}
            batch = 16384 if part == "gpt" else 8192
            sides = [Ours(made[family], settings, objective, batch=batch, precision=precision)
                     for precision in asked.precisions if precision != "fp32" or family == "bert"]  # fmt: skip
            peer = peer_of(part, made[family], sides[0], asked, folder, lines)
            for side in sides:
                side.go(1)
            report(part, sides, peer if python is not None else None, python, asked)


def peer_of(
    part: str, training_set: Path, ours: Ours, asked: Any, folder: Path, lines: list[str]
) -> dict[str, Any]:
    question: dict[str, Any] = {"peer": part, "steps": asked.steps, "warm": 1, "batch": asked.batch}
    if part == "gpt":
        np.save(folder / "tokens.npy", np.fromfile(training_set / "pool.bin", np.uint16))
        config = {
            "vocabulary": 65,
            "layers": 6,
            "heads": 6,
            "width": 384,
            "context": 256,
            "batch": 16,
            "dropout": 0.0,
        }
        config["vocabulary"] = ours.network.config.vocabulary
        return question | {"peer": "nanogpt", "source": str(folder / "nanogpt"), "data": str(folder / "tokens.npy"), "config": config}  # fmt: skip
    model = folder / f"model-{part}"
    network = Transformer(ours.network.config)
    huggingface.save(network, model, tokenizer=training_set / "tokenizer.json")
    context = network.config.context
    rows = rows_of(part, Tokenizer.load(training_set / "tokenizer.json"), lines, context)
    return question | {"model": str(model), "rows": rows, "context": context}


def report(
    part: str, sides: list[Ours], peer: dict[str, Any] | None, python: Path | None, asked: Any
) -> None:
    speeds: list[list[float]] = [[] for _ in sides]
    shares: list[list[float]] = [[] for _ in sides]
    theirs: list[float] = []
    for _ in range(asked.rounds):
        if peer is not None and python is not None:
            answer = ask(python, SCRIPT, peer)
            theirs.append(answer["tokens"] / answer["seconds"])
        for place, side in enumerate(sides):
            matrix_rate.cache_clear()
            rate = matrix_rate(CPU, side.precision, 1)
            seconds, tokens, needed = side.go(asked.steps)
            speeds[place].append(tokens / seconds)
            shares[place].append(needed / seconds / rate)
    for side, speed, share in zip(sides, speeds, shares, strict=True):
        precision = str(side.precision).removeprefix("torch.")
        ratio = (
            f"{statistics.median(a / b for a, b in zip(speed, theirs, strict=True)):.2f}" if theirs else "-"
        )
        other = f"{statistics.median(theirs):,.0f}" if theirs else "-"
        print(f"| {part}, {precision} | {statistics.median(speed):,.0f} | {statistics.median(share):.0%} | {other} | {ratio} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
