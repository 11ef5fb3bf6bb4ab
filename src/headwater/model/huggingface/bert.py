"""BertForMaskedLM: learned positions and segments, layer norm after, a transform and a bias before the softmax."""

from headwater.model.config import ModelConfig
from headwater.model.huggingface.layout import ACTIVATIONS, Record, common, our_activation, plain, require

CLASS, MODEL_TYPE = "BertForMaskedLM", "bert"
# of the whole pre-training model: pooler and next-sentence head; and what is tied
IGNORED = (
    ".position_ids", "bert.pooler.dense.weight", "bert.pooler.dense.bias", "cls.seq_relationship.weight",
    "cls.seq_relationship.bias", "cls.predictions.decoder.weight", "cls.predictions.decoder.bias",
)  # fmt: skip
BLOCK, THEIRS = "encoder.blocks.{}.", "bert.encoder.layer.{0}."
NAMES = {
    "embedding": "bert.embeddings.word_embeddings", "positions": "bert.embeddings.position_embeddings",
    "segments": "bert.embeddings.token_type_embeddings", "embedding_norm": "bert.embeddings.LayerNorm",
    BLOCK + "attention.query_key_value": " ".join(f"{THEIRS}attention.self.{x}" for x in ("query", "key", "value")),
    BLOCK + "attention.output": THEIRS + "attention.output.dense",
    BLOCK + "attention_norm": THEIRS + "attention.output.LayerNorm",
    BLOCK + "feed_forward.up": THEIRS + "intermediate.dense", BLOCK + "feed_forward.down": THEIRS + "output.dense",
    BLOCK + "feed_forward_norm": THEIRS + "output.LayerNorm",
    "transform.dense": "cls.predictions.transform.dense", "transform.norm": "cls.predictions.transform.LayerNorm",
    "output_bias": "cls.predictions.bias",
}  # fmt: skip


def names(config: ModelConfig) -> dict[str, str]:
    return NAMES if config.tied else {**NAMES, "output": "cls.predictions.decoder"}


def holds(c: ModelConfig) -> bool:
    return (
        plain(c) and c.family == "bert" and c.norm == "layer" and c.norm_order == "post" and c.position == "learned"
        and c.segments > 0 and c.embedding_norm and c.output_transform and c.output_bias and c.bias
        and c.attention_bias and c.activation in ACTIVATIONS and c.kv_heads == c.heads
        and c.head_width * c.heads == c.width
    )  # fmt: skip


def their_config(c: ModelConfig) -> Record:
    return {
        "vocab_size": c.vocabulary, "hidden_size": c.width, "num_hidden_layers": c.layers,
        "num_attention_heads": c.heads, "intermediate_size": c.feed_forward, "hidden_act": ACTIVATIONS[c.activation],
        "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "max_position_embeddings": c.context,
        "type_vocab_size": c.segments, "layer_norm_eps": c.norm_epsilon, "tie_word_embeddings": c.tied,
    }  # fmt: skip


def our_config(r: Record) -> Record:
    require(r, {"is_decoder": False, "add_cross_attention": False, "position_embedding_type": "absolute"})
    width, heads = r["hidden_size"], r["num_attention_heads"]
    return {
        **common(r, "bert"), "layers": r["num_hidden_layers"], "width": width, "heads": heads, "kv_heads": heads,
        "head_width": width // heads, "feed_forward": r["intermediate_size"], "context": r["max_position_embeddings"],
        "norm": "layer", "norm_order": "post", "norm_epsilon": r.get("layer_norm_eps", 1e-12), "embedding_norm": True,
        "activation": our_activation(r, "hidden_act"), "position": "learned", "segments": r["type_vocab_size"],
        "tied": r.get("tie_word_embeddings", True), "output_transform": True, "output_bias": True,
        "attention_bias": True, "bias": True,
    }  # fmt: skip


def their_names(name: str) -> str:
    """The name as the class itself writes it; the first checkpoints called a norm's weights gamma and beta."""
    return name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")
