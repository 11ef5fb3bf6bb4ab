"""`headwater compare --plan`: arms, seeds, time, disk, and the smallest difference that the budget could see.

How noisy a corpus is decides what can be seen on it. Earlier comparisons of the workspace say so; before the first,
there is only the range that PROTOCOL.md gives for corpora like it. Neither is ever part of a verdict.
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from headwater.compare.arms import Arm
from headwater.compare.budgets import LOOKS, Budget
from headwater.compare.history import history
from headwater.compare.statistics import percent, planned
from headwater.engine.workspace import Entry, Workspace, read_json
from headwater.recipe import Recipe
from headwater.recipe.quantities import show_count, show_size
from headwater.recipe.sources import Source

# Standard deviations, over seeds and over held-out units, of ln(bits per byte): a quiet and a noisy corpus.
QUIET, NOISY = (0.003, 0.01), (0.02, 0.03)
ASSUMED_UNITS = 24
GROWTH = 6  # bytes of a workspace for each byte of input
PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip", ".epub")
UNPACKED = 3  # bytes of text for each of a packed file


def plan_lines(
    arms: Sequence[Arm],
    budget: Budget,
    workspace: Workspace,
    *,
    workers: int,
    race: bool,
    matching: str,
    margin: float,
) -> list[str]:
    """For an 80-column terminal; nothing is run."""
    candidates = len(arms) - 1
    trainings = budget.trainings(candidates, race=race)
    slots = max(1, min(workers, trainings))  # without workers, one training at a time
    tokenizer = arms[0].recipe.tokenizer
    tokens = f"vocabulary {budget.vocabulary:,}" if tokenizer.path is None else f"tokens of {tokenizer.path}"
    lines = [f"workspace {workspace.path}"]
    for arm in arms:
        seeds = f"{budget.most_seeds(arm.role, race)} seeds"
        if race and arm.role == "candidate":
            seeds = f"{LOOKS[0][0]} to {seeds}, looks at {', '.join(str(look) for look, _ in LOOKS)}"
        lines.append(f"{arm.role:<9} {arm.name}: {seeds}")
    lines.append(
        f"budget    {budget.name}: {'at most ' * race}{trainings} trainings of {show_count(budget.tokens)} tokens, "
        f"{budget.preset}, {slots} at a time"
    )
    lines.append(f"          {tokens}; all this in the place of the recipes' own")
    if budget.rates:
        rates = " and ".join(f"{rate:g} x" for rate in budget.rates)
        lines.append(f"          {budget.rate_seeds} seeds an arm of these at {rates} the learning rate")
    if budget.placebo:
        lines.append(
            f"          {budget.seeds_candidate} more a candidate as a placebo, if arms repeat their text differently"
        )
    lines.append(f"matched   by {matching}; one model and one tokeniser, so by compute too")
    lines.append(f"margin    {100 * margin:g}%: a smaller difference is declared not to matter")
    scored = _scored_bytes(arms[0], workspace)
    lines.append(f"scored    each on {show_size(scored)} of held-out text at most")
    lines.append(
        f"time      about {_time(budget.seconds(trainings, slots, scored))} and what reading takes; what is made already "
        "is kept"
    )
    disk = trainings * budget.checkpoint_bytes + GROWTH * _input_bytes(arms[0].recipe)
    lines.append(f"disk      at most about {show_size(disk)}")
    return lines + visible_lines(budget, workspace, candidates, race=race)


def visible_lines(budget: Budget, workspace: Workspace, candidates: int, *, race: bool = False) -> list[str]:
    """The smallest difference that is seen in four of five comparisons like this one, and how that is known.

    Of a race: at its last look, which holds as many of the baseline's seeds against a candidate as that has itself.
    """
    seeds, level = (budget.seeds("candidate"), budget.seeds("baseline")), 0.95
    if race:
        most, alpha = LOOKS[-1]
        seeds, level = (most, most), 1 - alpha
    known = [one for row in history(workspace) if row["intact"] for one in _noise(workspace, row)]
    alike = [one for one in known if one["budget"] == budget.name] or known
    if alike:
        seed, unit = (median(one[key] for one in alike) for key in ("seed", "unit"))
        units = round(median(one["units"] for one in alike))
        found = planned(seeds, seed, [(1.0, unit * units, units)])
        other = "" if alike[0]["budget"] == budget.name else f", of budget {alike[0]['budget']}"
        return [
            f"visible   from about {percent(found.planned_difference(candidates, level)):.1f}%: the noise of this workspace's "
            f"earlier comparisons ({len(alike)} arm{'s' * (len(alike) != 1)}{other})"
        ]
    units, source = _held_out_units(workspace)
    bounds = []
    for seed_sd, unit_sd in (QUIET, NOISY):
        found = planned(seeds, seed_sd**2, [(1.0, unit_sd**2, units)])
        bounds.append(percent(found.planned_difference(candidates, level)))
    return [
        f"visible   from about {bounds[0]:.1f}% on a quiet corpus to {bounds[1]:.1f}% on a noisy one: the protocol's "
        f"usual variances, nothing has been compared here yet ({units} held-out unit{'s' * (units != 1)}, {source})",
    ]


def _noise(workspace: Workspace, row: dict[str, Any]) -> list[dict[str, Any]]:
    """Variances of one comparison: over the seeds of a run, and what the held-out units add to V."""
    result = read_json(workspace.path / row["path"])
    seeds = {arm["name"]: len(arm["runs"]) for arm in result["arms"]}
    units = sum(domain["units"] for domain in result["domains"] if domain["weight"] > 0)
    baseline = seeds[row["baseline"]]
    return [
        {
            "budget": row["budget"],
            "seed": (
                one["variance"]["candidate_seeds"] * seeds[one["arm"]]
                # a race holds as many of the baseline's seeds against a candidate as that has itself
                + one["variance"]["baseline_seeds"] * (seeds[one["arm"]] if result["race"] else baseline)
            )
            / 2,
            "unit": one["variance"]["units"],
            "units": units,
        }
        for one in row["candidates"]
    ]


def _held_out_units(workspace: Workspace) -> tuple[int, str]:
    """Of the workspace's held-out set, if it is made already."""
    found = [entry.result["units"] for entry in _held_out(workspace)]
    return (max(found), "as held out here") if found else (ASSUMED_UNITS, "assumed")


def _scored_bytes(arm: Arm, workspace: Workspace) -> int:
    """What a run is scored on, about: by a held-out set of the workspace, or by the sizes of the input's files."""
    asked = arm.recipe.evaluate
    whole = [sum(one["bytes"] for one in entry.result["held_out"].values()) for entry in _held_out(workspace)]
    scored = max(whole, default=0)
    if not whole:
        for source in arm.recipe.sources:
            share = 1.0 if source.role == "reference" else arm.recipe.holdout.share
            scored += round(share * sum(_text_bytes(file) for file in _files(arm.recipe, source)))
    if asked.bytes_per_unit is not None:
        scored = min(scored, asked.bytes_per_unit * _held_out_units(workspace)[0])
    return scored if asked.max_bytes is None else min(scored, asked.max_bytes)


def _held_out(workspace: Workspace) -> list[Entry]:
    folders = sorted((workspace.path / "heldout").glob("*"))
    found = [workspace.stage(f"heldout/{folder.name}").entry("heldout") for folder in folders]
    return [entry for entry in found if entry is not None and "held_out" in entry.result]


def _input_bytes(recipe: Recipe) -> int:
    return sum(file.stat().st_size for source in recipe.sources for file in _files(recipe, source))


def _files(recipe: Recipe, source: Source) -> set[Path]:
    """The local files that a source names; what lies in a store is not asked for."""
    whole = [recipe.folder / path for path in source.paths if "://" not in path]
    found = {file for one in whole for file in Path(one.anchor).glob(str(one.relative_to(one.anchor)))}
    return {file for file in found if file.is_file()}


def _text_bytes(file: Path) -> int:
    return file.stat().st_size * (UNPACKED if file.suffix in PACKED else 1)


def _time(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 120 else f"{seconds / 3600:.1f} h"
