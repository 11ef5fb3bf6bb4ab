"""`headwater preview URL|FILE`: what the extraction makes of one page, block by block.

Every block has a score: how likely it is main text. Blocks from the page's threshold on are kept; those within `NEAR`
of it are shown as such, since there a small change of the page would decide otherwise.
"""

import os
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import click

from headwater.errors import HeadwaterError
from headwater.inspect.masked import masked
from headwater.inspect.visible import folded, one_line, visible, width
from headwater.sources.extract.main_text import main_text, scored_blocks
from headwater.sources.extract.metadata import metadata_of
from headwater.sources.single import page_at

NEAR = 0.1  # of a score from the threshold
# What a page says of itself, in the order in which it is shown.
METADATA = ("title", "date", "author", "language", "url", "license", "consent")
NAMES = {"url": "canonical URL", "license": "licence"}
_MARKS = {"kept": "+", "kept_near": "+?", "dropped_near": "-?", "dropped": "-"}
_COLOURS: dict[str, dict[str, Any]] = {
    "kept": {"bg": "green", "fg": "black"},
    "kept_near": {"bg": "yellow", "fg": "black"},
    "dropped_near": {"bg": "yellow", "fg": "black"},
    "dropped": {"fg": "bright_black"},
}


@dataclass(frozen=True)
class PreviewedBlock:
    text: str
    score: float
    kept: bool
    state: str  # kept, kept_near, dropped_near, dropped


@dataclass(frozen=True)
class PagePreview:
    place: str  # as it was asked for
    url: str  # where it is from, as far as the archive, the server or the file says
    metadata: dict[str, str]  # of METADATA, those that it has
    threshold: float
    blocks: tuple[PreviewedBlock, ...]
    text: str
    truncated: str  # why the crawler cut the page, if it did

    @property
    def kept(self) -> int:
        return sum(block.kept for block in self.blocks)

    @property
    def characters(self) -> tuple[int, int]:
        """Of the blocks that are kept, and of all."""
        return sum(len(b.text) for b in self.blocks if b.kept), sum(len(b.text) for b in self.blocks)

    def as_json(self) -> dict[str, Any]:
        kept, every = self.characters
        return {
            **asdict(self),
            "kept": {"blocks": self.kept, "characters": kept},
            "of": {"blocks": len(self.blocks), "characters": every},
        }


def preview_page(argument: str, **manners: Any) -> PagePreview:
    """Fetches or reads one page and scores its blocks. HeadwaterError where there is no page.

    argument: a web address, a saved page, or a record of an archive (`crawl.warc.gz#OFFSET`). manners: how the web
    is asked, as of `sources.fetch.single.fetch_page`.
    """
    page = page_at(argument, **manners)
    scored, threshold = scored_blocks(page.markup)
    if not scored:
        raise HeadwaterError(f"{argument}: no visible text in this page")
    said = metadata_of(page.markup)
    consent = " ".join(filter(None, (page.fields.get("consent"), said.get("consent"))))
    said |= {"consent": consent} if consent else {}
    blocks = tuple(
        PreviewedBlock(
            masked(block.text), block.score, block.kept, _state(block.score - threshold, block.kept)
        )
        for block in scored
    )
    return PagePreview(
        argument,
        page.fields.get("url", ""),
        {name: masked(said[name]) for name in METADATA if name in said},
        threshold,
        blocks,
        masked(main_text(page.markup).text),
        page.truncated,
    )


def _state(above: float, kept: bool) -> str:
    return ("kept" if kept else "dropped") + ("_near" if abs(above) < NEAR else "")


def lines_of_page(answer: PagePreview, columns: int = 100) -> list[str]:
    """For a terminal of so many columns; colours are escapes, which whoever prints takes out where they are not
    wanted. NO_COLOR (no-color.org) leaves them out."""
    lines = [one_line(answer.place, columns)]
    rows = {**answer.metadata}
    if answer.url and answer.url != rows.get("url"):
        rows["fetched from"] = answer.url
    if answer.truncated:
        rows["cut by crawler"] = answer.truncated
    for name, value in rows.items():
        first, *rest = folded(visible(value).replace("\n", " "), max(20, columns - 16))
        lines += [f"{NAMES.get(name, name):<16}{first}", *(f"{'':<16}{line}" for line in rest)]
    lines.append("")
    for block in answer.blocks:
        lines += _block_lines(block, max(20, columns - 9))
    return [*lines, "", *folded(_summary(answer), columns)]


def _block_lines(block: PreviewedBlock, columns: int) -> list[str]:
    plain = bool(os.environ.get("NO_COLOR"))
    colour = _COLOURS[block.state]
    mark = f"{_MARKS[block.state]:<2} {block.score:.2f}"
    lines = []
    for number, line in enumerate(folded(visible(block.text), columns)):
        begin = mark if number == 0 else " " * width(mark)
        if not plain:
            begin = click.style(begin, **colour)
            line = click.style(line, fg="bright_black") if block.state == "dropped" else line
        lines.append(f"{begin}  {line}")
    return lines


def _summary(answer: PagePreview) -> str:
    kept, every = answer.characters
    near = Counter(block.state for block in answer.blocks)
    share = f" ({100 * kept / every:.0f} %)" if every else ""
    return (
        f"kept {answer.kept:,} of {len(answer.blocks):,} blocks, {kept:,} of {every:,} characters{share}; "
        f"+ kept, - dropped, ? within {NEAR:g} of the threshold {answer.threshold:.2f}: "
        f"{near['kept_near']:,} kept, {near['dropped_near']:,} dropped"
    )
