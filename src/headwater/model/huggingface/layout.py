"""What a class of Hugging Face's is to us: its names for our tensors, and its config for ours.

Each class is a module beside this one with

    CLASS, MODEL_TYPE      as in config.json
    IGNORED                endings of tensors that its checkpoints may hold beside those of the model
    names(config)          {our name: theirs}. A key is a whole name or its beginning, "{}" being the block's number;
                           several names, where one tensor of ours is theirs stacked, are separated by spaces
    holds(config)          whether the class can represent the model
    their_config(config)   its part of config.json
    our_config(record)     the fields of a ModelConfig from theirs; `refuse` where we have no such model
    to_theirs, to_ours     (their name, tensor, config) -> tensor, where shapes differ
"""

from typing import Any, NoReturn

from headwater.errors import HeadwaterError
from headwater.model.config import ModelConfig

Record = dict[str, Any]

ACTIVATIONS = {"gelu": "gelu", "gelu_tanh": "gelu_new", "relu": "relu"}
_OURS = {
    "gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh", "gelu_fast": "gelu_tanh",
    "relu": "relu",
}  # fmt: skip


def our_activation(record: Record, key: str) -> str:
    if record[key] not in _OURS:
        refuse(record, key, f"one of {', '.join(_OURS)}")
    return _OURS[record[key]]


def refuse(record: Record, key: str, supported: str) -> NoReturn:
    raise HeadwaterError(
        f"config.json: {key} is {record.get(key)!r}; Headwater has {record.get('model_type')} models with {supported} only"
    )


def require(record: Record, expected: Record) -> None:
    """Refuses a record that has another value under one of these keys; a key that is missing has the value."""
    for key, value in expected.items():
        if record.get(key, value) != value:
            refuse(record, key, repr(value))


def plain(config: ModelConfig) -> bool:
    """What all five classes have in common."""
    c = config
    return c.norm_gain and not (c.qk_norm or c.embedding_scale)


def common(record: Record, family: str) -> Record:
    """Fields that none of the five classes varies."""
    return {
        "family": family, "preset": f"{record['model_type']} checkpoint", "vocabulary": record["vocab_size"],
        "norm_gain": True, "zero_projections": False, "embedding_std": record.get("initializer_range", 0.02),
    }  # fmt: skip
