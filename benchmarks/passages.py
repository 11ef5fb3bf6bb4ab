"""Exact shared passages: megabytes a CPU second, peak memory, and whether every planted one is found and no shorter.

    ./run bench passages [--megabytes 500] [--memory 4]

Writes made text (documents of about 30 kB, English and Chinese in turn) with planted passages of 30 to 120 words or
characters, two copies of each; curates it once without `substring`, then with it: the second run reads nothing and
measures nothing again, so its CPU time is that of the step (all of its tasks, one worker) and of the ledger. Then each
planted passage is looked for among the spans that were cut. The step runs in a child of its own, whose address space
is limited to --memory GB.
"""

import argparse
import json
import multiprocessing
import resource
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from planted import JsonLines, Vocabulary, cpu_seconds, curated, join

from headwater.curate.duplicates.passages import warm

FAMILIES = ["language", "hashes"]
LIMIT, BAR = 50, 4.0
EVERY = 20  # documents a planted passage


def write(folder: Path, megabytes: int) -> tuple[int, dict[str, int]]:
    """(bytes, passage -> words or characters); each is in two documents, one of which stands far from the other."""
    vocabulary, lines = Vocabulary(1), JsonLines(folder)
    planted: dict[str, int] = {}
    waiting: list[tuple[str, str]] = []
    number = 0
    while lines.bytes < megabytes * 10**6:
        language = ("en", "zh")[number % 2]
        words = vocabulary.words(language, 5000 if language == "en" else 9500)
        text = join(language, words)
        if number % EVERY < 2:
            size = 30 + (number // EVERY) % 91
            passage = (" " if language == "en" else "").join(
                (f"{word}{number}" if language == "en" else word) for word in vocabulary.words(language, size)
            )
            planted[passage] = size
            waiting.append((language, passage))
            text = plant(language, text, passage)
        elif waiting and number % EVERY in (12, 13) and waiting[0][0] == language:
            text = plant(language, text, waiting.pop(0)[1])
        lines.add(text)
        number += 1
    lines.close()
    for _, passage in waiting:  # only one copy was written
        del planted[passage]
    return lines.bytes, planted


def plant(language: str, text: str, passage: str) -> str:
    middle = text.index("\n", len(text) // 2)
    space = " " if language == "en" else ""
    return f"{text[:middle]}{space}{passage}{space}{text[middle:]}"


def step(folder: Path, memory: int, answer: Any) -> None:
    """The second run, in a process of its own."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory * 10**9, memory * 10**9))
    warm()
    started, clock = cpu_seconds(), time.monotonic()
    made, workspace = curated(folder, "passages", ["texts"], FAMILIES, SETTINGS)
    seconds = cpu_seconds() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    spilled = sum(
        entry.result["spilled"]
        for stage in workspace.stages()
        if stage.name.startswith("passage-")
        for entry in stage.entries().values()
        if "spilled" in entry.result
    )
    answer.put((seconds, time.monotonic() - clock, peak, spilled, made.edition_stages[-1]))


SETTINGS = {"duplicates": {"near": None, "exact": False, "keep": "first", "substring": {}}}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--memory", type=int, default=4, help="GB")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="headwater-passages-"))
    try:
        size, planted = write(folder / "texts", options.megabytes)
        curated(folder, "passages", ["texts"], FAMILIES, {"duplicates": None})
        spawn = multiprocessing.get_context("spawn")
        answer = spawn.Queue()
        child = spawn.Process(target=step, args=(folder, options.memory, answer))
        child.start()
        seconds, wall, peak, spilled, stage = answer.get()
        child.join()
        found, shortest, cut = look(folder, stage, planted)
        long = sum(size >= LIMIT for size in planted.values())
        print(
            f"{size / 1e6:,.0f} MB: {seconds:.1f} CPU s ({wall:.1f} s), {size / 1e6 / seconds:.1f} MB a CPU second   bar {BAR}"
        )
        print(
            f"peak memory {peak / 2**20:,.0f} MiB   bar {options.memory} GB; spilled to disk {spilled / 1e6:,.0f} MB"
        )
        print(
            f"planted, {LIMIT} or longer: {long:,}, found {found:,}   bar all; shorter: {len(planted) - long:,}"
        )
        print(f"spans cut: {cut:,}, the shortest of {shortest} words or characters   bar not below {LIMIT}")
        print(json.dumps({"bytes": size, "cpu_seconds": seconds, "peak": peak, "spilled": spilled}))
    finally:
        shutil.rmtree(folder)


def look(folder: Path, stage: str, planted: dict[str, int]) -> tuple[int, int, int]:
    """(planted passages of the limit or longer whose copy was cut, the shortest span, spans)."""
    wanted = {passage for passage, size in planted.items() if size >= LIMIT}
    found: set[str] = set()
    lengths = []
    place = folder / "workspace-passages"
    documents = next((place / "documents").iterdir())
    for path in sorted(one for one in documents.glob("*.parquet") if "quarantine" not in one.name):
        spans = pq.read_table(place / stage / path.name, columns=["spans"]).column(0).to_pylist()
        texts = pq.read_table(path, columns=["text"]).column(0)
        for row in [row for row, some in enumerate(spans) if some]:
            text = texts[row].as_py()
            for span in spans[row]:
                piece = text[span["start"] : span["end"]]
                lengths.append(len(piece.split()) if piece.isascii() else len("".join(piece.split())))
                found |= within(piece, wanted)
    return len(found), min(lengths, default=0), len(lengths)


def within(piece: str, wanted: set[str]) -> set[str]:
    """The planted passage in a span: by chance the words before and after its two copies are the same."""
    words = piece.split() if piece.isascii() else list(piece)
    space = " " if piece.isascii() else ""
    tried = (space.join(words[i : len(words) - j]) for i in range(4) for j in range(4))
    return {one for one in tried if one in wanted}


if __name__ == "__main__":
    main()
