"""How much slower than fastwarc's own iterator is our framing, which proves every gzip member? Bar: 1.3 times.

    ./run bench warc [--repeats 9] [--megabytes 60] [WARC …]

Repeats the records of the given archives (default: the real ones of the test data) into one undamaged file, and
reads it by turns with fastwarc's ArchiveIterator and with ours, in one process: records framed, payloads read, nothing
extracted. Prints one line of JSON: CPU seconds (median) of both, their ratio (median of the ratios of neighbours).
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from fastwarc.warc import ArchiveIterator

from headwater.recipe.sources import WarcSource
from headwater.sources import framing, warc
from headwater.sources.records import Gated, Record

DEFAULT = ("derived-pages-with-truth", "iah-2008-blackbook", "cc-multilingual-a", "ai2-sample-0000")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("archives", nargs="*", type=Path)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--megabytes", type=int, default=60)
    options = parser.parse_args()
    data = Path(os.environ.get("HEADWATER_TEST_DATA", "shared/data")) / "corpora/web-warc"
    archives = options.archives or [data / f"{name}.warc.gz" for name in DEFAULT]
    framing.record_of.__kwdefaults__["document"] = _nothing  # in the place of the extraction
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "all.warc.gz"
        once = b"".join(archive.read_bytes() for archive in archives)
        path.write_bytes(once * (1 + options.megabytes * 1_000_000 // len(once)))
        theirs, ours = [], []
        for _ in range(options.repeats):
            theirs.append(_seconds(partial(_fastwarc, path)))
            ours.append(_seconds(partial(_headwater, path)))
        records = {_fastwarc(path), _headwater(path)}
        assert len(records) == 1, records
        line = {
            "compressed_bytes": path.stat().st_size,
            "records": records.pop(),
            "fastwarc_cpu_seconds": statistics.median(theirs),
            "headwater_cpu_seconds": statistics.median(ours),
            "ratio": round(statistics.median(b / a for a, b in zip(theirs, ours, strict=True)), 3),
            "ratios": [round(b / a, 2) for a, b in zip(theirs, ours, strict=True)],
        }
    print(json.dumps(line))


def _nothing(record: Any, kind: str, offset: int | str, source: WarcSource, gate: Any) -> Record:
    """Instead of the extraction: the record is frozen, that is, its payload was read and is whole."""
    assert record.is_frozen
    return Gated(offset, kind)


def _seconds(work: Any) -> float:
    start = time.process_time()
    work()
    return round(time.process_time() - start, 4)


def _fastwarc(path: Path) -> int:
    count = 0
    with path.open("rb") as file:
        for record in ArchiveIterator(file, parse_http=False):
            record.reader.read()
            count += 1
    return count


def _headwater(path: Path) -> int:
    source = WarcSource(kind="warc", name="bench", paths=["*"], max_record=2**30)
    return sum(1 for _ in warc.read(path, source))


if __name__ == "__main__":
    main()
