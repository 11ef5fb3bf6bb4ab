"""One pass over the characters of a text that finds where personal data could begin; everything else looks only there.

A kernel walks the code points once and notes events: an @, a colon between hexadecimal digits, a group of digits
with its separators, a cue (`Mr`, `姓名`, `ghp_`), a given name. Ordinary text has few, so its cost is that of the
walk. What follows an event is looked at in a bounded window, so no text can make the whole more than linear.
"""

from collections.abc import Iterator
from functools import cache

import numpy as np

from headwater.corpus.text import HAN, codepoints
from headwater.engine.kernels import kernel

AT, COLON, DIGITS, HOUSE, NUMBERED, ACCOUNT, CUE, GIVEN = range(1, 9)
_DIGIT, _SEPARATOR, _UPPER, _LOWER, _HEX, _HAN = 1, 2, 4, 8, 16, 32  # classes of characters, as bits
_LETTER, _WORD = _UPPER | _LOWER, _UPPER | _LOWER | _DIGIT
_AT_SIGN, _WIDE_AT_SIGN, _COLON, _DOT, _SPACE = ord("@"), ord("＠"), ord(":"), ord("."), ord(" ")
_HAO, _HAO_TRADITIONAL, _NONG = map(ord, "号號弄")  # what follows a Chinese house number
FULL_WIDTH_ZERO = 0xFF10
_AT_ONCE = 4096


def events(text: str, cues: tuple[str, ...], given_names: frozenset[str]) -> Iterator[tuple[int, int, int]]:
    """(kind, start, end) of what may be personal data, or stand beside it; ascending, in code points.

    `cues` are found by their first characters (three, or two Han): the caller looks whether the whole is there.
    """
    found = _walk(codepoints(text), _classes(), _cue_table(cues), _name_hashes(given_names))
    for first in range(0, len(found), _AT_ONCE):  # hostile text has a million of them
        yield from map(tuple, found[first : first + _AT_ONCE].tolist())


@cache
def _classes() -> np.ndarray:
    """(0x110000,) uint8: bits of a character's classes."""
    table = np.zeros(0x110000, np.uint8)
    for character in "0123456789":
        table[ord(character)] |= _DIGIT | _HEX
        table[FULL_WIDTH_ZERO + int(character)] |= _DIGIT
    for character in " -.()·‐‑–—―－（）+":
        table[ord(character)] |= _SEPARATOR
    table[ord("A") : ord("Z") + 1] |= _UPPER
    table[0xC0:0xD7] |= _UPPER
    table[ord("a") : ord("z") + 1] |= _LOWER
    table[0xDF:0x180] |= _LOWER
    for character in "abcdefABCDEF":
        table[ord(character)] |= _HEX
    for low, high in zip(HAN[2::3], HAN[4::3], strict=False):
        table[ord(low) : ord(high) + 1] |= _HAN
    return table


@kernel
def _hash(first: int, second: int, third: int) -> int:
    mixed = (first * 0x9E3779B1 + second * 0x85EBCA6B + third * 0xC2B2AE35) & 0xFFFFFFFF
    return (mixed ^ (mixed >> 15)) & 0xFFFF


@cache
def _cue_table(cues: tuple[str, ...]) -> np.ndarray:
    """(65536,) uint8: 1 where a cue's first characters hash to."""
    table = np.zeros(1 << 16, np.uint8)
    for cue in cues:
        codes = [ord(character) for character in cue[:3]]
        han = bool(_classes()[codes[0]] & _HAN)
        table[_hash(codes[0], codes[1], 0 if han else codes[2])] = 1
    return table


@cache
def _name_hashes(names: frozenset[str]) -> np.ndarray:
    """(places,) uint64: an open hash table of the names' FNV-1a hashes, 0 where empty."""
    places = 1 << (4 * len(names)).bit_length()
    table = np.zeros(places, np.uint64)
    for name in sorted(names):
        value = 0xCBF29CE484222325
        for character in name:
            value = ((value ^ ord(character)) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
        at = value & (places - 1)
        while table[at]:
            at = (at + 1) & (places - 1)
        table[at] = value
    return table


@kernel
def _is_name(codes: np.ndarray, start: int, end: int, names: np.ndarray) -> bool:
    value = np.uint64(0xCBF29CE484222325)
    for place in range(start, end):
        value = (value ^ np.uint64(codes[place])) * np.uint64(0x100000001B3)
    at = value & np.uint64(len(names) - 1)
    while names[at]:
        if names[at] == value:
            return True
        at = (at + np.uint64(1)) & np.uint64(len(names) - 1)
    return False


@kernel
def _walk(codes: np.ndarray, classes: np.ndarray, cues: np.ndarray, names: np.ndarray) -> np.ndarray:
    """(events, 3) int64: kind, start, end."""
    size = len(codes)
    found = np.empty((64 + size // 16, 3), np.int64)
    count = 0
    place = 0
    numbered_until = 0  # a group of digits is noted once
    while place < size:
        if count + 4 > len(found):
            larger = np.empty((2 * len(found), 3), np.int64)
            larger[:count] = found[:count]
            found = larger
        code = codes[place]
        kind = classes[code]
        if place + 1 < size:
            following = codes[place + 1]
            third = 0
            if not kind & _HAN and place + 2 < size:
                third = codes[place + 2]
            if cues[_hash(code, following, third)]:
                found[count] = (CUE, place, place + 2)
                count += 1
        if kind & _DIGIT and place >= numbered_until:
            digits, end, dots, last, last_start = _group(codes, classes, place)
            numbered_until = end
            if digits >= 7 or (dots >= 3 and digits >= 4):
                found[count] = (DIGITS, place, end)
                count += 1
            elif end < size and codes[end] == _SPACE and end + 1 < size and classes[codes[end + 1]] & _UPPER:
                found[count] = (NUMBERED, last_start, end)
                count += 1
            if end < size and (codes[end] == _HAO or codes[end] == _HAO_TRADITIONAL or codes[end] == _NONG):
                found[count] = (HOUSE, last_start, end)
                count += 1
            if last >= 2 and place >= 2:
                one, two = classes[codes[place - 1]], classes[codes[place - 2]]
                if one & _LETTER and two & _LETTER and (place == 2 or not classes[codes[place - 3]] & _WORD):
                    found[count] = (ACCOUNT, place - 2, end)
                    count += 1
        elif code in (_AT_SIGN, _WIDE_AT_SIGN):
            found[count] = (AT, place, place + 1)
            count += 1
        elif code == _COLON and place + 1 < size and _is_hexadecimal_colon(codes, classes, place):
            found[count] = (COLON, place, place + 1)
            count += 1
        elif kind & _UPPER and (place == 0 or not classes[codes[place - 1]] & _WORD):
            end = place + 1
            while end < size and classes[codes[end]] & _LOWER and end < place + 16:
                end += 1
            if end - place > 2 and end < size and codes[end] == _SPACE and _is_name(codes, place, end, names):
                found[count] = (GIVEN, place, end)
                count += 1
        place += 1
    return found[:count]


@kernel
def _group(codes: np.ndarray, classes: np.ndarray, start: int) -> tuple[int, int, int, int, int]:
    """Runs of digits with at most three separators between two: digits, end, dots, the first run's length, and
    where the last run begins."""
    size, place = len(codes), start
    digits = dots = first = 0
    last_start = start
    end = start
    while True:
        run = place
        while place < size and classes[codes[place]] & _DIGIT:
            place += 1
        digits += place - run
        if first == 0:
            first = place - run
        last_start, end = run, place
        gap = place
        while place < size and place - gap < 3 and classes[codes[place]] & _SEPARATOR:
            place += 1
        if place == gap or place >= size or not classes[codes[place]] & _DIGIT:
            return digits, end, dots, first, last_start
        if place - gap == 1 and codes[gap] == _DOT:
            dots += 1


@kernel
def _is_hexadecimal_colon(codes: np.ndarray, classes: np.ndarray, place: int) -> bool:
    """The first colon of what could be an IPv6 address: a second one follows within four hexadecimal digits."""
    back = place - 1
    while back >= 0 and place - back < 6 and classes[codes[back]] & _HEX:
        back -= 1
    if place - back > 5 or (back >= 0 and (codes[back] == _COLON or classes[codes[back]] & _WORD)):
        return False
    ahead = place + 1
    while ahead < len(codes) and ahead - place < 6 and classes[codes[ahead]] & _HEX:
        ahead += 1
    if ahead >= len(codes) or codes[ahead] != _COLON:
        return False
    after = ahead + 1
    return back < place - 1 or ahead > place + 1 or (after < len(codes) and classes[codes[after]] & _HEX > 0)
