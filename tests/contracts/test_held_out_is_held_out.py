"""Contract: the split is by unit and by a hash of its name: the same for every seed and every arm. No rule and no
edit touches held-out text; training text that contains it is cut by passage."""

import json

import pyarrow.parquet as pq
import pytest

from headwater import api
from headwater.errors import HeadwaterError

STRICT = '  rules: {"*": {length.characters: {min: 100000}}}\n  lines: {repeated: 1, keep_first: false}\n  duplicates: null'


def heldout(tales):
    return {row["id"] for row in tales.rows("documents") if row["split"] == "heldout"}


def test_a_unit_is_on_one_side_whatever_the_seed(tales):
    rows = tales.curate().rows("documents")
    sides = {}
    for row in rows:
        sides.setdefault(row["unit"], set()).add(row["split"])
    assert all(len(side) == 1 for side in sides.values()) and {
        s for side in sides.values() for s in side
    } == {"train", "heldout"}
    first = heldout(tales)
    recipe = tales.folder / "recipe.yaml"
    recipe.write_text(recipe.read_text(encoding="utf-8") + "seed: 7\n", encoding="utf-8")
    api.curate(recipe, workers=0)
    assert heldout(tales) == first


def test_no_rule_and_no_edit_touches_held_out_text(tales):
    with pytest.raises(HeadwaterError, match="nothing survives"):
        tales.curate(STRICT)
    decided = max((tales.folder / "workspace" / "decisions").iterdir(), key=lambda p: p.stat().st_mtime)
    rows = [row for path in decided.glob("*.parquet") for row in pq.read_table(path).to_pylist()]
    held = [row for row in rows if row["split"] == "heldout"]
    assert held and all(row["state"] == "kept" and row["edits"] == 0 for row in held)
    assert all(row["state"] == "dropped" for row in rows if row["split"] == "train")


def test_training_text_that_holds_held_out_text_is_cut(tales):
    tales.curate()
    secret = next(
        row["text"] for row in tales.rows("documents") if row["split"] == "heldout" and "河" in row["text"]
    )
    passage = secret.split("\n")[0]
    other = "".join(chr(0x4E00 + (37 * k) % 5000) for k in range(900))
    units = {row["unit"]: row["split"] for row in tales.rows("documents")}
    author = next(unit for unit, split in units.items() if split == "train")
    with (tales.folder / "texts" / "丁.jsonl").open("w", encoding="utf-8") as file:
        file.write(
            json.dumps({"text": other[:450] + passage + other[450:], "author": author}, ensure_ascii=False)
            + "\n"
        )
    tales.curate()
    [row] = [row for row in tales.rows("ledger") if row["locator"].startswith("丁.jsonl")]
    assert row["split"] == "train" and row["state"] == "kept"
    assert len(passage) <= row["edits"] <= len(passage) + 2 * 200
