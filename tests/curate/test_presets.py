"""Presets are data: complete, sourced, and their numbers those of the papers."""

import json

import pytest
from click.testing import CliRunner

from headwater.cli import cli
from headwater.curate.plan import compile_plan
from headwater.curate.presets import load_preset, preset_names
from headwater.curate.presets.show import difference, difference_lines, preset_rules, presets_list, show
from headwater.curate.steps import LinesStep, RulesStep
from headwater.errors import RecipeError
from headwater.recipe.settings import Curate
from headwater.signals import numeric_signals


def rules(name):
    return {rule["signal"]: rule for rule in preset_rules(name)}


def test_every_rule_has_a_bound_a_reason_and_a_source():
    assert {"c4", "c4-datatrove", "ccnet", "chinesewebtext", "dclm", "dolma", "fineweb", "fineweb2-zh", "gopher",
            "refinedweb", "roots-code"} <= set(preset_names())  # fmt: skip
    for name, title in presets_list():
        assert title and load_preset(name).variant
        for asked in load_preset(name).asks:
            assert asked.what and asked.do and asked.source
        for rule in preset_rules(name):
            assert {"min", "max", "above", "below"} & set(rule), rule
            assert rule["source"] and rule["reason"] == rule["signal"].replace(".", "_")


def test_numbers_of_the_papers():
    gopher, fineweb, chinese = rules("gopher"), rules("fineweb"), rules("fineweb2-zh")
    assert (gopher["gopher.words"]["min"], gopher["gopher.words"]["max"]) == (50, 100_000)
    assert gopher["repetition.duplicate_lines"]["max"] == 0.30
    assert [gopher[f"repetition.top_{n}_gram"]["max"] for n in (2, 3, 4)] == [0.20, 0.18, 0.16]
    assert [gopher[f"repetition.duplicate_{n}_grams"]["max"] for n in range(5, 11)] == [
        0.15,
        0.14,
        0.13,
        0.12,
        0.11,
        0.10,
    ]
    assert [chinese[f"repetition.duplicate_{n}_grams"]["max"] for n in range(5, 11)] == [
        0.198,
        0.182,
        0.167,
        0.154,
        0.14,
        0.127,
    ]
    assert fineweb["fineweb.line_punctuation"]["min"] == 0.12
    assert fineweb["fineweb.short_lines"]["max"] == 0.67
    assert (chinese["gopher.mean_word_length"]["min"], chinese["gopher.mean_word_length"]["max"]) == (1, 5)
    assert chinese["fineweb.line_punctuation_quoted"]["min"] == 0.106
    assert "fineweb.short_lines" not in chinese


def test_fineweb_holds_both_gopher_sets_and_edits_lines_before_its_own_rules():
    kinds = [next(iter(one.model_fields_set)) for one in load_preset("fineweb").passes]
    assert kinds == ["rules", "rules", "rules", "lines", "rules", "duplicates"]
    assert set(rules("gopher")) <= set(rules("fineweb"))
    kinds = [next(iter(one.model_fields_set)) for one in load_preset("fineweb2-zh").passes]
    assert kinds == ["rules", "duplicates", "rules"]


def test_what_is_shown_names_every_number_and_its_source():
    shown = "\n".join(show("fineweb2-zh"))
    assert "≥ 50, ≤ 100000" in shown and "≥ 0.106" in shown and "cmn_Hani.yml" in shown
    assert "near, from a similarity of 0.75" in shown


def test_numbers_of_the_other_recipes():
    dolma, refinedweb, chinese, code = map(rules, ("dolma", "refinedweb", "chinesewebtext", "roots-code"))
    assert (dolma["dolma.median_word_length"]["min"], dolma["dolma.duplicate_line_characters"]["max"]) == (
        3,
        0.3,
    )
    assert (
        refinedweb["dclm.duplicate_lines"]["max"],
        refinedweb["dclm.duplicate_line_characters"]["max"],
    ) == (0.3, 0.2)
    assert chinese["length.characters"]["above"] == 200 and chinese["han.traditional"]["max"] == 0
    assert (code["code.longest_line"]["above"], code["code.longest_line"]["below"]) == (20, 1000)
    assert (
        rules("ccnet")["length.characters"]["min"] == 300 and rules("ccnet")["language.score"]["min"] == 0.5
    )
    [tfds], [datatrove] = (
        [one.lines.c4 for one in load_preset(name).passes if one.lines and one.lines.c4]
        for name in ("c4", "c4-datatrove")
    )
    assert (tfds.words, tfds.sentences, datatrove.words, datatrove.sentences) == (5, 3, 3, 5)


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_compiles_with_the_signals_there_are(name):
    plan = compile_plan(Curate(preset=name), numeric_signals())
    assert plan.steps and plan.presets


def test_what_a_preset_cannot_bring_is_said():
    plan = compile_plan(Curate(preset={"en": "dclm"}), numeric_signals())
    said = [asked.what for asked in plan.asks["en"]]
    assert "the rule quality.score ≥ 0.018112" in said
    [bloom] = [one.duplicates.bloom for one in load_preset("dclm").passes if one.duplicates]
    assert (bloom.words, bloom.threshold, bloom.false_positives) == (13, 0.8, 0.01)
    assert any("URL" in what for what in said)  # of refinedweb, which it includes


@pytest.mark.parametrize(
    ("name", "signal", "bound"),
    [
        ("ccnet", "perplexity.percentile", {"max": 60}),
        ("dclm", "quality.score", {"min": 0.018112}),
        ("dolma", "toxicity.score", {"below": 0.4}),
        ("chinesewebtext", "sensitive.different_per_line", {"max": 0.5}),
        ("chinesewebtext", "quality.score", {"min": 0.5}),
    ],
)
def test_a_rule_judges_where_the_recipe_has_what_it_needs_and_is_said_where_not(name, signal, bound):
    def judged(plan):
        return {r.signal: r.bounds for s in plan.steps if isinstance(s, RulesStep) for r in s.rules["*"]}

    without = compile_plan(Curate(preset=name), numeric_signals())
    assert signal not in judged(without)
    [asked] = [one for one in without.asks["*"] if one.what.startswith(f"the rule {signal} ")]
    assert "signals: {" in asked.do and asked.source
    having = compile_plan(Curate(preset=name), [*numeric_signals(), signal])
    assert judged(having)[signal] == bound and asked not in having.asks.get("*", ())
    changed = Curate(preset=name, rules={"*": {signal: {"max": 40, "min": None}}})
    assert judged(compile_plan(changed, [*numeric_signals(), signal]))[signal] == {"max": 40}
    with pytest.raises(RecipeError, match="no signal"):
        compile_plan(changed, numeric_signals())
    [shown] = [rule for rule in preset_rules(name) if rule["signal"] == signal]
    assert asked.do == shown["needs"]


def test_a_preset_of_ones_own_extends_another(tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "title: 我们的规则\nextends: gopher\nchange: {gopher.words: {min: 20, max: null}, gopher.bullet_lines: {max: null}}\n"
        "passes:\n  - rules: [{signal: han.share, min: 0.1, source: ours}]\n  - lines: {min_words: 2}\n",
        encoding="utf-8",
    )
    plan = compile_plan(Curate(preset="mine.yaml"), numeric_signals(), folder=tmp_path)
    assert [type(step) for step in plan.steps][1:3] == [RulesStep, LinesStep]
    found = {rule.signal: rule.bounds for rule in plan.steps[1].rules["*"]}
    assert found["gopher.words"] == {"min": 20} and found["han.share"] == {"min": 0.1}
    assert "gopher.bullet_lines" not in found and found["repetition.duplicate_lines"] == {"max": 0.3}
    assert plan.presets == {"*": "mine"} and plan.made_for == {"*": ("en",)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("extends: gophers", "no preset 'gophers'"),
        ("extends: mine.yaml", "leads back to itself"),
        (
            "extends: gopher\nchange: {gopher.word: {min: 1}}",
            "changes gopher.word, but gopher has no rule on it",
        ),
        ("title: x", "expected passes, extends or by_language"),
        ("- 1", "expected a preset"),
        ("{", "is not YAML"),
        ("passes: [{rules: [{signal: gopher.words, least: 1}]}]", "passes.0.rules.0.least"),
    ],
)
def test_mistakes_in_ones_own_preset_are_named(tmp_path, text, said):
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError, match=said):
        load_preset("mine.yaml", tmp_path)
    with pytest.raises(RecipeError, match="no preset at"):
        load_preset("other.yaml", tmp_path)


def test_a_difference_names_both_values_and_what_is_the_same():
    found = difference("gopher", "fineweb2-zh")
    [words] = [row for row in found["rules"] if row["signal"] == "gopher.mean_word_length"]
    assert words["a"][0]["max"] == 10 and words["b"][0]["max"] == 5
    [stop] = [row for row in found["rules"] if row["signal"] == "gopher.stop_words_zh"]
    assert stop["a"] is None and stop["b"][0]["min"] == 2
    assert "gopher.words" not in {row["signal"] for row in found["rules"]} and found["same"] == 5
    assert "≥ 3, ≤ 10" in "\n".join(difference_lines(found))
    assert difference("gopher", "gopher")["rules"] == []


def test_the_commands():
    run = CliRunner().invoke
    listed = run(cli, ["presets", "list"])
    assert "refinedweb" in listed.output and listed.exit_code == 0
    shown = json.loads(run(cli, ["presets", "show", "dolma", "--json"]).output)
    assert shown["passes"][1]["rules"][0]["signal"] == "dolma.words" and shown["asks"]
    shown = run(cli, ["presets", "show", "dclm"]).output
    assert "needs a classifier of instruction-like text" in shown and "asks for lists of URLs" in shown
    assert json.loads(run(cli, ["presets", "diff", "c4", "c4-datatrove", "--json"]).output)["same"] == 0
    assert run(cli, ["presets", "show", "nothing"]).exit_code == 2
