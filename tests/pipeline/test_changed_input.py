"""The input changes, and not all is made anew: no question is answered with another document's values."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from headwater import api
from headwater.engine.workspace import Workspace
from headwater.errors import HeadwaterError, RecipeError
from headwater.inspect.portrait import lines_of as lines_of_profile
from headwater.inspect.why import lines_of

RECIPE = """\
name: 日记
holdout: {share: 0}
sources: [{name: 日记, kind: files, paths: ["texts/*.txt"]}]
signals: {families: [language, length]}
curate: {rules: {"*": {length.characters: {min: 30}}}, duplicates: null, decontaminate: null}
tokenizer: {vocabulary: 300}
"""
ASKED = 'select d.text, s."length.characters" n from documents d join signals s using (id)'
KILLED = """\
import os, signal, sys
from headwater import api
from headwater.pipeline import run

def stopped(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

setattr(run, sys.argv[2], stopped)
api.curate(sys.argv[1], until="ledger", workers=0)
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "texts").mkdir()
    for n in range(30):
        (tmp_path / "texts" / f"{n:02d}.txt").write_text("河" * n + f"水，第{n}篇。", encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    api.curate(tmp_path / "recipe.yaml", until="ledger", workers=0)
    return tmp_path / "recipe.yaml"


def change(recipe: Path) -> str:
    """One document goes, one becomes longer; the id of that one."""
    [(document,)] = api.sql(
        recipe.parent / "workspace", "select id from documents where locator like '%20.txt%'"
    ).rows
    (recipe.parent / "texts" / "05.txt").unlink()
    (recipe.parent / "texts" / "20.txt").write_text("山" * 300, encoding="utf-8")
    return document


def check(recipe: Path, document: str) -> None:
    """What is said is said of the documents as they are, or it is said that it is older."""
    place = recipe.parent / "workspace"
    assert api.sql(place, "select count(*) from documents").rows == [(29,)]
    try:
        rows = api.sql(place, ASKED).rows
    except RecipeError as error:
        assert "since the documents changed: headwater curate" in str(error)
    else:
        assert all(len(text) == characters for text, characters in rows)
    with pytest.raises(RecipeError, match="since the documents changed"):
        api.sql(place, "select count(*) from ledger")
    answer = api.why(place, document)
    assert answer.verdicts == ()
    assert "none yet" in "\n".join(lines_of(answer)) or "older than this document" in "\n".join(
        lines_of(answer)
    )
    [source] = api.profile(recipe).sources
    assert (source.documents, source.kept) == (29, None)
    for question in (lambda: api.whatif(recipe), lambda: api.audit(recipe, 4)):
        with pytest.raises(HeadwaterError, match=r"has no ledger yet|older than its documents"):
            question()
    api.report(place, recipe.parent / "报告.html")


def check_anew(recipe: Path, document: str) -> None:
    place = recipe.parent / "workspace"
    api.curate(recipe, until="ledger", workers=0)
    rows = api.sql(place, ASKED).rows
    assert len(rows) == 29 and all(len(text) == characters for text, characters in rows)
    [verdict] = api.why(place, document).verdicts
    assert verdict.state == "kept" and verdict.bytes == 900
    [source] = api.profile(recipe).sources
    assert source.documents == 29 and source.kept is not None and source.kept < 29


def test_what_was_made_of_other_documents_is_not_asked(recipe: Path) -> None:
    document = change(recipe)
    api.ingest(recipe, workers=0)
    check(recipe, document)
    api.measure(recipe, workers=0)
    rows = api.sql(recipe.parent / "workspace", ASKED).rows
    assert len(rows) == 29 and all(len(text) == characters for text, characters in rows)
    check(recipe, document)
    check_anew(recipe, document)


@pytest.mark.parametrize("stage", ["measure", "curate", "keep_snapshot"])
def test_a_run_that_is_killed_over_changed_input(recipe: Path, stage: str) -> None:
    document = change(recipe)
    done = subprocess.run([sys.executable, "-c", KILLED, str(recipe), stage], env=os.environ, check=False)
    assert done.returncode == -signal.SIGKILL
    check(recipe, document)
    shown = " ".join(" ".join(lines_of(api.why(recipe.parent / "workspace", document))).split())
    assert "its ledger is older than this document" in shown and "headwater curate recipe.yaml" in shown
    assert any("the ledger is older" in line for line in lines_of_profile(api.profile(recipe)))
    check_anew(recipe, document)


def test_a_shard_that_was_made_again_alone_is_missing(recipe: Path) -> None:
    place = Workspace(recipe.parent / "workspace")
    [stage] = [stage for stage in place.stages() if stage.name.startswith("documents/")]
    before = stage.entries()
    shard = next(iter(before))
    path = stage.path / f"{shard}.entry.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"key": "另一个"}), encoding="utf-8")
    assert set(stage.entries()) == set(before) - {shard}


def test_documents_that_come_back_have_what_was_made_of_them(recipe: Path) -> None:
    """The same documents as before: what was made of them holds, unless another run has written over it."""
    place = recipe.parent / "workspace"
    texts = {path: path.read_text("utf-8") for path in (recipe.parent / "texts").iterdir()}
    document = change(recipe)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(recipe), "keep_snapshot"], env=os.environ, check=False
    )
    assert done.returncode == -signal.SIGKILL
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    api.ingest(recipe, workers=0)
    assert api.why(place, document).verdicts == ()
    with pytest.raises(RecipeError, match="since the documents changed"):
        api.sql(place, "select count(*) from ledger")
    rows = api.sql(place, "select count(*) from documents").rows
    assert rows == [(30,)]
    api.curate(recipe, until="ledger", workers=0)
    [verdict] = api.why(place, document).verdicts
    assert verdict.bytes < 900
