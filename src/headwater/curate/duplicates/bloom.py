"""A Bloom filter over the grams of documents, in the order of ids (DCLM's `bff`: 13-grams, threshold .8, 1% false
positives; here by whole documents, `bff` goes by paragraphs as well).

    grams_shard   documents' shard   -> its grams, by ranges of ids
    seen_shard    all, one range after another -> documents of whose grams `threshold` were seen in earlier ones

A document that leaves adds nothing. The filter has `memory` bytes whatever the corpus; a corpus with more grams than
it holds at `false_positives` is refused with the size that it needs. Grams are those of contamination: 13 words, or
20 characters where words are not written apart.
"""

import math
from typing import Any

import numpy as np

from headwater.curate.contamination import grams_of
from headwater.curate.duplicates.exchange import LEFT
from headwater.curate.duplicates.shared import texts_alive
from headwater.engine.kernels import kernel
from headwater.engine.workspace import Output
from headwater.errors import RecipeError
from headwater.recipe.quantities import show_size
from headwater.recipe.settings import Bloom

RANGE_BYTES = 8 << 20  # of text whose documents a range holds
DOCUMENT = np.dtype([("high", "<u8"), ("low", "<u8"), ("row", "<u4"), ("grams", "<u4"), ("at", "<u8")])


def grams_shard(
    out: Output,
    *,
    texts: list[str],
    decisions: str,
    tracks: list[str],
    by_language: dict[str, str],
    settings: dict[str, Any],
    ranges: int,
) -> dict[str, Any]:
    """Shard function: `.documents`, DOCUMENT records by id, and `.grams`, uint64, `grams` of them from `at` on.

    `starts` (ranges + 1) says where the documents of each range of ids begin.
    """
    chosen = Bloom(**settings)
    found, at = [], 0
    with out.path("grams").open("wb") as file:
        for row, name, text in texts_alive(texts, decisions, tracks, by_language):
            grams = grams_of(text, chosen.words, chosen.characters)
            grams.tofile(file)
            found.append((int(name[:16], 16), int(name[16:], 16), row, len(grams), at))
            at += len(grams)
    documents = np.array(found, DOCUMENT)
    documents = documents[np.lexsort((documents["low"], documents["high"]))]
    documents.tofile(out.path("documents"))
    limits = [(number << 64) // ranges for number in range(ranges)]
    starts = np.searchsorted(documents["high"], np.array(limits, np.uint64))
    return {
        "documents": len(documents),
        "grams": at,
        "spilled": 8 * at,
        "starts": [*starts.tolist(), len(documents)],
    }


def seen_shard(
    out: Output, *, shards: list[dict[str, Any]], settings: dict[str, Any], rows: list[int]
) -> dict[str, Any]:
    """Shard function over the corpus: `.left`. A shard is {"documents", "grams", "starts", "count"}; `rows`: of each.

    `similarity` of who leaves is the share of its grams that was seen; it has no partner.
    """
    chosen = Bloom(**settings)
    total = sum(shard["count"] for shard in shards)
    needed = math.ceil(-total * math.log(chosen.false_positives) / math.log(2) ** 2 / 8)
    if needed > chosen.memory:
        raise RecipeError(
            f"curate.duplicates.bloom: {total:,} grams need a filter of {show_size(needed)} to have "
            f"{chosen.false_positives:.1%} false positives; bloom.memory is {show_size(chosen.memory)}: raise it"
        )
    words = np.zeros(max(1, -(-needed // 8)), np.uint64)
    hashes = max(1, round(64 * len(words) / max(1, total) * math.log(2)))
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(rows, dtype=np.int64)])
    left = [np.zeros(0, LEFT)]
    for number in range(len(shards[0]["starts"]) - 1 if shards else 0):
        parts, grams = [], []
        for place, shard in enumerate(shards):
            first, last = shard["starts"][number : number + 2]
            part = np.fromfile(
                shard["documents"], DOCUMENT, count=last - first, offset=first * DOCUMENT.itemsize
            )
            parts.append((part, np.full(len(part), place)))
            grams += [
                np.fromfile(shard["grams"], np.uint64, count=int(d["grams"]), offset=8 * int(d["at"]))
                for d in part
            ]
        documents = np.concatenate([part for part, _ in parts])
        of_shard = np.concatenate([place for _, place in parts])
        order = np.lexsort((documents["low"], documents["high"]))
        sizes = np.array([len(grams[place]) for place in order], np.int64)
        flat = np.concatenate([np.zeros(0, np.uint64), *(grams[place] for place in order)])
        shares = _seen(
            flat, np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)]), words, hashes, chosen.threshold
        )
        gone = order[shares >= chosen.threshold]
        found = np.zeros(len(gone), LEFT)
        found["position"] = starts[of_shard[gone]] + documents["row"][gone]
        found["similarity"] = shares[shares >= chosen.threshold]
        left.append(found)
    together = np.concatenate(left)
    together[np.argsort(together["position"])].tofile(out.path("left"))
    return {"grams": total, "filter_bytes": 8 * len(words), "hashes": hashes, "left": len(together)}


@kernel
def _seen(
    grams: np.ndarray, starts: np.ndarray, words: np.ndarray, hashes: int, threshold: float
) -> np.ndarray:
    """(documents,) float64: the share of each one's grams that the filter knows; adds those of who stays."""
    shares = np.zeros(starts.shape[0] - 1)
    bits = np.uint64(64 * words.shape[0])
    for document in range(starts.shape[0] - 1):
        first, last = starts[document], starts[document + 1]
        if first == last:
            continue
        known = 0
        for i in range(first, last):
            step = (grams[i] >> np.uint64(32)) | np.uint64(1)
            place, there = grams[i], True
            for _ in range(hashes):
                bit = place % bits
                if not words[bit >> np.uint64(6)] >> (bit & np.uint64(63)) & np.uint64(1):
                    there = False
                    break
                place += step * np.uint64(0x9E3779B97F4A7C15)
            known += there
        shares[document] = known / (last - first)
        if shares[document] >= threshold:
            continue
        for i in range(first, last):
            step = (grams[i] >> np.uint64(32)) | np.uint64(1)
            place = grams[i]
            for _ in range(hashes):
                bit = place % bits
                words[bit >> np.uint64(6)] |= np.uint64(1) << (bit & np.uint64(63))
                place += step * np.uint64(0x9E3779B97F4A7C15)
    return shares
