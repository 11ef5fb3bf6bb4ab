"""Further training pages made of the labelled ones: boilerplate left out, texts cut short, class names unknown.

A few hundred pages show few of the sites of the web, and hardly any short article on a long page. Two variants of each
page stand beside it: one without some of its containers that hold no text, and one that besides keeps only its first
few blocks of text. In both, groups of class names are unknown at random, as on sites that name them otherwise.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from headwater.sources.extract.blocks import Blocks, sum_up
from headwater.sources.extract.columns import BLOCKS, FIRST, IN_PARAGRAPHS, LAST, LENGTH, LINKED, PUNCTUATION
from headwater.sources.extract.features import FAR, NAMES, features_of

# How often a container without text is left out, a group of class names and a kind of tag is unknown.
LEFT_OUT, UNKNOWN_WORDS, UNKNOWN_TAGS = 0.06, 0.3, 0.15
SHORT = 8  # blocks of text that a shortened page keeps at most
_UNKNOWN = [
    (column, UNKNOWN_WORDS if name.startswith("word_") else UNKNOWN_TAGS)
    for column, name in enumerate(NAMES)
    if name.startswith(("word_", "above_"))
]


def variants(
    blocks: Blocks, labels: np.ndarray, seed: int
) -> Iterator[tuple[bool, Blocks, np.ndarray, np.ndarray]]:
    """(whether it was cut short, blocks, labels, features) of each variant of a page."""
    draw = np.random.default_rng(seed)
    for short in (False, True):
        keep = _without_some_containers(blocks, labels, draw)
        text = np.flatnonzero(labels)
        if short and len(text) > 2:
            keep[text[draw.integers(1, min(SHORT, len(text)) + 1) :]] = False
        if keep.sum() < 3 or not labels[keep].any():
            continue
        fewer = _only(blocks, keep)
        matrix = features_of(fewer)
        matrix[:, [column for column, share in _UNKNOWN if draw.random() < share]] = FAR
        yield short, fewer, labels[keep], matrix


def _without_some_containers(blocks: Blocks, labels: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """bool [blocks]: which stay; an element that holds no text and no more than half of the page may go whole."""
    keep = np.ones(len(labels), bool)
    before = np.concatenate([[0], np.cumsum(labels > 0.5)])
    for first, last in blocks.elements[1:, [FIRST, LAST]].tolist():
        empty = first >= 0 and before[last + 1] == before[first] and 2 * (last - first + 1) <= len(labels)
        if empty and draw.random() < LEFT_OUT:
            keep[first : last + 1] = False
    return keep


def _only(blocks: Blocks, keep: np.ndarray) -> Blocks:
    elements, rows = blocks.elements.copy(), np.ascontiguousarray(blocks.blocks[keep])
    elements[:, [LENGTH, LINKED, PUNCTUATION, BLOCKS, IN_PARAGRAPHS]] = 0
    elements[:, [FIRST, LAST]] = -1
    sum_up(elements, rows)
    return replace(blocks, elements=elements, blocks=rows)
