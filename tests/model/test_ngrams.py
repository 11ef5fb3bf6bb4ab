"""n-gram models over units: a distribution, found again in its file, better than simpler smoothing."""

import math
from pathlib import Path

import numpy as np
import pytest

from headwater.errors import HeadwaterError
from headwater.model import ngrams, tokenizer
from headwater.model.ngrams import training
from headwater.model.ngrams.subwords import subwords_of
from headwater.model.ngrams.units import BEGIN, UNKNOWN

TEXTS = [
    "河水涨了。\n河水落了。",
    "The river rose. The river fell.\n\nThe end.",
    "河边的人说：水涨了。",
    "the rain fell on the river",
] * 3
SMALL = {"vocabulary": 300}
HOSTILE = (
    "I'll don't 'S 's’t O'Neil'd 'tis x'vez ''re",
    "用Python写，我们「说」：３.14 〇一二三４５６７  两个空格",
    "  two\tthree \u3000 全角　空格   end ",
    "がギグげ ㄅㄆ 한국어 ไทย e\u0301 🏔️🏔️ 𠮷野家 \u2e80\u2e81",
    "1234567 12 1 ½ ²",
)


@pytest.mark.parametrize("unit", ngrams.UNITS)
@pytest.mark.parametrize("smoothing", ["kneser-ney", "witten-bell"])
def test_after_every_context_the_probabilities_sum_to_one(unit: str, smoothing: str) -> None:
    model = ngrams.train(lambda: TEXTS, order=3, unit=unit, smoothing=smoothing, **SMALL)
    size = model.vocabulary.size
    ids = model.vocabulary.ids("river 河水")[0]
    for context in ([], [int(ids[0])], ids.tolist(), [UNKNOWN]):
        total = 0.0
        for unit_id in range(1, size):

            def nats(some: list[int]) -> float:
                line = np.array([BEGIN, *some], np.uint32)
                return float(model.score(line, 1)[0][0])

            total += math.exp(nats(context) - nats([*context, unit_id]))
        assert total == pytest.approx(1, abs=1e-4)


def test_probabilities_are_those_of_a_plain_recount() -> None:
    """Bigrams by hand: interpolated Kneser-Ney with the discounts that the counts give."""
    model = ngrams.train(lambda: ["ab", "ab", "ac", "b"], order=2, unit="character")
    a, b = (int(model.vocabulary.ids(c)[0][0]) for c in "ab")
    # c occurs once: UNKNOWN. Bigrams: ^a 3, ^b 1, ab 2, a? 1, b$ 3, ?$ 1; before a: ^; b: ^, a; ?: a; $: b, ?
    different = {a: 1, b: 2, UNKNOWN: 1, 1: 2}
    d1 = training.discounts_of(np.array(list(different.values())), 1)
    size, total = model.vocabulary.size - 1, 6
    gamma = sum(d1[c] for c in different.values()) / total
    single = {u: (c - d1[c]) / total + gamma / size for u, c in different.items()}
    d2 = training.discounts_of(np.array([3, 1, 2, 1, 3, 1]), 2)
    after_a = (d2[2] + d2[1]) / 3
    expected = (2 - d2[2]) / 3 + after_a * single[b]
    start = (3 - d2[3]) / 4 + (d2[3] + d2[1]) / 4 * single[a]
    end = (3 - d2[3]) / 3 + d2[3] / 3 * single[1]
    nats, units = model.lines("ab")
    assert units.tolist() == [3]
    assert nats[0] == pytest.approx(-math.log(start * expected * end), rel=1e-6)


@pytest.mark.parametrize("unit", ngrams.UNITS)
def test_a_file_is_the_model_and_a_cut_or_flipped_one_is_refused(tmp_path: Path, unit: str) -> None:
    model = ngrams.train(lambda: TEXTS, unit=unit, heldout=TEXTS[:4], **SMALL)
    path = tmp_path / "模型.ngram"
    model.save(path)
    loaded = ngrams.NgramModel.load(path, check=True)
    for text in ("河水涨了，zebra 𠮷。\n\n落了", "", "The river"):
        for ours, theirs in zip(model.lines(text), loaded.lines(text), strict=True):
            assert np.array_equal(ours, theirs)
    assert loaded.about["texts"] == 12 and loaded.about["heldout_texts"] == 4
    assert loaded.percentile(0) == 0 and loaded.percentile(1e9) == 100
    data = path.read_bytes()
    again = tmp_path / "again"
    ngrams.train(lambda: TEXTS, unit=unit, heldout=TEXTS[:4], **SMALL).save(again)
    assert again.read_bytes() == data
    path.write_bytes(data[:-64])
    with pytest.raises(HeadwaterError, match="cut short"):
        ngrams.NgramModel.load(path)
    path.write_bytes(data[:-100] + bytes([data[-100] ^ 1]) + data[-99:])
    with pytest.raises(HeadwaterError, match="damaged"):
        ngrams.NgramModel.load(path, check=True)
    path.write_bytes(b"PK\x03\x04 no model")
    with pytest.raises(HeadwaterError, match="not an n-gram model"):
        ngrams.NgramModel.load(path)


def test_subwords_are_those_of_the_tokeniser_that_taught_them() -> None:
    definition = tokenizer.train([*TEXTS, *HOSTILE] * 2, 400)
    ours, theirs = subwords_of(definition), tokenizer.Tokenizer(definition)
    for line in "\n".join((*TEXTS, *HOSTILE)).split("\n"):
        assert np.array_equal(ours.encode(line, 1, 0, 0), theirs.encode(line)), line
    pieces = theirs.token_bytes()
    long = "水" * 5000 + " " * 300 + "a" * 5000 + "!" * 100
    assert b"".join(pieces[i] for i in ours.encode(long, 1, 0, 0)) == long.encode()
    both = [ours.encode(line, 1, 0, 3).tolist() for line in ("甲", "乙")]
    assert ours.encode("甲\n乙", 1, 0, 3).tolist() == [*both[0], 1, 0, *both[1]]
    with pytest.raises(HeadwaterError, match="no byte-level BPE"):
        subwords_of('{"model": {"type": "Unigram"}}')


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ngrams.train(lambda: TEXTS, **SMALL)
    monkeypatch.setattr(training, "BLOCK", 7)
    small = ngrams.train(lambda: TEXTS, **SMALL)
    assert all(
        np.array_equal(getattr(whole, n), getattr(small, n))
        for n in ("entries", "contexts", "suffix", "pairs")
    )


def test_familiar_lines_are_likelier_than_strange_ones_whatever_the_smoothing() -> None:
    for smoothing in ngrams.SMOOTHINGS:
        model = ngrams.train(lambda: TEXTS, unit="character", smoothing=smoothing)
        assert model.perplexity("河水涨了。") < model.perplexity("了涨水河。") < model.perplexity("赌赢博彩!")


def test_no_text_is_an_error_that_says_so() -> None:
    with pytest.raises(HeadwaterError, match="no text"):
        ngrams.train(lambda: ["", "\n"], unit="word")
    with pytest.raises(HeadwaterError, match="unit is one of"):
        ngrams.train(lambda: TEXTS, unit="byte")
