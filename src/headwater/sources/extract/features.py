"""What is measured on every block of a page: the inputs of the main-text model.

Own properties, the tags and class words above it and how far, the containers around it, a readability-style top
container and where the block stands to it, blocks of the same path and class, neighbours, the page, what the page says
it is about (`topic.py`), and what of the block it says elsewhere (`repeats.py`). Lengths count a Han character as three
letters, so that one model serves English and Chinese.
"""

import numpy as np

from headwater.engine.kernels import kernel
from headwater.sources.extract.blocks import Blocks
from headwater.sources.extract.columns import (
    BLOCKS,
    BOX,
    BREAK,
    CHARACTERS,
    CODE,
    DEPTH,
    DIGITS,
    END,
    FINAL,
    FIRST,
    GROUPS,
    HAN,
    HIDDEN,
    IN_PARAGRAPHS,
    INNER,
    LAST,
    LENGTH,
    LINK_SIZE,
    LINKED,
    LINKS,
    MARKS,
    PARENT,
    PUNCTUATION,
    SIZE,
    START,
    TAGNAME,
    UPPER,
    WORDS,
)
from headwater.sources.extract.repeats import NAMES as REPEATS
from headwater.sources.extract.repeats import measure_parts, measure_repeats
from headwater.sources.extract.tags import (
    ANCESTOR,
    ANCESTORS,
    CUE_KEYS,
    CUE_VALUES,
    CUES,
    FNV_PRIME,
    FNV_START,
    IS_BLOCK,
    IS_HEADING,
    NEGATIVE,
    POSITIVE,
    TAG,
)
from headwater.sources.extract.tags import GROUPS as WORD_GROUPS
from headwater.sources.extract.tokens import look_up
from headwater.sources.extract.topic import NAMES as TOPIC
from headwater.sources.extract.topic import measure_topic

_OWN = "size link_share links marks marks_share final digits upper han word_length tag inner depth break hidden words code"
_CONTAINER = "size link_share share marks blocks"
_TOP = "inside distance share position link_share score second"
_PAGE = "size link_share blocks paragraph_share han"
_PLACE = "letters blocks after_heading blocks_after_heading from_longest from_end_of_top"
_ALIKE = "path_count path_size path_link_share path_share parent_count parent_size parent_link_share"
_NEIGHBOUR = "size link_share tag alike marks"
_AROUND = "size link_share longest repeated"
LEVELS, NEIGHBOURS = 4, (-2, -1, 1, 2)

NAMES = (
    *_OWN.split(),
    *(f"above_{tag}" for tag in ANCESTORS),
    *(f"word_{group}" for group in WORD_GROUPS),
    *(f"container{level}_{name}" for level in range(LEVELS) for name in _CONTAINER.split()),
    *(f"top_{name}" for name in _TOP.split()),
    *(f"page_{name}" for name in _PAGE.split()),
    *(f"place_{name}" for name in _PLACE.split()),
    *_ALIKE.split(),
    *(f"neighbour{offset:+d}_{name}" for offset in NEIGHBOURS for name in _NEIGHBOUR.split()),
    *(f"around_{name}" for name in _AROUND.split()),
    *(f"cue_{name}" for name in CUES),
    *TOPIC,
    *REPEATS,
)
COUNT = len(NAMES)
_AT_TAGS = len(_OWN.split())
_AT_WORDS = _AT_TAGS + len(ANCESTORS)
_AT_CONTAINERS = _AT_WORDS + len(WORD_GROUPS)
_AT_TOP = _AT_CONTAINERS + LEVELS * len(_CONTAINER.split())
_AT_PAGE = _AT_TOP + len(_TOP.split())
_AT_PLACE = _AT_PAGE + len(_PAGE.split())
_AT_ALIKE = _AT_PLACE + len(_PLACE.split())
_AT_NEIGHBOURS = _AT_ALIKE + len(_ALIKE.split())
_AT_AROUND = _AT_NEIGHBOURS + len(NEIGHBOURS) * len(_NEIGHBOUR.split())
_AT_CUES = _AT_AROUND + len(_AROUND.split())
_AT_TOPIC = _AT_CUES + len(CUES)
_AT_REPEATS = _AT_TOPIC + len(TOPIC)
_TAGS, _GROUPS, _CUES = len(ANCESTORS), len(WORD_GROUPS), len(CUES)
FAR = 16  # the distance of what is not above a block
_CLIMB = 40  # levels that are looked at
_F0, _FP, _MIX = np.uint64(FNV_START), np.uint64(FNV_PRIME), np.uint64(0x9E3779B97F4A7C15)
_P, _LI, _TD, _PRE, _QUOTE, _ARTICLE, _H1 = (
    TAG[n] for n in ("p", "li", "td", "pre", "blockquote", "article", "h1")
)
_TINY = 1e-6


def features_of(blocks: Blocks) -> np.ndarray:
    """float32 [blocks, COUNT]."""
    count = len(blocks.blocks)
    matrix = np.zeros((count, COUNT), np.float32)
    if count:
        size = 1 << (2 * count + 1).bit_length()
        tables = np.zeros((2, size), np.uint64)
        sums = np.zeros((2, size, 3), np.float32)
        scores = np.zeros(len(blocks.elements), np.float64)
        _measure(blocks.elements, blocks.signatures, blocks.blocks, blocks.text, scores, tables, sums, matrix)
        topic, repeats = matrix[:, _AT_TOPIC:_AT_REPEATS], matrix[:, _AT_REPEATS:]
        headline = measure_topic(blocks.topic, blocks.elements, blocks.blocks, blocks.text, topic)
        measure_repeats(blocks.blocks, blocks.text, repeats)
        measure_parts(headline, blocks.elements, blocks.blocks, matrix[:, _AT_CUES:_AT_TOPIC], repeats)
    return matrix


@kernel
def _top_container(elements: np.ndarray, blocks: np.ndarray, scores: np.ndarray) -> tuple[int, float, float]:
    """The element that most text of paragraphs stands in, its score, and the second best score before it."""
    for number in range(blocks.shape[0]):
        size = blocks[number, SIZE]
        if size < 25 or blocks[number, LINK_SIZE] > 0.5 * size:
            continue
        score = 1.0 + blocks[number, MARKS] + min(size / 100.0, 6.0)
        node = blocks[number, BOX]
        tag = elements[node, TAGNAME]
        if tag in (_LI, _TD):
            score *= 0.5
        if tag in (_P, _LI, _PRE, _QUOTE) or IS_HEADING[tag]:
            node = elements[node, PARENT]
        weight, level = 1.0, 0
        while node > 0 and level < 5:
            scores[node] += score * weight
            weight *= 0.5 if level == 0 else 0.66
            node = elements[node, PARENT]
            level += 1
    top, best, second = 0, -1.0, 0.0
    for node in range(1, elements.shape[0]):
        if scores[node] <= 0:
            continue
        score = scores[node] * (1 - elements[node, LINKED] / (elements[node, LENGTH] + _TINY))
        if elements[node, GROUPS] & POSITIVE:
            score *= 1.25
        if elements[node, GROUPS] & NEGATIVE:
            score *= 0.7
        if elements[node, TAGNAME] == _ARTICLE:
            score *= 1.2
        scores[node] = score
        if score > best:
            second, best, top = best, score, node
    node = elements[top, PARENT] if top > 0 else 0
    while node > 0 and scores[node] > 0.75 * best:
        top, node = node, elements[node, PARENT]
    return top, best, second


@kernel
def _slot(keys: np.ndarray, key: np.uint64) -> int:
    mask = np.uint64(keys.shape[0] - 1)
    key |= np.uint64(1)
    place = (key >> np.uint64(20)) & mask
    while keys[place] != 0 and keys[place] != key:
        place = (place + np.uint64(1)) & mask
    keys[place] = key
    return int(place)


@kernel
def _measure(
    elements: np.ndarray,
    signatures: np.ndarray,
    blocks: np.ndarray,
    text: np.ndarray,
    scores: np.ndarray,
    tables: np.ndarray,
    sums: np.ndarray,
    matrix: np.ndarray,
) -> None:
    count = blocks.shape[0]
    total = elements[0, LENGTH]
    longest = 0
    han = characters = 0
    for number in range(count):
        han += blocks[number, HAN]
        characters += blocks[number, CHARACTERS]
        if (
            blocks[number, SIZE] - blocks[number, LINK_SIZE]
            > blocks[longest, SIZE] - blocks[longest, LINK_SIZE]
        ):
            longest = number
    top, best, second = _top_container(elements, blocks, scores)
    first_of_top, last_of_top = elements[top, FIRST], elements[top, LAST]
    slots = np.empty((2, count), np.int64)
    for number in range(count):
        box = blocks[number, BOX]
        above = max(elements[box, PARENT], 0)
        slots[0, number] = _slot(tables[0], signatures[box, 1] ^ (signatures[box, 0] * _MIX))
        slots[1, number] = _slot(tables[1], (signatures[above, 1] * _FP) ^ (signatures[above, 0] * _MIX))
        for kind in range(2):
            row = sums[kind, slots[kind, number]]
            row[0] += 1
            row[1] += blocks[number, SIZE]
            row[2] += blocks[number, LINK_SIZE]
    before, heading, before_heading = 0, -1, 0
    page_size, page_blocks = np.log1p(np.float64(total)), np.log1p(np.float64(count))
    for number in range(count):
        x, block = matrix[number], blocks[number]
        size, characters_here = block[SIZE], block[CHARACTERS] + _TINY
        box, inner = block[BOX], block[INNER]
        # ---- its own properties
        x[0] = np.log1p(np.float64(size))
        x[1] = block[LINK_SIZE] / (size + _TINY)
        x[2] = block[LINKS]
        x[3] = np.log1p(np.float64(block[MARKS]))
        x[4] = block[MARKS] / (size + 1.0)
        x[5] = block[FINAL]
        x[6] = block[DIGITS] / characters_here
        x[7] = block[UPPER] / characters_here
        x[8] = block[HAN] / characters_here
        x[9] = characters_here / (block[WORDS] + _TINY)
        x[10] = elements[box, TAGNAME]
        x[11] = elements[inner, TAGNAME]
        x[12] = elements[box, DEPTH]
        x[13] = block[BREAK]
        x[14] = elements[inner, HIDDEN]
        x[15] = block[WORDS]
        x[16] = block[CODE] / characters_here
        # ---- what is above it
        for place in range(_AT_TAGS, _AT_CONTAINERS):
            x[place] = FAR
        node, distance, level, seen = int(inner), 0, 0, 0
        smaller = 0
        inside, top_distance = 0.0, -1.0
        while node > 0 and distance < _CLIMB:
            shown = min(distance, FAR - 1)
            tag = elements[node, TAGNAME]
            kind = ANCESTOR[tag]
            if kind >= 0 and x[_AT_TAGS + kind] == FAR:
                x[_AT_TAGS + kind] = shown
            new = elements[node, GROUPS] & ~seen
            if new:
                seen |= new
                for group in range(_GROUPS):
                    if new >> group & 1:
                        x[_AT_WORDS + group] = shown
            if node == top:
                inside, top_distance = 1.0, distance
            if IS_BLOCK[tag] and level < LEVELS and (level == 0 or elements[node, BLOCKS] > smaller):
                place = _AT_CONTAINERS + 5 * level
                length = elements[node, LENGTH] + _TINY
                x[place] = np.log1p(length)
                x[place + 1] = elements[node, LINKED] / length
                x[place + 2] = length / (total + _TINY)
                x[place + 3] = elements[node, PUNCTUATION] / length
                x[place + 4] = np.log1p(np.float64(elements[node, BLOCKS]))
                smaller = elements[node, BLOCKS]
                level += 1
            node = elements[node, PARENT]
            distance += 1
        # ---- the top container
        place = _AT_TOP
        x[place] = inside
        x[place + 1] = top_distance
        x[place + 2] = elements[top, LENGTH] / (total + _TINY)
        x[place + 3] = (number - first_of_top) / (last_of_top - first_of_top + 1.0) if top > 0 else -9
        x[place + 4] = elements[top, LINKED] / (elements[top, LENGTH] + _TINY)
        x[place + 5] = best
        x[place + 6] = second / (best + _TINY)
        # ---- the page, and where the block stands in it
        place = _AT_PAGE
        x[place] = page_size
        x[place + 1] = elements[0, LINKED] / (total + _TINY)
        x[place + 2] = page_blocks
        x[place + 3] = elements[0, IN_PARAGRAPHS] / (total + _TINY)
        x[place + 4] = han / (characters + _TINY)
        if elements[box, TAGNAME] == _H1 and heading < 0:
            heading, before_heading = number, before
        place = _AT_PLACE
        x[place] = before / (total + _TINY)
        x[place + 1] = number / (count + _TINY)
        x[place + 2] = np.log1p(np.float64(before - before_heading)) if heading >= 0 else -1
        x[place + 3] = min(number - heading, 300) if heading >= 0 else -1
        x[place + 4] = max(-200, min(200, number - longest))
        x[place + 5] = max(-100, min(100, last_of_top - number)) if top > 0 else -101
        before += size
        # ---- blocks of its kind
        place = _AT_ALIKE
        for kind in range(2):
            row = sums[kind, slots[kind, number]]
            x[place] = row[0]
            x[place + 1] = np.log1p(row[1] / row[0])
            x[place + 2] = row[2] / (row[1] + _TINY)
            if kind == 0:
                x[place + 3] = row[1] / (total + _TINY)
            place += 4
        # ---- neighbours
        place = _AT_NEIGHBOURS
        for offset in NEIGHBOURS:
            other = number + offset
            if 0 <= other < count:
                x[place] = np.log1p(np.float64(blocks[other, SIZE]))
                x[place + 1] = blocks[other, LINK_SIZE] / (blocks[other, SIZE] + _TINY)
                x[place + 2] = elements[blocks[other, BOX], TAGNAME]
                same = slots[0, other] == slots[0, number]
                x[place + 3] = 1 if same else (2 if slots[1, other] == slots[1, number] else 0)
                x[place + 4] = blocks[other, MARKS]
            else:
                for column in range(5):
                    x[place + column] = -1
            place += 5
        letters = links = most = 0.0
        for other in range(max(0, number - 5), min(count, number + 6)):
            letters += blocks[other, SIZE]
            links += blocks[other, LINK_SIZE]
            most = max(most, blocks[other, SIZE] - blocks[other, LINK_SIZE])
        x[_AT_AROUND] = np.log1p(letters)
        x[_AT_AROUND + 1] = links / (letters + _TINY)
        x[_AT_AROUND + 2] = np.log1p(most)
    # ---- how often its first bytes stand in the page
    tables[0, :] = 0
    sums[0, :, 0] = 0
    for number in range(count):
        key = _F0
        for place in range(blocks[number, START], min(blocks[number, END], blocks[number, START] + 64)):
            key = (key ^ np.uint64(text[place])) * _FP
        slots[0, number] = _slot(tables[0], key)
        sums[0, slots[0, number], 0] += 1
        _count_cues(text, blocks[number, START], blocks[number, END], matrix[number])
    for number in range(count):
        matrix[number, _AT_AROUND + 3] = sums[0, slots[0, number], 0]


@kernel
def _count_cues(text: np.ndarray, start: int, end: int, x: np.ndarray) -> None:
    """Words of each group of cues in a block's first 400 bytes; of Han, every pair of characters is looked up."""
    word, letters = _F0, 0
    end = min(end, start + 400)
    place = start
    while place <= end:
        byte = text[place] if place < end else np.uint8(32)
        found = 0
        if (
            byte >= 0xE3
            and byte < 0xEA
            and place + 6 <= end
            and text[place + 3] >= 0xE3
            and text[place + 3] < 0xEA
        ):
            pair = _F0
            for step in range(6):
                pair = (pair ^ np.uint64(text[place + step])) * _FP
            found = look_up(CUE_KEYS, CUE_VALUES, pair)
            place += 2
        elif byte < 0xE3 and (97 <= byte | 32 <= 122 or byte >= 0xC3):
            word = (word ^ np.uint64(byte | 32 if byte < 128 else byte)) * _FP
            letters += 1
        elif byte >= 0x80 and byte < 0xC0 and letters > 0:
            word = (word ^ np.uint64(byte)) * _FP
        elif letters > 0:
            found = look_up(CUE_KEYS, CUE_VALUES, word)
            word, letters = _F0, 0
        if found:
            for group in range(_CUES):
                if found >> group & 1:
                    x[_AT_CUES + group] += 1
        place += 1
