"""A recipe compiles to ordered steps whose reasons keep their numbers; every mistake names its nearest right key."""

import pytest

from headwater.curate.plan import compile_plan
from headwater.curate.presets import load_preset
from headwater.curate.steps import DecontaminateStep, DuplicatesStep, LinesStep, RulesStep
from headwater.errors import RecipeError
from headwater.recipe.settings import Curate

SIGNALS = sorted(
    {rule.signal for name in ("fineweb", "fineweb2-zh") for one in load_preset(name).passes for rule in one.rules or []}
    | {"han.share", "length.bytes", "length.bytes.words"}
)  # fmt: skip


def plan_of(**settings):
    return compile_plan(Curate.model_validate({"decontaminate": None, **settings}), SIGNALS)


def rules_of(plan, track, signal):
    return [
        rule
        for step in plan.steps
        if isinstance(step, RulesStep)
        for rule in step.rules.get(track, ())
        if rule.signal == signal
    ]


def test_order_is_explicit_fineweb_filters_first_fineweb2_deduplicates_first():
    english = [type(step) for step in plan_of(preset={"en": "fineweb"}, duplicates=None).steps]
    chinese = [type(step) for step in plan_of(preset={"zh": "fineweb2-zh"}).steps]
    assert chinese[:3] == [RulesStep, DuplicatesStep, RulesStep]
    assert english == [RulesStep, LinesStep, RulesStep]  # all rules with no edit between them judge together
    with_own = [step for step in plan_of(preset={"en": "fineweb"}).steps if not isinstance(step, RulesStep)]
    assert [type(step) for step in with_own] == [LinesStep, DuplicatesStep, DuplicatesStep]
    assert [step.tracks for step in with_own] == [("en",), ("en",), ("*",)]


def test_a_preset_keeps_its_place_and_takes_the_recipes_duplicates_only_if_given():
    own = [step for step in plan_of(preset={"zh": "fineweb2-zh"}).steps if isinstance(step, DuplicatesStep)]
    assert own[0].settings.near.similarity == 0.75 and not own[0].settings.exact
    given = plan_of(preset={"zh": "fineweb2-zh"}, duplicates={"near": {"similarity": 0.9}})
    assert [type(step) for step in given.steps][:3] == [RulesStep, DuplicatesStep, RulesStep]
    assert given.steps[1].settings.near.similarity == 0.9 and given.steps[1].settings.exact
    off = plan_of(preset={"zh": "fineweb2-zh"}, duplicates=None)
    assert not [step for step in off.steps if isinstance(step, DuplicatesStep)]


def test_rules_of_two_languages_that_come_up_together_are_one_step():
    plan = plan_of(preset={"en": "gopher", "zh": "fineweb2-zh"})
    assert set(plan.steps[0].rules) == {"en", "zh"}
    assert plan.tracks == ("en", "zh", "*")


def test_recipe_rules_override_by_signal_and_side_and_extend():
    plan = plan_of(
        preset={"zh": "fineweb2-zh"},
        rules={
            "*": {"gopher": {"words": {"max": 9}}, "length.bytes": {"min": 5}},
            "zh": {
                "gopher.words.max": 7000,
                "han": {"share": {"min": 0.3}},
                "fineweb.line_punctuation_quoted": {"min": 0.2},
            },
        },
    )
    [words] = rules_of(plan, "zh", "gopher.words")
    assert (words.min, words.max) == (50, 7000)
    [han] = rules_of(plan, "zh", "han.share")
    assert (han.min, han.reason) == (0.3, "han_share")
    [punctuation] = rules_of(plan, "zh", "fineweb.line_punctuation_quoted")
    assert punctuation.bounds == {"min": 0.2}
    assert rules_of(plan, "*", "gopher.words")[0].bounds == {"max": 9}
    assert rules_of(plan, "zh", "length.bytes")[0].bounds == {"min": 5}
    off = plan_of(preset={"zh": "fineweb2-zh"}, rules={"zh": {"gopher.stop_words_zh": {"min": None}}})
    assert not rules_of(off, "zh", "gopher.stop_words_zh")


def test_dotted_keys_match_the_longest_signal_name_first():
    plan = plan_of(rules={"*": {"length": {"bytes": {"min": 1, "words.max": 3}}}})
    assert rules_of(plan, "*", "length.bytes")[0].bounds == {"min": 1}
    assert rules_of(plan, "*", "length.bytes.words")[0].bounds == {"max": 3}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"rules": {"zh": {"han.shares": {"min": 0.3}}}}, "did you mean han.share"),
        ({"rules": {"zh": {"han.share": {"least": 0.3}}}}, "expected min or max"),
        ({"rules": {"zh": {"han.share": 0.3}}}, "{min: …}"),
        ({"rules": {"zh": {"han.share": {"min": "一半"}}}}, "expected a number"),
        ({"rules": {"chinese": {"han.share": {"min": 0.3}}}}, "'chinese' is no language"),
        ({"rules": {"zh": {"han.share": {"min": 0.9, "max": 0.1}}}}, "no document passes"),
        ({"preset": "finewebs"}, "there are c4, "),
        ({"preset": "gopher", "order": ["lines"]}, "curate.order"),
        ({"lines": {"refinedweb": True}, "order": ["rules"]}, "curate.order"),
    ],
)
def test_mistakes_are_named(settings, said):
    with pytest.raises(RecipeError, match=said.replace("{", r"\{")):
        plan_of(**settings)


def test_a_changed_step_leaves_the_keys_and_numbers_before_it():
    first = plan_of(preset={"zh": "fineweb2-zh"}, lines={"min_words": 2})
    second = plan_of(
        preset={"zh": "fineweb2-zh"}, lines={"min_words": 2}, rules={"zh": {"gopher.words": {"min": 10}}}
    )
    assert len(first.steps) == len(second.steps)
    changed = [
        i
        for i, (a, b) in enumerate(zip(first.steps, second.steps, strict=True))
        if a.as_json() != b.as_json()
    ]
    assert changed == [3]
    assert first.prefix_key(3) == second.prefix_key(3)
    assert first.prefix_key(4) != second.prefix_key(4)
    assert first.reasons == second.reasons


def test_more_than_64_reasons_are_refused():
    signals = [f"x.s{i}" for i in range(70)]
    with pytest.raises(RecipeError, match="64"):
        compile_plan(Curate(rules={"*": {name: {"min": 1} for name in signals}}), signals)


def test_decontamination_comes_first_and_takes_no_bit_when_off():
    plan = compile_plan(Curate(), SIGNALS)
    assert isinstance(plan.steps[0], DecontaminateStep) and plan.reasons[0] == "contaminated"
    assert "contaminated" not in plan_of().reasons


SOURCES = {"crawl": "warc", "zhwiki": "wikipedia", "github": "code", "web": "warc", "irc": "dialogue"}


def scoped(**settings):
    return compile_plan(Curate.model_validate({"decontaminate": None, **settings}), SIGNALS, SOURCES)


def test_the_preset_said_for_the_fewest_documents_judges_them():
    plan = scoped(
        preset={"en": "fineweb", "zh": "fineweb2-zh", "code": None, "zhwiki": "gopher", "irc": None}
    )
    assert plan.by_language("crawl") == {"en": "en", "zh": "zh", "*": "*"}
    assert plan.by_language("github") == {
        "*": "github:*"
    }  # by its kind, whatever the language of a program is
    assert plan.by_language("zhwiki") == {"*": "zhwiki:*"} and plan.presets["zhwiki:*"] == "gopher"
    assert set(plan.presets) == {"en", "zh", "zhwiki:*"}
    assert not rules_of(plan, "github:*", "gopher.words") and rules_of(plan, "zhwiki:*", "gopher.words")
    assert set(plan.chosen) == {"en", "zh", "github", "zhwiki", "irc"}


def test_rules_of_a_source_are_added_to_those_of_its_language():
    plan = scoped(
        preset={"zh": "fineweb2-zh"},
        rules={"*": {"length.bytes": {"min": 10}}, "warc": {"length.bytes": {"min": 20}},
               "web": {"length.bytes": {"max": 90}}, "zh": {"han.share": {"min": 0.3}}},
    )  # fmt: skip

    def bounds(track, signal="length.bytes"):
        return [rule.bounds for rule in rules_of(plan, track, signal)]

    assert bounds("*") == [{"min": 10}] == bounds("zh")
    assert bounds("crawl:*") == [{"min": 20}] == bounds("crawl:zh")
    assert bounds("web:*") == [{"min": 20, "max": 90}] == bounds("web:zh")
    assert bounds("web:zh", "han.share") == [{"min": 0.3}] and not bounds("web:*", "han.share")
    assert plan.by_language("web") == {"zh": "web:zh", "*": "web:*"}
    assert plan.presets == dict.fromkeys(("zh", "crawl:zh", "web:zh"), "fineweb2-zh")


def test_duplicates_of_a_preset_are_found_across_the_sources_of_a_language():
    plan = scoped(preset={"zh": "fineweb2-zh"}, rules={"web": {"length.bytes": {"min": 20}}})
    [found] = [
        step
        for step in plan.steps
        if isinstance(step, DuplicatesStep) and step.settings.near.similarity == 0.75
    ]
    assert set(found.tracks) == {"zh", "web:zh"}


def test_a_rule_of_a_preset_can_be_switched_off_for_one_source():
    plan = scoped(preset="gopher", rules={"irc": {"gopher.words": {"min": None, "max": None}}})
    assert rules_of(plan, "*", "gopher.words") and not rules_of(plan, "irc:*", "gopher.words")


def test_a_key_of_two_letters_is_a_language_and_one_of_three_a_source_where_there_is_one():
    names = {"zh": "warc", "web": "warc"}
    plan = compile_plan(Curate(preset={"zh": "fineweb2-zh", "web": None, "yue": "gopher"}), SIGNALS, names)
    assert plan.by_language("zh") == {"yue": "yue", "zh": "zh", "*": "*"}
    assert plan.by_language("web") == {"*": "web:*"}


@pytest.mark.parametrize("place", ["preset", "rules"])
def test_a_key_that_is_nothing_names_the_nearest_source_or_kind(place):
    with pytest.raises(RecipeError, match=rf"curate\.{place}: 'githob' .*did you mean github\?"):
        scoped(**{place: {"githob": {} if place == "rules" else None}})
    with pytest.raises(
        RecipeError, match=rf"curate\.{place}: '英文' is no language, kind or source.*sources are crawl"
    ):
        scoped(**{place: {"英文": {} if place == "rules" else "gopher"}})


@pytest.mark.parametrize(("code", "meant"), [("cn", "zh"), ("eng", "en"), ("qq", None)])
def test_a_key_that_is_no_language_of_any_document_is_refused(code, meant):
    said = f"did you mean {meant}" if meant else "codes are those of lid.176"
    with pytest.raises(
        RecipeError, match=rf"curate\.rules: no document is measured to be in .*'{code}'; {said}"
    ):
        scoped(rules={code: {"gopher": {"words": {"min": 20}}}})


def test_a_preset_of_several_languages_is_each_ones_own_also_in_a_source(tmp_path):
    (tmp_path / "both.yaml").write_text("by_language: {en: fineweb, zh: fineweb2-zh}", encoding="utf-8")

    def named(**presets):
        return compile_plan(Curate(preset=presets), SIGNALS, SOURCES, tmp_path)

    plan = named(**{"*": "both.yaml", "web": "gopher", "fr": "gopher"})
    assert plan.presets == {"en": "fineweb", "fr": "gopher", "zh": "fineweb2-zh", "web:*": "gopher"}
    assert plan.chosen == ("en", "fr", "zh", "web")
    plan = named(crawl="both.yaml", zh="both.yaml")
    assert plan.presets == {"zh": "fineweb2-zh", "crawl:en": "fineweb", "crawl:zh": "fineweb2-zh"}
    with pytest.raises(
        RecipeError, match=r"curate\.preset\.de: this preset has nothing for de; it is for en, zh"
    ):
        named(de="both.yaml")
