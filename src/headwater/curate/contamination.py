"""Training text that contains held-out or evaluation text, cut out by passage before any arm is built (GPT-3, appendix C).

A *gram* is 13 words or 50 characters: words where words are written apart, single characters in Chinese,
Japanese, Thai, Lao, Khmer, Burmese and Tibetan. In mixed text each counts its part, so `用 Python 写` is three
steps towards one gram. Case, punctuation, spaces and full-width forms do not count; Simplified and Traditional
are different characters here, as they are to the model.

Where a gram of the training text occurs in held-out text or in an item of a benchmark, the gram and `margin` characters to each side are cut.
Overlapping cuts are one. What remains between cuts are the pieces: those below `margin` characters are dropped
with the cut (GPT-3: 200), and a document of more than `max_pieces` pieces leaves.

Grams are compared by a 64-bit hash. With H held-out and T training grams the expected number of false cuts is
H × T / 2^64: 0.005 for ten million against ten billion, so a hit is not looked up again.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from headwater.corpus.shards import ShardWriter, read_batches
from headwater.corpus.text import codepoints
from headwater.curate.editions import EDITION_SCHEMA
from headwater.curate.evaluation_items import benchmarks_of, read_items
from headwater.curate.hashing import mix
from headwater.engine.kernels import kernel
from headwater.engine.workspace import Output
from headwater.recipe.settings import Decontaminate

DROPPED = "contaminated"
HELD_OUT = "held-out text"  # the reason of a span; or the benchmark's name

_SEPARATE, _WORD, _CHARACTER = 0, 1, 2
_TABLE = 0x20000  # above it there are Han characters (to U+3FFFF) and nothing that counts
_HAN_END = 0x40000
_UNSPACED = [
    (0x0E00, 0x0EFF), (0x0F00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x19E0, 0x19FF),  # Thai to Khmer
    (0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3041, 0x30FF), (0x3105, 0x312F), (0x31A0, 0x31BF), (0x31F0, 0x31FF),
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xAA60, 0xAA7F), (0xF900, 0xFAFF), (0xFF66, 0xFF9F),
]  # fmt: skip


@dataclass(frozen=True)
class Index:
    """The grams of held-out and evaluation text: (grams,) uint64, ascending and distinct, and a filter of 2^k bytes.

    `filter` holds a 1 at the top k bits of every gram: most grams of clean text end there, one look and not
    twenty. `labels` (grams,) uint16 says whose text it is (the lowest where it is several's).
    """

    hashes: np.ndarray
    filter: np.ndarray
    labels: np.ndarray
    settings: Decontaminate


def index_heldout(texts: Iterable[str], settings: Decontaminate) -> Index:
    """The index of these texts. A text shorter than one gram cannot be told from chance and adds nothing."""
    return index_labelled(((text, 0) for text in texts), settings)


def index_labelled(texts: Iterable[tuple[str, int]], settings: Decontaminate) -> Index:
    """The same of (text, label)."""
    found, labels = [np.empty(0, np.uint64)], [np.empty(0, np.uint16)]
    for text, label in texts:
        hashes = np.unique(_grams(codepoints(text), settings)[0])
        found.append(hashes)
        labels.append(np.full(len(hashes), label, np.uint16))
    hashes, label_of = np.concatenate(found), np.concatenate(labels)
    order = np.lexsort((label_of, hashes))
    new = np.ones(len(order), bool)
    new[1:] = hashes[order[1:]] != hashes[order[:-1]]
    return _with_filter(hashes[order][new], label_of[order][new], settings)


def clean(text: str, index: Index) -> tuple[list[str] | None, list[tuple[int, int]]]:
    """(pieces, spans cut): all of the text where nothing collides, None where the document must leave."""
    settings = index.settings
    if not len(index.hashes):
        return [text], []
    hashes, starts, ends = _grams(codepoints(text), settings)
    hits = _hits(hashes, index.hashes, index.filter)
    if not len(hits):
        return [text], []
    spans = _merged(starts[hits], ends[hits], settings.margin, len(text))
    pieces, at = [], 0
    cut: list[tuple[int, int]] = []
    for start, end in [*spans, (len(text), len(text))]:
        if start - at >= max(1, settings.margin):
            pieces.append(text[at:start])
            cut.append((start, end))
        elif cut:  # the piece is too short to stay: it joins the cuts around it
            cut[-1] = (cut[-1][0], end)
        else:
            cut.append((0, end))
        at = end
    if cut[-1][0] == cut[-1][1]:
        cut.pop()
    return (None if len(pieces) > settings.max_pieces or not pieces else pieces), cut


def hits_in(text: str, index: Index) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(hits,) places in the index, and where each stands in the text: starts and ends."""
    hashes, starts, ends = _grams(codepoints(text), index.settings)
    if not len(index.hashes):
        return np.zeros(0, np.int64), starts[:0], ends[:0]
    hits = _hits(hashes, index.hashes, index.filter)
    return np.searchsorted(index.hashes, hashes[hits]), starts[hits], ends[hits]


def decontaminate_shard(
    out: Output, *, documents: str, index: str, labels: list[str], settings: dict[str, Any]
) -> dict[str, Any]:
    """Shard function: documents -> an edition of the training documents, rows in the same order.

    Pieces are joined by a blank line. Held-out documents are not touched. Counts: `touched` documents with cuts,
    `dropped`, `removed` characters, `removed_bytes` (UTF-8, whole documents included), and `whose`: domain -> label
    -> documents.
    """
    loaded = load_index(Path(index), Decontaminate(**settings))
    whose: dict[str, Counter[str]] = {}
    counts: dict[str, Any] = {
        "documents": 0,
        "bytes": 0,
        "touched": 0,
        "dropped": 0,
        "removed": 0,
        "removed_bytes": 0,
    }
    with ShardWriter(out.path(), EDITION_SCHEMA) as writer:
        for batch in read_batches(documents, ["id", "text", "split", "domain"]):
            rows = []
            for row in batch.to_pylist():
                made = _edition_row(row, loaded, labels)
                rows.append(made)
                size = len(row["text"].encode())
                counts["documents"] += 1
                counts["bytes"] += size
                counts["removed"] += made["removed"]
                if made["text"] is not None:
                    named = {span["reason"] for span in made["spans"]}
                    whose.setdefault(row["domain"], Counter()).update(named)
                    counts["touched"] += 1
                    counts["dropped"] += made["dropped"] is not None
                    counts["removed_bytes"] += size - len(made["text"].encode())
            writer.write(rows)
    return counts | {"whose": {domain: dict(sorted(some.items())) for domain, some in sorted(whose.items())}}


def _edition_row(document: dict[str, Any], index: Index, labels: list[str]) -> dict[str, Any]:
    text = document["text"]
    row: dict[str, Any] = {"id": document["id"], "text": None, "dropped": None, "removed": 0, "spans": None}
    pieces, spans = clean(text, index) if document["split"] == "train" else ([text], [])
    if spans:
        places, starts, _ = hits_in(text, index)
        of_hits = index.labels[places]
        row["spans"] = [
            {"start": start, "end": end, "reason": labels[of_hits[(starts >= start) & (starts < end)].min()]}
            for start, end in spans
        ]
        if pieces is None:
            row |= {"text": "", "dropped": DROPPED, "removed": len(text)}
        else:
            removed = sum(end - start for start, end in spans)
            row |= {"text": "\n\n".join(piece.strip() for piece in pieces), "removed": removed}
    return row


def build_index(
    out: Output,
    *,
    documents: list[str],
    domains: list[str] | None,
    tasks: list[str],
    settings: dict[str, Any],
) -> dict[str, Any]:
    """Shard function: the index of the held-out documents (of these domains; None: all) of these shards, and of the
    evaluation sets in the files `tasks`. `.npy`: the grams, `.labels.npy`: whose they are, by place in `labels`.
    """
    count = 0
    items = list(read_items([Path(path) for path in tasks]))
    benchmarks = benchmarks_of(items)

    def texts() -> Iterable[tuple[str, int]]:
        nonlocal count
        for path in documents:
            for batch in read_batches(path, ["text", "split", "domain"]):
                for row in batch.to_pylist():
                    if row["split"] == "heldout" and (domains is None or row["domain"] in domains):
                        count += 1
                        yield row["text"], 0
        for item in items:
            for text in item.fields:
                yield text, 1 + benchmarks.index(item.benchmark)

    index = index_labelled(texts(), Decontaminate(**settings))
    for suffix, array in (("npy", index.hashes), ("labels.npy", index.labels)):
        with out.path(suffix).open("wb") as file:
            np.save(file, array)
    return {
        "documents": count,
        "items": len(items),
        "grams": len(index.hashes),
        "labels": [HELD_OUT, *benchmarks],
    }


@lru_cache(maxsize=1)
def load_index(path: Path, settings: Decontaminate) -> Index:
    """The index that `build_index` wrote; its grams stay on disk until they are looked up."""
    labels = np.load(path.with_suffix(".labels.npy"), mmap_mode="r")
    return _with_filter(np.load(path, mmap_mode="r"), labels, settings)


# ---------------------------------------------------------------- grams


@lru_cache(maxsize=1)
def _tables() -> tuple[np.ndarray, np.ndarray]:
    """(131072,) uint8 what a code point is, and (131072,) uint32 what it counts as."""
    kinds = np.zeros(_TABLE, np.uint8)
    folded = np.arange(_TABLE, dtype=np.uint32)
    for code in range(_TABLE):
        # letters, marks and digits make words; full-width forms count as the plain ones
        plain = code - 0xFEE0 if 0xFF01 <= code <= 0xFF5E else code
        character = chr(plain)
        if unicodedata.category(character)[0] in "LMN":
            kinds[code] = _WORD
            lower = character.lower()
            folded[code] = ord(lower) if len(lower) == 1 else plain
    for first, last in _UNSPACED:
        here = kinds[first : last + 1]
        here[here == _WORD] = _CHARACTER
    return kinds, folded


def grams_of(text: str, words: int, characters: int) -> np.ndarray:
    """(grams,) uint64: the hash of the gram that begins at each word or character."""
    return _grams(codepoints(text), Decontaminate(words=words, characters=characters))[0]


def _grams(text: np.ndarray, settings: Decontaminate) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(grams,) uint64 hashes and (grams,) int64 where each starts and ends in the text."""
    kinds, folded = _tables()
    # a word is worth `characters`, a character is worth `words`: a gram is complete at their product
    hashes, starts, ends, worth = _tokens(text, kinds, folded, settings.characters, settings.words)
    return _windows(hashes, starts, ends, worth, settings.words * settings.characters)


def grams_with_words(
    text: np.ndarray, settings: Decontaminate
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """(grams,) uint64 hashes, (grams,) int64 first word and one past the last of each, and how many words there are;
    a character counts as a word where words are not written apart."""
    kinds, folded = _tables()
    hashes, _, _, worth = _tokens(text, kinds, folded, settings.characters, settings.words)
    at = np.arange(len(hashes))
    grams, first, last = _windows(hashes, at, at + 1, worth, settings.words * settings.characters)
    return grams, first, last, len(hashes)


@kernel
def _tokens(
    codepoints: np.ndarray, kinds: np.ndarray, folded: np.ndarray, a_word: int, a_character: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Words and characters: hash, start, end, worth."""
    length = codepoints.shape[0]
    hashes = np.empty(length, np.uint64)
    starts, ends, worth = np.empty(length, np.int64), np.empty(length, np.int64), np.empty(length, np.int64)
    count = 0
    in_word = False
    for i in range(length):
        code = codepoints[i]
        kind, same_as = np.uint8(_SEPARATE), code
        if code < _TABLE:
            kind, same_as = kinds[code], folded[code]
        elif code < _HAN_END:
            kind = np.uint8(_CHARACTER)
        if kind == _WORD and in_word:
            hashes[count - 1] = mix(hashes[count - 1] ^ np.uint64(same_as)) + np.uint64(0x9E3779B97F4A7C15)
            ends[count - 1] = i + 1
            continue
        in_word = kind == _WORD
        if kind != _SEPARATE:
            hashes[count] = mix(np.uint64(same_as) + np.uint64(0x9E3779B97F4A7C15))
            starts[count], ends[count] = i, i + 1
            worth[count] = a_word if kind == _WORD else a_character
            count += 1
    return hashes[:count], starts[:count], ends[:count], worth[:count]


@kernel
def _windows(
    hashes: np.ndarray, starts: np.ndarray, ends: np.ndarray, worth: np.ndarray, full: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """From each token the shortest run that is worth a gram: its hash, start and end."""
    length = hashes.shape[0]
    grams = np.empty(length, np.uint64)
    first, last = np.empty(length, np.int64), np.empty(length, np.int64)
    count = end = total = 0
    for begin in range(length):
        while end < length and total < full:
            total += worth[end]
            end += 1
        if total < full:
            break
        value = np.uint64(end - begin)
        for i in range(begin, end):
            value = mix(value ^ hashes[i])
        grams[count], first[count], last[count] = value, starts[begin], ends[end - 1]
        count += 1
        total -= worth[begin]
    return grams[:count], first[:count], last[:count]


# ---------------------------------------------------------------- looking up


def _with_filter(hashes: np.ndarray, labels: np.ndarray, settings: Decontaminate) -> Index:
    bits = min(26, len(hashes).bit_length() + 4)  # 64 MB at most
    bloom = np.zeros(1 << bits, np.bool_)
    bloom[(hashes >> np.uint64(64 - bits)).astype(np.int64)] = True
    return Index(hashes, bloom, labels, settings)


@kernel
def _hits(grams: np.ndarray, hashes: np.ndarray, bloom: np.ndarray) -> np.ndarray:
    """Which grams are in the index: (hits,) places."""
    bits = 0
    while (1 << bits) < bloom.shape[0]:
        bits += 1
    shift = np.uint64(64 - bits)
    found = np.empty(grams.shape[0], np.int64)
    count = 0
    for i in range(grams.shape[0]):
        gram = grams[i]
        if not bloom[gram >> shift]:
            continue
        low, high = 0, hashes.shape[0]
        while low < high:
            middle = (low + high) // 2
            if hashes[middle] < gram:
                low = middle + 1
            else:
                high = middle
        if low < hashes.shape[0] and hashes[low] == gram:
            found[count] = i
            count += 1
    return found[:count]


def _merged(starts: np.ndarray, ends: np.ndarray, margin: int, length: int) -> list[tuple[int, int]]:
    """Cuts with their margins, as disjoint spans inside the text, in order."""
    spans: list[tuple[int, int]] = []
    for start, end in zip((starts - margin).tolist(), (ends + margin).tolist(), strict=True):
        start, end = max(0, start), min(length, end)
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        else:
            spans.append((start, end))
    return spans
