"""HTML to blocks: the text between two block-level boundaries (`<p>`, `<div>`, `<br>` …), its white space collapsed.

The scanner (`scan.py`) finds elements and blocks in one pass over a page's bytes; here they are summed up.
"""

from dataclasses import dataclass

import numpy as np

from headwater.engine.kernels import kernel
from headwater.sources.extract.columns import (
    BLOCK_COLUMNS,
    BLOCKS,
    BOX,
    CELL,
    ELEMENT_COLUMNS,
    END,
    FIRST,
    IN_PARAGRAPHS,
    ITEM,
    LAST,
    LENGTH,
    LINK_SIZE,
    LINKED,
    MARKS,
    PARENT,
    PUNCTUATION,
    ROW,
    SIZE,
    START,
    TAGNAME,
)
from headwater.sources.extract.scan import scan
from headwater.sources.extract.tags import IS_CELL, TAG
from headwater.sources.extract.topic import MAX_METAS, Topic, topic_of

_P, _TR, _LI = TAG["p"], TAG["tr"], TAG["li"]
_PADDING = 32  # zero bytes behind the page, so that looking ahead stays inside


@dataclass(frozen=True)
class Blocks:
    """A page's blocks. `text`: UTF-8 with HTML entities still in it; `signatures` and `paths`: one hash an element."""

    text: np.ndarray  # uint8
    elements: np.ndarray  # int64 [elements, ELEMENT_COLUMNS]
    signatures: np.ndarray  # uint64 [elements, 3]: of tag and class; of the tags from the root on; of the tag
    blocks: np.ndarray  # int32 [blocks, BLOCK_COLUMNS]
    topic: Topic

    def raw(self, number: int) -> str:
        """A block's text; entities are not resolved yet."""
        start, end = self.blocks[number, START], self.blocks[number, END]
        return self.text[start:end].tobytes().decode("utf-8", "replace")


def blocks_of(page: str | bytes) -> Blocks:
    """Of a page, or of its UTF-8."""
    data = page if isinstance(page, bytes) else page.encode("utf-8", "replace")
    padded = np.frombuffer(data + bytes(_PADDING), np.uint8)
    most = int(np.count_nonzero(padded == 60)) + 2
    text = np.empty(len(data) + 3 * _PADDING + 2 * most, np.uint8)
    elements = np.empty((most, ELEMENT_COLUMNS), np.int64)
    signatures = np.empty((most, 3), np.uint64)
    blocks = np.empty((most + 1, BLOCK_COLUMNS), np.int32)
    heads = np.zeros((MAX_METAS + 1, 2), np.int64)
    count, found, used, metas = scan(padded, len(data), text, elements, signatures, blocks, heads)
    sum_up(elements[:count], blocks[:found])
    (begin, end), *tags = heads[: metas + 1].tolist()
    topic = topic_of(data[begin:end], [data[begin:end] for begin, end in tags])
    return Blocks(text[:used], elements[:count], signatures[:count], blocks[:found], topic)


@kernel
def sum_up(elements: np.ndarray, blocks: np.ndarray) -> None:
    """Sums over blocks for every element around them: each block to its box, then each element to its parent."""
    for number in range(blocks.shape[0]):
        box = blocks[number, BOX]
        elements[box, LENGTH] += blocks[number, SIZE]
        elements[box, LINKED] += blocks[number, LINK_SIZE]
        elements[box, PUNCTUATION] += blocks[number, MARKS]
        elements[box, BLOCKS] += 1
        if elements[box, TAGNAME] == _P:
            elements[box, IN_PARAGRAPHS] += blocks[number, SIZE]
        if elements[box, FIRST] < 0:
            elements[box, FIRST] = number
        elements[box, LAST] = number
        row = cell = item = -1
        node, steps = int(box), 0
        while node > 0 and steps < 12:
            tag = elements[node, TAGNAME]
            if IS_CELL[tag] and cell < 0:
                cell = node
            elif tag == _TR and row < 0:
                row = node
            elif tag == _LI and item < 0:
                item = node
            node = elements[node, PARENT]
            steps += 1
        blocks[number, ROW], blocks[number, CELL], blocks[number, ITEM] = row, cell, item
    for node in range(elements.shape[0] - 1, 0, -1):
        parent = elements[node, PARENT]
        for column in (LENGTH, LINKED, PUNCTUATION, BLOCKS, IN_PARAGRAPHS):
            elements[parent, column] += elements[node, column]
        if elements[node, FIRST] >= 0:
            if elements[parent, FIRST] < 0 or elements[node, FIRST] < elements[parent, FIRST]:
                elements[parent, FIRST] = elements[node, FIRST]
            elements[parent, LAST] = max(elements[parent, LAST], elements[node, LAST])
