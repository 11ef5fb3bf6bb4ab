"""`memorisation`: passages that the training text holds 1, 4, 16, 64 or 256 times, against a twin without them.

Which passage gets which dose is drawn by hash. The twin reads other text of the same novels in the planted passages'
place. What is measured is the loss on the passages, dose by dose, and its gap to the twin's (Carlini 2023 measures
extraction, which needs larger models). Nothing is decontaminated here: planting is the point.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from headwater.compare.sentence import signed
from headwater.compare.studies.pairs import better, pair
from headwater.compare.studies.study import Study
from headwater.compare.studies.texts import (
    Texts,
    chance,
    novels,
    pieces,
    write_pieces,
    write_recipe,
    write_texts,
)

DOSES = (1, 4, 16, 64, 256)
PASSAGES = 32  # a dose
LENGTH = 32  # characters
OWN, FILLER = 15_000, 16_000  # characters of each novel: read by both, and by the twin alone
FROM = 40_000  # of each novel: where passages are taken


def write(data: Path, folder: Path) -> Sequence[Path]:
    texts = list(novels(data, 60_000))
    write_pieces(folder / "novels.jsonl", [(unit, text[:OWN]) for unit, text in texts])
    write_pieces(folder / "filler.jsonl", [(unit, text[OWN : OWN + FILLER]) for unit, text in texts])
    dosed = doses(texts)
    planted = [(name, text) for dose, found in dosed.items() for name, text in found for _ in range(dose)]
    write_texts(folder / "planted.jsonl", planted)
    for dose, found in dosed.items():
        write_texts(folder / f"dose-{dose}.jsonl", found)
    references = [f"dose-{dose}" for dose in DOSES]
    return [
        write_recipe(
            folder / f"{name}.yaml", name, ["novels", "filler", "planted"], leave_out=[out], references=references,
            rest=f"holdout: {{share: 0}}\nevaluate: {{domains: [{', '.join(references)}]}}\n",
            curate="duplicates: null, decontaminate: null",
        )
        for name, out in (("twin", "planted"), ("planted", "filler"))
    ]  # fmt: skip


def doses(texts: Texts) -> dict[int, list[tuple[str, str]]]:
    """{dose: [(name, passage)]}: prose on one line, from where nothing else is read."""
    found = [
        (name, " ".join(text.split()))
        for _, name, text in pieces([(unit, text[FROM:]) for unit, text in texts], LENGTH)
    ]
    prose = [
        (name, text) for name, text in found if len(text) >= LENGTH - 4 and not any(map(str.isdigit, text))
    ]
    drawn = sorted(prose, key=lambda one: chance(one[0]))[: PASSAGES * len(DOSES)]
    return {dose: drawn[place :: len(DOSES)] for place, dose in enumerate(DOSES)}


def judge(record: dict[str, Any]) -> dict[str, Any]:
    rows = [pair(record, "planted", "twin", f"dose-{dose}") for dose in DOSES]
    gaps = [row["percent"] for row in rows]
    rises = all(later < earlier for earlier, later in pairwise(gaps))
    first = next((dose for dose, row in zip(DOSES, rows, strict=True) if better(row)), None)
    told = ", ".join(f"×{dose} {signed(gap, 0)}%" for dose, gap in zip(DOSES, gaps, strict=True))
    seen = (f"seen from ×{first}", f"从 ×{first} 起可见") if first else ("never resolved", "始终未能分辨")
    return {
        "as_expected": rises and better(rows[-1]),
        "rows": rows,
        "sentence": {
            "en": f"Memorisation, bits per byte of planted passages against the twin: {told}; "
            f"{'rises with the dose' if rises else 'does not rise with every dose'}, {seen[0]}.",
            "zh": f"记忆，植入段落与孪生相比的每字节比特数：{told.replace(', ', '，')}；{'随剂量上升' if rises else '并非随每一剂量上升'}，{seen[1]}。",
        },
    }


STUDY = Study(
    name="memorisation",
    question=(
        "How often must a passage be read to be remembered?",
        "一个段落要读多少遍才会被记住？",
    ),
    expected=(
        "the gap to the twin rises with every dose, and is resolved at 256",
        "与孪生的差距随每一剂量上升，256 遍时可分辨",
    ),
    confirmatory=True,
    arms=2,
    seeds=3,
    tokens=300_000,
    write=write,
    judge=judge,
)
