"""Text in, text out: what a model of any writing family makes of a prompt, character by character.

A model that was trained on text continues text; it was not taught to answer. What "continue" means for each family:

gpt     [separator] prompt → what comes after it, up to the next separator
xlnet   prompt → what comes after it; texts have no end that its objective would teach (special tokens are no targets)
t5      prompt with a gap, written ___ (at its end where there is none) → what fills the gap, up to the next sentinel

A character may be cut between tokens (Chinese in a byte-level vocabulary: three bytes): it is given when it is whole.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headwater.errors import HeadwaterError
from headwater.model import huggingface
from headwater.model.generate import Ending, Sampling, Writer
from headwater.model.tokenizer import Tokenizer
from headwater.model.transformer import Transformer

GAP = "___"
_CUT = "\ufffd"  # how the tokeniser shows bytes that are no whole character


def model_folder(run: Path) -> Path:
    """The model of a run, or the folder itself where it is a model's. Raises HeadwaterError where it is neither."""
    for folder in (run / "model", run):
        if (folder / "config.json").is_file() and (folder / "tokenizer.json").is_file():
            return folder
    raise HeadwaterError(
        f"{run}: no run here (a run has model/config.json and model/tokenizer.json); `headwater train RECIPE` makes one "
        "and prints its folder"
    )


class Talker:
    """A model with its tokeniser: `for text in Talker.load(run).answer("I love"): print(text, end="")`."""

    def __init__(self, model: Transformer, tokenizer: Tokenizer) -> None:
        self.model, self.tokenizer = model, tokenizer
        self.special = tokenizer.special(model.config.family)

    @classmethod
    def load(cls, run: Path) -> "Talker":
        folder = model_folder(run)
        return cls(huggingface.load(folder), Tokenizer.load(folder / "tokenizer.json"))

    def answer(self, prompt: str, *, new_tokens: int = 200, sampling: Sampling = Sampling()) -> "Answer":  # noqa: B008
        """What the model makes of the prompt: iterate for its text as it comes."""
        special, config = self.special, self.model.config
        options: dict[str, Any] = {"new_tokens": new_tokens, "sampling": sampling}
        before, _, after = prompt.partition(GAP) if config.family == "t5" else (prompt, "", "")
        tokens = self._ids(before)
        ends = {special.separator, special.end, special.begin, *special.sentinels}
        if config.family == "t5":
            if special.pad is None or special.end is None or not special.sentinels:
                raise HeadwaterError("this model's tokeniser has no sentinels, so no gap can be shown to it")
            gap = special.sentinels[0]
            options["sources"] = [[*tokens, gap, *self._ids(after), special.end]]
            beginning = [special.pad, gap]
        elif config.family == "xlnet":
            if not tokens:
                raise HeadwaterError("an xlnet model needs a beginning: give it some text")
            beginning = tokens
        else:
            beginning = [special.first, *tokens]
        stop = {token for token in ends if token is not None}
        beyond = range(min(self.tokenizer.vocabulary, config.vocabulary), config.vocabulary)
        banned = {*special.ids, *beyond} - stop  # a token without text is no character
        writer = Writer(self.model, [beginning], stop=stop, banned=banned, **options)
        return Answer(writer, self.tokenizer, [] if config.family == "t5" else tokens, len(beginning))

    def _ids(self, text: str) -> list[int]:
        return [int(token) for token in self.tokenizer.encode(text)]


class Answer:
    """Iterating gives text in whole characters; `text`, `tokens` and `ended` hold what came so far."""

    def __init__(self, writer: Writer, tokenizer: Tokenizer, before: list[int], read: int) -> None:
        self.text, self.prompt_tokens = "", read
        self._writer, self._tokenizer, self._before = writer, tokenizer, before[-8:]

    @property
    def tokens(self) -> list[int]:
        return self._writer.rows[0]

    @property
    def unread(self) -> int:
        """Tokens of the prompt, from its beginning, that the model's context has no room for."""
        return self._writer.unread[0]

    @property
    def ended(self) -> Ending | None:
        """None where it was interrupted."""
        return self._writer.ended[0]

    def __iter__(self) -> Iterator[str]:
        # decoded with some tokens before them: in many vocabularies a word's space belongs to its neighbour
        shown, given = 0, len(self._before)
        for _ in self._writer:
            if piece := self._piece(shown, given, whole=True):
                shown, given = given, len(self._before) + len(self.tokens)
                yield piece
        if piece := self._piece(shown, given, whole=False):
            yield piece

    def _piece(self, shown: int, given: int, *, whole: bool) -> str:
        tokens = self._before + self.tokens
        if len(tokens) == given:
            return ""
        old, new = self._tokenizer.decode(tokens[shown:given]), self._tokenizer.decode(tokens[shown:])
        if whole and new.endswith(_CUT):
            return ""
        piece = new[len(old) :]
        self.text += piece
        return piece
