"""Tasks of the harness, asked under several numbers of examples, draws and controls.

The harness builds prompts and judges answers; we choose the examples. It would draw new ones for every item, so that
a score has no draw to speak of; here a draw is k examples in an order, the same for all items: draw d of seed s is the
beginning of one permutation of the examples' split, made from (s, d), so that 5 shots begin with the 1 shot. The
control shows the same examples with labels drawn at random from the choices, or, of a task without choices, with the
answers of other examples of that split, which are not shown.
"""

import logging
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from headwater.errors import HeadwaterError
from headwater.evaluate.curve import Condition
from headwater.evaluate.scorer import Scorer

FOLDER = Path(__file__).parent / "tasks"
PREFIX = "lm_eval:"  # of the harness's own tasks


class Shown(dict[str, Any]):
    """An example that is shown with a label of our choice."""

    label: Any


@dataclass(frozen=True)
class Answers:
    """What a task's items were answered under all conditions."""

    conditions: list[Condition]
    chance: np.ndarray  # (n,)
    other: dict[str, float]  # further metrics without examples, as the harness sums them up
    drawn: list[list[int]]  # by draw: places in the examples' split, in order
    rows: list[dict[str, Any]]  # an answer each


def names() -> list[str]:
    """Tasks that come with Headwater."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def overview() -> dict[str, str]:
    """{task: what its file says of itself in its first line}."""
    first = {
        name: (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").partition("\n")[0] for name in names()
    }
    said = {name: line.lstrip("# ") for name, line in first.items()}
    own = {
        "induction": "How much likelier a random span is when it comes again (Olsson 2022).",
        "episodes": "Which of two labels a span had, labels that training never used.",
    }
    return {**said, **own}


def task_file(name: str) -> Path:
    """The file of one of ours, or the one that is named. Raises HeadwaterError where there is none."""
    if name.endswith((".yaml", ".yml")):
        if not Path(name).is_file():
            raise HeadwaterError(f"{name}: there is no such task file")
        return Path(name).resolve()
    path = FOLDER / f"{name}.yaml"
    if name not in names():
        raise HeadwaterError(
            f"there is no task {name!r}; there are {', '.join(names())}, task files (x.yaml), and {PREFIX}NAME for the "
            "harness's own"
        )
    return path


def load(name: str, data: str | None) -> Any:
    """The harness's task object. Raises HeadwaterError where it cannot be made (the file is wrong, no network)."""
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    try:
        from lm_eval.tasks import TaskManager
        from tqdm import tqdm
    except ImportError as error:
        raise HeadwaterError("tasks need the harness: install headwater[evaluate]") from error
    from lm_eval.tasks._yaml_loader import load_yaml

    tqdm.set_lock(threading.RLock())  # its own is a semaphore of the system, which a worker's end would leak
    try:
        if name.startswith(PREFIX):
            loaded = _manager().load([name.removeprefix(PREFIX)])["tasks"]
            if len(loaded) != 1:
                raise HeadwaterError(
                    f"{name} is a group of {len(loaded)} tasks; name one: {', '.join(loaded)}"
                )
            return next(iter(loaded.values()))
        config = load_yaml(task_file(name))
        config["metadata"] = {**(config.get("metadata") or {}), **({"data": data} if data else {})}
        manager = TaskManager(include_defaults=False)
        return next(iter(manager.load([config])["tasks"].values()))
    except HeadwaterError:
        raise
    except Exception as error:  # whatever a task file, a template or a download raises
        raise HeadwaterError(f"task {name}: cannot be loaded ({type(error).__name__}: {error})") from error


@lru_cache(maxsize=1)
def _manager() -> Any:
    from lm_eval.tasks import TaskManager

    return TaskManager()


def answer(
    task: Any,
    scorer: Scorer,
    *,
    shots: list[int],
    draws: int,
    seed: int,
    limit: int | None,
    primary: str | None,
) -> Answers:
    """Raises HeadwaterError where examples are asked for that the task cannot give."""
    from headwater.evaluate.harness import HeadwaterLM

    lm = HeadwaterLM(scorer=scorer)
    items = sample(len(task.eval_docs), limit)
    pool = list(task.fewshot_docs() or []) if max(shots) else []
    choices = task.config.doc_to_choice is not None
    if max(shots):
        _check_examples(task, pool, max(shots), choices)
    metric = primary or ("acc" if choices or task.OUTPUT_TYPE == "loglikelihood" else "exact_match")
    label_of = task.doc_to_target
    task.doc_to_target = lambda doc, *more: doc.label if isinstance(doc, Shown) else label_of(doc, *more)
    conditions, rows, drawn, other = [], [], [], {}
    chance = np.array([_chance(task, task.eval_docs[item]) for item in items])
    orders = [np.random.Generator(np.random.Philox(key=[seed, draw])) for draw in range(draws)]
    permutations = [random.permutation(len(pool)) for random in orders] if pool else []
    if pool:
        drawn = [order[: max(shots)].tolist() for order in permutations]
    for count in sorted({0, *shots}):
        ordered = [[pool[int(n)] for n in order] for order in permutations] if count else [[]]
        shown = [order[:count] for order in ordered]
        for shuffled in (False, True) if count else (False,):
            if shuffled:
                control = [
                    _with_random_labels(task, order[:count], order[count:], seed, draw)
                    for draw, order in enumerate(ordered)
                ]
                if not all(control):
                    continue
                shown = control
            right, cut = [], 0
            for draw, some in enumerate(shown):
                lm.cut.clear()
                values, details = _ask(task, lm, items, some, metric)
                cut += len(lm.cut)
                right.append(values)
                about = {"shots": count, "draw": draw, "shuffled": shuffled}
                rows += [{**about, "item": n, **detail} for n, detail in zip(items, details, strict=True)]
                if not count:
                    other = _aggregated(task, details, metric)
            conditions.append(Condition(count, np.array(right), shuffled, cut))
    return Answers(conditions, chance, other, drawn, rows)


def sample(count: int, limit: int | None) -> list[int]:
    """Places of the items to ask: all, or `limit` of them spread over the whole set, the same every time."""
    if limit is None or limit >= count:
        return list(range(count))
    return sorted(np.random.Generator(np.random.Philox(key=count)).permutation(count)[:limit].tolist())


def _check_examples(task: Any, pool: list[Any], most: int, choices: bool) -> None:
    name = task.config.task
    if len(pool) < most:
        raise HeadwaterError(
            f"task {name} has {len(pool)} examples to show and {most} are asked for; its file names their split as "
            "fewshot_split, and dataset_kwargs: {shots: N} sets some of the test items aside"
        )
    if task.fewshot_cfg.split is not None and task.fewshot_cfg.split == task.config.test_split:
        raise HeadwaterError(
            f"task {name} shows examples of the split that it is tested on; name another fewshot_split"
        )
    del choices


def _chance(task: Any, doc: Any) -> float:
    return 1 / len(task.doc_to_choice(doc)) if task.config.doc_to_choice is not None else 0.0


def _with_random_labels(task: Any, some: list[Any], others: list[Any], seed: int, draw: int) -> list[Any]:
    """The same examples; labels uniform over the choices. Where there are none, an example has the label of one of the
    `others` that is answered differently; nothing where no other is."""
    random = np.random.Generator(np.random.Philox(key=[seed, draw + 2**32]))
    random.permutation(len(some))  # the labels of a seed and draw are what they were
    shown: list[Any] = []
    at = 0  # in `others`, which are in random order
    for doc in some:
        one = Shown(doc)
        if task.config.doc_to_choice is None or task.multiple_input:
            own = _said(task.doc_to_target(doc))
            for step in range(len(others)):
                one.label = task.doc_to_target(others[(at + step) % len(others)])
                if not own & _said(one.label):
                    at += step + 1
                    break
            else:
                return []
        else:
            one.label = int(random.integers(len(task.doc_to_choice(doc))))
        shown.append(one)
    return shown


def _said(label: Any) -> set[str]:
    """The answers that a label stands for."""
    return {str(one).strip() for one in (label if isinstance(label, list) else [label])}


def _ask(
    task: Any, lm: Any, items: list[int], shown: list[Any], metric: str
) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Right or wrong (n,), and what was answered, an item each."""
    from lm_eval.api.samplers import ContextSampler

    class Fixed(ContextSampler):  # type: ignore[misc]
        def sample(self, n: int, eval_doc: Any = None, df: Any = None, **_: Any) -> list[Any]:
            return shown

    task.sampler = Fixed(shown)
    task.config.num_fewshot = len(shown)
    task.build_all_requests(samples=items)
    by_type: dict[str, list[Any]] = {}
    for instance in task.instances:
        instance.resps = []
        by_type.setdefault(instance.request_type, []).append(instance)
    for kind, instances in by_type.items():
        for instance, response in zip(instances, getattr(lm, kind)(instances), strict=True):
            instance.resps.append(response)
    task.apply_filters()
    of_item: dict[int, list[Any]] = {}
    for instance in task.instances:
        of_item.setdefault(instance.doc_id, []).append(instance)
    right, details = [], []
    for number, instances in sorted(of_item.items()):
        instances.sort(key=lambda instance: instance.idx)
        key = next(iter(instances[0].filtered_resps))
        doc = task.eval_docs[items[number]]
        found = task.process_results(doc, [instance.filtered_resps[key] for instance in instances])
        if metric not in found:
            raise HeadwaterError(
                f"task {task.config.task} has no metric {metric!r}; it has {', '.join(found)}"
            )
        right.append(float(found[metric]))
        details.append(
            {"right": float(found[metric]), "answers": [i.resps[0] for i in instances], "all": found}
        )
    return np.array(right), details


def _aggregated(task: Any, details: list[dict[str, Any]], metric: str) -> dict[str, float]:
    """The task's other metrics, as the harness sums them up."""
    found = {}
    for name in details[0]["all"]:
        aggregate = task.aggregation().get(name)
        if name != metric and aggregate is not None:
            found[name] = float(aggregate([detail["all"][name] for detail in details]))
    return found
