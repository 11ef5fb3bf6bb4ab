"""What an item of each kind of task is."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Classified:
    """A text, or a pair of them, and its label."""

    id: str
    text: str
    pair: str | None
    label: str

    @property
    def texts(self) -> tuple[str, ...]:
        return (self.text,) if self.pair is None else (self.text, self.pair)

    @property
    def target(self) -> str:
        return self.label

    @property
    def group(self) -> str:
        """What must not stand on both sides of a cut, and what is drawn together when scores are resampled."""
        return self.text


@dataclass(frozen=True)
class Tagged:
    """Words (in Chinese often characters) and a tag of each, IOB2: B-PER, I-PER, O."""

    id: str
    words: tuple[str, ...]
    tags: tuple[str, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        return (" ".join(self.words),)

    @property
    def target(self) -> str:
        return " ".join(self.tags)

    @property
    def group(self) -> str:
        return self.texts[0]


@dataclass(frozen=True)
class Asked:
    """A question to a passage. `answers` are (text, first code point in the passage); none: it has no answer there."""

    id: str
    passage: str
    question: str
    answers: tuple[tuple[str, int], ...]

    @property
    def texts(self) -> tuple[str, ...]:
        return (self.passage, self.question)

    @property
    def target(self) -> str:
        return " | ".join(text for text, _ in self.answers)

    @property
    def group(self) -> str:
        return self.passage


@dataclass(frozen=True)
class Choice:
    """A question to a passage (either may be empty), options, and the place of the right one."""

    id: str
    passage: str
    question: str
    options: tuple[str, ...]
    answer: int

    @property
    def texts(self) -> tuple[str, ...]:
        return (self.passage, self.question, *self.options)

    @property
    def target(self) -> str:
        return self.options[self.answer]

    @property
    def group(self) -> str:
        return self.passage or self.question


@dataclass(frozen=True)
class Written:
    """A source, and one or more texts that may be written of it: a summary, a translation, an answer."""

    id: str
    source: str
    references: tuple[str, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        return (self.source,)

    @property
    def target(self) -> str:
        return self.references[0]

    @property
    def group(self) -> str:
        return self.source


Item = Classified | Tagged | Asked | Choice | Written
KINDS: dict[str, type[Item]] = {
    "classification": Classified,
    "tagging": Tagged,
    "reading": Asked,
    "choice": Choice,
    "generation": Written,
}


def as_json(item: Item) -> dict[str, Any]:
    return asdict(item)


def from_json(kind: str, record: Mapping[str, Any]) -> Item:
    """What `as_json` gave, lists being tuples again."""
    values = {name: _tuples(value) for name, value in record.items()}
    return KINDS[kind](**values)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(one) for one in value) if isinstance(value, list) else value
