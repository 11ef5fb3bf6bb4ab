"""The byte n-gram: a proper distribution, the formula as in plain Python, the same for any order of texts."""

import gzip
import math
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.model import ngram
from headwater.model.ngram import START, ByteNgram, discounts

TEXTS = [
    "源头活水来，半亩方塘一鉴开。问渠那得清如许？",
    "為有源頭活水來，「天光雲影」共徘徊。",
    "The river has its source in the hills; every stream feeds it.\n" * 3,
    "Python 3 的文档：用 print() 打印“你好”。",
    "",
    "a",
]


def plain_probability(texts: list[str], order: int, history: bytes, byte: int) -> float:
    """Modified Kneser-Ney as the papers print it, with dictionaries."""
    counts: list[Counter[tuple[int, ...]]] = [Counter() for _ in range(order + 1)]
    for text in texts:
        symbols = (START,) * (order - 1) + tuple(text.encode())
        for end in range(order - 1, len(symbols)):
            counts[order][symbols[end - order + 1 : end + 1]] += 1
    for length in range(order - 1, 0, -1):
        before: dict[tuple[int, ...], set[int]] = defaultdict(set)
        occurs: Counter[tuple[int, ...]] = Counter()
        for gram, times in counts[length + 1].items():
            before[gram[1:]].add(gram[0])
            occurs[gram[1:]] += times
        for gram, symbols_before in before.items():
            counts[length][gram] = occurs[gram] if gram[0] == START else len(symbols_before)
    context = ((START,) * order + tuple(history))[-(order - 1) :] if order > 1 else ()
    probability = 1 / 256
    for length in range(1, order + 1):
        here = context[len(context) - length + 1 :]
        less = discounts(np.array(list(counts[length].values())))
        following = {gram[-1]: times for gram, times in counts[length].items() if gram[:-1] == here}
        if total := sum(following.values()):
            taken = sum(less[min(times, 3)] for times in following.values())
            own = following.get(byte, 0)
            probability = (own - less[min(own, 3)]) / total + taken / total * probability
    return probability


@pytest.mark.parametrize("order", [1, 2, 5])
def test_equals_the_formula_in_plain_python(order: int) -> None:
    model = ByteNgram.train(TEXTS, order)
    for text in ["源头", "水来，半", "river in the", "é\x00", "天光云影"]:
        data = text.encode()
        expected = [-math.log(plain_probability(TEXTS, order, data[:i], data[i])) for i in range(len(data))]
        assert model.byte_nats(data) == pytest.approx(expected, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=8), st.binary(max_size=12), st.integers(1, 6))
def test_probabilities_of_all_256_bytes_sum_to_one(texts: list[str], history: bytes, order: int) -> None:
    model = ByteNgram.train([*texts, TEXTS[0]], order)
    nats = [model.byte_nats(history + bytes([byte]))[-1] for byte in range(256)]
    assert sum(math.exp(-value) for value in nats) == pytest.approx(1, abs=1e-12)
    assert max(nats) < math.inf


def test_texts_in_any_order_and_in_any_blocks_give_the_same_model(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ByteNgram.train(TEXTS)
    monkeypatch.setattr(ngram, "BLOCK_BYTES", 16)
    pieces = ByteNgram.train(TEXTS[::-1])
    for column in ("symbols", "weights", "first", "backoff", "tables"):
        assert np.array_equal(getattr(whole, column), getattr(pieces, column)), column


def test_a_text_counts_from_its_own_beginning() -> None:
    model = ByteNgram.train(TEXTS)
    assert model.nats("") == 0
    # the first bytes of 源 follow the beginning of a text, and never the end of another
    assert model.nats(TEXTS[0]) + model.nats(TEXTS[1]) != pytest.approx(model.nats(TEXTS[0] + TEXTS[1]))


def test_without_text_every_byte_costs_eight_bits() -> None:
    assert ByteNgram.train([]).nats("水") == pytest.approx(3 * math.log(256))


def test_learns_both_languages(real_data: Path) -> None:
    """Its own language well, the other one hardly: the matrix of a comparison rests on it."""
    books = real_data / "corpora" / "books"

    def read(path: Path) -> str:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return data.decode("utf-8")[:300_000]

    chinese = [read(path) for path in sorted((books / "books-zh").glob("*.txt.gz"))[:4]]
    english = [read(path) for path in sorted((books / "novels-en").glob("*.txt*"))[:4]]
    bits = {}
    for name, training in (("zh", chinese), ("en", english)):
        model = ByteNgram.train(training[1:])
        for scored, text in (("zh", chinese[0]), ("en", english[0])):
            bits[name, scored] = model.nats(text) / math.log(2) / len(text.encode())
    assert bits["en", "en"] < 2.6 < bits["zh", "en"]
    assert bits["zh", "zh"] < 3.8 < bits["en", "zh"]
