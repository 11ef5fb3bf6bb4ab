"""One recipe of eight kinds in two languages to a training set, and the recipes in recipes/ on samples of their data."""

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from headwater import api
from headwater.engine.workspace import read_json

from .open_data import lay_down

KINDS = """\
name: eight
sources:
  - {name: web, kind: warc, paths: ["*.warc.gz"]}
  - {name: wikipedia, kind: wikipedia, paths: ["enwiki/*.bz2", "zhwiki/*.bz2"], root: .}
  - {name: books, kind: books, paths: ["books/*.txt", "books-zh/*.txt"], root: ., split: chapter}
  - {name: news, kind: news, paths: ["news/*.xml"]}
  - {name: chat, kind: dialogue, paths: ["chat/*"], license: Apache-2.0}
  - {name: forum, kind: forum, paths: ["forum/*.7z"]}
  - {name: papers, kind: papers, paths: ["papers/*"]}
  - {name: programs, kind: code, paths: ["code/**/*.parquet"]}
curate:
  preset: {en: fineweb, zh: fineweb2-zh, books: null, dialogue: null, forum: null, papers: null, code: null}
tokenizer: {vocabulary: 600}
train: {tokens: 4k}
"""
RECIPES = Path(__file__).resolve().parents[2] / "recipes"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("open-data")
    lay_down(folder)
    return folder


def test_eight_kinds_make_a_training_set_whose_card_names_each_and_moving_it_changes_no_id(data, tmp_path):
    here, elsewhere = tmp_path / "here", tmp_path / "anderswo" / "另一处"
    for folder in (here, elsewhere):
        shutil.copytree(data, folder)
        (folder / "recipe.yaml").write_text(KINDS, encoding="utf-8")
    outcome = api.curate(here / "recipe.yaml", workers=0)
    moved = api.ingest(elsewhere / "recipe.yaml", workers=0)
    assert outcome.ingested.key == moved.ingested.key  # every byte of the documents, their ids first

    card = (outcome.training_set / "card.md").read_text(encoding="utf-8")
    table = card[card.index("## Sources") : card.index("## Languages")]
    rows = {line.split(" | ")[0].strip("| "): [cell.strip(" |") for cell in line.split(" | ")[1:]] for line in table.splitlines() if line.startswith("| ")}  # fmt: skip
    said = {name: (cells[0], cells[4], cells[5], cells[6]) for name, cells in rows.items() if name not in ("source", "---")}  # fmt: skip
    assert [kind for kind, *_ in said.values()] == [
        "warc", "wikipedia", "books", "news", "dialogue", "forum", "papers", "code",
    ]  # fmt: skip
    assert all(int(cells[1].replace(",", "")) > 4 for name, cells in rows.items() if name in said)
    assert "noai" in said["web"][3] and "2024-05-" in said["web"][2]
    assert said["wikipedia"][2].startswith("2023-02-01 to 2023-02-09")
    assert "CC BY-SA 4.0" in said["forum"][1] and said["chat"][1].startswith("Apache-2.0")
    assert said["papers"][2] == "2021-01"
    assert said["programs"][1].startswith("MIT") and said["programs"][2] == "not stated"
    assert "2001-05-0" in said["books"][2] and "2022-03-0" in said["news"][2]
    described = json.loads((outcome.training_set / "croissant.json").read_text(encoding="utf-8"))
    assert [source["name"] for source in described["isBasedOn"]] == list(said)
    manifest = read_json(outcome.training_set / "manifest.json")
    assert {s["name"]: s["size"][1]["value"] for s in described["isBasedOn"]} == manifest["tokens_by_source"]
    languages = {
        row["language"] for row in pq.read_table(outcome.training_set / "documents.parquet").to_pylist()
    }
    assert {"en", "zh"} <= languages


@pytest.fixture(scope="module")
def samples(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recipes beside their data; what two of them share is read once."""
    folder = tmp_path_factory.mktemp("samples") / "project"
    shutil.copytree(data, folder)
    shutil.copytree(RECIPES, folder / "recipes")
    return folder


@pytest.mark.parametrize(
    "name",
    [
        "chinese-english",
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("pile", "refinedweb", "roots", "slimpajama")),
    ],
)
def test_a_recipe_of_a_public_corpus_makes_a_training_set_of_its_samples(samples, name):
    folder = samples
    outcome = api.curate(
        folder / "recipes" / f"{name}.yaml",
        workers=0,
        overrides=("train.tokens=4k", "tokenizer.vocabulary=600"),
    )
    manifest = read_json(outcome.training_set / "manifest.json")
    assert set(manifest["tokens_by_source"]) == {source.name for source in outcome.recipe.sources}
    counts = outcome.curated.counts
    assert counts["documents"] == counts["kept"] + counts["dropped"] + counts["gated"] + counts["quarantined"]
    assert counts["kept"] > 0.5 * counts["documents"]
