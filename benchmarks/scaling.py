"""Ten times the documents: how peak memory and time grow.

    ./run bench scaling [--documents 8000] [--times 10] [--command curate] [--workers 2] [--folder FOLDER]

Writes distinct English and Chinese documents (JSONL, 2,000 documents a file, drawn from Zipf vocabularies), runs
`headwater curate` (or `measure`) on N of them and on 10 N, each in a fresh workspace, and prints peak memory of the whole process
tree (sum of proportional set sizes, so that shared pages count once), time, and both ratios.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

A_FILE = 2000  # documents
RECIPE = """\
name: scaling
sources:
  - {name: texts, kind: files, paths: ["texts/*.jsonl"], unit: {by: document}}
holdout: {share: 0.02}
curate:
  preset: {en: gopher}
  lines: {repeated: 3}
tokenizer: {vocabulary: 2048, sample: 4 MB}
"""


def write_documents(folder: Path, count: int) -> int:
    """`count` distinct documents, three English to one Chinese; returns their bytes."""
    folder.mkdir(parents=True)
    random_ = random.Random(1)
    stop = ["the", "be", "to", "of", "and", "that", "have", "with"]
    english = stop + [
        "".join(random_.choices("abcdefghijklmnopqrstuvwxyz", k=random_.randint(3, 9))) for _ in range(8000)
    ]
    chinese = [chr(random_.randint(0x4E00, 0x8FFF)) for _ in range(3000)]
    weights = {id(words): [1 / (rank + 3) for rank in range(len(words))] for words in (english, chinese)}
    size = 0
    for start in range(0, count, A_FILE):
        with (folder / f"part-{start // A_FILE:05}.jsonl").open("w", encoding="utf-8") as file:
            for number in range(start, min(count, start + A_FILE)):
                random_.seed(number)
                if number % 4:
                    lines = [
                        " ".join(random_.choices(english, weights[id(english)], k=60)) + "." for _ in range(8)
                    ]
                else:
                    lines = [
                        "".join(random_.choices(chinese, weights[id(chinese)], k=80)) + "。" for _ in range(8)
                    ]
                text = "\n".join(lines)
                size += len(text.encode())
                file.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
    return size


def measure(folder: Path, verb: str, workers: int) -> tuple[float, float]:
    """(seconds, peak bytes of the process tree) of one `headwater curate` or `measure`."""
    command = [sys.executable, "-c", "from headwater.cli import main; main()", verb, "recipe.yaml",
               "--workers", str(workers)]  # fmt: skip
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        total = 0
        try:
            parent = psutil.Process(process.pid)
            for member in [parent, *parent.children(recursive=True)]:
                try:
                    total += member.memory_full_info().pss
                except psutil.Error:
                    continue
        except psutil.Error:
            pass
        peak = max(peak, total)
        time.sleep(0.1)
    if process.returncode:
        sys.exit(f"headwater {verb} ended with {process.returncode}")
    return time.monotonic() - started, peak


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=8000)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--command", choices=("curate", "measure"), default="curate")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    root = options.folder or Path(tempfile.mkdtemp(prefix="headwater-scaling-"))
    figures = []
    for count in (options.documents, options.times * options.documents):
        folder = root / str(count)
        shutil.rmtree(folder, ignore_errors=True)
        size = write_documents(folder / "texts", count)
        (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
        seconds, peak = measure(folder, options.command, options.workers)
        figures.append((seconds, peak))
        print(
            f"{count:>9,} documents, {size / 1e6:7.1f} MB: {seconds:7.1f} s, peak {peak / 2**20:7.0f} MiB, "
            f"{count / seconds:,.0f} documents/s",
            flush=True,
        )
        shutil.rmtree(folder)
    print(f"ratio: time {figures[1][0] / figures[0][0]:.2f}, memory {figures[1][1] / figures[0][1]:.2f}")


if __name__ == "__main__":
    main()
