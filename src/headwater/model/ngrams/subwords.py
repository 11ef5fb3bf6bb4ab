"""Subwords of an n-gram model, cut by one kernel: characters in, tokens of a byte-level BPE out (Sennrich et al. 2016).

The merges are those of a tokenizer.json that `model/tokenizer.py` trains. Pieces are those of its pattern (runs of
Han and kana, of letters with one space before, up to three digits, runs of symbols, of spaces), of at most LONGEST
characters, so that hostile text costs no more than any other. A model is trained and asked by this kernel alone:
where a table of characters or a piece beyond LONGEST is not that of a regular expression, it is so on both sides.
About six times as fast as tiktoken, of whose time the regular expression takes most.
"""

import json
import unicodedata
from dataclasses import dataclass
from functools import cache

import numpy as np

from headwater.corpus.text import SCRIPTS, codepoints, script_table
from headwater.engine.kernels import inlined, kernel
from headwater.errors import HeadwaterError

LONGEST = 48  # characters of a piece
_SYMBOL, _UNSPACED, _LETTER, _NUMBER, _SPACE = range(5)  # kinds of characters
_BOPOMOFO = ((0x3105, 0x312F), (0x31A0, 0x31BF))
_MIX = np.uint64(0x9E3779B97F4A7C15)
_NONE, _EMPTY = np.int32(0x7FFFFFFF), ~np.uint64(0)


@dataclass(frozen=True)
class Subwords:
    """`size`: how many tokens there are."""

    size: int
    of_byte: np.ndarray  # (256,) uint32: the token of each byte
    pairs: np.ndarray  # (slots,) uint64, by hash: left << 43 | right << 22 | the merge's rank; all ones: none
    merged: np.ndarray  # (merges,) uint32: the token that each makes

    def encode(self, text: str, end: int, begin: int, shift: int) -> np.ndarray:
        """(units,) uint32: tokens, each `shift` higher; a line end becomes `end`, `begin`."""
        codes = codepoints(text)
        found = np.empty(4 * len(codes) + 2, np.uint32)
        arrays = (kinds(), self.of_byte, self.pairs, self.merged)
        return found[: _encode(codes, *arrays, end, begin, np.uint32(shift), found)].copy()


def subwords_of(definition: str) -> Subwords:
    """From a tokenizer.json; HeadwaterError where it is none of a byte-level BPE."""
    try:
        model = json.loads(definition)["model"]
        vocabulary: dict[str, int] = model["vocab"]
        merges = [tuple(m.split(" ") if isinstance(m, str) else m) for m in model["merges"]]
        left = np.array([vocabulary[a] for a, _ in merges], np.uint64)
        right = np.array([vocabulary[b] for _, b in merges], np.uint64)
        merged = np.array([vocabulary[a + b] for a, b in merges], np.uint32)
        of_byte = np.array([vocabulary[character] for character in _characters_of_bytes()], np.uint32)
    except (ValueError, KeyError, TypeError) as error:
        raise HeadwaterError(f"the n-gram model's tokeniser is no byte-level BPE ({error!r})") from error
    size = 1 + max(vocabulary.values())
    if size > 1 << 21:
        raise HeadwaterError(f"the n-gram model's tokeniser has {size:,} tokens; {1 << 21:,} can be numbered")
    pairs = np.full(1 << max(4, (2 * len(merges)).bit_length()), _EMPTY)
    _fill(left << np.uint64(21) | right, pairs)
    return Subwords(size, of_byte, pairs, merged)


@cache
def kinds() -> np.ndarray:
    """(0x110000,) uint8: _SYMBOL, _UNSPACED (Han, kana, bopomofo), _LETTER (and marks), _NUMBER or _SPACE."""
    table = np.zeros(0x110000, np.uint8)
    of = {"L": _LETTER, "M": _LETTER, "N": _NUMBER, "Z": _SPACE}
    for code in range(
        0x20000
    ):  # beyond lie Han and, in plane 14, tags and selectors, which join what they follow
        character = chr(code)
        space = character.isspace()
        table[code] = _SPACE if space else of.get(unicodedata.category(character)[0], _SYMBOL)
    table[0xE0000:0xE01F0] = _LETTER
    scripts = script_table()
    table[(scripts == SCRIPTS.index("Hani")) | (scripts == SCRIPTS.index("Kana"))] = _UNSPACED
    for first, last in _BOPOMOFO:
        table[first : last + 1] = _UNSPACED
    return table


def _characters_of_bytes() -> list[str]:
    """GPT-2's printable stand-ins: printable Latin-1 as itself, the other 68 from U+0100 on."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]


# ---------------------------------------------------------------- kernels


@inlined
def _slot(pair: np.uint64, mask: np.uint64) -> np.uint64:
    key = pair * _MIX
    return (key ^ (key >> np.uint64(32))) & mask


@kernel
def _fill(keys: np.ndarray, pairs: np.ndarray) -> None:
    mask = np.uint64(len(pairs) - 1)
    for rank in range(len(keys)):
        at = _slot(keys[rank], mask)
        while pairs[at] != _EMPTY:
            at = (at + np.uint64(1)) & mask
        pairs[at] = keys[rank] << np.uint64(22) | np.uint64(rank)


@inlined
def _rank(left: np.uint32, right: np.uint32, pairs: np.ndarray, mask: np.uint64) -> int:
    pair = np.uint64(left) << np.uint64(21) | np.uint64(right)
    at = _slot(pair, mask)
    while pairs[at] >> np.uint64(22) != pair:
        if pairs[at] == _EMPTY:
            return int(_NONE)
        at = (at + np.uint64(1)) & mask
    return int(pairs[at] & np.uint64(0x3FFFFF))


@kernel
def _piece_end(codes: np.ndarray, kind: np.ndarray, start: int) -> int:
    """Where the piece ends that starts here: the pattern of model/tokenizer.py, its alternatives in order."""
    last = min(len(codes), start + LONGEST)
    code, this = codes[start], kind[codes[start]]
    if code == 0x27 and start + 1 < len(codes):  # 's, 'll
        one = codes[start + 1] | 32
        two = codes[start + 2] | 32 if start + 2 < len(codes) else 0
        end = start
        if one == 0x73 or one == 0x64 or one == 0x6D or one == 0x74:
            end = start + 2
        elif (one == 0x6C and two == 0x6C) or ((one == 0x76 or one == 0x72) and two == 0x65):
            end = start + 3
        if end > start and (end >= len(codes) or kind[codes[end]] not in (_LETTER, _UNSPACED)):
            return end
    at = start + 1
    if this == _NUMBER:
        last = min(last, start + 3)
    elif this == _SPACE:
        after = kind[codes[at]] if at < len(codes) else _SPACE
        if code != 32 or (after != _LETTER and after != _SYMBOL):
            while at < last and kind[codes[at]] == _SPACE:
                at += 1
            # the last space before a word is the word's
            return at - 1 if at - start > 1 and at < len(codes) and kind[codes[at]] != _SPACE else at
        this = after
    while at < last and kind[codes[at]] == this:
        at += 1
    return at


@kernel
def _encode(
    codes: np.ndarray,
    kind: np.ndarray,
    of_byte: np.ndarray,
    pairs: np.ndarray,
    merged: np.ndarray,
    end: int,
    begin: int,
    shift: np.uint32,
    found: np.ndarray,
) -> int:
    """Fills `found`; returns how many there are."""
    mask = np.uint64(len(pairs) - 1)
    tokens, order = np.empty(4 * LONGEST, np.uint32), np.empty(4 * LONGEST, np.int32)
    count = start = 0
    while start < len(codes):
        if codes[start] == 10:
            found[count], found[count + 1] = end, begin
            count, start = count + 2, start + 1
            continue
        stop, size = _piece_end(codes, kind, start), 0
        for i in range(start, stop):
            code = codes[i]
            if code == 10:
                stop = i
                break
            if code < 0x80:
                tokens[size] = of_byte[code]
                size += 1
                continue
            if code < 0x800:
                tokens[size] = of_byte[0xC0 | code >> 6]
            elif code < 0x10000:
                tokens[size] = of_byte[0xE0 | code >> 12]
                size += 1
                tokens[size] = of_byte[0x80 | code >> 6 & 63]
            else:
                tokens[size] = of_byte[0xF0 | code >> 18]
                tokens[size + 1] = of_byte[0x80 | code >> 12 & 63]
                size += 2
                tokens[size] = of_byte[0x80 | code >> 6 & 63]
            tokens[size + 1] = of_byte[0x80 | code & 63]
            size += 2
        start = stop
        for i in range(size - 1):
            order[i] = _rank(tokens[i], tokens[i + 1], pairs, mask)
        while size > 1:
            at, lowest = 0, order[0]
            for i in range(1, size - 1):
                if order[i] < lowest:
                    at, lowest = i, order[i]
            if lowest == _NONE:
                break
            tokens[at] = merged[lowest]
            size -= 1
            for i in range(at + 1, size):
                tokens[i] = tokens[i + 1]
            for i in range(at + 1, size - 1):
                order[i] = order[i + 1]
            if at < size - 1:
                order[at] = _rank(tokens[at], tokens[at + 1], pairs, mask)
            if at > 0:
                order[at - 1] = _rank(tokens[at - 1], tokens[at], pairs, mask)
        for i in range(size):
            found[count] = tokens[i] + shift
            count += 1
    return count
