"""What a task model makes of items: labels, tags, spans of passages, options, texts.

A prediction, by kind of task:

    classification, choice   {"answer": label or option's place, "probabilities": [...]}
    tagging                  {"answer": [tag, ...]}
    reading                  {"answer": text of the passage or "", "score": span's logits less those of no answer}
    generation               {"answer": text}; while training {"nats", "tokens"} of the first reference alone
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from headwater.engine.progress import report
from headwater.model.generate import Sampling, generate
from headwater.model.task_inputs import LONGEST_ANSWER, Coder, Row
from headwater.model.task_model import Batch, TaskModel, by_item, collate
from headwater.tasks.items import Asked, Item, Written

BATCH_TOKENS = 8192
STARTS = 20  # of a window, the likeliest, among which its answer is looked for
WRITTEN_AT_ONCE = 32  # rows
LONGEST_WRITTEN = 96  # tokens

Prediction = dict[str, Any]


def predict(
    model: TaskModel, coder: Coder, items: Sequence[Item], labels: Sequence[str], *, quick: bool = False
) -> list[Prediction]:
    """A prediction for each item, in order. `quick`: of generation only the loss, which needs no writing."""
    model.eval()
    with torch.inference_mode():
        if model.kind == "generation" and not quick:
            return _write(model, coder, items)
        rows = coder.rows(items, labels)
        made: list[Prediction] = [{} for _ in items]
        of = {
            "classification": _classify,
            "choice": _choose,
            "tagging": _tag,
            "reading": _read,
            "generation": _weigh,
        }
        for some in by_length(rows, together=model.kind == "choice"):
            batch = _on_device(model, collate_rows(coder, model.kind, some))
            of[model.kind](model, batch, some, items, labels, made)
        if model.kind == "tagging":
            for prediction in made:  # windows come by length; words by place
                parts = prediction.pop("parts")
                prediction["answer"] = [tag for _, tags in sorted(parts) for tag in tags]
        if model.kind == "reading":
            for prediction in made:
                best, none = prediction.pop("best"), prediction.pop("none")
                prediction["score"] = round(best[0] - none, 4)
                # where training had no question without an answer the likeliest span is one
                prediction["answer"] = best[1] if best[0] > none or not labels else ""
        return made


def collate_rows(coder: Coder, kind: str, rows: Sequence[Row]) -> Batch:
    special = coder.special
    pad = special.pad if special.pad is not None else special.separator
    return collate(kind, coder.family, rows, pad, pad)


def by_length(rows: Sequence[Row], *, together: bool) -> Iterator[list[Row]]:
    """Batches of about BATCH_TOKENS, rows of one length side by side; `together`: those of an item stay so."""
    groups: dict[int, list[Row]] = {}
    for number, row in enumerate(rows):
        groups.setdefault(row.item if together else number, []).append(row)
    ordered = sorted(groups.values(), key=lambda group: max(len(row.tokens) for row in group))
    batch: list[Row] = []
    for group in ordered:
        longest = max(len(row.tokens) for row in group)
        if batch and (len(batch) + len(group)) * longest > BATCH_TOKENS:
            yield batch
            batch = []
        batch = batch + group
    if batch:
        yield batch


def _on_device(model: TaskModel, batch: Batch) -> Batch:
    place = model.body.embedding.weight.device
    return {name: tensor.to(place) for name, tensor in batch.items()}


# ---------------------------------------------------------------- kinds


def _classify(
    model: TaskModel, batch: Batch, rows: Sequence[Row], items: Sequence[Item], labels: Sequence[str], made: list[Prediction]
) -> None:  # fmt: skip
    chances = torch.softmax(model(batch).float(), -1).cpu().numpy()
    for row, of_row in zip(rows, chances, strict=True):
        made[row.item] = {"answer": labels[int(of_row.argmax())], "probabilities": _rounded(of_row)}


def _choose(
    model: TaskModel, batch: Batch, rows: Sequence[Row], items: Sequence[Item], labels: Sequence[str], made: list[Prediction]
) -> None:  # fmt: skip
    chances = torch.softmax(by_item(model(batch).float(), batch["options"]), -1).cpu().numpy()
    for item, of_item in zip(dict.fromkeys(row.item for row in rows), chances, strict=True):
        made[item] = {"answer": int(of_item.argmax()), "probabilities": _rounded(of_item)}


def _tag(
    model: TaskModel, batch: Batch, rows: Sequence[Row], items: Sequence[Item], labels: Sequence[str], made: list[Prediction]
) -> None:  # fmt: skip
    outputs = model(batch).float().flatten(0, 1)[batch["places"]]
    answers = outputs.argmax(-1).cpu().tolist()
    start = 0
    for row in rows:
        assert row.places is not None
        tags = [labels[place] for place in answers[start : start + len(row.places)]]
        start += len(row.places)
        made[row.item].setdefault("parts", []).append((row.window, tags))


def _read(
    model: TaskModel, batch: Batch, rows: Sequence[Row], items: Sequence[Item], labels: Sequence[str], made: list[Prediction]
) -> None:  # fmt: skip
    """The likeliest span of all windows; it has no answer where every window says so more than any says a span."""
    outputs = model(batch).float().cpu()
    for number, row in enumerate(rows):
        assert row.places is not None and row.spans is not None
        shift = int(batch["read"][number]) - row.read
        none = float(outputs[number, shift + row.read].sum())
        score, text = _best_span(outputs[number, shift + torch.from_numpy(row.places)], row, items[row.item])
        before = made[row.item].setdefault("best", (float("-inf"), ""))
        made[row.item]["best"] = max(before, (score, text), key=lambda one: one[0])
        made[row.item]["none"] = min(made[row.item].get("none", float("inf")), none)


def _best_span(outputs: Tensor, row: Row, item: Item) -> tuple[float, str]:
    """outputs (n, 2) of the passage's tokens -> the likeliest span's logits and text."""
    assert isinstance(item, Asked) and row.spans is not None
    if not len(outputs):
        return float("-inf"), ""
    starts, ends = outputs[:, 0].numpy(), outputs[:, 1].numpy()
    best, where = float("-inf"), (0, 0)
    for start in np.argsort(-starts, kind="stable")[:STARTS]:
        part = ends[start : start + LONGEST_ANSWER]
        end = int(part.argmax())
        if starts[start] + part[end] > best:
            best, where = float(starts[start] + part[end]), (int(start), int(start) + end)
    text = item.passage[row.spans[where[0]][0] : row.spans[where[1]][1]]
    return best, text.strip()


def _weigh(
    model: TaskModel, batch: Batch, rows: Sequence[Row], items: Sequence[Item], labels: Sequence[str], made: list[Prediction]
) -> None:  # fmt: skip
    """The mean of a batch, for each of its rows: all that the choice of an epoch needs."""
    nats = float(model.loss(batch))
    for row in rows:
        assert row.target is not None
        made[row.item] = {"nats": nats * len(row.target), "tokens": len(row.target)}


def _write(model: TaskModel, coder: Coder, items: Sequence[Item]) -> list[Prediction]:
    """Greedy. The longest written are 96 tokens, and what fits the context."""
    body, special = model.body, coder.special
    every = {special.separator, special.end, special.begin, special.pad, *special.sentinels} - {None}
    stop = {coder.stop}
    beyond = range(coder.tokenizer.vocabulary, body.config.vocabulary)
    banned = {token for token in {*special.ids, *every, *beyond} if token is not None} - stop
    made: list[Prediction] = []
    for start in range(0, len(items), WRITTEN_AT_ONCE):
        some = [item for item in items[start : start + WRITTEN_AT_ONCE] if isinstance(item, Written)]
        sources = [coder.ids(item.source) for item in some]
        options: dict[str, Any] = {"sampling": Sampling(temperature=0), "stop": stop, "banned": banned}
        if body.config.family == "t5":
            read = [[*source[: body.config.context - 1], coder.stop] for source in sources]
            writer = generate(
                body, [[special.pad or 0]] * len(some), sources=read,
                new_tokens=min(LONGEST_WRITTEN, body.config.context - 1), **options,
            )  # fmt: skip
        else:
            beginnings = [coder.beginning(source, body.config.context // 2) for source in sources]
            room = body.config.context - max(map(len, beginnings)) - 1
            writer = generate(body, beginnings, new_tokens=max(1, min(LONGEST_WRITTEN, room)), **options)
        made += [{"answer": coder.tokenizer.decode(row).strip()} for row in writer.rows]
        report(len(made), len(items))
    return made


def _rounded(chances: np.ndarray) -> list[float]:
    return [round(float(chance), 5) for chance in chances]
