"""Attention of a trained model on one text, taken from the forward pass that made its logits.

A hook on every attention gets what the pass gave it. From that it makes queries, keys, scores and weights by the same
operations, carries them on to the attention's output, and compares that with the output of the pass: bit for bit, or
the text is refused. The pass is also run once without hooks; its logits must be the same bits.

What each family reads, and what it predicts:

gpt     [separator] text                          after each piece, the next
bert    [CLS] text [SEP], one piece masked        the masked piece (the last, unless another is named)
xlnet   text <sep> <cls>, one piece to predict    the same; its query is a row of its own: it knows the place, not the piece
t5      text <extra_id_0> </s>; the decoder       what comes first in the gap
        reads <pad> <extra_id_0>

Attention is not an explanation (Jain and Wallace 2019): weights say what was read, not why.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from headwater.corpus.text import spans_of, words_and_symbols
from headwater.errors import HeadwaterError
from headwater.model import huggingface
from headwater.model.attention import ROWS, Attention, View
from headwater.model.config import ModelConfig
from headwater.model.converse import model_folder
from headwater.model.tokenizer import Tokenizer
from headwater.model.transformer import Transformer

LIKELIEST = 5


@dataclass(frozen=True)
class Piece:
    """One token as the model reads it, and the word it is of (None: no part of the text)."""

    token: int
    text: str
    word: int | None = None


@dataclass(frozen=True)
class Attended:
    """One attention. Lists of (head, query, key); `rows` and `keys` are numbers of pieces of the named sequence."""

    name: str  # as the module is called
    kind: Literal["self", "cross"]
    rows: list[Piece]
    keys: list[Piece]
    scores: list[list[list[float]]]  # q·k, scaled as the family does
    bias: list[list[list[float]]] | None  # what positions and segments add (T5, XLNet)
    visible: list[list[bool]]
    weights: list[list[list[float]]]  # softmax over what is visible


@dataclass(frozen=True)
class Predicted:
    """What the model expects at one place: (piece, probability), the likeliest first."""

    after: str  # the piece that it stands behind, or the place that was hidden
    likeliest: list[tuple[str, float]]
    truth: str | None = None
    probability: float | None = None


@dataclass(frozen=True)
class Explained:
    """All of it. Made by `explain`."""

    text: str
    family: str
    preset: str
    formula: str
    words: list[str]
    attended: list[Attended] = field(repr=False)
    predicted: list[Predicted]
    bitwise: bool  # always true: else it is refused

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def formula(config: ModelConfig) -> str:
    """What this model's attention computes, in one line a step."""
    norm = {"rms": "RMSNorm", "layer": "LayerNorm"}[config.norm]
    x = f"{norm}(x)" if config.norm_order == "pre" else "x"
    b = " + b" if config.attention_bias else ""
    turn = {True: "R_pos·", False: ""}[config.position == "rotary"]
    normed = ("RMSNorm(", ")") if config.qk_norm else ("", "")
    lines = [
        f"x̂ = {x}   q = {turn}{normed[0]}x̂W^Q{b}{normed[1]}   k = {turn}{normed[0]}x̂W^K{b}{normed[1]}   v = x̂W^V{b}"
    ]
    score = "q·k"
    if config.position == "xlnet":
        score = "(q + u_w)·k + (q + u_r)·W_r r_{i−j}"
    if config.attention_scale:
        score = (
            f"({score})/√{config.head_width}"
            if config.position == "xlnet"
            else f"{score}/√{config.head_width}"
        )
    if config.position == "t5":
        score += " + bias(j − i)"
    unseen = {
        "gpt": "j ≤ i", "bert": "all j", "xlnet": "j before i in the order", "t5": "all j (encoder, cross), j ≤ i (decoder)",
    }[config.family]  # fmt: skip
    lines.append(f"a_ij = softmax_j({score}) over {unseen}")
    if config.kv_heads != config.heads:
        lines.append(f"{config.heads // config.kv_heads} heads share each key and value")
    where = {
        "learned": "x has a learned vector of its position added",
        "sinusoidal": "x has sines and cosines of its position added",
    }
    if config.position in where:
        lines.append(where[config.position])
    lines.append("x + C W^O" if config.norm_order == "pre" else f"{norm}(x + C W^O)")
    return "\n".join(lines)


def explain(run: Path, text: str, *, hide: int | None = None) -> Explained:
    """The run's model (or a model's folder) on a text; `hide`: the piece that bert and xlnet are to predict, from 0.

    Raises HeadwaterError where the text is empty or longer than can be shown, or `hide` names no piece.
    """
    folder = model_folder(run)
    return explain_model(
        huggingface.load(folder).eval(), Tokenizer.load(folder / "tokenizer.json"), text, hide=hide
    )


def explain_model(
    model: Transformer, tokenizer: Tokenizer, text: str, *, hide: int | None = None
) -> Explained:
    """As `explain`, for a model at hand."""
    said = words_and_symbols(text)
    ids, places = tokenizer.encode_with_places(text)
    limit = min(model.config.context, ROWS) - 3
    if not 0 < len(ids) <= limit:
        raise HeadwaterError(f"the text is {len(ids)} tokens; attention is shown for 1 to {limit}")
    hide = len(ids) - 1 if hide is None else hide
    if not 0 <= hide < len(ids):
        raise HeadwaterError(
            f"piece {hide} is to be hidden, but the text has {len(ids)}: 0 to {len(ids) - 1}"
        )
    show = _shower(tokenizer)
    spans = spans_of(said, text)
    pieces = [
        Piece(token, show(token), _word_of(place, spans)) for token, place in zip(ids, places, strict=True)
    ]
    inputs, rows, keys, read = _inputs(model, tokenizer, pieces, hide, show)
    captured: dict[str, dict[str, Tensor]] = {}
    with torch.inference_mode():
        plain = model(**inputs)
        hooks = [
            module.register_forward_hook(_hook(name, captured), with_kwargs=True)
            for name, module in model.named_modules()
            if isinstance(module, Attention)
        ]
        try:
            logits = model(**inputs)
        finally:
            for hook in hooks:
                hook.remove()
    if not torch.equal(plain, logits):
        raise HeadwaterError(
            "two passes over the same text gave different logits, so nothing can be said of either"
        )
    attended = [_attended(name, parts, rows, keys) for name, parts in captured.items()]
    return Explained(
        text, model.config.family, model.config.preset, formula(model.config), said, attended,
        _predicted(logits[0], read, show), True,
    )  # fmt: skip


def _inputs(
    model: Transformer, tokenizer: Tokenizer, pieces: list[Piece], hide: int, show: Any
) -> tuple[
    dict[str, Tensor], dict[str, list[Piece]], dict[str, list[Piece]], list[tuple[int, str, int | None]]
]:
    """(what the model takes; the pieces of each stack's rows, and of its keys; the places to read logits at: (row,
    what it is called, token that stands there))."""
    family, special = model.config.family, tokenizer.special(model.config.family)

    def extra(token: int | None, role: str) -> Piece:
        if token is None:
            raise HeadwaterError(
                f"this model's tokeniser has no {role} token, which the {family} family needs"
            )
        return Piece(token, show(token))

    def ids(some: list[Piece]) -> Tensor:
        return torch.tensor([[piece.token for piece in some]])

    truth = pieces[hide].token
    if family == "gpt":
        rows = [extra(special.first, "separator"), *pieces]
        targets: list[int | None] = [piece.token for piece in pieces]
        read = [
            (n, piece.text, after)
            for n, (piece, after) in enumerate(zip(rows, [*targets, None], strict=True))
        ]
        return {"tokens": ids(rows)}, {"decoder": rows}, {"decoder": rows}, read
    end = extra(special.end, "end")
    if family == "bert":
        mask = extra(special.mask, "mask")
        seen = [*pieces[:hide], Piece(mask.token, mask.text, pieces[hide].word), *pieces[hide + 1 :]]
        rows = [extra(special.begin, "begin"), *seen, end]
        return {"tokens": ids(rows)}, {"encoder": rows}, {"encoder": rows}, [(hide + 1, mask.text, truth)]
    if family == "xlnet":
        rows = [*pieces, end, extra(special.begin, "begin")]
        order = torch.zeros(1, len(rows), dtype=torch.long)
        order[0, hide] = 1
        query = Piece(truth, f"?{pieces[hide].text}", pieces[hide].word)
        inputs = {"tokens": ids(rows), "order": order, "at": torch.tensor([[hide]])}
        return inputs, {"encoder": [*rows, query]}, {"encoder": rows}, [(0, query.text, truth)]
    gap = extra(special.sentinels[0] if special.sentinels else None, "sentinel")
    encoder, decoder = [*pieces, gap, end], [extra(special.pad, "pad"), gap]
    both = {"encoder": encoder, "decoder": decoder}
    return {"tokens": ids(encoder), "decoder_tokens": ids(decoder)}, both, both, [(1, gap.text, None)]


def _hook(name: str, captured: dict[str, dict[str, Tensor]]) -> Any:
    def hook(layer: Attention, given: tuple[Any, ...], named: dict[str, Any], output: Tensor) -> None:
        captured[name] = parts = weights_of(layer, *given, **named)
        if not torch.equal(parts["output"], output):
            raise HeadwaterError(
                f"{name}: weights made from the pass do not give its output; they are not shown"
            )

    return hook


def weights_of(layer: Attention, x: Tensor, view: View, source: Tensor | None = None) -> dict[str, Tensor]:
    """Scores, bias, visibility (H, T, S), weights and output of one call of an attention on one row.

    The operations of `attention.ExplicitAttention` on one block of queries, in its order: up to 128 positions.
    """
    q, k, v = layer.queries_keys_values(x, view, source)
    bias = view.bias
    if layer.relative is not None:
        assert view.distances is not None
        bias = layer.relative(q, view.distances, view.at, view.same_segment)
        q = q + layer.relative.content_bias[:, None, None]
    heads, rows = q.size(0), q.size(2)
    k, v = (part.repeat_interleave(heads // len(part), 0) if len(part) != heads else part for part in (k, v))
    scores = torch.bmm((q * layer.scale).flatten(0, 1), k.flatten(0, 1).mT)  # (H, T, S)
    total = scores.clone()
    if bias is not None:
        total += bias[:, 0]
    hidden = torch.zeros(scores.shape[1:])
    if view.mask is not None:
        hidden = view.mask[0]
    elif view.causal:
        hidden = torch.full(scores.shape[1:], float("-inf")).triu(1)
    weights = torch.softmax(total + hidden, -1)
    read = torch.bmm(weights, v.flatten(0, 1)).view(heads, 1, rows, -1)
    blind = torch.zeros(1, rows, dtype=torch.bool) if view.blind is None else view.blind
    read = read.masked_fill(blind[..., None], 0)
    return {
        "scores": scores, "visible": (hidden == 0) & ~blind[0][:, None],
        "weights": weights.masked_fill(blind[0][:, None], 0), "output": layer.output(read.permute(1, 2, 0, 3).flatten(2)),
        **({} if bias is None else {"bias": bias[:, 0]}),
    }  # fmt: skip


def _attended(
    name: str, parts: dict[str, Tensor], rows: dict[str, list[Piece]], keys: dict[str, list[Piece]]
) -> Attended:
    stack = name.partition(".")[0]
    cross = "cross_attention" in name
    queries = rows[stack]
    count = parts["scores"].size(1)
    return Attended(
        name, "cross" if cross else "self", queries[len(queries) - count :], keys["encoder" if cross else stack],
        parts["scores"].tolist(), parts["bias"].tolist() if "bias" in parts else None, parts["visible"].tolist(),
        parts["weights"].tolist(),
    )  # fmt: skip


def _predicted(logits: Tensor, read: list[tuple[int, str, int | None]], show: Any) -> list[Predicted]:
    found = []
    for row, name, truth in read:
        probabilities = F.softmax(logits[row].double(), -1)
        values, tokens = probabilities.topk(min(LIKELIEST, len(probabilities)))
        likeliest = [
            (show(token), value) for token, value in zip(tokens.tolist(), values.tolist(), strict=True)
        ]
        found.append(
            Predicted(name, likeliest, *(() if truth is None else (show(truth), float(probabilities[truth]))))
        )
    return found


def _shower(tokenizer: Tokenizer) -> Any:
    """Token -> its characters; bytes that are no whole character as ⟨E6 88⟩; special tokens by name."""
    every = tokenizer.token_bytes()

    def show(token: int) -> str:
        raw = every[token] if token < len(every) else b""
        if not raw:
            return tokenizer.token_text(token) or f"⟨{token}⟩"
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return f"⟨{raw.hex(' ').upper()}⟩"

    return show


def _word_of(place: tuple[int, int], spans: list[tuple[int, int]]) -> int | None:
    """The word that holds most of a piece's characters."""
    shared = [min(place[1], end) - max(place[0], start) for start, end in spans]
    return None if not shared or max(shared) <= 0 else shared.index(max(shared))
