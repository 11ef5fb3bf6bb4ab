"""`negative-control`: "does code improve reasoning?", asked of models that are too small for an answer.

An item is a question with its right and a wrong choice (PIQA, ARC-easy, COPA); a model is right where the right one is
more likely as a whole. The score is the share of right items, its interval that of PROTOCOL.md: seeds of both arms and
items together. A method that finds a direction here would find one anywhere.
"""

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headwater.compare.record import scores_of
from headwater.compare.sentence import WORDS, signed
from headwater.compare.statistics import Effect, combined
from headwater.compare.studies.study import Study
from headwater.compare.studies.texts import (
    chance,
    novels,
    standard_library,
    write_pieces,
    write_recipe,
    write_texts,
)
from headwater.errors import HeadwaterError

SETS = ("piqa", "arc_easy", "copa")
ITEMS = 1000
VISIBLE = 5.0  # points: what a comparison of this size must be able to see
SIDES = ("right", "wrong")


def write(data: Path, folder: Path) -> Sequence[Path]:
    write_pieces(folder / "prose.jsonl", novels(data, 30_000))
    write_pieces(folder / "code.jsonl", standard_library(data, 15_000))
    drawn = sorted(_items(data), key=lambda one: chance(one[0]))[:ITEMS]
    for place, side in enumerate(SIDES, 1):
        write_texts(folder / f"{side}.jsonl", ((item[0], item[place]) for item in drawn))
    rest = f"holdout: {{share: 0}}\nevaluate: {{domains: [{', '.join(SIDES)}]}}\n"
    return [
        write_recipe(folder / "prose.yaml", "prose", ["prose", "code"], references=SIDES, leave_out=["code"], rest=rest),
        write_recipe(folder / "with-code.yaml", "with-code", ["prose", "code"], references=SIDES, leave_out=[],
                     rest=rest, curate="duplicates: null, mixture: {prose: 1, code: 1}"),
    ]  # fmt: skip


def _items(data: Path) -> Iterator[tuple[str, str, str]]:
    """(name, with the right choice, with the first wrong one)."""
    for name in SETS:
        path = data / f"evals/gauntlet/{name}.jsonl.gz"
        if not path.is_file():
            raise HeadwaterError(f"{path}: no items for this study; name the folder of test data with --data")
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines):
                item = json.loads(line)
                query, right = item["query"], item["choices"][item["gold"]]
                wrong = next(choice for choice in item["choices"] if choice != right)
                yield f"{name}-{number}", f"{query} {right}", f"{query} {wrong}"


def judge(record: dict[str, Any]) -> dict[str, Any]:
    prose, code = (_right(record, name) for name in ("prose", "with-code"))
    alone = {name: _accuracy(found) for name, found in (("prose", prose), ("with-code", code))}
    beats = {name: found.interval()[0] > 0.5 for name, found in alone.items()}
    difference = combined(
        float(code.mean() - prose.mean()),
        (_seeds(code), _seeds(prose), _units(code.mean(0) - prose.mean(0))),
        (len(code), len(prose)),
    )
    low, high = difference.interval()
    word = "cannot tell"
    if not any(beats.values()):
        word = "not measurable"
    elif low > 0 or high < 0:
        word = "helps" if low > 0 else "hurts"
    visible = 100 * difference.smallest_visible()
    told = f"{signed(100 * difference.delta)} [{signed(100 * low)}, {signed(100 * high)}]"
    return {
        "as_expected": word in ("cannot tell", "not measurable") and visible < VISIBLE,
        "rows": [
            _points("with-code against prose, right items", "with-code 对 prose，答对的题目", difference),
            *(_points(f"{name}, above chance", f"{name}，高于随机", found, 0.5) for name, found in alone.items()),
        ],
        "sentence": {
            "en": f"Does code improve reasoning, at this size: {word}; {told} points of right items, smallest visible "
            f"difference {visible:.1f} points.",
            "zh": f"在这个规模上，代码能否增进推理：{WORDS[word]}；答对题目的百分点 {told}，可见的最小差别 {visible:.1f} 个百分点。",
        },
    }  # fmt: skip


def _right(record: dict[str, Any], arm: str) -> np.ndarray:
    """Which items each run has right, (seeds, items): the right choice has fewer bits in all."""
    scores = scores_of(record, arm)
    sides = []
    for side in SIDES:
        names = sorted(name for name in scores if name.partition("/")[0] == side)
        sides.append(np.concatenate([scores[name].bits * scores[name].sizes for name in names], axis=1))
    right: np.ndarray = (sides[0] < sides[1]).astype(float)
    return right


def _seeds(right: np.ndarray) -> tuple[float, float]:
    by_seed = right.mean(1)
    return float(by_seed.var(ddof=1)) / len(by_seed), len(by_seed) - 1.0


def _units(items: np.ndarray) -> tuple[float, float]:
    return float(items.var(ddof=1)) / len(items), len(items) - 1.0


def _accuracy(right: np.ndarray) -> Effect:
    return combined(float(right.mean()), (_seeds(right), _units(right.mean(0))), (len(right), len(right)))


def _points(english: str, chinese: str, found: Effect, less: float = 0.0) -> dict[str, Any]:
    low, high = (100 * (end - less) for end in found.interval())
    row = {
        "name": {"en": english, "zh": chinese},
        "percent": 100 * (found.delta - less),
        "interval": [low, high],
    }
    return row | {"unit": "points"}


STUDY = Study(
    name="negative-control",
    question=("Does code improve reasoning, at this size?", "在这个规模上，代码能否增进推理？"),
    expected=(
        "not measurable or cannot tell, never a direction, with less than 5 points as the smallest visible difference",
        "无法测量或无法判断，绝不给出方向；可见的最小差别小于 5 个百分点",
    ),
    confirmatory=True,
    arms=2,
    seeds=4,
    tokens=80_000,
    write=write,
    judge=judge,
)
