"""Exact match and F1 of answers, as the official scripts define them.

squad   SQuAD 1.1 and 2.0 (Rajpurkar 2016, 2018): lower case, no ASCII punctuation, no articles; F1 of the bags of
        words; without an answer 1 for saying so, else 0.
cmrc    CMRC 2018's evaluation script: lower case, without the script's own list of marks; segments are Chinese characters
        and English words; F1 of the longest common *substring* of segments. It knows no questions without an answer:
        those are as SQuAD's. Its "……" is two characters and therefore removes nothing, here as there.

The best of several answers counts. Where a fifth of the questions' letters are Han, `f1` and `exact` are CMRC's, and
SQuAD's stand beside them; else SQuAD's alone. Between Chinese characters the script splits words by
`nltk.word_tokenize`, whose Treebank rules `_words` follows.
"""

import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from headwater.tasks.items import Asked
from headwater.tasks.metrics.counted import Counted

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = frozenset(string.punctuation)
CMRC_MARKS = frozenset("-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
_HAN = re.compile(r"[\u4e00-\u9fa5]")
_LETTER_HAN = re.compile(r"[\u3400-\u9fff]")


# ---------------------------------------------------------------- SQuAD


def squad_normal(text: str) -> str:
    plain = "".join(character for character in text.lower() if character not in _PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", plain).split())


def squad(answers: Sequence[str], said: str) -> tuple[float, float]:
    """(exact, F1) of one question; no answers: it has none."""
    answers = [answer for answer in answers if squad_normal(answer)] or [""]
    return max(_squad_exact(a, said) for a in answers), max(_squad_f1(a, said) for a in answers)


def _squad_exact(answer: str, said: str) -> float:
    return float(squad_normal(answer) == squad_normal(said))


def _squad_f1(answer: str, said: str) -> float:
    true, ours = squad_normal(answer).split(), squad_normal(said).split()
    if not true or not ours:
        return float(true == ours)
    hits = (Counter(true) & Counter(ours)).total()
    return 2 * hits / (len(true) + len(ours))


# ---------------------------------------------------------------- CMRC


def cmrc(answers: Sequence[str], said: str) -> tuple[float, float]:
    """(exact, F1) of one question."""
    if not answers:
        return float(not said), float(not said)
    exact = float(any(_without_marks(answer) == _without_marks(said) for answer in answers))
    return exact, max(_cmrc_f1(answer, said) for answer in answers)


def _without_marks(text: str) -> str:
    return "".join(character for character in text.lower().strip() if character not in CMRC_MARKS)


def _cmrc_f1(answer: str, said: str) -> float:
    true, ours = segments(answer), segments(said)
    common = _longest_common_substring(true, ours)
    return 2 * common / (len(true) + len(ours)) if common else 0.0


def segments(text: str) -> list[str]:
    """Chinese characters one by one, what is between them by words; without marks."""
    found: list[str] = []
    between = ""
    for character in text.lower().strip():
        if character in CMRC_MARKS:
            continue
        if _HAN.match(character):
            found += [*_words(between), character]
            between = ""
        else:
            between += character
    return found + _words(between)


def _words(text: str) -> list[str]:
    """The Penn Treebank's rules, as far as a piece of a line meets them."""
    text = re.sub(r'([;@#$%&?!()\[\]{}<>"])', r" \1 ", text)
    text = re.sub(r"([:,])(?!\d)", r" \1 ", text)
    text = re.sub(r"(?<!\.)\.\s*$", " .", text)
    text = re.sub(r"(n't|'s|'m|'d|'ll|'re|'ve)(?=\s|$)", r" \1", text)
    return text.split()


def _longest_common_substring(one: list[str], other: list[str]) -> int:
    best, row = 0, [0] * (len(other) + 1)
    for segment in one:
        row = [0, *(row[place] + 1 if segment == theirs else 0 for place, theirs in enumerate(other))]
        best = max(best, *row)
    return best


# ---------------------------------------------------------------- all questions


def is_chinese(items: Sequence[Asked]) -> bool:
    sample = "".join(item.question for item in items[:200])
    return len(_LETTER_HAN.findall(sample)) > 0.2 * max(1, sum(character.isalpha() for character in sample))


def counted(items: Sequence[Asked], predictions: Sequence[dict[str, Any]]) -> Counted:
    """Exact and F1 of each question by the language's script, by SQuAD's, and 1; the same of those without an answer."""
    chinese = is_chinese(items)
    rows = []
    for item, prediction in zip(items, predictions, strict=True):
        answers, said = [text for text, _ in item.answers], prediction["answer"]
        english = squad(answers, said)
        own = cmrc(answers, said) if chinese else english
        none = float(not answers)
        rows.append([*own, *english, 1.0, none * own[0], none])

    def scores(sums: np.ndarray) -> dict[str, np.ndarray]:
        total = sums[:, 4]
        found = {"f1": sums[:, 1] / total, "exact": sums[:, 0] / total}
        if chinese:
            found |= {"squad_f1": sums[:, 3] / total, "squad_exact": sums[:, 2] / total}
        if sums[:, 6].any():
            with np.errstate(divide="ignore", invalid="ignore"):
                found["no_answer_accuracy"] = sums[:, 5] / sums[:, 6]
        return found

    return Counted(np.array(rows, np.float64), scores)
