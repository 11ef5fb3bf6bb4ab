"""What a recipe says of signals: which of the built-in families, and the families that need something of the user's.

The latter have names of their own, which are family names too: `classifiers: {quality: …}` gives `quality.score`.
Paths are relative to the recipe's folder; a file's content, not its path, is part of the key of what is measured.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from headwater.recipe.languages import CODES, no_language
from headwater.recipe.sources import Settings

FamilyName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


def _known(code: str) -> str:
    if code not in CODES:
        raise ValueError(no_language(code))
    return code


Language = Annotated[str, AfterValidator(_known)]
Percentile = Annotated[float, Field(ge=0, le=100)]


class Perplexity(Settings):
    """Family `perplexity`: a model of `headwater train-ngram` for each language ("*": any other)."""

    models: Annotated[dict[str, str], Field(min_length=1)]
    # CCNet's head, middle and tail: percentiles of perplexity among the texts that the model was not trained on
    head: Percentile = 30
    tail: Percentile = 60

    @field_validator("models")
    @classmethod
    def _languages(cls, models: dict[str, str]) -> dict[str, str]:
        for code in models.keys() - {"*"}:
            _known(code)
        return models

    @model_validator(mode="after")
    def _in_order(self) -> "Perplexity":
        if self.head > self.tail:
            raise ValueError("head must not be above tail")
        return self


class Classifier(Settings):
    """A model of `headwater train-classifier`, or a fastText model (.bin, .ftz) and the label to score."""

    model: str
    label: str | None = None
    # kept with probability 1 − (1 + score's complement)^−alpha as in GPT-3: signal `keep`, judged as `min: 1`
    pareto_alpha: Annotated[float, Field(gt=0)] = 9
    seed: Annotated[int, Field(ge=0)] = 0


class WordList(Settings):
    """Words or phrases, an entry a line, in UTF-8; `#` begins a comment."""

    files: Annotated[list[str], Field(min_length=1)]


class Function(Settings):
    """`module:function`, called with a list of texts (and `settings` as keywords), gives a list of values."""

    function: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")]
    settings: dict[str, Any] = Field(default_factory=dict)
    type: Literal["double", "int64", "bool", "string"] = "double"
    batch: Annotated[int, Field(ge=1, le=10_000)] = 64
    gpus: Annotated[float, Field(ge=0)] = 0  # that a task asks a cluster for (1, or a share such as 0.5)


class Scores(Settings):
    """Values by document id from a Parquet, JSONL or CSV file."""

    path: str
    id: str = "id"
    column: str = "score"
    missing: Literal["error", "null"] = (
        "error"  # null: not judged; error: quarantined where a rule asks for it
    )


class Signals(Settings):
    # default: every built-in family; a recipe may measure fewer
    families: list[str] | None = None
    # documents in other languages (`und`: in none) are gated: `language` and no other family is measured on them, and
    # nothing is trained on them
    languages: Annotated[list[Language], Field(min_length=1)] | None = None
    perplexity: Perplexity | None = None
    classifiers: dict[FamilyName, Classifier] = Field(default_factory=dict)
    word_lists: dict[FamilyName, WordList] = Field(default_factory=dict)
    functions: dict[FamilyName, Function] = Field(default_factory=dict)
    scores: dict[FamilyName, Scores] = Field(default_factory=dict)
