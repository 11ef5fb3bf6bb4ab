"""How often a comparison's 95% interval holds the true effect: simulated with variances as real runs have them.

    ./run bench intervals [REPEATS]     # 2,000 a setting by default

Each repeat draws two arms: seeds with noise of their own, units of unequal sizes that answer differently to the
two arms (the evaluation noise), two domains of different weight. One line of JSON a setting.
"""

import itertools
import json
import math
import sys

import numpy as np

from headwater.compare.statistics import DomainScores, Effect, effect, verdict

WEIGHTS = {"en": 0.5, "zh": 0.5}
MARGIN = 0.01


def simulate(
    random: np.random.Generator,
    *,
    seeds: tuple[int, int],
    seed_sd: tuple[float, float],
    unit_sd: float,
    units: int,
    delta: float,
    shared_sd: float = 0.2,
) -> Effect:
    """One comparison: candidate and baseline with these numbers of seeds and these SDs, true effect `delta`.

    `unit_sd`: of the difference that a unit makes between the arms; `shared_sd`: of how hard a unit is for both.
    """
    arms: list[dict[str, DomainScores]] = [{}, {}]
    noise = [random.normal(0, sd, n) for sd, n in zip(seed_sd, seeds, strict=True)]
    for domain, level in zip(WEIGHTS, (2.4, 3.1), strict=True):
        sizes = np.exp(random.normal(9, 0.8, units)).round()
        hard = random.normal(0, shared_sd, units)
        differ = random.normal(0, unit_sd, units)
        for arm, (scores, sign) in enumerate(zip(arms, (0.5, -0.5), strict=True)):
            logs = math.log(level) + hard + sign * (differ + delta)
            bits = np.exp(logs + noise[arm][:, None] + random.normal(0, 0.01, (seeds[arm], units)))
            scores[domain] = DomainScores(bits, sizes)
    return effect(arms[0], arms[1], WEIGHTS)


def coverage(repeats: int, seed: int = 0, **setting: object) -> dict[str, float]:
    """Shares over repeats: intervals that hold the truth, effects resolved, null wrongly called immaterial."""
    random = np.random.default_rng(seed)
    delta = float(setting["delta"])  # type: ignore[arg-type]
    covered = resolved = immaterial = 0
    for _ in range(repeats):
        found = simulate(random, **setting)  # type: ignore[arg-type]
        low, high = found.interval()
        covered += low <= delta <= high
        word, _ = verdict(found, margin=MARGIN)
        resolved += word in ("helps", "hurts")
        immaterial += word == "no material difference"
    return {"covered": covered / repeats, "resolved": resolved / repeats, "immaterial": immaterial / repeats}


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    settings = itertools.product(
        [(3, 3), (3, 6), (5, 5)], [(0.003, 0.003), (0.02, 0.02), (0.006, 0.018)], [0.01, 0.03], [12, 60]
    )
    for seeds, seed_sd, unit_sd, units in settings:
        setting = {"seeds": seeds, "seed_sd": seed_sd, "unit_sd": unit_sd, "units": units, "delta": -0.02}
        null = coverage(repeats, **{**setting, "delta": 0.0})
        line = setting | coverage(repeats, **setting) | {"false_positives": null["resolved"]}
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
