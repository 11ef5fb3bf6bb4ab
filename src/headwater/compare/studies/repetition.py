"""`repetition`: the same number of tokens from text that is read once, 4 times or 40 times (Muennighoff 2023).

The smaller texts are parts of the larger ones: pieces spread over all novels, taken by hash.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headwater.compare.sentence import signed
from headwater.compare.studies.pairs import pair, worse
from headwater.compare.studies.study import Study
from headwater.compare.studies.texts import chance, novels, pieces, write_recipe, write_texts

TOKENS = 240_000
CHARACTERS_A_TOKEN = 2.55  # of English with 1,024 tokens; a record says the epochs that it came to
EPOCHS = {"epochs-1": 1, "epochs-4": 4, "epochs-40": 40}
HELD_OUT = 0.5
PIECE = 250
MATERIAL = 1.0  # percent: four epochs are harmless unless they cost more than this beyond doubt


def write(data: Path, folder: Path) -> Sequence[Path]:
    read = list(pieces(novels(data, 60_000), PIECE))
    there = (1 - HELD_OUT) * sum(len(text) for *_, text in read)
    for name, epochs in EPOCHS.items():
        share = 1.0 if epochs == 1 else TOKENS * CHARACTERS_A_TOKEN / epochs / there
        chosen = ((unit, text) for unit, piece, text in read if chance(piece) < share)
        write_texts(folder / f"{name}.jsonl", chosen)
    # every novel is split the same way in each text; all are scored on the whole one
    rest = f"holdout: {{share: {HELD_OUT}, salt: headwater-1}}\nevaluate: {{domains: [epochs-1], bytes_per_unit: 3kB}}\n"
    return [
        write_recipe(
            folder / f"{name}.yaml", name, list(EPOCHS), leave_out=[other for other in EPOCHS if other != name],
            rest=rest, curate="duplicates: null, max_epochs: 50",
        )
        for name in EPOCHS
    ]  # fmt: skip


def judge(record: dict[str, Any]) -> dict[str, Any]:
    once, some, many = EPOCHS
    rows = [pair(record, some, once), pair(record, many, some), pair(record, many, once)]
    harmless = rows[0]["interval"][0] < MATERIAL
    told = f"4 {signed(rows[0]['percent'])}%, 40 {signed(rows[2]['percent'])}%"
    return {
        "as_expected": harmless and worse(rows[1]) and worse(rows[2]),
        "rows": rows,
        "sentence": {
            "en": f"Repetition, bits per byte against one epoch: {told}; "
            f"4 epochs {'harmless' if harmless else 'do harm'}, 40 {'worse' if worse(rows[2]) else 'not resolved'}.",
            "zh": f"重复，与只读一遍相比的每字节比特数：{told.replace(', ', '，')}；4 遍{'无害' if harmless else '有害'}，"
            f"40 遍{'更差' if worse(rows[2]) else '未能分辨'}。",
        },
    }


STUDY = Study(
    name="repetition",
    question=("How often may text be read again?", "文本可以重复读几遍？"),
    expected=(
        "4 epochs are harmless (not beyond doubt more than 1% worse), 40 are worse",
        "4 遍无害（不会确凿地差 1% 以上），40 遍更差",
    ),
    confirmatory=True,
    arms=3,
    seeds=3,
    tokens=TOKENS,
    write=write,
    judge=judge,
    lesson=(
        "Four epochs cost 7.5% here; Muennighoff 2023 found them nearly free. There a model had some 20 tokens to a "
        "parameter; here four epochs are of 65,000 tokens, a tenth of a token to a parameter, and the 5-gram, which "
        "knows no epochs, loses 5.9% by seeing a quarter of the text. The count of epochs alone says little: ask how "
        "much text there is for the model. (That this is the cause is read from the figures; it was not tried apart.)",
        "四遍在这里代价为 7.5%；Muennighoff 2023 发现几乎没有代价。那里每个参数约有 20 个词元；这里的四遍只有 65,000 个词元，"
        "每个参数十分之一个，而不存在“遍数”的 5-gram 因为只见到四分之一的文本也差了 5.9%。单看遍数说明不了多少：要问的是文本相对模型有多少。"
        "（这一原因是从数字读出的，没有单独试验。）",
    ),
)
