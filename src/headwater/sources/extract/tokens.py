"""The pieces of HTML as bytes, for the block scanner: tags' ends, attributes, comments, entities, formulas.

Every kernel moves forward only; the page's bytes are followed by zeros, so that looking ahead stays inside. The tables
of `tags.py` are part of the compiled kernels.
"""

import numpy as np

from headwater.engine.kernels import inlined, kernel
from headwater.sources.extract.tags import (
    FNV_PRIME,
    FNV_START,
    GROUP,
    WORD_KEYS,
    WORD_VALUES,
    fnv,
)

_F0, _FP = np.uint64(FNV_START), np.uint64(FNV_PRIME)
_CLASS, _ID, _ITEMPROP, _ROLE, _STYLE, _HIDDEN, _ARIA, _TYPE = (
    np.uint64(fnv(name))
    for name in (b"class", b"id", b"itemprop", b"role", b"style", b"hidden", b"aria-hidden", b"type")
)
_ARTICLE_BODY, _BODY_GROUP = np.uint64(fnv(b"articlebody")), 1 << GROUP["body"]
_FORMULA = 20_000  # bytes of a formula's markup that are looked through for its TeX


@inlined
def look_up(keys: np.ndarray, values: np.ndarray, key: np.uint64) -> int:
    mask = np.uint64(keys.shape[0] - 1)
    place = (key ^ (key >> np.uint64(29))) & mask
    while keys[place] != 0:
        if keys[place] == key:
            return int(values[place])
        place = (place + np.uint64(1)) & mask
    return 0


@inlined
def is_space(byte: int) -> bool:
    return byte == 32 or 9 <= byte <= 13


@kernel
def find_byte(data: np.ndarray, start: int, size: int, byte: int) -> int:
    while start < size and data[start] != byte:
        start += 1
    return start


@kernel
def after_declaration(data: np.ndarray, start: int, size: int) -> int:
    """Behind the comment, doctype, CDATA or processing instruction that begins at `start`."""
    if data[start + 1] == 33 and data[start + 2] == 45 and data[start + 3] == 45:
        place = start + 4
        if data[place] == 62:  # <!-->
            return place + 1
        while place < size:
            if data[place] == 62 and data[place - 1] == 45 and data[place - 2] == 45:
                return place + 1
            place += 1
        return size
    return min(size, find_byte(data, start, size, 62) + 1)


@kernel
def end_of_raw(data: np.ndarray, start: int, size: int, name: int, length: int) -> int:
    """Where `</name` stands, from `start` on; `name` is where the name stands in the page."""
    place = start
    while place < size:
        if data[place] == 60 and data[place + 1] == 47:
            same = 0
            while same < length and data[place + 2 + same] | 32 == data[name + same] | 32:
                same += 1
            if same == length:
                return place
        place += 1
    return size


@kernel
def formula_in(data: np.ndarray, start: int, size: int) -> tuple[int, int, int]:
    """Of MathML that begins at `start`: where its TeX annotation begins and ends, and where the formula ends; zeros
    where it has none."""
    begin = end = 0
    place, stop = start, min(size, start + _FORMULA)
    while place < stop:
        # application/x-tex
        if (
            data[place] == 47
            and data[place + 1] == 120
            and data[place + 2] == 45
            and data[place + 3] == 116
            and begin == 0
        ):
            begin = find_byte(data, place, stop, 62) + 1
            end = find_byte(data, begin, stop, 60)
            place = end
        if (
            data[place] == 60
            and data[place + 1] == 47
            and data[place + 2] | 32 == 109
            and data[place + 3] | 32 == 97
            and data[place + 5] | 32 == 104
        ):
            if begin and begin < end <= place:
                return begin, end, find_byte(data, place, size, 62) + 1
            return 0, 0, 0
        place += 1
    return 0, 0, 0


@kernel
def attributes_of(
    data: np.ndarray, start: int, size: int, signature: np.uint64
) -> tuple[int, int, int, np.uint64, int]:
    """Of a start tag, from behind its name on: where it ends, the groups of its words, whether it is hidden, its
    signature, and whether its type is TeX (1 inline, 2 display)."""
    place, groups, hidden, formula = start, 0, 0, 0
    while place < size:
        while place < size and (is_space(data[place]) or data[place] == 47):
            place += 1
        if place >= size or data[place] == 62:
            break
        name = _F0
        while True:  # the first byte belongs to the name whatever it is
            name = (name ^ np.uint64(data[place] | 32)) * _FP
            place += 1
            byte = data[place]
            if place >= size or byte == 61 or byte == 62 or byte == 47 or is_space(byte):
                break
        while place < size and is_space(data[place]):
            place += 1
        first = last = place
        if place < size and data[place] == 61:
            place += 1
            while place < size and is_space(data[place]):
                place += 1
            if data[place] == 34 or data[place] == 39:
                first = place + 1
                last = find_byte(data, first, size, data[place])
                place = last + 1
            else:
                first = place
                while place < size and data[place] != 62 and not is_space(data[place]):
                    place += 1
                last = place
        last = min(last, first + 2000)
        if name in (_CLASS, _ID, _ITEMPROP, _ROLE):
            groups |= groups_of(data, first, last)
            if name == _CLASS:
                for letter in range(first, min(last, first + 48)):
                    if data[letter] < 48 or data[letter] > 57:
                        signature = (signature ^ np.uint64(data[letter])) * _FP
        elif name == _HIDDEN:
            hidden = 1
        elif name == _ARIA:
            if data[first] == 116:
                hidden = 1
        elif name == _STYLE:
            if _displays_none(data, first, last):
                hidden = 1
        elif (
            name == _TYPE and data[first] == 109 and data[first + 4] == 47 and data[first + 5] == 116
        ):  # math/tex
            formula = 2 if last - first > 9 else 1
    return min(size, place + 1), groups, hidden, signature, formula


@kernel
def groups_of(data: np.ndarray, start: int, end: int) -> int:
    """The groups of the words in an attribute's value: each word, and each joined by - and _ as one."""
    groups = 0
    word = joined = _F0
    letters = 0
    lower_before = False
    for place in range(start, end + 1):
        byte = data[place] if place < end else np.uint8(32)
        upper = 65 <= byte <= 90
        letter = upper or 97 <= byte <= 122
        if letters > 0 and (not letter or (upper and lower_before)):
            groups |= look_up(WORD_KEYS, WORD_VALUES, word)
            word = _F0
            letters = 0
        if letter:
            lowered = np.uint64(byte | 32)
            word = (word ^ lowered) * _FP
            joined = (joined ^ lowered) * _FP
            letters += 1
        elif byte != 45 and byte != 95:
            if joined != _F0:
                groups |= look_up(WORD_KEYS, WORD_VALUES, joined)
                if joined == _ARTICLE_BODY:
                    groups |= _BODY_GROUP
            joined = _F0
        lower_before = bool(letter and not upper)
    return groups


@kernel
def _displays_none(data: np.ndarray, start: int, end: int) -> bool:
    """`display:none` or `visibility:hidden` in a style."""
    for place in range(start, end - 10):
        if data[place] == 58:  # a colon
            value = place + 1
            while value < end and data[value] == 32:
                value += 1
            if data[value] | 32 == 110 and data[value + 1] | 32 == 111 and data[place - 1] | 32 == 121:
                return True
    for place in range(start, end - 11):
        if data[place] == 58 and data[place - 2] | 32 == 116 and data[place - 1] | 32 == 121:
            value = place + 1
            while value < end and data[value] == 32:
                value += 1
            if data[value] | 32 == 104 and data[value + 1] | 32 == 105:
                return True
    return False


@inlined
def character_at(data: np.ndarray, place: int) -> tuple[int, int]:
    """The character at `place`, and how many bytes it takes; an HTML entity is a character too (0 if its name is
    not looked up), a space where it is one."""
    byte = int(data[place])
    if byte == 38:
        return _entity(data, place)
    if byte < 0xC0:
        return byte, 1
    if byte < 0xE0:
        return (byte & 31) << 6 | int(data[place + 1]) & 63, 2
    if byte < 0xF0:
        return (byte & 15) << 12 | (int(data[place + 1]) & 63) << 6 | int(data[place + 2]) & 63, 3
    return (byte & 7) << 18 | (int(data[place + 1]) & 63) << 12 | (int(data[place + 2]) & 63) << 6, 4


@kernel
def _entity(data: np.ndarray, place: int) -> tuple[int, int]:
    if data[place + 1] == 35:  # a number
        digit, value, hexadecimal = place + 2, 0, False
        if data[digit] | 32 == 120:
            digit, hexadecimal = digit + 1, True
        first = digit
        while digit - first < 8:
            byte = int(data[digit])
            if 48 <= byte <= 57:
                value = value * (16 if hexadecimal else 10) + byte - 48
            elif hexadecimal and 97 <= byte | 32 <= 102:
                value = value * 16 + (byte | 32) - 87
            else:
                break
            digit += 1
        if digit == first:
            return 38, 1
        if data[digit] == 59:
            digit += 1
        return value, digit - place
    end = place + 1
    while end - place < 12 and 48 <= data[end] <= 122 and data[end] != 59:
        end += 1
    if data[end] != 59:
        return 38, 1
    length = end - place + 1
    # nbsp, ensp, emsp, thinsp
    if data[end - 1] == 112 and data[end - 2] == 115 and length <= 8:
        return 0xA0 if data[place + 1] == 110 else 32, length
    return 0, length
