"""A small corpus in two languages, and what a contract's test asks of a workspace."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from headwater import api
from headwater.engine.workspace import Entry, Workspace, read_json

RECIPE = """\
name: contracts
sources:
  - {{name: tales, kind: files, paths: ["texts/*.jsonl"], unit: {{by: author}}}}
holdout: {{share: 0.3}}
curate:
{curate}
tokenizer: {{vocabulary: 300}}
"""


def english(draw: random.Random) -> str:
    words = [
        "river",
        "boat",
        "night",
        "water",
        "town",
        "door",
        "hill",
        "winter",
        "letter",
        "the",
        "of",
        "and",
    ]
    return " ".join(draw.choice(words) for _ in range(40)) + "."


def chinese(draw: random.Random) -> str:
    return (
        "“"
        + "".join(
            draw.choice("山上的河水在夜里涨了起来没有人记下是什么时候到教堂門口漢語𠮷") for _ in range(50)
        )
        + "。”"
    )


class Tales:
    """`texts/` with three files of 20 documents; `curate(settings)` runs the recipe and returns itself."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        draw = random.Random(11)
        (folder / "texts").mkdir(parents=True)
        for name in ("甲", "乙", "丙"):
            with (folder / "texts" / f"{name}.jsonl").open("w", encoding="utf-8") as file:
                for n in range(20):
                    text = english(draw) if n % 2 else chinese(draw)
                    row = {"text": f"{text}\nShare this 分享\n{n} 号。", "author": f"{name}-{n // 4}"}
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def curate(self, settings: str = "  duplicates: null", name: str = "recipe") -> "Tales":
        recipe = self.folder / f"{name}.yaml"
        recipe.write_text(RECIPE.format(curate=settings), encoding="utf-8")
        self.outcome = api.curate(recipe, workers=0)
        return self

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.folder / "workspace")

    def made(self) -> list[tuple[str, str]]:
        """(stage, shard) of every shard that was made so far, in order."""
        lines = (self.folder / "workspace" / "events.jsonl").read_text(encoding="utf-8").splitlines()
        return [(e["stage"], e["shard"]) for line in lines if (e := json.loads(line))["event"] == "shard"]

    def stage(self, kind: str) -> dict[str, Entry]:
        """The shards of the recipe's stage of that kind: "documents", "ledger", "signals/gopher"."""
        record = read_json(self.folder / "workspace" / "recipes" / "contracts.json")
        family = kind.partition("/")[2]
        names = record["signals"][family] if family else record[kind]
        name = (
            next(iter(names.values()))
            if isinstance(names, dict)
            else names
            if isinstance(names, str)
            else names[0]
        )
        return self.workspace.stage(name).entries()

    def rows(self, kind: str) -> list[dict]:
        return [row for entry in self.stage(kind).values() for row in pq.read_table(entry.path()).to_pylist()]


@pytest.fixture
def tales(tmp_path: Path) -> Tales:
    return Tales(tmp_path / "here")


@pytest.fixture
def new_tales(tmp_path: Path) -> Callable[[str], Tales]:
    return lambda name: Tales(tmp_path / name)
