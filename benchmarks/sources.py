"""Every kind of source on real files: documents, characters and megabytes a CPU second, and what became of the rest.

    ./run bench sources [--kind NAME]

Every file in the data folder's `corpora` is read by the kind that fits it, as the pipeline reads it, alone on one core,
and its records must balance: read = documents + gated + quarantined. Megabytes are those of the files once gzip,
bzip2 and zstd are undone, of a zip or EPUB its members'. Time is that of reading, without undoing them once more.
Data that is there besides (metadata, truth files) is counted as left out. `code` has no folder there and reads this
repository's own sources; `files` reads the rows and plain texts, `news` Chinese news pages.
"""

import argparse
import bz2
import gzip
import sys
import tempfile
import time
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from peers import data_folder

from headwater.engine.workspace import Output
from headwater.recipe.sources import SOURCES
from headwater.sources.kinds import KINDS
from headwater.sources.read import read_shard

ROOT = Path(__file__).resolve().parents[1]
# Folder or file of `corpora`: the kind that reads it and its settings. The first that fits holds.
WHICH: list[tuple[str, str, dict[str, Any]]] = [
    ("web-warc/**/*", "warc", {}),
    ("web-html/gne-zh-news/**/*.html*", "news", {}),
    ("web-html/**/*.html", "html", {}),
    ("web-html/**/*.html.gz", "html", {}),
    ("web-html/**/*.htm", "html", {}),
    ("wikipedia/**/*", "wikipedia", {}),
    ("books/**/index.csv", "", {}),
    ("books/**/*", "books", {}),
    ("news/onestop-en/**/*.txt", "files", {}),
    ("news/lee-en/*.cor", "files", {}),
    ("chat/**/LICENSE*", "", {}),
    ("chat/**/*.annotation.txt.gz", "", {}),
    ("chat/**/*", "dialogue", {}),
    ("qa/redpajama-stack_exchange.jsonl.gz", "files", {}),
    ("qa/**/LICENSE*", "", {}),
    ("qa/**/Posts.xml*", "forum", {}),
    ("papers/redpajama-arxiv.jsonl.gz", "files", {}),
    ("papers/**/*", "papers", {}),
    ("lm/*", "files", {}),
]


@dataclass
class Total:
    files: int = 0
    bytes: int = 0
    seconds: float = 0.0
    read: int = 0
    documents: int = 0
    characters: int = 0
    gated: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)


def size_of(path: Path) -> int:
    """Bytes once compression is undone; of a damaged file as many as come before the damage."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return sum(member.file_size for member in archive.infolist())
        if path.suffix in (".gz", ".bz2"):
            total = 0
            with gzip.open(path) if path.suffix == ".gz" else bz2.open(path) as file:
                try:
                    while block := file.read(1 << 20):
                        total += len(block)
                except (OSError, EOFError):
                    return total or path.stat().st_size
            return total
    except (OSError, zipfile.BadZipFile):
        pass
    return path.stat().st_size


def read(path: Path, kind: str, settings: dict[str, Any], folder: Path, total: Total) -> None:
    """One file, as the pipeline reads it. AssertionError where its records do not balance."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    source = SOURCES[kind](name="bench", kind=kind, paths=["*"], **settings)
    file: dict[str, Any] = {"path": str(path), "relative": path.name, "bytes": path.stat().st_size}
    if (contexts := KINDS[kind].contexts) is not None:
        file["context"] = contexts(source)(path, path.name)
    out = Output(folder, "shard")
    started = time.process_time()
    result = read_shard(
        out,
        files=[file],
        source=source.model_dump(mode="json"),
        holdout={"share": 0.1, "salt": "headwater-1"},
    )
    total.seconds += time.process_time() - started
    [account] = result["files"].values()
    lost = sum(account["gated"].values()) + sum(account["quarantined"].values())
    assert account["read"] == account["documents"] + lost, f"{path}: {account}"
    texts = pq.read_table(out.path("parquet"), columns=["text"])["text"]
    assert len(texts) == account["documents"], f"{path}: {len(texts)} rows, {account}"
    out.discard()
    total.files += 1
    total.bytes += size_of(path)
    total.read += account["read"]
    total.documents += account["documents"]
    total.characters += pc.sum(pc.utf8_length(texts)).as_py() or 0
    total.gated.update(account["gated"])
    total.quarantined.update(account["quarantined"])


def chosen(corpora: Path) -> tuple[list[tuple[Path, str, dict[str, Any]]], list[Path]]:
    """(file, kind, settings) of every file that is read, and the files that are not."""
    found: list[tuple[Path, str, dict[str, Any]]] = []
    seen: set[Path] = set()
    for pattern, kind, settings in WHICH:
        for path in sorted(corpora.glob(pattern)):
            if path.is_file() and path not in seen:
                seen.add(path)
                if kind:
                    found.append((path, kind, settings))
    taken = {path for path, _, _ in found}
    found += [(path, "code", {}) for path in sorted((ROOT / "src").rglob("*.py"))]
    return found, [path for path in sorted(corpora.rglob("*")) if path.is_file() and path not in taken]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kind", choices=sorted(SOURCES))
    options = parser.parse_args()
    corpora = data_folder() / "corpora"
    if not corpora.is_dir():
        sys.exit(f"no corpora in {data_folder()}; name a folder of real data by HEADWATER_TEST_DATA")
    found, left_out = chosen(corpora)
    totals: dict[str, Total] = {}
    with tempfile.TemporaryDirectory() as folder:
        for path, kind, settings in found:
            if options.kind in (None, kind):
                if kind not in totals:  # imports and models are loaded before the clock runs
                    read(path, kind, settings, Path(folder), Total())
                read(path, kind, settings, Path(folder), totals.setdefault(kind, Total()))
    print(f"{'kind':<11}{'files':>6}{'MB':>8}{'records':>9}{'documents':>11}{'characters':>13}{'seconds':>9}"
          f"{'MB/s':>7}{'docs/s':>8}{'Mchar/s':>9}")  # fmt: skip
    for kind in (kind for kind in SOURCES if kind in totals):
        total = totals[kind]
        print(f"{kind:<11}{total.files:>6,}{total.bytes / 1e6:>8.1f}{total.read:>9,}{total.documents:>11,}"
              f"{total.characters:>13,}{total.seconds:>9.1f}{total.bytes / 1e6 / total.seconds:>7.1f}"
              f"{total.documents / total.seconds:>8,.0f}{total.characters / 1e6 / total.seconds:>9.2f}")  # fmt: skip
        for name, reasons in (("gated", total.gated), ("quarantined", total.quarantined)):
            if reasons:
                said = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common())
                print(f"    {name} {reasons.total():,}: {said}")
    print(
        f"every file balances: read = documents + gated + quarantined, in {sum(t.files for t in totals.values()):,} files"
    )
    if missing := [kind for kind in SOURCES if kind not in totals and options.kind in (None, kind)]:
        print(f"no data here for: {', '.join(missing)}")
    kinds = Counter("".join(path.suffixes[-2:]) or path.name for path in left_out)
    print(
        f"left out, as no text of its own: {len(left_out):,} files ({', '.join(f'{k} {n}' for k, n in kinds.most_common(12))})"
    )


if __name__ == "__main__":
    main()
