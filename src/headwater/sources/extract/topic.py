"""What a page says it is about, and which of its blocks speak of it.

Titles and descriptions in `<head>` are written for the page's main text and never for what surrounds it, so that the
block that repeats the title, the one that the description was taken from, and the distance of every other block from
these two say where the text is, in any language. Words are compared by hash; of Han and kana, pairs of characters.
"""

import re
from dataclasses import dataclass

import numpy as np

from headwater.engine.kernels import kernel
from headwater.sources.extract.columns import (
    BOX,
    END,
    GROUPS,
    INNER,
    LENGTH,
    LINK_SIZE,
    PARENT,
    SIZE,
    START,
    TAGNAME,
)
from headwater.sources.extract.tags import FNV_PRIME, FNV_START, GROUP, TAG
from headwater.sources.extract.tokens import is_space

# Of a page's tags in its head so many are looked at, and of a title or description so many bytes and different words.
MAX_METAS, MAX_BYTES, MAX_WORDS = 96, 2000, 63
# Of a block so many bytes are compared.
COMPARED = 3000
_TITLE = "share found from letters best steps common"
_DESCRIPTION = "share found from best steps common"
_REST = "kind topic_share topic_around comments_share comments_count"
NAMES = (
    *(f"title_{name}" for name in _TITLE.split()),
    *(f"description_{name}" for name in _DESCRIPTION.split()),
    *_REST.split(),
)
REPEATED = 0.15  # a block that repeats less of the title or description does not repeat it
NOWHERE = -999  # the distance from a title or description that no block repeats
_F0, _FP = np.uint64(FNV_START), np.uint64(FNV_PRIME)
_ATTRIBUTE = re.compile(
    rb"""(?i)\b(property|name|itemprop|content)\s{0,3}=\s{0,3}(?:"([^"]{0,2000})|'([^']{0,2000})|([^\s"'>]{1,200}))"""
)
_SITE = re.compile(
    rb"\s(?:[|:-]|\xe2\x80\x93|\xe2\x80\x94|\xc2\xbb|\xc2\xb7)\s|[|_]"
)  # what stands before a site's name
_KINDS = {b"article": 1, b"website": 2}


@dataclass(frozen=True)
class Topic:
    """`title` and `description`: UTF-8, HTML entities still in them; `kind` of og:type: 0 none, 1 article, 2 website, 3
    another."""

    title: bytes = b""
    description: bytes = b""
    kind: int = 0


def topic_of(title: bytes, metas: list[bytes]) -> Topic:
    """Of the inside of `<title>` and the start tags of `<meta>`."""
    said: dict[bytes, bytes] = {}
    for tag in metas:
        if b"title" in tag or b"escription" in tag or b"og:type" in tag:
            found = {name.lower(): one or two or three for name, one, two, three in _ATTRIBUTE.findall(tag)}
            name = found.get(b"property") or found.get(b"name") or found.get(b"itemprop") or b""
            if name and found.get(b"content"):
                said.setdefault(name.strip().lower(), found[b"content"])
    headline = said.get(b"og:title") or max(_SITE.split(title[:MAX_BYTES]), key=len)
    description = max(said.get(b"description", b""), said.get(b"og:description", b""), key=len)
    kind = said.get(b"og:type", b"").strip().lower()
    return Topic(headline[:MAX_BYTES], description[:MAX_BYTES], _KINDS.get(kind, 3) if kind else 0)


def measure_topic(
    topic: Topic, elements: np.ndarray, blocks: np.ndarray, text: np.ndarray, matrix: np.ndarray
) -> int:
    """Fills the columns NAMES of `matrix`, float32 [blocks, len(NAMES)]; the block that repeats the title, else the one
    that repeats the description, else -1."""
    title, description = (np.frombuffer(part or b" ", np.uint8) for part in (topic.title, topic.description))
    return int(_measure(title, description, topic.kind, elements, blocks, text, matrix))


@kernel
def words_of(text: np.ndarray, start: int, end: int, words: np.ndarray) -> int:
    """Hashes of the words in text[start:end], as many as `words` holds; how many there are."""
    count, letters, word = 0, 0, _F0
    before = _F0  # the Han character before
    place = start
    while place <= end and count < words.shape[0]:
        byte = text[place] if place < end else np.uint8(32)
        letter, width, han = False, 1, False
        if byte < 0x80:
            letter = bool(48 <= byte <= 57 or 97 <= byte | 32 <= 122)
            if byte == 38:  # an entity
                stop = place + 1
                while stop < min(end, place + 10) and text[stop] != 59 and not is_space(text[stop]):
                    stop += 1
                if stop < end and text[stop] == 59:
                    width = stop + 1 - place
        elif byte < 0xE0:
            letter, width = bool(byte != 0xC2), 2
        elif byte < 0xF0:
            width = 3
            second = text[place + 1] if place + 1 < end else np.uint8(0)
            han = bool(0xE4 <= byte <= 0xE9 or (byte == 0xE3 and second != 0x80))
            letter = bool(0xE0 <= byte <= 0xE1 or 0xEA <= byte <= 0xED)
        else:
            width = 4
        if letter:
            for step in range(min(width, end - place)):
                value = text[place + step]
                word = (word ^ np.uint64(value | 32 if value < 128 else value)) * _FP
            letters += width
        elif letters:
            if letters > 1:
                words[count] = word | np.uint64(1)
                count += 1
            word, letters = _F0, 0
        if han and count < words.shape[0]:
            here = _F0
            for step in range(min(3, end - place)):
                here = (here ^ np.uint64(text[place + step])) * _FP
            if before != _F0:
                words[count] = (before * _FP ^ here) | np.uint64(1)
                count += 1
            before = here
        else:
            before = _F0
        place += width
    return count


@kernel
def _enter(keys: np.ndarray, bits: np.ndarray, part: np.ndarray, which: int, words: np.ndarray) -> int:
    """Numbers the different words of the title (`which` 0) or description (1); how many there are."""
    different = 0
    for number in range(words_of(part, 0, part.shape[0], words)):
        place = int(words[number] >> np.uint64(40)) & 511
        while keys[place] != 0 and keys[place] != words[number]:
            place = (place + 1) & 511
        keys[place] = words[number]
        if bits[place, which] == 0 and different < MAX_WORDS:
            bits[place, which] = np.uint64(1) << np.uint64(different)
            different += 1
    return different


@kernel
def _ones(bits: np.uint64) -> int:
    count = 0
    while bits:
        bits &= bits - np.uint64(1)
        count += 1
    return count


_COMMENTS = 1 << GROUP["comments"]
_H1, _H2, _H3 = TAG["h1"], TAG["h2"], TAG["h3"]


@kernel
def _measure(
    title: np.ndarray,
    description: np.ndarray,
    kind: int,
    elements: np.ndarray,
    blocks: np.ndarray,
    text: np.ndarray,
    matrix: np.ndarray,
) -> int:
    count, total = blocks.shape[0], max(1, elements[0, LENGTH])
    keys, bits = np.zeros(512, np.uint64), np.zeros((512, 2), np.uint64)
    words = np.empty(240, np.uint64)
    different = np.zeros(2, np.int64)
    different[0] = _enter(keys, bits, title, 0, words)
    different[1] = _enter(keys, bits, description, 1, words)
    words = np.empty(COMPARED // 3, np.uint64)
    sums = np.zeros((elements.shape[0], 2), np.float32)  # of an element: words, words of the topic
    best, where = np.zeros(2), np.zeros(2, np.int64)
    for number in range(count):
        x, block = matrix[number], blocks[number]
        start = block[START]
        many = words_of(text, start, min(block[END], start + COMPARED), words)
        hits, seen, either = np.zeros(2), np.zeros(2, np.uint64), 0
        for word in range(many):
            place = int(words[word] >> np.uint64(40)) & 511
            while keys[place] != 0 and keys[place] != words[word]:
                place = (place + 1) & 511
            if keys[place]:
                either += 1
                for which in range(2):
                    if bits[place, which]:
                        hits[which] += 1
                        seen[which] |= bits[place, which]
        sums[block[BOX], 0] += many
        sums[block[BOX], 1] += either
        for which in range(2):
            share = hits[which] / max(1, many)
            found = _ones(seen[which]) / max(1, different[which])
            x[7 * which], x[7 * which + 1] = share, found
            if which:
                score = found * min(1.0, 0.3 + share)
            else:
                score = 2 * share * found / (share + found + 1e-9) * _as_heading(elements, block[INNER])
                if block[LINK_SIZE] > 0.5 * block[SIZE]:
                    score *= 0.8
            if score > best[which]:
                best[which], where[which] = score, number
        x[13], x[14] = kind, either / max(1, many)
    for node in range(elements.shape[0] - 1, 0, -1):
        for column in range(2):
            sums[elements[node, PARENT], column] += sums[node, column]
    commented, comments = 0, 0
    steps = np.zeros(elements.shape[0], np.int32)  # at first: whether an element stands in comments
    for node in range(1, elements.shape[0]):
        steps[node] = steps[elements[node, PARENT]]
        if elements[node, GROUPS] & _COMMENTS:
            comments += 1
            if not steps[node]:
                commented += elements[node, LENGTH]
            steps[node] = 1
    for number in range(count):
        x, box = matrix[number], blocks[number, BOX]
        around = elements[box, PARENT] if elements[box, PARENT] > 0 else box
        x[15] = sums[around, 1] / max(np.float32(1), sums[around, 0])
        x[16], x[17] = min(1.0, commented / total), min(comments, 200)
    for which in range(2):
        _distances(which, best[which], where[which], elements, blocks, steps, total, matrix)
    return where[0] if best[0] >= REPEATED else where[1] if best[1] >= REPEATED else -1


@kernel
def _as_heading(elements: np.ndarray, node: int) -> float:
    for _ in range(4):
        if node <= 0:
            break
        tag = elements[node, TAGNAME]
        if tag in (_H1, _H2, _H3):
            return 1.6 if tag == _H1 else 1.3 if tag == _H2 else 1.1
        node = elements[node, PARENT]
    return 1.0


@kernel
def _distances(
    which: int,
    best: float,
    where: int,
    elements: np.ndarray,
    blocks: np.ndarray,
    steps: np.ndarray,
    total: int,
    matrix: np.ndarray,
) -> None:
    """From the block that repeats the title or description: blocks, letters, and steps up to what holds both."""
    at = 7 * which
    count = blocks.shape[0]
    steps[:] = -1
    node, step = blocks[where, BOX], 0
    while node > 0:
        steps[node] = step
        node, step = elements[node, PARENT], step + 1
    steps[0] = step
    letters = 0.0
    for number in range(where):
        letters -= blocks[number, SIZE]
    for number in range(count):
        x = matrix[number]
        if which == 0:
            x[3] = np.log1p(letters) if letters >= 0 else -np.log1p(-letters)
        letters += blocks[number, SIZE]
        x[at + 4 - which] = best
        if best < REPEATED:
            x[at + 2], x[at + 5 - which], x[at + 6 - which] = NOWHERE, -1, -1
            continue
        node = blocks[number, BOX]
        while steps[node] < 0:
            node = elements[node, PARENT]
        x[at + 2] = max(-300, min(300, number - where))
        x[at + 5 - which] = min(20, steps[node])
        x[at + 6 - which] = elements[node, LENGTH] / total
