"""`tokeniser`: an English, a Chinese and a joint vocabulary, each for a model of Chinese, at equal tokens.

Equal tokens are equal compute: what a vocabulary that fits saves in tokens, its model reads as more text.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headwater.compare.record import arm_of
from headwater.compare.sentence import signed
from headwater.compare.studies.pairs import better, pair
from headwater.compare.studies.study import Study
from headwater.compare.studies.texts import Texts, chinese_books, novels, write_pieces, write_recipe
from headwater.model.tokenizer import train

VOCABULARY = 1024
SAMPLE = 12_000  # characters of each book that a tokeniser is trained on
UTF8 = 3  # bytes of a Chinese character


def write(data: Path, folder: Path) -> Sequence[Path]:
    write_pieces(folder / "books.jsonl", chinese_books(data, 12_000))
    english, chinese = novels(data, SAMPLE), chinese_books(data, SAMPLE)
    texts: dict[str, Texts] = {"english": english, "chinese": chinese}
    texts = {name: list(found) for name, found in texts.items()}
    texts["joint"] = [*texts["english"], *texts["chinese"]]
    for name, found in texts.items():
        path = folder / f"{name}.tokenizer.json"
        if not path.is_file():
            path.write_text(train((text for _, text in found), VOCABULARY), encoding="utf-8")
    return [
        write_recipe(
            folder / f"{name}.yaml", name, ["books"], leave_out=[],
            rest="holdout: {share: 0.5, salt: headwater-1}\nevaluate: {bytes_per_unit: 6kB}\n"
            f"tokenizer: {{path: {name}.tokenizer.json}}\n",
        )
        for name in texts
    ]  # fmt: skip


def judge(record: dict[str, Any]) -> dict[str, Any]:
    texts = {arm["name"]: arm_of(record, arm["name"])["text"] for arm in record["arms"]}
    fertility = {name: UTF8 * text["tokens"] / text["bytes"] for name, text in texts.items()}
    rows = [
        pair(record, *names) for names in (("chinese", "english"), ("joint", "english"), ("chinese", "joint"))
    ]
    fits = fertility["chinese"] < fertility["joint"] < fertility["english"]
    told = ", ".join(f"{name} {value:.2f}" for name, value in fertility.items())
    effects = [signed(row["percent"]) for row in rows]
    return {
        "as_expected": fits and all(map(better, rows)),
        "rows": rows,
        "sentence": {
            "en": f"Tokens a character of Chinese: {told}; bits per byte at equal tokens: Chinese {effects[0]}% and joint "
            f"{effects[1]}% against English, Chinese {effects[2]}% against joint.",
            "zh": f"每个汉字的词元数：{told.replace(', ', '，')}；词元相同时的每字节比特数：与英文词表相比，中文词表 {effects[0]}%，"
            f"联合词表 {effects[1]}%；中文对联合 {effects[2]}%。",
        },
    }


STUDY = Study(
    name="tokeniser",
    question=("What does a vocabulary that fits do for Chinese?", "合适的词表对中文有什么好处？"),
    expected=(
        "Chinese below joint below English, in tokens a character and in bits per byte",
        "每字词元数和每字节比特数都是：中文低于联合，联合低于英文",
    ),
    confirmatory=True,
    arms=3,
    seeds=2,
    tokens=40_000,
    write=write,
    judge=judge,
    separate=True,
)
