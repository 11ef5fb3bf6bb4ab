"""`domain`: trained on prose, on code or on Chinese, each scored on all three: everybody wins at home."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headwater.compare.record import scores_of
from headwater.compare.statistics import effect
from headwater.compare.studies.study import Study, row
from headwater.compare.studies.texts import (
    chinese_books,
    novels,
    standard_library,
    write_pieces,
    write_recipe,
)

TEXTS = {"prose": (novels, 100_000), "code": (standard_library, 30_000), "chinese": (chinese_books, 100_000)}


def write(data: Path, folder: Path) -> Sequence[Path]:
    for name, (texts, characters) in TEXTS.items():
        write_pieces(folder / f"{name}.jsonl", texts(data, characters))
    rest = "holdout: {share: 0.4, salt: headwater-1}\nevaluate: {bytes_per_unit: 8kB}\n"
    return [
        write_recipe(
            folder / f"{name}.yaml", name, list(TEXTS), leave_out=[other for other in TEXTS if other != name], rest=rest
        )
        for name in TEXTS
    ]  # fmt: skip


def judge(record: dict[str, Any]) -> dict[str, Any]:
    """Each domain's own arm against each of the others, on that domain."""
    scores = {arm["name"]: scores_of(record, arm["name"]) for arm in record["arms"]}
    rows = []
    for domain in record["domains"]:
        home = domain.partition("/")[0]
        for other in scores:
            if other != home:
                found = effect(scores[home], scores[other], {domain: 1.0})
                rows.append(row(f"{home} against {other} on {domain}", found))
    wins = sum(one["interval"][1] < 0 for one in rows)
    least = max(rows, key=lambda one: one["percent"])
    return {
        "as_expected": wins == len(rows),
        "rows": rows,
        "sentence": {
            "en": f"Own domain: {wins} of {len(rows)} pairs won clearly; the closest is {least['name']}, "
            f"{least['percent']:.0f}%.",
            "zh": f"本领域：{len(rows)} 对中 {wins} 对明显胜出；最接近的是 {least['name']}，{least['percent']:.0f}%。",
        },
    }


STUDY = Study(
    name="domain",
    question=(
        "Does a model know best what it was trained on?",
        "模型是否最懂它训练过的领域？",
    ),
    expected=("the own domain wins clearly, in every pair", "每一对中本领域都明显胜出"),
    confirmatory=True,
    arms=3,
    seeds=3,
    tokens=250_000,
    write=write,
    judge=judge,
)
