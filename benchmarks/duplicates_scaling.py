"""Twenty times the distinct documents: peak memory of every step that looks for duplicates; and what an addition costs.

    ./run bench duplicates_scaling [--documents 4000] [--times 20]

Curates N made documents and 20 N, of about 1.2 kB and all different, with every step there is (URL, exact, near,
Bloom, paragraphs, passages; 64 MB for the filter), each stage's tasks in one worker, and prints the peak of the process
tree (sum of proportional set sizes) at each. Then adds a tenth: once in one run with all, once `against` the index of
the corpus without it, and compares CPU time, the duplicates step's share of it, and survivors.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
from planted import JsonLines, Vocabulary, cpu_seconds, curated, join

FAMILIES = ["language", "hashes", "minhash", "lines"]
EVERYTHING: dict[str, Any] = {
    "url": True, "near": {}, "keep": "first", "paragraphs": True, "substring": {}, "bloom": {"memory": "64 MB"},
}  # fmt: skip
BAR_MEMORY, BAR_ADDED = 1.3, 0.2


def write(folder: Path, count: int, seed: int, copies: int = 0) -> None:
    """`count` different documents; with `copies`, one in so many repeats an earlier one with a change."""
    vocabulary, lines = Vocabulary(seed), JsonLines(folder)
    earlier: dict[str, list[list[str]]] = {"en": [], "zh": []}
    for number in range(count):
        language = ("en", "zh")[number % 2]
        if copies and number % copies == 0 and earlier[language]:
            words = list(earlier[language][number % len(earlier[language])])
            words[len(words) // 2] = words[0]
        else:
            words = vocabulary.words(language, 200 if language == "en" else 400)
            if len(earlier[language]) < 2000:
                earlier[language].append(words)
        lines.add(join(language, words), url=f"https://example.org/{seed}/{number}")
    lines.close()


def peaks(folder: Path) -> tuple[dict[str, float], float]:
    """Peak bytes by stage, of one curation in a process of its own; and its seconds."""
    command = [sys.executable, __file__, "--inside", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    found: dict[str, float] = {}
    started, log = time.monotonic(), folder / "workspace-all" / "events.jsonl"
    stage = "start"
    while process.poll() is None:
        try:
            tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            size = float(sum(member.memory_full_info().pss for member in tree))
            if log.is_file():
                with log.open("rb") as file:
                    file.seek(max(0, log.stat().st_size - 20_000))
                    titles = [
                        json.loads(line) for line in file.read().split(b"\n")[1:] if line.startswith(b"{")
                    ]
                stage = next((one["title"] for one in reversed(titles) if one["event"] == "stage"), stage)
            found[stage] = max(found.get(stage, 0.0), size)
        except (psutil.Error, ValueError):
            pass
        time.sleep(0.05)
    if process.returncode:
        sys.exit(f"the curation in {folder} ended with {process.returncode}")
    return found, time.monotonic() - started


def memory(root: Path, documents: int, times: int) -> None:
    figures = []
    for count in (documents, documents * times):
        folder = root / str(count)
        folder.mkdir()
        write(folder / "texts", count, 1)
        figures.append(peaks(folder))
        shutil.rmtree(folder)
    (small, _), (large, _) = figures
    print(
        f"peak memory of the process tree, {documents:,} and {documents * times:,} documents   bar {BAR_MEMORY}"
    )
    for stage in large:
        one = small.get(stage, 0.0)
        ratio = f"{large[stage] / one:.2f}" if one else "  – "
        print(f"  {stage:<28} {one / 2**20:7.0f} MiB {large[stage] / 2**20:7.0f} MiB   {ratio}")
    print(f"  {'all':<28} {max(small.values()) / 2**20:7.0f} MiB {max(large.values()) / 2**20:7.0f} MiB   "
          f"{max(large.values()) / max(small.values()):.2f}")  # fmt: skip


def addition(root: Path, documents: int) -> None:
    folder = root / "added"
    folder.mkdir()
    write(folder / "old", documents, 1, copies=7)
    write(folder / "new", documents // 10, 1, copies=3)  # many are copies of old ones: the same seed
    settings = {"near": {}, "keep": "source_order"}
    seconds: dict[str, float] = {}
    made: dict[str, Any] = {}
    for name, sources, more in (
        ("old", ["old"], {}),
        ("both", ["old", "new"], {}),
        ("added", ["new"], {"against": "workspace-old"}),
    ):
        started = cpu_seconds()
        result, _ = curated(folder, name, sources, FAMILIES, {"duplicates": settings | more})
        seconds[name] = cpu_seconds() - started
        made[name] = {}
        for texts in result.shards.values():
            table = pq.read_table(texts.ledger.path(), columns=["id", "source", "state", "reason"])
            made[name] |= {
                row["id"]: (row["state"], row["reason"])
                for row in table.to_pylist()
                if row["source"] == "new"
            }
    share = seconds["added"] / seconds["both"]
    left = sum(state == "dropped" for state, _ in made["added"].values())
    print(f"{documents:,} documents and {documents // 10:,} more: {seconds['both']:.1f} CPU s in one run, "
          f"{seconds['added']:.1f} against the index, {share:.1%}   bar {BAR_ADDED:.0%}")  # fmt: skip
    same = made["both"] == made["added"]
    print(f"the {len(made['added']):,} more: {left:,} leave; the same as in one run: {same}   bar True")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=4000)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        curated(options.inside, "all", ["texts"], FAMILIES, {"duplicates": EVERYTHING}, workers=1)
        return
    root = Path(tempfile.mkdtemp(prefix="headwater-duplicates-"))
    try:
        addition(root, options.documents * 5)
        memory(root, options.documents, options.times)
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
