"""datasketch's side of benchmarks/minhash.py: signatures of the same texts, and the time that they took."""

import json
import re
import sys
import time
from pathlib import Path

from datasketch import MinHash

WORD = re.compile("[\u3400-\u9fff\U00020000-\U000323af]|[^\\W\u3400-\u9fff\U00020000-\U000323af]+")


def shingles(text):
    words = WORD.findall(text.lower())
    return {" ".join(words[i : i + 5]).encode() for i in range(max(1, len(words) - 4))}


def seconds(work):
    """CPU seconds of the best of three times, as ours are measured."""
    times = []
    for _ in range(3):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


def main():
    question = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    permutations = question["permutations"]
    MinHash(num_perm=permutations).update_batch([b"warm"])
    texts = question["texts"]
    sets = [shingles(text) for text in texts]

    def a_minhash_each():
        for some in sets:
            MinHash(num_perm=permutations).update_batch(some)

    taken = {
        "shingles": seconds(lambda: [shingles(text) for text in texts]),
        "signatures": seconds(a_minhash_each),
        "bulk": seconds(lambda: MinHash.bulk(sets, num_perm=permutations)),
    }
    equal = []
    for one, other in question["pairs"]:
        a, b = MinHash(num_perm=permutations), MinHash(num_perm=permutations)
        a.update_batch(shingles(one))
        b.update_batch(shingles(other))
        equal.append(a.jaccard(b))
    Path(sys.argv[2]).write_text(json.dumps({**taken, "estimates": equal}), encoding="utf-8")


if __name__ == "__main__":
    main()
