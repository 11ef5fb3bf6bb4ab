"""What differs between Transformers, as data: one frozen config, read by every module of `model`.

Letters for shapes, the same in all of `model` and `train`: B batch, T positions, H heads, D model width, E head
width, V vocabulary.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from headwater.errors import RecipeError


@dataclass(frozen=True)
class ModelConfig:
    """One Transformer. Raises RecipeError where the numbers do not fit each other."""

    family: Literal["gpt"]
    preset: str  # what it was made from; the architecture is in the fields below
    vocabulary: int
    layers: int
    width: int
    heads: int
    kv_heads: int  # fewer than heads: grouped-query attention
    feed_forward: int  # width of the hidden layer
    context: int  # the longest sequence
    norm: Literal["layer", "rms"]
    norm_order: Literal["pre", "post"]
    norm_epsilon: float
    norm_gain: bool  # learned gains (and biases where `bias`), or none
    embedding_norm: bool  # a norm before the first block
    activation: Literal["gelu", "gelu_tanh", "relu", "swiglu", "relu2"]
    position: Literal["learned", "rotary"]
    rotary_base: float
    qk_norm: bool  # RMS norm of queries and keys
    tied: bool  # the output matrix is the embedding (EQ-LM)
    bias: bool
    zero_projections: bool  # what writes into the residual stream, and an untied output, starts at zero
    embedding_std: float

    def __post_init__(self) -> None:
        for name in ("vocabulary", "layers", "width", "heads", "kv_heads", "feed_forward", "context"):
            if getattr(self, name) < 1:
                raise RecipeError(f"model.{name} is {getattr(self, name)}; it must be at least 1")
        if self.width % self.heads:
            fitting = [n for n in range(1, self.width + 1) if self.width % n == 0]
            nearest = min(fitting, key=lambda n: abs(n - self.heads))
            raise RecipeError(
                f"model.heads is {self.heads}, which does not divide model.width {self.width}; try heads: {nearest}"
            )
        if self.heads % self.kv_heads:
            raise RecipeError(f"model.kv_heads is {self.kv_heads}, which does not divide heads {self.heads}")
        if self.position == "rotary" and self.head_width % 2:
            raise RecipeError(
                f"model.width {self.width} over {self.heads} heads gives heads of {self.head_width}; rotary "
                "positions turn pairs and need an even number"
            )

    @property
    def head_width(self) -> int:
        return self.width // self.heads

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def parameters_without_embeddings(config: ModelConfig) -> int:
    """Parameters of the blocks and norms: what the sizes of presets and scaling laws count.

    Left out are the token and position embeddings and an untied output (Kaplan 2020).
    """
    c, vectors = (
        config,
        config.norm_gain * (2 if config.norm == "layer" and config.bias else 1) * config.width,
    )
    keys_values = c.kv_heads * c.head_width
    attention = 2 * c.width * c.width + 2 * c.width * keys_values
    feed_forward = (3 if c.activation == "swiglu" else 2) * c.width * c.feed_forward
    biases = 0
    if c.bias:
        biases = c.width + 2 * keys_values + c.width  # queries, keys, values; output
        biases += (2 if c.activation == "swiglu" else 1) * c.feed_forward + c.width
    norms_outside = c.embedding_norm + (c.norm_order == "pre")
    return c.layers * (attention + feed_forward + biases + 2 * vectors) + norms_outside * vectors
