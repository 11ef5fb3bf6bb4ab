"""The worked example, recomputed in plain Python; every number of the prose is one of these."""

import math
import re
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from headwater.errors import HeadwaterError
from headwater.inspect.example import lines_of_example
from headwater.inspect.formulas import formulas_chapter
from headwater.inspect.visible import width
from headwater.model.worked_example import worked_example

Row = list[float]
ROOT = Path(__file__).parents[2]
SENTENCES = {"I love NLP": ["I", "love", "NLP"], "我爱自然语言处理": ["我", "爱", "自然语言", "处理"]}


def dot(a: Row, b: Row) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def times(row: Row, matrix: list[Row]) -> Row:
    return [dot(row, list(column)) for column in zip(*matrix, strict=True)]


def add(a: Row, b: Row) -> Row:
    return [x + y for x, y in zip(a, b, strict=True)]


def softmax(row: Row) -> Row:
    exponentials = [math.exp(value) for value in row]
    return [value / sum(exponentials) for value in exponentials]


def mix(weights: Row, values: list[Row]) -> Row:
    return [dot(weights, list(column)) for column in zip(*values, strict=True)]


def by_hand(told: dict[str, Any]) -> dict[str, Any]:
    """From embeddings and matrices alone."""
    e, w_q, w_k, w_v = told["e"], told["w_q"], told["w_k"], told["w_v"]
    count = len(e)
    p = [[math.sin(i), math.cos(i), math.sin(i / 100), math.cos(i / 100)] for i in range(1, count + 1)]
    x = [add(*both) for both in zip(e, p, strict=True)]
    vocabulary = [e[told["targets"].index(n)] for n in range(len(told["vocabulary"]))]

    def read(query: Row, keys: list[Row], values: list[Row], divisor: float = 2.0) -> tuple[Row, Row]:
        weights = softmax([dot(query, key) / divisor for key in keys])
        return weights, mix(weights, values)

    def probabilities(h: Row) -> Row:
        return softmax([dot(one, h) for one in vocabulary])

    q, k, v = ([times(row, w) for row in x] for w in (w_q, w_k, w_v))
    every = [read(q[i], k, v) for i in range(count)]
    decoder = [read(q[i], k[: i + 1], v[: i + 1]) for i in range(count)]
    printed = read(times(e[0], w_q), [times(row, w_k) for row in e], [times(row, w_v) for row in e], 1.0)
    lm = [probabilities(add(x[i], decoder[i][1])) for i in range(count - 1)]
    mlm = []
    for i in range(count):
        seen = [add(told["mask"], p[i]) if j == i else row for j, row in enumerate(x)]
        _, c = read(times(seen[i], w_q), [times(row, w_k) for row in seen], [times(row, w_v) for row in seen])
        mlm.append(probabilities(add(seen[i], c)))
    plm = []
    for order in permutations(range(count)):
        terms = []
        for step, i in enumerate(order):
            before = order[:step]
            c = (
                read(times(p[i], w_q), [k[j] for j in before], [v[j] for j in before])[1]
                if before
                else [0.0] * 4
            )
            terms.append(probabilities(add(p[i], c))[told["targets"][i]])
        plm.append((list(order), terms))
    begin = add(told["sentinel"], p[0])
    seen = [add(told["sentinel"], p[1]) if j == 1 else row for j, row in enumerate(x)]
    _, c = read(times(begin, w_q), [times(row, w_k) for row in seen], [times(row, w_v) for row in seen])
    span, feed = probabilities(add(begin, c)), told["feed_forward"]
    hidden = [max(0.0, value) for value in add(times(add(x[0], every[0][1]), feed["w_1"]), feed["b_1"])]
    fed = add(times(hidden, feed["w_2"]), feed["b_2"])
    return {"span": span, "fed": (hidden, fed), "q": q, "k": k, "v": v, "every": every, "decoder": decoder, "printed": printed, "lm": lm, "mlm": mlm, "plm": plm}  # fmt: skip


@pytest.mark.parametrize("text", SENTENCES)
def test_every_number_is_what_a_hand_finds(text: str) -> None:
    told = worked_example(text).as_json()
    hand = by_hand(told)
    assert told["words"] == SENTENCES[text]
    for name in ("q", "k", "v"):
        for row, wanted in zip(told[name], hand[name], strict=True):
            assert row == pytest.approx(wanted, abs=1e-6)
    for view, (weights, context) in zip(told["attention"], hand["every"], strict=True):
        assert view["weights"] == pytest.approx(weights, abs=1e-6)
        assert sum(view["weights"]) == pytest.approx(1)
        assert view["context"] == pytest.approx(context, abs=1e-6)
    assert told["printed"]["weights"] == pytest.approx(hand["printed"][0], abs=1e-9)
    assert told["printed"]["context"] == pytest.approx(hand["printed"][1], abs=1e-9)
    for i, (view, (weights, context)) in enumerate(zip(told["decoder"], hand["decoder"], strict=True)):
        assert view["weights"] == pytest.approx(weights + [0.0] * (len(told["words"]) - i - 1), abs=1e-6)
        assert view["context"] == pytest.approx(context, abs=1e-6)
    assert told["decoder"][0]["weights"] == [1.0] + [0.0] * (len(told["words"]) - 1)
    assert told["decoder"][0]["context"] == told["v"][0]
    for name in ("lm", "mlm"):
        for one, wanted in zip(told[name], hand[name], strict=True):
            assert one["probabilities"] == pytest.approx(wanted, abs=1e-6)
    assert told["span"]["probabilities"] == pytest.approx(hand["span"], abs=1e-6)
    assert told["feed_forward"]["hidden"] == pytest.approx(hand["fed"][0], abs=1e-6)
    assert told["feed_forward"]["output"] == pytest.approx(hand["fed"][1], abs=1e-6)
    assert len(told["plm"]) == told["orders"] == math.factorial(len(told["words"]))
    for one, (order, terms) in zip(told["plm"], hand["plm"], strict=True):
        assert one["order"] == order
        assert one["probabilities"] == pytest.approx(terms, abs=1e-6)
        by_position = sorted(zip(order, terms, strict=True))
        assert one["nats"] == pytest.approx(-sum(math.log(p) for _, p in by_position), abs=1e-5)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("text", SENTENCES)
def test_the_prose_says_these_numbers_in_80_columns(text: str, language: str) -> None:
    example = worked_example(text)
    hand = by_hand(example.as_json())
    lines = lines_of_example(example, language)
    assert max(map(width, lines)) <= 80
    prose = "\n".join(lines).replace("−", "-")
    assert ("Untrained weights: arithmetic only." if language == "en" else "未经训练的权重：只演示算术。") == lines[0]  # fmt: skip
    assert ("Attention is not an explanation" if language == "en" else "注意力不是解释") in prose
    found = [[float(n) for n in re.findall(r"(?<![\w.])-?\d+\.\d{3}(?!\d)", line)] for line in prose.split("\n")]  # fmt: skip
    wanted = [
        *hand["q"],
        *hand["k"],
        *hand["v"],
        hand["every"][0][1],
        hand["printed"][1],
        example.v[0],
        *hand["fed"],
    ]
    weights = [[*values, 1.0] for values in (hand["every"][0][0], hand["printed"][0])]
    for row in wanted + weights:
        assert any(line == pytest.approx(row, abs=5.1e-4) for line in found), row
    for terms in [terms for _, terms in hand["plm"]]:
        assert "·".join(f"{p:.4f}" for p in terms) in prose
        assert f"{-sum(map(math.log, terms)):.4f}" in prose
    targets = example.targets
    for probabilities, target in zip(hand["lm"], targets[1:], strict=True):
        assert f"= {probabilities[target]:.4f}, -log P = {-math.log(probabilities[target]):.4f}" in prose
    assert f"-Σ log P = {-sum(math.log(p[t]) for p, t in zip(hand['lm'], targets[1:], strict=True)):.4f}" in prose  # fmt: skip
    cut = hand["span"][targets[1]]
    assert f"= {cut:.4f}, -log P = {-math.log(cut):.4f}" in prose
    for probabilities, target in zip(hand["mlm"], targets, strict=True):
        assert f"= {probabilities[target]:.4f}, -log P = {-math.log(probabilities[target]):.4f}" in prose


def test_a_word_said_twice_has_one_vector_and_one_place_in_the_vocabulary() -> None:
    example = worked_example("天上 地下 天上")
    assert example.words[0] == example.words[2] and len(example.vocabulary) == 2
    assert example.e[0] == example.e[2] and example.x[0] != example.x[2]
    assert sum(example.lm[0].probabilities) == pytest.approx(1)


def test_other_seeds_other_weights_and_hostile_words_are_inert() -> None:
    assert worked_example("I love NLP") == worked_example("I love NLP")
    assert worked_example("I love NLP", seed=1).e != worked_example("I love NLP").e
    shown = "\n".join(lines_of_example(worked_example("love\x1b[31m \u202eNLP")))
    assert "\x1b" not in shown and "\u202e" not in shown


def test_a_text_that_nobody_could_follow_by_hand_is_refused() -> None:
    for text in ("", "one", "a b c d e f g", "。！？"):
        with pytest.raises(HeadwaterError, match="words; the worked example is for 2 to 6"):
            worked_example(text)
    six = lines_of_example(worked_example("a b c d e f"))
    assert max(map(width, six)) <= 80 and any("720 orders" in line for line in six)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_chapter_of_formulas_is_up_to_date_and_names_what_there_is(language: str) -> None:
    chapter = formulas_chapter(language)
    path = ROOT / "docs" / language / "formulas.md"
    assert path.read_text(encoding="utf-8") == chapter, (
        f"write it anew: headwater explain --formulas --language {language} > docs/{language}/formulas.md"
    )
    hand = by_hand(worked_example("I love NLP").as_json())
    prose = chapter.replace("−", "-")
    for value in [*hand["every"][0][0], *hand["every"][0][1], *hand["printed"][0], *hand["fed"][1]]:
        assert f"{value:.3f}".replace("-0.000", "0.000") in prose
    for probability in (
        hand["lm"][0][1],
        hand["lm"][1][2],
        hand["mlm"][1][1],
        hand["span"][1],
        *hand["plm"][0][1],
    ):
        assert f"{probability:.4f}" in prose
    mean = -sum(math.log(p) for _, terms in hand["plm"] for p in terms) / len(hand["plm"])
    assert f"{mean:.4f}" in prose
    assert re.findall(r"^## (EQ-\w+)", chapter, re.M) == [
        "EQ-ATT",
        "EQ-FFN",
        "EQ-LM",
        "EQ-MLM",
        "EQ-PLM",
        "EQ-SPAN",
    ]
    for file, name in re.findall(r"`((?:src|tests)/[\w/.]+\.py)`(?: \(`(\w+)`\))?", chapter):
        source = (ROOT / file).read_text(encoding="utf-8")
        assert not name or re.search(rf"^\s*(?:def|class) {name}\b", source, re.M), (file, name)
