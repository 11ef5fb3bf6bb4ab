"""The inference: PROTOCOL's formulas in plain Python, coverage of the intervals by simulation, the verdict's words."""

import importlib.util
import math
from pathlib import Path
from statistics import mean, variance
from types import ModuleType

import numpy as np
import pytest
from scipy.stats import t as student

from headwater.compare.power import detectable, power
from headwater.compare.statistics import (
    ArmScores,
    DomainScores,
    Effect,
    arm_score,
    combined,
    effect,
    holm,
    interaction,
    percent,
    planned,
    unit_residuals,
    verdict,
)

WEIGHTS = {"news/en": 0.25, "books/en": 0.25, "新闻": 0.5}


def scores(seed: int, seeds: int, *, shift: float = 0.0, units: int = 9, noise: float = 0.01) -> ArmScores:
    random = np.random.default_rng(seed)
    sizes = np.random.default_rng(99).integers(200, 9000, units).astype(float)
    return {
        domain: DomainScores(
            np.exp(0.9 + shift + random.normal(0, noise, (seeds, 1)) + random.normal(0, 0.1, (seeds, units))),
            sizes,
        )
        for domain in WEIGHTS
    }


def test_the_formulas_in_plain_python() -> None:
    arm, baseline = scores(1, 3, shift=-0.02), scores(2, 6)
    y = []
    for one in (arm, baseline):
        seeds = len(one["新闻"].bits)
        y.append([])
        for s in range(seeds):
            total = 0.0
            for domain, weight in WEIGHTS.items():
                bits, sizes = one[domain].bits[s].tolist(), one[domain].sizes.tolist()
                total += weight * math.log(sum(b * n for b, n in zip(bits, sizes, strict=True)) / sum(sizes))
            y[-1].append(total)
    parts = [(variance(y[0]) / 3, 2), (variance(y[1]) / 6, 5)]
    for domain, weight in WEIGHTS.items():
        sizes = arm[domain].sizes.tolist()
        means = [
            [mean(one[domain].bits[:, g].tolist()) for g in range(len(sizes))] for one in (arm, baseline)
        ]
        whole = [sum(b * n for b, n in zip(bits, sizes, strict=True)) / sum(sizes) for bits in means]
        residuals = [
            n / mean(sizes) * ((means[0][g] - whole[0]) / whole[0] - (means[1][g] - whole[1]) / whole[1])
            for g, n in enumerate(sizes)
        ]
        assert unit_residuals(arm[domain], baseline[domain]).tolist() == pytest.approx(residuals)
        parts.append((weight**2 * variance(residuals) / len(sizes), len(sizes) - 1))
    v = sum(part for part, _ in parts)
    df = v**2 / sum(part**2 / n for part, n in parts)
    delta = mean(y[0]) - mean(y[1])

    found = effect(arm, baseline, WEIGHTS)
    assert arm_score(arm, WEIGHTS).tolist() == pytest.approx(y[0])
    assert (found.delta, found.variance, found.df) == pytest.approx((delta, v, df))
    for m in (1, 2, 4):
        half = student.ppf(1 - 0.025 / m, df) * math.sqrt(v)
        assert found.interval(candidates=m) == pytest.approx((delta - half, delta + half))
        visible = (student.ppf(1 - 0.025 / m, df) + student.ppf(0.8, df)) * math.sqrt(v)
        assert found.smallest_visible(m) == pytest.approx(visible)
    half = student.ppf(0.95, df) * math.sqrt(v)
    assert found.interval(0.90) == pytest.approx((delta - half, delta + half))
    assert found.p == pytest.approx(2 * (1 - student.cdf(abs(delta) / math.sqrt(v), df)))
    assert found.probability_better == pytest.approx(student.cdf(-delta / math.sqrt(v), df))


def test_a_unit_of_many_documents_counts_once() -> None:
    """What is resampled is the unit: splitting one unit's bytes over documents changes nothing by definition."""
    arm, baseline = scores(1, 3, units=5), scores(2, 3, units=5)
    with_units = effect(arm, baseline, WEIGHTS)
    few = [{k: DomainScores(d.bits[:, :4], d.sizes[:4]) for k, d in one.items()} for one in (arm, baseline)]
    assert len(with_units.parts) == 5
    assert len(effect(few[0], few[1], WEIGHTS).parts) == 2  # fewer than 5 units: no evaluation term


def test_the_same_runs_twice_do_not_differ() -> None:
    arm = scores(1, 3)
    found = effect(arm, arm, WEIGHTS)
    assert found.delta == 0
    assert verdict(found, margin=0.01)[0] in ("no material difference", "cannot tell")
    nothing = {d: DomainScores(np.full((3, 6), 2.0), np.full(6, 10.0)) for d in WEIGHTS}
    still = effect(nothing, nothing, WEIGHTS)
    assert (still.p, still.probability_better, still.interval()) == (1.0, 0.5, (0.0, 0.0))


def test_one_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="two seeds"):
        effect(scores(1, 1), scores(2, 3), WEIGHTS)


def of(delta: float, error: float, df: float = 20.0) -> Effect:
    return Effect(delta, error**2, df, ((error**2 / 2, 2.0), (error**2 / 2, 5.0)), (3, 6))


@pytest.mark.parametrize(
    ("found", "word", "negligible"),
    [
        (of(-0.03, 0.005), "helps", False),
        (of(0.03, 0.005), "hurts", False),
        (of(-0.004, 0.001), "helps", True),
        (of(0.004, 0.001), "hurts", True),
        (of(0.001, 0.002), "no material difference", False),
        (of(-0.005, 0.01), "cannot tell", False),
    ],
)
def test_the_words(found: Effect, word: str, negligible: bool) -> None:
    assert verdict(found, margin=0.01) == (word, negligible)
    assert verdict(found, margin=0.01, best_score=math.log(8.01)) == ("not measurable", False)


def test_more_candidates_need_more() -> None:
    found = of(-0.0215, 0.01)
    assert verdict(found, margin=0.01)[0] == "helps"
    assert verdict(found, margin=0.01, candidates=2)[0] == "cannot tell"


def test_the_seeds_that_would_decide() -> None:
    found = of(-0.01, 0.01)
    needed = found.seeds_needed(0.01)
    assert needed is not None and needed > 6
    larger = found.seeds_needed(0.03)
    assert larger is not None and larger < needed
    with_units = Effect(-0.01, 0.0002, 9.0, (*found.parts, (0.0001, 11.0)), (3, 6))
    assert with_units.seeds_needed(0.01) is None  # only more held-out units would tell


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []
    assert percent(math.log(0.97)) == pytest.approx(-3.0)


@pytest.fixture(scope="module")
def simulation() -> ModuleType:
    return benchmark("intervals")


def benchmark(name: str) -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "benchmarks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seed_sd", [(0.003, 0.003), (0.02, 0.02), (0.006, 0.018)])
@pytest.mark.parametrize("units", [12, 60])
def test_95_percent_intervals_hold_the_truth_at_3_against_6_seeds(
    simulation: ModuleType, seed_sd: tuple[float, float], units: int
) -> None:
    rates = [
        simulation.coverage(
            300, seed, seeds=(3, 6), seed_sd=seed_sd, unit_sd=unit_sd, units=units, delta=-0.01
        )["covered"]
        for seed, unit_sd in enumerate((0.01, 0.02, 0.03))
    ]
    assert 0.925 < mean(rates) < 0.985  # 900 repeats: ± .015


def test_no_material_difference_is_seldom_wrong(simulation: ModuleType) -> None:
    """A true difference of exactly the margin is called immaterial in at most 5%."""
    rates = simulation.coverage(
        600, seeds=(5, 5), seed_sd=(0.003, 0.003), unit_sd=0.005, units=60, delta=math.log1p(0.01)
    )
    assert rates["immaterial"] <= 0.07  # 600 repeats: ± .02


def test_a_race_is_seldom_wrong_and_finds_what_is_large() -> None:
    """Looks at 3, 5 and 8 seeds together; the formulas over arrays are the package's (`checked`)."""
    verdicts = benchmark("verdicts")
    random, noise = np.random.default_rng(4), verdicts.Noise(None)
    setting = {"seed_sd": (0.01, 0.01), "unit_sd": 0.01, "units": 30, "size_sd": 0.8}
    verdicts.Draws(random, noise, 20, seeds=(3, 6), delta=0.01, **setting).checked(3, 6)
    null = verdicts.racing(random, noise, 1500, 0.0, **setting)
    assert null["resolved"] <= 0.065 and null["seeds"] > 7.5  # 1,500 repeats: ± .012
    large = verdicts.racing(random, noise, 500, 0.04, **setting)
    assert large["resolved"] > 0.95 and large["seeds"] < 5


def test_a_race_allows_for_the_noise_of_one_arm() -> None:
    """Degrees of freedom are the fewer's at most by the seeds, whichever arm has the noise; the rest stays."""
    found = effect(scores(1, 3), scores(2, 8), WEIGHTS)
    careful = found.cautious
    assert (careful.delta, careful.variance, careful.parts) == (found.delta, found.variance, found.parts)
    assert careful.df < found.df and careful.p > found.p
    seeds_alone = combined(0.01, ((4e-5, 2.0), (1e-9, 7.0)), (3, 8))
    assert seeds_alone.cautious.df == pytest.approx(2.0)
    noisy, quiet = ((1e-4, 2.0), (1e-6, 2.0), (1e-8, 11.0)), ((1e-6, 2.0), (1e-4, 2.0), (1e-8, 11.0))
    assert combined(0.01, noisy, (3, 3)).cautious.p == pytest.approx(combined(0.01, quiet, (3, 3)).cautious.p)


def test_what_a_plan_expects_is_what_the_formulas_give() -> None:
    """Variances that a comparison found, put into a plan of the same seeds, give its smallest visible difference."""
    arm, baseline = scores(1, 3), scores(2, 6)
    found = effect(arm, baseline, WEIGHTS)
    seed = np.mean([found.parts[0][0] * 3, found.parts[1][0] * 6])
    units = [(1.0, sum(part for part, _ in found.parts[2:]) * 24, 24)]
    assert planned((3, 6), seed, units).smallest_visible() == pytest.approx(found.smallest_visible(), rel=0.5)
    more = planned((10, 10), seed, units).planned_difference()
    assert more < planned((3, 6), seed, units).planned_difference()
    assert planned((3, 6), seed, [(1.0, 9.9, 4)]).variance == pytest.approx(
        seed / 3 + seed / 6
    )  # too few units


def test_two_rates_differ_where_their_effects_do() -> None:
    found = interaction(of(-0.03, 0.003), of(0.03, 0.004))
    assert found.delta == pytest.approx(-0.06) and found.error == pytest.approx(0.005)
    assert found.p < 0.001 and interaction(of(-0.01, 0.01), of(0.01, 0.01)).p > 0.05


@pytest.mark.parametrize(("seeds", "apart"), [((3, 3), 1.0), ((3, 6), 3.0), ((5, 5), 1 / 3)])
def test_the_planned_difference_is_found_four_times_of_five(seeds: tuple[int, int], apart: float) -> None:
    """Two arms of normal scores, the SD of one `apart` times the other's, judged as a comparison judges them."""
    random, repeats, sd = np.random.default_rng(3), 4000, (0.01 * apart, 0.01)
    parts = tuple((one**2 / n, n - 1.0) for one, n in zip(sd, seeds, strict=True))
    one, other = (random.normal(0, s, (repeats, n)) for s, n in zip(sd, seeds, strict=True))
    estimated = [(arm.var(1, ddof=1) / arm.shape[1], arm.shape[1] - 1) for arm in (one, other)]
    variance = sum(part for part, _ in estimated)
    df = variance**2 / sum(part**2 / n for part, n in estimated)
    half = student.ppf(0.975, df) * np.sqrt(variance)
    known = Effect(0.0, sum(p for p, _ in parts), 1.0, parts, seeds)
    difference = known.planned_difference()
    found = np.mean(np.abs(one.mean(1) - other.mean(1) + difference) > half)
    assert found == pytest.approx(0.8, abs=0.03) == pytest.approx(power(parts, difference), abs=0.03)
    assert known.planned_difference(3) > difference and detectable([(0.0, 2.0)]) == 0.0
    assert power(parts, 0.0) == pytest.approx(0.05, abs=0.03)
