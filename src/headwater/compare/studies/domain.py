"""`domain`: trained on prose, on code or on Chinese, each scored on all three: everybody wins at home."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headwater.compare.sentence import signed
from headwater.compare.studies.pairs import better, pair
from headwater.compare.studies.study import Study
from headwater.compare.studies.texts import (
    chinese_books,
    novels,
    standard_library,
    write_pieces,
    write_recipe,
)

TEXTS = {"prose": (novels, 24_000), "code": (standard_library, 20_000), "chinese": (chinese_books, 24_000)}


def write(data: Path, folder: Path) -> Sequence[Path]:
    for name, (texts, characters) in TEXTS.items():
        write_pieces(folder / f"{name}.jsonl", texts(data, characters))
    rest = "holdout: {share: 0.4, salt: headwater-1}\nevaluate: {bytes_per_unit: 2kB}\n"
    return [
        write_recipe(
            folder / f"{name}.yaml", name, list(TEXTS), leave_out=[other for other in TEXTS if other != name], rest=rest
        )
        for name in TEXTS
    ]  # fmt: skip


def judge(record: dict[str, Any]) -> dict[str, Any]:
    """Each domain's own arm against each of the others, on that domain."""
    rows = [
        pair(record, home, arm["name"], home)
        for home in sorted({domain.partition("/")[0] for domain in record["domains"]})
        for arm in record["arms"]
        if arm["name"] != home
    ]
    wins = sum(map(better, rows))
    least = max(rows, key=lambda one: one["percent"])
    return {
        "as_expected": wins == len(rows),
        "rows": rows,
        "sentence": {
            "en": f"Own domain: {wins} of {len(rows)} pairs won clearly; the closest is {least['name']['en']}, "
            f"{signed(least['percent'], 0)}%.",
            "zh": f"本领域：{len(rows)} 对中 {wins} 对明显胜出；最接近的是 {least['name']['zh']}，"
            f"{signed(least['percent'], 0)}%。",
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
    tokens=120_000,
    write=write,
    judge=judge,
)
