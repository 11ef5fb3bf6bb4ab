"""Memory of the step that the asking machine does for a training set: `documents.parquet`, for ever more shards.

    ./run bench training_set_memory [--shards 32] [--times 4] [--documents 20000]

Shards of made documents (one kept of two, Chinese sources and licences among them) are laid down as the stages leave
them: documents, ledger, pool. Then `write_documents` writes documents.parquet, in a process of its own: what its memory
grew by at its peak, at N shards and at many times N (both more than the row group of 64 MB that is held until it is written), and seconds of CPU a million documents. The bar: 1.3 x.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headwater.curate.training_set import write_documents

BAR = 1.3


def lay_down(folder: Path, shards: int, documents: int) -> list[dict[str, str]]:
    found = []
    for shard in range(shards):
        keys = [f"{shard:08x}{row:08x}{'0' * 16}" for row in range(documents)]
        kept = [row for row in range(documents) if row % 2]
        tables: dict[str, dict[str, Any]] = {
            "documents": {
                "source": ["网页"] * documents,
                "license": ["CC BY-SA 4.0 署名"] * documents,
                "consent": [None] * documents,
                "date": ["2026-01-02"] * documents,
            },
            "ledger": {
                "id": keys, "text_key": keys, "source": ["网页"] * documents, "language": ["zh"] * documents,
                "split": ["train"] * documents, "state": [("dropped", "kept")[row % 2] for row in range(documents)],
                "reason": ["gopher.words" if row % 2 == 0 else None for row in range(documents)],
                "bytes": [2000] * documents, "edits": [0] * documents, "step": [0] * documents,
            },
            "pool": {
                "id": [keys[row] for row in kept], "text_key": [keys[row] for row in kept], "source": ["网页"] * len(kept),
                "language": ["zh"] * len(kept), "offset": [700 * n for n in range(len(kept))],
                "length": [700] * len(kept), "bytes": [2000] * len(kept),
            },
        }  # fmt: skip
        paths = {name: str(folder / f"{name}-{shard:05d}.parquet") for name in tables}
        for name, columns in tables.items():
            types = {"consent": pa.string(), "reason": pa.string()}
            arrays = {column: pa.array(values, types.get(column)) for column, values in columns.items()}
            pq.write_table(pa.table(arrays), paths[name], row_group_size=5000)
        found.append({"shard": f"shard-{shard:05d}", **paths, "privacy": ""})
    return found


def inside(folder: Path) -> None:
    shards = json.loads((folder / "shards.json").read_text(encoding="utf-8"))
    write_documents(folder / "warm.parquet", shards[:1])
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    contents = write_documents(folder / "documents.parquet", shards)
    spent, after = time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"documents": contents.documents.total(), "read": contents.read.total(), "seconds": spent,
                      "peak": after, "grew": after - before}))  # fmt: skip


def measured(shards: int, documents: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "shards.json").write_text(json.dumps(lay_down(folder, shards, documents)), encoding="utf-8")
        command = [sys.executable, __file__, "--inside", str(folder)]
        said = subprocess.run(command, capture_output=True, text=True, check=True)
        size = (folder / "documents.parquet").stat().st_size
    return {**json.loads(said.stdout), "size": size}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shards", type=int, default=32)
    parser.add_argument("--times", type=int, default=4)
    parser.add_argument("--documents", type=int, default=20_000, help="of a shard")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        inside(options.inside)
        return
    peaks = []
    for shards in (options.shards, options.shards * options.times):
        found = measured(shards, options.documents)
        peaks.append(found["peak"])
        print(f"{shards:>6,} shards, {found['read']:>9,} documents, {found['documents']:>9,} kept: peak {found['peak'] / 1024:.0f} MiB "
              f"(+{found['grew'] / 1024:.0f}), {found['seconds'] * 1e6 / found['read']:.0f} CPU s a million, "
              f"{found['size'] / found['documents']:.0f} bytes a kept document", flush=True)  # fmt: skip
    print(f"peak {peaks[1] / peaks[0]:.2f} x at {options.times} x the shards   bar {BAR}")
    sys.exit(0 if peaks[1] <= BAR * peaks[0] else 1)


if __name__ == "__main__":
    main()
