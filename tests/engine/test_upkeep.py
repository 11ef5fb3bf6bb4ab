"""What no recipe needs can go, and nothing else; what was committed is re-hashed whole."""

import shutil
from pathlib import Path

import pytest

from headwater import api
from headwater.engine import upkeep
from headwater.engine.lease import is_held
from headwater.engine.upkeep import free, unneeded, verify
from headwater.engine.workspace import Workspace, read_json, seal, write_json
from headwater.errors import HeadwaterError
from headwater.pipeline.snapshot import keep

RECIPE = """\
name: {name}
sources:
  - {{name: 日记, kind: files, paths: ["texts/*.txt"]}}
curate: {{rules: {{"*": {{length.characters: {{min: {least}}}}}}}}}
tokenizer: {{vocabulary: 300}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "texts").mkdir()
    for n in range(24):
        text = f"第{n}天，河水涨了{n}寸。The river rose on day {n}.\n" * (1 + n)
        (tmp_path / "texts" / f"{n}.txt").write_text(text, encoding="utf-8")
    for name, least in (("strict", 200), ("loose", 20)):
        (tmp_path / f"{name}.yaml").write_text(RECIPE.format(name=name, least=least), encoding="utf-8")
        api.curate(tmp_path / f"{name}.yaml", workers=0)
    return tmp_path


def files(place: Path) -> set[str]:
    left_out = ("events.jsonl", "lease.json")
    return {str(p.relative_to(place)) for p in place.rglob("*") if p.is_file() and p.name not in left_out}


def test_nothing_goes_that_a_recipe_needs(folder: Path) -> None:
    assert unneeded(Workspace(folder / "workspace")) == []
    before = files(folder / "workspace")
    api.measure(folder / "strict.yaml", workers=0)  # less than was made of it: the rest stays named
    assert unneeded(Workspace(folder / "workspace")) == [] and files(folder / "workspace") == before


def test_what_a_forgotten_recipe_alone_needed_goes_and_can_be_made_again(folder: Path) -> None:
    place = Workspace(folder / "workspace")
    before = {name: (place.path / name).read_bytes() for name in files(place.path)}
    (place.path / "recipes" / "strict.json").unlink()
    things = unneeded(place)
    assert things and all(one.why == "no recipe needs it" for one in things)
    assert not [
        one for one in things if one.path.relative_to(place.path).parts[0] in ("documents", "signals")
    ]
    free(place, things)
    assert unneeded(place) == [] and verify(place)[1] == []
    api.curate(folder / "loose.yaml", workers=0)
    api.curate(folder / "strict.yaml", workers=0)
    assert {name: (place.path / name).read_bytes() for name in files(place.path)} == before


def test_a_sample_takes_nothing_from_the_full_run(folder: Path) -> None:
    place = Workspace(folder / "workspace")
    full = api.sql(place.path, "select count(*), count(distinct recipe) from ledger").rows
    needed = (place.path / "recipes" / "strict.json").read_bytes()
    api.ingest(folder / "strict.yaml", workers=0, limit=1)
    assert (place.path / "recipes" / "strict.json").read_bytes() == needed
    assert unneeded(place) == []
    assert (
        api.sql(place.path, "select count(*), count(distinct recipe) from ledger").rows == full == [(48, 2)]
    )
    assert api.sql(place.path, "select count(*) from documents").rows == [(24,)]
    (place.path / "recipes" / "strict.json").unlink()
    rows = api.sql(place.path, "select count(distinct stage) from documents where text like '%河水%'").rows
    assert rows == [(2,)], "without a full run the sample is asked"
    assert not [one for one in unneeded(place) if one.path.parent.name == "documents"]


def test_what_a_kill_has_left_goes(folder: Path) -> None:
    place = Workspace(folder / "workspace")
    stage = next((place.path / "documents").iterdir())
    (stage / "日记-b99.parquet").write_bytes(b"half")
    (stage / ".日记-b98.parquet.77.tmp").write_bytes(b"ha")
    (place.path / "training-sets" / ".abc.tmp").mkdir()
    assert sorted((one.path.name, one.why) for one in unneeded(place)) == [
        (".abc.tmp", "never finished"), (".日记-b98.parquet.77.tmp", "never finished"), ("日记-b99.parquet", "in no manifest"),
    ]  # fmt: skip
    free(place, unneeded(place))
    assert unneeded(place) == [] and verify(place)[1] == []


def test_bit_rot_is_named_in_shards_and_in_training_sets(folder: Path) -> None:
    place = Workspace(folder / "workspace")
    checked, problems = verify(place)
    assert checked > 50 and problems == []
    [shard, *_] = sorted((place.path / "ledger").rglob("*.parquet"))
    [table, *_] = sorted((place.path / "training-sets").rglob("documents.parquet"))
    for path in (shard, table):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 4
        path.write_bytes(data)
    assert [line.partition(": ")[0] for line in verify(place)[1]] == [str(shard), str(table)]


def test_a_sealed_folder_misses_nothing(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "r1"
    (run / "model").mkdir(parents=True)
    (run / "model" / "模型.bin").write_bytes(b"weights")
    (run / "config.json").write_text("{}", encoding="utf-8")
    seal(run)
    assert verify(Workspace(tmp_path)) == (2, [])
    shutil.rmtree(run / "model")
    assert len(verify(Workspace(tmp_path))[1]) == 1


def test_task_models_stay_while_a_result_names_them(tmp_path: Path) -> None:
    place = Workspace(tmp_path / "工作")
    place.event("recipe")
    kept = [
        "tasks/t1",
        "finetunings/f1",
        "finetunings/search",
        "tested/f1",
        "tested/bag",
        "label-curves/c1",
        "runs/r1",
    ]
    gone = ["tasks/t2", "finetunings/f2", "tested/f2", "label-curves/c2", "runs/r2"]
    for name in kept + gone:
        (place.path / name).mkdir(parents=True)
        (place.path / name / "model.safetensors").write_bytes(b"12345678")
        seal(place.path / name)
    (place.path / "tasks" / "card-1.json").write_text("{}", encoding="utf-8")
    write_json(place.path / "results" / "a" / "result.json", {"folders": kept[:5]})
    write_json(place.path / "results" / "b" / "label-curve.json", {"folders": kept[5:]})
    things = unneeded(place)
    assert sorted(str(one.path.relative_to(place.path)) for one in things) == sorted(gone)
    assert {one.why for one in things} == {"no result names it", "no recipe needs it"}
    write_json(
        place.path / "results" / "old" / "result.json", {"format": 1}
    )  # names nothing: nothing is freed for it
    assert [one.path.name for one in unneeded(place)] == ["r2"]
    (place.path / "results" / "old" / "result.json").unlink()
    free(place, unneeded(place))
    assert unneeded(place) == [] and verify(place)[1] == [] and (place.path / "results" / "a").is_dir()


def test_what_can_go_is_decided_when_no_other_run_is_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Workspace(tmp_path / "工作")
    place.event("recipe")
    held = []

    def watched(workspace: Workspace) -> list[upkeep.Unneeded]:
        held.append(is_held(workspace.path / "lease.json"))
        return unneeded(workspace)

    monkeypatch.setattr(upkeep, "unneeded", watched)
    (place.path / "runs" / "旧").mkdir(parents=True)
    assert [one.path.name for one in api.gc(place.path)] == ["旧"] and held == [False]
    assert [one.path.name for one in api.gc(place.path, delete=True)] == ["旧"] and held == [False, True]
    assert not (place.path / "runs" / "旧").exists()


def test_only_what_a_workspace_has_made_goes(folder: Path) -> None:
    """Somebody's project around the workspace, or with it as its own folder, is none of its business."""
    (folder / "webapp" / "src").mkdir(parents=True)
    (folder / "webapp" / "manifest.json").write_text('{"name": "my web app"}', encoding="utf-8")
    (folder / "webapp" / "list" / "deep").mkdir(parents=True)
    (folder / "webapp" / "list" / "manifest.json").write_text("[1]", encoding="utf-8")
    (folder / "runs" / "mine").mkdir(parents=True)
    (folder / ".notes.tmp").write_text("mine", encoding="utf-8")
    shutil.rmtree(folder / "workspace" / "recipes")
    before = files(folder)
    for delete in (False, True):
        with pytest.raises(HeadwaterError, match=r"is no workspace.*did you mean .*workspace\?"):
            api.gc(folder, delete=delete)
    assert files(folder) == before
    Workspace(folder).event("recipe")  # as of a recipe with `workspace: .`
    named = {one.path.relative_to(folder).parts[0] for one in unneeded(Workspace(folder))}
    assert named <= {"runs", ".notes.tmp"}, "the web app and the workspace inside are not of this one"
    assert {one.path.parts[-2] for one in unneeded(Workspace(folder / "workspace"))} >= {
        "documents",
        "ledger",
    }


def test_a_comparison_takes_nothing_from_the_recipe_itself(folder: Path) -> None:
    """Its arm has the recipe's name and another model: the model that the recipe has trained stays named."""
    place = Workspace(folder / "workspace")
    own = read_json(place.path / "recipes" / "strict.json")
    own["stages"] = [*own["stages"], "runs/own"]
    write_json(place.path / "recipes" / "strict.json", own)
    arm = {**own, "recipe": own["recipe"] | {"model": {"family": "gpt", "preset": "modern-nano"}}}
    (place.path / "runs" / "own").mkdir(parents=True)
    (place.path / "runs" / "arm").mkdir()
    keep(place, {**arm, "stages": ["runs/arm"]}, limited=False, compared=True)
    assert unneeded(place) == []
    again = {**arm, "recipe": arm["recipe"] | {"seed": 7}, "stages": ["runs/arm"]}
    keep(place, again, limited=False, compared=True)
    assert unneeded(place) == [], "a second comparison, of another budget"
    keep(place, own, limited=False)
    assert unneeded(place) == [], "the recipe is run again"
    other = {**own, "recipe": own["recipe"] | {"seed": 9}}
    other["stages"] = [name for name in own["stages"] if not name.startswith("runs/")]
    keep(place, other, limited=False)
    assert {one.path.name for one in unneeded(place)} == {"own", "arm"}, "another recipe, of no comparison"
