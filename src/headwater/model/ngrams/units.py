"""What an n-gram is made of: characters, words (and the symbols between them), or tokens of a byte-level BPE.

Characters and words are told apart by 64-bit keys; those that the vocabulary lacks are UNKNOWN, and cost their UTF-8
bytes at 8 bits each besides, so that bits per byte of all units can be compared. Subwords know every text.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from headwater.corpus.text import codepoints, words_and_symbols
from headwater.engine.kernels import kernel
from headwater.model.ngrams.subwords import Subwords, subwords_of

UNITS = ("subword", "word", "character")
BEGIN, END, UNKNOWN, SPECIAL = 0, 1, 2, 3  # ids; the vocabulary's own begin at SPECIAL


@dataclass(frozen=True)
class Units:
    """`vocabulary`: keys of characters or words, ascending (n,) uint64; `tokenizer`: a tokenizer.json of subwords."""

    kind: str
    vocabulary: np.ndarray
    tokenizer: str = ""

    @property
    def size(self) -> int:
        """Ids that there are, the special ones included."""
        return SPECIAL + (self._subwords.size if self.kind == "subword" else len(self.vocabulary))

    def ids(self, line: str) -> tuple[np.ndarray, int]:
        """(units,) uint32 of a line, without BEGIN and END; and the UTF-8 bytes of its unknown units."""
        if self.kind == "subword":
            return self._subwords.encode(line, END, BEGIN, SPECIAL), 0
        keys, sizes = keys_of(line, self.kind)
        if not len(self.vocabulary):
            return np.full(len(keys), UNKNOWN, np.uint32), int(sizes.sum())
        places = np.minimum(np.searchsorted(self.vocabulary, keys), len(self.vocabulary) - 1)
        known = self.vocabulary[places] == keys
        ids = np.where(known, places + SPECIAL, UNKNOWN).astype(np.uint32)
        return ids, int(sizes[~known].sum())

    def stream(self, lines: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """All lines in a row, each from BEGIN to END, (units,) uint32; and of each the bytes of its unknown units.

        Lines have no line end and no white space around them.
        """
        if self.kind == "subword" and lines:
            ids = self._subwords.encode("\n".join(lines), END, BEGIN, SPECIAL)
            return np.concatenate([_BEGIN, ids, _END]), np.zeros(len(lines), np.int64)
        parts, unknown = [], np.zeros(len(lines), np.int64)
        for place, line in enumerate(lines):
            ids, unknown[place] = self.ids(line)
            parts += [_BEGIN, ids, _END]
        return np.concatenate(parts) if parts else np.zeros(0, np.uint32), unknown

    @cached_property
    def _subwords(self) -> Subwords:
        return subwords_of(self.tokenizer)


_BEGIN, _END = np.array([BEGIN], np.uint32), np.array([END], np.uint32)


def lines_of(text: str) -> list[str]:
    """The lines that are not blank, without the white space around them."""
    return [line for piece in text.split("\n") if (line := piece.strip())]


def keys_of(line: str, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """(units,) uint64 keys of a line's characters or words, and their UTF-8 bytes, (units,) int64."""
    if kind == "character":
        codes = codepoints(line)
        return codes.astype(np.uint64), _utf8(codes)
    words = words_and_symbols(line)
    starts = np.zeros(len(words) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, words), np.int64, len(words)), out=starts[1:])
    codes = codepoints("".join(words))
    total = np.concatenate([np.zeros(1, np.int64), np.cumsum(_utf8(codes))])
    return _hashes(codes, starts), np.diff(total[starts])


def _utf8(codes: np.ndarray) -> np.ndarray:
    sizes: np.ndarray = 1 + (codes >= 0x80) + (codes >= 0x800) + (codes >= 0x10000)
    return sizes


@kernel
def _hashes(codes: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """(words,) uint64: FNV-1a over code points, finished by a mix."""
    keys = np.empty(len(starts) - 1, np.uint64)
    for word in range(len(keys)):
        key = np.uint64(0xCBF29CE484222325)
        for i in range(starts[word], starts[word + 1]):
            key = (key ^ np.uint64(codes[i])) * np.uint64(0x100000001B3)
        key ^= key >> np.uint64(32)
        keys[word] = (key * np.uint64(0x9E3779B97F4A7C15)) ^ (key >> np.uint64(29))
    return keys
