"""Run in the peers' environment: training steps of nanoGPT's model, or of Hugging Face's by its `Trainer`.

    training_peers.py QUESTION.json ANSWER.json

Question: {"peer": …, "steps": counted ones, "warm": steps before them}, and of each peer

    nanogpt    source (its folder), data (uint16 tokens, .npy), config: vocabulary, layers, heads, width, context,
               batch (sequences), dropout; and, where a whole training is timed, rate, seed, held (.npz of rows to take
             losses on: they are `held` of the answer)
    lines      model (a BERT folder), rows (JSON lists of tokens), context, batch: MLM, padded to the longest of a batch
    packed     the same, in rows of the whole context
    plm        the same, an XLNet folder: Hugging Face's own collator of permutations
    span       the same, a T5 folder: spans as run_t5_mlm_flax.py of transformers' examples cuts them

Answer: {"seconds": CPU seconds of the counted steps, data loading included, "tokens": tokens that are no padding}.
Single precision, one thread. `nanogpt` is train.py's loop (no evaluation, no logs) around the model.py that is there.
"""

import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F


def nanogpt(question: dict[str, Any]) -> dict[str, Any]:
    sys.path.insert(0, question["source"])
    from model import GPT, GPTConfig

    wanted, data = question["config"], np.load(question["data"], mmap_mode="r")
    block, batch = wanted["context"], wanted["batch"]
    rate, count = question.get("rate", 1e-3), question["steps"]
    torch.manual_seed(question.get("seed", 1337))
    model = GPT(GPTConfig(block_size=block, vocab_size=wanted["vocabulary"], n_layer=wanted["layers"], bias=False,
                          n_head=wanted["heads"], n_embd=wanted["width"], dropout=wanted["dropout"]))  # fmt: skip
    optimizer = model.configure_optimizers(0.1, rate, (0.9, 0.99), "cpu")

    def get_batch() -> tuple[torch.Tensor, torch.Tensor]:
        ix = torch.randint(len(data) - block, (batch,)).tolist()
        rows = torch.stack([torch.from_numpy(data[i : i + block + 1].astype(np.int64)) for i in ix])
        return rows[:, :-1].contiguous(), rows[:, 1:].contiguous()

    warm = min(100, count // 10)

    def multiplier(step: int) -> float:  # train_shakespeare_char's: 100 warm, then a cosine to a tenth
        if step < warm:
            return (step + 1) / (warm + 1)
        return 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, count - warm)))

    x, y = get_batch()
    started = 0.0
    for step in range(question["warm"] + question["steps"]):
        if step == question["warm"]:
            started = time.process_time()
        for group in optimizer.param_groups:
            group["lr"] = rate * multiplier(step)
        _, loss = model(x, y)
        x, y = get_batch()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        loss.item()
    answer = {"seconds": time.process_time() - started, "tokens": count * batch * block}
    if "held" in question:
        model.eval()
        with torch.inference_mode():
            answer["held"] = [
                losses(model, torch.from_numpy(part)) for part in np.load(question["held"]).values()
            ]
    return answer


def losses(model: Any, rows: torch.Tensor) -> float:
    """Nats a token over rows (N, T + 1)."""
    total = 0.0
    for part in rows.split(16384 // (rows.shape[1] - 1)):
        logits, _ = model(part[:, :-1], part[:, 1:].contiguous())
        total += float(F.cross_entropy(logits.flatten(0, 1), part[:, 1:].flatten(), reduction="sum"))
    return total / rows[:, 1:].numel()


def huggingface(question: dict[str, Any]) -> dict[str, float]:
    import transformers
    from transformers import Trainer, TrainerCallback, TrainingArguments

    peer, folder, context = question["peer"], question["model"], question["context"]
    auto = {"plm": "AutoModelForCausalLM", "span": "AutoModelForSeq2SeqLM"}.get(peer, "AutoModelForMaskedLM")
    model = getattr(transformers, auto).from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    if (
        peer == "plm" and tokenizer.mask_token is None
    ):  # the collator puts one over its targets; any token will do
        tokenizer.mask_token = tokenizer.sep_token
    rows = [{"input_ids": row} for row in question["rows"]]
    collators = {"plm": lambda: transformers.DataCollatorForPermutationLanguageModeling(tokenizer),
                 "span": lambda: Spans(tokenizer, context)}  # fmt: skip
    collate = collators.get(peer, lambda: transformers.DataCollatorForLanguageModeling(tokenizer))()
    tokens: list[int] = []

    def counted(rows: list[dict[str, list[int]]]) -> Any:
        tokens.append(sum(len(row["input_ids"]) for row in rows))
        return collate(rows)

    class Clock(TrainerCallback):
        started = seconds = 0.0
        before = 0

        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            if state.global_step == question["warm"]:
                self.started, self.before = time.process_time(), len(tokens)
            self.seconds = time.process_time() - self.started

    clock = Clock()
    arguments = TrainingArguments(
        output_dir=str(Path(sys.argv[2]).parent / "trainer"), per_device_train_batch_size=question["batch"],
        max_steps=question["warm"] + question["steps"], use_cpu=True, save_strategy="no", logging_strategy="no",
        report_to=[], disable_tqdm=True, remove_unused_columns=False, dataloader_pin_memory=False,
    )  # fmt: skip
    trainer = Trainer(
        model=model, args=arguments, data_collator=counted, train_dataset=rows, callbacks=[clock]
    )
    trainer.train()
    of_steps = tokens[question["warm"] : question["warm"] + question["steps"]]
    return {"seconds": clock.seconds, "tokens": sum(of_steps)}


class Spans:
    """As the collator of run_t5_mlm_flax.py: 15% of a row in spans of 3, sentinels in their place."""

    def __init__(self, tokenizer: Any, context: int) -> None:
        self.end, self.pad = tokenizer.eos_token_id, tokenizer.pad_token_id
        self.first, self.random = max(tokenizer.all_special_ids), np.random.default_rng(0)
        names = [f"<extra_id_{n}>" for n in range(100)]
        self.sentinels = tokenizer.convert_tokens_to_ids(names)

    def mask(self, length: int) -> np.ndarray:
        noise = min(max(round(length * 0.15), 1), length - 1)
        spans = max(round(noise / 3.0), 1)

        def segments(items: int) -> np.ndarray:
            marks = np.arange(items - 1) < spans - 1
            self.random.shuffle(marks)
            return np.unique(np.cumsum(np.pad(marks, (1, 0))), return_counts=True)[1]

        lengths = np.stack([segments(length - noise), segments(noise)], 1).reshape(-1)
        return np.repeat(np.arange(2 * spans) % 2 == 1, lengths)

    def half(self, row: np.ndarray, out: np.ndarray) -> np.ndarray:
        """The row with each run of `out` replaced by one sentinel, and the end."""
        starts = out & ~np.pad(out[:-1], (1, 0))
        row = np.where(starts, np.array(self.sentinels)[np.cumsum(starts) - 1], row)
        return np.append(row[~out | starts], self.end)

    def __call__(self, rows: list[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
        inputs, labels = [], []
        for row in rows:
            tokens = np.array(row["input_ids"])
            out = self.mask(len(tokens))
            inputs.append(self.half(tokens, out))
            labels.append(self.half(tokens, ~out))
        return {"input_ids": torch.tensor(np.stack(inputs)), "labels": torch.tensor(np.stack(labels))}


def main() -> None:
    question = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    torch.set_num_threads(1)
    answer = nanogpt(question) if question["peer"] == "nanogpt" else huggingface(question)
    Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
