"""`headwater explain TEXT`: attention by hand on a sentence, or a trained model's on any text."""

from pathlib import Path

import click

from headwater.cli.shared import language_option, print_result


@click.command()
@click.argument("text", required=False)
@click.option("--run", type=click.Path(path_type=Path), help="A trained model's, of this run's or model's folder.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Of the untrained weights.  [default: 0]")
@click.option("--layer", type=int, metavar="N", help="With --run: only this layer, from 0.")
@click.option("--head", type=int, metavar="N", help="With --run: only this head, from 0.")
@click.option("--hide", type=int, metavar="N", help="With --run of a bert or xlnet model: the piece to predict, from 0 (default: the last).")  # fmt: skip
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="With --run: write a picture here.")  # fmt: skip
@click.option("--formulas", is_flag=True, help="The chapter of all formulas, as Markdown; without TEXT.")
@language_option
@click.option("--json", "as_json", is_flag=True, help="Print all numbers as JSON.")
def explain(
    text: str | None, run: Path | None, seed: int | None, layer: int | None, head: int | None, hide: int | None,
    html: Path | None, formulas: bool, language: str | None, as_json: bool,
) -> None:  # fmt: skip
    """How attention comes to its numbers, step by step.

    Without --run: TEXT word by word through one layer and one head, d = 4, with untrained weights, small enough to
    follow by hand; then the losses of a GPT, a BERT and an XLNet on it. With --run: every layer and head of a trained
    model on TEXT.

    \b
    headwater explain "I love NLP"
    headwater explain 我爱自然语言处理 --language zh
    headwater explain "I love NLP" --run workspace/runs/RUN --html attention.html
    """
    from headwater import api
    from headwater.sources.handbook import default_language

    language = language or default_language()
    if formulas:
        from headwater.inspect.formulas import formulas_chapter

        if text is not None or run is not None or as_json:
            raise click.UsageError("--formulas is a chapter of its own: give it --language only")
        click.echo(formulas_chapter(language), nl=False)
        return
    if text is None:
        raise click.UsageError('a text is missing: headwater explain "I love NLP"')
    if run is None:
        from headwater.inspect.example import lines_of_example

        if any(option is not None for option in (layer, head, hide, html)):
            raise click.UsageError(
                "--layer, --head, --hide and --html are for a trained model: name it with --run"
            )
        example = api.worked_example(text, seed=seed or 0)
        print_result(example.as_json(), as_json, [] if as_json else lines_of_example(example, language))
        return
    if seed is not None:
        raise click.UsageError("--seed is of untrained weights; a run's are trained")
    from headwater.inspect.attention import lines_of_attention

    answer = api.explain(run, text, hide=hide)
    if html is not None:
        from headwater.studio.attention import write_attention

        write_attention(answer, html, language=language, layer=layer, head=head)
    if as_json:
        print_result(answer.as_json(), True, [])
    elif html is not None:
        click.echo(str(html))
    else:
        print_result(None, False, lines_of_attention(answer, language, layer=layer, head=head))
