"""What a study is, how it is run, and how its finding is repeated from its record."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from headwater.compare.arms import load_arms
from headwater.compare.budgets import BUDGETS, Budget
from headwater.compare.record import record_of
from headwater.compare.run import measured
from headwater.compare.sentence import signed
from headwater.engine.workers import default_workers
from headwater.engine.workspace import Workspace, commit_file
from headwater.errors import HeadwaterError

RECORDED = Path(__file__).parent / "recorded"
_AS = {True: "as expected", False: "NOT as expected", None: "what there is; nothing was expected"}


@dataclass(frozen=True)
class Study:
    name: str
    question: tuple[str, str]  # English, Chinese; so are the next
    expected: tuple[str, str]
    confirmatory: bool
    arms: int
    seeds: int  # runs an arm
    tokens: int  # of each training
    # (folder of data, folder to write to) -> recipes; what is there already is left as it is
    write: Callable[[Path, Path], Sequence[Path]]
    # record -> {"as_expected": bool, or None where nothing was, "rows": [see pairs.py], "sentence": {"en", "zh"}}
    judge: Callable[[dict[str, Any]], dict[str, Any]]
    # what trains and scores in the place of a comparison: (study, data, folder, workers) -> record
    measure: Callable[["Study", Path, Path, int], dict[str, Any]] | None = None
    separate: bool = False  # arms have tokenisers of their own, so that each is prepared alone
    lesson: tuple[str, str] | None = None  # what the finding teaches, beyond its sentence

    @property
    def budget(self) -> Budget:
        return replace(
            BUDGETS["demo"], name=f"study {self.name}", tokens=self.tokens, seeds_baseline=self.seeds,
            seeds_candidate=self.seeds, candidates=self.arms - 1, scored=None,
        )  # fmt: skip

    @property
    def path(self) -> Path:
        return RECORDED / f"{self.name}.json"


def run_study(
    study: Study,
    data: Path,
    folder: Path,
    *,
    workers: int | None = None,
    seeds: int | None = None,
    tokens: int | None = None,
) -> dict[str, Any]:
    """Trains what the study asks for in `folder`, and finds; the content of its result file.

    `seeds` (runs an arm) and `tokens` (of a training) stand in the place of the study's own; the result says them.
    """
    chosen = replace(study, seeds=seeds or study.seeds, tokens=tokens or study.tokens)
    if chosen.seeds < 2:
        raise HeadwaterError(f"a study needs two seeds an arm at least, not {chosen.seeds}")
    if chosen.measure is not None:
        count = default_workers() if workers is None else workers
        return result_of_study(chosen, chosen.measure(chosen, data, folder, count))
    written = chosen.write(data, folder)
    groups = [
        load_arms(paths, chosen.budget, []) for paths in (zip(written) if study.separate else [written])
    ]
    place = Workspace(groups[0][0].recipe.workspace_path)
    count = default_workers() if workers is None else workers
    with place.lease():
        place.event("study", name=study.name)
        records = [
            record_of(
                *measured(group, chosen.budget, place, count),
                margin=chosen.budget.margin,
                budget=chosen.budget.name,
            )
            for group in groups
        ]
    return result_of_study(chosen, joined(records))


def joined(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Records of arms that were prepared one by one, as one: they are scored on the same units."""
    first = records[0]
    if any(one["domains"] != first["domains"] for one in records):
        raise HeadwaterError("arms of one study hold out different text; their sources must be the same")
    return {**first, "arms": [arm for one in records for arm in one["arms"]]}


def result_of_study(study: Study, record: dict[str, Any]) -> dict[str, Any]:
    """The record with what was declared before it and what is found in it."""
    budget = study.budget
    return {
        "format": 1,
        "study": study.name,
        "question": _both(study.question),
        "expected": _both(study.expected),
        "kind": "confirmatory" if study.confirmatory else "exploratory",
        "lesson": None if study.lesson is None else _both(study.lesson),
        "size": {
            "model": record.get("model", budget.preset),
            "vocabulary": record.get("vocabulary", budget.vocabulary),
            "tokens": budget.tokens,
            "runs": {arm["name"]: len(arm["runs"]) for arm in record["arms"]},
            "units": {domain: len(sizes) for domain, sizes in record["domains"].items()},
        },
        "found": study.judge(record),
        "record": record,
    }


def keep(study: Study, result: dict[str, Any], path: Path | None = None) -> Path:
    """Writes the study's result file, by default the one that stands in the package."""
    path = path or study.path
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(json.dumps(result, ensure_ascii=False) + "\n", encoding="utf-8")
    commit_file(temporary, path)
    return path


def recorded(study: Study) -> dict[str, Any]:
    """The study's result file; its finding is made again from its record."""
    if not study.path.is_file():
        raise HeadwaterError(
            f"study {study.name} has not been recorded; record it: headwater study {study.name} --record --data FOLDER"
        )
    result: dict[str, Any] = json.loads(study.path.read_text(encoding="utf-8"))
    return result_of_study(replace(study, tokens=result["size"]["tokens"]), result["record"])


def lines_of(result: dict[str, Any]) -> list[str]:
    found, size = result["found"], result["size"]
    runs = ", ".join(f"{name} {number}" for name, number in size["runs"].items())
    units = ", ".join(f"{name} {number}" for name, number in size["units"].items())
    lesson = [] if result["lesson"] is None else [f"teaches   {result['lesson']['en']}"]
    lines = [
        found["sentence"]["en"],
        found["sentence"]["zh"],
        "",
        f"question  {result['question']['en']}",
        f"expected  {result['expected']['en']} ({result['kind']})",
        f"found     {_AS[found['as_expected']]}",
        *lesson,
        f"size      {size['model']}, {size['tokens']:,} tokens a training; runs: {runs}"
        + (f"; held-out units: {units}" if units else ""),
    ]
    return lines + [f"          {row['name']['en']}: {shown(row)}" for row in found["rows"]]


def shown(row: dict[str, Any]) -> str:
    """Effect, interval, and what the 5-gram says of the same pair."""
    low, high = row["interval"]
    unit = " points" if row.get("unit") == "points" else "%"
    text = f"{signed(row['percent'])}{unit} [{signed(low)}, {signed(high)}]"
    return text if row.get("ngram") is None else f"{text}; 5-gram {signed(row['ngram'])}%"


def _both(texts: tuple[str, str]) -> dict[str, str]:
    return {"en": texts[0], "zh": texts[1]}
