"""Fuzzes every reader, the one with the least time first: `./run fuzz [--hours H] [--each S] [--reader R …]`.

An hour a reader is some fifteen hours of one core, so that time adds up over days and machines: each slice has its
own seed and leaves a line in `record.jsonl`, from which docs/fuzzing.md is written. A slice is made again, file by
file, by the command that its line names. What is found lies below `--out`; a campaign goes on after it.
"""

import argparse
import concurrent.futures
import datetime
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from inputs import READERS

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
RECORD = FOLDER / "record.jsonl"
TABLE = ROOT / "docs" / "fuzzing.md"


def code() -> str:
    """Names the code that reads: a short hash of the sources' room."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "src" / "headwater" / "sources").rglob("*.py")):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def recorded() -> list[dict[str, Any]]:
    if not RECORD.exists():
        return []
    return [json.loads(line) for line in RECORD.read_text(encoding="utf-8").splitlines()]


def fuzz(reader: str, seed: int, seconds: int, out: Path) -> dict[str, Any]:
    """One slice in processes of its own, at the lowest priority."""
    summary, read = out / f"{reader}-{seed}.json", code()
    command = ["--reader", reader, "--seed", str(seed), "--seconds", str(seconds), "--out", str(out)]
    done = subprocess.run(
        [sys.executable, str(FOLDER / "fuzz_readers.py"), *command, "--summary", str(summary)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=lambda: os.nice(19),
    )  # fmt: skip
    if not summary.exists():
        raise SystemExit(f"{reader}, seed {seed}: the fuzzer itself failed: {done.stderr[-2000:]}")
    date = datetime.date.today().isoformat()
    return json.loads(summary.read_text(encoding="utf-8")) | {"code": read, "date": date}


def table(slices: list[dict[str, Any]]) -> str:
    lines = [
        "# Fuzzing",
        "",
        "What every reader was tried with: real and generated files, damaged at random, read in a watched process. No",
        "crash, no hang, no runaway memory, no error that does not name its file, the account balances, twice the same",
        "bytes, and damage to one member or line costs no other record. `./run fuzz` adds to it and writes this table;",
        "minutes are of the processor, those of the readers as they are now in their own column.",
        "",
        "| reader | files | minutes | of them now | seeds | findings |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    now, total = code(), [0, 0.0, 0.0, 0, 0]
    for reader in READERS:
        mine = [entry for entry in slices if entry["reader"] == reader]
        row = [
            sum(entry["files"] for entry in mine),
            sum(entry["seconds"] for entry in mine) / 60,
            sum(entry["seconds"] for entry in mine if entry["code"] == now) / 60,
            len(mine),
            sum(sum(entry["findings"].values()) for entry in mine),
        ]
        total = [a + b for a, b in zip(total, row, strict=True)]
        lines.append(_row(reader, row))
    lines += [_row("all", total), ""]
    if found := [entry for entry in slices if entry["findings"]]:
        lines += [
            "What was found; what was mended for it is tested in `tests/sources/test_fuzz_findings*.py`:",
            "",
        ]
        for entry in found:
            said = "; ".join(f"{problem} ({count:,})" for problem, count in entry["findings"].items())
            lines.append(
                f"- {entry['date']}, {entry['reader']}, seed {entry['seed']}, code {entry['code']}: {said}"
            )
        lines.append("")
    return "\n".join(lines)


def _row(name: str, row: list[Any]) -> str:
    return f"| {name} | {row[0]:,} | {row[1]:.0f} | {row[2]:.0f} | {row[3]} | {row[4]} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run fuzz", description=__doc__)
    parser.add_argument("--hours", type=float, default=1, help="of the clock (slices that run are finished)")
    parser.add_argument("--each", type=int, default=240, help="processor seconds of a slice")
    parser.add_argument("--reader", choices=READERS, action="append", help="this one; may be given again")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path, default=ROOT / "fuzz-findings", help="folder for what is found")
    parser.add_argument("--table", action="store_true", help="write docs/fuzzing.md from the record, no more")
    arguments = parser.parse_args()
    slices = recorded()
    if arguments.table:
        TABLE.write_text(table(slices), encoding="utf-8")
        return
    end = time.monotonic() + 3600 * arguments.hours
    arguments.out.mkdir(parents=True, exist_ok=True)
    spent = {r: sum(s["seconds"] for s in slices if s["reader"] == r) for r in arguments.reader or READERS}
    seeds = {r: max((s["seed"] for s in slices if s["reader"] == r), default=0) for r in spent}
    waiting: dict[concurrent.futures.Future[dict[str, Any]], str] = {}
    with concurrent.futures.ThreadPoolExecutor(arguments.processes) as pool:
        while waiting or time.monotonic() < end:
            while len(waiting) < arguments.processes and time.monotonic() < end:
                reader = min(spent, key=lambda r: spent[r])
                spent[reader], seeds[reader] = spent[reader] + arguments.each, seeds[reader] + 1
                task = pool.submit(fuzz, reader, seeds[reader], arguments.each, arguments.out)
                waiting[task] = reader
            done, _ = concurrent.futures.wait(waiting, return_when=concurrent.futures.FIRST_COMPLETED)
            for task in done:
                del waiting[task]
                entry = task.result()
                with RECORD.open("a", encoding="utf-8") as record:
                    record.write(json.dumps(entry, ensure_ascii=False) + "\n")
                slices.append(entry)
                TABLE.write_text(table(slices), encoding="utf-8")
                print(
                    f"{entry['reader']}, seed {entry['seed']}: {entry['files']:,} files in {entry['seconds']} s of the "
                    f"processor, findings {entry['findings'] or 'none'}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
