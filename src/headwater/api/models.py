"""Models of every size, from n-grams on: trained, fine-tuned, asked and explained."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headwater.api.workspaces import PathLike, workspace_place

if TYPE_CHECKING:
    from headwater.inspect.tokenizers import Comparison as TokenizerComparison
    from headwater.model.explain import Explained
    from headwater.model.worked_example import Example
    from headwater.pipeline.evaluate_tasks import Evaluated


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


def compare_tokenizers(names: Sequence[str], **options: Any) -> "TokenizerComparison":
    """What tokenisers make of the same texts, by language; the options are those of `inspect.tokenizers.compare`."""
    from headwater.inspect.tokenizers import compare

    return compare(names, **options)


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


def evaluate_tasks(run: PathLike, tasks: Sequence[str], **options: Any) -> "Evaluated":
    """Asks a run's (or a model folder's) model tasks, without and with examples: results.json and results.md.

    The options are those of `pipeline.evaluate_tasks.evaluate_tasks`: data, shots, draws, seed, limit, workspace, workers.
    """
    from headwater.inspect.task_scores import write_table
    from headwater.pipeline.evaluate_tasks import evaluate_tasks

    done = evaluate_tasks(Path(run), tasks, **options)
    write_table(done.folder, done.model, done.known)
    return done


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
