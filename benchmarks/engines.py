"""What a Ray cluster costs on one machine: the same crawl by `--engine local` and by `--engine ray`, as many workers.

    ./run bench engines [--pages 4000] [--workers 2] [--rounds 3] [--bar 1.5]

Rounds alternate, each into an empty workspace on a disk that all see, up to the ledger: reading, measuring, rules,
near-duplicates. Start-up is not counted: both sides make a small crawl first, so that workers run and have imported
what they need. Printed are wall seconds of each round and the median of the ratios of a round; the bytes that both
made are compared, too. Ray's workers are not nice here (RAY_worker_niceness), since ours are not.
"""

import argparse
import hashlib
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from pages.corpus import laid_down

from headwater import api
from headwater.engine.engines import Engine, engine_of

RECIPE = """\
workspace: workspace
sources:
  - {name: crawl, kind: warc, paths: ["crawl/*.warc.gz"]}
holdout: {share: 0}
signals: {families: [language, gopher, repetition, fineweb, lines, hashes, minhash]}
curate: {preset: {en: fineweb, zh: fineweb2-zh}, decontaminate: null}
"""


def timed(recipe: Path, workspace: Path, engine: Engine, workers: int) -> float:
    shutil.rmtree(workspace, ignore_errors=True)
    began = time.monotonic()
    api.curate(recipe, until="ledger", workspace=workspace, workers=workers, engine=engine)
    return time.monotonic() - began


def digest(workspace: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(workspace.rglob("*.parquet")):
        total.update(str(path.relative_to(workspace)).encode() + path.read_bytes())
    return total.hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=4000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bar", type=float, default=1.5)
    options = parser.parse_args()
    os.environ |= {"RAY_worker_niceness": "0", "RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
    import ray

    ray.init(
        num_cpus=options.workers, include_dashboard=False, log_to_driver=False, object_store_memory=80 << 20
    )
    engines = {"local": engine_of("local"), "ray": engine_of("ray")}
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        small = laid_down(root / "small", 100, RECIPE)
        recipe = laid_down(root / "all", options.pages, RECIPE)
        for name, engine in engines.items():
            began = time.monotonic()
            timed(small, root / "small" / name, engine, options.workers)
            print(f"start-up  {name:<6} {time.monotonic() - began:6.1f} s, not counted", flush=True)
        ratios = []
        for number in range(options.rounds):
            seconds = {}
            for name in sorted(engines, reverse=bool(number % 2)):
                seconds[name] = timed(recipe, root / name, engines[name], options.workers)
            ratios.append(seconds["ray"] / seconds["local"])
            print(f"round {number + 1}   local {seconds['local']:6.1f} s, ray {seconds['ray']:6.1f} s: "
                  f"{ratios[-1]:.2f} x", flush=True)  # fmt: skip
        same = digest(root / "local") == digest(root / "ray")
    ray.shutdown()
    ratio = statistics.median(ratios)
    print(
        f"{options.pages:,} pages, {options.workers} workers: ray {ratio:.2f} x of local; the same bytes: {same}"
    )
    sys.exit(0 if ratio <= options.bar and same else 1)


if __name__ == "__main__":
    main()
