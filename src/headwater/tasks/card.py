"""The card of a task: what is in each split, what splits share, and what the model may have read before.

Equal is what is equal in letters and digits, without case, spaces and punctuation. Two items are duplicates where all
their texts are; they conflict where their answers differ.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from headwater.tasks.items import Item
from headwater.tasks.records import harmless
from headwater.tasks.task import SPLITS, Task, normal

MOST_LABELS = 12  # shown of many


def card_of(task: Task, tokens: Callable[[str], int], context: int) -> dict[str, Any]:
    """`tokens`: how many the model's tokeniser makes of a text; `context`: how many the model reads at once."""
    texts = {
        split: [tuple(map(normal, item.texts)) for item in items] for split, items in task.splits.items()
    }
    sets = {split: set(some) for split, some in texts.items()}
    return {
        "task": task.name,
        "kind": task.kind,
        "labels": len(task.labels),
        "notes": list(task.notes),
        "left_out": task.left_out,
        "files": task.files,
        "splits": {s: _split(task.kind, task.splits[s], texts[s], tokens, context) for s in SPLITS},
        "in_both": {
            f"{one} and {other}": sum(text in sets[one] for text in texts[other])
            for one, other in combinations(SPLITS, 2)
        },
    }


def _split(
    kind: str, items: Sequence[Item], texts: list[tuple[str, ...]], tokens: Callable[[str], int], context: int
) -> dict[str, Any]:
    answers: dict[tuple[str, ...], set[str]] = {}
    for item, text in zip(items, texts, strict=True):
        answers.setdefault(text, set()).add(item.target)
    characters = np.array([sum(map(len, item.texts)) for item in items])
    lengths = np.array([sum(map(tokens, item.texts)) for item in items])
    made: dict[str, Any] = {
        "items": len(items),
        "characters": _spread(characters),
        "tokens": _spread(lengths),
        "longer_than_context": int((lengths > context - 3).sum()),
        "duplicates": len(texts) - len(answers),
        "conflicting": sum(len(answers[text]) > 1 for text in texts),
    }
    if kind == "classification":
        made["balance"] = dict(Counter(item.target for item in items).most_common())
    if kind == "reading":
        made["without_answer"] = sum(not item.target for item in items)
    if kind == "tagging":
        kinds = Counter(tag[2:] for item in items for tag in item.target.split(" ") if tag.startswith("B-"))
        made["entities"] = dict(kinds.most_common())
    return made


def _spread(values: np.ndarray) -> dict[str, int]:
    return {
        "median": int(np.median(values)),
        "95%": int(np.percentile(values, 95)),
        "longest": int(values.max()),
    }


def lines_of(card: dict[str, Any], context: int) -> list[str]:
    """For people, before anything is trained."""
    about = (
        f", {card['labels']} {'tags' if card['kind'] == 'tagging' else 'labels'}" if card["labels"] else ""
    )
    lines = [f"task      {card['task']}: {card['kind']}{about}"]
    for split, some in card["splits"].items():
        length = some["tokens"]
        lines.append(
            f"{split:<11}{some['items']:,} items; {length['median']:,} tokens at the median, {length['longest']:,} at most"
        )
        shares = some.get("balance") or some.get("entities")
        if shares:
            shown = ", ".join(
                f"{harmless(label)} {count / sum(shares.values()):.0%}"
                for label, count in list(shares.items())[:MOST_LABELS]
            )
            more = f", and {len(shares) - MOST_LABELS} more" if len(shares) > MOST_LABELS else ""
            lines.append(f"          {shown}{more}")
        if some.get("without_answer"):
            lines.append(f"          {some['without_answer']:,} questions have no answer in the passage")
        if some["longer_than_context"]:
            how = (
                "passages are read in overlapping windows" if card["kind"] == "reading"
                else "sentences are read in windows" if card["kind"] == "tagging" else "their end is cut"
            )  # fmt: skip
            lines.append(
                f"          {some['longer_than_context']:,} items are longer than the model's context of {context:,}: {how}"
            )
        if some["duplicates"] or some["conflicting"]:
            lines.append(
                f"          {some['duplicates']:,} repeat another item's text; {some['conflicting']:,} are of a text with "
                "different answers"
            )
    lines += [f"          {note}" for note in card["notes"]]
    lines += [
        f"left out  {split}: " + ", ".join(f"{count:,} {reason}" for reason, count in reasons.items())
        for split, reasons in card["left_out"].items()
    ]
    shared = [f"{pair} {count:,}" for pair, count in card["in_both"].items() if count]
    lines.append(
        f"in both   {', '.join(shared)} items with equal text"
        if shared
        else "in both   no item of two splits has the same text"
    )
    overlap = card.get("overlap")
    if overlap is not None:
        lines.append(f"overlap   {overlap_line(overlap)}")
    return lines


def overlap_line(overlap: dict[str, Any]) -> str:
    if "unknown" in overlap:
        return f"with the pre-training text: {overlap['unknown']}"
    return (
        f"{overlap['found']:,} of {overlap['long_enough']:,} test items that are long enough to tell ({overlap['words']} words "
        f"or {overlap['characters']} characters; {overlap['items']:,} in all) share such a passage with the pre-training text"
    )
