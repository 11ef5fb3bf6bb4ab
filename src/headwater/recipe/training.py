"""The recipe's `model` and `train`: what is trained, on what objective, how."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from headwater.recipe.quantities import Count
from headwater.recipe.sources import Settings

Family = Literal["gpt", "bert", "t5", "xlnet"]
DEFAULT_PRESETS = {"gpt": "modern-nano", "bert": "bert-nano", "t5": "t5-nano", "xlnet": "xlnet-nano"}
DEFAULT_OBJECTIVES = {"gpt": "lm", "bert": "mlm", "t5": "span", "xlnet": "plm"}
# presets whose name does not begin with their family's belong to gpt
_FAMILY_OF_STYLE = {"bert": "bert", "t5": "t5", "t5v1.1": "t5", "vanilla": "t5", "xlnet": "xlnet"}


class ModelSettings(Settings):
    """Family and preset imply each other; `path` is a model's folder, ours or from a hub, to go on from."""

    family: Family = "gpt"
    preset: str = "modern-nano"
    path: str | None = None
    layers: Annotated[int, Field(ge=1)] | None = None
    width: Annotated[int, Field(ge=8)] | None = None
    heads: Annotated[int, Field(ge=1)] | None = None
    context: Annotated[int, Field(ge=8)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _each_from_the_other(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        family, preset = values.get("family"), values.get("preset")
        if family is None and isinstance(preset, str):
            return {**values, "family": _FAMILY_OF_STYLE.get(preset.partition("-")[0], "gpt")}
        if preset is None and family in DEFAULT_PRESETS:
            return {**values, "preset": DEFAULT_PRESETS[family]}
        return values

    @model_validator(mode="after")
    def _preset_of_the_family(self) -> "ModelSettings":
        style = self.preset.partition("-")[0]
        families = ("gpt", "bert") if style == "modern" else (_FAMILY_OF_STYLE.get(style, "gpt"),)
        if self.path is None and self.family not in families:
            raise ValueError(
                f"preset {self.preset!r} is no model of the {self.family} family but of {' and '.join(families)}; leave "
                "one of family and preset out"
            )
        return self

    @model_validator(mode="after")
    def _a_folder_has_its_size(self) -> "ModelSettings":
        sized = [name for name in ("layers", "width", "heads") if getattr(self, name) is not None]
        if self.path is not None and sized:
            raise ValueError(f"{sized[0]} is that of the model in `path`; leave it out")
        return self


class TrainSettings(Settings):
    objective: Literal["lm", "mlm", "plm", "span", "episodes"] = "lm"  # default: that of the model's family
    tokens: Annotated[Count, Field(ge=1)] = 5_000_000
    batch: Annotated[Count, Field(ge=1)] = 8192  # tokens a step
    micro_batch: Annotated[Count, Field(ge=1)] | None = (
        None  # tokens a pass; default: the whole batch at once
    )
    processes: Annotated[int, Field(ge=1)] = 1  # that share each batch
    parallel: Literal["ddp", "fsdp"] = "ddp"  # each process holds the whole model, or its rows of it
    compile: bool | None = None  # blocks by torch.compile; default: on CUDA
    gpus: Annotated[float, Field(ge=0)] = 0  # that a training asks a cluster for
    document_masks: bool | None = (
        None  # texts in one sequence do not see each other; default: all but lm and span
    )
    whole_words: bool = True  # of mlm: mask words, not pieces of them
    optimizer: Literal["muon", "adamw"] = "muon"
    learning_rate: Annotated[float, Field(gt=0)] | None = None  # default: the optimiser's and size's own
    schedule: Literal["wsd", "cosine", "linear"] = "wsd"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    checkpoint_every: Annotated[Count, Field(ge=1)] = 1_000_000  # tokens
    # tokens between losses on held-out text (and one at the end); null: none. Comparisons score what is finished.
    validate_every: Annotated[Count, Field(ge=1)] | None = 1_000_000
    validation_tokens: Annotated[Count, Field(ge=1)] = 32_768  # that such a loss is taken on


def check_objective(model: ModelSettings, train: TrainSettings) -> None:
    """Raises ValueError where the family cannot learn the objective."""
    if train.objective == "episodes" and model.family == "gpt":
        return
    if train.objective != DEFAULT_OBJECTIVES[model.family]:
        raise ValueError(
            f"a {model.family} model cannot learn {train.objective}; leave train.objective out, or set it to "
            f"{DEFAULT_OBJECTIVES[model.family]}"
        )


def with_default_objective(values: Any) -> Any:
    """A recipe's values, the objective being that of the model's family where `train` names none."""
    if not isinstance(values, dict):
        return values
    model, train = values.get("model", {}), values.get("train", {})
    if isinstance(model, ModelSettings) or not isinstance(model, dict) or not isinstance(train, dict):
        return values
    style = str(model.get("preset", "")).partition("-")[0]
    family = model.get("family") or _FAMILY_OF_STYLE.get(style, "gpt")
    if family in ("gpt", None) or "objective" in train or family not in DEFAULT_OBJECTIVES:
        return values
    return {**values, "train": {**train, "objective": DEFAULT_OBJECTIVES[family]}}
