"""The recipe: one YAML file that declares everything from sources to evaluation, as pydantic models.

Every model refuses unknown keys and does not coerce types, so a typing error is an error and never a default.
Only `sources` has no default. `load.py` reads the YAML and turns pydantic's errors into lines of the file.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, field_validator, model_validator

from headwater.recipe.quantities import Count, Size
from headwater.recipe.signals import Signals
from headwater.recipe.sources import Settings, Source

NAME = r"^[^\s./\\\x00-\x1f][^/\\\x00-\x1f]{0,63}$"  # of a recipe: it also names files in the workspace


class Holdout(Settings):
    share: Annotated[float, Field(ge=0, lt=1)] = 0.1
    salt: str = "headwater-1"


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


class Near(Settings):
    similarity: Annotated[float, Field(gt=0, le=1)] = 0.8
    keep: Literal["longest", "first", "newest"] = "longest"


class Duplicates(Settings):
    exact: bool = True
    near: Near | None = Field(default_factory=Near)


class Decontaminate(Settings):
    words: Annotated[int, Field(ge=3)] = 13
    characters: Annotated[int, Field(ge=10)] = 50  # for Chinese
    margin: Annotated[int, Field(ge=0)] = 200  # characters cut to each side
    max_pieces: Annotated[int, Field(ge=1)] = 10


Step = Literal["rules", "lines", "duplicates"]


class Curate(Settings):
    # a name, or a name by language, kind of source or source; null is none: {en: fineweb, code: null}
    preset: str | dict[str, str | None] | None = None
    # {language, kind, source or "*": {family: {signal: {min, max}}}}; dotted keys may be written flat
    rules: dict[str, dict[str, Any]] = Field(default_factory=dict)
    lines: Lines | None = None
    duplicates: Duplicates | None = Field(default_factory=Duplicates)
    # steps of the recipe itself; a preset's passes run at the place of "rules"
    order: list[Step] = Field(default=["lines", "rules", "duplicates"])
    decontaminate: Decontaminate | None = Field(default_factory=Decontaminate)
    mixture: dict[str, float] | None = None  # weight by source
    max_epochs: Annotated[float, Field(gt=0)] = 4

    @model_validator(mode="before")
    @classmethod
    def _mixture_epochs(cls, values: Any) -> Any:
        """`mixture: {crawl: .7, wiki: .3, max_epochs: 4}`, as people write it."""
        if isinstance(values, dict) and isinstance(values.get("mixture"), dict):
            mixture = dict(values["mixture"])
            if "max_epochs" in mixture:
                values = {**values, "mixture": mixture, "max_epochs": mixture.pop("max_epochs")}
        return values

    @field_validator("order")
    @classmethod
    def _once(cls, value: list[Step]) -> list[Step]:
        if len(set(value)) != len(value):
            raise ValueError("each step at most once")
        return value


# ---------------------------------------------------------------- tokens, model, training, evaluation


class TokenizerSettings(Settings):
    kind: Literal["byte-bpe"] = "byte-bpe"
    vocabulary: Annotated[Count, Field(ge=257, le=2**20)] = 8192
    sample: Size = 64 * 10**6  # text that a new tokeniser is trained on
    path: str | None = None  # an existing tokenizer.json


class ModelSettings(Settings):
    family: Literal["gpt"] = "gpt"
    preset: str = "modern-nano"
    layers: Annotated[int, Field(ge=1)] | None = None
    width: Annotated[int, Field(ge=8)] | None = None
    heads: Annotated[int, Field(ge=1)] | None = None
    context: Annotated[int, Field(ge=8)] | None = None


class TrainSettings(Settings):
    objective: Literal["lm"] = "lm"
    tokens: Count = 5_000_000
    batch: Annotated[Count, Field(ge=1)] = 8192  # tokens a step
    optimizer: Literal["muon", "adamw"] = "muon"
    learning_rate: Annotated[float, Field(gt=0)] | None = None  # default: the optimiser's and size's own
    schedule: Literal["wsd", "cosine", "linear"] = "wsd"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    checkpoint_every: Annotated[Count, Field(ge=1)] = 1_000_000  # tokens


class Evaluate(Settings):
    domains: list[str] | None = None  # default: every domain that has held-out text
    bytes_per_unit: Size | None = None  # score at most so much of a unit, for speed
    weights: dict[str, float] | None = None  # default: equal over languages, then over domains


class Recipe(Settings):
    name: Annotated[str, Field(pattern=NAME)] = "recipe"  # default: the file's, without .yaml
    seed: Annotated[int, Field(ge=0)] = 0
    workspace: str = "workspace"  # relative to the recipe's folder
    sources: Annotated[list[Source], Field(min_length=1)]
    holdout: Holdout = Field(default_factory=Holdout)
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

    @field_validator("sources")
    @classmethod
    def _names_differ(cls, sources: list[Any]) -> list[Any]:
        names = [source.name for source in sources]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two sources are named {twice[0]!r}; names must differ")
        return sources
