"""`headwater fetch KIND`: bounded samples of open sources. Each command says what it would fetch with --plan."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from headwater import api
from headwater.cli.shared import Group, print_result

COUNT = click.IntRange(1)
SECONDS = click.FloatRange(0)


@click.group(cls=Group, context_settings={"max_content_width": 80})
def fetch() -> None:
    """Get a bounded sample of an open source.

    Interrupted, or stopped by a server that is busy: run the same command again, and it goes on where it was. What
    was fetched stands under its name only when it is whole and its checksums are right, with a summary beside it
    (source, date, licence, SHA-256 of every file).
    """


def _common(out: str, *, mirrors: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options of every kind; `out`: what --out names."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        options = [
            click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON."),
            click.option("--allow-http", is_flag=True, help="Allow plain http."),
            click.option("--allow-loopback", is_flag=True, help="Allow addresses of this machine."),
            *(
                [click.option("--base-url", metavar="URL", help="A mirror with the same paths.")]
                if mirrors
                else []
            ),
            click.option("--contact", metavar="ADDRESS", help="E-mail or URL to name in the User-Agent."),
            click.option(
                "--delay", type=SECONDS, metavar="SECONDS", help="Between requests, if not the source's own."
            ),
            click.option(
                "--max-bytes", default="1 GB", show_default=True, metavar="SIZE", help="Fetch no more."
            ),
            click.option("--plan", is_flag=True, help="Say what would be fetched; fetch nothing."),
            click.option("--out", type=click.Path(path_type=Path), required=True, help=out),
        ]
        for option in options:
            function = option(function)
        return function

    return add


def _run(
    kind: str,
    *,
    out: Path,
    plan: bool,
    max_bytes: str,
    allow_http: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    from headwater.errors import RecipeError
    from headwater.recipe.quantities import parse_size

    try:
        size = parse_size(max_bytes)
    except ValueError as error:
        raise RecipeError(f"--max-bytes: {error}") from None
    result = api.fetch(
        kind,
        out,
        plan=plan,
        max_bytes=size,
        https_only=not allow_http,
        **settings,
    )
    from headwater.sources.fetch.tell import lines_of

    print_result(result, as_json, [] if as_json else lines_of(result, out))


@fetch.command()
@click.argument("start", nargs=-1, required=True)
@click.option("--max-pages", type=COUNT, default=1000, show_default=True, metavar="N", help="Fetch no more.")
@click.option("--sitemap", is_flag=True, help="Start from the site's sitemaps too.")
@click.option("--no-follow", is_flag=True, help="Fetch the START pages only.")
@click.option("--allow-paths", metavar="REGEX", help="Only pages whose path it is found in.")
@_common("The WARC to write (.warc.gz).", mirrors=False)
def pages(no_follow: bool, **options: Any) -> None:
    """Crawl a site politely into a WARC.

    From the START pages on, by links within the site, as its robots.txt allows.

    \b
    headwater fetch pages https://example.org/ --out site.warc.gz
    """
    _run("pages", follow=not no_follow, **options)


@fetch.command()
@click.option("--url", metavar="PATTERN", help="example.org/* or *.example.org: single records.")
@click.option("--paths", metavar="LIST", help="warc.paths.gz or wet.paths.gz: whole files.")
@click.option("--crawl", default="latest", show_default=True, metavar="NAME", help="As CC-MAIN-2024-33.")
@click.option("--mime", metavar="TYPE", help="Only records of it, as text/html.")
@click.option("--language", metavar="CODE", help="Only records in it, as zh.")
@click.option("--first", type=COUNT, metavar="N", help="Records (default 1000) or files (1).")
@_common("A .warc.gz with --url, a folder with --paths.")
def commoncrawl(**options: Any) -> None:
    """Pages of Common Crawl, by URL or by file.

    \b
    headwater fetch commoncrawl --url 'example.org/*' --out example.warc.gz
    headwater fetch commoncrawl --paths wet.paths.gz --first 2 --out cc
    """
    _run("commoncrawl", **options)


@fetch.command()
@click.option("--language", required=True, metavar="CODE", help="As in the site's name: zh, en.")
@click.option("--date", default="latest", show_default=True, metavar="YYYYMMDD")
@click.option(
    "--project",
    type=click.Choice(
        [
            "wikipedia",
            "wiktionary",
            "wikisource",
            "wikibooks",
            "wikiquote",
            "wikivoyage",
            "wikiversity",
            "wikinews",
        ]
    ),
    default="wikipedia",
    show_default=True,
    metavar="NAME",
    help="Or a sister: wikisource, wikinews, wikibooks, …",
)
@click.option("--pages", type=COUNT, metavar="N", help="The first N pages, in whole streams.")
@_common("The folder to make.")
def wikipedia(**options: Any) -> None:
    """A dump of Wikipedia, or its first pages.

    \b
    headwater fetch wikipedia --language zh --pages 10000 --out zhwiki
    """
    _run("wikipedia", **options)


@fetch.command()
@click.argument("ids", nargs=-1, type=int)
@click.option("--language", metavar="CODE", help="The first books in it: zh, en.")
@click.option("--first", type=COUNT, metavar="N", help="So many of them (default 10).")
@_common("The folder to make.")
def gutenberg(**options: Any) -> None:
    """Books of Project Gutenberg, by number or language.

    \b
    headwater fetch gutenberg 1342 2701 --out books
    headwater fetch gutenberg --language zh --first 50 --out books
    """
    _run("gutenberg", **options)


@fetch.command()
@click.argument("site")
@click.option("--item", default="stackexchange", show_default=True, metavar="NAME", help="Of archive.org.")
@_common("The folder to make.")
def stackexchange(**options: Any) -> None:
    """Questions and answers of a Stack Exchange SITE.

    \b
    headwater fetch stackexchange chinese --out forum
    """
    _run("stackexchange", **options)


@fetch.command()
@click.argument("ids", nargs=-1)
@click.option("--ids-from", type=click.Path(path_type=Path), metavar="FILE", help="More identifiers.")
@click.option("--open-only", is_flag=True, help="Only papers under a Creative Commons licence.")
@_common("The folder to make.")
def arxiv(**options: Any) -> None:
    """Sources of papers on arXiv, with metadata and licence.

    \b
    headwater fetch arxiv 1706.03762 hep-th/9711200 --out papers
    """
    _run("arxiv", **options)


@fetch.command()
@click.argument("repository")
@click.option("--revision", default="main", show_default=True, metavar="NAME", help="Branch, tag or commit.")
@click.option("--allow", multiple=True, metavar="GLOB", help="Only these paths; may be repeated.")
@click.option(
    "--type", "repository_type", type=click.Choice(["dataset", "model"]), default="dataset", show_default=True
)
@_common("The folder to make.")
def huggingface(**options: Any) -> None:
    """Texts and tables of a Hugging Face REPOSITORY (org/name).

    \b
    headwater fetch huggingface org/name --allow 'zh/*.parquet' --out data

    A token in HF_TOKEN is sent to the hub only.
    """
    _run("huggingface", **options)
