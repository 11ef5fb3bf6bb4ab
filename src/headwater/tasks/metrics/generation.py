"""BLEU and chrF by sacrebleu, ROUGE-1, -2 and -L with Chinese characters as words.

rouge-score (Google's) keeps only a-z and 0-9: of a Chinese text nothing is left, and every score is 0. Ours has its
definitions (F1 of clipped n-grams; of the longest common subsequence) over words of `tokens`: Latin words and numbers
in lower case, and single Han characters, kana and hangul; without stemming. Of several references the best counts.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from sacrebleu.metrics import BLEU, CHRF  # type: ignore[attr-defined]

from headwater.tasks.items import Item, Written

_WORDS = re.compile(r"[a-z0-9]+|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")
_HAN = re.compile(r"[\u3400-\u9fff]")
DRAWS = 1000


def scores(items: Sequence[Item], predictions: Sequence[dict[str, Any]]) -> dict[str, float]:
    if predictions and "nats" in predictions[0]:
        tokens = sum(said["tokens"] for said in predictions)
        return {"minus_nats": -sum(said["nats"] for said in predictions) / tokens}
    return {name: found[0] for name, found in scored(items, predictions, 0, draws=1).items()}


def scored(
    items: Sequence[Item], predictions: Sequence[dict[str, Any]], seed: int, *, draws: int = DRAWS
) -> dict[str, tuple[float, float, float]]:
    """{name: (value, low, high)}, in hundredths as the field writes them."""
    written = [item for item in items if isinstance(item, Written)]
    said = [str(prediction["answer"]) for prediction in predictions]
    most = max(len(item.references) for item in written)
    # sacrebleu: the n-th references of all items in one list, None where an item has fewer
    references: Any = [
        [item.references[n] if n < len(item.references) else None for item in written] for n in range(most)
    ]
    found = {}
    tokenizer = "zh" if is_chinese([item.references[0] for item in written]) else "13a"
    for name, metric in (("chrf", CHRF()), ("bleu", BLEU(tokenize=tokenizer))):
        result = metric.corpus_score(said, references, n_bootstrap=draws)
        signature = metric.get_signature().format()
        half = (
            json.loads(result.format(width=4, signature=signature, is_json=True)).get("confidence_var", 0.0)
            if draws > 1
            else 0.0
        )
        value = float(result.score)
        found[name] = (value, max(0.0, value - half), min(100.0, value + half))
    table = np.array([
        [max(parts) for parts in zip(*(rouge(one, ref) for ref in item.references), strict=True)]
        for one, item in zip(said, written, strict=True)
    ])  # fmt: skip
    random = np.random.Generator(np.random.Philox(key=seed))
    drawn = table[random.integers(0, len(table), (draws, len(table)))].mean(1)  # (draws, 3)
    for place, name in enumerate(("rouge1", "rouge2", "rougeL")):
        low, high = np.percentile(drawn[:, place], [2.5, 97.5])
        found[name] = (100 * float(table[:, place].mean()), 100 * float(low), 100 * float(high))
    return found


def is_chinese(texts: Sequence[str]) -> bool:
    """Whether a fifth of the letters are Han."""
    sample = "".join(texts[:200])
    return len(_HAN.findall(sample)) > 0.2 * max(1, sum(character.isalpha() for character in sample))


def tokens(text: str) -> list[str]:
    return _WORDS.findall(text.lower())


def rouge(said: str, reference: str) -> tuple[float, float, float]:
    """ROUGE-1, -2 and -L F1."""
    ours, theirs = tokens(said), tokens(reference)
    return (
        _overlap(ours, theirs, 1),
        _overlap(ours, theirs, 2),
        _f1(_common(ours, theirs), len(ours), len(theirs)),
    )


def _overlap(ours: list[str], theirs: list[str], n: int) -> float:
    one, other = (Counter(zip(*(words[i:] for i in range(n)), strict=False)) for words in (ours, theirs))
    return _f1((one & other).total(), one.total(), other.total())


def _f1(hits: int, said: int, true: int) -> float:
    return 2 * hits / (said + true) if hits else 0.0


def _common(ours: list[str], theirs: list[str]) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(theirs) + 1)
    for word in ours:
        before = 0
        for place, other in enumerate(theirs, 1):
            before, row[place] = row[place], before + 1 if word == other else max(row[place], row[place - 1])
    return row[-1]
