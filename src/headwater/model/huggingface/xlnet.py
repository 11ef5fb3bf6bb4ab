"""XLNetLMHeadModel: two streams, relative positions; without memory of earlier segments, which we do not have."""

from torch import Tensor

from headwater.model.config import ModelConfig
from headwater.model.huggingface.layout import ACTIVATIONS, Record, common, our_activation, plain, require

CLASS, MODEL_TYPE = "XLNetLMHeadModel", "xlnet"
IGNORED = ("lm_loss.weight",)
BLOCK, THEIRS = "encoder.blocks.{}.", "transformer.layer.{0}."
ATTENTION = THEIRS + "rel_attn."
NAMES = {
    "embedding": "transformer.word_embedding", "query": "transformer.mask_emb", "output_bias": "lm_loss.bias",
    BLOCK + "attention.query_key_value.weight": " ".join(ATTENTION + x for x in "qkv"),
    BLOCK + "attention.output.weight": ATTENTION + "o",
    BLOCK + "attention.relative.project.weight": ATTENTION + "r",
    BLOCK + "attention.relative.content_bias": ATTENTION + "r_w_bias",
    BLOCK + "attention.relative.position_bias": ATTENTION + "r_r_bias",
    BLOCK + "attention.relative.segment_bias": ATTENTION + "r_s_bias",
    BLOCK + "attention.relative.segment": ATTENTION + "seg_embed", BLOCK + "attention_norm": ATTENTION + "layer_norm",
    BLOCK + "feed_forward.up": THEIRS + "ff.layer_1", BLOCK + "feed_forward.down": THEIRS + "ff.layer_2",
    BLOCK + "feed_forward_norm": THEIRS + "ff.layer_norm",
}  # fmt: skip
DEFAULT_CONTEXT = 512  # the class has no longest sequence; XLNet was trained on this many


def names(config: ModelConfig) -> dict[str, str]:
    return NAMES if config.tied else {**NAMES, "output": "lm_loss"}


def holds(c: ModelConfig) -> bool:
    return (
        plain(c) and c.family == "xlnet" and c.norm == "layer" and c.norm_order == "post" and c.bias
        and not (c.attention_bias or c.embedding_norm) and c.output_bias and c.activation in ACTIVATIONS
        and c.kv_heads == c.heads and c.head_width * c.heads == c.width
    )  # fmt: skip


def their_config(c: ModelConfig) -> Record:
    return {
        "vocab_size": c.vocabulary, "d_model": c.width, "n_layer": c.layers, "n_head": c.heads, "d_head": c.head_width,
        "d_inner": c.feed_forward, "ff_activation": ACTIVATIONS[c.activation], "attn_type": "bi",
        "layer_norm_eps": c.norm_epsilon, "dropout": 0.0, "mem_len": None, "use_mems_eval": False,
        "use_mems_train": False, "bi_data": False, "clamp_len": -1, "tie_word_embeddings": c.tied,
    }  # fmt: skip


def our_config(r: Record) -> Record:
    require(r, {"attn_type": "bi", "clamp_len": -1, "same_length": False})
    width, heads = r["d_model"], r["n_head"]
    return {
        **common(r, "xlnet"), "layers": r["n_layer"], "width": width, "heads": heads, "kv_heads": heads,
        "head_width": r.get("d_head") or width // heads, "feed_forward": r["d_inner"],
        "context": DEFAULT_CONTEXT, "norm": "layer", "norm_order": "post",
        "norm_epsilon": r.get("layer_norm_eps", 1e-12), "embedding_norm": False,
        "activation": our_activation(r, "ff_activation"), "position": "xlnet",
        "tied": r.get("tie_word_embeddings", True), "output_bias": True, "attention_bias": False, "bias": True,
    }  # fmt: skip


def to_theirs(name: str, tensor: Tensor, config: ModelConfig) -> Tensor:
    """Their matrices of attention are (D, H, E): ours (H·E, D), and of the output (D, H·E)."""
    heads = (config.width, config.heads, config.head_width)
    if name.endswith(("rel_attn.q", "rel_attn.k", "rel_attn.v", "rel_attn.r")):
        return tensor.mT.reshape(heads)
    if name.endswith("rel_attn.o"):
        return tensor.reshape(heads)
    return tensor.view(1, 1, -1) if name.endswith("mask_emb") else tensor


def to_ours(name: str, tensor: Tensor, config: ModelConfig) -> Tensor:
    if name.endswith(("rel_attn.q", "rel_attn.k", "rel_attn.v", "rel_attn.r")):
        return tensor.flatten(1).mT
    if name.endswith("rel_attn.o"):
        return tensor.flatten(1)
    return tensor.flatten() if name.endswith("mask_emb") else tensor
