"""`diversity`: specialists of prose, code and Chinese against an even mix of all three, at equal tokens."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headwater.compare.sentence import signed
from headwater.compare.studies.domain import TEXTS
from headwater.compare.studies.pairs import better, pair
from headwater.compare.studies.study import Study
from headwater.compare.studies.texts import write_pieces, write_recipe

MIX = "mix"
LITTLE = 0.5  # of what the mix wins away, in ln of bits per byte: what it may lose at home


def write(data: Path, folder: Path) -> Sequence[Path]:
    for name, (texts, characters) in TEXTS.items():
        write_pieces(folder / f"{name}.jsonl", texts(data, characters))
    rest = "holdout: {share: 0.4, salt: headwater-1}\nevaluate: {bytes_per_unit: 2kB}\n"
    even = ", ".join(f"{name}: 1" for name in TEXTS)
    recipes = [
        write_recipe(folder / f"{MIX}.yaml", MIX, list(TEXTS), leave_out=[], rest=rest,
                     curate=f"duplicates: null, mixture: {{{even}}}")
    ]  # fmt: skip
    for name in TEXTS:
        others = [other for other in TEXTS if other != name]
        recipes.append(write_recipe(folder / f"{name}.yaml", name, list(TEXTS), leave_out=others, rest=rest))
    return recipes


def judge(record: dict[str, Any]) -> dict[str, Any]:
    """The mix against each specialist: in the specialist's own domain, and in the two others."""
    home = [pair(record, MIX, name, name) for name in TEXTS]
    away = [pair(record, MIX, name, other) for name in TEXTS for other in TEXTS if other != name]
    lost, won = (sum(_log(row) for row in rows) / len(rows) for rows in (home, away))
    wins = sum(map(better, away))
    told = [signed(100 * math.expm1(value), 0) for value in (lost, won)]
    return {
        "as_expected": wins == len(away) and lost < LITTLE * -won,
        "rows": [*home, *away],
        "sentence": {
            "en": f"An even mix against specialists: {told[0]}% bits per byte at home, {told[1]}% away; "
            f"{wins} of {len(away)} away pairs won clearly.",
            "zh": f"均匀混合对专才：在其本领域每字节比特数 {told[0]}%，在其他领域 {told[1]}%；"
            f"{len(away)} 对外域中 {wins} 对明显胜出。",
        },
    }


def _log(row: dict[str, Any]) -> float:
    return math.log1p(row["percent"] / 100)


STUDY = Study(
    name="diversity",
    question=(
        "What does a mix of prose, code and Chinese lose to specialists, and what does it win?",
        "散文、代码、中文的混合，比起专才失去什么，又得到什么？",
    ),
    expected=(
        "the mix wins every pair away, and loses less than half as much at home",
        "混合在每一对外域都胜出，在本领域的损失不到其收获的一半",
    ),
    confirmatory=True,
    arms=4,
    seeds=3,
    tokens=120_000,
    write=write,
    judge=judge,
)
