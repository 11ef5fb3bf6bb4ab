"""Near-duplicates: precision and recall on planted pairs against exact Jaccard, and speed against datatrove.

    ./run bench near_duplicates [--pairs 20000] [--documents 300000] [--peer 5000]

Pairs: texts of 300 words or characters whose exact Jaccard similarity of 5-grams lies between .3 and 1, English and
Chinese in turn, all in one corpus. Theory: the chance that two texts of similarity s share one of 14 bands of 8 values
and agree in 90 of 112 (similarity 0.8). Found = the pair is in one cluster. Recall is of the pairs of .8 and more,
precision of the pairs found; both beside what theory expects of these very pairs.

Speed: texts to survivors, CPU seconds: ours measures hashes and MinHash of documents that are read, finds duplicates
and writes the ledger; datatrove's signature, buckets, cluster and filter, in its own environment, are given the same
texts in memory, English and Chinese apart, each with the word splitter it has for that language. The peer takes --peer documents of the same
corpus, in which near-copies stand for one document in five; ours is measured on these and on all.
"""

import argparse
import math
import random
import shutil
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from peers import ask, environment
from planted import JsonLines, Vocabulary, cpu_seconds, curated, join

from headwater.signals.minhash import BANDS, PERMUTATIONS, ROWS, WORDS, warm

PEER = [
    "datatrove==0.10.1",
    "spacy==3.8.18",
    "jieba==0.42.1",
    "lxml_html_clean",
    "regex",
    "tokenizers",
    "xxhash==3.5.0",
]
FAMILIES = ["language", "hashes", "minhash"]
SIMILARITY = 0.8
SIZE = 300
BAR_SPEED, BAR_SHARE = 20, 0.02


def settings(keep: str = "first") -> dict[str, Any]:
    return {"duplicates": {"near": {"similarity": SIMILARITY}, "keep": keep}}


def chance(similarity: float) -> float:
    """That two texts share a band and agree in enough values: exact, over independent values."""
    least = math.ceil(SIMILARITY * PERMUTATIONS - 1e-9)
    band = [math.comb(ROWS, k) * similarity**k * (1 - similarity) ** (ROWS - k) for k in range(ROWS + 1)]
    any_band, no_band = np.ones(1), np.ones(1)
    for _ in range(BANDS):
        any_band = np.convolve(any_band, band)
        no_band = np.convolve(no_band, [*band[:ROWS], 0.0])
    return float(any_band[least:].sum() - no_band[least:].sum())


def shingles(words: list[str]) -> set[tuple[str, ...]]:
    return {tuple(words[i : i + WORDS]) for i in range(len(words) - WORDS + 1)}


def a_pair(
    draw: random.Random, language: str, similarity: float, number: int
) -> tuple[list[str], list[str], float]:
    """Two lists of words, and how similar they are exactly."""

    def fresh() -> str:
        return f"w{draw.randrange(10**9)}" if language == "en" else chr(0x4E00 + draw.randrange(20000))

    words = [fresh() for _ in range(SIZE)]
    other = list(words)
    changes = round(SIZE * (1 - similarity) / (1 + similarity) / WORDS)
    for at in range(changes):
        other[min(SIZE - 1, round((at + 0.5) * SIZE / changes))] = fresh()
    one, two = shingles(words), shingles(other)
    return words, other, len(one & two) / len(one | two)


def quality(folder: Path, count: int) -> None:
    draw, lines = random.Random(1), JsonLines(folder / "texts")
    exact = np.zeros(count)
    for number in range(count):
        language = ("en", "zh")[number % 2]
        one, two, exact[number] = a_pair(draw, language, 0.3 + 0.7 * draw.random(), number)
        for words in (one, two):
            lines.add((" " if language == "en" else "").join(words))
    lines.close()
    made, _ = curated(
        folder,
        "pairs",
        ["texts"],
        FAMILIES,
        {"duplicates": {"near": {"similarity": SIMILARITY}, "exact": False}},
    )
    rows = [
        row
        for one in made.shards.values()
        for row in pq.read_table(one.ledger.path(), columns=["locator", "reason"]).to_pylist()
    ]
    rows.sort(key=lambda row: (row["locator"].rpartition("#")[0], int(row["locator"].rpartition("#")[2])))
    left = np.array([row["reason"] for row in rows], object)
    found = (left[::2] == "near_duplicate") | (left[1::2] == "near_duplicate")
    expected = np.array([chance(min(1.0, value)) for value in exact])
    for name, some in (("English", slice(0, None, 2)), ("Chinese", slice(1, None, 2)), ("both", slice(None))):
        true, got, theory = exact[some] >= SIMILARITY, found[some], expected[some]
        recall, recall_theory = got[true].mean(), theory[true].mean()
        precision, precision_theory = true[got].mean(), theory[true].sum() / theory.sum()
        print(
            f"{name:<8} {len(true):>7,} pairs: recall {recall:.4f} (theory {recall_theory:.4f}, {recall / recall_theory - 1:+.2%}), "
            f"precision {precision:.4f} (theory {precision_theory:.4f}, {precision / precision_theory - 1:+.2%})   bar within {BAR_SHARE:.0%}"
        )
    edges = [0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 1.01]
    for low, high in pairwise(edges):
        here = (exact >= low) & (exact < high)
        print(
            f"  J {low:.2f}-{min(1, high):.2f}  {here.sum():>6,} pairs  found {found[here].mean():.4f}  theory {expected[here].mean():.4f}"
        )


def write(folder: Path, count: int) -> dict[str, list[str]]:
    """`count` documents of about 1.2 kB, one in five a near-copy of an earlier one; the texts by language."""
    vocabulary, lines = Vocabulary(2), JsonLines(folder)
    draw = random.Random(2)
    kept: dict[str, list[list[str]]] = {"en": [], "zh": []}
    texts: dict[str, list[str]] = {"en": [], "zh": []}
    for number in range(count):
        language = ("en", "zh")[number % 2]
        if number % 5 == 4 and kept[language]:
            words = list(draw.choice(kept[language]))
            words[draw.randrange(len(words))] = words[0]
        else:
            words = vocabulary.words(language, 200 if language == "en" else 400)
            if len(kept[language]) < 10_000:
                kept[language].append(words)
        text = join(language, words)
        lines.add(text)
        if number < 20_000:
            texts[language].append(text)
    lines.close()
    return texts


def speed(folder: Path, documents: int, peer: int) -> None:
    warm()
    seconds: dict[int, float] = {}
    for count in (peer, documents):
        place = folder / str(count)
        place.mkdir()
        texts = write(place / "texts", count)
        started = cpu_seconds()
        curated(place, "speed", ["texts"], ["language"], {"duplicates": None})
        before = cpu_seconds() - started
        made, _ = curated(place, "speed", ["texts"], FAMILIES, settings())
        seconds[count] = cpu_seconds() - started - before
        left = sum(number for reason, number in made.counts["reasons"] if reason.endswith("duplicate"))
        print(
            f"ours: {count:,} documents in {seconds[count]:.1f} CPU s, {count / seconds[count]:,.0f} a second; "
            f"{left:,} duplicates (reading and language before it: {before:.1f} CPU s)",
            flush=True,
        )
        if count == peer:
            answer = ask(
                environment("datatrove-minhash", PEER),
                Path(__file__).parent / "peers" / "datatrove_minhash.py",
                texts,
            )
        shutil.rmtree(place)
    theirs = sum(answer[language]["seconds"] for language in answer)
    stages = {
        stage: round(sum(answer[one]["stages"][stage] for one in answer), 1)
        for stage in answer["en"]["stages"]
    }
    kept = sum(answer[language]["kept"] for language in answer)
    print(f"datatrove: {peer:,} documents in {theirs:.1f} CPU s ({stages}); {peer - kept:,} duplicates")
    print(f"ratio on {peer:,} documents {theirs / seconds[peer]:.1f}; by rate on {documents:,} "
          f"{theirs / peer * documents / seconds[documents]:.1f}   bar {BAR_SPEED}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument("--documents", type=int, default=300_000)
    parser.add_argument("--peer", type=int, default=5000)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="headwater-near-"))
    try:
        if options.pairs:
            (folder / "pairs").mkdir()
            quality(folder / "pairs", options.pairs)
        if options.documents:
            speed(folder, options.documents, options.peer)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
