"""MinHash: documents a CPU second against datasketch, and the error of the estimate against theory.

    ./run bench minhash [--documents 2000] [--pairs 2000]

Both sign the same real texts (500 to 5,000 characters, half English, half Chinese) with 112 permutations of word
5-grams, a Han character being a word. The error is over pairs of made texts whose Jaccard similarity is counted
exactly; theory says a standard deviation of sqrt(J (1 - J) / 112).
"""

import argparse
import math
import random
import time
from pathlib import Path

import numpy as np
from peers import ask, data_folder, environment, real_texts

from headwater.signals import minhash

PEER = ["datasketch==2.0.0"]
SOURCES = {"en": ("corpora/books/novels-en/*.txt.gz",), "zh": ("corpora/books/books-zh/*.txt.gz",)}
SIZES = (500, 5000)
SIMILARITIES = (0.2, 0.5, 0.8, 0.9)
BAR_SPEED, BAR_ERROR = 30, 0.10
PASSES = 20  # over the texts in one measurement of ours: one is over in a tenth of a second


def texts_of(count: int) -> tuple[list[str], str]:
    """Real texts, half English, half Chinese, or made ones where there is no data; and which of the two."""
    if (data_folder() / "corpora").is_dir():
        return [text for some in real_texts(SOURCES, count // 2, SIZES).values() for text in some], "real"
    draw = random.Random(0)
    han = [chr(0x4E00 + place) for place in draw.sample(range(0x5000), 2500)]
    latin = ["".join(draw.choices("etaoinshrdlu", k=draw.randint(2, 9))) for _ in range(8000)]
    texts = []
    for number in range(count):
        size, (words, space) = draw.randint(*SIZES), ((han, ""), (latin, " "))[number % 2]
        texts.append(space.join(words[int(len(words) * draw.random() ** 3)] for _ in range(size))[:size])
    return texts, "made (no real ones found)"


def made_pair(draw: random.Random, similarity: float) -> tuple[str, str, float]:
    """Two texts, English and Chinese words mixed, of about that similarity; and what it is exactly."""
    words = [
        draw.choice("河船夜水城门山石冬信") if draw.random() < 0.5 else f"word{draw.randrange(10**6)}"
        for _ in range(400)
    ]
    other = list(words)
    changes = round(400 * (1 - similarity) / (1 + similarity) / 5)
    for at in range(changes):
        other[round((at + 0.5) * 400 / changes)] = f"other{draw.randrange(10**6)}"
    one, two = " ".join(words), " ".join(other)
    a, b = exact_shingles(words), exact_shingles(other)
    return one, two, len(a & b) / len(a | b)


def exact_shingles(words: list[str]) -> set[tuple[str, ...]]:
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}


def estimates(pairs: list[tuple[str, str, float]]) -> np.ndarray:
    equal = []
    for one, two, _ in pairs:
        a, b = minhash.measure(one)[1], minhash.measure(two)[1]
        assert a is not None and b is not None
        equal.append(float((a == b).mean()))
    return np.array(equal)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--pairs", type=int, default=2000)
    options = parser.parse_args()
    texts, which = texts_of(options.documents)
    draw = random.Random(1)
    pairs = {j: [made_pair(draw, j) for _ in range(options.pairs)] for j in SIMILARITIES}
    peer_pairs = [pair for j in SIMILARITIES for pair in pairs[j][: options.pairs // 4]]
    question = {
        "texts": texts,
        "permutations": minhash.PERMUTATIONS,
        "pairs": [pair[:2] for pair in peer_pairs],
    }
    python = environment("datasketch", PEER)
    answer = ask(python, Path(__file__).parent / "peers" / "datasketch_signatures.py", question)

    minhash.warm()
    seconds = []
    for _ in range(3):
        started = time.process_time()
        for text in PASSES * texts:
            minhash.measure(text)
        seconds.append((time.process_time() - started) / PASSES)
    ours = len(texts) / min(seconds)
    print(f"{len(texts):,} {which} documents, {sum(map(len, texts)) / 1e6:.1f} M characters; a CPU second:")
    print(f"  ours (5-grams, signature and band keys)   {ours:10,.0f} documents")
    for name, taken, bar in (
        (
            "datasketch, a MinHash a document",
            answer["shingles"] + answer["signatures"],
            f"   bar {BAR_SPEED}",
        ),
        ("datasketch, MinHash.bulk", answer["shingles"] + answer["bulk"], ""),
        ("the same without 5-grams", answer["signatures"], ""),
        ("bulk without 5-grams", answer["bulk"], ""),
    ):
        theirs = len(texts) / taken
        print(f"  {name:<41} {theirs:10,.0f} documents   ratio {ours / theirs:6.1f}{bar}")
    print("error of the estimate: root mean square over theory, and bias")
    at = 0
    for j, some in pairs.items():
        truth = np.array([pair[2] for pair in some])
        theory = math.sqrt(float((truth * (1 - truth) / minhash.PERMUTATIONS).mean()))
        error = estimates(some) - truth
        few = options.pairs // 4
        peer_error = np.array(answer["estimates"][at : at + few]) - truth[:few]
        at += few
        print(
            f"  J about {j:.1f} (mean {truth.mean():.3f})  ours {np.sqrt((error**2).mean()) / theory:.3f} "
            f"bias {error.mean():+.4f}   datasketch {np.sqrt((peer_error**2).mean()) / theory:.3f}   bar within {BAR_ERROR:.0%}"
        )


if __name__ == "__main__":
    main()
