"""The handbook of sources: whole in both languages, its examples are valid, and its chapters are what is in docs/."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from headwater.cli import cli
from headwater.recipe import parse_recipe
from headwater.recipe.sources import SOURCES
from headwater.sources.handbook import LANGUAGES, chapter, default_language, load_entry
from headwater.sources.kinds import KINDS

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("title", "what", "inside", "license", "traps")
# What stands in backquotes and is no option: values, names of files and columns, commands.
OPTIONS = re.compile(r"`([a-z_]+)(?:: [^`]*)?`")
NO_OPTIONS = {
    "files", "sources", "all", "train", "accepted", "date", "source_id", "consent", "no_text", "test", "fineweb",
}  # fmt: skip


def test_every_kind_has_an_entry_and_every_entry_a_kind() -> None:
    written = {path.stem for path in (ROOT / "src/headwater/sources/handbook").glob("*.yaml")}
    assert written == set(SOURCES) == set(KINDS)


@pytest.mark.parametrize("kind", SOURCES)
def test_examples_are_items_of_a_recipe(kind: str) -> None:
    example = "".join(f"  {line}\n" for line in load_entry(kind).example.splitlines())
    [source] = parse_recipe(f"sources:\n{example}".encode(), f"{kind}.yaml").sources
    assert source.kind == kind


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", SOURCES)
def test_entries_say_it_in_some_sentences(kind: str, language: str) -> None:
    words = load_entry(kind).words(language)
    said = {part: getattr(words, part) for part in PARTS}
    assert all(text == text.strip() and text for text in said.values())
    body = "".join(said[part] for part in PARTS[1:])
    sentences = len(re.findall(r"[.!?](?:\s|$)|[.!?](?=[A-Z])|[。！？]", body))
    assert 5 <= sentences <= 14
    han = len(re.findall(r"[\u4e00-\u9fff]", body))
    if language == "zh":
        assert han > 60
        assert not re.search(r"[\u4e00-\u9fff，。；：][ \n]+[\u4e00-\u9fff]", body), (
            "a line end became a space"
        )
        prose = re.sub(r"`[^`]*`", "", body)
        assert not re.search(r"[\u4e00-\u9fff][,;]", prose), "half-width punctuation"
    else:
        assert han <= 2  # 甲 and 乙 of an example


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", SOURCES)
def test_options_that_are_named_exist(kind: str, language: str) -> None:
    words = load_entry(kind).words(language)
    named = {name for part in PARTS for name in OPTIONS.findall(getattr(words, part))} - NO_OPTIONS
    assert named <= set(SOURCES[kind].model_fields)


def test_both_languages_name_the_same_options() -> None:
    for kind in SOURCES:
        english, chinese = (
            {name for part in PARTS for name in OPTIONS.findall(getattr(load_entry(kind).words(language), part))}
            for language in LANGUAGES
        )  # fmt: skip
        assert english == chinese, kind


@pytest.mark.parametrize("language", LANGUAGES)
def test_chapters_in_docs_are_up_to_date(language: str) -> None:
    path = ROOT / "docs" / language / "sources.md"
    assert path.read_text(encoding="utf-8") == chapter(language), (
        f"write it anew: headwater sources --markdown --language {language} > docs/{language}/sources.md"
    )


def test_the_command_says_it_in_the_language_of_the_locale() -> None:
    assert default_language({"LC_ALL": "zh_CN.UTF-8", "LANG": "en_US.UTF-8"}) == "zh"
    assert default_language({"LC_ALL": "", "LANG": "zh_TW.UTF-8"}) == "zh"
    assert default_language({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}) == "en"
    assert default_language({"LANG": "de_DE.UTF-8"}) == default_language({}) == "en"
    run = CliRunner().invoke
    chinese = run(cli, ["sources", "warc"], env={"LC_ALL": "zh_CN.UTF-8"})
    assert chinese.exit_code == 0
    assert load_entry("warc").zh.traps in chinese.output
    assert load_entry("warc").zh.traps not in run(cli, ["sources", "warc", "--language", "en"]).output


def test_the_command_lists_the_kinds_and_shows_one_or_all() -> None:
    run = CliRunner().invoke
    listed = run(cli, ["sources", "--language", "en"]).output.split("\n")
    assert [line.split()[0] for line in listed[: len(SOURCES)]] == list(SOURCES)
    everything = run(cli, ["sources", "all", "--language", "en"]).output
    for kind in SOURCES:
        shown = run(cli, ["sources", kind, "--language", "en"]).output
        assert shown in everything
        for part in PARTS:
            assert getattr(load_entry(kind).en, part) in shown
    assert run(cli, ["sources", "--markdown", "--language", "zh"]).output == chapter("zh")


def test_an_unknown_kind_is_a_recipe_error() -> None:
    done = CliRunner().invoke(cli, ["sources", "wrac"])
    assert done.exit_code == 2
    assert "'wrac' is no kind of source; there are files, " in done.output
