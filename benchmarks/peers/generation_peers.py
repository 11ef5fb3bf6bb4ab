"""Run in the peers' environment: nanoGPT's `generate`, or Hugging Face's with its cache, on one exported model.

    generation_peers.py QUESTION.json ANSWER.json

Question: {"peer": "nanogpt" or "huggingface", "model": folder, "source": nanoGPT's folder, "prompt": [tokens],
"new_tokens": n, "rounds": r}. Answer: {"tokens": [the new ones], "seconds": [CPU seconds of each round]}.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

CONV1D = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")


def nanogpt(folder: Path, source: str, prompt: torch.Tensor, count: int) -> Callable[[], torch.Tensor]:
    from safetensors.torch import load_file

    sys.path.insert(0, source)
    from model import GPT, GPTConfig

    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    model = GPT(
        GPTConfig(
            block_size=config["n_positions"], vocab_size=config["vocab_size"], n_layer=config["n_layer"],
            n_head=config["n_head"], n_embd=config["n_embd"], dropout=0.0, bias=True,
        )
    )  # fmt: skip
    weights = load_file(folder / "model.safetensors")
    own = {name: tensor.T if name.endswith(CONV1D) else tensor for name, tensor in weights.items()}
    missing = set(model.state_dict()) - set(own) - {"lm_head.weight"}
    assert not [name for name in missing if not name.endswith(".attn.bias")], missing
    model.load_state_dict(own, strict=False)
    model.eval()
    return lambda: model.generate(prompt, count, top_k=1)


def huggingface(folder: Path, prompt: torch.Tensor, count: int) -> Callable[[], torch.Tensor]:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    seen = torch.ones_like(prompt)
    return lambda: model.generate(
        prompt, attention_mask=seen, max_new_tokens=count, do_sample=False, use_cache=True, eos_token_id=None,
        pad_token_id=0,
    )  # fmt: skip


def main() -> None:
    question = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    torch.set_num_threads(1)
    prompt, count, folder = (
        torch.tensor([question["prompt"]]),
        question["new_tokens"],
        Path(question["model"]),
    )
    if question["peer"] == "nanogpt":
        write = nanogpt(folder, question["source"], prompt, count)
    else:
        write = huggingface(folder, prompt, count)
    seconds = []
    with torch.inference_mode():
        write()
        for _ in range(question["rounds"]):
            started = time.process_time()
            tokens = write()
            seconds.append(time.process_time() - started)
    answer = {"tokens": tokens[0, prompt.size(1) :].tolist(), "seconds": seconds}
    Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
