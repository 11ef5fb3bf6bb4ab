"""What a terabyte of WARC takes: core hours, disk and objects, from the rates of this machine.

    ./run bench sizing [--pages 1000] [--core-hour PRICE] [--gb-month PRICE] [--thousand-puts PRICE]

A crawl is made of real pages (pages/corpus.py) and goes through the stages one after another, in one process, so that
CPU seconds are counted stage by stage; start-up and the kernels' compilation come before. What is printed is then
divided by the gigabytes of WARC and multiplied up: what grows with the corpus does so in proportion, but for what
docs/en/scaling.md names. Money is a formula: prices are yours.
"""

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from pages.corpus import laid_down

from headwater import api
from headwater.engine.contents import SMALL
from headwater.engine.local_copy import ENTRY_SUFFIX

RECIPE = """\
workspace: workspace
sources: [{name: crawl, kind: warc, paths: ["crawl/*.warc.gz"]}]
curate:
  preset: {en: fineweb, zh: fineweb2-zh}
  duplicates: {near: {similarity: 0.8}}
tokenizer: {vocabulary: 8192}
"""
SIZES = (1, 100)  # terabytes
SHARD = 1e9  # bytes of a shard of a real crawl: one WARC


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--core-hour", type=float)
    parser.add_argument("--gb-month", type=float)
    parser.add_argument("--thousand-puts", type=float)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        small = api.curate(laid_down(root / "small", 60, RECIPE), workers=0)
        # a tokeniser is trained on a sample: what that takes does not grow with the corpus
        [tokenizer] = small.workspace.path.glob("tokenizers/*/tokenizer.json")
        given = [f"tokenizer.path={tokenizer}"]
        recipe = laid_down(root / "all", options.pages, RECIPE)
        warc = sum(path.stat().st_size for path in (root / "all" / "crawl").iterdir())
        steps = (
            ("read", lambda: api.ingest(recipe, workers=0)),
            ("measure", lambda: api.measure(recipe, workers=0)),
            ("decide, duplicates", lambda: api.curate(recipe, until="ledger", workers=0)),
            ("tokenise, training set", lambda: api.curate(recipe, workers=0, overrides=given)),
        )
        seconds = {}
        for name, step in steps:
            began = time.process_time()
            outcome = step()
            seconds[name] = time.process_time() - began
        workspace = outcome.workspace.path
        disk: dict[str, int] = defaultdict(int)
        per_shard = 0
        for path in workspace.rglob("*"):
            if path.is_file():
                disk[path.relative_to(workspace).parts[0]] += path.stat().st_size
        shards = len(outcome.ingested.shards)
        for stage in workspace.rglob("manifest.json"):
            files = [
                p
                for p in stage.parent.iterdir()
                if p.is_file() and not p.name.endswith((ENTRY_SUFFIX, ".json"))
            ]
            if len(files) >= shards:
                per_shard += round(len(files) / shards)
        tokens = outcome.curated.counts["training"]["bytes"]  # type: ignore[union-attr]
    gigabytes = warc / 1e9
    print(f"{options.pages:,} pages, {warc / 1e6:.1f} MB of WARC, {outcome.ingested.documents:,} documents, "
          f"{tokens / 1e6:.1f} MB of text kept")  # fmt: skip
    for name, spent in seconds.items():
        print(
            f"  {name:<24} {spent:7.1f} CPU s   {spent / gigabytes / 3600:6.2f} core hours a GB   {warc / 1e6 / spent:6.2f} MB of WARC a CPU s"
        )
    total = sum(seconds.values()) / gigabytes / 3600
    kept = sum(disk.values()) / 1e9 / gigabytes
    parts = ", ".join(
        f"{name} {size / 1e9 / gigabytes:.2f}" for name, size in sorted(disk.items(), key=lambda p: -p[1])[:6]
    )
    print(f"  disk: {kept:.2f} GB a GB of WARC ({parts})")
    print(
        f"  objects: {per_shard} a shard at most (files above {SMALL >> 10} KiB; entries and smaller files share packs)"
    )
    for terabytes in SIZES:
        cores = 1000 * total * terabytes
        disk_gb, objects = 1000 * kept * terabytes, per_shard * 1e12 * terabytes / SHARD
        print(f"{terabytes} TB: {cores:,.0f} core hours ({cores / 1000:,.1f} h on 1,000 cores), {disk_gb / 1000:,.2f} TB of workspace, "
              f"{objects:,.0f} objects")  # fmt: skip
        if options.core_hour and options.gb_month and options.thousand_puts:
            money = (
                cores * options.core_hour
                + disk_gb * options.gb_month
                + objects / 1000 * options.thousand_puts
            )
            print(f"   = {money:,.0f} with the workspace kept a month")
    sys.exit(0)


if __name__ == "__main__":
    main()
