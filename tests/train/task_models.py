"""Small models with a tokeniser, as folders, and small tasks that can be learnt."""

from functools import lru_cache
from pathlib import Path

from headwater.model import huggingface
from headwater.model.presets import resolve
from headwater.model.special_tokens import with_special_tokens
from headwater.model.tokenizer import Tokenizer, train
from headwater.model.transformer import Transformer
from headwater.tasks.items import Asked, Choice, Classified, Item, Tagged, Written
from headwater.tasks.task import Task, keep

PRESETS = {"gpt": "modern-nano", "bert": "bert-nano", "t5": "t5-nano", "xlnet": "xlnet-nano"}
GOOD, BAD = ("很好", "不错，推荐", "good"), ("太差", "失望", "bad")


@lru_cache(maxsize=1)
def definition() -> str:
    texts = [
        f"第{n}间房：{word}。The room is {word}, 王小明说。" for n in range(60) for word in (*GOOD, *BAD)
    ]
    return train(texts, 400)


def small_model(folder: Path, family: str, *, context: int = 32, **sizes: int) -> Path:
    """A folder with an untrained model of one layer."""
    file = folder / f"{family}-tokenizer.json"
    file.write_text(with_special_tokens(definition(), family), encoding="utf-8")
    size = {"layers": 1, "width": 32, "heads": 2, "context": context, **sizes}
    config = resolve({"family": family, "preset": PRESETS[family], **size}, Tokenizer.load(file).vocabulary)
    made = folder / f"{family}-model"
    huggingface.save(Transformer(config, seed=1), made, tokenizer=file)
    return made


def reviews(count: int, start: int = 0) -> list[Item]:
    return [
        Classified(
            str(n), f"第{n}间房：{(GOOD if n % 2 else BAD)[n // 2 % 3]}。", None, "好" if n % 2 else "坏"
        )
        for n in range(start, start + count)
    ]


def of_kind(kind: str, count: int, start: int = 0) -> list[Item]:
    items: list[Item] = []
    for n in range(start, start + count):
        good = n % 2 == 1
        if kind == "classification":
            items += reviews(1, n)
        elif kind == "tagging":
            items.append(
                Tagged(
                    str(n), ("王", "小", "明", "said", "good") * 4, ("B-PER", "I-PER", "I-PER", "O", "O") * 4
                )
            )
        elif kind == "reading":
            passage = f"第{n}间房：{'很好' if good else '太差'}。" * 6 + "王小明说。"
            answers = (("王小明", passage.index("王小明")),) if n % 3 else ()
            items.append(Asked(str(n), passage, "谁说？" if n % 3 else "何时？", answers))
        elif kind == "choice":
            items.append(Choice(str(n), f"第{n}间房", "怎么样？", ("很好", "太差", "王")[: 2 + n % 2], 0))
        else:
            items.append(Written(str(n), f"第{n}间房", ("很好。" if good else "太差。",)))
    return items


def small_task(folder: Path, kind: str = "classification", train_items: int = 48) -> Path:
    splits = {
        "train": of_kind(kind, train_items),
        "validation": of_kind(kind, 12, 1000),
        "test": of_kind(kind, 16, 2000),
    }
    labels = {
        "classification": ("坏", "好"),
        "tagging": ("B-PER", "I-PER", "O"),
        "reading": ("no answer",),
    }.get(kind, ())
    return keep(Task(f"小{kind}", kind, splits, labels, {}, ()), folder / "tasks")
