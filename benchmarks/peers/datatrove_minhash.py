"""datatrove's side of benchmarks/near_duplicates.py: its four MinHash stages, each in this process, timed by CPU."""

import json
import sys
import tempfile
import time
from pathlib import Path

from datatrove.data import Document
from datatrove.pipeline.dedup import MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupBuckets
from datatrove.utils.hashing import HashConfig
from datatrove.utils.text import split_into_words

CONFIG = MinhashConfig(hash_config=HashConfig(precision=64), num_buckets=14, hashes_per_bucket=8, n_grams=5)
# jieba belongs to `cmn_Hani`; for `zho` it has no splitter but white space, which makes a word of a Chinese sentence
LANGUAGES = {"en": "eng", "zh": "cmn_Hani"}


def documents(texts):
    return (Document(text=text, id=str(number)) for number, text in enumerate(texts))


def run(texts, language, folder):
    split_into_words("warm up 热身", language)  # loading its word splitter is no work on documents
    signatures, buckets, remove = f"{folder}/signatures", f"{folder}/buckets", f"{folder}/remove"
    taken = {}
    started = time.process_time()
    MinhashDedupSignature(signatures, config=CONFIG, language=language).run(documents(texts), 0, 1)
    taken["signature"] = time.process_time() - started
    started = time.process_time()
    for bucket in range(CONFIG.num_buckets):
        MinhashDedupBuckets(signatures, buckets, config=CONFIG).run(None, bucket, CONFIG.num_buckets)
    taken["buckets"] = time.process_time() - started
    started = time.process_time()
    MinhashDedupCluster(buckets, remove, config=CONFIG).run(None, 0, 1)
    taken["cluster"] = time.process_time() - started
    started = time.process_time()
    kept = {int(document.id) for document in MinhashDedupFilter(remove).run(documents(texts), 0, 1)}
    taken["filter"] = time.process_time() - started
    return {"seconds": sum(taken.values()), "stages": taken, "left": sorted({*range(len(texts))} - kept)}


def main():
    texts = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    answer = {}
    for language, some in texts.items():
        with tempfile.TemporaryDirectory() as folder:
            answer[language] = run(some, LANGUAGES[language], folder)
    Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
