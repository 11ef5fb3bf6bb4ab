"""Near-duplicates: precision and recall on planted pairs against exact Jaccard, and speed against datatrove.

    ./run bench near_duplicates [--pairs 20000] [--records 5000] [--documents 300000] [--share 10000]

Pairs: texts of 300 words or characters whose exact Jaccard similarity of 5-grams lies between .3 and 1, English and
Chinese in turn, all in one corpus. Theory: the chance that two texts of similarity s share one of 14 bands of 8 values
and agree in 90 of 112 (similarity 0.8). Found = the pair is in one cluster. Recall is of the pairs of .8 and more,
precision of the pairs found; both beside what theory expects of these very pairs.

Speed, CPU seconds from texts to survivors, of two corpora: the main texts, English and Chinese, of the crawl of
benchmarks/end_to_end.py (--records), and made documents of some 1.2 kB of which one in five is a near-copy of an earlier
one (--documents). Ours, on one core: documents that are read and whose language is known (what that took is said apart) are
measured by hashes and MinHash into Parquet, duplicates are found through files, the ledger is written. datatrove, on one
core, in its own environment: signature, buckets, cluster and filter, English and Chinese apart, each with the word splitter
that it has for the language (spaCy's English, jieba), is given the texts in memory and writes none. Of the made documents it
is given the first --share, since its cost grows as theirs does and all would take it an hour; ours is measured on these and
on all. Where the two drop different documents, the likest other document of each is looked for, by exact Jaccard.
"""

import argparse
import json
import math
import random
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from pages.corpus import write_crawl
from peers import ask, environment
from planted import JsonLines, Vocabulary, cpu_seconds, curated, join

from headwater import api
from headwater.corpus.text import HAN
from headwater.pipeline.curation import Curated
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
    left = np.array(reasons(made), object)
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


Text = tuple[str, str]  # language, text


def made_texts(count: int) -> Iterator[Text]:
    """`count` documents of about 1.2 kB, one in five a near-copy of an earlier one."""
    vocabulary, draw = Vocabulary(2), random.Random(2)
    kept: dict[str, list[list[str]]] = {"en": [], "zh": []}
    for number in range(count):
        language = ("en", "zh")[number % 2]
        if number % 5 == 4 and kept[language]:
            words = list(draw.choice(kept[language]))
            words[draw.randrange(len(words))] = words[0]
        else:
            words = vocabulary.words(language, 200 if language == "en" else 400)
            if len(kept[language]) < 10_000:
                kept[language].append(words)
        yield language, join(language, words)


def crawled_texts(folder: Path, records: int) -> Iterator[Text]:
    """Main texts of the benchmark's crawl that are English or Chinese."""
    write_crawl(folder / "crawl", records)
    recipe = {
        "name": "crawl",
        "sources": [{"name": "crawl", "kind": "warc", "paths": ["crawl/*.warc.gz"]}],
        "signals": {"families": ["language"]},
        "curate": {"duplicates": None, "decontaminate": None},
    }
    (folder / "crawl.yaml").write_text(json.dumps(recipe), encoding="utf-8")
    outcome = api.measure(folder / "crawl.yaml")
    assert outcome.measured is not None
    for shard in outcome.ingested.shards:
        labels = pq.read_table(outcome.measured.of("language", shard.shard).path())["language.label"]
        texts = pq.read_table(shard.path(), columns=["text"])["text"]
        for label, text in zip(labels.to_pylist(), texts.to_pylist(), strict=True):
            if label in ("en", "zh"):
                yield label, text


@dataclass(frozen=True)
class Found:
    documents: int
    seconds: float
    stages: dict[str, float]
    left: set[int]  # places of the documents that leave


def ours(folder: Path, texts: Iterable[Text]) -> Found:
    lines = JsonLines(folder / "texts")
    for _, text in texts:
        lines.add(text)
    lines.close()
    started = cpu_seconds()
    curated(folder, "speed", ["texts"], ["language"], {"duplicates": None})
    before = cpu_seconds() - started
    made, _ = curated(folder, "speed", ["texts"], FAMILIES, settings())
    seconds = cpu_seconds() - started - before
    left = {place for place, reason in enumerate(reasons(made)) if reason is not None}
    return Found(lines.count, seconds, {"reading and language before it": before}, left)


def reasons(made: Curated) -> list[str | None]:
    """Why each document leaves, in the order of the files."""
    rows = [
        row
        for one in made.shards.values()
        for row in pq.read_table(one.ledger.path(), columns=["locator", "reason"]).to_pylist()
    ]
    rows.sort(key=lambda row: (row["locator"].rpartition("#")[0], int(row["locator"].rpartition("#")[2])))
    return [row["reason"] for row in rows]


def theirs(texts: list[Text]) -> Found:
    places = {
        language: [n for n, (one, _) in enumerate(texts) if one == language] for language in ("en", "zh")
    }
    answer = ask(
        environment("datatrove-minhash", PEER),
        Path(__file__).parent / "peers" / "datatrove_minhash.py",
        {language: [texts[n][1] for n in some] for language, some in places.items()},
    )
    left = {places[language][n] for language, said in answer.items() for n in said["left"]}
    stages = {s: sum(said["stages"][s] for said in answer.values()) for s in answer["en"]["stages"]}
    return Found(len(texts), sum(said["seconds"] for said in answer.values()), stages, left)


def speed(folder: Path, name: str, texts: list[Text], all_of_them: Iterable[Text] | None = None) -> None:
    """Both sides on these texts; ours on `all_of_them`, too."""
    warm()
    mine, peer = ours(folder / "share", texts), theirs(texts)
    for side, found in (("ours", mine), ("datatrove", peer)):
        stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in found.stages.items())
        print(f"{name}, {side}: {len(texts):,} documents in {found.seconds:.2f} CPU s ({stages}); "
              f"{len(found.left):,} leave")  # fmt: skip
    print(f"{name}: ratio {peer.seconds / mine.seconds:.1f}   bar {BAR_SPEED}; with reading and language on our side "
          f"{peer.seconds / (mine.seconds + sum(mine.stages.values())):.1f}", flush=True)  # fmt: skip
    for side, one, other in (("ours", mine.left, peer.left), ("datatrove", peer.left, mine.left)):
        found = [likest(texts, place) for place in sorted(one - other)]
        twins = sum(twin in other - one for _, twin in found)
        alike = sorted(value for value, twin in found if twin not in other - one)
        if found:
            print(f"  {len(found)} leave by {side} alone: of {twins} the other side lets the likest document go instead; "
                  f"of {len(alike)} the likest has an exact Jaccard similarity of "
                  f"{', '.join(f'{value:.2f}' for value in alike)}", flush=True)  # fmt: skip
    if all_of_them is not None:
        whole = ours(folder / "whole", all_of_them)
        stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in whole.stages.items())
        rate = peer.seconds / peer.documents * whole.documents / whole.seconds
        print(f"{name}, ours: {whole.documents:,} documents in {whole.seconds:.1f} CPU s ({stages}); "
              f"{len(whole.left):,} leave; ratio by datatrove's rate {rate:.1f}   bar {BAR_SPEED}", flush=True)  # fmt: skip


def likest(texts: list[Text], place: int) -> tuple[float, int]:
    """The highest exact Jaccard similarity of 5-grams that a document has to another one, and whose place it is."""
    own, best = grams_of(texts[place][1]), (0.0, -1)
    for n, (language, text) in enumerate(texts):
        if n != place and language == texts[place][0]:
            other = grams_of(text)
            if min(len(own), len(other)) > best[0] * max(len(own), len(other)):
                best = max(best, (len(own & other) / len(own | other), n))
    return best


@cache
def grams_of(text: str) -> frozenset[int]:
    words = re.findall(rf"[{HAN}]|[^\W_]+", text.lower())
    return frozenset(hash(tuple(words[i : i + WORDS])) for i in range(max(1, len(words) - WORDS + 1)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument("--records", type=int, default=5000)
    parser.add_argument("--documents", type=int, default=300_000)
    parser.add_argument("--share", type=int, default=10_000)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="headwater-near-"))
    try:
        if options.pairs:
            (folder / "pairs").mkdir()
            quality(folder / "pairs", options.pairs)
        if options.records:
            speed(folder / "crawl", "crawl", list(crawled_texts(folder, options.records)))
        if options.documents:
            some = list(islice(made_texts(options.documents), options.share))
            speed(folder / "made", "made", some, made_texts(options.documents))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
