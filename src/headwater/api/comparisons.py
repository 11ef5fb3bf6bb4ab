"""What data choices do to a model."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headwater.api.workspaces import PathLike, workspace_place

if TYPE_CHECKING:
    from headwater.compare.run import Comparison
    from headwater.compare.variations import Variation
    from headwater.engine.engines import Engine


def compare(
    recipes: Sequence[PathLike],
    *,
    budget: str = "quick",
    workspace: PathLike | None = None,
    workers: int | None = None,
    overrides: Sequence[str] = (),
    margin: float | None = None,
    variations: "Sequence[Variation]" = (),
    race: bool = False,
    matching: str = "token",
    engine: "Engine | None" = None,
) -> "Comparison":
    """Trains on each recipe, the first being the baseline, and says what the difference did.

    `margin`: a difference that would not matter, as a share (0.01 is one percent). `variations`: of the first recipe,
    as `compare.variations.variations_of(["curate.max_epochs=2,8"])` reads them. `race`: stop seeds of arms that are
    decided. `matching`: "token" or "pool". `engine`: as of `run`.
    """
    from headwater.compare.run import compare
    from headwater.engine.engines import LOCAL

    place = None if workspace is None else workspace_place(workspace)
    return compare(
        recipes, budget=budget, workspace=place, workers=workers, overrides=overrides, margin=margin,
        variations=variations, race=race, matching=matching, engine=engine or LOCAL,
    )  # fmt: skip


def study(
    name: str,
    *,
    data: PathLike | None = None,
    folder: PathLike = "headwater-study",
    seeds: int | None = None,
    tokens: int | None = None,
    workers: int | None = None,
) -> dict[str, Any]:
    """What a study expected and found, made again from its record; with `data` it is trained, in `folder`.

    `seeds` (runs an arm) and `tokens` (of a training) stand in the place of the study's own.
    """
    from headwater.compare.studies import STUDIES
    from headwater.compare.studies.study import recorded, run_study
    from headwater.errors import RecipeError

    if name not in STUDIES:
        raise RecipeError(f"there is no study {name!r}; there are {', '.join(STUDIES)}")
    if data is None:
        return recorded(STUDIES[name])
    return run_study(
        STUDIES[name], Path(data), Path(folder) / name, workers=workers, seeds=seeds, tokens=tokens
    )


def history(workspace: PathLike) -> list[dict[str, Any]]:
    """Every comparison of a workspace, nulls and A/A too, named by its hash."""
    from headwater.compare.history import history
    from headwater.engine.workspace import Workspace
    from headwater.errors import HeadwaterError

    place = workspace_place(workspace)
    if isinstance(place, Path) and not place.is_dir():
        raise HeadwaterError(f"no workspace at {place}; name one with --workspace")
    return history(Workspace(place))
