"""What a model writes on: prompts and answers that the context does not hold together."""

from collections.abc import Callable

import pytest

from headwater.evaluate.scorer import Scorer

Scorers = Callable[[str], Scorer]
PROMPT = "源头活水来，半亩方塘一鉴开。"


@pytest.mark.parametrize("new_tokens", [12])
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
