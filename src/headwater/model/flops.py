"""Model FLOPs: the multiplications and additions that a step needs, counted by formula.

A matrix of R × C costs 2·R·C a row that goes through it; the scores of T queries and S keys and what is read by them
2 · 2·T·S·H·E, under a causal mask half of it. The way back costs twice the way there (Kaplan 2020; Chowdhery 2022,
appendix B). Counted is what the model needs, not what is computed: nothing for embeddings, norms and softmaxes, an
output row for what is predicted alone, of BERT's last block the rows that are predicted, and no product that is made twice to save memory.

Model FLOPs a second over the machine's own rate of matrix products are the utilisation (MFU).
"""

from headwater.model.config import ModelConfig


def training_flops(
    config: ModelConfig, *, rows: int, tokens: int, predicted: int, queries: int = 0, decoder_tokens: int = 0
) -> int:
    """FLOPs of one pass there and back over `rows` sequences of `tokens` positions each.

    `predicted`: targets in all rows; `queries`: K of XLNet's second stream; `decoder_tokens`: U of T5's decoder.
    """
    width, inner = config.width, config.heads * config.head_width
    keys_values = 2 * width * 2 * config.kv_heads * config.head_width  # of a position
    query_output = 2 * 2 * width * inner
    feed_forward = 2 * (3 if config.gated else 2) * width * config.feed_forward

    def stack(layers: int, positions: int, *, causal: bool) -> int:
        met = (positions + 1) / 2 if causal else positions  # keys a query meets
        a_position = keys_values + query_output + feed_forward + 4 * met * inner
        return round(layers * positions * a_position)

    if config.family == "xlnet":
        last = config.layers - bool(queries)  # blocks that the content goes through as a whole
        a_query = query_output + feed_forward + 6 * tokens * inner  # scores of content and of distance
        a_sequence = last * tokens * (keys_values + a_query) + queries * config.layers * a_query
        a_sequence += tokens * keys_values * bool(queries)
    elif config.family == "t5":
        a_sequence = stack(config.layers, tokens, causal=False)
        a_sequence += stack(config.decoder_layers, decoder_tokens, causal=True)
        crossing = decoder_tokens * (query_output + 4 * tokens * inner) + tokens * keys_values
        a_sequence += config.decoder_layers * crossing
    elif config.family == "bert":
        a_sequence = stack(config.layers - 1, tokens, causal=False) + tokens * keys_values
    else:
        a_sequence = stack(config.layers, tokens, causal=True)
    head = 2 * width * config.vocabulary + (2 * width * width if config.output_transform else 0)
    if config.family == "bert":  # of the last block, what is predicted
        head += query_output + feed_forward + 4 * tokens * inner
    return 3 * (rows * a_sequence + predicted * head)
