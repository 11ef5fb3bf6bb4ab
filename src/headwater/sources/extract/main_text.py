"""The main text of a page: article, thread or entry, without menus, teasers, notices and footers.

The page is scanned into blocks (`blocks.py`), every block is measured (`features.py`) and scored by a small model
(`forest.py`); what scores high enough is put together in the page's order. Cells of a table's row are joined by " | ",
items of a list begin with "- ", code keeps its lines, formulas stand as TeX between dollar signs.
"""

from dataclasses import dataclass

import numpy as np

from headwater.sources.extract.blocks import Blocks, blocks_of
from headwater.sources.extract.columns import BLOCKS, CELL, CODE, END, GAP, ITEM, PARAGRAPH, ROW, SIZE, START
from headwater.sources.extract.features import FAR, NAMES, features_of
from headwater.sources.extract.forest import shipped
from headwater.sources.extract.references import unescape

VERSION = 3  # of what is made of a page, given the model's numbers
# Above it nothing is selected: a page of so many blocks is a table or a dump, and all of it is its text.
MAX_BLOCKS = 40_000
# Where no block is likely to be text, the likeliest are: those of at least so much of the highest probability.
OF_HIGHEST = 0.8
# How far below and above the model's threshold that of a page may lie.
REACH = (0.15, 0.1)
LIST_ITEM = 3  # blocks in an item up to which it is one; larger ones are posts, or a page's layout


@dataclass(frozen=True)
class MainText:
    text: str
    kept: int  # blocks
    blocks: int


@dataclass(frozen=True)
class ScoredBlock:
    text: str
    score: float  # how likely it is main text
    kept: bool


def warm() -> None:
    """Compiles the kernels, so that workers find them on disk."""
    main_text("<p>源头</p>")


def version() -> str:
    """Of the extractor: its code's and its model's."""
    return f"{VERSION}-{shipped().digest}"


def main_text(page: str | bytes) -> MainText:
    """Of a page, or of its UTF-8."""
    blocks = blocks_of(page)
    scores = scores_of(blocks)
    kept = np.flatnonzero(scores >= threshold_of(scores, blocks, shipped().keep_from))
    return MainText(assembled(blocks, kept), len(kept), len(blocks.blocks))


def all_text(page: str | bytes) -> MainText:
    """All blocks of a page, or of its UTF-8."""
    blocks = blocks_of(page)
    count = len(blocks.blocks)
    return MainText(assembled(blocks, np.arange(count)), count, count)


def scored_blocks(page: str) -> tuple[list[ScoredBlock], float]:
    """Every block of a page, in order, with its score, and the score from which on one is kept: for `headwater
    preview`."""
    blocks = blocks_of(page)
    scores = scores_of(blocks)
    threshold = threshold_of(scores, blocks, shipped().keep_from)
    scored = [
        ScoredBlock(unescape(blocks.raw(number)), float(score), bool(score >= threshold))
        for number, score in enumerate(scores)
    ]
    return scored, threshold


def scores_of(blocks: Blocks) -> np.ndarray:
    """float32 [blocks]: probabilities; 1 for all of a page that is too large to be judged."""
    if len(blocks.blocks) > MAX_BLOCKS:
        return np.ones(len(blocks.blocks), np.float32)
    matrix = features_of(blocks)
    scores = shipped()(matrix)
    scores[matrix[:, NAMES.index("above_nav")] < FAR] = 0  # what is marked as navigation is never text
    return scores


def threshold_of(scores: np.ndarray, blocks: Blocks, keep_from: float) -> float:
    """From which probability on a block of this page is text.

    Of the thresholds within REACH of the model's own, `keep_from`, the one at which the expected F1 is highest if the probabilities
    are right: 2 Σ_kept w p / (Σ_kept w + Σ w p), a block's weight w growing with its letters as its share of 4-grams
    does. Where nothing is that likely, the likeliest blocks are text.
    """
    if not len(scores):
        return 1.0
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order].astype(np.float64)
    weights = blocks.blocks[order, SIZE] ** 0.7
    right = np.cumsum(weights * ranked)
    f1 = 2 * right / (np.cumsum(weights) + right[-1] + 1e-9)
    best = min(max(float(ranked[f1.argmax()]), keep_from - REACH[0]), keep_from + REACH[1])
    return min(best, OF_HIGHEST * float(ranked[0]))


def assembled(blocks: Blocks, kept: np.ndarray) -> str:
    text, parts = blocks.text.tobytes(), list[bytes]()
    before: list[int] | None = None
    after = -1  # the number of the block before, and one
    for number, row in zip(kept.tolist(), blocks.blocks[kept].tolist(), strict=True):
        if before is not None:
            parts.append(_between(before, row, number == after))
        item = row[ITEM]
        if (
            item >= 0
            and (before is None or before[ITEM] != item)
            and blocks.elements[item, BLOCKS] <= LIST_ITEM
        ):
            parts.append(b"- ")
        parts.append(text[row[START] : row[END]])
        before, after = row, number + 1
    return unescape(b"".join(parts).decode("utf-8", "replace"))


def _between(before: list[int], row: list[int], adjacent: bool) -> bytes:
    """What stands between two blocks; `adjacent`: none was left out between them."""
    if row[ROW] >= 0 and row[ROW] == before[ROW] and row[CELL] != before[CELL] and not before[CODE]:
        return b" | "
    return b"\n" if adjacent and row[GAP] < PARAGRAPH else b"\n\n"
