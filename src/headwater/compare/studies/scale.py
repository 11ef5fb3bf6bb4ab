"""`scale`: five widths at three amounts of compute. Does the width that is best grow with compute?

Three layers, .06M to 1.2M parameters without embeddings; a training's tokens are what its FLOPs pay for (its own logits
and attention counted), and its batch is such that every training takes about as many steps. At each amount of compute a
quadratic in ln N is fitted to ln(bits per byte) of all runs (Hoffmann 2022, its second approach). Its vertex is the
optimum, with Fieller's interval: the points where a slope of zero is not excluded. An optimum whose interval leaves the
widths that were tried is none: *cannot tell*.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student

from headwater.compare.record import DIGITS, scores_of
from headwater.compare.statistics import Effect, arm_score, combined
from headwater.compare.studies.pairs import pair, strata
from headwater.compare.studies.study import Study
from headwater.compare.studies.texts import novels, write_pieces, write_recipe

WIDTHS = {40: 1, 64: 2, 96: 3, 128: 4, 184: 4}  # heads
COMPUTE = (1.5e12, 3e12, 6e12)  # FLOPs of a training
VOCABULARY = 512
STEPS = 300
TOKENS = 10_700_000  # about those of the longest training: the narrowest model with the most compute


def write(data: Path, folder: Path) -> Sequence[Path]:
    write_pieces(folder / "novels.jsonl", novels(data, 900_000))
    rest = (
        "holdout: {share: 0.3, salt: headwater-1}\nevaluate: {bytes_per_unit: 8kB}\n"
        f"tokenizer: {{vocabulary: {VOCABULARY}}}\n"
    )
    return [write_recipe(folder / "novels.yaml", "novels", ["novels"], leave_out=[], rest=rest)]


def measure(study: Study, data: Path, folder: Path, workers: int) -> dict[str, Any]:
    """Trains and scores every width at every amount of compute. Fewer tokens than the study's are less compute."""
    from headwater.engine.stages import run_jobs
    from headwater.evaluate.summary import by_domain
    from headwater.pipeline.heldout import held_out
    from headwater.pipeline.run import run_until
    from headwater.pipeline.train import score, training_job

    [path] = write(data, folder)
    made = run_until("curate", path, workers=workers)
    assert made.training_set is not None and made.measured is not None
    share = study.tokens / TOKENS
    place, arms, jobs = made.workspace, [], []
    for flop in COMPUTE:
        for width in WIDTHS:
            recipe, about = _trained(made.recipe, flop * share, width)
            arms.append({"name": f"{flop * share:g} FLOP, width {width}", "flop": flop * share, **about})
            jobs += [training_job(recipe, place, made.training_set, seed=seed) for seed in range(study.seeds)]
    with place.lease():
        heldout = held_out(made.recipe, place, made.ingested, made.measured)
        run_jobs(place, jobs, slots=max(1, workers), title="train")
        entries = score(place, [job.folder for job in jobs], heldout, workers=workers, title="score")
    scored = [by_domain(entry.here()) for entry in entries]
    for number, arm in enumerate(arms):
        own = scored[number * study.seeds : (number + 1) * study.seeds]
        arm["runs"] = [
            {"seed": seed, "bits": {d: np.round(t.unit_bits, DIGITS).tolist() for d, t in one.items()}}
            for seed, one in enumerate(own)
        ]
    sizes = {domain: [int(size) for size in totals.bytes] for domain, totals in scored[0].items()}
    return {
        "margin": 0.01, "weights": strata({"domains": sizes}, "novels"), "domains": sizes, "arms": arms,
        "model": "modern, 3 layers, five widths; of the longest training:", "vocabulary": VOCABULARY,
    }  # fmt: skip


def _trained(recipe: Any, flop: float, width: int) -> tuple[Any, dict[str, int]]:
    """The recipe of a training, and its parameters without embeddings, tokens and steps."""
    from headwater.model.flops import training_flops
    from headwater.model.presets import resolve
    from headwater.model.transformer import parameters_without_embeddings
    from headwater.recipe.training import ModelSettings

    model = ModelSettings(preset="modern-nano", width=width, heads=WIDTHS[width])
    config = resolve(model.model_dump(mode="json"), recipe.tokenizer.vocabulary)
    context = config.context
    a_token = training_flops(config, rows=1, tokens=context, predicted=context) / context
    sequences = max(1, round(flop / a_token / STEPS / context))
    steps = max(1, round(flop / a_token / (sequences * context)))
    batch = sequences * context
    train = {"tokens": steps * batch, "batch": batch, "checkpoint_every": 100 * batch, "validate_every": None}
    about = {"parameters": parameters_without_embeddings(config), "tokens": steps * batch, "steps": steps}
    changed = {"model": model, "train": recipe.train.model_copy(update=train)}
    return recipe.model_copy(update=changed), about


# ---------------------------------------------------------------- the finding


@dataclass(frozen=True)
class Optimum:
    """ln N at which a fitted quadratic is lowest; `interval` is None where it is not bounded."""

    at: float
    variance: float  # of `at`, by the delta method
    df: int
    interval: tuple[float, float] | None
    tried: tuple[float, float]

    @property
    def told(self) -> bool:
        return (
            self.interval is not None
            and self.tried[0] < self.interval[0]
            and self.interval[1] < self.tried[1]
        )


def optimum(x: np.ndarray, y: np.ndarray) -> Optimum:
    """x: ln N of every run, y: its score."""
    middle = float(x.mean())
    terms = np.stack([np.ones_like(x), x - middle, (x - middle) ** 2], axis=1)
    inverse = np.linalg.inv(terms.T @ terms)
    fitted = inverse @ terms.T @ y
    df = len(x) - 3
    covariance = float(((y - terms @ fitted) ** 2).sum()) / df * inverse
    b, c, reach = float(fitted[1]), float(fitted[2]), float(student.ppf(0.975, df)) ** 2
    at = -b / (2 * c)
    slope = covariance[1, 1] + 4 * at * covariance[1, 2] + 4 * at**2 * covariance[2, 2]
    # Fieller 1954: (b + 2cx)² = t² Var(b + 2cx), a quadratic in x
    square = 4 * (c**2 - reach * covariance[2, 2])
    linear = 4 * (b * c - reach * covariance[1, 2])
    constant = b**2 - reach * covariance[1, 1]
    interval = None
    if c > 0 and square > 0 and (under := linear**2 - 4 * square * constant) >= 0:
        low, high = ((-linear + sign * math.sqrt(under)) / (2 * square) + middle for sign in (-1, 1))
        interval = (float(low), float(high))
    tried = (float(x.min()), float(x.max()))
    return Optimum(at + middle, float(slope) / (4 * c**2), df, interval, tried)


def grown(last: Optimum, first: Optimum) -> Effect:
    """How much larger the optimum is, in ln N."""
    parts = ((last.variance, float(last.df)), (first.variance, float(first.df)))
    return combined(last.at - first.at, parts, (last.df, first.df))


def judge(record: dict[str, Any]) -> dict[str, Any]:
    scores = {
        arm["name"]: arm_score(scores_of(record, arm["name"]), record["weights"]) for arm in record["arms"]
    }
    amounts = sorted({arm["flop"] for arm in record["arms"]})
    found, rows = {}, []
    for flop in amounts:
        arms = [arm for arm in record["arms"] if arm["flop"] == flop]
        x = np.concatenate([np.full(len(arm["runs"]), math.log(arm["parameters"])) for arm in arms])
        found[flop] = optimum(x, np.concatenate([scores[arm["name"]] for arm in arms]))
        best = min((arm["name"] for arm in arms), key=lambda name: float(scores[name].mean()))
        rows += [pair(record, arm["name"], best) for arm in arms if arm["name"] != best]
    told = all(one.told for one in found.values())
    growth = grown(found[amounts[-1]], found[amounts[0]])
    low, high = (math.exp(end) for end in growth.interval())
    times = f"{math.exp(growth.delta):.1f} [{low:.1f}, {high:.1f}]"
    english = (
        f"from the least to the most compute it grows {times} times"
        if told
        else "so whether it grows: cannot tell"
    )
    chinese = f"从最少到最多的算力，它增至 {times} 倍" if told else "因此它是否增长：无法判断"
    return {
        "as_expected": told and low > 1,
        "rows": rows,
        "sentence": {
            "en": f"Best size: {'; '.join(_told(flop, one, 'en') for flop, one in found.items())}; {english}.",
            "zh": f"最佳规模：{'；'.join(_told(flop, one, 'zh') for flop, one in found.items())}；{chinese}。",
        },
    }


def _told(flop: float, one: Optimum, language: str) -> str:
    if one.told and one.interval is not None:
        size, low, high = (f"{math.exp(value) / 1e6:.2f}M" for value in (one.at, *one.interval))
        said = f"{size} [{low}, {high}]"
    else:
        said = {"en": "cannot tell", "zh": "无法判断"}[language]
    return f"{flop:g} FLOP {said}" if language == "en" else f"{flop:g} FLOP 时 {said}"


STUDY = Study(
    name="scale",
    question=("Does the best size of a model grow with compute?", "最佳的模型规模是否随算力增长？"),
    expected=("the optimum grows with compute", "最佳规模随算力增长"),
    confirmatory=True,
    arms=len(WIDTHS) * len(COMPUTE),
    seeds=2,
    tokens=TOKENS,
    write=write,
    judge=judge,
    measure=measure,
)
