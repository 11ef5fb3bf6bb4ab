"""A trained model's attention: that of the pass, that of transformers, with pieces and words that are the text's."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from test_visibility import PRESETS

import headwater.model.explain as explain
from headwater.errors import HeadwaterError
from headwater.inspect.attention import lines_of_attention
from headwater.inspect.visible import width
from headwater.model.presets import resolve
from headwater.model.special_tokens import with_special_tokens
from headwater.model.tokenizer import Tokenizer, train
from headwater.model.transformer import Transformer
from headwater.studio.attention import render_attention

torch.set_num_threads(1)
TEXTS = ["I love NLP", "我爱自然语言处理", "用Python写，“源头”🏔"]
_PLAIN = train(["I love natural language processing. ", "我爱自然语言处理，我写Python。"] * 20, 330)


def small(preset: str) -> tuple[Transformer, Tokenizer]:
    family = PRESETS[preset]
    tokenizer = Tokenizer(with_special_tokens(_PLAIN, family))
    settings = {"family": family, "preset": preset, "layers": 2, "width": 32, "heads": 2, "context": 64}
    model, random = (
        Transformer(resolve(settings, tokenizer.vocabulary)).eval(),
        torch.Generator().manual_seed(0),
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=random), alpha=0.2)
    return model, tokenizer


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("text", TEXTS)
def test_weights_are_distributions_over_what_is_visible(preset: str, text: str) -> None:
    model, tokenizer = small(preset)
    answer = explain.explain_model(model, tokenizer, text)
    stacks = 3 if model.config.family == "t5" else 1
    assert len(answer.attended) == 2 * stacks
    for one in answer.attended:
        weights, visible = torch.tensor(one.weights), torch.tensor(one.visible)
        assert weights.shape == (2, len(one.rows), len(one.keys))
        assert torch.allclose(weights.sum(-1), torch.ones(2, len(one.rows)), atol=1e-6)
        assert not weights[:, ~visible].any()
        total = torch.tensor(one.scores) + (0 if one.bias is None else torch.tensor(one.bias))
        again = torch.softmax(total.masked_fill(~visible, float("-inf")), -1)
        assert torch.allclose(again, weights, atol=1e-6)
    if model.config.family == "gpt":
        assert torch.equal(torch.tensor(answer.attended[0].visible), torch.ones(len(one.rows), len(one.rows)).tril().bool())  # fmt: skip
    if model.config.family == "xlnet":  # the query does not see the piece that it is asked for
        assert answer.attended[0].visible[-1].count(False) == 1
    assert max(map(width, lines_of_attention(answer, "zh"))) <= 90


def test_a_list_of_what_was_read_most_names_nothing_that_is_not_visible() -> None:
    model, tokenizer = small("gpt2-nano")
    answer = explain.explain_model(model, tokenizer, "我爱自然语言处理，我写Python。 I love natural language")
    lines = lines_of_attention(answer, layer=0, head=0)
    start = next(n for n, line in enumerate(lines) if line.startswith("── "))
    for query, line in enumerate(lines[start + 1 : start + 1 + len(answer.attended[0].rows)]):
        keys = [int(key) for key in re.findall(r"\[(\d+)\] \d+%", line)]
        assert len(keys) == min(3, query + 1) and max(keys) <= query, line


def test_pieces_are_those_of_the_text_and_know_their_words() -> None:
    model, tokenizer = small("gpt2-nano")
    answer = explain.explain_model(model, tokenizer, "我爱 NLP🏔")
    pieces = answer.attended[0].rows[1:]
    assert [piece.token for piece in pieces] == tokenizer.encode("我爱 NLP🏔").tolist()
    said = answer.words
    assert said[0] == "我" or said[0] == "我爱"
    of_mountain = [piece.text for piece in pieces if piece.word is not None and said[piece.word] == "🏔"]
    assert of_mountain == ["⟨F0⟩", "⟨9F⟩", "⟨8F⟩", "⟨94⟩"]
    assert all(piece.text.isspace() for piece in pieces if piece.word is None)


def test_weights_that_are_not_those_of_the_pass_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model, tokenizer = small("llama-nano")
    honest = explain.weights_of

    def wrong(layer: Any, *given: Any) -> dict[str, Any]:
        parts = honest(layer, *given)
        return {**parts, "output": parts["output"] + 1e-7}

    monkeypatch.setattr(explain, "weights_of", wrong)
    with pytest.raises(HeadwaterError, match="do not give its output"):
        explain.explain_model(model, tokenizer, "I love NLP")
    assert not any(module._forward_hooks for module in model.modules())


def test_what_cannot_be_shown_is_said() -> None:
    model, tokenizer = small("bert-nano")
    for text, hide, says in (
        ("", None, "0 tokens"),
        ("x " * 200, None, "is shown for 1 to 61"),
        ("I", 5, "has 1: 0 to 0"),
    ):
        with pytest.raises(HeadwaterError, match=says):
            explain.explain_model(model, tokenizer, text, hide=hide)
    answer = explain.explain_model(model, tokenizer, "I love NLP", hide=0)
    assert [piece.text for piece in answer.attended[0].rows][:2] == ["[CLS]", "[MASK]"]
    assert answer.predicted[0].truth == "I"
    with pytest.raises(HeadwaterError, match="no layer 7; this model's are 0 to 1"):
        lines_of_attention(answer, layer=7)
    with pytest.raises(HeadwaterError, match="no head 2; this model's are 0 to 1"):
        lines_of_attention(answer, head=2)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_picture_and_the_terminal_show_hostile_text_and_do_not_obey_it(language: str) -> None:
    model, tokenizer = small("gpt2-nano")
    text = "<script>alert(1)</script> \x1b[31m \u202e\"'&"
    answer = explain.explain_model(model, tokenizer, text)
    page = render_attention(answer, language)
    assert "<script" not in page and "&lt;script&gt;" in page
    assert "style=" not in page.replace("style-src", "") and "default-src 'none'" in page
    assert page.count("<svg") == 4 and "<title>decoder.blocks.1.attention" in page
    assert ("Attention is not an explanation" if language == "en" else "注意力不是解释") in page
    for shown in (page, "\n".join(lines_of_attention(answer, language))):
        assert "\x1b" not in shown and "\u202e" not in shown


@pytest.mark.parametrize("kind", ["gpt2", "llama", "bert", "t5"])
def test_weights_are_those_that_transformers_reports(kind: str, tmp_path: Path) -> None:
    pytest.importorskip(
        "transformers", reason="transformers is not installed: pip install headwater[evaluate]"
    )
    from test_parity import pair

    theirs, ours = pair(kind, tmp_path)
    tokens = torch.tensor([[7, 8, 9, 30, 31, 5]])
    given = {"decoder_input_ids": tokens[:, :4]} if kind == "t5" else {}
    captured: dict[str, dict[str, torch.Tensor]] = {}
    for name, module in ours.named_modules():
        if isinstance(module, explain.Attention):
            module.register_forward_hook(explain._hook(name, captured), with_kwargs=True)
    with torch.no_grad():
        reported = theirs(tokens, **given, output_attentions=True)
        ours(tokens, **({"decoder_tokens": tokens[:, :4]} if kind == "t5" else {}))
    pairs = (
        {
            "encoder.": reported.encoder_attentions,
            "decoder.": reported.decoder_attentions,
            "cross": reported.cross_attentions,
        }
        if kind == "t5"
        else {"": reported.attentions}
    )
    for of, matrices in pairs.items():
        names = [
            n
            for n in captured
            if (n.startswith(of) and ("cross" not in n)) or (of == "cross" and "cross" in n)
        ]
        for name, matrix in zip(names, matrices, strict=True):
            torch.testing.assert_close(captured[name]["weights"], matrix[0], rtol=1e-4, atol=1e-5)
