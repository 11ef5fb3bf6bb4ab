"""Clusters by size; `why` names the partner, wherever it is, and shows where the two differ."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "curate"))
from corpora import han, make, words

from headwater.inspect.clusters import clusters, lines_of
from headwater.inspect.snapshots import snapshots
from headwater.inspect.sql import sql
from headwater.inspect.why import lines_of as why_lines
from headwater.inspect.why import why


def test_clusters_by_size_in_sql_and_for_a_profile(tmp_path: Path) -> None:
    one, two, alone = han(200, 1), words(150, 2), han(90, 3)
    near = one[:100] + "某" + one[101:]
    texts = [one, one, near, near, two, two, alone]
    made = make(tmp_path, [{"text": text} for text in texts], {"near": {"similarity": 0.7}, "keep": "first"})
    [snapshot] = snapshots(made.workspace)
    found = clusters(snapshot)
    assert (found.clusters, found.left, found.sizes) == (2, 4, ((2, 1), (4, 1)))
    assert found.largest == ((made.rows[0]["id"], 4), (made.rows[4]["id"], 2))
    asked = sql(made.workspace, "select id, documents from clusters order by documents desc")
    assert asked.rows == list(found.largest)
    assert "4 left 2 clusters" in lines_of(found)[0]


def test_why_shows_the_difference_to_a_partner_of_an_earlier_corpus(tmp_path: Path) -> None:
    text = han(200, 1)
    old = make(tmp_path / "old", {"旧": [{"text": text}]}, {"near": {}}, name="old")
    changed = text[:100] + "某" + text[101:]
    settings = {"near": {}, "against": str(old.workspace.path), "substring": {}}
    made = make(
        tmp_path / "new", {"新": [{"text": changed}, {"text": han(80, 2) + text[:60]}]}, settings, name="new"
    )
    answer = why(made.workspace, made.rows[0]["id"]).verdicts[0].partner
    assert answer is not None and answer.id == old.rows[0]["id"] and answer.differs
    assert [piece.text for piece in answer.here if piece.kind == "mark"] == ["某"]
    assert [piece.text for piece in answer.there if piece.kind == "mark"] == [text[100]]
    told = why(made.workspace, made.rows[1]["id"])
    [cut] = told.verdicts[0].cuts
    assert (cut.reason, cut.partner, cut.text) == ("shared_passage", old.rows[0]["id"], text[:60])
    assert f"(stays in {old.rows[0]['id']})" in " ".join(line.strip() for line in why_lines(told))
