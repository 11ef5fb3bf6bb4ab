"""`time`: trained on novels of one period, scored on those of every period, by authors who were not trained on.

The year stands in the file's name (1839 to 1912). Three periods with no author in two of them, six authors each: three
to train on, as much text of each, and three to score. Few authors make a period, so that what is measured is the period
with its authors: the verdict is on these texts. Exploratory; Lazaridou 2021 finds text of later years harder for a model
of news, and ever harder with the distance, Luu 2022 the same in both directions.
"""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from headwater.compare.sentence import signed
from headwater.compare.studies.pairs import better, pair, worse
from headwater.compare.studies.study import Study
from headwater.compare.studies.texts import chance, novels, write_pieces, write_recipe
from headwater.errors import HeadwaterError

PERIODS = {"early": (1839, 1862), "middle": (1885, 1896), "late": (1902, 1912)}
AUTHORS = 3  # of a period to train on, and as many to score
OWN, SCORED = 200_000, 20_000  # characters of an author, to train on and to score


def write(data: Path, folder: Path) -> Sequence[Path]:
    written = list(novels(data, OWN))
    for period in PERIODS:
        by_author = dict(_authors(written, period))
        drawn = sorted(by_author, key=chance)
        if len(drawn) < 2 * AUTHORS:
            raise HeadwaterError(
                f"{data}: novels of {len(drawn)} authors from {PERIODS[period]}; this study needs {2 * AUTHORS}"
            )
        trained, scored = drawn[:AUTHORS], drawn[AUTHORS : 2 * AUTHORS]
        write_pieces(folder / f"{period}.jsonl", [(author, by_author[author]) for author in trained])
        write_pieces(
            folder / f"of-{period}.jsonl", [(author, by_author[author][:SCORED]) for author in scored]
        )
    references = [f"of-{period}" for period in PERIODS]
    rest = f"holdout: {{share: 0}}\nevaluate: {{domains: [{', '.join(references)}]}}\n"
    return [
        write_recipe(
            folder / f"{period}.yaml", period, list(PERIODS), references=references, rest=rest,
            leave_out=[other for other in PERIODS if other != period],
        )
        for period in PERIODS
    ]  # fmt: skip


def _authors(written: Sequence[tuple[str, str]], period: str) -> Iterator[tuple[str, str]]:
    """(author, as much text as of every other), of the period; written: ("Author_Title_Year", text)."""
    first, last = PERIODS[period]
    dated = [
        (name.split("_")[0], text) for name, text in written if first <= int(name.split("_")[-1]) <= last
    ]
    for author, found in itertools.groupby(dated, key=lambda one: one[0]):
        texts = [text for _, text in found]
        yield author, "".join(text[: OWN // len(texts)] for text in texts)


def judge(record: dict[str, Any]) -> dict[str, Any]:
    """On each period its own arm against the others; then, on the outer two, the nearer against the farther."""
    own = [pair(record, here, other, f"of-{here}") for here in PERIODS for other in PERIODS if other != here]
    first, middle, last = PERIODS
    near = [pair(record, middle, last, f"of-{first}"), pair(record, middle, first, f"of-{last}")]
    wins, losses = (sum(map(one, own)) for one in (better, worse))
    nearer = sum(map(better, near))
    least = max(own, key=lambda one: one["percent"])
    return {
        "as_expected": None,
        "rows": [*own, *near],
        "sentence": {
            "en": f"Novels of another period: the own period wins {wins} of {len(own)} pairs and loses {losses}, the worst "
            f"for it {least['name']['en']} with {signed(least['percent'])}%; the nearer period beats the farther in "
            f"{nearer} of {len(near)}.",
            "zh": f"其他时期的小说：{len(own)} 对中，本时期胜 {wins} 对、负 {losses} 对，对它最不利的是 {least['name']['zh']}，"
            f"{signed(least['percent'])}%；{len(near)} 对中，较近的时期有 {nearer} 对胜过较远的时期。",
        },
    }


STUDY = Study(
    name="time",
    question=(
        "How much does a model lose on text of another time than its training text?",
        "模型在与训练文本不同时期的文本上会损失多少？",
    ),
    expected=("nothing: exploratory", "不作预期：探索性"),
    confirmatory=False,
    arms=len(PERIODS),
    seeds=3,
    tokens=200_000,
    write=write,
    judge=judge,
    lesson=(
        "Years cost 1 to 4% where they cost anything, and not in one direction: the early arm wins at home, the middle and "
        "the late do not. Authors matter more: the late arm against the early one is at +6.9, +1.8 and -1.4% on the three "
        "late authors; and the 5-gram contradicts two of the eight pairs. A claim about time needs more authors, or text of which all else is equal.",
        "年代若有代价，也只在 1% 到 4% 之间，且方向不一：早期一臂在本时期胜出，中期与晚期没有。作者的影响更大："
        "晚期一臂对早期一臂，在三位晚期作者身上分别是 +6.9%、+1.8%、-1.4%；八对中 5-gram 有两对持相反意见。要谈论时间，需要更多作者，或其他方面都相同的文本。",
    ),
)
