"""`headwater chat` and `headwater explain`: what a person sees of a model, whatever the model writes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

from headwater.cli import cli
from headwater.model import converse, huggingface
from headwater.model.converse import Answer, Talker
from headwater.model.generate import Sampling
from headwater.model.presets import resolve
from headwater.model.special_tokens import with_special_tokens
from headwater.model.tokenizer import Tokenizer, train
from headwater.model.transformer import Transformer

torch.set_num_threads(1)
FAMILIES = {"gpt": "llama-nano", "t5": "t5-nano", "xlnet": "xlnet-nano", "bert": "bert-nano"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run's folder a family, with random weights: what is written is bytes of any kind."""
    root = tmp_path_factory.mktemp("runs")
    plain = train(["从前有座山，山里有座庙。", "once upon a time "] * 20, 300)
    for family, preset in FAMILIES.items():
        definition = with_special_tokens(plain, family)
        (root / "tokenizer.json").write_text(definition, encoding="utf-8")
        settings = {"family": family, "preset": preset, "layers": 1, "width": 16, "heads": 1, "context": 64}
        model = Transformer(resolve(settings, Tokenizer(definition).vocabulary))
        huggingface.save(model, root / family / "model", tokenizer=root / "tokenizer.json")
    return {family: root / family for family in FAMILIES}


def ask(*arguments: Any, **more: Any) -> Any:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], **more)


@pytest.mark.parametrize("family", ["gpt", "t5", "xlnet"])
@pytest.mark.parametrize("prompt", ["once upon", "从前有座山"])
def test_one_shot(runs: dict[str, Path], family: str, prompt: str) -> None:
    asked = ("chat", runs[family], "--prompt", prompt, "--max-tokens", 40, "--seed", 3)
    shown, told = ask(*asked), ask(*asked, "--json")
    assert shown.exit_code == told.exit_code == 0, shown.output + told.output
    assert not any((ord(c) < 32 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0 for c in shown.output + told.output)  # fmt: skip
    answer = json.loads(told.output)
    assert answer["prompt"] == prompt and answer["ended"] in ("stop", "length") and answer["seed"] == 3
    tokenizer = Tokenizer.load(runs[family] / "model" / "tokenizer.json")
    assert answer["text"].endswith(tokenizer.decode(answer["tokens"]).lstrip("\ufffd"))
    assert ask(*asked).output == shown.output
    assert ask(*asked[:-1], 4).output != shown.output


def test_a_character_that_is_cut_between_tokens_comes_whole(runs: dict[str, Path]) -> None:
    talker = Talker.load(runs["gpt"])
    text = "好🏔é, 源"
    tokens = [int(byte) for byte in talker.tokenizer.encode(text)]
    assert len(tokens) > len(text)  # most of these characters are several tokens

    class Scripted:
        """A writer that writes what it is told."""

        rows: list[list[int]]
        ended = ("stop",)

        def __iter__(self) -> Iterator[list[int]]:
            self.rows = [[]]
            for token in tokens:
                self.rows[0].append(token)
                yield [token]

    answer = Answer(Scripted(), talker.tokenizer, [], 1)  # type: ignore[arg-type]
    pieces = list(answer)
    assert "".join(pieces) == answer.text == text
    assert not any("\ufffd" in piece for piece in pieces) and len(pieces) >= 4
    tokens = tokens[:-1]  # what is never completed is shown as such, at the end
    assert list(Answer(Scripted(), talker.tokenizer, [], 1))[-1].endswith("\ufffd")  # type: ignore[arg-type]


def test_a_t5_model_fills_the_gap(runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    talker = Talker.load(runs["t5"])
    seen: dict[str, Any] = {}
    monkeypatch.setattr(
        converse, "Writer", lambda model, beginnings, **more: seen.update(more, begin=beginnings)
    )
    special = talker.special
    talker.answer("从前___座庙")
    before, after = (talker.tokenizer.encode(part).tolist() for part in ("从前", "座庙"))
    gap = special.sentinels[0]
    assert seen["sources"] == [[*before, gap, *after, special.end]] and seen["begin"] == [[special.pad, gap]]
    assert {special.end, *special.sentinels} <= seen["stop"] and special.pad in seen["banned"]


def test_a_conversation_keeps_what_was_said(runs: dict[str, Path]) -> None:
    done = ask(
        "chat", runs["gpt"], "--max-tokens", 5, "--json", input="once\n\n从前\n/new\nonce\n/quit\nnever\n"
    )
    first, second, third = (json.loads(line) for line in done.output.splitlines())
    assert [first["prompt"], second["prompt"], third["prompt"]] == ["once", "从前", "once"]
    assert second["prompt_tokens"] > first["prompt_tokens"] == third["prompt_tokens"]
    assert [first["seed"], second["seed"]] == [0, 1]


@pytest.mark.parametrize("family", ["gpt", "xlnet"])
def test_what_of_a_long_prompt_is_not_read_is_said(runs: dict[str, Path], family: str) -> None:
    short = ask("chat", runs[family], "--prompt", "从前" * 5, "--max-tokens", 3, "--json")
    assert json.loads(short.stdout)["unread_tokens"] == 0 and not short.stderr
    done = ask(
        "chat", runs[family], "--prompt", "从前，" * 100, "--max-tokens", 3, "--json", "--language", "en"
    )
    told = json.loads(done.stdout)
    assert told["prompt_tokens"] - told["unread_tokens"] == 32  # half of the context
    assert f"the last 32 of {told['prompt_tokens']:,} tokens" in done.stderr
    conversation = ask("chat", runs[family], "--max-tokens", 40, "--language", "en", input="从前\n" * 5)
    assert conversation.stderr.count("the model reads the last") == 1


def test_ctrl_c_stops_an_answer_cleanly(runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Answer) -> Iterator[str]:
        yield "half\x1b[31m"
        raise KeyboardInterrupt

    monkeypatch.setattr(Answer, "__iter__", interrupted)
    done = ask("chat", runs["gpt"], "--prompt", "once", "--language", "en")
    assert done.exit_code == 130 and done.output == "half␛[31m [stopped]\n"
    conversation = ask("chat", runs["gpt"], "--language", "zh", input="一\n二\n")
    assert conversation.exit_code == 0 and conversation.output.count("［已中断］") == 2


def test_what_cannot_be_is_said(runs: dict[str, Path], tmp_path: Path) -> None:
    for arguments, says in (
        ((tmp_path, "--prompt", "x"), "no run here"),
        ((runs["bert"], "--prompt", "x"), "cannot write on"),
        ((runs["xlnet"], "--prompt", ""), "give it some text"),
        ((runs["gpt"], "--prompt", "x", "--top-p", 2), "top-p is 2.0"),
        ((runs["gpt"], "--prompt", "x", "--seed", 2**63), "below 2"),
    ):
        done = ask("chat", *arguments)
        assert done.exit_code in (1, 2) and says in done.output + done.stderr, done.output


def test_bytes_that_are_no_text_are_said_not_traced(runs: dict[str, Path]) -> None:
    for run, prompt in ((runs["gpt"], "a\udcc4\udce3"), (runs["t5"], "\ud83d___")):
        done = ask("chat", run, "--prompt", prompt)
        assert done.exit_code == 1 and "headwater: the text is not UTF-8" in done.stderr, done.output
    piped = ask("chat", runs["gpt"], input="你好\n".encode("gb18030"))
    assert piped.exit_code == 1 and "is not UTF-8 (byte 0xc4)" in piped.stderr, piped.output
    explained = ask("explain", "\udcff abc", "--run", runs["gpt"])
    assert explained.exit_code == 1 and "the byte 0xff at character 0" in explained.stderr


def test_the_same_by_the_api(runs: dict[str, Path]) -> None:
    from headwater import api

    text = api.chat(runs["gpt"], "once", new_tokens=8, seed=2)
    assert text == "".join(Talker.load(runs["gpt"]).answer("once", new_tokens=8, sampling=Sampling(seed=2)))


def test_explain(runs: dict[str, Path], tmp_path: Path) -> None:
    english, chinese = (
        ask("explain", "I love NLP", "--language", "en"),
        ask("explain", "我爱自然语言处理", "--language", "zh"),
    )
    assert english.exit_code == chinese.exit_code == 0
    assert (
        english.output.startswith("Untrained weights: arithmetic only.")
        and "a_12 = a_13 = 0" in english.output
    )
    assert chinese.output.startswith("未经训练的权重：只演示算术。") and "自然语言" in chinese.output
    told = json.loads(ask("explain", "I love NLP", "--json").output)
    assert told["note"] == "untrained weights: arithmetic only" and sum(
        told["attention"][0]["weights"]
    ) == pytest.approx(1)
    shown = ask("explain", "从前有座山", "--run", runs["bert"], "--language", "zh")
    assert shown.exit_code == 0 and "[MASK]" in shown.output and "注意力不是解释" in shown.output
    page = tmp_path / "new" / "attention.html"
    assert ask("explain", "once <b>", "--run", runs["xlnet"] / "model", "--html", page).exit_code == 0
    assert "&lt;b&gt;" in page.read_text(encoding="utf-8")
    of_run = json.loads(ask("explain", "once", "--run", runs["gpt"], "--json").output)
    assert of_run["bitwise"] is True and of_run["attended"][0]["kind"] == "self"
    for wrong in (("--layer", 1), ("--run", runs["gpt"], "--seed", 1)):
        assert ask("explain", "I love NLP", *wrong).exit_code == 2
