"""Generation: the cache changes nothing, the same seed gives the same text, and transformers writes the same."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_visibility import PRESETS, awake

from headwater.errors import HeadwaterError
from headwater.model.cache import Cache
from headwater.model.generate import Sampling, Writer, draw, generate
from headwater.model.transformer import Transformer

torch.set_num_threads(1)
GREEDY = Sampling(temperature=0)
WRITING = [preset for preset in PRESETS if PRESETS[preset] != "bert"]
ROWS = [[3, 4, 5], [7, 8, 9, 10, 11, 6, 2], [1]]
SOURCES = [[1, 2, 3, 4, 40], [9, 8], [30, 31, 32]]


def options(model: Transformer, rows: slice = slice(None)) -> dict[str, Any]:
    return {"sources": SOURCES[rows]} if model.config.family == "t5" else {}


def next_logits(model: Transformer, row: list[int], source: list[int], beginning: int) -> torch.Tensor:
    """Of the whole row at once, without a cache: (V,)."""
    tokens, family = torch.tensor([row]), model.config.family
    with torch.no_grad():
        if family == "t5":
            return model(torch.tensor([source]), decoder_tokens=tokens)[0, -1]
        if family == "gpt":
            return model(tokens)[0, -1]
        # the beginning is seen by all, the rest in the order of reading, the place of what comes next is the last
        order = torch.tensor([[max(0, place - beginning + 1) for place in range(len(row) + 1)]])
        more = {"order": order, "at": torch.tensor([[len(row)]])}
        return model(torch.cat((tokens, torch.zeros(1, 1, dtype=torch.long)), 1), **more)[0, 0]


@pytest.mark.parametrize("preset", WRITING)
@pytest.mark.parametrize("sampling", [GREEDY, Sampling(0.9, top_k=20, top_p=0.9, seed=5)], ids=["greedy", "drawn"])  # fmt: skip
def test_the_cache_changes_nothing(preset: str, sampling: Sampling) -> None:
    model = awake(preset)
    written = generate(model, ROWS, new_tokens=12, sampling=sampling, **options(model)).rows
    for number, (row, source) in enumerate(zip(ROWS, SOURCES, strict=True)):
        random = np.random.Generator(np.random.Philox(key=[sampling.seed, number]))
        tokens = list(row)
        for _ in range(12):
            logits = next_logits(model, tokens, source, len(row))
            drawn = draw(logits, sampling, float(random.random())) if sampling.temperature else int(logits.argmax())  # fmt: skip
            tokens.append(drawn)
        assert written[number] == tokens[len(row) :]


@pytest.mark.parametrize("preset", WRITING)
def test_the_logits_of_a_step_are_those_of_the_whole(preset: str) -> None:
    model = awake(preset)
    cache = Cache(model, rows=3, room=30)
    rows = [list(row) for row in ROWS]
    with torch.inference_mode():
        if model.config.family == "t5":
            cache.encode(SOURCES)
        logits = cache.read(rows)
        for step in range(4):
            for row, source, start, got in zip(rows, SOURCES, ROWS, logits, strict=True):
                torch.testing.assert_close(got, next_logits(model, row, source, len(start)), rtol=1e-4, atol=1e-4)  # fmt: skip
            for row in rows:
                row.append(step + 20)
            logits = cache.step(torch.tensor([row[-1] for row in rows]), [True] * 3)


@pytest.mark.parametrize("preset", ["gpt2-nano", "llama-nano", "xlnet-nano"])
def test_a_full_window_slides_and_keeps_its_later_half(preset: str) -> None:
    model = awake(preset)
    context = model.config.context
    prompt = list(np.random.default_rng(0).integers(1, 50, context - 3))
    written = generate(model, [prompt, [5, 6]], new_tokens=10, sampling=GREEDY).rows
    alone = generate(model, [[5, 6]], new_tokens=10, sampling=GREEDY).rows
    assert written[1] == alone[0]
    window, beginning = list(prompt), len(prompt)
    for token in written[0]:
        assert token == int(next_logits(model, window, [], beginning).argmax())
        window.append(token)
        if len(window) > context - (model.config.family == "xlnet"):
            window = window[-(context // 2) :]
            beginning = len(window)
    longer = generate(model, [prompt * 3], new_tokens=3, sampling=GREEDY).rows
    assert longer == generate(model, [(prompt * 3)[-(context // 2) :]], new_tokens=3, sampling=GREEDY).rows


def test_what_does_not_fit_is_refused_with_what_would() -> None:
    model = awake("gpt2-nano")
    with pytest.raises(HeadwaterError, match=r"ask for 4 new ones at most"):
        Writer(model, [[1] * 60], new_tokens=5, overflow="refuse")
    with pytest.raises(HeadwaterError, match="more than the model's context 64"):
        Writer(awake("t5-nano"), [[1]], sources=[[1] * 65])
    with pytest.raises(HeadwaterError, match="cannot write on"):
        Writer(awake("bert-nano"), [[1]])
    with pytest.raises(HeadwaterError, match="nothing to go on from"):
        Writer(model, [[1], []])
    for wrong in ({"temperature": -1.0}, {"top_k": 0}, {"top_p": 0.0}, {"seed": -1}):
        with pytest.raises(HeadwaterError):
            Sampling(**wrong)


def test_a_decoder_ends_at_its_context() -> None:
    model = awake("t5-nano")
    writer = generate(model, [[1, 2]], sources=[[5, 6]], new_tokens=100, sampling=GREEDY)
    assert writer.ended == ["context"]
    assert len(writer.rows[0]) == model.config.context - 2 + 1  # the last is read off, and not read again


def test_a_row_ends_at_the_separator_and_the_others_go_on() -> None:
    model = awake("llama-nano")
    free = generate(model, ROWS, new_tokens=12, sampling=GREEDY).rows
    stop = free[1][4]
    writer = generate(model, ROWS, new_tokens=12, sampling=GREEDY, stop={stop})
    for row, every in zip(writer.rows, free, strict=True):
        assert row == (every[: every.index(stop)] if stop in every else every)
    assert writer.ended[1] == "stop"
    banned = generate(model, ROWS, new_tokens=12, sampling=GREEDY, banned={stop}).rows
    assert not any(stop in row for row in banned)


def test_the_same_seed_gives_the_same_text_whatever_stands_beside_it() -> None:
    model = awake("modern-nano")
    one = generate(model, [[3, 4]], new_tokens=20, sampling=Sampling(seed=7)).rows[0]
    assert one == generate(model, [[3, 4], [9] * 11], new_tokens=20, sampling=Sampling(seed=7)).rows[0]
    assert one != generate(model, [[3, 4]], new_tokens=20, sampling=Sampling(seed=8)).rows[0]
    twins = generate(model, [[3, 4], [3, 4]], new_tokens=20, sampling=Sampling(seed=7)).rows
    assert twins[0] != twins[1]


def test_drawing_follows_the_probabilities_within_top_k_and_top_p() -> None:
    probabilities = torch.tensor([0.1, 0.4, 0.2, 0.3])
    logits = probabilities.log()

    def shares(**how: Any) -> list[float]:
        drawn = [draw(logits, Sampling(**how), (n + 0.5) / 1000) for n in range(1000)]
        return [drawn.count(token) / 1000 for token in range(4)]

    assert shares() == pytest.approx([0.1, 0.4, 0.2, 0.3], abs=0.002)
    assert shares(top_k=2) == pytest.approx([0, 4 / 7, 0, 3 / 7], abs=0.002)
    assert shares(top_p=0.75) == pytest.approx([0, 4 / 9, 2 / 9, 3 / 9], abs=0.002)
    assert shares(top_p=0.7 - 1e-9) == pytest.approx([0, 4 / 7, 0, 3 / 7], abs=0.002)
    assert shares(top_p=0.01) == [0, 1, 0, 0]
    squared = [0.01, 0.16, 0.04, 0.09]
    assert shares(temperature=0.5) == pytest.approx([x / 0.3 for x in squared], abs=0.002)


@pytest.mark.parametrize("temperature", [1e-4, 1e-300, 1e-310, 5e-324])
def test_the_colder_the_closer_to_the_likeliest(temperature: float) -> None:
    logits = torch.tensor([-3.0, float("-inf"), 8.0, 7.9, -2.0])
    for shift in (0.0, -20.0):
        for chance in (0.0, 0.3, 0.999):
            assert draw(logits + shift, Sampling(temperature=temperature), chance) == 2


@pytest.mark.parametrize("kind", ["gpt2", "llama", "t5", "t5v1.1"])
def test_transformers_writes_the_same_when_greedy(kind: str, tmp_path: Path) -> None:
    pytest.importorskip(
        "transformers", reason="transformers is not installed: pip install headwater[evaluate]"
    )
    from test_parity import pair

    theirs, ours = pair(kind, tmp_path)
    rows = torch.tensor([[7, 8, 9, 30, 31], [40, 41, 5, 6, 7]])
    how = {"max_new_tokens": 20, "do_sample": False, "use_cache": True, "eos_token_id": None}
    given = theirs.generate(rows, attention_mask=torch.ones_like(rows), **how).tolist()
    if ours.config.family == "t5":
        written = generate(ours, [[0], [0]], sources=rows.tolist(), new_tokens=20, sampling=GREEDY).rows
        assert [row[1:] for row in given] == written
    else:
        written = generate(ours, rows.tolist(), new_tokens=20, sampling=GREEDY).rows
        assert [row[5:] for row in given] == written
