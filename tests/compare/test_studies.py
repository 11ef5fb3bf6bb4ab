"""Studies: what is declared, what is written to train on, and that a record leads to its finding again."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from headwater.cli import cli
from headwater.compare.studies import STUDIES
from headwater.compare.studies.aa import _splits
from headwater.compare.studies.noise import SEQUENCE, SHARES, swapped
from headwater.compare.studies.study import Study, keep, lines_of, recorded, result_of_study
from headwater.compare.studies.texts import write_pieces, write_recipe
from headwater.recipe import load_recipe


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
        arms.append({"name": name, "runs": scored})
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


def test_a_a_reports_every_split(tmp_path: Path) -> None:
    study = STUDIES["aa"]
    assert len(list(_splits(6))) == 10 and len(list(_splits(8))) == 280
    assert all(not set(one) & set(other) for one, other in _splits(24))
    result = result_of_study(study, record({"novels": {"novels": 0.0}}, runs=8))
    assert "of 280 splits of 8 runs" in result["found"]["sentence"]["en"]
    [row] = result["found"]["rows"]
    assert 0 <= row["interval"][0] <= row["percent"] <= row["interval"][1]
    path = keep(study, result, tmp_path / "aa.json")
    assert json.loads(path.read_text("utf-8")) == result
    assert any("runs: novels 8" in line for line in lines_of(result))


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
    assert len((tmp_path / "散文.jsonl").read_text("utf-8").splitlines()) == 2


def test_a_study_that_was_not_recorded_or_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.compare.studies.study.RECORDED", tmp_path)
    done = CliRunner().invoke(cli, ["study", "aa"])
    assert done.exit_code == 1 and "--record" in done.output
    assert CliRunner().invoke(cli, ["study", "nothing"]).exit_code == 2
    assert "not recorded" in CliRunner().invoke(cli, ["study"]).output
