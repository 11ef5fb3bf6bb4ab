"""`noise`: a share of the text with neighbouring characters swapped: 0, 5 and 20%. More noise is worse."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import xxhash

from headwater.compare.sentence import signed
from headwater.compare.studies.pairs import pair, worse
from headwater.compare.studies.study import Study
from headwater.compare.studies.texts import novels, write_pieces, write_recipe

SHARES = {"clean": 0.0, "noise-5": 0.05, "noise-20": 0.20}
SEQUENCE = 400  # characters: a few to a training sequence


def write(data: Path, folder: Path) -> Sequence[Path]:
    for name, share in SHARES.items():
        write_pieces(folder / f"{name}.jsonl", novels(data, 60_000), swapped(share))
    # a novel is held out in every version; all are scored on the clean one
    rest = "holdout: {share: 0.5, salt: headwater-1}\nevaluate: {domains: [clean], bytes_per_unit: 10kB}\n"
    return [
        write_recipe(
            folder / f"{name}.yaml", name, list(SHARES), leave_out=[other for other in SHARES if other != name],
            rest=rest,
        )
        for name in SHARES
    ]  # fmt: skip


def swapped(share: float) -> Callable[[str, str], str]:
    """Swaps neighbours in a share of the sequences, chosen by hash: what 5% swap, 20% swap too."""

    def change(name: str, text: str) -> str:
        parts = []
        for start in range(0, len(text), SEQUENCE):
            part = text[start : start + SEQUENCE]
            if xxhash.xxh3_64_intdigest(f"{name}-{start}".encode()) < share * 2**64:
                part = "".join(part[at : at + 2][::-1] for at in range(0, len(part), 2))
            parts.append(part)
        return "".join(parts)

    return change


def judge(record: dict[str, Any]) -> dict[str, Any]:
    clean, some, much = SHARES
    rows = [pair(record, some, clean), pair(record, much, some), pair(record, much, clean)]
    clear = worse(rows[2])
    monotone = all(one["percent"] > 0 for one in rows)
    told = f"5% {signed(rows[0]['percent'])}%, 20% {signed(rows[2]['percent'])}%"
    return {
        "as_expected": monotone and clear,
        "rows": rows,
        "sentence": {
            "en": f"Noise: {told} bits per byte; {'monotone' if monotone else 'not monotone'}, "
            f"20% {'resolved' if clear else 'not resolved'}.",
            "zh": f"噪声：每字节比特数 {told}；{'单调' if monotone else '不单调'}，20% {'已分辨' if clear else '未能分辨'}。",
        },
    }


STUDY = Study(
    name="noise",
    question=("What do swapped characters in the training text cost?", "训练文本中被调换的字符代价多大？"),
    expected=("monotone: 5% is worse than none, 20% worse than 5%", "单调：5% 比没有差，20% 比 5% 更差"),
    confirmatory=True,
    arms=3,
    seeds=5,
    tokens=240_000,
    write=write,
    judge=judge,
    lesson=(
        "A first record, of 120,000 tokens, four seeds and eight held-out units, could not tell 20% from none (+2.0% "
        "[-0.3, +4.4]); twice the tokens and a seed and two units more can. 5% of the sequences with swapped neighbours "
        "cost less than this comparison sees.",
        "第一份记录用 12 万词元、四个种子、八个留出单元，未能把 20% 与无噪声区分开（+2.0% [-0.3, +4.4]）；词元加倍、种子与单元略增后可以。"
        "5% 的序列中相邻字符互换，其代价小于这次比较所能看到的差别。",
    ),
)
