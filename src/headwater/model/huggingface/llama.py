"""LlamaForCausalLM: rotary positions (halves paired), RMS norm before, SwiGLU, grouped-query heads."""

from headwater.model.config import ModelConfig
from headwater.model.huggingface.layout import Record, common, plain, refuse, require

CLASS, MODEL_TYPE = "LlamaForCausalLM", "llama"
IGNORED = (".rotary_emb.inv_freq", "lm_head.weight")
BLOCK, THEIRS = "decoder.blocks.{}.", "model.layers.{0}."
NAMES = {
    "embedding": "model.embed_tokens", "decoder.final_norm": "model.norm",
    BLOCK + "attention_norm": THEIRS + "input_layernorm",
    BLOCK + "feed_forward_norm": THEIRS + "post_attention_layernorm",
    BLOCK + "attention.query_key_value": " ".join(f"{THEIRS}self_attn.{x}_proj" for x in "qkv"),
    BLOCK + "attention.output": THEIRS + "self_attn.o_proj",
    BLOCK + "feed_forward.up": f"{THEIRS}mlp.gate_proj {THEIRS}mlp.up_proj",
    BLOCK + "feed_forward.down": THEIRS + "mlp.down_proj",
}  # fmt: skip


def names(config: ModelConfig) -> dict[str, str]:
    return NAMES if config.tied else {**NAMES, "output": "lm_head"}


def holds(c: ModelConfig) -> bool:
    return (
        plain(c) and c.family == "gpt" and c.norm == "rms" and c.norm_order == "pre" and c.position == "rotary"
        and c.activation == "swiglu" and not c.embedding_norm
    )  # fmt: skip


def their_config(c: ModelConfig) -> Record:
    return {
        "vocab_size": c.vocabulary, "hidden_size": c.width, "intermediate_size": c.feed_forward,
        "num_hidden_layers": c.layers, "num_attention_heads": c.heads, "num_key_value_heads": c.kv_heads,
        "head_dim": c.head_width, "hidden_act": "silu", "max_position_embeddings": c.context,
        "rms_norm_eps": c.norm_epsilon, "rope_theta": c.rotary_base,
        "rope_parameters": {"rope_type": "default", "rope_theta": c.rotary_base}, "attention_bias": c.attention_bias,
        "mlp_bias": c.bias, "tie_word_embeddings": c.tied,
    }  # fmt: skip


def our_config(r: Record) -> Record:
    require(r, {"hidden_act": "silu"})
    rotary = r.get("rope_parameters") or r.get("rope_scaling") or {}
    # "type" before transformers 4.43; without either, positions are not scaled
    if (rotary.get("rope_type") or rotary.get("type") or "default") != "default":
        refuse({**r, "rope_parameters": rotary}, "rope_parameters", "unscaled rotary positions")
    width, heads = r["hidden_size"], r["num_attention_heads"]
    return {
        **common(r, "gpt"), "layers": r["num_hidden_layers"], "width": width, "heads": heads,
        "kv_heads": r.get("num_key_value_heads") or heads, "head_width": r.get("head_dim") or width // heads,
        "feed_forward": r["intermediate_size"], "context": r.get("max_position_embeddings", 2048), "norm": "rms",
        "norm_order": "pre", "norm_epsilon": r.get("rms_norm_eps", 1e-6), "embedding_norm": False,
        "activation": "swiglu", "position": "rotary",
        "rotary_base": float(rotary.get("rope_theta") or r.get("rope_theta") or 10_000),
        "tied": r.get("tie_word_embeddings", False), "attention_bias": r.get("attention_bias", False),
        "bias": r.get("mlp_bias", False),
    }  # fmt: skip
