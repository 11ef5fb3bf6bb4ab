"""Run in datatrove's environment: a folder of WARC files to near-duplicate-free Parquet by FineWeb's pipeline.

    datatrove_web.py QUESTION.json ANSWER.json

Question: {"crawl": folder, "out": folder, "extractor": "trafilatura" | "resiliparse" | "none", "workers": n,
"model": lid.176.ftz}; with "none" the crawl is a folder of Parquet files that hold `id` and `text`. Answer: [[step, documents
that it was given, documents that it passed on, {reason: dropped}]], and last of them what near-duplicates left. Steps and
settings are those of datatrove's examples/fineweb.py, without the URL list (which would be downloaded) and without writing
what is removed; Parquet instead of JSONL. The language model is the file that ours reads too, in place of the 126 MB one
that it would download.
"""

import json
import sys
from pathlib import Path

from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupBuckets
from datatrove.pipeline.extractors import Trafilatura
from datatrove.pipeline.extractors.base import BaseExtractor
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
    LanguageFilter,
)
from datatrove.pipeline.readers import ParquetReader, WarcReader
from datatrove.pipeline.writers import ParquetWriter

PATIENCE = 60.0  # seconds a page, so that none is lost to a busy machine


class Resiliparse(BaseExtractor):
    name = "resiliparse"

    def __init__(self, timeout=1):
        super().__init__(timeout)

    def extract(self, text):
        from resiliparse.extract.html2text import extract_plain_text

        return extract_plain_text(text, main_content=True, alt_texts=False)


def steps_of(logs):
    """[step, documents given, documents passed on, {reason: dropped}] of a pipeline, by datatrove's own statistics."""
    for step in json.loads(Path(f"{logs}/stats.json").read_text(encoding="utf-8")):
        said = {key: n if isinstance(n, int) else n["total"] for key, n in step["stats"].items()}
        reasons = {key.removeprefix("dropped_"): n for key, n in said.items() if key.startswith("dropped_")}
        given = said.get("total", said.get("documents", 0))
        yield [step["name"], given, given - said.get("dropped", 0), reasons]


def main():
    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    crawl, out, workers = asked["crawl"], asked["out"], asked["workers"]
    tasks = len([path for path in Path(crawl).iterdir() if path.name.endswith((".warc.gz", ".parquet"))])
    english = LanguageFilter(["en"])
    english.model.MODEL_URL = asked["model"]
    extractor = Resiliparse if asked["extractor"] == "resiliparse" else Trafilatura
    config = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8)
    filtered, signatures, buckets, removed, unique, logs = (
        f"{out}/{name}" for name in ("filtered", "signatures", "buckets", "removed", "unique", "logs")
    )
    read = (
        [ParquetReader(crawl)]
        if asked["extractor"] == "none"
        else [WarcReader(crawl), extractor(timeout=PATIENCE)]
    )
    steps = [
        ([
            *read, english, GopherRepetitionFilter(),
            GopherQualityFilter(), C4QualityFilter(filter_no_terminal_punct=False), FineWebQualityFilter(),
            ParquetWriter(filtered, compression="zstd"),
        ], tasks),
        ([ParquetReader(filtered), MinhashDedupSignature(signatures, config)], tasks),
        ([MinhashDedupBuckets(signatures, buckets, config=config)], config.num_buckets),
        ([MinhashDedupCluster(buckets, removed, config)], 1),
        ([
            ParquetReader(filtered), MinhashDedupFilter(removed), ParquetWriter(unique, compression="zstd"),
        ], tasks),
    ]  # fmt: skip
    for number, (pipeline, count) in enumerate(steps):
        LocalPipelineExecutor(
            pipeline, tasks=count, workers=min(workers, count), logging_dir=f"{logs}/{number}"
        ).run()
    answer = [*steps_of(f"{logs}/0"), *steps_of(f"{logs}/4")]
    Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
