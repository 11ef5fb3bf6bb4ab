"""Which blocks of a page are its main text: its truth laid along its blocks.

A long block is text where the truth holds it, letter by letter without punctuation and case, or holds most of its
8-letter pieces and other blocks do not hold them already. One that stands in the page several times is text as often as
in the truth, nearest to the others. A short block is text where the truth has it between what its neighbours match.
"""

import html
import unicodedata
from collections import Counter, defaultdict

import numpy as np

from headwater.sources.extract.blocks import Blocks, blocks_of
from headwater.sources.extract.columns import BLOCK_COLUMNS, SIZE
from headwater.sources.extract.features import features_of
from pages import Page, flat_text

LONG, LONG_HAN, PIECE = 25, 9, 8
# A block of which no more than this share is new is a copy of text that stands in the page already.
COPY = 0.15
# A text of fewer letters than this is found anywhere: it is text beside a block that is.
FEWEST = 3


def letters(text: str) -> str:
    return "".join(
        character for character in unicodedata.normalize("NFC", text).lower() if character.isalnum()
    )


def texts_of(blocks: Blocks) -> list[str]:
    return [html.unescape(blocks.raw(number)) for number in range(len(blocks.blocks))]


def _long(text: str) -> bool:
    return len(text) >= LONG or sum("\u3400" <= character <= "\u9fff" for character in text) >= LONG_HAN


def aligned(texts: list[str], truth: str) -> np.ndarray:
    """float32 [blocks]: 1 where a block is of the truth."""
    whole, count = letters(truth), len(texts)
    labels = np.zeros(count, np.float32)
    if not whole:
        return labels
    pieces = {whole[i : i + PIECE] for i in range(len(whole) - PIECE + 1)}
    flat = [letters(text) for text in texts]
    times = Counter(flat)
    places: dict[int, tuple[int, int]] = {}
    repeated: dict[str, list[int]] = defaultdict(list)
    alike: list[int] = []
    for number, text in enumerate(flat):
        if not _long(text):
            continue
        place = whole.find(text)
        if place >= 0 and times[text] > 1:
            repeated[text].append(number)
        elif place >= 0:
            labels[number], places[number] = 1, (place, place + len(text))
        elif len(text) >= 40:
            alike.append(number)
    said = {flat[number][i : i + PIECE] for number in places for i in range(len(flat[number]) - PIECE + 1)}
    for number in alike:
        text = flat[number]
        some = [text[i : i + PIECE] for i in range(0, len(text) - PIECE + 1, 3)]
        there = [piece for piece in some if piece in pieces]
        new = sum(piece not in said for piece in there)
        if len(there) > 0.65 * len(some) and new > COPY * len(there):
            labels[number] = 1
            said.update(text[i : i + PIECE] for i in range(len(text) - PIECE + 1))
    middle = float(np.median(np.flatnonzero(labels))) if labels.any() else count / 2
    for text, numbers in repeated.items():
        numbers.sort(key=lambda number: abs(number - middle))
        for number in numbers[: whole.count(text)]:
            labels[number], places[number] = 1, (whole.find(text), whole.find(text) + len(text))
    return _short_ones(labels, flat, places, whole)


def _short_ones(
    labels: np.ndarray, flat: list[str], places: dict[int, tuple[int, int]], whole: str
) -> np.ndarray:
    count = len(flat)
    following: list[tuple[int, int] | None] = [None] * count  # the next block that matched, and where
    next_match: tuple[int, int] | None = None
    for number in range(count - 1, -1, -1):
        following[number] = next_match
        if number in places:
            next_match = (number, places[number][0])
    last, end = -1, 0
    for number, text in enumerate(flat):
        if number in places:
            last, end = number, places[number][1]
            continue
        if not text or labels[number] or _long(text):
            continue
        after = following[number]
        if (last < 0 and after is not None and after[0] - number > 15) or (
            after is None and number - last > 15
        ):
            continue
        until = after[1] if after is not None and after[1] >= end else min(len(whole), end + 200)
        place = whole.find(text, max(0, end - 2), until + 2)
        beside = last == number - 1 or (after is not None and after[0] == number + 1)
        if 0 <= place < end + 400 and (len(text) >= FEWEST or beside):
            labels[number], places[number] = 1, (place, place + len(text))
            last, end = number, place + len(text)
    return labels


def corrected(texts: list[str], labels: np.ndarray, page: Page) -> np.ndarray:
    """Another extractor's labels, mended by what a person says must and must not be there."""
    flat = [flat_text(text) for text in texts]
    for snippet in map(flat_text, page.wanted):
        holders = [number for number, text in enumerate(flat) if snippet in text]
        if holders and (len(holders) == 1 or not labels[holders].any()):
            labels[holders[0]] = 1
    for snippet in map(flat_text, page.unwanted):
        for number, text in enumerate(flat):
            if snippet in text and len(text) < 300:
                labels[number] = 0
    return labels


def weights(blocks: Blocks, whole: float = 1.0) -> np.ndarray:
    """Of a page's blocks: long ones count more, pages alike."""
    sizes = np.minimum(blocks.blocks[:, SIZE].astype(np.float64), 1500.0) + 20.0
    powered = sizes**0.6
    return (powered / powered.sum() * whole * 100).astype(np.float32)


__all__ = [
    "BLOCK_COLUMNS",
    "aligned",
    "blocks_of",
    "corrected",
    "features_of",
    "letters",
    "texts_of",
    "weights",
]
