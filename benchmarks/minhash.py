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
from peers import ask, environment, real_texts

from headwater.signals import minhash

PEER = ["datasketch==2.0.0"]
SOURCES = {"en": "corpora/books/novels-en/*.txt.gz", "zh": "corpora/books/books-zh/*.txt.gz"}
SIMILARITIES = (0.2, 0.5, 0.8, 0.9)
BAR_SPEED, BAR_ERROR = 30, 0.10


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
    texts = [
        text for some in real_texts(SOURCES, options.documents // 2, (500, 5000)).values() for text in some
    ]
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
        for text in texts:
            minhash.measure(text)
        seconds.append(time.process_time() - started)
    ours, peer = len(texts) / min(seconds), len(texts) / (answer["shingles"] + answer["signatures"])
    only = len(texts) / answer["signatures"]
    print(f"{len(texts):,} documents, {sum(map(len, texts)) / 1e6:.1f} M characters; a CPU second:")
    print(f"  ours                         {ours:10,.0f} documents (5-grams, signature and band keys)")
    print(
        f"  datasketch                   {peer:10,.0f} documents   ratio {ours / peer:6.1f}   bar {BAR_SPEED}"
    )
    print(f"  datasketch without 5-grams   {only:10,.0f} documents   ratio {ours / only:6.1f}")
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
