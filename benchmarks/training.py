"""Tokens a second and loss of our training loop, on one thread.

    ./run bench training [--preset modern-nano …] [--tokens 500k] [--batch 2048] [--optimizer muon]
                         [--learning-rate RATE …] [--precision auto …] [--seed 0 …] [FILE …]

Trains once for every combination and prints a table. The text is that of the files (.txt, .gz), or without any the
documentation of this Python's standard library, every eighth module held out. `loss` is the mean over the last 5%
of the steps, `held-out` that of the finished model on text it never saw, both in nats a token.
"""

import argparse
import contextlib
import gzip
import io
import itertools
import json
import pydoc
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from headwater.corpus.shards import ShardWriter
from headwater.corpus.tokens import TokenWriter, token_type
from headwater.curate.training_set import DOCUMENTS_SCHEMA
from headwater.model import huggingface
from headwater.model.losses import token_nats
from headwater.model.tokenizer import Tokenizer, train
from headwater.recipe.quantities import parse_count
from headwater.train.pretrain import pretrain

LEFT_OUT = {"antigravity", "idlelib", "this", "turtledemo", "__main__", "test", "lib2to3"}


def standard_library() -> list[tuple[str, str]]:
    """(module, its documentation as text)."""
    texts = []
    for name in sorted(sys.stdlib_module_names - LEFT_OUT):
        if name.startswith("_"):
            continue
        with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
            texts.append((name, pydoc.plain(pydoc.render_doc(name))))
    return texts


def pieces(path: Path) -> list[tuple[str, str]]:
    """A file in pieces of about 4,000 characters, cut at line ends."""
    data = path.read_bytes()
    lines = (
        (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8").splitlines(keepends=True)
    )
    texts, piece = [], ""
    for line in [*lines, ""]:
        if len(piece) + len(line) > 4000 or not line:
            texts.append((f"{path.name}#{len(texts)}", piece))
            piece = ""
        piece += line
    return [text for text in texts if text[1]]


def write_training_set(folder: Path, texts: list[tuple[str, str]], vocabulary: int) -> Tokenizer:
    (folder / "tokenizer.json").write_text(train([text for _, text in texts], vocabulary), encoding="utf-8")
    coder = Tokenizer.load(folder / "tokenizer.json")
    rows: list[dict[str, Any]] = []
    with TokenWriter(folder / "pool.bin", coder.vocabulary) as writer:
        for name, text in texts:
            ids = coder.encode(text)
            rows.append(
                {
                    "id": name, "text_key": name, "source": "text", "language": None, "shard": "pool",
                    "offset": writer.write(ids, name), "length": len(ids), "bytes": len(text.encode()),
                }
            )  # fmt: skip
    with ShardWriter(folder / "documents.parquet", DOCUMENTS_SCHEMA) as documents:
        documents.write(rows)
    manifest = {
        "key": "benchmark", "vocabulary": coder.vocabulary, "dtype": token_type(coder.vocabulary).name,
        "separator": coder.separator, "pool": [{"shard": "pool", "path": "pool.bin"}], "mixture": None, "max_epochs": 4,
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return coder


def held_out_nats(run: Path, coder: Tokenizer, texts: list[tuple[str, str]]) -> float:
    """Mean nats a token over the texts, in windows of the model's context that do not overlap."""
    model = huggingface.load(run / "model")
    context, nats = model.config.context, []
    for _, text in texts:
        ids = np.concatenate([[coder.separator], coder.encode(text)]).astype(np.int64)
        for start in range(0, len(ids) - 1, context):
            window = torch.from_numpy(ids[start : start + context + 1])[None]
            with torch.no_grad():
                nats.append(token_nats(model(window[:, :-1]), window[:, 1:])[0])
    return float(torch.cat(nats).mean())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0] if __doc__ else None,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--preset", nargs="+", default=["modern-nano"])
    parser.add_argument("--tokens", type=parse_count, default=500_000)
    parser.add_argument("--batch", type=parse_count, default=2048)
    parser.add_argument("--vocabulary", type=parse_count, default=1024)
    parser.add_argument("--optimizer", nargs="+", default=["muon"])
    parser.add_argument("--learning-rate", nargs="+", type=float, default=[None])
    parser.add_argument("--precision", nargs="+", default=["auto"])
    parser.add_argument("--seed", nargs="+", type=int, default=[0])
    asked = parser.parse_args()
    texts = [text for path in asked.files for text in pieces(path)] or standard_library()
    print("| preset | optimiser | rate | precision | seed | loss | held-out | tokens/s | CPU s |")
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        training = [text for number, text in enumerate(texts) if number % 8]
        coder = write_training_set(folder, training, asked.vocabulary)
        choices = itertools.product(
            asked.preset, asked.optimizer, asked.learning_rate, asked.precision, asked.seed
        )
        for number, (preset, optimizer, learning_rate, precision, seed) in enumerate(choices):
            started = time.process_time()
            done = pretrain(
                folder / f"run-{number}",
                training_set=str(folder),
                model={"family": "gpt", "preset": preset},
                train={
                    "objective": "lm", "tokens": asked.tokens, "batch": asked.batch, "optimizer": optimizer,
                    "learning_rate": learning_rate, "schedule": "wsd", "precision": precision,
                    "checkpoint_every": 10**12,
                },
                seed=seed,
            )  # fmt: skip
            seconds = time.process_time() - started
            nats = held_out_nats(folder / f"run-{number}", coder, texts[::8])
            rate = done["learning_rates"]["matrices"]
            print(
                f"| {preset} | {optimizer} | {rate:g} | {done['precision']} | {seed} | {done['loss']:.3f} | {nats:.3f} "
                f"| {done['tokens_per_second']:,} | {seconds:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
