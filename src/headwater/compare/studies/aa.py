"""`aa`: one pool of runs of one recipe, split every way into 3 against 3. About 5% should be significant.

Splits share runs, so they are not independent: the share's interval is a jackknife's over runs. More than MOST splits
are sampled with a fixed seed.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student

from headwater.compare.record import scores_of
from headwater.compare.statistics import effect
from headwater.compare.studies.study import Study
from headwater.compare.studies.texts import novels, write_pieces, write_recipe
from headwater.errors import HeadwaterError

GROUP = 3
MOST = 4000
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
    splits = list(_splits(runs))
    significant = np.zeros(len(splits), bool)
    for place, (one, other) in enumerate(splits):
        halves = [{k: d.only(group) for k, d in scores.items()} for group in (one, other)]
        significant[place] = effect(halves[0], halves[1], record["weights"]).p < ALPHA
    share = float(significant.mean())
    without = np.array(
        [
            significant[[run not in one and run not in other for one, other in splits]].mean()
            if runs > 2 * GROUP
            else share
            for run in range(runs)
        ]
    )
    error = math.sqrt((runs - 1) / runs * ((without - without.mean()) ** 2).sum())
    half = float(student.ppf(0.975, runs - 1)) * error
    low, high = max(0.0, share - half), min(1.0, share + half)
    rows = [
        {
            "name": {"en": "splits that are significant", "zh": "显著的分法"},
            "percent": 100 * share,
            "interval": [100 * low, 100 * high],
        }
    ]
    told = f"{int(significant.sum())} of {len(splits)} splits of {runs} runs, 3 against 3"
    clustered = f"[{100 * low:.1f}, {100 * high:.1f}]"
    return {
        "as_expected": low <= ALPHA,
        "rows": rows,
        "sentence": {
            "en": f"A/A: {100 * share:.1f}% {clustered} significant at 5% ({told}).",
            "zh": f"A/A：在 5% 水平上显著的有 {100 * share:.1f}% {clustered}（{runs} 次训练，3 对 3，"
            f"{len(splits)} 种分法中的 {int(significant.sum())} 种）。",
        },
    }


def _splits(runs: int) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Every two disjoint groups of runs, or MOST of them."""
    total = math.comb(runs, GROUP) * math.comb(runs - GROUP, GROUP) // 2
    if total <= MOST:
        for one in combinations(range(runs), GROUP):
            rest = [run for run in range(one[0] + 1, runs) if run not in one]
            yield from ((one, other) for other in combinations(rest, GROUP))
        return
    random = np.random.default_rng(0)
    for _ in range(MOST):
        chosen = random.permutation(runs)[: 2 * GROUP].tolist()
        yield tuple(chosen[:GROUP]), tuple(chosen[GROUP:])


STUDY = Study(
    name="aa",
    question=("How often does one recipe differ from itself?", "一份配方与它自己相比，多常会“有差别”？"),
    expected=("about 5% of the splits are significant", "约 5% 的分法显著"),
    confirmatory=True,
    arms=1,
    seeds=24,
    tokens=40_000,
    write=write,
    judge=judge,
)
