"""T5ForConditionalGeneration, both versions: a bias of distances a stack, RMS norm before, scores not divided by √E.

Version 1.0 ties the output to the embedding and divides the states by √D before it. `tie_word_embeddings: false` is
version 1.1 to transformers 5 and says that they are not divided; whether the output is tied, the file shows.
"""

from headwater.model.config import ModelConfig
from headwater.model.huggingface.layout import Record, common, plain, refuse

CLASS, MODEL_TYPE = "T5ForConditionalGeneration", "t5"
IGNORED = (
    "encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight",
    "EncDecAttention.relative_attention_bias.weight",
)  # fmt: skip
FEED_FORWARD = {
    "relu": "relu", "gelu": "gelu", "gelu_tanh": "gelu_new", "geglu_tanh": "gated-gelu", "swiglu": "gated-silu",
}  # fmt: skip
DEFAULT_CONTEXT = 512  # the class has no longest sequence; T5 was trained on this many


def names(config: ModelConfig) -> dict[str, str]:
    ours = {"embedding": "shared"} if config.tied else {"embedding": "shared", "output": "lm_head"}
    for stack, feed_forward in (("encoder", 1), ("decoder", 2)):
        block, theirs = f"{stack}.blocks.{{}}.", f"{stack}.block.{{0}}.layer."
        attention, dense = f"{theirs}0.SelfAttention", f"{theirs}{feed_forward}.DenseReluDense"
        ours |= {
            f"{stack}.final_norm": f"{stack}.final_layer_norm",
            f"{stack}.position_bias": f"{stack}.block.0.layer.0.SelfAttention.relative_attention_bias",
            f"{block}attention_norm": f"{theirs}0.layer_norm",
            f"{block}attention.query_key_value": " ".join(f"{attention}.{x}" for x in "qkv"),
            f"{block}attention.output": f"{attention}.o",
            f"{block}feed_forward_norm": f"{theirs}{feed_forward}.layer_norm",
            f"{block}feed_forward.up": f"{dense}.wi_0 {dense}.wi_1" if config.gated else f"{dense}.wi",
            f"{block}feed_forward.down": f"{dense}.wo",
        }
    block, theirs = "decoder.blocks.{}.", "decoder.block.{0}.layer.1."
    return ours | {
        f"{block}cross_norm": f"{theirs}layer_norm",
        f"{block}cross_attention.query_key_value": " ".join(f"{theirs}EncDecAttention.{x}" for x in "qkv"),
        f"{block}cross_attention.output": f"{theirs}EncDecAttention.o",
    }


def holds(c: ModelConfig) -> bool:
    return (
        plain(c) and c.family == "t5" and c.norm == "rms" and c.norm_order == "pre" and c.position == "t5"
        and not (c.attention_scale or c.bias or c.attention_bias or c.embedding_norm)
        and c.activation in FEED_FORWARD and c.kv_heads == c.heads
    )  # fmt: skip


def their_config(c: ModelConfig) -> Record:
    return {
        "vocab_size": c.vocabulary, "d_model": c.width, "d_kv": c.head_width, "d_ff": c.feed_forward,
        "num_layers": c.layers, "num_decoder_layers": c.decoder_layers, "num_heads": c.heads,
        "relative_attention_num_buckets": c.position_buckets, "relative_attention_max_distance": c.position_reach,
        "dropout_rate": 0.0, "layer_norm_epsilon": c.norm_epsilon, "feed_forward_proj": FEED_FORWARD[c.activation],
        "is_encoder_decoder": True, "n_positions": c.context, "scale_decoder_outputs": c.output_scale,
        "tie_word_embeddings": c.output_scale,
    }  # fmt: skip


def our_config(r: Record) -> Record:
    ours = {theirs: activation for activation, theirs in FEED_FORWARD.items()}
    kind = r.get("feed_forward_proj", "relu")
    if kind not in ours:
        refuse(r, "feed_forward_proj", f"one of {', '.join(ours)}")
    scaled = r.get("scale_decoder_outputs", r.get("tie_word_embeddings", True))
    return {
        **common(r, "t5"), "layers": r["num_layers"], "decoder_layers": r.get("num_decoder_layers") or r["num_layers"],
        "width": r["d_model"], "heads": r["num_heads"], "kv_heads": r["num_heads"], "head_width": r["d_kv"],
        "feed_forward": r["d_ff"], "context": r.get("n_positions", DEFAULT_CONTEXT), "norm": "rms",
        "norm_order": "pre", "norm_epsilon": r.get("layer_norm_epsilon", 1e-6), "embedding_norm": False,
        "activation": ours[kind], "position": "t5", "position_buckets": r.get("relative_attention_num_buckets", 32),
        "position_reach": r.get("relative_attention_max_distance", 128), "attention_scale": False,
        "tied": r["tied"], "output_scale": scaled, "attention_bias": False, "bias": False, "embedding_std": 1.0,
    }  # fmt: skip
