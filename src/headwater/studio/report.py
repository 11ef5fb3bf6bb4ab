"""`headwater report`: one HTML file that needs no network, no script and no other file.

Both languages are in it; radio buttons and CSS choose. Addresses are shown and are not links. The same workspace gives
the same bytes.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headwater.compare.label_curves import rows_of
from headwater.engine.workspace import Workspace, read_json
from headwater.errors import HeadwaterError
from headwater.inspect.profile import Funnel, funnel
from headwater.inspect.snapshots import Snapshot, open_workspace, snapshots
from headwater.pipeline.evaluate_tasks import task_scores
from headwater.pipeline.finetune import task_results
from headwater.pipeline.label_curve import label_curves
from headwater.studio import charts, finetunings, views, words
from headwater.studio.html import filled, known_language, write


def report(
    workspace: Workspace | Path | str,
    out: Path,
    comparison: Path | None = None,
    *,
    language: str = "en",
    recipe: str | None = None,
) -> Path:
    """Writes the report to `out`, which it returns.

    `comparison` is a comparison.json; without it the workspace's newest is taken, if there is one. `recipe` limits
    the report to that recipe, without a comparison. `language` is the one shown first.
    """
    known_language(language)
    place = open_workspace(workspace)
    if comparison is None and recipe is None:
        comparison = newest_comparison(place)
    result = None if comparison is None else _load(comparison)
    tasks = task_scores(place)
    curves = [
        {**row, "model": one["model"]} for one in label_curves(place) for row in rows_of(one["measured"])
    ]
    tuned = finetunings.finetunings_view(task_results(place), curves)
    alone = bool(
        tasks or tuned["results"] or tuned["curves"]
    )  # a workspace of models that were made elsewhere
    recipes = [] if alone and not (place.path / "recipes").is_dir() else _recipes(place, result, recipe)
    funnels = [funnel(one) for one in recipes if one.ledger]
    older = [one.name for one in recipes if one.older]
    html = render(result, recipes, funnels, language, tasks, tuned, older)
    return write(html, Path(out))


def newest_comparison(workspace: Workspace) -> Path | None:
    """The comparison.json that was written last."""
    found = list((workspace.path / "comparisons").glob("*/comparison.json"))
    return max(found, key=lambda path: (path.stat().st_mtime_ns, str(path)), default=None)


def render(
    comparison: dict[str, Any] | None,
    recipes: list[Snapshot],
    funnels: list[Funnel],
    language: str,
    tasks: Sequence[dict[str, Any]] = (),
    tuned: dict[str, Any] | None = None,
    older: Sequence[str] = (),
) -> str:
    """The page. Sections that have nothing to say are left out. `older`: recipes whose ledger is older than their
    documents."""
    functions = {
        "t": words.both, "known": words.known, "safe": words.safe, "dotted": words.dotted, "setting": words.setting, "percent": words.percent, "magnitude": words.magnitude, "interval": words.interval,
        "number": words.number, "integer": words.integer, "size": words.size, "count": words.count, "share": words.share,
        "probability": words.probability, "level_of": words.level_of, "bar": charts.bar, "words": words, "views": views, "finetunings": finetunings,
    }  # fmt: skip
    page = {
        "funnels": [views.funnel_view(one) for one in funnels],
        "comparison": None if comparison is None else views.comparison_view(comparison),
        "runs": views.runs_view(recipes) if comparison is None else None,
        "tasks": [views.tasks_view(model) for model in tasks],
        "tuned": tuned or {"results": [], "curves": []},
        "older": list(older),
    }
    return filled("report", language, page, functions)


def _load(path: Path) -> dict[str, Any]:
    value = read_json(path)
    if value is None or value.get("format") != 2:
        raise HeadwaterError(
            f"{path} is no comparison that this version can read; run headwater compare again"
        )
    result: dict[str, Any] = value
    return result


def _recipes(place: Workspace, comparison: dict[str, Any] | None, recipe: str | None) -> list[Snapshot]:
    """The arms' snapshots in the order of the arms; without a comparison every recipe of the workspace."""
    if comparison is None:
        return snapshots(place, recipe)
    if not (place.path / "recipes").is_dir():
        return []
    by_name = {snapshot.name: snapshot for snapshot in snapshots(place)}
    return [by_name[arm["name"]] for arm in comparison["arms"] if arm["name"] in by_name]
