"""What a model is trained to do: pure functions (rows of tokens, their random generators) -> batch, and one loss.

lm     gpt    the next token
mlm    bert   masked tokens
plm    xlnet  tokens in a random order
span   t5     spans that were cut out
episodes  gpt: the next token in half of the rows, in the others labels that only the row itself explains

Chance is a function of (seed, epoch, document): each sequence has a generator of its own, made from its key.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from headwater.errors import RecipeError
from headwater.model.special_tokens import SpecialTokens
from headwater.model.tokenizer import Tokenizer
from headwater.train.objectives import episodes, lm, mlm, plm, span
from headwater.train.objectives.batch import Batch, batch_loss

__all__ = ["OBJECTIVES", "Batch", "Objective", "batch_loss", "objective_of"]

OBJECTIVES = {
    "lm": "gpt",
    "mlm": "bert",
    "plm": "xlnet",
    "span": "t5",
    "episodes": "gpt",
}  # and the family that learns it


@dataclass(frozen=True)
class Objective:
    """How text becomes batches: `text_tokens` in a row (and one more, of the row after it), `between` texts."""

    name: str
    text_tokens: int
    between: tuple[int, ...]
    make: Callable[[np.ndarray, np.ndarray], Batch]  # rows (B, text_tokens + 1), keys (B,)


def objective_of(
    name: str,
    *,
    family: str,
    context: int,
    vocabulary: int,
    separator: int,
    tokenizer: Tokenizer | None = None,
    document_masks: bool = False,
    whole_words: bool = True,
) -> Objective:
    """Raises RecipeError where family and objective, or objective and tokeniser, do not belong together.

    Only `lm` does without the tokeniser; given it, a text begins as it does when the model is asked: with what the
    tokeniser puts before every text, where it does (`SpecialTokens.first`).
    """
    if OBJECTIVES[name] != family:
        fitting = next(objective for objective, learner in OBJECTIVES.items() if learner == family)
        raise RecipeError(
            f"train.objective is {name}, which a {family} model cannot learn: its attention "
            f"{'sees the tokens that it would predict' if name == 'lm' else 'is not made for it'}; "
            f"leave it out, or set it to {fitting}"
        )
    first = separator if tokenizer is None else tokenizer.special(family).first
    begin = () if family != "gpt" or first == separator else (first,)
    if name == "lm":
        mark = first if document_masks else None
        return Objective(
            name, context, (separator, *begin), lambda rows, keys: lm.batch(rows, separator=mark)
        )
    assert tokenizer is not None
    special = tokenizer.special(family)
    _require(special, family)
    ordinary = np.array([n for n in range(min(vocabulary, tokenizer.vocabulary)) if n not in special.ids])
    if name == "episodes":
        if document_masks:
            raise RecipeError("train.document_masks: an episode is one text; leave it out")
        return Objective(
            name,
            context,
            (separator, *begin),
            lambda rows, keys: episodes.batch(rows, _randoms(keys), ordinary, first),
        )
    if name == "span":
        if document_masks:
            raise RecipeError(
                "train.document_masks: spans are cut out of a row whatever texts it holds; leave it out"
            )
        text = span.text_tokens(context)
        return Objective(
            name, text, (separator,), lambda rows, keys: span.batch(rows[:, :-1], _randoms(keys), special)
        )
    assert special.begin is not None and special.end is not None
    token_bytes = tokenizer.token_bytes() if whole_words else None

    def make(rows: np.ndarray, keys: np.ndarray) -> Batch:
        text, randoms = rows[:, :-1], _randoms(keys)
        if name == "mlm":
            batch = mlm.batch(text, randoms, special, ordinary, token_bytes=token_bytes)
        else:
            batch = plm.batch(text, randoms, special)
        return batch if document_masks else replace(batch, documents=None)

    return Objective(name, context - 2, (special.end, special.begin), make)


def _randoms(keys: np.ndarray) -> list[np.random.Generator]:
    return [np.random.Generator(np.random.Philox(key=int(key))) for key in keys]


def _require(special: SpecialTokens, family: str) -> None:
    needed = {
        "gpt": (),
        "bert": ("begin", "end", "mask"),
        "xlnet": ("begin", "end"),
        "t5": ("pad", "end", "sentinels"),
    }
    for role in needed[family]:
        if getattr(special, role) in (None, ()):
            raise RecipeError(
                f"the training set's tokeniser has no {role} token, which the {family} family needs; run "
                "`headwater curate` again with this model.family"
            )
