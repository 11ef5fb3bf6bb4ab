"""`headwater chat RUN`: a prompt, and what the model makes of it, as it comes."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.shared import language_option
from headwater.errors import HeadwaterError

if TYPE_CHECKING:
    from headwater.model.converse import Answer, Talker

_WORDS = {
    "en": (
        "A {preset} model of {parameters} parameters ({family}). It continues text; it was not taught to answer.",
        "Type, and it goes on from there. /new forgets what was said; Ctrl-D or /quit leaves; Ctrl-C stops an answer.",
        "[stopped]",
        "headwater: the model reads the last {read} of {all} tokens; its context has no room for more",
    ),
    "zh": (
        "{preset} 模型，{parameters} 个参数（{family}）。它续写文本，没有学过如何回答问题。",
        "输入文字，由它接着写。/new 忘掉前文；Ctrl-D 或 /quit 退出；Ctrl-C 中断回答。",
        "［已中断］",
        "headwater：上下文放不下全部 {all} 个词元，模型只读到最后 {read} 个",
    ),
}


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--prompt", metavar="TEXT", help="Answer this one and leave.")
@click.option("--max-tokens", type=click.IntRange(1), default=200, show_default=True, metavar="N")
@click.option("--temperature", type=float, default=0.8, show_default=True, help="0: always the likeliest.")
@click.option("--top-k", type=int, metavar="N", help="Draw from the N likeliest tokens.")
@click.option("--top-p", type=float, default=0.95, show_default=True, metavar="P", help="From the fewest that reach P.")  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed, the same text.")
@language_option
@click.option("--json", "as_json", is_flag=True, help="A line of JSON an answer.")
def chat(
    run: Path, prompt: str | None, max_tokens: int, language: str | None, as_json: bool, seed: int, **drawing: Any
) -> None:  # fmt: skip
    """Let a model go on from a prompt. RUN: a run's or a model's folder.

    A gpt or xlnet model continues it; a t5 model fills the gap, written ___. Without --prompt a conversation: what
    was said stays before each prompt, as far as the model's context reaches.

    \b
    headwater chat workspace/runs/RUN --prompt "从前有座山"
    """
    from headwater.model.converse import Talker
    from headwater.model.generate import Sampling
    from headwater.sources.handbook import default_language

    Sampling(seed=seed, **drawing)  # what is out of range is said before a model is loaded
    talker, words = Talker.load(run), _WORDS[language or default_language()]
    if not as_json and prompt is None and sys.stdin.isatty():
        config = talker.model.config
        count = sum(p.numel() for p in talker.model.parameters())
        click.echo(words[0].format(preset=config.preset, family=config.family, parameters=f"{count:,}"))
        click.echo(words[1] + "\n")
    history, forgot = "", False
    for turn, said in enumerate(_prompts(prompt)):
        if said.strip() == "/new":
            history = ""
            continue
        whole = history + said
        answer = talker.answer(whole, new_tokens=max_tokens, sampling=Sampling(seed=seed + turn, **drawing))
        if answer.unread and not forgot:  # once: a conversation grows with every answer
            forgot = True
            read = answer.prompt_tokens - answer.unread
            click.echo(words[3].format(read=f"{read:,}", all=f"{answer.prompt_tokens:,}"), err=True)
        whole_answer = _tell(answer, as_json, words[2])
        if as_json:
            _print_json(talker, said, answer, seed + turn)
        if prompt is not None and not whole_answer:
            sys.exit(130)
        if talker.model.config.family != "t5":
            history = f"{whole}{answer.text}\n"


def _prompts(prompt: str | None) -> Iterator[str]:
    """The one that was given; else what is typed or piped in, a line each."""
    if prompt is not None:
        yield prompt
        return
    typed = sys.stdin.isatty()
    while True:
        if typed:
            click.echo("› ", nl=False)
        try:
            line = sys.stdin.readline()
        except KeyboardInterrupt:
            line = ""
        except UnicodeDecodeError as error:
            raise HeadwaterError(
                f"what came in is not {error.encoding.upper()} (byte {error.object[error.start]:#04x}); convert it "
                "first, for example with `iconv -f gb18030 -t utf-8`"
            ) from error
        if not line or line.strip() == "/quit":
            if typed:
                click.echo()
            return
        if line.strip():
            yield line.rstrip("\n")


def _tell(answer: "Answer", quiet: bool, stopped: str) -> bool:
    """Writes an answer as it comes; False where Ctrl-C stopped it. Its control characters are shown, not obeyed."""
    from headwater.inspect.visible import visible

    try:
        for piece in answer:
            if not quiet:
                click.echo(visible(piece), nl=False)
                sys.stdout.flush()
        whole = True
    except KeyboardInterrupt:
        whole = False
        if not quiet:
            click.echo(f" {stopped}", nl=False)
    if not quiet:
        click.echo()
    return whole


def _print_json(talker: "Talker", prompt: str, answer: "Answer", seed: int) -> None:
    from headwater.inspect.visible import inert_json

    told = {
        "prompt": prompt, "text": answer.text, "ended": answer.ended or "interrupted", "seed": seed,
        "prompt_tokens": answer.prompt_tokens, "unread_tokens": answer.unread, "tokens": answer.tokens,
        "model": {"family": talker.model.config.family, "preset": talker.model.config.preset},
    }  # fmt: skip
    click.echo(inert_json(json.dumps(told, ensure_ascii=False)))
