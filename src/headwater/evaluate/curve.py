"""What right and wrong answers say: accuracy, its error, chance, and whether examples in the prompt did anything.

    accuracy of a condition         mean over items of the mean over draws of examples
    its standard error              √(s²_items / n + s²_draws / D); the second term with several draws only. Where all
                                    items are alike, s²_items is 1 / (n + 1), as if the next one were the other way
    above chance                    one-sided z against the null's own variance Σ c_i (1 − c_i) / n², p < .025 / m for m
                                    groups of one task (Bonferroni)
    "few-shot"                      the 95% intervals of both gains, over no examples and over the same examples with
                                    labels drawn at random (Min 2022), lie above 0; items are paired

A gain over no examples alone may be the format that examples show; over random labels alone, the harm that wrong ones
do. Only both together say that the model took something from the examples' labels.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

ALPHA = 0.05


@dataclass(frozen=True)
class Condition:
    """Answers under so many examples: right (D, n) in [0, 1], of D draws and n items."""

    shots: int
    right: np.ndarray
    shuffled: bool = False
    cut: int = 0  # prompts that did not fit the model's context, over all draws


def mean_and_error(right: np.ndarray) -> tuple[float, float, float]:
    """(mean, standard error, degrees of freedom) of right (D, n), draws and items."""
    draws, items = right.shape
    of_items = right.mean(0)
    spread = float(of_items.var(ddof=1)) if items > 1 else 0.0
    parts = [((spread or 1 / (items + 1)) / items, max(1, items - 1))]
    if draws > 1:
        parts.append((float(right.mean(1).var(ddof=1)) / draws, draws - 1))
    variance = sum(v for v, _ in parts)
    freedom = variance**2 / sum(v**2 / f for v, f in parts)
    return float(right.mean()), math.sqrt(variance), float(freedom)


def interval(mean: float, error: float, freedom: float) -> list[float]:
    """95%, by t."""
    from scipy import special  # .25 s to load, and a summary imports this file for its words

    half = float(special.stdtrit(freedom, 1 - ALPHA / 2)) * error
    return [mean - half, mean + half]


def above_chance(right: np.ndarray, chance: np.ndarray, groups: int = 1) -> bool:
    """Whether right (n,) beats chance (n,), for one of so many groups."""
    null = math.sqrt(float((chance * (1 - chance)).sum()))
    gain = float((right - chance).sum())
    if not null:
        return gain > 0
    from scipy import special

    return float(special.ndtr((0.5 - gain) / null)) < ALPHA / 2 / groups


def summary(right: np.ndarray, chance: np.ndarray, groups: int = 1) -> dict[str, Any]:
    """Of right (D, n) and chance (n,)."""
    mean, error, freedom = mean_and_error(right)
    return {
        "score": mean,
        "standard_error": error,
        "interval": interval(mean, error, freedom),
        "items": right.shape[1],
        "chance": float(chance.mean()),
        "above_chance": above_chance(right.mean(0), chance, groups),
    }


def curve(conditions: list[Condition], chance: np.ndarray) -> list[dict[str, Any]]:
    """A row for each number of shots, with its controls; `conditions` hold that of no examples, and may lack a control
    with random labels: without it nothing is called few-shot."""
    by = {(one.shots, one.shuffled): one for one in conditions}
    nothing = by[0, False].right
    rows = []
    for shots in sorted({one.shots for one in conditions}):
        one = by[shots, False]
        row: dict[str, Any] = {"shots": shots, **summary(one.right, chance), "cut": one.cut}
        if shots:
            control = by.get((shots, True))
            row |= {
                "draws": [float(value) for value in one.right.mean(1)],
                "spread": float(one.right.mean(1).std(ddof=1)) if len(one.right) > 1 else None,
                **({} if control is None else {"shuffled": summary(control.right, chance)}),
                "gain_over_nothing": _gain(one.right - nothing),
                **({} if control is None else {"gain_over_shuffled": _gain(one.right - control.right)}),
            }
            row["few_shot"] = control is not None and len(_beaten(row)) == 2
        rows.append(row)
    return rows


def _beaten(row: dict[str, Any]) -> list[str]:
    """The controls that a row with examples is better than."""
    gains = {name: row.get(f"gain_over_{name}") for name in ("nothing", "shuffled")}
    return [name for name, gain in gains.items() if gain is not None and gain["interval"][0] > 0]


def _gain(difference: np.ndarray) -> dict[str, Any]:
    mean, error, freedom = mean_and_error(difference)
    return {"difference": mean, "interval": interval(mean, error, freedom)}


def sentence(row: dict[str, Any], language: str = "en", kind: str = "") -> str:
    """What a row of a curve, or a group, says in words; `kind` of its task."""
    english = language == "en"
    if kind == "induction":
        if row["above_chance"]:
            return (
                "what came before is likelier when it comes again"
                if english
                else "出现过的内容再次出现时更可能"
            )
        return (
            "no induction: what came before is no likelier" if english else "没有归纳：出现过的内容并不更可能"
        )
    if not row["above_chance"]:
        return "not above chance" if english else "不高于随机水平"
    if not row.get("shots"):
        return "above chance" if english else "高于随机水平"
    if row["few_shot"]:
        return "few-shot: better than without examples and than with random labels" if english else (
            "少样本学习：优于无示例，也优于随机标签"
        )  # fmt: skip
    beats = _beaten(row)
    if not beats:
        return "above chance, examples make no difference" if english else "高于随机水平，示例没有作用"
    if "gain_over_shuffled" not in row:
        return (
            "better than without examples; no control with random labels"
            if english
            else "优于无示例；没有随机标签的对照"
        )
    if beats == ["nothing"]:
        return (
            "better than without examples, no better than with random labels: the format, not the labels"
            if english
            else "优于无示例，但不优于随机标签：学到的是格式，不是标签"
        )
    return (
        "better than with random labels, no better than without examples"
        if english
        else "优于随机标签，但不优于无示例"
    )
