"""What differs between Transformers, as data: one frozen config, read by every module of `model`.

Letters for shapes, the same in all of `model` and `train`: B batch, T target (query) positions, S source (key)
positions, H heads, D model width, E head width, F feed-forward width, V vocabulary; K positions to predict.

    family   stacks               attention                      objective
    gpt      decoder              causal                         lm
    bert     encoder              bidirectional                  mlm
    t5       encoder and decoder  bidirectional; causal, cross   span
    xlnet    encoder              permuted, two streams          plm
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from headwater.errors import RecipeError

GATED = ("swiglu", "geglu_tanh")  # activations with a second matrix


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """One Transformer. Raises RecipeError where the numbers do not fit each other."""

    family: Literal["gpt", "bert", "t5", "xlnet"]
    preset: str  # what it was made from; the architecture is in the fields below
    vocabulary: int
    layers: int  # of the only stack, or of the encoder
    decoder_layers: int = 0  # of the decoder beside an encoder
    width: int
    heads: int
    kv_heads: int  # fewer than heads: grouped-query attention
    head_width: int
    feed_forward: int  # width of the hidden layer
    context: int  # the longest sequence
    norm: Literal["layer", "rms"]
    norm_order: Literal["pre", "post"]
    norm_epsilon: float
    norm_gain: bool  # learned gains (and biases where `bias`), or none
    embedding_norm: bool  # a norm before the first block
    embedding_scale: bool = False  # embeddings times √D before positions are added (Vaswani 2017)
    activation: Literal["gelu", "gelu_tanh", "relu", "swiglu", "geglu_tanh", "relu2"]
    position: Literal["learned", "sinusoidal", "rotary", "t5", "xlnet"]
    rotary_base: float = 10_000.0
    position_buckets: int = 32  # of T5's bias
    position_reach: int = 128  # distance from which on T5's bias is the same
    segments: int = 0  # embeddings of segments, added to those of tokens (BERT)
    qk_norm: bool = False  # RMS norm of queries and keys
    attention_scale: bool = True  # scores divided by √E (EQ-ATT); T5 leaves it to the initialisation
    tied: bool  # the output matrix is the embedding (EQ-LM)
    output_transform: bool = False  # a layer and a norm before the output (BERT)
    output_bias: bool = False
    output_scale: bool = False  # states divided by √D before the output (T5 v1.0)
    attention_bias: bool
    bias: bool  # of the feed-forward layers and of layer norms
    zero_projections: bool  # what writes into the residual stream, and an untied output, starts at zero
    embedding_std: float

    def __post_init__(self) -> None:
        counts = (
            "vocabulary",
            "layers",
            "width",
            "heads",
            "kv_heads",
            "head_width",
            "feed_forward",
            "context",
        )
        for name in counts:
            if getattr(self, name) < 1:
                raise RecipeError(f"model.{name} is {getattr(self, name)}; it must be at least 1")
        if self.heads % self.kv_heads:
            raise RecipeError(f"model.kv_heads is {self.kv_heads}, which does not divide heads {self.heads}")
        if self.position == "rotary" and self.head_width % 2:
            raise RecipeError(
                f"model.width {self.width} over {self.heads} heads gives heads of {self.head_width}; rotary "
                "positions turn pairs and need an even number"
            )
        if self.position in ("sinusoidal", "xlnet") and self.width % 2:
            raise RecipeError(f"model.width is {self.width}; sines come with cosines and need an even width")
        if (self.family == "t5") != (self.decoder_layers > 0):
            raise RecipeError(
                f"model.decoder_layers is {self.decoder_layers}, but only the t5 family has two stacks, and it needs both"
            )
        if (self.family == "xlnet") != (self.position == "xlnet"):
            raise RecipeError(
                f"positions are {self.position!r} in the {self.family} family; two streams need XLNet's own, and "
                "nothing else can use them"
            )

    @property
    def gated(self) -> bool:
        return self.activation in GATED

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
