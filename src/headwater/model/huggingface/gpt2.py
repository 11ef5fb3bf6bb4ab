"""GPT2LMHeadModel: learned positions, layer norm before; its Conv1D stores matrices as (in, out), ours are (out, in)."""

from torch import Tensor

from headwater.model.config import ModelConfig
from headwater.model.huggingface.layout import ACTIVATIONS, Record, common, our_activation, plain, require

CLASS, MODEL_TYPE = "GPT2LMHeadModel", "gpt2"
IGNORED = (".attn.bias", ".attn.masked_bias", "lm_head.weight")
BLOCK = "decoder.blocks.{}."
NAMES = {
    "embedding": "transformer.wte", "positions": "transformer.wpe", "decoder.final_norm": "transformer.ln_f",
    BLOCK + "attention_norm": "transformer.h.{}.ln_1", BLOCK + "feed_forward_norm": "transformer.h.{}.ln_2",
    BLOCK + "attention.query_key_value": "transformer.h.{}.attn.c_attn",
    BLOCK + "attention.output": "transformer.h.{}.attn.c_proj",
    BLOCK + "feed_forward.up": "transformer.h.{}.mlp.c_fc", BLOCK + "feed_forward.down": "transformer.h.{}.mlp.c_proj",
}  # fmt: skip


def names(config: ModelConfig) -> dict[str, str]:
    return NAMES if config.tied else {**NAMES, "output": "lm_head"}


def holds(c: ModelConfig) -> bool:
    return (
        plain(c) and c.family == "gpt" and c.norm == "layer" and c.norm_order == "pre" and c.position == "learned"
        and c.bias and c.attention_bias and c.activation in ACTIVATIONS and c.kv_heads == c.heads
        and c.head_width * c.heads == c.width and not c.embedding_norm
    )  # fmt: skip


def their_config(c: ModelConfig) -> Record:
    return {
        "vocab_size": c.vocabulary, "n_positions": c.context, "n_embd": c.width, "n_layer": c.layers,
        "n_head": c.heads, "n_inner": c.feed_forward, "activation_function": ACTIVATIONS[c.activation],
        "layer_norm_epsilon": c.norm_epsilon, "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0,
        "tie_word_embeddings": c.tied,
    }  # fmt: skip


def our_config(r: Record) -> Record:
    require(
        r,
        {"scale_attn_weights": True, "scale_attn_by_inverse_layer_idx": False, "add_cross_attention": False},
    )
    width, heads = r["n_embd"], r["n_head"]
    return {
        **common(r, "gpt"), "layers": r["n_layer"], "width": width, "heads": heads, "kv_heads": heads,
        "head_width": width // heads, "feed_forward": r.get("n_inner") or 4 * width,
        "context": r.get("n_positions") or r["n_ctx"], "norm": "layer", "norm_order": "pre",
        "norm_epsilon": r.get("layer_norm_epsilon", 1e-5), "embedding_norm": False,
        "activation": our_activation({"activation_function": "gelu_new", **r}, "activation_function"),
        "position": "learned", "tied": r.get("tie_word_embeddings", True), "attention_bias": True, "bias": True,
    }  # fmt: skip


def their_names(name: str) -> str:
    """The name as the class itself writes it; the first checkpoints were written without "transformer."."""
    return name if name.startswith(("transformer.", "lm_head.")) else f"transformer.{name}"


def to_theirs(name: str, tensor: Tensor, config: ModelConfig) -> Tensor:
    return tensor.mT if ".c_" in name and name.endswith("weight") else tensor


to_ours = to_theirs
