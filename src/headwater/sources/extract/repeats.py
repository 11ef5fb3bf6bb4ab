"""What of a block's words the page says elsewhere, and what the part of the page around it speaks of.

A text that stands twice in a page is once an article and once a teaser, a summary for machines or a copy for print: of
each block's runs of three words it is counted how many stand in an earlier block, and in a later one.

A *part* is the largest element around a block that does not hold the page's headline. The words that tell a notice, a
form, a shop or comments from text (`tags.CUES`) are few in one block, but many in such a part as a whole.
"""

import numpy as np

from headwater.engine.kernels import kernel
from headwater.sources.extract.columns import BLOCKS, BOX, END, FIRST, LENGTH, LINKED, PARENT, START
from headwater.sources.extract.tags import CUES, FNV_PRIME
from headwater.sources.extract.topic import words_of

# Of a block so many bytes are compared, of a page so many runs of words.
COMPARED, MOST = 12_000, 1 << 19
SHORTEST = 3  # bytes that a word takes at least, with what ends it
PART_CUES = ("privacy", "signup", "rights", "related", "comment", "trade")
NAMES = (
    "said_before",
    "said_later",
    *(f"part_{name}" for name in ("share", "link_share", "blocks", "from")),
    *(f"part_{name}" for name in PART_CUES),
)
_WORDS = COMPARED // SHORTEST
_FP = np.uint64(FNV_PRIME)
_CUES = np.array([list(CUES).index(name) for name in PART_CUES])


def measure_repeats(blocks: np.ndarray, text: np.ndarray, matrix: np.ndarray) -> None:
    """Fills the first two of the columns NAMES of `matrix`, float32 [blocks, len(NAMES)]."""
    runs = len(text) // SHORTEST + len(blocks)
    size = 1 << min(2 * runs + 64, 2 * MOST).bit_length()
    words = np.empty(runs + _WORDS, np.uint64)
    _repeats(blocks, text, words, np.zeros(size, np.uint64), np.empty((size, 2), np.int32), matrix)


def measure_parts(
    headline: int, elements: np.ndarray, blocks: np.ndarray, cues: np.ndarray, matrix: np.ndarray
) -> None:
    """Fills the other columns. `headline`: the block that it is, or -1; `cues`: how many of each kind a block has."""
    _parts(headline, elements, blocks, cues, matrix)


@kernel
def _run(words: np.ndarray, many: int, place: int) -> np.uint64:
    """Hash of the run of words that begins at `place`: three, or all of a block that has fewer."""
    key = np.uint64(many) if many < 3 else np.uint64(7)
    for step in range(place, min(place + 3, many)):
        key = (key ^ words[step]) * _FP
    return key | np.uint64(1)


@kernel
def _repeats(
    blocks: np.ndarray,
    text: np.ndarray,
    words: np.ndarray,
    keys: np.ndarray,
    seen: np.ndarray,
    matrix: np.ndarray,
) -> None:
    """`words`: room for those of all blocks, one after the other. `seen`: of each run the first and the last block that
    it stands in."""
    mask, left = np.uint64(keys.shape[0] - 1), MOST
    counts = np.empty(blocks.shape[0], np.int64)
    used = 0
    for number in range(blocks.shape[0]):
        start = blocks[number, START]
        end = min(blocks[number, END], start + COMPARED)
        counts[number] = words_of(text, start, end, words[used : used + _WORDS])
        used += counts[number]
    for again in range(2):
        used = 0
        for number in range(blocks.shape[0]):
            many = counts[number]
            own = words[used : used + many]
            used += many
            runs = max(1, many - 2) if many else 0
            before = later = 0
            for run in range(runs):
                key = _run(own, many, run)
                place = (key >> np.uint64(20)) & mask
                while keys[place] != 0 and keys[place] != key:
                    place = (place + np.uint64(1)) & mask
                if again:
                    if keys[place]:
                        before += seen[place, 0] < number
                        later += seen[place, 1] > number
                elif keys[place]:
                    seen[place, 1] = number
                elif left > 0:
                    left -= 1
                    keys[place], seen[place, 0], seen[place, 1] = key, number, number
            if again and runs:
                matrix[number, 0], matrix[number, 1] = before / runs, later / runs


@kernel
def _parts(
    headline: int, elements: np.ndarray, blocks: np.ndarray, cues: np.ndarray, matrix: np.ndarray
) -> None:
    total = max(1, elements[0, LENGTH])
    around = np.zeros(elements.shape[0], np.uint8)  # whether an element holds the headline
    around[0] = 1
    node = blocks[headline, BOX] if headline >= 0 else 0
    while node > 0:
        around[node] = 1
        node = elements[node, PARENT]
    sums = np.zeros((elements.shape[0], _CUES.shape[0]), np.float32)
    for number in range(blocks.shape[0]):
        for column in range(_CUES.shape[0]):
            sums[blocks[number, BOX], column] += cues[number, _CUES[column]]
    part = np.arange(elements.shape[0])
    for node in range(elements.shape[0] - 1, 0, -1):
        for column in range(_CUES.shape[0]):
            sums[elements[node, PARENT], column] += sums[node, column]
    for node in range(1, elements.shape[0]):
        if not around[elements[node, PARENT]]:
            part[node] = part[elements[node, PARENT]]
    for number in range(blocks.shape[0]):
        x, node = matrix[number], part[blocks[number, BOX]]
        length = elements[node, LENGTH]
        x[2] = length / total
        x[3] = elements[node, LINKED] / max(1, length)
        x[4] = np.log1p(np.float64(elements[node, BLOCKS]))
        x[5] = max(-300, min(300, elements[node, FIRST] - headline)) if headline >= 0 and node > 0 else -999
        for column in range(_CUES.shape[0]):
            x[6 + column] = 100 * sums[node, column] / (length + 300)
