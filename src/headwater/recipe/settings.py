"""The recipe: one YAML file that declares everything from sources to evaluation, as pydantic models.

Every model refuses unknown keys and does not coerce types, so a typing error is an error and never a default.
Only `sources` has no default. `load.py` reads the YAML and turns pydantic's errors into lines of the file.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, PrivateAttr, field_validator, model_validator

from headwater.recipe.quantities import Count, Size
from headwater.recipe.signals import Signals
from headwater.recipe.sources import Settings, Source
from headwater.recipe.training import ModelSettings, TrainSettings, check_objective, with_default_objective

NAME = r"^[^\s./\\\x00-\x1f][^/\\\x00-\x1f]{0,63}$"  # of a recipe: it also names files in the workspace


class Holdout(Settings):
    share: Annotated[float, Field(ge=0, lt=1)] = 0.1
    salt: str = "headwater-1"


class Takedown(Settings):
    """Documents that have to go, held-out ones too: ids (32 hex digits, or `id:` and the source's own), addresses,
    domains. `files` have one a line, and # comments; they are relative to the recipe."""

    entries: list[str] = Field(default_factory=list)
    files: list[str] = Field(default_factory=list)


# ---------------------------------------------------------------- signals and curation


class Bound(Settings):
    """A signal's allowed range, both ends included. `min: null` or `max: null` switches that side off."""

    min: float | None = None
    max: float | None = None


class Lines(Settings):
    """Edits of whole lines. None switches a part off."""

    # lines whose CCNet key occurs more than so many times among the documents alive at this step
    repeated: Annotated[int, Field(ge=1)] | None = None
    keep_first: bool = True  # of a repeated line keep the first occurrence in the corpus
    refinedweb: bool = False  # RefinedWeb's line rules (upper case, digits, counters, one word)
    # RefinedWeb drops a page when more than this share of its words went
    max_removed_share: Annotated[float, Field(ge=0, le=1)] | None = None
    min_words: Annotated[int, Field(ge=0)] = 0  # a line with fewer words goes (Chinese: segmented words)


# Who of a cluster stays; equals are decided by the lower id. `first` and `source_order`: by place in the corpus, and
# by the order of the recipe's sources; `license`: the most permissive; `best`: by the signal named as `quality`.
Keep = Literal["best", "longest", "first", "oldest", "newest", "license", "source_order"]


class Near(Settings):
    similarity: Annotated[float, Field(gt=0, le=1)] = 0.8
    keep: Keep | None = None  # the policy of the whole step may be written here too


class Substring(Settings):
    """Passages that occur elsewhere in the corpus: the later copies are cut."""

    words: Annotated[int, Field(ge=10)] = 50
    characters: Annotated[int, Field(ge=10)] = 50  # where words are not written apart


class Bloom(Settings):
    """A document leaves when so many of its grams were seen in documents of lower ids (DCLM's numbers)."""

    words: Annotated[int, Field(ge=3)] = 13
    characters: Annotated[int, Field(ge=10)] = 20  # a Chinese word has 1.5 characters
    threshold: Annotated[float, Field(gt=0, le=1)] = 0.8
    false_positives: Annotated[float, Field(gt=0, lt=1)] = 0.01
    memory: Annotated[Size, Field(ge=1)] = 256 * 10**6  # of the filter, whatever the corpus


class Duplicates(Settings):
    url: bool = False  # of documents from one address one stays
    exact: bool = True
    near: Near | None = Field(default_factory=Near)
    keep: Keep | None = None  # default: longest; first where only equal texts are looked for
    quality: str = (
        "fineweb.line_punctuation_quoted"  # for `keep: best`: more is better; with - before it, less
    )
    bloom: Bloom | None = None
    paragraphs: bool = False  # later copies of a paragraph go (CCNet's normalisation)
    substring: Substring | None = None
    # an earlier corpus: its workspace (a folder or a URL), or WORKSPACE/recipes/NAME.json; its documents stay and win
    against: str | None = None

    @model_validator(mode="after")
    def _one_policy(self) -> Self:
        if self.keep is not None and self.near is not None and self.near.keep not in (None, self.keep):
            raise ValueError(f"keep is {self.keep} here and {self.near.keep} in near; name one policy")
        return self

    @property
    def policy(self) -> Keep:
        near = self.near.keep if self.near is not None else None
        return self.keep or near or ("longest" if self.near is not None else "first")


class Decontaminate(Settings):
    words: Annotated[int, Field(ge=3)] = 13
    characters: Annotated[int, Field(ge=10)] = 50  # for Chinese
    margin: Annotated[int, Field(ge=0)] = 200  # characters cut to each side
    max_pieces: Annotated[int, Field(ge=1)] = 10
    # evaluation sets whose text leaves too: files or folders of JSON, JSON lines, CSV or TSV, relative to the recipe
    tasks: Annotated[tuple[str, ...], Field(strict=False)] = ()


PersonalData = Literal["email", "ip", "ip_private", "phone", "mobile", "id_card", "bank_card", "card", "iban", "ssn",
                       "secret", "address", "name"]  # fmt: skip


class Privacy(Settings):
    """What is done with personal data; `privacy: replace` is `privacy: {how: replace}`."""

    how: Literal["replace", "mask", "surrogate"] = "replace"
    # default: what a pattern decides; `address` and `name` only where they are asked for, `ip_private` too
    types: Annotated[list[PersonalData], Field(min_length=1)] | None = None
    min_score: Annotated[float, Field(ge=0, le=1)] = 0.0  # spans that are less sure stay
    key_file: str | None = None  # of surrogates: 16 bytes or more; default: a key that everybody knows

    @property
    def kinds(self) -> tuple[str, ...]:
        if self.types is not None:
            return tuple(self.types)
        return tuple(kind for kind in get_args(PersonalData) if kind not in ("ip_private", "address", "name"))


Step = Literal["rules", "lines", "duplicates", "privacy"]


class Curate(Settings):
    # a name, or a name by language, kind of source or source; null is none: {en: fineweb, code: null}
    preset: str | dict[str, str | None] | None = None
    # {language, kind, source or "*": {family: {signal: {min, max}}}}; dotted keys may be written flat
    rules: dict[str, dict[str, Any]] = Field(default_factory=dict)
    lines: Lines | None = None
    duplicates: Duplicates | None = Field(default_factory=Duplicates)
    # steps of the recipe itself; a preset's passes run at the place of "rules"
    order: list[Step] = Field(default=["lines", "rules", "duplicates", "privacy"])
    privacy: Privacy | None = None
    # sources that are read, and scored where they hold text out, but not trained on
    leave_out: list[str] = Field(default_factory=list)
    decontaminate: Decontaminate | None = Field(default_factory=Decontaminate)
    # by source: weights, or tokens to train on; or alpha: a source of n tokens weighs n ** alpha (1: what it holds)
    mixture: dict[str, float] | None = None
    mixture_tokens: dict[str, Annotated[Count, Field(ge=0)]] | None = None
    mixture_alpha: Annotated[float, Field(ge=0, le=1)] | None = None
    max_epochs: Annotated[float, Field(gt=0)] = 4

    @model_validator(mode="before")
    @classmethod
    def _mixture_epochs(cls, values: Any) -> Any:
        """`mixture: {crawl: .7, wiki: .3, max_epochs: 4}`, `{alpha: .3}`, `{tokens: {crawl: 3M}}`, as people write it."""
        if isinstance(values, dict) and isinstance(values.get("mixture"), dict):
            mixture = dict(values["mixture"])
            names = {"max_epochs": "max_epochs", "alpha": "mixture_alpha", "tokens": "mixture_tokens"}
            values = {**values, **{names[key]: mixture.pop(key) for key in names if key in mixture}}
            values["mixture"] = mixture or None
        return values

    @model_validator(mode="after")
    def _one_mixture(self) -> Self:
        given = [self.mixture, self.mixture_tokens, self.mixture_alpha]
        if sum(one is not None for one in given) > 1:
            raise ValueError("mixture is by weight, by tokens or by alpha: one of them")
        return self

    @field_validator("privacy", mode="before")
    @classmethod
    def _how(cls, value: Any) -> Any:
        return {"how": value} if isinstance(value, str) else value

    @field_validator("order")
    @classmethod
    def _once(cls, value: list[Step]) -> list[Step]:
        if len(set(value)) != len(value):
            raise ValueError("each step at most once")
        return value


# ---------------------------------------------------------------- tokens and evaluation; model and training: training.py


class TokenizerSettings(Settings):
    kind: Literal["byte-bpe", "bpe", "wordpiece", "unigram"] = "byte-bpe"
    vocabulary: Annotated[Count, Field(ge=257, le=2**20)] = 8192
    sample: Annotated[Size, Field(ge=1)] = 64 * 10**6  # text that a new tokeniser is trained on
    # share of characters that the alphabet holds; the rest become bytes (wordpiece: unknown). byte-bpe has no alphabet
    coverage: Annotated[float, Field(gt=0.9, le=1)] = 0.9995
    path: str | None = None  # an existing tokenizer.json


class Evaluate(Settings):
    domains: list[str] | None = None  # default: every domain that has held-out text
    bytes_per_unit: Annotated[Size, Field(ge=1)] | None = (
        None  # score at most so much of a unit, its beginning
    )
    # score at most about so much, shared by the domains and their units alike; in a comparison: the budget's
    max_bytes: Annotated[Size, Field(ge=1)] | None = None
    weights: dict[str, float] | None = None  # default: equal over languages, then over domains
    # what the model is asked beside: tasks as of `headwater evaluate --list`, task files, or lm_eval:NAME
    tasks: list[str] = Field(default_factory=list)
    data: str | None = None  # folder of their data, relative to the recipe; default: HEADWATER_TASK_DATA
    shots: list[Annotated[int, Field(ge=0)]] = Field(default_factory=lambda: [0], min_length=1)
    draws: Annotated[int, Field(ge=1)] = 3  # of examples, for each number above 0
    items: Annotated[Count, Field(ge=2)] | None = None  # of each task; default: all


class Recipe(Settings):
    name: Annotated[str, Field(pattern=NAME)] = "recipe"  # default: the file's, without .yaml
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    workspace: str = "workspace"  # relative to the recipe's folder
    sources: Annotated[list[Source], Field(min_length=1)]
    holdout: Holdout = Field(default_factory=Holdout)
    takedown: Takedown | None = None
    signals: Signals = Field(default_factory=Signals)
    curate: Curate = Field(default_factory=Curate)
    tokenizer: TokenizerSettings = Field(default_factory=TokenizerSettings)
    model: ModelSettings = Field(default_factory=ModelSettings)
    train: TrainSettings = Field(default_factory=TrainSettings)
    evaluate: Evaluate = Field(default_factory=Evaluate)
    max_quarantined: Annotated[float, Field(ge=0, le=1)] = 0.05  # share of records; above it, exit code 3
    _folder: Path = PrivateAttr(default_factory=Path.cwd)

    @property
    def folder(self) -> Path:
        """What relative paths in the recipe are relative to: the recipe file's folder."""
        return self._folder

    @property
    def workspace_path(self) -> Path | str:
        """The workspace's folder, or its URL."""
        return self.workspace if "://" in self.workspace else self.folder / self.workspace

    @model_validator(mode="before")
    @classmethod
    def _objective(cls, values: Any) -> Any:
        return with_default_objective(values)

    @model_validator(mode="after")
    def _learnable(self) -> "Recipe":
        check_objective(self.model, self.train)
        return self

    @field_validator("sources")
    @classmethod
    def _names_differ(cls, sources: list[Any]) -> list[Any]:
        names = [source.name for source in sources]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two sources are named {twice[0]!r}; names must differ")
        return sources
