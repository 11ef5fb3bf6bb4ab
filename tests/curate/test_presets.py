"""Presets are data: complete, sourced, and their numbers those of the papers."""

from headwater.curate.presets import load_preset, preset_names, preset_rules, presets_list, show


def rules(name):
    return {rule["signal"]: rule for rule in preset_rules(name)}


def test_every_rule_has_a_bound_a_reason_and_a_source():
    assert preset_names() == ["fineweb", "fineweb2-zh", "gopher"]
    for name, title in presets_list():
        assert title and load_preset(name).variant
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
