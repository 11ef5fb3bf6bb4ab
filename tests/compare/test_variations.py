"""Variations of one recipe are arms with names of their own; what cannot be varied is refused, naming the key."""

from pathlib import Path

import pytest

from headwater.compare.arms import load_arms, settings_diff
from headwater.compare.budgets import BUDGETS, find_budget
from headwater.compare.variations import variations_of
from headwater.curate.plan import compile_plan
from headwater.curate.steps import RulesStep
from headwater.errors import RecipeError
from headwater.recipe import load_recipe
from headwater.signals import numeric_signals

QUICK = BUDGETS["quick"]
RECIPE = """\
name: 新闻
sources:
  - {name: 网页, kind: files, paths: ["a/*.txt"]}
  - {name: wiki, kind: files, paths: ["b/*.txt"]}
  - {name: 参考, kind: files, paths: ["c/*.txt"], role: reference}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "新闻.yaml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def arms(recipe: Path, *others: Path, **asked: list[str]) -> list[tuple[str, dict[str, object]]]:
    """(name, {key: value} that it says differently) of each arm after the baseline."""
    made = load_arms([recipe, *others], QUICK, [], variations_of(**asked))
    assert made[0].role == "baseline" and {arm.role for arm in made[1:]} == {"candidate"}
    return [
        (arm.name, {row["key"]: row["arm"] for row in settings_diff(made[0].recipe, arm.recipe)})
        for arm in made[1:]
    ]


def test_one_arm_a_value(recipe: Path) -> None:
    key = "curate.duplicates.near.similarity"
    assert arms(recipe, vary=[f"{key}=0.7,0.9"]) == [
        ("新闻 similarity=0.7", {key: 0.7}),
        ("新闻 similarity=0.9", {key: 0.9}),
    ]


def test_a_bound_is_named_with_its_signal(recipe: Path) -> None:
    key = "curate.rules.en.gopher.symbol_word_ratio.max"
    [(name, _)] = arms(recipe, vary=["curate.rules.en.gopher.hash_word_ratio.max=0.05"])
    assert name == "新闻 hash_word_ratio.max=0.05"
    said = [
        one.suffix for one in variations_of([f"{key}=1", "curate.rules.zh.gopher.symbol_word_ratio.max=2"])
    ]
    assert said == ["en.gopher.symbol_word_ratio.max=1", "zh.gopher.symbol_word_ratio.max=2"]


def test_values_may_have_commas_of_their_own(recipe: Path) -> None:
    found = arms(recipe, vary=["curate.mixture={网页: 0.5, wiki: 0.5},{网页: 0.9, wiki: 0.1}"])
    assert [settings["curate.mixture.wiki"] for _, settings in found] == [0.5, 0.1]


def test_sources_presets_and_second_recipes_together(recipe: Path, tmp_path: Path) -> None:
    other = tmp_path / "整理.yaml"
    other.write_text(
        RECIPE.replace("name: 新闻", "name: 整理") + "curate: {duplicates: null}\n", encoding="utf-8"
    )
    names = [name for name, _ in arms(recipe, other, drop_sources=["wiki"])]
    assert names == ["整理", "新闻 without wiki"]
    found = arms(recipe, presets=["gopher,c4"])
    assert found == [
        ("新闻 preset=gopher", {"curate.preset": "gopher"}),
        ("新闻 preset=c4", {"curate.preset": "c4"}),
    ]


def test_a_long_name_is_cut_and_a_slash_is_none(recipe: Path) -> None:
    [(name, _)] = arms(
        recipe,
        vary=[
            'sources.wiki.paths=["b/一/*.txt", "b/二/*.txt", "b/三三三三三三三三三三三三三三三三三三三三三三三三三三三三三三三三三三三三三三三三三三三三三三三三三三/*.txt"]'
        ],
    )
    assert len(name) == 64 and "/" not in name and name.endswith("…")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"vary": ["curate.max_epochs"]}, r"--vary curate\.max_epochs: expected KEY=VALUE"),
        ({"vary": ["curate.max_epochs=2,,4"]}, "expected KEY=VALUE"),
        ({"vary": ["curate.max_epochs=2,2"]}, "'2' is there twice"),
        ({"vary": ["train.learning_rate=1"]}, r"'train\.learning_rate' should begin with curate or sources"),
        ({"vary": ["curate.max_epoch=2"]}, r"--vary curate\.max_epoch=2: .*did you mean 'max_epochs'"),
        ({"vary": ["curate.max_epochs=4"]}, r"--vary curate\.max_epochs=4: this is what 新闻\.yaml says already"),
        ({"vary": ["curate.rules.zh.没有.max=4"]}, r"--vary curate\.rules\.zh\.没有\.max=4: .*没有"),
        ({"vary": ["sources.论坛.text=all"]}, r"--vary sources\.论坛\.text=all: .*no element '论坛'"),
        ({"drop_sources": ["论坛"]}, "--drop-source 论坛: '论坛' is no source of the recipe; it trains on 网页, wiki"),
        ({"drop_sources": ["参考"]}, "'参考' is a reference"),
        ({"presets": ["gophr"]}, "--preset gophr: .*gopher"),
        ({"presets": ["gopher,"]}, "expected NAME,NAME"),
    ],
)  # fmt: skip
def test_what_cannot_be_varied_is_refused(recipe: Path, asked: dict[str, list[str]], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        arms(recipe, **asked)


def test_the_last_source_stays(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text('sources: [{name: 一, kind: files, paths: ["*.txt"]}]\n', encoding="utf-8")
    with pytest.raises(RecipeError, match="no source left"):
        arms(path, drop_sources=["一"])


def test_too_many_variations_for_a_budget() -> None:
    with pytest.raises(RecipeError, match="3 are too many"):
        find_budget("quick", 3)


def test_a_source_left_out_is_dropped_before_all_else(recipe: Path) -> None:
    """Whatever its language and preset; the others are judged as before, and are no duplicates of it."""
    settings = load_recipe(recipe, ["curate.leave_out=[wiki]", "curate.preset=gopher"]).curate
    signals = numeric_signals()
    plan = compile_plan(settings, signals, {"网页": "files", "wiki": "files"})
    first = next(step for step in plan.steps if isinstance(step, RulesStep))
    assert first.reasons == ("left_out",) and set(first.rules) == {plan.by_language("wiki")["*"]}
    assert plan.by_language("wiki") == {"*": "wiki:*"} and plan.by_language("网页")["*"] == "*"
    others = [set(step.rules) for step in plan.steps if isinstance(step, RulesStep)][1:]
    assert others and all("wiki:*" not in tracks for tracks in others)
    with pytest.raises(RecipeError, match=r"curate\.leave_out: there is no source 'wikki'"):
        compile_plan(settings.model_copy(update={"leave_out": ["wikki"]}), signals, {"wiki": "files"})


def test_what_is_changed_stays_in_the_name_of_a_recipe_with_a_long_one(recipe: Path) -> None:
    long = "中英文网页与书籍第三版" * 5
    recipe.write_text(RECIPE.replace("新闻", long), encoding="utf-8")
    names = [name for name, _ in arms(recipe, vary=["curate.max_epochs=2,8"])]
    assert names == [f"{long[: 64 - 2 - 12]}… max_epochs={value}" for value in (2, 8)]
    assert [len(name) for name in names] == [64, 64]
