"""From scores on disk to comparison.json: every verdict is reached, and nothing is said that the scores do not say."""

import importlib.util
import json
import math
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from headwater.compare.arms import Arm
from headwater.compare.budgets import BUDGETS
from headwater.compare.cards import CURVE_POINTS
from headwater.compare.found import ArmRuns, Found
from headwater.compare.markdown import markdown, summary_lines
from headwater.compare.preparation import Prepared
from headwater.compare.result import _candidate, result_of
from headwater.compare.sentence import LABELS, WORDS
from headwater.compare.statistics import combined
from headwater.corpus.shards import ShardWriter
from headwater.engine.workspace import Entry
from headwater.evaluate.summary import SCORES_SCHEMA, by_domain, domain_weights, summarise
from headwater.pipeline.run import Outcome
from headwater.pipeline.train import Run
from headwater.recipe import Recipe

BITS = {"docs": (2.4, "en"), "news": (2.6, "en"), "新闻": (3.1, "zh")}  # of the baseline
SEEDS = {"baseline": 6, "candidate": 3}


class Fabricated:
    """Scores of made-up models; what an arm adds to ln(bits per byte) of every domain is its effect."""

    def __init__(
        self, folder: Path, *, units: int = 20, seed_sd: float = 0.001, unit_sd: float = 0.003
    ) -> None:
        self.folder, self.units, self.seed_sd, self.unit_sd = folder, units, seed_sd, unit_sd
        self.random = np.random.default_rng(5)

    def scores(self, name: str, effect: float, factor: float, of_arm: dict[str, np.ndarray]) -> Path:
        """One scores.parquet: two documents a unit."""
        rows = []
        for domain, (bits, language) in BITS.items():
            sizes = np.random.default_rng(len(domain)).integers(300, 3000, (self.units, 2))
            for unit in range(self.units):
                rate = factor * bits * math.log(2) * math.exp(effect + of_arm[domain][unit])
                rows += [
                    {"id": f"{domain}-{unit}-{n}", "unit": f"作者{unit:02}", "domain": domain, "language": language,
                     "bytes": int(size), "nats": rate * size}
                    for n, size in enumerate(sizes[unit])
                ]  # fmt: skip
        path = self.folder / f"{name}.parquet"
        with ShardWriter(path, SCORES_SCHEMA) as writer:
            writer.write(rows)
        return path

    def arm(self, name: str, role: str, effect: float, factor: float, ngram: float) -> ArmRuns:
        of_arm = {domain: self.random.normal(0, self.unit_sd, self.units) for domain in BITS}
        runs, scored = [], []
        for seed in range(SEEDS[role]):
            luck = self.random.normal(0, self.seed_sd)
            scored.append(by_domain(self.scores(f"{name}-{seed}", effect + luck, factor, of_arm)))
            folder = self.folder / f"run-{name}-{seed}"
            folder.mkdir()
            lines = [json.dumps({"tokens": 4096 * n, "bits": 9 - n / 100}) for n in range(1, 124)]
            (folder / "metrics.jsonl").write_text("\n".join(lines))
            runs.append(Run(folder, seed, {"epochs": {"docs": 0.5, "新闻": 1.25}}))
        nothing = {domain: np.zeros(self.units) for domain in BITS}
        rung = by_domain(self.scores(f"{name}-ngram", ngram, 1.1 * factor, nothing))
        return ArmRuns(runs, scored, rung)

    def result(
        self,
        *effects: float,
        factor: float = 1.0,
        ngrams: tuple[float, ...] = (),
        weights: dict[str, float] | None = None,
        draw: float = 0.5,
        margin: float = 0.01,
    ) -> dict[str, Any]:
        """A comparison of one baseline with arms of these effects."""
        names = ["原始", *(f"arm{n}" for n in range(1, len(effects) + 1))]
        rungs = ngrams or (0.0, *effects)
        arms, outcomes, found = [], [], []
        for name, effect, ngram in zip(names, (0.0, *effects), rungs, strict=True):
            role = "candidate" if arms else "baseline"
            path = self.folder / f"{name}.yaml"
            path.write_text(f"name: {name}\n# 注释\n", encoding="utf-8")
            curate = {"duplicates": None} if arms else {}
            sources = [{"name": "网页", "kind": "files", "paths": ["*.txt"]}]
            recipe = Recipe.model_validate({"name": name, "sources": sources, "curate": curate})
            arms.append(Arm(role, recipe, path, path.name))
            outcomes.append(self.outcome(name))
            found.append(self.arm(name, role, effect, factor, ngram))
        held = {
            name: {"units": 2 * self.units, "bytes": 10**6} for name in BITS
        }  # half of it is scored, or less
        heldout = cast(Entry, SimpleNamespace(result={"held_out": held}))
        prepared = Prepared(tuple(arms), tuple(outcomes), heldout, draw)
        shares = domain_weights({domain: language for domain, (_, language) in BITS.items()}, weights)
        measured = Found(found, {"网页": found[0].ngram}, shares)
        budget = BUDGETS["demo"]
        return result_of(
            prepared, measured, budget, margin=margin, key="0" * 32, command="headwater compare …"
        )

    def outcome(self, name: str) -> Outcome:
        counts = {
            "languages": {"zh": {"documents": 3, "bytes": 900}},
            "sources": {},
            "reasons": [["near_duplicate", 4]],
        }
        folder = self.folder / f"set-{name}"
        folder.mkdir()
        manifest = {"documents": 30, "bytes": 9000, "tokens": 2500, "max_epochs": 4}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        outcome = Outcome(cast(Recipe, None), cast(Any, None), cast(Any, None), training_set=folder)
        outcome.curated = cast(Any, SimpleNamespace(counts=counts))
        return outcome


@pytest.fixture
def fabricated(tmp_path: Path) -> Fabricated:
    return Fabricated(tmp_path)


@pytest.mark.parametrize(
    ("effect", "noise", "factor", "word", "negligible"),
    [
        (-0.03, 0.001, 1.0, "helps", False),
        (0.03, 0.001, 1.0, "hurts", False),
        (-0.005, 0.0003, 1.0, "helps", True),
        (0.0002, 0.001, 1.0, "no material difference", False),
        (-0.005, 0.03, 1.0, "cannot tell", False),
        (
            -0.03,
            0.001,
            4.0,
            "not measurable",
            False,
        ),  # 8 bits a byte is what a model that knows nothing needs
    ],
)
def test_every_verdict_is_reached(
    tmp_path: Path, effect: float, noise: float, factor: float, word: str, negligible: bool
) -> None:
    result = Fabricated(tmp_path, seed_sd=noise, unit_sd=noise).result(effect, factor=factor)
    [one] = result["candidates"]
    assert (one["verdict"], one["negligible"]) == (word, negligible)
    assert (
        one["interval"][0] < one["interval90"][0] < one["percent"] < one["interval90"][1] < one["interval"][1]
    )
    assert one["percent"] == pytest.approx(100 * math.expm1(one["effect"]))
    assert (one["seeds_needed"] is not None) <= (word == "cannot tell")
    assert WORDS[word] in result["sentence"]["zh"] and word.split()[0] in result["sentence"]["en"]
    assert (one["probability_better"] > 0.5) == (one["percent"] < 0)


def test_the_score_is_that_of_the_scores(fabricated: Fabricated) -> None:
    result = fabricated.result(-0.03)
    for arm in result["arms"]:
        assert len(arm["runs"]) == SEEDS[arm["role"]]
        for run in arm["runs"]:
            alone = summarise(fabricated.folder / f"{arm['name']}-{run['seed']}.parquet")
            assert run["score"] == pytest.approx(alone["score"], abs=1e-12)
            assert run["domains"] == pytest.approx(alone["domains"])
            bits = run["domains"]
            y = 0.25 * math.log(bits["docs"]) + 0.25 * math.log(bits["news"]) + 0.5 * math.log(bits["新闻"])
            assert run["score"] == pytest.approx(y)
    means = [np.mean([run["score"] for run in arm["runs"]]) for arm in result["arms"]]
    assert result["candidates"][0]["effect"] == pytest.approx(means[1] - means[0])


def test_a_domain_of_no_weight_is_scored_and_decides_nothing(fabricated: Fabricated) -> None:
    result = fabricated.result(-0.03, weights={"docs": 1.0, "新闻": 1.0})
    assert {domain["name"]: domain["weight"] for domain in result["domains"]} == {
        "docs": 0.5,
        "news": 0.0,
        "新闻": 0.5,
    }
    assert [domain["name"] for domain in result["candidates"][0]["domains"]] == ["docs", "新闻"]
    assert "news" in result["arms"][0]["runs"][0]["domains"]


def test_more_candidates_widen_every_interval(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    [alone] = Fabricated(tmp_path / "one").result(-0.03)["candidates"]
    first, second = Fabricated(tmp_path / "two").result(-0.03, 0.0)["candidates"]
    assert alone["interval"][0] > first["interval"][0] and alone["interval"][1] < first["interval"][1]
    assert alone["p_holm"] == alone["p"] and first["p_holm"] == 2 * first["p"]
    assert second["arm"] == "arm2" and second["p_holm"] == max(second["p"], first["p_holm"])


# ---------------------------------------------------------------- labels, the rung, A/A


@pytest.mark.parametrize(
    ("units", "draw", "ngram", "labels"),
    [
        (20, 0.5, 0.0, []),
        (20, 1.0, 0.0, ["this corpus"]),
        (20, 0.5, -0.2, ["weak proxy"]),
        (11, 0.5, 0.0, ["on these texts"]),
        (4, 1.0, -0.2, ["this corpus", "weak proxy", "on these texts"]),
    ],
)
def test_labels(tmp_path: Path, units: int, draw: float, ngram: float, labels: list[str]) -> None:
    result = Fabricated(tmp_path, units=units).result(-0.03, draw=draw, ngrams=(ngram, -0.03 + ngram))
    assert result["labels"] == labels
    assert result["sentence"]["en"].endswith(f" ({'; '.join(labels)})." if labels else "%).")
    chinese = "；".join(LABELS[label] for label in labels)
    assert result["sentence"]["zh"].endswith(f"（{chinese}）。" if labels else "%）。")
    resampled = units >= 5  # fewer say nothing about other texts
    assert all((d["interval"] is not None) == resampled for d in result["candidates"][0]["domains"])
    assert (result["candidates"][0]["variance"]["units"] > 0) == resampled


def test_a_proxy_is_weak_if_it_loses_in_one_arm(fabricated: Fabricated) -> None:
    result = fabricated.result(-0.03, ngrams=(0.0, -0.2))
    proxy = result["proxy"]
    assert (
        not proxy["beats_ngram"]
        and proxy["arm"] == "arm1"
        and proxy["bits_transformer"] > proxy["bits_ngram"]
    )
    assert "weak proxy" in result["labels"]
    assert result["candidates"][0]["verdict"] == "helps"  # the verdict stands


@pytest.mark.parametrize(("ngram", "agrees"), [(-0.05, True), (0.02, False)])
def test_whether_the_ngram_agrees(fabricated: Fabricated, ngram: float, agrees: bool) -> None:
    result = fabricated.result(-0.03, ngrams=(0.0, ngram))
    [one] = result["candidates"]
    assert one["ngram_agrees"] is agrees
    assert one["ngram_percent"] == pytest.approx(100 * math.expm1(ngram))
    assert f"the n-gram {'agrees' if agrees else 'disagrees'}" in result["sentence"]["en"]
    assert f"n-gram {'一致' if agrees else '不一致'}（" in result["sentence"]["zh"]


def test_a_a_compares_the_baseline_with_itself(fabricated: Fabricated) -> None:
    result = fabricated.result(-0.03)
    aa, baseline = result["aa"], result["arms"][0]
    assert aa["seeds"] == [[0, 1, 2], [3, 4, 5]]
    halves = [np.mean([baseline["runs"][seed]["score"] for seed in seeds]) for seeds in aa["seeds"]]
    assert aa["percent"] == pytest.approx(100 * math.expm1(halves[0] - halves[1]))
    assert aa["percent"] != 0 and aa["interval"][0] < 0 < aa["interval"][1]


def test_training_text_by_domain(tmp_path: Path) -> None:
    """A source may have an arm's name: both have their row."""
    result = Fabricated(tmp_path).result(-0.03)
    matrix = result["matrix"]
    assert matrix["rows"] == ["网页", "原始", "arm1"] and matrix["columns"] == ["docs", "news", "新闻"]
    assert matrix["bits"][1] == list(result["arms"][0]["ngram"]["domains"].values())


# ---------------------------------------------------------------- what others read


def test_the_report_finds_all_that_it_reads(fabricated: Fabricated) -> None:
    shown = _report_example().comparison()
    result = fabricated.result(-0.03)
    assert _missing(shown, result, "") == []
    json.dumps(result, allow_nan=False)  # numbers of numpy, NaN and infinity are none of JSON's


def _report_example() -> ModuleType:
    path = Path(__file__).resolve().parents[1] / "studio" / "fabricated.py"
    spec = importlib.util.spec_from_file_location("fabricated_comparison", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _missing(wanted: Any, found: Any, where: str) -> list[str]:
    """Keys of fixed meaning that `wanted` has and `found` does not; the first of a list stands for all."""
    if isinstance(wanted, list) and isinstance(found, list):
        return _missing(wanted[0], found[0], f"{where}[0]") if wanted and found else []
    if not (isinstance(wanted, dict) and isinstance(found, dict)):
        return []
    if where.rpartition(".")[2] in ("domains", "languages", "sources", "reasons", "recipes", "epochs"):
        return []  # keyed by names of domains, languages, …
    lacking = [f"{where}.{key}" for key in wanted if key not in found]
    return lacking + [
        m for key in wanted if key in found for m in _missing(wanted[key], found[key], f"{where}.{key}")
    ]


def test_arms_say_what_they_are_and_how_they_trained(fabricated: Fabricated) -> None:
    raw, arm = fabricated.result(-0.03)["arms"]
    assert raw["settings_diff"] == [] and arm["settings_diff"][0]["key"] == "curate.duplicates.exact"
    assert (arm["documents"], arm["bytes"], arm["tokens"], arm["epochs"]) == (30, 9000, 2500, 1.25)
    assert arm["reasons"] == {"near_duplicate": 4} and arm["languages"]["zh"]["documents"] == 3
    curve = arm["runs"][0]["curve"]
    assert len(curve) <= CURVE_POINTS + 1 and curve[-1] == [4096 * 123, 9 - 1.23]
    assert curve == sorted(curve)


def test_the_terminal_shows_the_verdict_first(fabricated: Fabricated) -> None:
    result = fabricated.result(-0.03)
    lines = summary_lines(result)
    assert lines[0] == result["sentence"]["en"]
    assert any("新闻" in line and "bits per byte" in line for line in lines)
    assert any(line.startswith("A/A") for line in lines)
    assert "          left out: near_duplicate 4" in lines
    assert any(line.startswith("scored    the beginning of 60 of 120 held-out units") for line in lines)
    result["arms"][1] |= {"epochs": 9.0}
    assert any("repeated 9.0 times" in line for line in summary_lines(result))


def test_markdown_holds_the_sentences_and_every_domain(fabricated: Fabricated) -> None:
    result = fabricated.result(-0.03)
    result["domains"][0]["name"] = "a|b"
    text = markdown(result)
    assert f"**{result['sentence']['zh']}**" in text and f"**{result['sentence']['en']}**" in text
    assert "| a\\|b |" in text and "| 新闻 | arm1 |" in text and "Token-matched" in text
    for table in [block for block in text.split("\n\n") if block.startswith("| ")]:
        assert len({line.replace("\\|", "").count("|") for line in table.split("\n")}) == 1


def test_as_many_seeds_as_there_were_would_not_decide() -> None:
    """A difference as large as the margin would have been seen; this smaller one is neither seen nor surely immaterial."""
    parts = ((0.0025**2 / 2, 20.0), (0.0025**2 / 2, 20.0))
    found = combined(0.0048, parts, (21, 21))
    assert found.planned_difference() < 0.008 and found.seeds_needed(0.008) == 18
    one = _candidate(found, 0.008, 1, 0.0, 0.95)
    assert one["verdict"] == "cannot tell" and one["seeds_needed"] > 21
