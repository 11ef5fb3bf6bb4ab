"""From places to a task: train, validation and test, each item in one of them.

Named splits are found by their files' names (train, dev, test; in FewCLUE train_few_all). What is missing is cut by a
hash of the items' texts, so that equal texts stay together and the order of the file does not matter:

    one file, or one split alone    80% train, 10% validation, 10% test
    train and validation            the validation split is the test; validation is a tenth of train
    train and test                  validation is a tenth of train

The test split is for the end. A validation file that is the test file, or shares most of its texts, is refused: what
is tuned on the test split says nothing about new text.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from headwater.engine.workspace import (
    commit_folder,
    content_key,
    file_hash,
    is_whole,
    read_json,
    seal,
    write_json,
)
from headwater.errors import RecipeError
from headwater.tasks.columns import doubtful_heads, refuse_unknown_roles, with_targets
from headwater.tasks.items import KINDS, Item, as_json, from_json
from headwater.tasks.layouts import UNLABELLED, items_of, kind_of
from headwater.tasks.records import Records, read_records, suffix_of

VERSION = 1
SPLITS = ("train", "validation", "test")
_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
}
CUT = 10  # one item in so many is validation, and another one test
MOST_SHARED = 0.5  # of the validation's texts, in the test


@dataclass(frozen=True)
class Task:
    name: str
    kind: str
    splits: dict[str, list[Item]]
    labels: tuple[str, ...]  # of classification; tags; of reading whether some questions have no answer
    files: dict[str, list[str]]  # by split as found: names and hashes
    notes: tuple[str, ...]  # how the splits came about
    left_out: dict[str, dict[str, int]] = field(default_factory=dict)  # split -> reason -> items

    @property
    def key(self) -> str:
        items = {split: [as_json(item) for item in some] for split, some in self.splits.items()}
        return content_key("task", VERSION, self.kind, items)

    @property
    def test_key(self) -> str:
        """Of the test items alone, in any order and whatever they are called."""
        items = sorted(content_key({**as_json(item), "id": ""}) for item in self.splits["test"])
        return content_key("test split", VERSION, self.kind, items)


def read_task(
    place: Path | Mapping[str, Sequence[Path]],
    *,
    validation: Path | None = None,
    test: Path | None = None,
    kind: str | None = None,
    columns: Mapping[str, str] | None = None,
    name: str | None = None,
) -> Task:
    """A file, a folder, or {split: files}. Raises RecipeError where a split is missing, mixed up or damaged."""
    if kind is not None and kind not in KINDS:
        raise RecipeError(f"--kind {kind}: there are {', '.join(KINDS)}")
    found = (
        {split: list(paths) for split, paths in place.items()}
        if isinstance(place, Mapping)
        else _found(place)
    )
    for split, given in (("validation", validation), ("test", test)):
        if given is not None:
            if split not in found and "train" not in found:
                found = {"train": [path for paths in found.values() for path in paths]}
            found[split] = [given]
    _refuse_one_file_twice(found)
    columns = columns or {}
    refuse_unknown_roles(columns)
    read = {
        split: [read_records(path, {*columns.values()} - {""}) for path in paths]
        for split, paths in found.items()
    }
    first = (read.get("train") or next(iter(read.values())))[0]
    kind = kind or kind_of(first, columns)
    refuse_unknown_roles(columns, kind)
    names = _label_names(first.path)
    doubts = doubtful_heads([one for some in read.values() for one in some], kind, columns)
    splits: dict[str, list[Item]] = {}
    left_out: dict[str, dict[str, int]] = {}
    for split in read:
        some, without = with_targets(split, read, kind, columns)
        splits[split], reasons = _items(some, kind, columns, names)
        if reasons := reasons + Counter({UNLABELLED: without}):
            left_out[split] = dict(reasons)
    told = {split for split, given in (("validation", validation), ("test", test)) if given is not None}
    notes = [f"{split}: {reasons[UNLABELLED]:,} items have no label and are left out"
             for split, reasons in left_out.items() if UNLABELLED in reasons]  # fmt: skip
    splits, said = _complete({split: some for split, some in splits.items() if some}, told, first.path)
    _refuse_shared(splits)
    where = place if isinstance(place, Path) else first.path.parent
    return Task(
        name or _stem(where),
        kind,
        splits,
        _labels(kind, splits),
        _hashes(found),
        (*notes, *doubts, *said),
        left_out,
    )


def smaller(task: Task, items: int) -> Task:
    """The task with so many training items, drawn, and at most a fifth as many of validation (at least 16); test is whole."""
    wanted = {"train": items, "validation": max(16, items // 5)}
    splits, notes = dict(task.splits), list(task.notes)
    for split, number in wanted.items():
        if number < len(some := task.splits[split]):
            splits[split] = draw(some, number, 0)
            notes.append(f"{split}: {number:,} of {len(some):,} items, drawn")
    return replace(task, splits=splits, notes=tuple(notes))


def draw(items: Sequence[Item], number: int, seed: int) -> list[Item]:
    """So many items, the same for a seed, as evenly over their targets as they go (of what has no classes: any)."""
    random = np.random.Generator(np.random.Philox(key=[seed, number]))
    order = [items[place] for place in random.permutation(len(items))]
    targets = sorted({item.target for item in items})
    if len(targets) > max(2, number):
        return order[:number]
    queues = {target: [item for item in order if item.target == target] for target in targets}
    taken: list[Item] = []
    while len(taken) < min(number, len(items)):
        for target in [targets[place] for place in random.permutation(len(targets))]:
            if queues[target] and len(taken) < number:
                taken.append(queues[target].pop())
    return taken


def _found(place: Path) -> dict[str, list[Path]]:
    """{split: files} of a folder; {"all": [file]} of a file."""
    if place.is_file():
        return {"all": [place]}
    if not place.is_dir():
        raise RecipeError(
            f"{place}: there is no such task; name a file, a folder with train and test files, or hf://…"
        )
    files = [path for path in sorted(place.iterdir()) if path.is_file() and suffix_of(path)]
    files = [path for path in files if not re.match(r"(class|labels|unlabeled)\b", path.name)]
    found: dict[str, list[Path]] = {}
    for path in files:
        split = split_of(path.name)
        found.setdefault(split or "all", []).append(path)
    for split, paths in found.items():
        found[split] = _one_draw(paths)
    if not found:
        raise RecipeError(f"{place}: holds no file of a data set (train.tsv, dev.jsonl, test.csv.gz, …)")
    if "all" in found and len(found) > 1:
        del found["all"]
    if "all" in found and len(found["all"]) > 1:
        raise RecipeError(
            f"{place}: no file says train, dev or test in its name ({', '.join(p.name for p in found['all'][:3])}, …); "
            "name one of them as the task, and --test for another"
        )
    return found


def split_of(name: str) -> str | None:
    """By the words of the name. Of CoLA, whose test has no public labels, it is what comes from other books; RTE's
    development sets are what is trained on."""
    if name.lower().startswith("out_of_domain"):
        return "test"
    if re.fullmatch(r"rte\d_dev\.xml", name.lower()):
        return "train"
    words = re.split(r"[^a-z]+", name.lower())
    return next((split for split in SPLITS if set(words) & set(_NAMES[split])), None)


def _one_draw(paths: list[Path]) -> list[Path]:
    """FewCLUE has five draws and all of them together (few_all), and two test files: the public one has labels."""
    for mark in ("few_all", "public"):
        if marked := [path for path in paths if mark in path.name]:
            return marked
    return paths


def _refuse_one_file_twice(found: Mapping[str, list[Path]]) -> None:
    whose: dict[str, str] = {}
    for split, paths in found.items():
        for path in paths:
            if not path.is_file():
                raise RecipeError(f"{path}: there is no such file ({split})")
            digest = file_hash(path)
            if digest in whose and {split, whose[digest]} == {"validation", "test"}:
                raise RecipeError(
                    f"{path}: is validation and test at once. Hyperparameters chosen on the test split make its score "
                    "worthless, so this is refused; leave --validation out (a tenth of train is taken), or name another"
                )
            if digest in whose:
                raise RecipeError(
                    f"{path}: is both {whose[digest]} and {split}; each split needs texts of its own"
                )
            whose[digest] = split


def _items(
    some: list[Records], kind: str, columns: Mapping[str, str], names: tuple[str, ...]
) -> tuple[list[Item], Counter[str]]:
    items: list[Item] = []
    reasons: Counter[str] = Counter()
    for number, records in enumerate(some):
        made, left_out = items_of(records, kind, columns, names)
        if len(some) > 1:
            made = [from_json(kind, {**as_json(item), "id": f"{number + 1}/{item.id}"}) for item in made]
        items += made
        reasons += left_out
    return items, reasons


def _complete(
    splits: dict[str, list[Item]], told: set[str], where: Path
) -> tuple[dict[str, list[Item]], list[str]]:
    """All three splits, and in words how they came about."""
    if not splits:
        raise RecipeError(f"{where}: holds no item with a label")
    if "train" not in splits and len(splits) == 1:
        items = next(iter(splits.values()))
        rest, test = _cut(items, 1 / CUT)
        train, validation = _cut(rest, 1 / (CUT - 1))
        cut = {"train": train, "validation": validation, "test": test}
        splits, notes = cut, ["the only split was cut by text: 80% train, 10% validation, 10% test"]
    elif "train" not in splits:
        raise RecipeError(
            f"{where}: has {' and '.join(splits)} but no train split; name a file with train in its name"
        )
    else:
        notes = []
        if "test" not in splits and "validation" in splits and "validation" not in told:
            splits = {"train": splits["train"], "test": splits["validation"]}
            notes.append(
                "no labelled test split: the validation split is the test, and validation is cut from train"
            )
        for split in ("test", "validation"):
            if split not in splits:
                splits["train"], splits[split] = _cut(splits["train"], 1 / CUT)
                notes.append(f"{split} is a tenth of train, cut by text")
    for split in SPLITS:
        if not splits[split]:
            raise RecipeError(f"{where}: too few items; none is left for {split}")
    return {split: splits[split] for split in SPLITS}, notes


def _cut(items: Sequence[Item], share: float) -> tuple[list[Item], list[Item]]:
    """(rest, cut off): whole groups of equal texts in the order of their hash, at least one, until there are enough."""
    groups = sorted({normal(item.group) for item in items}, key=_hash)
    sizes = Counter(normal(item.group) for item in items)
    taken: set[str] = set()
    count = 0
    for group in groups[:-1]:
        if taken and count >= share * len(items):
            break
        taken.add(group)
        count += sizes[group]
    return (
        [item for item in items if normal(item.group) not in taken],
        [item for item in items if normal(item.group) in taken],
    )


def _hash(text: str) -> int:
    return xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))


def normal(text: str) -> str:
    """What two texts are equal by: letters and digits, without case, spaces and punctuation."""
    return re.sub(r"[\W_]+", "", text).casefold()


def _refuse_shared(splits: Mapping[str, list[Item]]) -> None:
    theirs = {tuple(map(normal, item.texts)) for item in splits["test"]}
    shared = sum(tuple(map(normal, item.texts)) in theirs for item in splits["validation"])
    if shared > MOST_SHARED * len(splits["validation"]):
        raise RecipeError(
            f"{shared:,} of {len(splits['validation']):,} validation items stand in the test split too: choosing "
            "hyperparameters on them would be tuning on the test split, so this is refused; name another validation file"
        )


def _labels(kind: str, splits: Mapping[str, list[Item]]) -> tuple[str, ...]:
    """Of training; a label that only the others have cannot be learnt."""
    if kind == "tagging":
        return tuple(sorted({tag for item in splits["train"] for tag in item.tags}))  # type: ignore[union-attr]
    if kind == "reading":  # whether "no answer" is an answer
        return ("no answer",) if any(not item.target for item in splits["train"]) else ()
    if kind != "classification":
        return ()
    labels = sorted({item.target for item in splits["train"]})
    if len(labels) < 2:
        raise RecipeError(
            f"the training items have one label only ({labels[0]!r}); there is nothing to tell apart"
        )
    unknown = Counter(
        item.target for split in ("validation", "test") for item in splits[split] if item.target not in labels
    )
    if unknown:
        label, count = unknown.most_common(1)[0]
        raise RecipeError(
            f"label {label!r} ({count:,} items of validation and test) does not occur in train, which has "
            f"{', '.join(map(repr, labels[:10]))}; nothing could learn it"
        )
    return tuple(labels)


def _label_names(path: Path) -> tuple[str, ...]:
    """Names of labels that are numbers, a line each, in class.txt beside the file (THUCNews)."""
    names = path.parent / "class.txt"
    return tuple(names.read_text(encoding="utf-8").split()) if names.is_file() else ()


def _hashes(found: Mapping[str, list[Path]]) -> dict[str, list[str]]:
    return {split: [f"{path.name} {file_hash(path)}" for path in paths] for split, paths in found.items()}


def _stem(path: Path) -> str:
    name = path.name
    for suffix in (".gz", ".bitext.txt", suffix_of(path)):
        name = name.removesuffix(suffix)
    return path.parent.name if split_of(name) and re.fullmatch(r"[a-z_]+", name) and len(name) < 8 else name


# ---------------------------------------------------------------- a task in a workspace


def keep(task: Task, folder: Path) -> Path:
    """Commits the task to `folder/<key>`: `task.json` and one file of JSON lines a split; the folder.

    Trainings read train and validation, and only the last step reads test.
    """
    final = folder / task.key[:12]
    if is_whole(final):
        return final
    temporary = folder / f".{task.key[:12]}.tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    for split, items in task.splits.items():
        lines = "".join(json.dumps(as_json(item), ensure_ascii=False) + "\n" for item in items)
        (temporary / f"{split}.jsonl").write_text(lines, encoding="utf-8", errors="surrogatepass")
    write_json(temporary / "task.json", {
        "key": task.key, "name": task.name, "kind": task.kind, "labels": task.labels, "files": task.files,
        "notes": task.notes, "left_out": task.left_out,
    })  # fmt: skip
    seal(temporary)
    commit_folder(temporary, final)
    return final


def read_about(folder: Path) -> dict[str, Any]:
    about: dict[str, Any] = read_json(folder / "task.json")
    return about


def read_split(folder: Path, split: str) -> list[Item]:
    kind = read_about(folder)["kind"]
    with (folder / f"{split}.jsonl").open(encoding="utf-8", newline="\n", errors="surrogatepass") as lines:
        return [from_json(kind, json.loads(line)) for line in lines]
