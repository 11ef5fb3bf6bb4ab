"""`contamination`: the same evaluation items planted in the training text 0, 1, 4 and 16 times, in twin runs.

Items are questions with their right answers, English (ARC-easy) and Chinese (CMMLU). Decontamination, which takes them
out of every ordinary comparison, is switched off: this is what it saves one from.
"""

import csv
import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headwater.compare.sentence import signed
from headwater.compare.studies.pairs import better, pair
from headwater.compare.studies.study import Study
from headwater.compare.studies.texts import (
    Texts,
    chance,
    chinese_books,
    novels,
    write_pieces,
    write_recipe,
    write_texts,
)
from headwater.errors import HeadwaterError

TIMES = (0, 1, 4, 16)
ITEMS = 12  # of each language


def write(data: Path, folder: Path) -> Sequence[Path]:
    write_pieces(folder / "novels.jsonl", novels(data, 1_200))
    write_pieces(folder / "chinese.jsonl", chinese_books(data, 800))
    items = {"items-en": _drawn(english_items(data)), "items-zh": _drawn(chinese_items(data))}
    for name, found in items.items():
        write_texts(folder / f"{name}.jsonl", found)
    for times in TIMES[1:]:
        planted = [one for found in items.values() for one in found for _ in range(times)]
        write_texts(folder / f"x{times}.jsonl", planted)
    sources = ["novels", "chinese", *(f"x{times}" for times in TIMES[1:])]
    return [
        write_recipe(
            folder / f"{name}.yaml", name, sources, references=list(items),
            leave_out=[f"x{times}" for times in TIMES[1:] if f"x{times}" != name],
            rest=f"holdout: {{share: 0}}\nevaluate: {{domains: [{', '.join(items)}]}}\n",
            curate="duplicates: null, decontaminate: null",
        )
        for name in (f"x{times}" for times in TIMES)
    ]  # fmt: skip


def english_items(data: Path) -> Texts:
    path = data / "evals/gauntlet/arc_easy.jsonl.gz"
    with gzip.open(_there(path), "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            item = json.loads(line)
            yield f"arc-{number}", f"{item['query']}\nAnswer: {item['choices'][item['gold']]}"


def chinese_items(data: Path) -> Texts:
    for path in sorted(_there(data / "evals/cmmlu/test").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            for number, row in enumerate(csv.DictReader(lines)):
                yield f"{path.stem}-{number}", f"{row['Question']}\n答案：{row[row['Answer']]}"


def _drawn(items: Texts) -> list[tuple[str, str]]:
    return sorted(items, key=lambda one: chance(one[0]))[:ITEMS]


def _there(path: Path) -> Path:
    if not path.exists():
        raise HeadwaterError(f"{path}: no items for this study; name the folder of test data with --data")
    return path


def judge(record: dict[str, Any]) -> dict[str, Any]:
    none, *planted = (f"x{times}" for times in TIMES)
    rows = [pair(record, name, none) for name in planted]
    once, most = rows[0], rows[-1]
    dose = pair(record, planted[-1], planted[0])
    told = ", ".join(
        f"×{times} {signed(row['percent'])}%" for times, row in zip(TIMES[1:], rows, strict=True)
    )
    return {
        "as_expected": better(most),
        "rows": [*rows, dose],
        "sentence": {
            "en": f"Contamination, bits per byte of planted items: {told}; ×16 {'visible' if better(most) else 'not visible'}, "
            f"×1 {'visible' if better(once) else 'not visible'}; ×16 against ×1 {signed(dose['percent'])}%.",
            "zh": f"污染，植入题目的每字节比特数：{told.replace(', ', '，')}；×16 {'可见' if better(most) else '不可见'}，"
            f"×1 {'可见' if better(once) else '不可见'}；×16 对 ×1 {signed(dose['percent'])}%。",
        },
    }


STUDY = Study(
    name="contamination",
    question=(
        "What do evaluation items in the training text do to their own score?",
        "训练文本中混入评测题目，会怎样改变它们自己的得分？",
    ),
    expected=("visible at 16 times; once, as found", "16 遍时可见；1 遍如实记录"),
    confirmatory=True,
    arms=4,
    seeds=2,
    tokens=40_000,
    write=write,
    judge=judge,
    lesson=(
        "Part of what one copy does is not memory. The arm without items reads novels alone and never saw a question; and "
        "the tokeniser that all arms share was trained on the planted text too, so that it has the items' phrases as "
        "tokens. The arms with 1 and with 16 copies have both in common: their difference is the dose.",
        "一份副本的作用并不全是记忆：不含题目的一臂只读小说，从未见过题目；各臂共用的分词器也在植入的文本上训练过，题目中的短语因而成了词元。"
        "含 1 份和 16 份的两臂在这两点上相同：二者之差才是剂量的作用。",
    ),
)
