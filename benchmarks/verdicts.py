"""How often verdicts are right, simulated with the residuals of recorded runs: coverage, racing, power.

    ./run bench verdicts [--repeats 2000] [--record src/headwater/compare/studies/recorded/domain.json] [--size-sd 0.4]

Seeds and units of a simulated comparison are drawn, with replacement, from what real runs left over: seed residuals
(each run's score less its arm's mean, widened by √(S/(S−1))) and unit residuals (each unit's answer to a run, less the
domain's and the run's), scaled to the SDs of a setting. They keep the shape that real noise has; `gauss` rows beside
them are the same with normal draws. The settings are PROTOCOL.md's: 3 v 3, 6 v 3 and 5 v 5 seeds, seed SD .003 to .02, arm
SDs up to 3 × apart, 12 to 60 units. The formulas are those of `compare.statistics`, written over arrays of repeats; 20
repeats of each setting are checked against it. Units differ in size by `--size-sd` (of the logarithm): 0 to .4 where a
budget shares alike what is scored of units, about .8 and more where nothing does. `covered_leverage` is what the interval would cover if each unit's
residual were divided by 1 − its share of the domain's bytes. A line of JSON a setting, then the table's extremes.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student

from headwater.compare.budgets import LOOKS
from headwater.compare.power import detectable
from headwater.compare.record import scores_of
from headwater.compare.statistics import DomainScores, arm_score, effect

RECORD = Path(__file__).parents[1] / "src/headwater/compare/studies/recorded/domain.json"
WEIGHTS = {"en": 0.5, "zh": 0.5}
MARGIN = 0.01
SEEDS = ((3, 3), (3, 6), (5, 5))
SEED_SDS = ((0.003, 0.003), (0.008, 0.008), (0.02, 0.02), (0.018, 0.006), (0.006, 0.018))
UNIT_SDS = (0.01, 0.03)
UNITS = (12, 60)
RACING = ("false_positives", "power_at_2_seed_sd", "false_positives_satterthwaite", "power_satterthwaite")


class Noise:
    """Standardised residuals to draw from: of seeds, of units (with their sizes), or normal ones."""

    def __init__(self, record: dict[str, Any] | None) -> None:
        self.seeds = self.units = None
        if record is not None:
            arms = [scores_of(record, arm["name"]) for arm in record["arms"]]
            weights = record["weights"]
            ys = [arm_score(arm, weights) for arm in arms]
            self.seeds = _standard(
                np.concatenate([(y - y.mean()) * np.sqrt(len(y) / (len(y) - 1)) for y in ys])
            )
            found = []
            for arm in arms:
                for one in arm.values():
                    logs = np.log(one.bits)
                    # what a run says of a unit beyond how hard the unit is and how good the run is
                    rest = logs - logs.mean(0) - (logs - logs.mean(0)).mean(1, keepdims=True)
                    found.append((rest / rest.std()).ravel())
            self.units = _standard(np.concatenate(found))

    def of_seeds(self, random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        return random.normal(size=shape) if self.seeds is None else random.choice(self.seeds, shape)

    def of_units(self, random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        return random.normal(size=shape) if self.units is None else random.choice(self.units, shape)


def _standard(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / values.std()


class Draws:
    """Repeats of one comparison at the largest number of seeds: ln bits of each unit under each run."""

    def __init__(self, random: np.random.Generator, noise: Noise, repeats: int, seeds: tuple[int, int],
                 seed_sd: tuple[float, float], unit_sd: float, units: int, delta: float, size_sd: float) -> None:  # fmt: skip
        self.bits: list[list[np.ndarray]] = [[], []]  # by arm, by domain: (repeats, seeds, units)
        self.sizes = []
        offsets = [sd * noise.of_seeds(random, (repeats, n)) for sd, n in zip(seed_sd, seeds, strict=True)]
        for level in (2.4, 3.1):
            self.sizes.append(np.exp(random.normal(9, size_sd, (repeats, units))))
            hard = random.normal(0, 0.2, (repeats, units))
            differ = unit_sd * noise.of_units(random, (repeats, units))
            for arm, sign in enumerate((0.5, -0.5)):
                small = 0.01 * random.normal(size=(repeats, seeds[arm], units))
                logs = np.log(level) + (hard + sign * (differ + delta))[:, None, :] + offsets[arm][:, :, None]
                self.bits[arm].append(np.exp(logs + small))

    def effects(self, candidate: int, baseline: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """δ, V and ν of every repeat, on the first so many seeds; as in compare/statistics.py."""
        delta, parts = self.parts(candidate, baseline)
        return (delta, *_together(parts))

    def known(self, candidate: int, baseline: int) -> list[tuple[float, float]]:
        """What V is made of, [V_c, ν_c], as it is, not as one comparison estimates it."""
        return [(float(part.mean()), float(n)) for part, n in self.parts(candidate, baseline)[1]]

    def parts(
        self, candidate: int, baseline: int, leverage: bool = False
    ) -> tuple[np.ndarray, list[tuple[Any, int]]]:
        """δ of every repeat, and what V is made of: [V_c of every repeat, ν_c]."""
        ys: list[Any] = [0.0, 0.0]
        parts = []
        for weight, sizes, *both in zip(WEIGHTS.values(), self.sizes, *self.bits, strict=True):
            relative = []
            for arm, (bits, seeds) in enumerate(zip(both, (candidate, baseline), strict=True)):
                whole = np.einsum("rsu,ru->rs", bits[:, :seeds], sizes) / sizes.sum(1, keepdims=True)
                ys[arm] = ys[arm] + weight * np.log(whole)
                mean = bits[:, :seeds].mean(1)
                level = (mean * sizes).sum(1, keepdims=True) / sizes.sum(1, keepdims=True)
                relative.append((mean - level) / level)
            r = sizes / sizes.mean(1, keepdims=True) * (relative[0] - relative[1])
            if leverage:  # a unit that is much of its domain pulls the domain's mean towards itself
                r = r / (1 - sizes / sizes.sum(1, keepdims=True))
            parts.append((weight**2 * r.var(1, ddof=1) / r.shape[1], r.shape[1] - 1))
        parts += [(y.var(1, ddof=1) / y.shape[1], y.shape[1] - 1) for y in ys]
        return ys[0].mean(1) - ys[1].mean(1), parts

    def checked(self, candidate: int, baseline: int, repeats: int = 20) -> None:
        """Against the package's own inference."""
        delta, variance, df = self.effects(candidate, baseline)
        for place in range(min(repeats, len(delta))):
            arms = [
                {k: DomainScores(bits[place, :n], sizes[place])
                 for k, bits, sizes in zip(WEIGHTS, self.bits[arm], self.sizes, strict=True)}
                for arm, n in ((0, candidate), (1, baseline))
            ]  # fmt: skip
            found = effect(arms[0], arms[1], WEIGHTS)
            assert np.allclose(
                (found.delta, found.variance, found.df), (delta[place], variance[place], df[place])
            )


def _together(parts: list[tuple[Any, int]]) -> tuple[Any, Any]:
    variance = sum(part for part, _ in parts)
    return variance, variance**2 / sum(part**2 / n for part, n in parts)


def fixed(random: np.random.Generator, noise: Noise, repeats: int, **setting: Any) -> dict[str, float]:
    """Of comparisons with a fixed number of seeds: coverage, false positives, power where it is planned at 80%,
    and how often a difference of exactly the margin is called immaterial."""
    seeds = setting["seeds"]
    null = Draws(random, noise, repeats, delta=0.0, **setting)
    null.checked(*seeds)
    delta, variance, df = null.effects(*seeds)
    reach = student.ppf(0.975, df)
    wrong = np.mean(np.abs(delta) > reach * np.sqrt(variance))
    planted = detectable(null.known(*seeds))  # where a plan that knows the variances says 80%
    hurt = Draws(random, noise, repeats, delta=-planted, **setting)
    found, spread, dfs = hurt.effects(*seeds)
    half = student.ppf(0.975, dfs) * np.sqrt(spread)
    wider, ns = _together(hurt.parts(*seeds, leverage=True)[1])
    edge = Draws(random, noise, repeats, delta=float(np.log1p(MARGIN)), **setting)
    d, v, n = edge.effects(*seeds)
    inner = student.ppf(0.95, n) * np.sqrt(v)
    immaterial = (np.expm1(d - inner) > -MARGIN) & (np.expm1(d + inner) < MARGIN)
    return {
        "covered": float(np.mean(np.abs(found + planted) <= half)),
        "covered_leverage": float(
            np.mean(np.abs(found + planted) <= student.ppf(0.975, ns) * np.sqrt(wider))
        ),
        "false_positives": float(wrong),
        "planted": planted,
        "power": float(np.mean(np.abs(found) > half)),
        "wrongly_immaterial": float(np.mean(immaterial)),
    }


def racing(
    random: np.random.Generator, noise: Noise, repeats: int, delta: float, **setting: Any
) -> dict[str, float]:
    """A race of one candidate: how often it is resolved, after how many seeds, by `Effect.cautious`: the seeds of both
    arms are one part of V with S − 1 degrees of freedom. `satterthwaite`: the same with the ν of a verdict."""
    draws = Draws(random, noise, repeats, seeds=(8, 8), delta=delta, **setting)
    decided = {"resolved": np.zeros(repeats, bool), "satterthwaite": np.zeros(repeats, bool)}
    used = np.full(repeats, float(LOOKS[-1][0]))
    for seeds, alpha in LOOKS:
        found, parts = draws.parts(seeds, seeds)
        *units, (one, _), (other, _) = parts
        for how, made in (("satterthwaite", parts), ("resolved", [*units, (one + other, seeds - 1)])):
            variance, df = _together(made)
            p = 2 * student.sf(np.abs(found) / np.sqrt(variance), df)
            if how == "resolved":
                used[~decided[how] & (p < alpha)] = seeds
            decided[how] |= p < alpha
    return {name: float(some.mean()) for name, some in decided.items()} | {"seeds": float(used.mean())}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=2000)
    parser.add_argument("--record", type=Path, default=RECORD)
    parser.add_argument("--noise", choices=["recorded", "gauss"], nargs="*", default=["recorded", "gauss"])
    parser.add_argument("--size-sd", type=float, default=0.4)
    options = parser.parse_args()
    record = json.loads(options.record.read_text("utf-8"))["record"]
    kinds = {kind: Noise(record if kind == "recorded" else None) for kind in options.noise}
    random = np.random.default_rng(0)
    rows = []
    for kind, noise in kinds.items():
        for seed_sd in SEED_SDS:
            for unit_sd in UNIT_SDS:
                for units in UNITS:
                    rest = {
                        "seed_sd": seed_sd,
                        "unit_sd": unit_sd,
                        "units": units,
                        "size_sd": options.size_sd,
                    }
                    for seeds in SEEDS:
                        row = {"noise": kind, "seeds": seeds, **rest}
                        row |= fixed(random, noise, options.repeats, seeds=seeds, **rest)
                        rows.append(row)
                        print(json.dumps(row), flush=True)
                    null = racing(random, noise, options.repeats, 0.0, **rest)
                    effect_of_two = racing(random, noise, options.repeats, 2 * max(seed_sd), **rest)
                    row = {"noise": kind, "racing": True, **rest, "false_positives": null["resolved"],
                           "power_at_2_seed_sd": effect_of_two["resolved"], "seeds_used": effect_of_two["seeds"],
                           "false_positives_satterthwaite": null["satterthwaite"],
                           "power_satterthwaite": effect_of_two["satterthwaite"]}  # fmt: skip
                    rows.append(row)
                    print(json.dumps(row), flush=True)
    for kind in kinds:
        print(json.dumps(summary(kind, [row for row in rows if row["noise"] == kind])), flush=True)


def summary(kind: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The extremes of all settings: [lowest, mean, highest]; beside them by seeds, and by how far the arms' SDs are apart."""
    verdicts = [row for row in rows if "covered" in row]
    races = [row for row in rows if "racing" in row]
    by_apart = {"equal SDs": False, "3 x apart": True}

    def apart(some: list[dict[str, Any]], wanted: bool) -> list[dict[str, Any]]:
        return [row for row in some if (row["seed_sd"][0] != row["seed_sd"][1]) == wanted]

    return {
        "noise": kind,
        "covered": _extremes(verdicts, "covered"),
        "covered_by": {
            name: _extremes(apart(verdicts, wanted), "covered") for name, wanted in by_apart.items()
        },
        "below .94, above .97": [
            sum(row["covered"] < 0.94 for row in verdicts),
            sum(row["covered"] > 0.97 for row in verdicts),
        ],
        "covered_leverage": _extremes(verdicts, "covered_leverage"),
        "power": _extremes(verdicts, "power"),
        "power_by_seeds": {
            f"{seeds[0]} v {seeds[1]}": _extremes(
                [r for r in verdicts if tuple(r["seeds"]) == seeds], "power"
            )
            for seeds in SEEDS
        },
        "wrongly_immaterial": _extremes(verdicts, "wrongly_immaterial"),
        "racing": {
            name: {what: _extremes(apart(races, wanted), what) for what in RACING}
            for name, wanted in by_apart.items()
        },
    }


def _extremes(rows: list[dict[str, Any]], what: str) -> list[float]:
    found = [row[what] for row in rows]
    return [round(value, 4) for value in (min(found), sum(found) / len(found), max(found))]


if __name__ == "__main__":
    main()
