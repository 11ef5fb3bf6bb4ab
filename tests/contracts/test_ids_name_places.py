"""Contract: an id names a document's place inside its source, and nothing else: not the folder, not the source's
name, not the order of files, not the number of workers."""

import pytest

from headwater import api

SOURCE = '{name: tales, kind: files, paths: ["texts/*.jsonl"], unit: {by: author}}'


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"name: tales": "name: 故事"},
        {'["texts/*.jsonl"]': '["texts/丙.jsonl", "texts/甲.jsonl", "texts/乙.jsonl"], root: texts'},
    ],
    ids=["moved", "renamed", "reordered"],
)
@pytest.mark.parametrize("workers", [0, 2])
def test_the_same_documents_have_the_same_ids(tales, new_tales, change, workers):
    expected = {(row["id"], row["text"]) for row in tales.curate().rows("documents")}
    other = new_tales("另一个 folder")
    recipe = other.folder / "recipe.yaml"
    text = f"name: contracts\nsources:\n  - {SOURCE}\n"
    for old, new in change.items():
        text = text.replace(old, new)
    recipe.write_text(text, encoding="utf-8")
    api.ingest(recipe, workers=workers)
    assert {(row["id"], row["text"]) for row in other.rows("documents")} == expected


def test_an_edited_document_keeps_its_id_and_its_neighbours_theirs(tales):
    before = {row["locator"]: row["id"] for row in tales.curate().rows("documents")}
    path = tales.folder / "texts" / "甲.jsonl"
    # as many bytes as before, so that the lines after it stay where they were
    path.write_bytes(path.read_bytes().replace("号".encode(), "號".encode(), 1))
    after = {row["locator"]: row["id"] for row in tales.curate().rows("documents")}
    assert after == before
