"""Studies: what is declared, what is written to train on, and that a record leads to its finding again."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from headwater.cli import cli
from headwater.compare.statistics import DomainScores, combined, effect
from headwater.compare.studies import STUDIES, scale
from headwater.compare.studies.aa import p_of_splits, split_every_way
from headwater.compare.studies.agreement import agreement, resolved_pairs, table
from headwater.compare.studies.memorisation import DOSES, PASSAGES, doses
from headwater.compare.studies.noise import SEQUENCE, SHARES, swapped
from headwater.compare.studies.pairs import better, pair, worse
from headwater.compare.studies.quality import STEPS, Page
from headwater.compare.studies.repetition import EPOCHS
from headwater.compare.studies.study import Study, joined, keep, lines_of, recorded, result_of_study
from headwater.compare.studies.texts import PIECE, write_pieces, write_recipe
from headwater.compare.studies.time import PERIODS
from headwater.errors import HeadwaterError
from headwater.recipe import load_recipe
from headwater.studio.studies import write_studies


def record(effects: dict[str, dict[str, float]], runs: int = 3, noise: float = 0.002) -> dict[str, Any]:
    """Made-up scores: what each arm adds to ln(bits per byte) of each domain."""
    random = np.random.default_rng(1)
    domains = list(next(iter(effects.values())))
    units = 15
    arms = []
    for name, added in effects.items():
        scored = []
        for seed in range(runs):
            luck = random.normal(0, noise)
            bits = {
                d: (2.5 * np.exp(added[d] + luck + random.normal(0, 0.01, units))).tolist() for d in domains
            }
            scored.append({"seed": seed, "bits": bits})
        text = {"documents": 9, "bytes": 3000, "tokens": 1000, "epochs": 1.0}
        ngram = {d: [3.0 * np.exp(added[d])] * units for d in domains}
        arms.append({"name": name, "text": text, "ngram": ngram, "runs": scored})
    sizes = {domain: [2000 + 10 * unit for unit in range(units)] for domain in domains}
    weights = dict.fromkeys(domains, 1 / len(domains))
    return {"budget": "study", "margin": 0.01, "weights": weights, "domains": sizes, "arms": arms}


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_declares_itself_in_both_languages(name: str) -> None:
    study = STUDIES[name]
    assert study.name == name and study.arms >= 1 and study.seeds >= 2
    for text in (study.question, study.expected):
        assert len(text) == 2 and any("\u4e00" <= sign <= "\u9fff" for sign in text[1])


@pytest.mark.parametrize(
    "study", [one for one in STUDIES.values() if one.path.is_file()], ids=lambda one: one.name
)
def test_a_record_leads_to_its_finding_again(study: Study) -> None:
    """The inference of the recorded runs, repeated without training."""
    kept = json.loads(study.path.read_text("utf-8"))
    again = recorded(study)
    assert again["found"] == _close(kept["found"])
    assert kept["question"]["en"] == study.question[0] and kept["expected"]["zh"] == study.expected[1]
    done = CliRunner().invoke(cli, ["study", study.name])
    assert done.exit_code == 0 and kept["found"]["sentence"]["zh"] in done.output


def _close(value: Any) -> Any:
    if isinstance(value, float):
        return pytest.approx(value)
    if isinstance(value, dict):
        return {key: _close(item) for key, item in value.items()}
    return [_close(item) for item in value] if isinstance(value, list) else value


def test_noise_is_monotone_or_it_is_not() -> None:
    study = STUDIES["noise"]

    def texts(five: float, twenty: float) -> dict[str, Any]:
        return record(
            {name: {"clean": added} for name, added in zip(SHARES, (0.0, five, twenty), strict=True)}
        )

    found = study.judge(texts(0.01, 0.05))
    assert found["as_expected"] and "单调" in found["sentence"]["zh"]
    assert not study.judge(texts(0.06, 0.02))["as_expected"]
    assert not study.judge(texts(0.0, 0.0))["as_expected"]


def test_the_own_domain_wins_or_it_does_not() -> None:
    study = STUDIES["domain"]
    names = ("prose", "code", "chinese")
    wins = record({name: {domain: -0.2 * (domain == name) for domain in names} for name in names})
    assert study.judge(wins)["as_expected"] and len(study.judge(wins)["rows"]) == 6
    draw = record({name: dict.fromkeys(names, 0.0) for name in names})
    assert not study.judge(draw)["as_expected"]


def test_the_own_period_wins_or_loses_and_nothing_is_expected() -> None:
    study = STUDIES["time"]
    scored = [f"of-{period}" for period in PERIODS]
    near = {
        name: {one: 0.05 * abs(place - other) for other, one in enumerate(scored)}
        for place, name in enumerate(PERIODS)
    }
    found = study.judge(record(near))
    assert found["as_expected"] is None and len(found["rows"]) == 6 + 2
    assert (
        "wins 6 of 6 pairs and loses 0" in found["sentence"]["en"] and "2 对胜过" in found["sentence"]["zh"]
    )
    away = {name: {one: -value for one, value in added.items()} for name, added in near.items()}
    assert "wins 0 of 6 pairs and loses 6" in study.judge(record(away))["sentence"]["en"]


def test_no_author_is_trained_on_and_scored(real_data: Path, tmp_path: Path) -> None:
    STUDIES["time"].write(real_data, tmp_path)
    units = {
        path.stem: {json.loads(line)["unit"] for line in path.read_text("utf-8").splitlines()}
        for path in tmp_path.glob("*.jsonl")
    }
    assert len(units) == 2 * len(PERIODS) and {len(found) for found in units.values()} == {3}
    assert len(set().union(*units.values())) == 6 * len(PERIODS)


def scaled(best: tuple[float, float, float], noise: float = 0.001) -> dict[str, Any]:
    """Runs whose scores are lowest at so many parameters, by the amount of compute; 中文 is a domain among two."""
    random, arms = np.random.default_rng(5), []
    for place, flop in enumerate(scale.COMPUTE):
        for parameters in (60e3, 150e3, 330e3, 590e3, 1.2e6):
            apart = 0.02 * math.log(parameters / best[place]) ** 2 - 0.05 * place
            runs = [
                {"seed": seed, "bits": dict.fromkeys(("novels", "小说"), [2.0 * math.exp(apart + luck)] * 6)}
                for seed, luck in enumerate(random.normal(0, noise, 2))
            ]
            arms.append(
                {"name": f"{flop:g}, {parameters:g}", "flop": flop, "parameters": parameters, "runs": runs}
            )
    sizes = {"novels": [2000] * 6, "小说": [3000] * 6}
    return {"margin": 0.01, "weights": dict.fromkeys(sizes, 0.5), "domains": sizes, "arms": arms}


def test_the_best_size_grows_or_cannot_be_told() -> None:
    study = STUDIES["scale"]
    found = study.judge(scaled((200e3, 280e3, 400e3)))
    assert found["as_expected"] and len(found["rows"]) == 3 * 4
    assert "it grows 2.0 [" in found["sentence"]["en"] and "增至 2.0" in found["sentence"]["zh"]
    assert not study.judge(scaled((300e3, 300e3, 300e3)))["as_expected"]
    edge = study.judge(scaled((200e3, 400e3, 1.5e6)))
    assert not edge["as_expected"] and "6e+12 FLOP cannot tell" in edge["sentence"]["en"]
    assert "无法判断" in study.judge(scaled((200e3, 280e3, 400e3), noise=0.3))["sentence"]["zh"]


def test_the_interval_of_an_optimum_holds_it() -> None:
    random, held = np.random.default_rng(6), 0
    x = np.repeat(np.log([60e3, 150e3, 330e3, 590e3, 1.2e6]), 2)
    for _ in range(400):
        one = scale.optimum(x, 0.02 * (x - math.log(250e3)) ** 2 + random.normal(0, 0.005, len(x)))
        held += one.interval is not None and one.interval[0] <= math.log(250e3) <= one.interval[1]
    assert held / 400 == pytest.approx(0.95, abs=0.035)


def test_trainings_of_one_compute_take_about_as_many_steps(tmp_path: Path) -> None:
    write_pieces(tmp_path / "novels.jsonl", [("作者", "源头活水。" * 50)])
    recipe = load_recipe(write_recipe(tmp_path / "r.yaml", "r", ["novels"], leave_out=[],
                                      rest="tokenizer: {vocabulary: 512}\n"))  # fmt: skip
    made = [scale._trained(recipe, flop, width)[1] for flop in scale.COMPUTE for width in scale.WIDTHS]
    assert all(abs(one["steps"] / scale.STEPS - 1) < 0.15 for one in made)
    assert 5e4 < made[0]["parameters"] < 6e4 and 1.2e6 < made[-1]["parameters"] < 1.25e6
    assert max(one["tokens"] for one in made) == pytest.approx(scale.TOKENS, rel=0.05)


def test_a_row_has_what_the_five_gram_says_of_the_pair() -> None:
    made = record({"甲": {"书": 0.0}, "乙": {"书": 0.1}})
    row = pair(made, "乙", "甲", "书")
    assert row["name"]["zh"] == "乙 对 甲，评于 书" and row["arms"] == ["乙", "甲"]
    assert row["percent"] == pytest.approx(100 * np.expm1(0.1), abs=0.8)
    assert row["ngram"] == pytest.approx(100 * np.expm1(0.1)) and worse(row) and not better(row)
    del made["arms"][0]["ngram"]
    assert pair(made, "乙", "甲")["ngram"] is None


def test_a_mix_loses_little_at_home_or_it_does_not() -> None:
    study, names = STUDIES["diversity"], ("prose", "code", "chinese")

    def texts(mix: float) -> dict[str, Any]:
        specialists = {name: {domain: -0.5 * (domain == name) for domain in names} for name in names}
        return record({"mix": dict.fromkeys(names, mix), **specialists})

    found = study.judge(texts(-0.4))
    assert found["as_expected"] and len(found["rows"]) == 9 and "6 对外域" in found["sentence"]["zh"]
    assert not study.judge(texts(-0.05))["as_expected"]  # wins little away, loses all at home


def test_each_step_of_curation_helps_or_it_does_not() -> None:
    study, domains = STUDIES["quality"], ("articles", "pages", "novels")

    def texts(*steps: float) -> dict[str, Any]:
        return record({name: dict.fromkeys(domains, added) for name, added in zip(STEPS, steps, strict=True)})

    assert study.judge(texts(0.0, -0.05, -0.1))["as_expected"]
    assert not study.judge(texts(0.0, -0.05, -0.05))["as_expected"]


def test_boilerplate_is_what_nobody_marked_as_main_text() -> None:
    page = Page(
        "站", main="正文第一段。\nSecond  paragraph.", raw="菜单\n正文第一段。\nSecond paragraph.\n版权所有"
    )
    assert page.boilerplate == "菜单\n版权所有"


def test_repetition_is_harmless_to_four() -> None:
    study = STUDIES["repetition"]

    def texts(four: float, forty: float) -> dict[str, Any]:
        return record(
            {name: {"epochs-1": added} for name, added in zip(EPOCHS, (0.0, four, forty), strict=True)}
        )

    assert study.judge(texts(0.001, 0.2))["as_expected"]
    assert not study.judge(texts(0.1, 0.2))["as_expected"] and not study.judge(texts(0.0, 0.0))["as_expected"]


def test_memory_rises_with_the_dose() -> None:
    study = STUDIES["memorisation"]

    def texts(*gaps: float) -> dict[str, Any]:
        names = [f"dose-{dose}" for dose in DOSES]
        return record({"twin": dict.fromkeys(names, 0.0), "planted": dict(zip(names, gaps, strict=True))})

    found = study.judge(texts(0.0, -0.05, -0.2, -0.6, -1.5))
    assert found["as_expected"] and "seen from ×4" in found["sentence"]["en"]
    assert not study.judge(texts(0.0, -0.2, -0.05, -0.6, -1.5))["as_expected"]


def test_every_dose_has_its_passages_drawn_by_hash() -> None:
    text = " ".join(
        f"第{'甲乙丙丁'[place % 4]}句话说的是源头活水 and the river runs on" for place in range(9000)
    )
    dosed = doses([("书", text)])
    names = [name for found in dosed.values() for name, _ in found]
    assert {len(found) for found in dosed.values()} == {PASSAGES} and len(set(names)) == len(names)
    assert dosed == doses([("书", text)])


def test_contamination_is_visible_at_sixteen_or_it_is_not() -> None:
    study = STUDIES["contamination"]

    def texts(*added: float) -> dict[str, Any]:
        both = [dict.fromkeys(("items-en", "items-zh"), value) for value in (0.0, *added)]
        return record(dict(zip(("x0", "x1", "x4", "x16"), both, strict=True)))

    found = study.judge(texts(0.0, -0.1, -0.3))
    assert found["as_expected"] and "×1 不可见" in found["sentence"]["zh"]
    assert not study.judge(texts(0.0, 0.0, 0.0))["as_expected"]


def test_a_vocabulary_fits_or_it_does_not() -> None:
    study = STUDIES["tokeniser"]
    made = record({"english": {"books": 0.0}, "chinese": {"books": -0.4}, "joint": {"books": -0.2}})
    assert not study.judge(made)["as_expected"]  # every arm has as many tokens
    for arm, tokens in zip(made["arms"], (1000, 500, 700), strict=True):
        arm["text"]["tokens"] = tokens
    found = study.judge(made)
    assert found["as_expected"] and "english 1.00, chinese 0.50" in found["sentence"]["en"]


@pytest.mark.parametrize(
    ("prose", "code", "expected"), [(0.5, 0.5, True), (0.6, 0.6, True), (0.5, 0.7, False)]
)
def test_a_negative_control_gives_no_direction(prose: float, code: float, expected: bool) -> None:
    random, items = np.random.default_rng(2), 2000
    sizes = {side: [100] * items for side in ("right", "wrong")}
    arms = []
    for name, share in (("prose", prose), ("with-code", code)):
        runs = []
        for seed in range(4):
            right = random.random(items) < share
            bits = {"right": np.where(right, 2.0, 3.0).tolist(), "wrong": [2.5] * items}
            runs.append({"seed": seed, "bits": bits})
        arms.append({"name": name, "runs": runs})
    made = {"weights": {"right": 0.5, "wrong": 0.5}, "domains": sizes, "arms": arms}
    found = STUDIES["negative-control"].judge(made)
    assert found["as_expected"] is expected and found["rows"][0]["unit"] == "points"
    assert found["rows"][0]["percent"] == pytest.approx(100 * (code - prose), abs=5)


def test_records_of_arms_prepared_alone_are_one() -> None:
    one, other = record({"甲": {"书": 0.0}}), record({"乙": {"书": 0.0}})
    assert [arm["name"] for arm in joined([one, other])["arms"]] == ["甲", "乙"]
    other["domains"]["书"][0] += 1
    with pytest.raises(HeadwaterError, match="different text"):
        joined([one, other])


def test_a_lesson_stands_with_the_finding() -> None:
    made = record({"clean": {"clean": 0.0}, "noise-5": {"clean": 0.0}, "noise-20": {"clean": 0.0}})
    taught = replace(STUDIES["noise"], lesson=("too small", "太小"))
    said = "\n".join(lines_of(result_of_study(taught, made)))
    assert "NOT as expected" in said and "teaches   too small" in said


def study_result(name: str, effects: dict[str, dict[str, float]]) -> dict[str, Any]:
    return result_of_study(STUDIES[name], record(effects))


def test_the_five_gram_stands_beside_every_resolved_pair() -> None:
    noise = study_result("noise", {name: {"clean": 0.1 * place} for place, name in enumerate(SHARES)})
    noise["record"]["arms"][2]["ngram"]["clean"] = [2.9] * 15  # against all that the Transformer sees
    noise["found"] = STUDIES["noise"].judge(noise["record"])
    null = study_result("repetition", {name: {"epochs-1": 0.0} for name in EPOCHS})
    pairs = resolved_pairs([noise, null])
    assert [row["agrees"] for row in pairs] == [True, False, False]
    assert agreement(pairs) == {"pairs": 3, "agree": 1, "ratio": pytest.approx(1, abs=0.1)}
    lines = table(pairs, "zh")
    assert lines[0].startswith("| 研究 |") and lines[3].endswith("| **否** |") and "3 个" in lines[-1]


def test_a_study_has_a_page_in_both_languages(tmp_path: Path) -> None:
    noise = study_result("noise", {name: {"clean": 0.1 * place} for place, name in enumerate(SHARES)})
    hostile = {**noise, "lesson": {"en": "<script>{x}</script>", "zh": "教训"}}
    page = write_studies([hostile], tmp_path / "页.html", language="zh").read_text("utf-8")
    for words in (
        "噪声：",
        "Noise:",
        "事先声明的预期",
        "符合预期",
        "noise-5 对 clean",
        "5-gram",
        "教训",
        "modern-nano",
    ):
        assert words in page
    assert "<script" not in page and 'id="rung"' not in page  # one study has no table of all
    other = study_result("repetition", {name: {"epochs-1": 0.0} for name in EPOCHS})
    both = write_studies([noise, other], tmp_path / "b.html")
    assert "同号" in both.read_text("utf-8")


def test_documentation_says_what_was_found() -> None:
    for study in STUDIES.values():
        if study.path.is_file():
            for language, sentence in recorded(study)["found"]["sentence"].items():
                text = (Path(__file__).parents[2] / "docs" / language / "compare.md").read_text("utf-8")
                assert f"| {study.name} | {sentence} |" in text, "see docs/*/compare.md, What was found"


def test_documentation_has_the_table_that_the_records_give() -> None:
    pairs = resolved_pairs([recorded(one) for one in STUDIES.values() if one.path.is_file()])
    for language in ("en", "zh"):
        text = (Path(__file__).parents[2] / "docs" / language / "compare.md").read_text("utf-8")
        assert "\n".join(table(pairs, language)) in text, "headwater study --table; see docs/*/compare.md"


def test_a_a_reports_every_split(tmp_path: Path) -> None:
    study = STUDIES["aa"]
    assert len(split_every_way(6)[1]) == 10 and len(split_every_way(8)[1]) == 280
    groups, splits = split_every_way(24)
    assert len(splits) == 1_345_960
    assert not (groups[splits[:, 0]][:, :, None] == groups[splits[:, 1]][:, None, :]).any()
    result = result_of_study(study, record({"novels": {"novels": 0.0}}, runs=8))
    assert "of 280 splits of 8 runs" in result["found"]["sentence"]["en"]
    for row in result["found"]["rows"]:
        assert 0 <= row["interval"][0] <= row["percent"] <= row["interval"][1]
    with pytest.raises(HeadwaterError, match="6 runs at least"):
        study.judge(record({"novels": {"novels": 0.0}}, runs=5))
    path = keep(study, result, tmp_path / "aa.json")
    assert json.loads(path.read_text("utf-8")) == result
    assert any("runs: novels 8" in line for line in lines_of(result))


def test_every_split_is_judged_as_a_comparison_is() -> None:
    random = np.random.default_rng(0)
    weights = {"小说": 0.75, "news": 0.25, "two units": 0.0}
    scores = {
        domain: DomainScores(2 + 0.1 * random.standard_normal((7, units)), random.uniform(1, 9, units))
        for domain, units in (("小说", 9), ("news", 12), ("two units", 2))
    }
    groups, splits = split_every_way(7)
    both, seeds = p_of_splits(scores, weights, groups, splits)
    for place in range(0, len(splits), 7):
        one, other = ({d: s.only(groups[g]) for d, s in scores.items()} for g in splits[place])
        found = effect(one, other, weights)
        assert both[place] == pytest.approx(found.p, rel=1e-9)
        alone = combined(found.delta, found.parts[:2], found.seeds)
        assert seeds[place] == pytest.approx(alone.p, rel=1e-9)


def test_what_five_percent_swaps_twenty_swap_too() -> None:
    text = "".join(chr(0x4E00 + place % 997) for place in range(40 * SEQUENCE))
    five, twenty = (swapped(share)("甲", text) for share in (0.05, 0.20))
    pieces = [range(start, start + SEQUENCE) for start in range(0, len(text), SEQUENCE)]
    changed = [
        {p.start for p in pieces if text[p.start : p.stop] != one[p.start : p.stop]} for one in (five, twenty)
    ]
    assert changed[0] < changed[1] < {p.start for p in pieces}
    assert sorted(text) == sorted(twenty) and swapped(0.0)("甲", text) == text


def test_recipes_leave_the_other_sources_out(tmp_path: Path) -> None:
    write_pieces(tmp_path / "散文.jsonl", iter([("作者", "源头活水。" * 1000)]))
    path = write_recipe(tmp_path / "r.yaml", "r", ["散文", "代码"], leave_out=["代码"], rest="seed: 3\n")
    recipe = load_recipe(path)
    assert recipe.curate.leave_out == ["代码"] and [source.name for source in recipe.sources] == [
        "散文",
        "代码",
    ]
    assert len((tmp_path / "散文.jsonl").read_text("utf-8").splitlines()) == 5000 // PIECE


def test_a_study_that_was_not_recorded_or_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.compare.studies.study.RECORDED", tmp_path)
    done = CliRunner().invoke(cli, ["study", "aa"])
    assert done.exit_code == 1 and "--record" in done.output
    assert CliRunner().invoke(cli, ["study", "nothing"]).exit_code == 2
    assert "not recorded" in CliRunner().invoke(cli, ["study"]).output
    assert CliRunner().invoke(cli, ["study", "aa", "--table"]).exit_code == 2
    assert "No resolved pair yet." in CliRunner().invoke(cli, ["study", "--table"]).output
