"""`aa`: one pool of runs of one recipe, split every way into 3 against 3. About 5% should be significant.

Splits share runs, so they are not independent: the share's interval is a jackknife's over runs. Beside the share by the
whole formula stands the one by seeds alone, without what PROTOCOL.md adds for other text than was held out: a recipe
against itself differs by seeds only, so that the second is the test of the seeds' part.
"""

import math
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student

from headwater.compare.record import scores_of
from headwater.compare.statistics import MIN_UNITS, ArmScores, arm_score
from headwater.compare.studies.study import Study
from headwater.compare.studies.texts import novels, write_pieces, write_recipe
from headwater.errors import HeadwaterError

GROUP = 3
ALPHA = 0.05


def write(data: Path, folder: Path) -> Sequence[Path]:
    write_pieces(folder / "novels.jsonl", novels(data, 30_000))
    rest = "holdout: {share: 0.5, salt: headwater-1}\nevaluate: {bytes_per_unit: 8kB}\n"
    return [write_recipe(folder / "novels.yaml", "novels", ["novels"], leave_out=[], rest=rest)]


def judge(record: dict[str, Any]) -> dict[str, Any]:
    [arm] = record["arms"]
    scores, runs = scores_of(record, arm["name"]), len(arm["runs"])
    if runs < 2 * GROUP:
        raise HeadwaterError(
            f"A/A is {GROUP} runs against {GROUP}: {2 * GROUP} runs at least, not {runs}; raise --seeds"
        )
    groups, splits = split_every_way(runs)
    by_both, by_seeds = p_of_splits(scores, record["weights"], groups, splits)
    whole = _share(by_both < ALPHA, groups, splits)
    seeds = _share(by_seeds < ALPHA, groups, splits)
    told = f"{int((by_both < ALPHA).sum()):,} of {len(splits):,} splits of {runs} runs, 3 against 3"
    share, by_seed = (f"{row[0]:.1f}% [{row[1]:.1f}, {row[2]:.1f}]" for row in (whole, seeds))
    return {
        "as_expected": whole[1] <= 100 * ALPHA <= whole[2],
        "rows": [
            _row("splits that are significant", "显著的分法", whole),
            _row("by the seeds' part alone", "只按种子部分", seeds),
        ],
        "sentence": {
            "en": f"A/A: {share} significant at 5% ({told}); {by_seed} by the seeds' part alone.",
            "zh": f"A/A：在 5% 水平上显著的有 {share}（{runs} 次训练，3 对 3，{len(splits):,} 种分法中的 "
            f"{int((by_both < ALPHA).sum()):,} 种）；只按种子部分为 {by_seed}。",
        },
    }


def split_every_way(runs: int) -> tuple[np.ndarray, np.ndarray]:
    """All groups of three runs, (groups, 3), and all pairs of groups that share no run, (splits, 2)."""
    groups = np.array(list(combinations(range(runs), GROUP)))
    inside = np.zeros((len(groups), runs), bool)
    np.put_along_axis(inside, groups, True, axis=1)
    apart = (inside.astype(np.float32) @ inside.T.astype(np.float32)) == 0
    return groups, np.argwhere(np.triu(apart))


def p_of_splits(
    scores: ArmScores, weights: dict[str, float], groups: np.ndarray, splits: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """`statistics.effect(...).p` of every split at once, with the units' part and without it, (splits,) each."""
    y = arm_score(scores, weights)[groups]
    one, other = splits.T
    delta = y.mean(1)[one] - y.mean(1)[other]
    of_seeds = y.var(1, ddof=1) / GROUP
    variance = of_seeds[one] + of_seeds[other]
    below = (of_seeds[one] ** 2 + of_seeds[other] ** 2) / (GROUP - 1)
    by_seeds = _p(delta, variance, below)
    for domain, weight in weights.items():
        bits, sizes = scores[domain].bits[groups].mean(1), scores[domain].sizes
        units = len(sizes)
        if units < MIN_UNITS:
            continue
        domain_bits = (bits @ sizes / sizes.sum())[:, None]
        residuals = sizes / sizes.mean() * (bits - domain_bits) / domain_bits
        # the variance over units of a difference, from the groups' variances and their covariance
        centred = residuals - residuals.mean(1, keepdims=True)
        cross = (centred @ centred.T / (units - 1)).astype(float)
        own = np.diag(cross)
        part = weight**2 * (own[one] + own[other] - 2 * cross[one, other]) / units
        variance, below = variance + part, below + part**2 / (units - 1)
    return _p(delta, variance, below), by_seeds


def _p(delta: np.ndarray, variance: np.ndarray, below: np.ndarray) -> np.ndarray:
    found: np.ndarray = 2 * student.sf(np.abs(delta) / np.sqrt(variance), variance**2 / below)
    return found


def _share(significant: np.ndarray, groups: np.ndarray, splits: np.ndarray) -> tuple[float, float, float]:
    """In percent of the splits, with the ends of its interval: a jackknife that leaves out one run at a time."""
    runs = int(groups.max()) + 1
    share = float(significant.mean())
    if runs == 2 * GROUP:  # without a run there is no split
        return 100 * share, 0.0, 100.0
    taken = np.zeros((2, runs))  # splits that have the run, and those of them that are significant
    for side in splits.T:
        for place, chosen in enumerate((slice(None), significant)):
            found = np.bincount(side[chosen], minlength=len(groups))
            np.add.at(taken[place], groups, found[:, None])
    without = (significant.sum() - taken[1]) / (len(splits) - taken[0])
    error = math.sqrt((runs - 1) / runs * ((without - without.mean()) ** 2).sum())
    half = float(student.ppf(0.975, runs - 1)) * error
    return 100 * share, 100 * max(0.0, share - half), 100 * min(1.0, share + half)


def _row(english: str, chinese: str, share: tuple[float, float, float]) -> dict[str, Any]:
    return {"name": {"en": english, "zh": chinese}, "percent": share[0], "interval": list(share[1:])}


STUDY = Study(
    name="aa",
    question=("How often does one recipe differ from itself?", "一份配方与它自己相比，多常会“有差别”？"),
    expected=("about 5% of the splits are significant", "约 5% 的分法显著"),
    confirmatory=True,
    arms=1,
    seeds=24,
    tokens=120_000,
    write=write,
    judge=judge,
    lesson=(
        "The verdict's formula is careful: to what seeds do it adds what other texts of the same kind would do, and a "
        "recipe against itself, scored on the same texts, has only the former. The seeds' part alone is significant as "
        "often as it promises.",
        "裁决的公式偏于谨慎：它在种子带来的波动之外，还计入换一批同类文本会带来的波动；而一份配方与自己相比、在同样的文本上评分，只有前者。"
        "只按种子部分，显著的频率与其承诺相符。",
    ),
)
