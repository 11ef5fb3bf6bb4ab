"""How much of a text is words of a list of the user's: toxic, adult, spam or gambling words, or any others.

    signals: {word_lists: {gambling: {files: [gambling-en.txt, gambling-zh.txt]}}}

gives `gambling.matches`, `gambling.per_1000_words`, `gambling.per_line`, `gambling.different`,
`gambling.different_per_line` and `gambling.spans`. C4 drops a page with one word of its list; ChineseWebText (Chen et
al. 2023) one with more than half a different sensitive word a line (`different_per_line`, blank lines too). Case is
folded and full-width forms count as the plain ones. The longest entry counts; matches do not overlap. An entry
that begins or ends in a letter or digit of a script with spaces is found only as whole words ("ass" is not in
"class"); Han needs no boundary, so that entries should be words that mean one thing wherever they stand.

Matching walks a trie from every character of the text, in compiled code: the time does not grow with the list.
"""

import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from headwater.corpus.text import SCRIPTS, codepoints, script_table
from headwater.engine.kernels import kernel
from headwater.errors import RecipeError
from headwater.signals import SPANS, Signal
from headwater.signals.pieces import WORD, pieces_of

VERSION = 2
LIBRARIES = ("rjieba", "numba")

MOST_SPANS = 200  # of one text that are kept


def columns(settings: dict[str, Any]) -> tuple[Signal, ...]:
    """matches, per_1000_words, per_line, different, different_per_line, spans."""
    del settings
    return (
        Signal("matches", "int64", "entries of the list found in the text"),
        Signal("per_1000_words", "double", "matches per 1,000 words"),
        Signal("per_line", "double", "matches per line that is not blank"),
        Signal("different", "int64", "different entries of the list found in the text"),
        Signal("different_per_line", "double", "different entries per line, blank lines counted"),
        Signal("spans", SPANS, f"where, the first {MOST_SPANS}"),
    )


def depends(settings: dict[str, Any]) -> list[str]:
    """The entries themselves: the order of files and comments do not matter."""
    return sorted(_entries(settings))


def opened(settings: dict[str, Any]) -> Callable[[str], tuple[Any, ...]]:
    """A function from a text to its row."""
    keys, children = trie(_entries(settings))

    def measure(text: str) -> tuple[Any, ...]:
        spans = _find(codepoints(text), _folded(), _bounded(), keys, children)
        words = max(1, int(np.count_nonzero(pieces_of(text).are(WORD))))
        lines = max(1, sum(1 for line in text.split("\n") if line.strip()))
        kept = [{"start": start, "end": end, "score": 1.0} for start, end in spans[:MOST_SPANS].tolist()]
        different = len({fold(text[start:end]) for start, end in spans.tolist()})
        per_line = different / (text.count("\n") + 1)
        return len(spans), 1000 * len(spans) / words, len(spans) / lines, different, per_line, kept

    return measure


def trie(entries: set[str]) -> tuple[np.ndarray, np.ndarray]:
    """An open-addressing table: (node << 21 | character) -> child; entries end where the pseudo-character 0x1fffff
    leads on. (size,) int64 keys, -1 where empty, and (size,) int64 nodes."""
    edges: dict[int, int] = {}
    for entry in sorted(entries):
        node = 0
        for character in (*map(ord, entry), 0x1FFFFF):
            node = edges.setdefault(node << 21 | character, len(edges) + 1)
    size = 16
    while size < 2 * len(edges):
        size *= 2
    keys, children = np.full(size, -1, np.int64), np.zeros(size, np.int64)
    for key, child in edges.items():
        at = _slot(keys, key)
        keys[at], children[at] = key, child
    return keys, children


def warm() -> None:
    """Compiles the kernel, once a machine."""
    keys, children = trie({"a"})
    _find(codepoints("a"), _folded(), _bounded(), keys, children)


def _entries(settings: dict[str, Any]) -> set[str]:
    entries: set[str] = set()
    for name in settings["files"]:
        path = Path(settings["folder"], name)
        try:
            lines = path.read_text(encoding="utf-8-sig").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"signals.word_lists: cannot read {path} as UTF-8: {error}") from error
        entries |= {fold(line) for line in lines if line.strip() and not line.startswith("#")}
    if not entries:
        raise RecipeError(f"signals.word_lists: no entry in {', '.join(settings['files'])}")
    return entries


def fold(entry: str) -> str:
    """An entry as it is compared: lower case, full-width forms as the plain ones, single spaces."""
    plain = unicodedata.normalize("NFC", " ".join(entry.split()))
    return "".join(chr(_folded()[ord(character)]) for character in plain)


@cache
def _folded() -> np.ndarray:
    """(0x110000,) uint32: each character as it is compared; a line end is a space."""
    folded = np.arange(0x110000, dtype=np.uint32)
    for c in range(0x2000):
        if len(lower := chr(c).lower()) == 1:
            folded[c] = ord(lower)
    folded[0xFF01:0xFF5F] = [ord(chr(c).lower()) for c in range(0x21, 0x7F)]
    folded[[0x3000, 0x0A, 0x09]] = 0x20
    return folded


@cache
def _bounded() -> np.ndarray:
    """(0x110000,) bool: letters and digits of scripts that part words by spaces."""
    scripts = script_table()
    bounded = np.isin(scripts, [0, *(SCRIPTS.index(name) for name in ("Hani", "Kana", "Thai", "Laoo", "Khmr", "Mymr"))], invert=True)  # fmt: skip
    bounded[0x30:0x3A] = True
    bounded[0xFF10:0xFF1A] = True
    return bounded


@kernel
def _slot(keys: np.ndarray, key: Any) -> int:
    mask = len(keys) - 1
    at = ((key * 0x9E3779B97F4A7C1) >> 20) & mask
    while keys[at] != -1 and keys[at] != key:
        at = (at + 1) & mask
    found: int = at
    return found


@kernel
def _find(
    text: np.ndarray, folded: np.ndarray, bounded: np.ndarray, keys: np.ndarray, children: np.ndarray
) -> np.ndarray:
    """(matches, 2) int64: half-open spans, the longest at each place, left to right without overlap."""
    spans = np.empty((len(text), 2), np.int64)
    count = start = 0
    while start < len(text):
        node, end, longest = np.int64(0), start, -1
        if start == 0 or not (bounded[text[start]] and bounded[text[start - 1]]):
            while end < len(text):
                key = np.int64(node << 21 | folded[text[end]])
                at = _slot(keys, key)
                if keys[at] != key:
                    break
                node = children[at]
                end += 1
                stop = np.int64(node << 21 | 0x1FFFFF)
                at = _slot(keys, stop)
                if keys[at] == stop and not (
                    end < len(text) and bounded[text[end - 1]] and bounded[text[end]]
                ):
                    longest = end
        if longest > 0:
            spans[count, 0], spans[count, 1] = start, longest
            count += 1
            start = longest
        else:
            start += 1
    return spans[:count].copy()
