"""A model as a folder: `config.json`, `model.safetensors`, tokeniser; in Hugging Face's layout where that can hold it.

gpt2-* presets are written as GPT2LMHeadModel and llama-* as LlamaForCausalLM, names and all, so that
`AutoModelForCausalLM.from_pretrained(folder)` loads them. Squared ReLU and QK-norm have no class there: such a
folder says `"model_type": "headwater"` and keeps our names. `load` reads all three, by safetensors alone.
"""

import json
import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from headwater.errors import HeadwaterError
from headwater.model.config import ModelConfig
from headwater.model.tokenizer import SEPARATOR, Tokenizer
from headwater.model.transformer import Transformer

# ours -> GPT-2's; its Conv1D stores matrices as (in, out), ours are (out, in)
GPT2_NAMES = {
    "embedding": "transformer.wte", "positions": "transformer.wpe", "final_norm": "transformer.ln_f",
    "blocks.{}.attention_norm": "transformer.h.{}.ln_1", "blocks.{}.feed_forward_norm": "transformer.h.{}.ln_2",
    "blocks.{}.attention.query_key_value": "transformer.h.{}.attn.c_attn",
    "blocks.{}.attention.output": "transformer.h.{}.attn.c_proj",
    "blocks.{}.feed_forward.up": "transformer.h.{}.mlp.c_fc",
    "blocks.{}.feed_forward.down": "transformer.h.{}.mlp.c_proj",
}  # fmt: skip
# ours -> Llama's; several names where one tensor of ours is theirs stacked
LLAMA_NAMES = {
    "embedding": "model.embed_tokens", "final_norm": "model.norm", "output": "lm_head",
    "blocks.{}.attention_norm": "model.layers.{}.input_layernorm",
    "blocks.{}.feed_forward_norm": "model.layers.{}.post_attention_layernorm",
    "blocks.{}.attention.query_key_value": "model.layers.{0}.self_attn.q_proj model.layers.{0}.self_attn.k_proj "
    "model.layers.{0}.self_attn.v_proj",
    "blocks.{}.attention.output": "model.layers.{}.self_attn.o_proj",
    "blocks.{}.feed_forward.up": "model.layers.{0}.mlp.gate_proj model.layers.{0}.mlp.up_proj",
    "blocks.{}.feed_forward.down": "model.layers.{}.mlp.down_proj",
}  # fmt: skip


def layout(config: ModelConfig) -> str:
    """`gpt2`, `llama`, or `headwater` for what neither can represent."""
    c = config
    common = c.norm_order == "pre" and c.norm_gain and not (c.embedding_norm or c.qk_norm)
    if (
        common and c.norm == "layer" and c.position == "learned" and c.tied and c.bias
        and c.activation in ("gelu", "gelu_tanh", "relu") and c.kv_heads == c.heads
    ):  # fmt: skip
        return "gpt2"
    if common and c.norm == "rms" and c.position == "rotary" and not c.bias and c.activation == "swiglu":
        return "llama"
    return "headwater"


def save(model: Transformer, folder: Path, *, tokenizer: Path | None = None) -> None:
    """Writes the folder, with the `tokenizer.json` that is named; weights in the model's own precision."""
    folder.mkdir(parents=True, exist_ok=True)
    kind = layout(model.config)
    tensors = _to_theirs(kind, model.config, model.state_dict())
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    separator = None
    if tokenizer is not None:
        separator = Tokenizer.load(tokenizer).separator
        shutil.copyfile(tokenizer, folder / "tokenizer.json")
        _write(folder / "tokenizer_config.json", {
            "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": SEPARATOR, "eos_token": SEPARATOR,
            "model_max_length": model.config.context, "clean_up_tokenization_spaces": False,
        })  # fmt: skip
    config = _their_config(kind, model.config)
    dtype = str(next(model.parameters()).dtype).removeprefix("torch.")
    _write(folder / "config.json", {
        **config, "bos_token_id": separator, "eos_token_id": separator, "dtype": dtype,
        "headwater": model.config.as_json(),
    })  # fmt: skip


def load(folder: Path) -> Transformer:
    """The model of a folder that `save` wrote, in fp32 on the CPU. Raises HeadwaterError where it is not whole."""
    try:
        record = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        tensors = load_file(folder / "model.safetensors")
    except (OSError, ValueError) as error:
        raise HeadwaterError(f"{folder}: not a model folder ({error}); train the run again") from error
    described = record.get("headwater")
    if described is None or set(described) != {field.name for field in fields(ModelConfig)}:
        raise HeadwaterError(
            f"{folder}/config.json: not written by this version of Headwater; train the run again"
        )
    config = ModelConfig(**described)
    model = Transformer(config)
    ours = _to_ours(layout(config), config, tensors)
    model.load_state_dict({name: tensor.float() for name, tensor in ours.items()})
    return model


def _to_theirs(kind: str, config: ModelConfig, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    theirs = {}
    for name, tensor in tensors.items():
        names = _their_names(kind, name)
        parts = torch.split(tensor, _rows(config, names)) if len(names) > 1 else (tensor,)
        for their_name, part in zip(names, parts, strict=True):
            theirs[their_name] = (part.mT if _transposed(kind, their_name) else part).cpu().contiguous()
    return theirs


def _to_ours(kind: str, config: ModelConfig, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    ours = {}
    for name in Transformer(config).state_dict():
        parts = [tensors[n].mT if _transposed(kind, n) else tensors[n] for n in _their_names(kind, name)]
        ours[name] = torch.cat(parts) if len(parts) > 1 else parts[0]
    return ours


def _their_names(kind: str, name: str) -> list[str]:
    """ "blocks.3.attention.output.weight" -> ["transformer.h.3.attn.c_proj.weight"]."""
    if kind == "headwater":
        return [name]
    stem, _, ending = name.rpartition(".")
    pieces = stem.split(".")
    number = pieces[1] if pieces[0] == "blocks" else ""
    if number:
        pieces[1] = "{}"
    names = (GPT2_NAMES if kind == "gpt2" else LLAMA_NAMES)[".".join(pieces)]
    return [f"{their_name}.{ending}" for their_name in names.format(number).split()]


def _transposed(kind: str, name: str) -> bool:
    return kind == "gpt2" and ".c_" in name and name.endswith("weight")


def _rows(config: ModelConfig, names: list[str]) -> list[int]:
    if len(names) == 2:
        return [config.feed_forward] * 2
    return [config.width] + [config.kv_heads * config.head_width] * 2


def _their_config(kind: str, config: ModelConfig) -> dict[str, Any]:
    c = config
    if kind == "gpt2":
        names = {"gelu": "gelu", "gelu_tanh": "gelu_new", "relu": "relu"}
        return {
            "architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "vocab_size": c.vocabulary,
            "n_positions": c.context, "n_embd": c.width, "n_layer": c.layers, "n_head": c.heads,
            "n_inner": c.feed_forward, "activation_function": names[c.activation],
            "layer_norm_epsilon": c.norm_epsilon, "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0,
            "tie_word_embeddings": True,
        }  # fmt: skip
    if kind == "llama":
        return {
            "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": c.vocabulary,
            "hidden_size": c.width, "intermediate_size": c.feed_forward, "num_hidden_layers": c.layers,
            "num_attention_heads": c.heads, "num_key_value_heads": c.kv_heads, "hidden_act": "silu",
            "max_position_embeddings": c.context, "rms_norm_eps": c.norm_epsilon, "rope_theta": c.rotary_base,
            "rope_parameters": {"rope_type": "default", "rope_theta": c.rotary_base},
            "attention_bias": False, "mlp_bias": False, "tie_word_embeddings": c.tied,
        }  # fmt: skip
    return {
        "model_type": "headwater",
        "note": "only Headwater loads this model; Hugging Face has no class for it. The presets gpt2-* and llama-* load there",
    }


def _write(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
