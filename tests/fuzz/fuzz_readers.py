"""Looks for files that a reader cannot stand: `python tests/fuzz/fuzz_readers.py --reader warc --seconds 600 --seed 1`.

Real and generated files are damaged at random (`mutations.py`) and read in a watched process (`child.py`). Whatever
the damage, a reader must not crash, hang or take all memory; it raises nothing but errors that name the file, its
account balances, and it gives the same bytes twice. Damage to one gzip member or one line costs no other record.
What breaks a promise is saved below `--out`, and the exit code is 1. The same seed tries the same files.
"""

import argparse
import contextlib
import json
import os
import random
import re
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import kinds
import psutil
from inputs import KINDS, READERS, SIMPLIFIED, Seed, seeds
from mutations import damage_one, mutate

DEADLINE = 20.0  # processor seconds for one small file, read twice: others may work on this machine
STILL = 60  # times as long by the clock, for what waits for something that never comes
MEMORY = 1 << 30  # bytes beyond what the process held before
SAVED = 3  # inputs kept of one kind of finding
MEMORY_DISK = (
    "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
)  # a disk would be waited for at each fsync
RARE = 0.005  # share of the inputs made to explode, which take long


class Child:
    """A process that reads one file after the other, and is started anew when one was too much for it."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "stderr"
        self._past = self._now = 0.0  # seconds of processes before, and of this one
        self._start()

    def _start(self) -> None:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("child.py"))],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment,
            )  # fmt: skip

    def ask(self, path: Path, kind: str, source: dict[str, Any], seconds: float = DEADLINE) -> dict[str, Any]:
        """The child's answer, or one in its place that says how it ended."""
        assert self.process.stdin is not None and self.process.stdout is not None
        task = {"path": str(path), "kind": kind, "source": source, "seconds": seconds}
        self.process.stdin.write(json.dumps(task).encode() + b"\n")
        self.process.stdin.flush()
        before, started, answered = self.seconds(), time.monotonic(), False
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while not answered and self.seconds() - before < seconds:
                if time.monotonic() - started > STILL * seconds:
                    break
                answered = bool(selector.select(1.0))
        line = self.process.stdout.readline() if answered else b""
        if line:
            answer: dict[str, Any] = json.loads(line)
            if answer["peak"] > MEMORY and not answer["problem"]:
                answer["problem"] = f"took {answer['peak'] >> 20} MiB"
            return answer
        if not answered:
            self.process.send_signal(signal.SIGABRT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        self.close()
        problem = (
            f"the process ended with {self.process.returncode}" if answered else f"hung for {seconds:g} s"
        )
        detail = self.log.read_text(errors="replace")[-4000:]
        self._start()
        return {"problem": problem, "detail": detail, "expected": "", "documents": [], "peak": 0}

    def seconds(self) -> float:
        """Of the processor, by all its processes so far."""
        with contextlib.suppress(psutil.Error):
            times = psutil.Process(self.process.pid).cpu_times()
            self._now = times.user + times.system
        return self._past + self._now

    def close(self) -> None:
        self._past, self._now = self.seconds(), 0.0
        self.process.kill()
        self.process.communicate()


def settings(reader: str, rng: random.Random) -> tuple[str, dict[str, Any]]:
    """Kind and settings of the source; what people rarely set is rarely set here."""
    if reader == "init":
        return "init", {}
    if reader == "warc":
        return "warc", {"text": rng.choice(("main", "all"))}
    if reader in KINDS:
        rare = {name: rng.choice(values) for name, values in kinds.SETTINGS[reader].items()}
        return reader, rare if rng.random() < 0.5 else {}
    return "files", {"encoding": rng.choice(("gb18030", "utf-8"))} if rng.random() < 0.05 else {}


def kept(seed: Seed, part: int, documents: list[list[str]]) -> Counter[str]:
    """Hashes of the texts that damage to one part must leave."""
    if seed.by_offset:
        start = str(seed.parts[part][0])
        return Counter(text for offset, text in documents if offset.partition(".")[0] != start)
    return Counter(text for number, (_, text) in enumerate(documents) if number != part)


def fuzz(reader: str, seconds: float, number: int, out: Path) -> dict[str, Any]:
    """How many files were read, and how often each problem was found. `number`: of the random numbers."""
    rng = random.Random(number)
    every = seeds(reader)
    bombs = [seed for seed in every if "bomb" in seed.name]
    usual = [seed for seed in every if "bomb" not in seed.name]
    known: dict[tuple[int, str], list[list[str]]] = {}  # documents of a sound seed
    found: Counter[str] = Counter()
    tried = errors = largest = 0
    with tempfile.TemporaryDirectory(prefix="headwater-fuzz-", dir=MEMORY_DISK) as folder:
        child = Child(Path(folder))
        page = Path(folder) / "page.html"
        page.write_text(f"<p>{SIMPLIFIED}</p>", encoding="utf-8")
        child.ask(
            page, "html", {}, 600
        )  # imports, and kernels compiled in a new checkout, take their time once
        told = start = child.seconds()
        while child.seconds() < start + seconds:
            seed = rng.choice(bombs if bombs and rng.random() < RARE else usual)
            kind, source = settings(reader, rng)
            place = Path(folder) / "read"
            path = place / seed.name
            path.parent.mkdir(parents=True)
            for name, data in seed.beside:
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                (place / name).write_bytes(data)
            part = None
            if seed.parts and reader != "init" and not source.get("encoding") and rng.random() < 0.5:
                same = (id(seed), json.dumps(source))
                if same not in known:
                    path.write_bytes(seed.data)
                    known[same] = child.ask(path, kind, source, 60)["documents"]
                if seed.by_offset or len(known[same]) == len(seed.parts):
                    part = rng.randrange(len(seed.parts))
            data = mutate(seed, rng.choice(usual).data, rng) if part is None else damage_one(seed, part, rng)
            path.write_bytes(data)
            answer = child.ask(place if kind == "init" else place / (seed.read or seed.name), kind, source)
            tried += 1
            errors += bool(answer["expected"])
            largest = max(largest, answer["peak"])
            problem = answer["problem"]
            if part is not None and not problem and not (part == 0 and answer["expected"]):
                lost = kept(seed, part, known[same]) - Counter(text for _, text in answer["documents"])
                if lost:
                    problem = f"damage to one part cost {lost.total()} other documents"
            if problem:
                sort = re.sub(r"\d+ (MiB|other)", r"N \1", problem)
                found[sort] += 1
                if found[sort] <= SAVED:
                    said = {**answer, "problem": problem, "part": part, "source": source, "read": seed.read}
                    _save(out / f"{reader}-{number}-{tried}", path, said)
            shutil.rmtree(place)
            if child.seconds() > told + 60:
                told += 60
                print(f"{reader}: {tried:,} files, {found.total()} findings", flush=True)
        child.close()
    print(
        f"{reader}, seed {number}: {tried:,} files from {len(every)} seeds in {seconds:g} processor seconds; {errors:,} errors that "
        f"name the file; largest memory {largest >> 20} MiB; {found.total()} findings {dict(found)}"
    )
    return {
        "reader": reader, "seed": number, "seconds": seconds, "files": tried, "errors": errors,
        "findings": dict(found),
    }  # fmt: skip


def _save(folder: Path, path: Path, answer: dict[str, Any]) -> None:
    """The input under its own name, since readers go by it, and what came of it."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, folder / path.name)
    answer = {name: value for name, value in answer.items() if name != "documents"}
    (folder / "finding.json").write_text(json.dumps(answer, ensure_ascii=False, indent=1), encoding="utf-8")
    print(f"{answer['problem']}: {folder}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reader", choices=READERS, required=True)
    parser.add_argument("--seconds", type=int, default=60, help="of the processor, by the readers")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("fuzz-findings"), help="folder for what is found")
    parser.add_argument("--summary", type=Path, help="a file for what was tried and found, as JSON")
    arguments = parser.parse_args()
    summary = fuzz(arguments.reader, arguments.seconds, arguments.seed, arguments.out)
    if arguments.summary:
        arguments.summary.write_text(json.dumps(summary, ensure_ascii=False), encoding="utf-8")
    sys.exit(bool(summary["findings"]))


if __name__ == "__main__":
    main()
