"""Named models, from `nano` to `base`, by one dial: the size sets layers and width, all else follows.

Parameters without embeddings: nano 0.6M, micro 1M, mini 5M, small 11M, medium 25M, base 85M. A recipe may set
`layers`, `width`, `heads` and `context` beside the preset.

gpt2    Radford 2019; `gpt2-base` with 50,257 tokens is GPT-2 small. Loads as Hugging Face's GPT2LMHeadModel.
llama   Touvron 2023: RMS norm, rotary positions, SwiGLU. Loads as LlamaForCausalLM.
modern  what trains fastest at these sizes (Jordan 2024, the modded-nanogpt speed runs; Karpathy 2025, nanochat):
        rotary positions, RMS norm without gains, QK-norm, squared ReLU (So 2021), projections that start at
        zero, untied output. Meant for the Muon optimiser. No class of Hugging Face's can represent it.
"""

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from headwater.errors import RecipeError
from headwater.model.config import ModelConfig

# size: layers, width, context
SIZES = {
    "nano": (3, 128, 128),
    "micro": (5, 128, 128),
    "mini": (6, 256, 512),
    "small": (6, 384, 512),
    "medium": (8, 512, 1024),
    "base": (12, 768, 1024),
}

STYLES: dict[str, dict[str, Any]] = {
    "gpt2": {
        "norm": "layer", "norm_epsilon": 1e-5, "norm_gain": True, "embedding_norm": False, "activation": "gelu_tanh",
        "position": "learned", "qk_norm": False, "tied": True, "bias": True, "zero_projections": False,
        "embedding_std": 0.02,
    },
    "llama": {
        "norm": "rms", "norm_epsilon": 1e-6, "norm_gain": True, "embedding_norm": False, "activation": "swiglu",
        "position": "rotary", "qk_norm": False, "tied": False, "bias": False, "zero_projections": False,
        "embedding_std": 0.02,
    },
    "modern": {
        "norm": "rms", "norm_epsilon": 1e-6, "norm_gain": False, "embedding_norm": True, "activation": "relu2",
        "position": "rotary", "qk_norm": True, "tied": False, "bias": False, "zero_projections": True,
        "embedding_std": 0.5,
    },
}  # fmt: skip

PRESETS = [f"{style}-{size}" for style in STYLES for size in SIZES]


def resolve(settings: Mapping[str, Any], vocabulary: int) -> ModelConfig:
    """A recipe's `model` settings as a config: {"family", "preset", and optionally "layers", "width", "heads", "context"}.

    Heads are 32 wide up to a model width of 128 and 64 beyond, unless `heads` says otherwise. Raises RecipeError
    for an unknown preset and for numbers that do not fit each other.
    """
    preset = settings["preset"]
    if preset not in PRESETS:
        near = get_close_matches(preset, PRESETS, 1)
        raise RecipeError(
            f"model.preset: there is no {preset!r}; {f'did you mean {near[0]!r}? ' if near else ''}"
            f"presets are {{{', '.join(STYLES)}}}-{{{', '.join(SIZES)}}}"
        )
    style, size = preset.rsplit("-", 1)
    layers, width, context = SIZES[size]
    layers = settings.get("layers") or layers
    width = settings.get("width") or width
    heads = settings.get("heads") or max(1, width // (32 if width <= 128 else 64))
    config = ModelConfig(
        family=settings["family"], preset=preset, vocabulary=vocabulary, layers=layers, width=width, heads=heads,
        kv_heads=heads, feed_forward=4 * width, context=settings.get("context") or context, norm_order="pre",
        rotary_base=10_000.0, **STYLES[style],
    )  # fmt: skip
    if config.activation == "swiglu":  # three matrices in the place of two: 8/3 of the width, in steps of 32
        config = replace(config, feed_forward=-(-8 * width // 3 // 32) * 32)
    return config
