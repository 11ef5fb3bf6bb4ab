"""From open data to a training set and a model: the commands that follow a recipe."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from headwater.api.workspaces import PathLike, workspace_place

if TYPE_CHECKING:
    from headwater.engine.engines import Engine
    from headwater.pipeline.run import Outcome


def init(folder: PathLike) -> str:
    """A first recipe, as YAML, for whatever text is in a folder."""
    from headwater.sources.init import init

    return init(Path(folder))


def fetch_pages(start: Sequence[str], out: PathLike, **limits: Any) -> dict[str, Any]:
    """Crawls one site politely into a WARC; the limits are those of `sources.fetch.pages.fetch_pages`."""
    from headwater.sources.fetch.pages import fetch_pages

    return fetch_pages(list(start), Path(out), **limits)


def fetch(kind: str, out: PathLike, *, plan: bool = False, **settings: Any) -> dict[str, Any]:
    """Fetches a bounded sample of an open source into `out` and returns its summary.

    kind: pages, commoncrawl, wikipedia, gutenberg, stackexchange, arxiv or huggingface. The settings are those of
    its command (`language="zh"`, `max_bytes=10**8`) and of `sources.fetch.kinds.Manners` (`delay`, `contact`).
    plan: only says what would be fetched.
    """
    from headwater.sources.fetch.kinds import run

    return run(kind, Path(out), plan=plan, settings=settings)


def ingest(recipe: PathLike, **options: Any) -> "Outcome":
    """Reads the sources into documents. The options of this and the next five are those of `run`."""
    return _until("ingest", recipe, **options)


def measure(recipe: PathLike, **options: Any) -> "Outcome":
    """… and measures every document."""
    return _until("measure", recipe, **options)


def curate(recipe: PathLike, *, until: Literal["ledger", "curate"] = "curate", **options: Any) -> "Outcome":
    """… and decides by the rules: ledger, training set and card; `until="ledger"`: nothing after the first of these."""
    return _until(until, recipe, **options)


def train(recipe: PathLike, **options: Any) -> "Outcome":
    """… and trains the recipe's model."""
    return _until("train", recipe, **options)


def evaluate(recipe: PathLike, **options: Any) -> "Outcome":
    """… and scores it in bits per byte on the held-out text."""
    return _until("evaluate", recipe, **options)


def run(
    recipe: PathLike,
    *,
    overrides: Sequence[str] = (),
    workspace: PathLike | None = None,
    workers: int | None = None,
    limit: int | None = None,
    engine: "Engine | None" = None,
) -> "Outcome":
    """All of these, each piece only if its inputs or settings changed.

    `overrides`: "a.b=c" as after --set; `workspace`: instead of the recipe's own; `limit`: documents of each shard;
    `engine`: who does the work, of `engine.engines.engine_of("ray", {"address": …})`.
    """
    return _until(
        "run", recipe, overrides=overrides, workspace=workspace, workers=workers, limit=limit, engine=engine
    )


def _until(
    stage: str,
    recipe: PathLike,
    *,
    overrides: Sequence[str] = (),
    workspace: PathLike | None = None,
    workers: int | None = None,
    limit: int | None = None,
    engine: "Engine | None" = None,
) -> "Outcome":
    from headwater.engine.engines import LOCAL
    from headwater.pipeline.run import run_until

    place = None if workspace is None else workspace_place(workspace)
    return run_until(
        stage, Path(recipe), overrides=list(overrides), workspace=place, workers=workers, limit=limit,
        engine=engine or LOCAL,
    )  # fmt: skip


def export(recipe: PathLike, *, format: str, out: PathLike, **options: Any) -> dict[str, Any]:
    """Writes what a recipe keeps for another tool (jsonl, parquet, datasets, megatron, nanogpt) into a new folder."""
    from headwater.pipeline.export import export

    return export(Path(recipe), format=format, out=Path(out), **options)


def demo(folder: PathLike = "headwater-demo") -> list[str]:
    """The main job on a real crawl of Python's own documentation: what was found, in lines."""
    from headwater.demo import run_demo

    return run_demo(Path(folder))
