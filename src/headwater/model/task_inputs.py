"""Items of tasks as what a model reads: tokens, which of them stand where, and where the answer is read off.

    family   one text                  a pair                              read at
    bert     [CLS] a [SEP]             [CLS] a [SEP] b [SEP]               [CLS], through a pooler (Devlin 2019)
    gpt      <s> a <s>                 <s> a <s> b <s>                     the last token, which has seen all (Radford 2018)
    xlnet    a <sep> <cls>             a <sep> b <sep> <cls>               <cls>, which is last; padding is left (Yang 2019)
    t5       a </s>                    a </s> b </s>                       the decoder's first state (see task_model)

`<s>` is the separator of texts; before the first one stands what the tokeniser puts there itself, if it does. What does not fit the context is cut: the end of a text; of a pair the longer of the
two, token by token (Devlin 2019). Passages of reading are read in overlapping windows instead, and words of tagging in
windows side by side: nothing of them is cut.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headwater.errors import HeadwaterError, RecipeError
from headwater.model.special_tokens import SpecialTokens
from headwater.model.tokenizer import Tokenizer
from headwater.tasks.items import Asked, Choice, Classified, Item, Tagged

STRIDE = 0.5  # of a window's room for the passage: how far the next window moves
LONGEST_ANSWER = 64  # tokens


@dataclass(frozen=True)
class Row:
    """One sequence. `places` are in its tokens, before any padding."""

    item: int
    tokens: np.ndarray  # (T,) int64
    segments: np.ndarray | None  # (T,): 0, 1 and XLNet's 2
    read: int  # where classification and choice are read off (t5: its decoder), and "no answer" of reading
    places: np.ndarray | None = None  # tagging: first token of each word; reading: tokens of the passage
    spans: np.ndarray | None = None  # reading: code points of the passage that these are of, (n, 2)
    window: int = 0  # of several that an item is read in
    target: np.ndarray | None = (
        None  # classes; (start, end) of reading in tokens; generation: what is written
    )


class Coder:
    """Encodes items for a family: `Coder(tokenizer, "bert", 128).rows(items, labels)`."""

    def __init__(self, tokenizer: Tokenizer, family: str, context: int) -> None:
        self.tokenizer, self.family, self.context = tokenizer, family, context
        self.special: SpecialTokens = tokenizer.special(family)
        missing = [role for role in _NEEDED[family] if getattr(self.special, role) is None]
        if missing:
            raise HeadwaterError(
                f"the model's tokeniser has no {missing[0]} token, which the {family} family needs; train the run again"
            )

    def ids(self, text: str) -> list[int]:
        return [int(token) for token in self.tokenizer.encode(text)]

    def rows(self, items: Sequence[Item], labels: Sequence[str] = (), *, every: bool = False) -> list[Row]:
        """All rows of the items, in order. `every`: a row for each text that may be written, not for the first alone."""
        place = {label: number for number, label in enumerate(labels)}
        made: list[Row] = []
        for number, item in enumerate(items):
            if isinstance(item, Classified):
                made.append(self._classified(number, item, place))
            elif isinstance(item, Choice):
                made += self._options(number, item)
            elif isinstance(item, Tagged):
                made += self._tagged(number, item, place)
            elif isinstance(item, Asked):
                made += self._windows(number, item)
            else:
                texts = item.references if every else item.references[:1]
                made += [self._written(number, item.source, text) for text in texts]
        return made

    def cut(self, rows: Sequence[Row]) -> int:
        """How many items are as long as the context or longer."""
        return len({row.item for row in rows if len(row.tokens) >= self.context})

    # ---------------------------------------------------------------- a text, or two

    def joined(
        self, number: int, one: list[int], two: list[int] | None, target: np.ndarray | None = None
    ) -> Row:
        room = self.context - self._marks(two is not None)
        one, two = _fitted(one, two, room)
        special = self.special
        if self.family == "gpt":
            between = [special.separator]
            tokens = [special.first, *one, *between, *([] if two is None else [*two, *between])]
            return Row(number, np.array(tokens), None, len(tokens) - 1, target=target)
        end = special.end
        assert end is not None
        first, second = [*one, end], [] if two is None else [*two, end]
        if self.family == "t5":
            return Row(number, np.array([*first, *second]), None, len(first) - 1, target=target)
        assert special.begin is not None
        parts = [first, second]
        parts = [[special.begin, *first], second] if self.family == "bert" else [*parts, [special.begin]]
        segments = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        tokens = [token for part in parts for token in part]
        return Row(
            number, np.array(tokens), segments, 0 if self.family == "bert" else len(tokens) - 1, target=target
        )

    def _marks(self, pair: bool) -> int:
        return {"gpt": 2, "bert": 2, "xlnet": 2, "t5": 1}[self.family] + pair

    def _classified(self, number: int, item: Classified, place: dict[str, int]) -> Row:
        two = None if item.pair is None else self.ids(item.pair)
        return self.joined(number, self.ids(item.text), two, np.array([place.get(item.label, -1)]))

    def _options(self, number: int, item: Choice) -> list[Row]:
        """One row an option: the passage, and the question with the option; without a passage these alone."""
        passage, made = self.ids(item.passage), []
        for option in item.options:
            answer = self.ids(f"{item.question} {option}".strip())
            one, two = (passage, answer) if passage else (answer, None)
            made.append(self.joined(number, one, two, np.array([item.answer])))
        return made

    # ---------------------------------------------------------------- words with tags

    def _tagged(self, number: int, item: Tagged, place: dict[str, int]) -> list[Row]:
        """A tag is read off the first token of its word (Devlin 2019)."""
        room = self.context - self._marks(False)
        words = [
            self.ids(" " + word if before else word)[:room] or [self.special.separator]
            for word, before in zip(item.words, _spaced(item.words), strict=True)
        ]
        windows: list[list[int]] = [[]]
        for index, word in enumerate(words):
            if sum(len(words[i]) for i in windows[-1]) + len(word) > room:
                windows.append([])
            windows[-1].append(index)
        made = []
        for place_of_window, window in enumerate(windows):
            row = self.joined(number, [token for i in window for token in words[i]], None)
            before = 1 if self.family in ("bert", "gpt") else 0
            places = before + np.cumsum([0, *(len(words[i]) for i in window)])[:-1]
            classes = np.array([place.get(item.tags[i], -1) for i in window])
            made.append(
                Row(
                    number, row.tokens, row.segments, row.read, places, window=place_of_window, target=classes
                )
            )
        return made

    # ---------------------------------------------------------------- a question to a passage

    def _windows(self, number: int, item: Asked) -> list[Row]:
        question = self.ids(item.question)[: self.context // 3]
        tokens, spans = self.tokenizer.encode_with_places(item.passage)
        room = self.context - self._marks(True) - len(question)
        made: list[Row] = []
        start = 0
        while True:
            piece = tokens[start : start + room]
            row = self.joined(number, question, list(piece))
            before = len(question) + (2 if self.family == "bert" else 1)
            where = np.array(spans[start : start + room]).reshape(-1, 2)
            places = before + np.arange(len(piece))
            target = np.array(_target(where, item.answers, places, row.read))
            made.append(Row(number, row.tokens, row.segments, row.read, places, where, len(made), target))
            if start + room >= len(tokens):
                return made
            start += max(1, int(room * STRIDE))

    # ---------------------------------------------------------------- a source and what is written

    def _written(self, number: int, source_text: str, target_text: str) -> Row:
        """gpt, xlnet: source and target in one row, the target's tokens being what is learnt; t5: one each."""
        source, target = self.ids(source_text), self.ids(target_text)
        room = self.context
        if self.family == "t5":
            assert self.special.end is not None
            row = self.joined(number, source, None)
            return Row(number, row.tokens, None, 0, target=np.array([*target[: room - 1], self.special.end]))
        beginning = self.beginning(source, room // 2)
        written = [*target[: room - len(beginning) - 1], self.stop]
        tokens = np.array([*beginning, *written])
        return Row(number, tokens, None, len(beginning), target=np.array(written))

    def beginning(self, source: list[int], room: int) -> list[int]:
        """What stands before a text that is to be written. A source that is longer loses its end."""
        mark = self.special.separator
        if self.family == "xlnet":
            return [*source[: room - 1], mark]
        return [self.special.first if self.family == "gpt" else mark, *source[: room - 2], mark]

    @property
    def stop(self) -> int:
        """The token that ends what is written."""
        return (
            self.special.end
            if self.family == "t5" and self.special.end is not None
            else self.special.separator
        )


_NEEDED = {"gpt": (), "bert": ("begin", "end"), "xlnet": ("begin", "end"), "t5": ("pad", "end")}


def _fitted(one: list[int], two: list[int] | None, room: int) -> tuple[list[int], list[int] | None]:
    if two is None:
        return one[:room], None
    over = len(one) + len(two) - room
    if over <= 0:
        return one, two
    # taking tokens off the longer one, one after another, ends where this does
    keep_one = min(len(one), max(room - len(two), (room + 1) // 2))
    return one[:keep_one], two[: room - keep_one]


def _spaced(words: Sequence[str]) -> list[bool]:
    """Whether a space stands before each word: not at the beginning, and not beside Chinese characters."""

    def dense(word: str) -> bool:
        return bool(word) and "\u2e80" <= word[0] <= "\uffef"

    return [bool(n) and not (dense(word) or dense(words[n - 1])) for n, word in enumerate(words)]


def _target(
    spans: np.ndarray, answers: tuple[tuple[str, int], ...], places: np.ndarray, none: int
) -> tuple[int, int]:
    """(first, last) token of the first answer where the window holds all of it, else twice the place of "no answer"."""
    if answers and len(spans):
        text, start = answers[0]
        end = start + len(text)
        if spans[0][0] <= start and end <= spans[-1][1]:
            inside = np.flatnonzero((spans[:, 1] > start) & (spans[:, 0] < end))
            if len(inside):
                return int(places[inside[0]]), int(places[inside[-1]])
    return none, none


def refuse_kind(kind: str, family: str) -> None:
    """Raises RecipeError where a family has no head for a kind of task."""
    if family == "gpt" and kind in ("tagging", "reading"):
        raise RecipeError(
            f"{kind} needs a model that sees what comes after a token too; a gpt model does not: use a run of the bert, "
            "xlnet or t5 family"
        )
    if family == "bert" and kind == "generation":
        raise RecipeError(
            "generation needs a model that writes from left to right; a bert model does not: use a run of the gpt, t5 or "
            "xlnet family"
        )
