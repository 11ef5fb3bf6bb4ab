"""The formulas of DESIGN.md on one sentence, small enough to follow by hand: untrained weights, arithmetic only.

The founding text's example (4.3): a word is a token, one layer of attention, one head, d = d_k = 4. Embeddings and
W^Q, W^K, W^V have one decimal, drawn from a seed; positions are Vaswani's sines and cosines, of 1, 2, 3, …

    x_i = e(x_i) + p_i      q_i = x_i W^Q    k_j = x_j W^K    v_j = x_j W^V
    a_ij = softmax_j(q_i·k_j / √d_k)         c_i = Σ_j a_ij v_j           h_i = x_i + c_i
    P(x) = exp(e(x)ᵀh_i) / Σ_x' exp(e(x')ᵀh_i), over the words of the sentence

Left out, and said so where it is shown: W^O, norms and further layers; the feed-forward layer stands beside. As printed the founding text
leaves out √d_k and p as well, and in its decoder the mask: `printed` holds its numbers.

What predicts a word must not hold it: MLM puts a vector of its own, e([MASK]), in its place; PLM's query is p_i alone
and reads the words before it in the order (of the first there are none: c = 0). SPAN's decoder stands at p_1 with the
sentinel's vector and reads the words with that sentinel in the place of the span; an encoder is left out.
"""

import math
from dataclasses import asdict, dataclass
from itertools import permutations
from typing import Any

import torch
from torch import Tensor

from headwater.corpus.text import words
from headwater.errors import HeadwaterError
from headwater.model.positions import sinusoids

WIDTH = 4
MOST_WORDS = 6  # that fit 80 columns
ALL_ORDERS = 4  # words up to which every order is written out

Row = list[float]


@dataclass(frozen=True)
class View:
    """One softmax over keys for the query of one word: products, scaled, weights, context."""

    products: Row  # q·k_j
    scaled: Row  # the same / √d_k
    weights: Row  # a_ij; 0 where the query may not look
    context: Row  # c_i


@dataclass(frozen=True)
class Prediction:
    """Of one word: h, its products with all words of the vocabulary, and their softmax."""

    word: int  # which is predicted, from 0
    context: Row  # c
    hidden: Row
    products: Row  # e(x)ᵀh
    probabilities: Row

    def nats(self, target: int) -> float:
        return -math.log(self.probabilities[target])


@dataclass(frozen=True)
class Feed:
    """EQ-FFN of one word: max(0, x W_1 + b_1) W_2 + b_2, d_ff = 4 to stay small."""

    x: Row
    w_1: list[Row]
    b_1: Row
    w_2: list[Row]
    b_2: Row
    hidden: Row  # max(0, x W_1 + b_1)
    output: Row


@dataclass(frozen=True)
class Order:
    """One order of factorisation: the probability of each word, by step of the order, and −log of their product."""

    order: list[int]
    probabilities: Row
    nats: float


@dataclass(frozen=True)
class Example:
    """All numbers of the example; lists by word."""

    text: str
    seed: int
    words: list[str]
    vocabulary: list[str]  # its different words
    targets: list[int]  # place of each word in it
    e: list[Row]
    positions: list[Row]
    x: list[Row]
    w_q: list[Row]
    w_k: list[Row]
    w_v: list[Row]
    mask: Row  # e([MASK])
    sentinel: Row  # e(<extra_id_0>)
    q: list[Row]
    k: list[Row]
    v: list[Row]
    attention: list[View]  # of each word to all
    printed: View  # of the first, without positions and √d_k
    decoder: list[View]  # of each word to itself and those before it
    feed_forward: Feed  # of the first word's x + c
    lm: list[Prediction]  # of words 2, 3, …
    mlm: list[Prediction]  # of each word, masked alone
    plm: list[Order]  # empty where there are too many orders
    orders: int
    span: Prediction  # of the second word, cut out

    def as_json(self) -> dict[str, Any]:
        return {"note": "untrained weights: arithmetic only", **asdict(self)}


def worked_example(text: str, *, seed: int = 0) -> Example:
    """Raises HeadwaterError where the text has fewer than 2 words or too many to follow."""
    said = words(text)
    if not 2 <= len(said) <= MOST_WORDS:
        raise HeadwaterError(
            f"{len(said)} words; the worked example is for 2 to {MOST_WORDS}. Longer texts: --run RUN shows a trained model"
        )
    vocabulary = list(dict.fromkeys(said))
    random = torch.Generator().manual_seed(seed)

    def drawn(rows: int, reach: int) -> Tensor:
        """(rows, d) of −reach/10 … reach/10 in steps of a tenth."""
        return torch.randint(-reach, reach + 1, (rows, WIDTH), generator=random).double() / 10

    w_q, w_k, w_v = (drawn(WIDTH, 10) for _ in range(3))
    mask, table = drawn(1, 10)[0], drawn(len(vocabulary), 10)  # words last: another word changes no weight
    sines, cosines = sinusoids(torch.arange(1, len(said) + 1), WIDTH)
    positions = torch.stack((sines, cosines), -1).flatten(1).double()
    targets = [vocabulary.index(word) for word in said]
    (w_1, w_2), (sentinel, b_1, b_2) = (drawn(WIDTH, 10) for _ in range(2)), drawn(3, 10)
    e = table[targets]
    x = e + positions
    q, k, v = x @ w_q, x @ w_k, x @ w_v

    def look(query: Tensor, keys: Tensor, values: Tensor, seen: int, divisor: float = math.sqrt(WIDTH)) -> View:  # fmt: skip
        products = keys @ query
        weights = torch.zeros(len(keys), dtype=torch.double)
        weights[:seen] = torch.softmax(products[:seen] / divisor, -1)
        return View(products.tolist(), (products / divisor).tolist(), weights.tolist(), (weights @ values).tolist())  # fmt: skip

    def predict(word: int, stands: Tensor, context: Tensor) -> Prediction:
        hidden = stands + context
        products = table @ hidden
        return Prediction(word, context.tolist(), hidden.tolist(), products.tolist(), torch.softmax(products, -1).tolist())  # fmt: skip

    def masked(word: int) -> Prediction:
        with_mask = x.clone()
        with_mask[word] = mask + positions[word]
        seen = look(with_mask[word] @ w_q, with_mask @ w_k, with_mask @ w_v, len(said))
        return predict(word, with_mask[word], torch.tensor(seen.context, dtype=torch.double))

    def in_order(order: tuple[int, ...]) -> Order:
        probabilities = []
        for step, word in enumerate(order):
            before = list(order[:step])
            context = torch.zeros(WIDTH, dtype=torch.double)
            if before:
                view = look(positions[word] @ w_q, k[before], v[before], step)
                context = torch.tensor(view.context, dtype=torch.double)
            probabilities.append(predict(word, positions[word], context).probabilities[targets[word]])
        return Order(list(order), probabilities, -sum(math.log(p) for p in probabilities))

    def cut() -> Prediction:
        """The second word, from all words with the sentinel in its place."""
        seen, begin = x.clone(), sentinel + positions[0]
        seen[1] = sentinel + positions[1]
        view = look(begin @ w_q, seen @ w_k, seen @ w_v, len(said))
        return predict(1, begin, torch.tensor(view.context, dtype=torch.double))

    def fed(stands: Tensor) -> Feed:
        hidden = (stands @ w_1 + b_1).relu()
        parts = (stands, w_1, b_1, w_2, b_2, hidden, hidden @ w_2 + b_2)
        return Feed(*(part.tolist() for part in parts))

    count = len(said)
    attention = [look(q[i], k, v, count) for i in range(count)]
    decoder = [look(q[i], k, v, i + 1) for i in range(count)]
    orders = permutations(range(count)) if count <= ALL_ORDERS else ()
    return Example(
        text=text, seed=seed, words=said, vocabulary=vocabulary, targets=targets, e=e.tolist(),
        positions=positions.tolist(), x=x.tolist(), w_q=w_q.tolist(), w_k=w_k.tolist(), w_v=w_v.tolist(),
        mask=mask.tolist(), q=q.tolist(), k=k.tolist(), v=v.tolist(),
        sentinel=sentinel.tolist(), attention=attention,
        printed=look(e[0] @ w_q, e @ w_k, e @ w_v, count, 1.0),
        decoder=decoder, feed_forward=fed(x[0] + torch.tensor(attention[0].context, dtype=torch.double)),
        lm=[predict(i + 1, x[i], torch.tensor(decoder[i].context, dtype=torch.double)) for i in range(count - 1)],
        mlm=[masked(i) for i in range(count)],
        plm=[in_order(order) for order in orders],
        orders=math.factorial(count), span=cut(),
    )  # fmt: skip
