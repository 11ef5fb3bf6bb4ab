"""Arms differ in their data and in nothing else; what cannot be compared is refused before anything is read."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headwater.compare.arms import Arm, load_arms, settings_diff
from headwater.compare.budgets import BUDGETS, Budget, find_budget
from headwater.compare.preparation import Prepared, _draw, prepare
from headwater.compare.trainings import placebo_shares
from headwater.compare.variations import variations_of
from headwater.corpus.document import split_of
from headwater.corpus.shards import ShardWriter
from headwater.engine.workspace import Entry, Workspace
from headwater.errors import HeadwaterError, RecipeError
from headwater.pipeline.run import Outcome
from headwater.recipe import Recipe
from headwater.recipe.settings import Curate

DEMO = BUDGETS["demo"]
SOURCES = 'sources: [{name: 网页, kind: files, paths: ["语料/*.jsonl"], columns: {text: text, unit: unit}}]\n'


def write(folder: Path, name: str, body: str = "", file: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (file or f"{name}.yaml")
    path.write_text(f"name: {name}\n{SOURCES}{body}", encoding="utf-8")
    return path


# ---------------------------------------------------------------- budgets and recipes


@pytest.mark.parametrize(
    ("name", "candidates", "said"),
    [
        ("huge", 1, "no budget 'huge'; there are demo, quick"),
        ("demo", 0, "name two recipes"),
        ("demo", 2, "baseline, with 1 more"),
        ("quick", 3, "baseline, with up to 2 more"),
    ],
)
def test_a_budget_has_trainings_for_so_many_recipes(name: str, candidates: int, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        find_budget(name, candidates)


def test_arms_share_all_but_their_data(tmp_path: Path) -> None:
    baseline = write(
        tmp_path, "原始", "seed: 7\ntrain: {learning_rate: 0.01}\nevaluate: {bytes_per_unit: 2kB}\n"
    )
    body = "seed: 3\nmodel: {preset: gpt2-base}\ntrain: {tokens: 9M, optimizer: adamw}\ncurate: {duplicates: null}\n"
    arms = load_arms([baseline, write(tmp_path, "整理", body)], DEMO, [])
    first, second = (arm.recipe for arm in arms)
    assert [arm.role for arm in arms] == ["baseline", "candidate"]
    for setting in ("model", "train", "tokenizer", "evaluate", "seed"):
        assert getattr(first, setting) == getattr(second, setting)
    assert (first.model.preset, first.train.tokens, first.tokenizer.vocabulary) == (
        "modern-nano",
        500_000,
        1024,
    )
    assert (first.seed, first.train.learning_rate, first.evaluate.bytes_per_unit) == (7, 0.01, 2000)
    assert first.evaluate.max_bytes is None  # the recipe says how much is scored
    silent = load_arms([write(tmp_path, "无话"), write(tmp_path, "整理", body)], DEMO, [])
    assert silent[1].recipe.evaluate.max_bytes == DEMO.scored == 300_000
    assert second.folder == tmp_path.resolve()  # paths of a recipe stay relative to it
    assert [row["key"] for row in settings_diff(first, second)] == [
        f"curate.duplicates.{key}" for key in ("exact", "near.similarity", "quality")
    ]
    # url and paragraphs are off in the one and absent from the other


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("model: {preset: gpt2-base}\nseed: 4\n", "differs .* in nothing"),
        ("holdout: {share: 0.3}\n", "holdout differs"),
        ("curate: {decontaminate: null}\n", "decontaminate differs"),
        ("curate: {rules: {zh: {没有: {max: 1}}}}\n", "没有"),
    ],
)
def test_recipes_that_cannot_be_compared_are_refused(tmp_path: Path, body: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        load_arms([write(tmp_path, "原始"), write(tmp_path, "整理", body)], DEMO, [])


def test_names_differ(tmp_path: Path) -> None:
    other = write(tmp_path / "b", "原始", "curate: {duplicates: null}\n")
    with pytest.raises(RecipeError, match="two arms are named '原始'"):
        load_arms([write(tmp_path / "a", "原始"), other], DEMO, [])


def test_recipes_of_one_file_name_are_told_apart(tmp_path: Path) -> None:
    one = write(tmp_path / "a", "raw", file="recipe.yaml")
    other = write(tmp_path / "b", "clean", "curate: {duplicates: null}\n", file="recipe.yaml")
    assert [arm.file for arm in load_arms([one, other], DEMO, [])] == ["recipe.yaml", "../b/recipe.yaml"]


@pytest.mark.parametrize(
    "override", ["model.layers=1", "train.tokens=1k", "model={preset: gpt2-nano}", "train={}"]
)
def test_an_override_that_the_budget_would_undo_is_refused(tmp_path: Path, override: str) -> None:
    recipes = [write(tmp_path, "raw"), write(tmp_path, "clean", "curate: {duplicates: null}\n")]
    with pytest.raises(RecipeError, match="budget sets"):
        load_arms(recipes, DEMO, [override])
    arms = load_arms(recipes, DEMO, ["train.learning_rate=0.02", "holdout.salt=盐"])
    assert all(arm.recipe.train.learning_rate == 0.02 and arm.recipe.holdout.salt == "盐" for arm in arms)


def test_sources_are_told_apart_by_name() -> None:
    sources = [{"name": name, "kind": "warc", "paths": ["*.gz"]} for name in ("爬取", "wiki")]
    one = Recipe.model_validate({"sources": sources})
    other = Recipe.model_validate({"sources": [{**sources[0], "text": "all"}, sources[1]]})
    row = {"key": "sources.爬取.text", "baseline": "main", "arm": "all"}
    assert settings_diff(one, other) == [row]
    assert settings_diff(other, one) == [{**row, "baseline": "all", "arm": "main"}]
    assert settings_diff(one, one) == []


# ---------------------------------------------------------------- the draw


def prepared(folder: Path, *arms: dict[str, int], mixture: dict[str, float] | None = None) -> Prepared:
    """Training sets of so many documents by source, 1,000 tokens each; only what a draw is decided by."""
    outcomes = []
    for place, sources in enumerate(arms):
        training_set = folder / str(place)
        training_set.mkdir()
        names = [source for source, number in sources.items() for _ in range(number)]
        with ShardWriter(training_set / "documents.parquet", pa.schema([("source", pa.string())])) as writer:
            writer.write([{"source": name} for name in names])
        tokens = {source: 1000 * number for source, number in sources.items()}
        manifest: dict[str, Any] = {
            "tokens": sum(tokens.values()),
            "tokens_by_source": tokens,
            "mixture": mixture,
        }
        (training_set / "manifest.json").write_text(json.dumps(manifest))
        outcome = Outcome(
            cast(Recipe, None), cast(Workspace, None), cast(Any, None), training_set=training_set
        )
        outcomes.append(outcome)
    named = tuple(
        Arm("candidate", Recipe.model_construct(name=f"臂{n}", curate=Curate()), Path(), "")
        for n in range(len(arms))
    )
    return Prepared(named, tuple(outcomes), cast(Entry, None), 1.0)


def budget(tokens: int) -> Budget:
    return Budget("demo", tokens, 6, 3, 1, "modern-nano", 1024, 4096, 0.01)


@pytest.mark.parametrize(
    ("documents", "tokens", "share"),
    [
        ([1000, 1000], 100_000, 0.125),  # a quarter more than is read
        ([1000, 400], 100_000, 0.3125),  # the smaller arm decides
        ([1000, 210], 100_000, 0.5),
        ([1000, 190], 100_000, 1.0),  # more than half is needed: the data is fixed
        ([1000, 400], 1000, 0.05),  # never so few documents that a draw is chance
        ([1000, 30], 5000, 1.0),
    ],
)
def test_a_seed_draws_its_documents_where_there_are_enough(
    tmp_path: Path, documents: list[int], tokens: int, share: float
) -> None:
    made = prepared(tmp_path, *({"网页": number} for number in documents))
    assert _draw(made, budget(tokens)) == pytest.approx(share)


def test_with_a_mixture_the_scarcest_source_decides(tmp_path: Path) -> None:
    made = prepared(tmp_path, {"网页": 5000, "书": 500, "余": 1}, mixture={"网页": 0.5, "书": 0.5, "余": 0.0})
    assert _draw(made, budget(100_000)) == pytest.approx(0.125)  # 500 × 1,000 tokens at half of what is read


def test_matched_by_pool_the_baseline_reads_its_text_once(tmp_path: Path) -> None:
    """… and an arm that keeps a third of the same input reads it three times."""
    made = replace(prepared(tmp_path, {"网页": 3000}, {"网页": 1000}), matching="pool")
    assert _draw(made, budget(300_000)) == pytest.approx(0.1)
    assert _draw(made, budget(2_000_000)) == 1.0
    assert _draw(replace(made, matching="token"), budget(300_000)) == pytest.approx(0.375)


def test_a_pool_too_small_for_the_budget_is_refused(tmp_path: Path) -> None:
    made = prepared(tmp_path, {"网页": 9000}, {"网页": 9})
    with pytest.raises(
        HeadwaterError, match=r"臂1 keeps 9k tokens, which .* 400k tokens .* 44 times, more than 40"
    ):
        _draw(made, budget(400_000))


def test_a_placebo_where_arms_repeat_differently(tmp_path: Path) -> None:
    made = prepared(tmp_path, {"网页": 1000}, {"网页": 400}, {"网页": 990})
    asked = replace(budget(800_000), placebo=True)
    assert placebo_shares(made, asked) == {1: pytest.approx(0.4)}  # draw 1: 800k tokens of 400 are read twice
    assert placebo_shares(made, budget(800_000)) == {}  # demo: no time for one
    assert placebo_shares(replace(made, draw=0.5), asked) == {1: pytest.approx(0.2)}
    assert (
        placebo_shares(replace(made, draw=0.5), replace(asked, tokens=100_000)) == {}
    )  # nothing is repeated
    few = tmp_path / "few"
    few.mkdir()
    assert placebo_shares(prepared(few, {"网页": 40}, {"网页": 10}), asked) == {}


def test_less_text_than_a_batch_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HeadwaterError, match=r"臂1 keeps 3k tokens, fewer than one batch of 4\.1k"):
        _draw(prepared(tmp_path, {"网页": 9000}, {"网页": 3}), budget(100_000))


# ---------------------------------------------------------------- arms brought to training sets


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    rows = []
    for unit in range(16):
        text = (
            f"第{unit}卷：源头活水来，「半亩方塘一鉴开」。" * 12
            if unit % 2
            else f"Volume {unit} of the river. " * 12
        )
        rows.append(json.dumps({"text": f"{text}{unit * unit}", "unit": f"u{unit}"}, ensure_ascii=False))
    for name, lines in (("语料", rows), ("别处", rows[3:])):
        (tmp_path / name).mkdir()
        (tmp_path / name / "全.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


HELD = "holdout: {share: 0.3, salt: a}\n"
NO_EDITS = f"{HELD}curate: {{decontaminate: null, duplicates: null%s}}\n"


def test_arms_that_hold_out_different_text_are_refused(corpus: Path) -> None:
    baseline = write(corpus, "raw", NO_EDITS % "")
    other = corpus / "other.yaml"
    other.write_text(
        baseline.read_text("utf-8").replace("语料/", "别处/").replace("raw", "other"), encoding="utf-8"
    )
    arms = load_arms([baseline, other], DEMO, [])
    with pytest.raises(HeadwaterError, match="other and raw hold out different text"):
        prepare(arms, Workspace(corpus / "workspace"), budget(500), workers=1)


def test_arms_that_keep_the_same_text_are_refused(corpus: Path) -> None:
    same = write(corpus, "same", NO_EDITS % ', rules: {"*": {length.bytes: {max: 1000000}}}')
    arms = load_arms([write(corpus, "raw", NO_EDITS % ""), same], DEMO, [])
    with pytest.raises(HeadwaterError, match="same keeps exactly the text that raw keeps"):
        prepare(arms, Workspace(corpus / "workspace"), budget(500), workers=1)
    varied = load_arms([corpus / "raw.yaml"], DEMO, [], variations_of(["curate.max_epochs=9"]))
    with pytest.raises(HeadwaterError, match="vary what changes it: --preset gopher, --drop-source NAME"):
        prepare(varied, Workspace(corpus / "workspace"), budget(500), workers=1)


def test_an_arm_that_keeps_nothing_is_named(corpus: Path) -> None:
    nothing = write(corpus, "空", NO_EDITS % ', rules: {"*": {length.bytes: {min: 1000000}}}')
    arms = load_arms([write(corpus, "raw", NO_EDITS % ""), nothing], DEMO, [])
    with pytest.raises(HeadwaterError, match=r"空: nothing survives curation: .*length_bytes 11"):
        prepare(arms, Workspace(corpus / "workspace"), budget(500), workers=1)


def test_one_held_out_unit_is_too_few(corpus: Path) -> None:
    rows = [json.loads(line) for line in (corpus / "语料" / "全.jsonl").read_text("utf-8").splitlines()]
    text = "\n".join(
        json.dumps(row | {"unit": "u4" if number < 4 else "u7"}) for number, row in enumerate(rows)
    )
    (corpus / "语料" / "全.jsonl").write_text(text, encoding="utf-8")
    holdout = next(
        f"holdout: {{share: 0.5, salt: {salt}}}\n"
        for salt in "abcdefgh"
        if {split_of(unit, share=0.5, salt=salt) for unit in ("u4", "u7")} == {"train", "heldout"}
    )
    body = f"{holdout}curate: {{decontaminate: null, duplicates: null%s}}\n"
    arms = load_arms(
        [write(corpus, "raw", body % ""), write(corpus, "b", body % ", max_epochs: 9")], DEMO, []
    )
    with pytest.raises(HeadwaterError, match=r"held-out text is of 1 unit"):
        prepare(arms, Workspace(corpus / "workspace"), budget(500), workers=1)


@pytest.mark.parametrize(
    ("unit", "said"),
    [("u{}", "none of the 16 units"), ("u", "all text is of one unit")],
    ids=["share", "unit"],
)
def test_nothing_held_out_is_said_before_anything_is_measured(corpus: Path, unit: str, said: str) -> None:
    rows = [json.loads(line) for line in (corpus / "语料" / "全.jsonl").read_text("utf-8").splitlines()]
    text = "\n".join(json.dumps(row | {"unit": unit.format(number)}) for number, row in enumerate(rows))
    (corpus / "语料" / "全.jsonl").write_text(text, encoding="utf-8")
    body = "holdout: {share: 0.000001}\ncurate: {decontaminate: null, duplicates: null%s}\n"
    arms = load_arms(
        [write(corpus, "raw", body % ""), write(corpus, "b", body % ", max_epochs: 9")], DEMO, []
    )
    with pytest.raises(HeadwaterError, match=said):
        prepare(arms, Workspace(corpus / "workspace"), budget(500), workers=1)
    assert not (corpus / "workspace" / "signals").exists()


def test_an_arm_without_a_source_is_scored_on_it_and_not_trained_on_it(corpus: Path) -> None:
    body = (
        f'{HELD}sources:\n  - {{name: 语料, kind: files, paths: ["语料/*.jsonl"], columns: {{text: text, unit: unit}}}}\n'
        '  - {name: 别处, kind: files, paths: ["书/*.jsonl"], columns: {text: text, unit: unit}}\n'
        "curate: {decontaminate: null, duplicates: null}\n"
    )
    rows = [json.dumps({"text": f"书中第{n}章，言之有物。" * 20, "unit": f"b{n}"}) for n in range(12)]
    (corpus / "书").mkdir()
    (corpus / "书" / "书.jsonl").write_text("\n".join(rows), encoding="utf-8")
    (corpus / "raw.yaml").write_text(f"name: raw\n{body}", encoding="utf-8")
    arms = load_arms([corpus / "raw.yaml"], DEMO, [], variations_of(drop_sources=["别处"]))
    made = prepare(arms, Workspace(corpus / "workspace"), replace(budget(500), batch=64), workers=1)
    assert [set(made.manifest(place)["tokens_by_source"]) for place in (0, 1)] == [{"语料", "别处"}, {"语料"}]
    domains = pq.read_table(made.heldout.path(), columns=["domain"]).column(0).unique().to_pylist()
    assert {name.partition("/")[0] for name in domains} == {"语料", "别处"}
    counts = made.outcomes[1].curated
    assert counts is not None
    left = dict(counts.counts["reasons"])["left_out"]
    whole = made.outcomes[0].curated
    assert whole is not None and left == whole.counts["sources"]["别处"]["documents"]
