"""The commands as Python functions, under the same names: `from headwater import api`.

    outcome = api.run("recipe.yaml", overrides=["train.tokens=1M"])
    comparison = api.compare(["raw.yaml", "curated.yaml"], budget="quick")
    api.sql("workspace", "select reason, count(*) from ledger group by all")

(They are not in `headwater` itself, where `compare`, `train` and `evaluate` are rooms.) Errors are those of
`headwater.errors`. Nothing heavy is imported before a function that needs it is called.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from headwater.compare.run import Comparison
    from headwater.compare.variations import Variation
    from headwater.curate.contamination_report import Report
    from headwater.engine.engines import Engine
    from headwater.engine.status import Status
    from headwater.engine.upkeep import Unneeded
    from headwater.inspect.audit import Audit
    from headwater.inspect.doctor import Check
    from headwater.inspect.page import PagePreview
    from headwater.inspect.portrait import Profile
    from headwater.inspect.preview import Preview
    from headwater.inspect.sql import Table
    from headwater.inspect.tokenizers import Comparison as TokenizerComparison
    from headwater.inspect.whatif_answer import WhatIf
    from headwater.inspect.why import Why
    from headwater.model.explain import Explained
    from headwater.model.worked_example import Example
    from headwater.pipeline.evaluate_tasks import Evaluated
    from headwater.pipeline.run import Outcome

PathLike = Path | str


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


def evaluate_tasks(run: PathLike, tasks: Sequence[str], **options: Any) -> "Evaluated":
    """Asks a run's (or a model folder's) model tasks, without and with examples: results.json and results.md.

    The options are those of `pipeline.evaluate_tasks.evaluate_tasks`: data, shots, draws, seed, limit, workspace, workers.
    """
    from headwater.inspect.task_scores import write_table
    from headwater.pipeline.evaluate_tasks import evaluate_tasks

    done = evaluate_tasks(Path(run), tasks, **options)
    write_table(done.folder, done.model, done.known)
    return done


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


def demo(folder: PathLike = "headwater-demo") -> list[str]:
    """The main job on a real crawl of Python's own documentation: what was found, in lines."""
    from headwater.demo import run_demo

    return run_demo(Path(folder))


def train_ngram(places: Sequence[PathLike], out: PathLike, **settings: Any) -> dict[str, Any]:
    """Trains an n-gram model on recipes' documents or files; what it says of itself. See `pipeline.models`."""
    from headwater.pipeline.models import train_ngram

    return dict(train_ngram(list(places), Path(out), **settings).about)


def train_classifier(
    positive: Sequence[PathLike], negative: Sequence[PathLike], out: PathLike, **settings: Any
) -> dict[str, Any]:
    """Trains a quality classifier on recipes' documents or files; what it says of itself. See `pipeline.models`."""
    from headwater.pipeline.models import train_classifier

    return dict(train_classifier(list(positive), list(negative), Path(out), **settings).about)


def finetune(
    run: PathLike, task: str, *, workspace: PathLike | None = None, validation: PathLike | None = None,
    test: PathLike | None = None, kind: str | None = None, columns: Sequence[str] = (), items: int | None = None,
    **options: Any,
) -> dict[str, Any]:  # fmt: skip
    """Fine-tunes a run's model on a task (a file, a folder, hf://…); what result.json holds, and its folder.

    `columns`: "text=review". `items`: so many of train alone, drawn. The other options are those of `pipeline.finetune.finetune`: settings, trials, seeds, …
    """
    from headwater.pipeline.finetune import finetune, task_of

    files = {"validation": validation, "test": test}
    given = {split: None if path is None else Path(path) for split, path in files.items()}
    place = None if workspace is None else workspace_place(workspace)
    chosen = task_of(task, kind=kind, columns=columns, items=items, **given)
    return finetune(Path(run), chosen, workspace=place, **options)


def label_curve(
    run: PathLike, tasks: Sequence[str], *, labels: Sequence[int] = (16, 64, 256, 1000), draws: int = 5,
    workspace: PathLike | None = None, **options: Any,
) -> list[dict[str, Any]]:  # fmt: skip
    """What a run's pre-training is worth on tasks of classification, at so many labels: paired with new weights."""
    from headwater.compare.label_curves import rows_of
    from headwater.pipeline.finetune import task_of
    from headwater.pipeline.label_curve import measure_labels

    place = None if workspace is None else workspace_place(workspace)
    places = ("validation", "test", "kind", "columns", "items")
    of_tasks = {name: options.pop(name) for name in places if name in options}
    read = [task_of(task, **of_tasks) for task in tasks]
    return rows_of(measure_labels(Path(run), read, sizes=labels, draws=draws, workspace=place, **options))


def task_card(
    run: PathLike, task: str, *, workspace: PathLike | None = None, **places: Any
) -> tuple[dict[str, Any], list[str]]:
    """What is in a task, as a record and in lines: labels, lengths, what splits and pre-training text share."""
    from headwater.pipeline.finetune import card, task_of

    place = None if workspace is None else workspace_place(workspace)
    return card(Path(run), task_of(task, **places), workspace=place)


def why(workspace: PathLike, document: str, *, unmasked: bool = False) -> "Why":
    """Why a document (an id, or its first digits) was kept or dropped; `unmasked`: with personal data as it is."""
    from headwater.inspect import masked
    from headwater.inspect.why import why

    with masked.unmasked(unmasked):
        return why(workspace, document)


def contamination(recipe: PathLike, tasks: Sequence[PathLike], **options: Any) -> "Report":
    """Which items of evaluation sets (files or folders) occur in a recipe's documents, by benchmark and domain.

    The options are those of `pipeline.contamination.contamination`: words, characters, workspace, workers, limit.
    """
    from headwater.pipeline.contamination import contamination

    return contamination(Path(recipe), [Path(path) for path in tasks], **options)


def whatif(recipe: PathLike, rules: Sequence[str] = (), **options: Any) -> "WhatIf":
    """What other rules would change in a recipe's ledger: "gopher.words.min=20". The options are those of
    `inspect.whatif.whatif`."""
    from headwater.inspect.whatif import whatif

    return whatif(Path(recipe), rules, **options)


def profile(recipe: PathLike, **options: Any) -> "Profile":
    """What a recipe has read, source by source. The options are those of `inspect.portrait.profile`."""
    from headwater.inspect.portrait import profile

    return profile(Path(recipe), **options)


def audit(recipe: PathLike, number: int = 200, *, workspace: PathLike | None = None) -> "Audit":
    """Documents of a recipe drawn blind, to be labelled; `report()` says precision and recall."""
    from headwater.inspect.audit import Audit

    return Audit(Path(recipe), number, workspace=None if workspace is None else workspace_place(workspace))


def sql(workspace: PathLike, query: str, *, unmasked: bool = False) -> "Table":
    """Asks a workspace in SQL: views documents, ledger, signals, quarantine, files, clusters; `unmasked` as for `why`."""
    from headwater.inspect import masked
    from headwater.inspect.sql import sql

    with masked.unmasked(unmasked):
        return sql(workspace, query)


def preview(
    recipe: PathLike, *, limit: int = 20, overrides: Sequence[str] = (), workers: int = 1
) -> "Preview":
    """What a recipe would do with its first documents, in a workspace that is thrown away."""
    from headwater.inspect.preview import preview

    return preview(Path(recipe), limit=limit, overrides=tuple(overrides), workers=workers)


def names_page(argument: str) -> bool:
    """Whether it names one page (a web address, a saved page, a record of a web archive), not a recipe."""
    from headwater.sources.single import names_page

    return names_page(argument)


def preview_page(argument: str, **manners: Any) -> "PagePreview":
    """What the extraction makes of one page, block by block; how the web is asked is as of
    `sources.fetch.single.fetch_page`."""
    from headwater.inspect.page import preview_page

    return preview_page(argument, **manners)


def export(recipe: PathLike, *, format: str, out: PathLike, **options: Any) -> dict[str, Any]:
    """Writes what a recipe keeps for another tool (jsonl, parquet, datasets, megatron, nanogpt) into a new folder."""
    from headwater.pipeline.export import export

    return export(Path(recipe), format=format, out=Path(out), **options)


def compare_tokenizers(names: Sequence[str], **options: Any) -> "TokenizerComparison":
    """What tokenisers make of the same texts, by language; the options are those of `inspect.tokenizers.compare`."""
    from headwater.inspect.tokenizers import compare

    return compare(names, **options)


def curves(run: PathLike, folder: PathLike, *, tool: str = "tensorboard") -> Path:
    """Writes a run's curves into a folder, for `tensorboard` (an event file) or `wandb` (an offline run); its path."""
    from headwater.train.curves import write_wandb
    from headwater.train.tensorboard import write_events

    return {"tensorboard": write_events, "wandb": write_wandb}[tool](Path(run), Path(folder))


def worked_example(text: str, *, seed: int = 0) -> "Example":
    """Attention and three objectives on a sentence of 2 to 6 words, small enough to follow by hand; untrained weights."""
    from headwater.model.worked_example import worked_example

    return worked_example(text, seed=seed)


def explain(run: PathLike, text: str, *, hide: int | None = None) -> "Explained":
    """The attention of a run's (or a model folder's) model on a text, of the pass that made its predictions."""
    from headwater.model.explain import explain

    return explain(Path(run), text, hide=hide)


def chat(run: PathLike, prompt: str, *, new_tokens: int = 200, **drawing: Any) -> str:
    """What a run's model makes of a prompt; drawing: `temperature`, `top_k`, `top_p`, `seed`."""
    from headwater.model.converse import Talker
    from headwater.model.generate import Sampling

    return "".join(Talker.load(Path(run)).answer(prompt, new_tokens=new_tokens, sampling=Sampling(**drawing)))


def status(workspace: PathLike) -> "Status":
    """What is done, running and failed in a workspace, at what rate, and how long it will take."""
    from headwater.engine.status import status_of

    return status_of(workspace_place(workspace))


def verify(workspace: PathLike) -> tuple[int, list[str]]:
    """Re-hashes every committed file: how many, and what is wrong with some."""
    from headwater.engine.upkeep import verify
    from headwater.engine.workspace import Workspace

    return verify(Workspace(workspace_place(workspace)))


def gc(workspace: PathLike, *, delete: bool = False) -> "list[Unneeded]":
    """What no recipe needs any more; `delete` frees it."""
    from headwater.engine.upkeep import free, unneeded
    from headwater.engine.workspace import Workspace

    place = Workspace(workspace_place(workspace))
    things = unneeded(place)
    if delete:
        free(place, things)
    return things


def report(workspace: PathLike, out: PathLike = "report.html", *, language: str = "en") -> Path:
    """One HTML file on what the workspace holds."""
    from headwater.engine.workspace import Workspace
    from headwater.studio.report import report

    return report(Workspace(workspace_place(workspace)), Path(out), language=language)


def workspace_place(workspace: PathLike) -> Path | str:
    """A folder, or the URL of a workspace in a store."""
    return str(workspace) if "://" in str(workspace) else Path(workspace)


def doctor() -> "list[Check]":
    """What this machine has, what is missing, and how to get it."""
    from headwater.inspect.doctor import doctor

    return doctor()
