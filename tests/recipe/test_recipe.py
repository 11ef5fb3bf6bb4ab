"""A recipe says exactly what it means, and an error says where it does not."""

from pathlib import Path

import pytest

from headwater.errors import RecipeError
from headwater.recipe import load_recipe, parse_recipe, recipe_schema
from headwater.recipe.quantities import parse_count, parse_size, show_count
from headwater.recipe.sources import SOURCES as KINDS_OF_SOURCE

SOURCES = "sources:\n  - {name: 网页, kind: warc, paths: ['爬取/*.warc.gz']}\n"


def error_of(text: str, overrides: tuple[str, ...] = ()) -> str:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(text.encode(), "recipe.yaml", overrides)
    return str(caught.value)


def test_only_sources_has_no_default() -> None:
    recipe = parse_recipe(SOURCES.encode(), "recipe.yaml")
    assert recipe.sources[0].name == "网页"
    assert recipe.train.tokens == 5_000_000
    assert "'sources' is missing" in error_of("name: x\n")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("train: {tokns: 5M}\n", 3, ("train.tokns", "did you mean 'tokens'")),
        ("train:\n  tokens: 12:30\n", 4, ("train.tokens", "expected a count such as 500k", "'12:30'")),
        ("curate:\n  duplicates:\n    exact: no\n", 5, ("curate.duplicates.exact", "boolean", "'no'")),
        ("holdout: {share: 2}\n", 3, ("holdout.share", "less than 1")),
        ("seed: '0'\n", 3, ("seed", "integer")),
        ("seed: 2026-11-23\n", 3, ("seed", "integer")),
        ("tokenizer: {sample: 64 parsecs}\n", 3, ("tokenizer.sample", "such as 64 MB")),
        ("名字: 甲\n", 3, ("unknown key '名字'", "valid keys are")),
    ],
)
def test_errors_name_file_line_key_and_expectation(text: str, line: int, words: tuple[str, ...]) -> None:
    message = error_of(SOURCES + text)
    assert message.startswith(f"recipe.yaml:{line}:")
    for word in words:
        assert word in message


def test_errors_inside_sources_name_the_sources_line_and_its_keys() -> None:
    message = error_of("sources:\n  - name: a\n    kind: warc\n    paths: [x]\n    txet: all\n")
    assert message == "recipe.yaml:5: unknown key 'sources.0.txet'; did you mean 'text'?"
    kinds = ", ".join(sorted(KINDS_OF_SOURCE))
    assert f"one of: {kinds} (got 'wrac')" in error_of("sources: [{name: a, kind: wrac, paths: [x]}]")
    assert "two sources are named 'a'" in error_of(
        "sources:\n  - {name: a, kind: files, paths: [x]}\n  - {name: a, kind: warc, paths: [y]}\n"
    )


def test_yaml_1_2_has_none_of_the_old_traps() -> None:
    text = SOURCES + "name: no\ntrain: {learning_rate: 1e-3, tokens: 2e6}\nholdout: {salt: '012'}\n"
    recipe = parse_recipe(text.encode(), "recipe.yaml")
    assert recipe.name == "no"
    assert recipe.train.learning_rate == 0.001
    assert recipe.train.tokens == 2_000_000
    assert recipe.holdout.salt == "012"


def test_duplicate_keys_and_broken_yaml_are_errors_with_a_line() -> None:
    assert error_of(SOURCES + "seed: 1\nseed: 2\n").startswith("recipe.yaml:4: not valid YAML")
    assert "recipe.yaml:" in error_of("sources: [\n  {name: a\n")
    with pytest.raises(RecipeError, match="not UTF-8 at byte 6"):
        parse_recipe("name: 中文".encode("gb18030"), "recipe.yaml")


def test_a_bomb_of_aliases_is_refused_before_it_grows() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 20)]
    assert "aliases" in error_of("\n".join(lines))


def test_overrides_reach_into_mappings_and_named_sources() -> None:
    recipe = parse_recipe(
        SOURCES.encode(),
        "recipe.yaml",
        (
            "train.tokens=1M",
            "curate.duplicates.near.similarity=0.9",
            "sources.网页.text=all",
            "curate.lines=null",
        ),
    )
    assert recipe.train.tokens == 1_000_000
    assert recipe.curate.duplicates is not None and recipe.curate.duplicates.near is not None
    assert recipe.curate.duplicates.near.similarity == 0.9
    assert recipe.sources[0].text == "all"  # type: ignore[union-attr]
    assert "expected KEY=VALUE" in error_of(SOURCES, ("train.tokens",))
    assert "unknown key 'train.tokenz'" in error_of(SOURCES, ("train.tokenz=1",))


def test_a_missing_file_is_a_recipe_error(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot read the recipe"):
        load_recipe(tmp_path / "没有.yaml")


def test_paths_are_relative_to_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(SOURCES, encoding="utf-8")
    assert load_recipe(tmp_path / "r.yaml").folder == tmp_path


def test_the_schema_names_every_top_level_key() -> None:
    import json

    assert {"sources", "curate", "train", "holdout"} <= set(json.loads(recipe_schema())["properties"])


def test_quantities() -> None:
    assert [parse_count(x) for x in ("5M", "500k", "2e6", 7, "1_000", "1.5B")] == [
        5_000_000, 500_000, 2_000_000, 7, 1000, 1_500_000_000,
    ]  # fmt: skip
    assert [parse_size(x) for x in ("64 MB", "2 GiB", "512", 9)] == [64_000_000, 2 << 30, 512, 9]
    for wrong in ("5 apples", True, "1.5", None):
        with pytest.raises(ValueError, match="expected"):
            parse_count(wrong)
    assert [show_count(x) for x in (950, 12_345, 4_560_000)] == ["950", "12.3k", "4.56M"]


def test_a_recipe_is_named_by_its_file_unless_it_says_otherwise(tmp_path: Path) -> None:
    sources = "sources:\n  - {name: a, kind: files, paths: ['*.txt']}\n"
    for file, text, name in (
        ("源头 v2.yaml", sources, "源头 v2"),
        ("raw.yaml", f"name: mine\n{sources}", "mine"),
        (f"{'x' * 80}.yaml", sources, "recipe"),
    ):
        path = tmp_path / file
        path.write_text(text, encoding="utf-8")
        assert load_recipe(path).name == name
    for bad in ("../up", "a/b", "", ".hidden"):
        path.write_text(f"name: '{bad}'\n{sources}", encoding="utf-8")
        with pytest.raises(RecipeError, match="name"):
            load_recipe(path)


TWO = """\
sources:
  - &d {name: 甲, kind: files, paths: ["*.txt"]}
  - {<<: *d, name: 乙}
train: {tokens: 5M}
"""


def test_a_key_that_came_by_a_merge_is_explained_at_its_mapping() -> None:
    data = TWO.replace('paths: ["*.txt"]', 'paths: ["*.txt"], language: 5').encode()
    with pytest.raises(RecipeError) as caught:
        parse_recipe(data, "配方.yaml")
    first, second = str(caught.value).splitlines()
    assert first.startswith("配方.yaml:2: 'sources.0.language'")
    assert second.startswith("配方.yaml:3: 'sources.1.language'")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.tokens=许多", r"--set train\.tokens: 'train\.tokens': expected a count .*got '许多'"),
        ("train.tokens.x=5", r"--set train\.tokens\.x: 'train\.tokens': expected a count"),
        ("train.token=5M", r"--set train\.token: unknown key 'train\.token'; did you mean 'tokens'\?"),
        ("sources.甲.path=[x]", r"--set sources\.甲\.path: unknown key 'sources\.0\.path'; did you mean 'paths'\?"),
        ("sources.0.paths.0.x=1", r"--set .*: sources\.0\.paths\.0 is '\*\.txt' and has no keys"),
        ("sources.丙=1", r"--set sources\.丙=1: the list has no element '丙'"),
        ("sources=[{name: 甲, kind: files, paths: [x]}, {}, {name: 丙, kind: files, paths: [x], 路径: 1}]",
         r"--set sources: unknown key 'sources\.2\.路径'"),
        ("curate.mixture={甲: 多}", r"--set curate\.mixture: 'curate\.mixture\.甲'"),
        ("train.tokens=0", r"--set train\.tokens: .*greater than or equal to 1, got 0"),
        ("train.tokens=-5", r"greater than or equal to 1, got -5"),
        ("tokenizer.sample=0", r"greater than or equal to 1, got 0"),
        ("curate.mixture_tokens={甲: -3}", r"greater than or equal to 0, got -3"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_override_is_not_blamed_on_the_file(override: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message) as caught:
        parse_recipe(TWO.encode(), "配方.yaml", [override])
    assert "配方.yaml" not in str(caught.value)


def test_an_override_leaves_other_mistakes_with_the_file_and_names_an_element() -> None:
    data = TWO.replace("tokens: 5M", "tokens: 许多").encode()
    with pytest.raises(RecipeError, match=r"^配方\.yaml:4: 'train\.tokens'"):
        parse_recipe(data, "配方.yaml", ["train.batch=4k", "sources.乙.language=zh"])
    recipe = parse_recipe(TWO.encode(), "配方.yaml", ["sources.乙.language=zh", "sources.1.paths.0=诗.txt"])
    assert [source.language for source in recipe.sources] == [None, "zh"]
    assert recipe.sources[1].paths == ["诗.txt"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sources:\n\t- {name: a, kind: files, paths: [a]}\n", ":2: .*indent with spaces, not with tabs"),
        ("sources：\n  - {name: a, kind: files, paths: [a]}\n", "line 1 has ：, where YAML needs ': '"),
        ("sources:\n  - {name: a，kind: files, paths: [a]}\n", "line 2 has ，, where YAML needs ', '"),
        (
            "sources:\n  - {name: a, kind: files, paths: a/*}\n",
            r":2: 'sources.0.paths' is a list: \[a/\*\], got",
        ),
        (
            "sources:\n  name: a\n  kind: files\n",
            "'sources' is a list, each item after a dash, got a mapping",
        ),
        ("sources:\n  - {name: a, paths: [a]}\n", "'sources.0' needs a kind, .*it has none"),
        (
            "sources: [{name: a, kind: files, paths: [a], columns: {texts: b}}]\n",
            "unknown key 'sources.0.columns.texts'; did you mean 'text'",
        ),
    ],
)
def test_a_beginners_slip_is_told_with_what_to_write(text: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        parse_recipe(text.encode(), "r.yaml")


def test_a_folder_is_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"is a folder and no recipe; `headwater init .* > recipe.yaml`"):
        load_recipe(tmp_path)
