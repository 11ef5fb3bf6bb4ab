"""What watching the workers costs: the same shards measured by watched workers and by bare processes.

    ./run bench guard [--documents 20000] [--workers 2] [--rounds 5] [--family hashes]

The bare side is a spawned multiprocessing pool that calls the same shard function; rounds alternate, and both sides
have their processes and kernels warm before the first. `hashes` is the cheapest family there is, so that the watch
and the event log show; on the others they vanish.
"""

import argparse
import multiprocessing
import statistics
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from peers import real_texts

from headwater.engine.stages import Task, run_stage
from headwater.engine.workspace import Output, Workspace
from headwater.signals.measure import measure_shard, warm

SOURCES = {"en": ["corpora/books/novels-en/*.txt.gz"], "zh": ["corpora/books/books-zh/*.txt.gz"]}
SHARDS, BAR = 8, 0.05


def bare(arguments: tuple[str, str, str, str]) -> None:
    folder, family, shard, texts = arguments
    out = Output(Path(folder), shard)
    out.commit("bare", measure_shard(out, texts=texts, family=family))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--family", default="hashes")
    options = parser.parse_args()
    warm()
    with (
        tempfile.TemporaryDirectory() as place,
        multiprocessing.get_context("spawn").Pool(options.workers) as pool,
    ):
        root = Path(place)
        texts = [
            text
            for some in real_texts(SOURCES, options.documents // 2, (500, 5000)).values()
            for text in some
        ]
        shards = []
        for number in range(SHARDS):
            own = texts[number::SHARDS]
            path = root / f"texts-{number}.parquet"
            pq.write_table(pa.table({"id": [f"{number}-{n}" for n in range(len(own))], "text": own}), path)
            shards.append((f"s{number}", str(path)))
        seconds: dict[str, list[float]] = {"watched": [], "bare": []}
        for number in range(options.rounds + 1):
            for side in ("watched", "bare") if number % 2 else ("bare", "watched"):
                started = time.perf_counter()
                if side == "bare":
                    pool.map(
                        bare,
                        [(str(root / f"bare-{number}"), options.family, *shard) for shard in shards],
                        chunksize=1,
                    )
                else:
                    tasks = [
                        Task(
                            shard,
                            f"{number}",
                            "headwater.signals.measure:measure_shard",
                            {"texts": path, "family": options.family},
                        )
                        for shard, path in shards
                    ]
                    run_stage(
                        Workspace(root / "workspace"),
                        f"signals/{number}",
                        tasks,
                        workers=options.workers,
                        title="m",
                    )
                if number:  # the first round is for warming up
                    seconds[side].append(time.perf_counter() - started)
    middle = {side: statistics.median(values) for side, values in seconds.items()}
    rates = {side: len(texts) / value for side, value in middle.items()}
    print(
        f"{len(texts):,} documents, family {options.family}, {options.workers} workers, median of {options.rounds} rounds"
    )
    print(f"  watched {rates['watched']:10,.0f} documents/s")
    print(
        f"  bare    {rates['bare']:10,.0f} documents/s   the watch costs {middle['watched'] / middle['bare'] - 1:+.1%}, bar {BAR:.0%}"
    )


if __name__ == "__main__":
    main()
