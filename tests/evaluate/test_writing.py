"""What a model writes on: prompts and answers that the context does not hold together."""

from collections.abc import Callable

import pytest
import torch

from headwater.evaluate.run_task import describe, version_of
from headwater.evaluate.scorer import Scorer

Scorers = Callable[[str], Scorer]
PROMPT = "源头活水来，半亩方塘一鉴开。"


@pytest.mark.parametrize("kind", ["llama-nano", "gpt2-nano"])
@pytest.mark.parametrize("repeats", [1, 20])
def test_a_limit_above_the_context_leaves_the_prompt_what_it_says(
    scorers: Scorers, kind: str, repeats: int
) -> None:
    """Greedy writing by hand: all of a prompt that half of the context holds, of others the end; a window that is full
    keeps its later half."""
    scorer = scorers(kind)
    context, special = scorer.model.config.context, scorer.special
    prompt = PROMPT * repeats
    window, new = scorer.encode(prompt)[-(context // 2) :], []
    with torch.no_grad():
        while len(new) < 2 * context:
            token = int(scorer.model(torch.tensor([window]))[0, -1].argmax())
            if token == special.separator:
                break
            new.append(token)
            window.append(token)
            if len(window) > context:
                window = window[-(context // 2) :]
    [text], [cut] = scorer.write([prompt], new_tokens=2 * context)
    assert text == scorer.tokenizer.decode(new)
    assert cut == (len(scorer.encode(prompt)) > context // 2) == (repeats > 1)


@pytest.mark.parametrize("new_tokens", [12, 32, 63, 64, 256])
@pytest.mark.parametrize("kind", ["gpt", "xlnet", "t5"])
def test_a_short_prompt_is_read_whole_whatever_the_limit(
    scorers: Scorers, kind: str, new_tokens: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    import headwater.evaluate.scorer as module

    scorer, read = scorers(kind), []
    plain = module.Writer

    def watched(model: object, beginnings: list[list[int]], **options: object) -> object:
        read.extend(options.get("sources") or beginnings)
        return plain(model, beginnings, **options)

    monkeypatch.setattr(module, "Writer", watched)
    tokens = scorer.encode(PROMPT)
    assert len(tokens) <= scorer.model.config.context // 2
    [text], [cut] = scorer.write([PROMPT], new_tokens=new_tokens, until=["水"])
    assert not cut and "水" not in text
    assert read[0][: len(tokens)] == tokens


def test_tasks_whose_numbers_changed_are_asked_again_and_others_are_not() -> None:
    written = ("arithmetic", "translation_en_zh", "lambada", "lm_eval:任何")
    assert {version_of(describe(name)) for name in (*written, "blimp", "zhoblimp")} == {3}
    assert {version_of(describe(name)) for name in ("tnews", "xcopa_zh", "induction")} == {2}
