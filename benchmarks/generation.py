"""Generation, one stream, one thread, fp32: ours against nanoGPT's `generate` and Hugging Face's with its cache.

    ./run bench generation [--layers 6] [--width 384] [--vocabulary 8192] [--prompt 32] [--new 256] [--rounds 3]
                           [--nanogpt URL or folder]

All three have the same weights (random ones, written in Hugging Face's layout of GPT-2, with the exact GELU that
nanoGPT computes) and write greedily: the tokens must be the same, or there is no comparison. CPU seconds by turns,
the median of the rounds' ratios. nanoGPT's source is cloned from its public repository.
"""

import argparse
import statistics
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch
from peers import ask, environment

from headwater.model import huggingface
from headwater.model.generate import Sampling, generate
from headwater.model.presets import resolve
from headwater.model.transformer import Transformer

PACKAGES = ["torch==2.13.0", "numpy", "transformers>=5.0", "safetensors"]
NANOGPT = "https://github.com/karpathy/nanoGPT"
SCRIPT = Path(__file__).parent / "peers" / "generation_peers.py"


def written_model(folder: Path, asked: argparse.Namespace) -> Transformer:
    settings = {"family": "gpt", "preset": "gpt2-small", "layers": asked.layers, "width": asked.width, "context": asked.context}  # fmt: skip
    model = Transformer(replace(resolve(settings, asked.vocabulary), activation="gelu"))
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():  # away from the start, where all tokens are about as likely
            parameter.add_(torch.randn(parameter.shape, generator=random), alpha=0.05)
    huggingface.save(model, folder)
    return huggingface.load(folder).eval()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, value in (("layers", 6), ("width", 384), ("vocabulary", 8192), ("context", 512), ("prompt", 32), ("new", 256), ("rounds", 3)):  # fmt: skip
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--nanogpt", default=NANOGPT)
    asked = parser.parse_args()
    python = environment("generation", PACKAGES)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        folder, source = Path(scratch) / "model", Path(scratch) / "nanogpt"
        subprocess.run(["git", "clone", "--quiet", "--depth", "1", asked.nanogpt, str(source)], check=True)
        model = written_model(folder, asked)
        prompt = torch.randint(asked.vocabulary, (asked.prompt,), generator=torch.Generator().manual_seed(2)).tolist()  # fmt: skip
        question = {"model": str(folder), "source": str(source), "prompt": prompt, "new_tokens": asked.new, "rounds": 1}  # fmt: skip

        def ours() -> tuple[list[int], float]:
            started = time.process_time()
            rows = generate(model, [prompt], new_tokens=asked.new, sampling=Sampling(temperature=0)).rows
            return rows[0], time.process_time() - started

        ours()
        seconds: dict[str, list[float]] = {"ours": [], "nanogpt": [], "huggingface": []}
        for _ in range(asked.rounds):
            for peer in ("nanogpt", "huggingface"):
                answer = ask(python, SCRIPT, question | {"peer": peer})
                seconds[peer] += answer["seconds"]
                tokens, took = ours()
                seconds["ours"].append(took)
                same = next((n for n, pair in enumerate(zip(tokens, answer["tokens"], strict=True)) if pair[0] != pair[1]), asked.new)  # fmt: skip
                if same < asked.new:
                    raise SystemExit(f"{peer} writes another token at place {same}: nothing was compared")
    parameters = sum(p.numel() for p in model.parameters())
    print(
        f"{parameters:,} parameters, {asked.prompt} tokens read, {asked.new} written ({len(set(tokens))} different)"
    )
    print("| | tokens / CPU s | CPU s of ours are so many times fewer |\n|---|---|---|")
    beside = {"nanogpt": seconds["ours"][::2], "huggingface": seconds["ours"][1::2]}
    print(f"| ours | {asked.new / statistics.median(seconds['ours']):,.0f} | |")
    for peer, own in beside.items():
        ratio = statistics.median(theirs / mine for theirs, mine in zip(seconds[peer], own, strict=True))
        print(f"| {peer}, same tokens | {asked.new / statistics.median(seconds[peer]):,.0f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
