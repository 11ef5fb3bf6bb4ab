"""Named models, from `nano` to `base`, by one dial: the size sets layers and width, all else follows.

Parameters without embeddings of one stack: nano 0.6M, micro 1M, mini 5M, small 11M, medium 25M, base 85M. `base` is
the published base size. A recipe may set `layers`, `width`, `heads` and `context` beside the preset.

gpt2          Radford 2019; `gpt2-base` with 50,257 tokens is GPT-2 small. Loads as Hugging Face's GPT2LMHeadModel.
llama         Touvron 2023: RMS norm, rotary positions, SwiGLU. Loads as LlamaForCausalLM.
modern        what trains fastest at these sizes (Jordan 2024, the modded-nanogpt speed runs; Karpathy 2025,
              nanochat): rotary positions, RMS norm without gains, QK-norm, squared ReLU (So 2021), projections that
              start at zero, untied output. Meant for the Muon optimiser. No class of Hugging Face's can represent it.
bert          Devlin 2019, without the prediction of the next sentence (Liu 2019). Loads as BertForMaskedLM.
t5, t5v1.1    Raffel 2020, and its second version (gated GELU, untied output). Load as T5ForConditionalGeneration.
vanilla-2017  Vaswani 2017, 6 + 6 layers: sinusoidal positions, norms after, ReLU, d_ff = 4d. The base size is meant
              where no size is named. No class of Hugging Face's among the five can represent it.
vanilla-12    the same with the founding text's 12 layers a stack.
xlnet         Yang 2019, without the memory of earlier segments. Loads as XLNetLMHeadModel.
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
PUBLISHED_CONTEXT = 512  # of BERT, T5 and XLNet
# of the stacks whose number of layers is their name: width, context
VANILLA_SIZES = {
    "nano": (64, 128), "micro": (96, 128), "mini": (128, 512), "small": (256, 512), "medium": (384, 512),
    "base": (512, 512),
}  # fmt: skip

_PLAIN = {
    "norm_gain": True, "embedding_norm": False, "qk_norm": False, "tied": True, "attention_bias": False, "bias": False,
    "zero_projections": False, "embedding_std": 0.02,
}  # fmt: skip
_VANILLA = {
    **_PLAIN, "norm": "layer", "norm_order": "post", "norm_epsilon": 1e-6, "activation": "relu",
    "position": "sinusoidal", "embedding_scale": True, "bias": True,
}  # fmt: skip
_T5 = {
    **_PLAIN, "norm": "rms", "norm_order": "pre", "norm_epsilon": 1e-6, "activation": "relu", "position": "t5",
    "attention_scale": False, "output_scale": True, "embedding_std": 1.0,
}  # fmt: skip

STYLES: dict[str, dict[str, Any]] = {
    "gpt2": {
        **_PLAIN, "norm": "layer", "norm_order": "pre", "norm_epsilon": 1e-5, "activation": "gelu_tanh",
        "position": "learned", "attention_bias": True, "bias": True,
    },
    "llama": {
        **_PLAIN, "norm": "rms", "norm_order": "pre", "norm_epsilon": 1e-6, "activation": "swiglu",
        "position": "rotary", "tied": False,
    },
    "modern": {
        **_PLAIN, "norm": "rms", "norm_order": "pre", "norm_epsilon": 1e-6, "norm_gain": False,
        "embedding_norm": True, "activation": "relu2", "position": "rotary", "qk_norm": True, "tied": False,
        "zero_projections": True, "embedding_std": 0.5,
    },
    "bert": {
        **_PLAIN, "norm": "layer", "norm_order": "post", "norm_epsilon": 1e-12, "embedding_norm": True,
        "activation": "gelu", "position": "learned", "segments": 2, "output_transform": True, "output_bias": True,
        "attention_bias": True, "bias": True,
    },
    "t5": _T5,
    "t5v1.1": {
        **_T5, "activation": "geglu_tanh", "tied": False, "output_scale": False,
    },
    "vanilla-2017": _VANILLA,
    "vanilla-12": _VANILLA,
    "xlnet": {
        **_PLAIN, "norm": "layer", "norm_order": "post", "norm_epsilon": 1e-12, "activation": "gelu",
        "position": "xlnet", "output_bias": True, "bias": True,
    },
}  # fmt: skip

# which presets a family can be made from; the first is its default
FAMILIES = {
    "gpt": ("modern", "gpt2", "llama"),
    "bert": ("bert", "modern"),
    "t5": ("t5", "t5v1.1", "vanilla-2017", "vanilla-12"),
    "xlnet": ("xlnet",),
}
VANILLA_LAYERS = {"vanilla-2017": 6, "vanilla-12": 12}
PRESETS = [f"{style}-{size}" for style in STYLES for size in SIZES]


def resolve(settings: Mapping[str, Any], vocabulary: int) -> ModelConfig:
    """A recipe's `model` settings as a config: {"family", "preset", and optionally "layers", "width", "heads", "context"}.

    Heads are 32 wide up to a model width of 128 and 64 beyond, unless `heads` says otherwise. Raises RecipeError
    for an unknown preset, one of another family, and for numbers that do not fit each other.
    """
    family, preset = settings["family"], settings["preset"]
    style, size = (preset, "base") if preset in VANILLA_LAYERS else preset.rpartition("-")[::2]
    if style not in STYLES or size not in SIZES:
        near = get_close_matches(preset, PRESETS, 1)
        raise RecipeError(
            f"model.preset: there is no {preset!r}; {f'did you mean {near[0]!r}? ' if near else ''}"
            f"presets are {{{', '.join(STYLES)}}}-{{{', '.join(SIZES)}}}"
        )
    if style not in FAMILIES[family]:
        others = " or ".join(name for name, styles in FAMILIES.items() if style in styles)
        raise RecipeError(
            f"model.preset: {preset!r} is no model of the {family} family; use family: {others}, or one of "
            f"{', '.join(f'{name}-{size}' for name in FAMILIES[family])}"
        )
    if style in VANILLA_LAYERS:
        layers, (width, context) = VANILLA_LAYERS[style], VANILLA_SIZES[size]
    else:
        layers, width, context = SIZES[size]
        context = context if family == "gpt" else min(context, PUBLISHED_CONTEXT)
    layers = settings.get("layers") or layers
    width = settings.get("width") or width
    heads = settings.get("heads") or max(1, width // (32 if width <= 128 else 64))
    if width % heads:
        fitting = [n for n in range(1, width + 1) if width % n == 0]
        nearest = min(fitting, key=lambda n: abs(n - heads))
        raise RecipeError(
            f"model.heads is {heads}, which does not divide model.width {width}; try heads: {nearest}"
        )
    config = ModelConfig(
        family=family, preset=preset, vocabulary=vocabulary, layers=layers,
        decoder_layers=layers if family == "t5" else 0, width=width, heads=heads, kv_heads=heads,
        head_width=width // heads, feed_forward=4 * width, context=settings.get("context") or context, **STYLES[style],
    )  # fmt: skip
    if config.activation == "swiglu":  # three matrices in the place of two: 8/3 of the width, in steps of 32
        config = replace(config, feed_forward=-(-8 * width // 3 // 32) * 32)
    if config.activation == "geglu_tanh":  # the same for T5 v1.1, in steps of 64 (2,048 at a width of 768)
        config = replace(config, feed_forward=-(-8 * width // 3 // 64) * 64)
    return config
