"""The scanner: one pass over a page's bytes, without a tree and without a call per node.

It keeps a stack of open elements as the HTML standard's tree construction would for ordinary pages: missing end tags of
`p`, `li`, `td` and the like are implied, stray ones ignored. It always moves forward, and its time is linear in the
page: the stack is at most MAX_DEPTH deep (what is nested deeper counts as its ancestor at that depth).
"""

import numpy as np

from headwater.engine.kernels import inlined, kernel
from headwater.sources.extract.columns import (
    BOX,
    BREAK,
    CHARACTERS,
    CODE,
    COLON,
    COMMA,
    DEPTH,
    DIGITS,
    END,
    FINAL,
    FIRST,
    FLAGS,
    GAP,
    GROUPS,
    HAN,
    HIDDEN,
    INNER,
    LAST,
    LETTER,
    LINE,
    LINK_SIZE,
    LINKS,
    MARKS,
    PARAGRAPH,
    PARENT,
    SIZE,
    START,
    STOP,
    TAGNAME,
    UPPER,
    WORDS,
)
from headwater.sources.extract.tags import (
    ENDS,
    ENDS_PARAGRAPH,
    FNV_PRIME,
    FNV_START,
    GROUP,
    IS_BLOCK,
    IS_CELL,
    IS_RAW,
    IS_SKIPPED,
    IS_TABLE,
    IS_VOID,
    TAG,
    TAG_KEYS,
    TAG_VALUES,
)
from headwater.sources.extract.tokens import (
    after_declaration,
    attributes_of,
    character_at,
    end_of_raw,
    find_byte,
    formula_in,
    is_space,
    look_up,
)
from headwater.sources.extract.topic import MAX_METAS

MAX_DEPTH = 512
# FLAGS of an element: its text is none of the page's; white space counts in it; it is code.
_SKIPS, _PREFORMATTED, _IS_CODE = 1, 2, 4


@inlined
def _closed(
    elements: np.ndarray, current: int, last: int, skips: int, preformatted: int, code: int, anchor: int
) -> tuple[int, int, int, int, int]:
    """The open elements from the current one up to `last` end: what is current then, and how many are open of each kind."""
    while True:
        flags = elements[current, FLAGS]
        skips -= flags & _SKIPS
        preformatted -= flags >> 1 & 1
        code -= flags >> 2 & 1
        if current == anchor:
            anchor = -1
        ended, current = current, elements[current, PARENT]
        if ended == last:
            return current, skips, preformatted, code, anchor


_P, _A, _BR, _PRE, _CODE, _TT, _MATH, _HR, _TR, _LI, _META, _TITLE = (
    TAG[name] for name in ("p", "a", "br", "pre", "code", "tt", "math", "hr", "tr", "li", "meta", "title")
)
_HTML, _HEAD, _BODY = TAG["html"], TAG["head"], TAG["body"]
_F0, _FP = np.uint64(FNV_START), np.uint64(FNV_PRIME)
_RENDERED, _CODE_GROUP = 1 << GROUP["rendered"], 1 << GROUP["code"]
_SEARCH = 64  # open elements that the search for an end tag's start passes at most


@kernel
def scan(
    data: np.ndarray,
    size: int,
    text: np.ndarray,
    elements: np.ndarray,
    signatures: np.ndarray,
    blocks: np.ndarray,
    heads: np.ndarray,
) -> tuple[int, int, int, int]:
    """How many elements and blocks there are, how many bytes of `text` are used, how many `<meta>` are in `heads`:
    begin and end of the inside of `<title>` in its first row, then of each `<meta>`."""
    elements[0, :] = 0
    elements[0, PARENT] = -1
    elements[0, FIRST] = -1
    signatures[0, :] = _F0
    count, found, used, metas = 1, 0, 0, 0
    current, anchor, beyond = (
        0,
        -1,
        0,
    )  # the innermost open element, the open link, elements deeper than MAX_DEPTH
    skips = preformatted = code = 0
    opened, start, space, broken, gap = False, 0, True, 0, PARAGRAPH
    indent = 0  # non-breaking spaces before the text of a line of code
    verbatim, behind, marks = (
        0,
        0,
        0,
    )  # TeX: where it ends, where the page goes on, how many $ stand around it
    place = 0
    while place <= size:
        if verbatim and place >= verbatim:
            while used > start and text[used - 1] == 32:
                used -= 1
            for _ in range(marks):
                text[used] = 36
                used += 1
            place, verbatim, space = behind, 0, False
            continue
        byte = data[place] if place < size else np.uint8(60)
        closing, tag, name_hash, block_tag = False, -1, _F0, 0
        if place >= size:
            block_tag = 1  # the last block ends with the page
        elif byte == 60 and not verbatim:
            following = data[place + 1]
            if following == 33 or following == 63:
                place = after_declaration(data, place, size)
                continue
            closing = following == 47
            name = place + 2 if closing else place + 1
            if 97 <= data[name] | 32 <= 122:
                end = name
                while end < size and data[end] != 62 and data[end] != 47 and not is_space(data[end]):
                    name_hash = (name_hash ^ np.uint64(data[end] | 32)) * _FP
                    end += 1
                tag = look_up(TAG_KEYS, TAG_VALUES, name_hash)
                block_tag = 1 if IS_BLOCK[tag] or tag in (_BR, _HR) else 0
                place = end
            elif closing:
                place = min(size, find_byte(data, place, size, 62) + 1)
                continue

        # ------------------------------------------------ a block ends
        if block_tag and preformatted > 0 and tag != _PRE and place < size:
            if opened and used > start and text[used - 1] != 10 and (tag == _BR or closing):
                text[used] = 10
                used += 1
                space = True
        elif block_tag:
            if opened:
                stop = used
                while stop > start and (text[stop - 1] == 32 or text[stop - 1] == 10):
                    stop -= 1
                if stop > start and blocks[found, CHARACTERS] > 0:
                    blocks[found, START], blocks[found, END] = start, stop
                    blocks[found, BREAK], blocks[found, GAP] = broken, gap
                    box = blocks[found, INNER]
                    while box > 0 and not IS_BLOCK[elements[box, TAGNAME]]:
                        box = elements[box, PARENT]
                    blocks[found, BOX] = box
                    found += 1
                    gap = 0
                    used = stop + 1
                    text[stop] = 10
                else:
                    used = start
                opened, broken = False, 0
            elif tag == _BR and broken:
                gap = PARAGRAPH  # an empty line
            gap = max(gap, LINE) if tag in (_BR, _LI, _TR) or (tag >= 0 and IS_CELL[tag]) else PARAGRAPH
            indent = 0
        if place >= size:
            break

        # ------------------------------------------------ an end tag
        if tag >= 0 and closing:
            place = min(size, find_byte(data, place, size, 62) + 1)
            if tag in (_HTML, _HEAD, _BODY) or IS_VOID[tag]:
                continue
            if beyond > 0:
                beyond -= 1
                continue
            node, steps = current, 0
            inline = not IS_BLOCK[tag] and not IS_SKIPPED[tag]
            while node > 0:
                here = elements[node, TAGNAME]
                if here == tag and (tag > 0 or signatures[node, 2] == name_hash):
                    break
                if (inline and IS_BLOCK[here]) or (IS_CELL[here] and not IS_TABLE[tag]) or steps == _SEARCH:
                    node = -1
                    break
                node = elements[node, PARENT]
                steps += 1
            if node > 0:
                current, skips, preformatted, code, anchor = _closed(
                    elements, current, node, skips, preformatted, code, anchor
                )
            elif tag == _A:
                anchor = -1
            continue

        # ------------------------------------------------ a start tag
        if tag >= 0:
            length = place - name
            place, groups, hidden, signature, formula = attributes_of(data, place, size, name_hash)
            if tag in (_HTML, _HEAD, _BODY):
                continue
            if IS_VOID[tag]:
                if tag == _BR:
                    broken = 1
                elif tag == _META and metas < MAX_METAS:
                    metas += 1
                    heads[metas, 0], heads[metas, 1] = name, place
                continue
            if IS_RAW[tag]:
                end = end_of_raw(data, place, size, name, length)
                if tag == _TITLE and heads[0, 1] == 0:
                    heads[0, 0], heads[0, 1] = place, end
                if formula and skips == 0 and end > place:
                    verbatim, behind, marks = end, min(size, find_byte(data, end, size, 62) + 1), formula
                else:
                    place = min(size, find_byte(data, end, size, 62) + 1)
                    continue
            elif tag == _MATH:
                first, end, behind_it = formula_in(data, place, size)
                if end > first:
                    place, verbatim, behind, marks = first, end, behind_it, 1
            if verbatim > place:
                if skips > 0:
                    place, verbatim = behind, 0
                    continue
                if not opened:
                    opened, start, space = True, used, True
                    blocks[found, :] = 0
                    blocks[found, INNER] = current
                if used > start and text[used - 1] == 36:  # two formulas do not touch
                    text[used] = 32
                    used += 1
                for _ in range(marks):
                    text[used] = 36
                    used += 1
                space = True
                continue
            target = -1
            if ENDS_PARAGRAPH[tag]:
                node = current
                while node > 0 and not IS_BLOCK[elements[node, TAGNAME]]:
                    node = elements[node, PARENT]
                if node > 0 and elements[node, TAGNAME] == _P:
                    target = node
            node, steps = current, 0
            while node > 0 and steps < _SEARCH:
                what = ENDS[tag, elements[node, TAGNAME]]
                if what == 1:
                    target = node
                if what or (tag == _A and IS_BLOCK[elements[node, TAGNAME]]):
                    break
                node = elements[node, PARENT]
                steps += 1
            if target > 0 and beyond == 0:
                current, skips, preformatted, code, anchor = _closed(
                    elements, current, target, skips, preformatted, code, anchor
                )
            if data[place - 2] == 47 and (tag == 0 or IS_SKIPPED[tag]):
                continue  # <path/>, <svg/>
            if elements[current, DEPTH] >= MAX_DEPTH:
                beyond += 1
                continue
            flags = 0
            if IS_SKIPPED[tag] or groups & _RENDERED:
                flags |= _SKIPS
            if tag == _PRE:
                flags |= _PREFORMATTED | _IS_CODE
            elif tag in (_CODE, _TT) or groups & _CODE_GROUP:
                flags |= _IS_CODE
            skips += flags & _SKIPS
            preformatted += flags >> 1 & 1
            code += flags >> 2 & 1
            elements[count, :] = 0
            elements[count, PARENT], elements[count, TAGNAME], elements[count, GROUPS] = current, tag, groups
            elements[count, DEPTH] = elements[current, DEPTH] + 1
            elements[count, FIRST] = elements[count, LAST] = -1
            elements[count, HIDDEN] = hidden | elements[current, HIDDEN]
            elements[count, FLAGS] = flags
            signatures[count, 0], signatures[count, 2] = signature, name_hash
            signatures[count, 1] = (signatures[current, 1] ^ name_hash) * _FP
            current = count
            count += 1
            if tag == _A:
                anchor = current
                if opened:
                    blocks[found, LINKS] += 1
            continue

        # ------------------------------------------------ a character of text
        if skips > 0:
            place += 1
            continue
        point, width = character_at(data, place)
        if (
            point == 32
            or 9 <= point <= 13
            or point == 0xA0
            or point == 0x3000
            or point == 0x200B
            or point == 0xFEFF
        ):
            if opened and verbatim == 0 and (preformatted > 0 or (code > 0 and point == 0xA0)):
                text[used] = 10 if point == 10 else 32
                used += 1
            elif not opened and code > 0 and point == 0xA0:
                indent += 1
            elif opened and not space:
                text[used] = 32
                used += 1
            space = True
            place += width
            continue
        if not opened:
            opened, start, space = True, used, True
            blocks[found, :] = 0
            blocks[found, INNER] = current
            blocks[found, LINKS] = 1 if anchor >= 0 else 0
            if code > 0:
                text[used : used + indent] = 32
                used += indent
        for step in range(width):
            text[used + step] = data[place + step]
        used += width
        place += width
        row = blocks[found]
        row[CHARACTERS] += 1
        if code > 0:
            row[CODE] += 1
        if space:
            row[WORDS] += 1
            space = False
        letters, final = 1, LETTER
        if 48 <= point <= 57:
            row[DIGITS] += 1
        elif 65 <= point <= 90:
            row[UPPER] += 1
        elif point in (44, 59, 0xFF0C, 0xFF1B, 0x3001):
            row[MARKS] += 1
            final = COMMA
        elif point in (46, 33, 63, 0x3002, 0xFF01, 0xFF1F, 0x2026):
            row[MARKS] += 1
            final = STOP
        elif point == 58 or point == 0xFF1A:
            final = COLON
        elif point in (34, 39, 41, 0x201D, 0x2019, 0x300D, 0x300F, 0xFF09, 0):
            final = row[FINAL]  # what closes leaves the sentence's end as it is
        elif (
            0x3040 <= point <= 0x9FFF
            or 0xAC00 <= point <= 0xD7AF
            or 0xF900 <= point <= 0xFAFF
            or point >= 0x20000
        ):
            row[HAN] += 1
            letters = 3
        row[FINAL] = final
        row[SIZE] += letters
        if anchor >= 0:
            row[LINK_SIZE] += letters
    return count, found, used, metas
