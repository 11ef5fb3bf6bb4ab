"""The fuzzer itself: that it runs, that a seed means the same files, and what it says of its hours."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
READERS = ("warc", "jsonl", "json", "csv", "parquet", "text", "wikipedia", "books", "news", "dialogue", "forum", "papers",
           "code", "huggingface", "html", "init")  # fmt: skip
ALWAYS = ("jsonl", "wikipedia", "init")

DRAWN = """
import hashlib, json, random, sys
from inputs import seeds
from mutations import mutate
rng, every, digest = random.Random(5), seeds(sys.argv[1]), hashlib.sha256()
for seed in every:
    digest.update(mutate(seed, rng.choice(every).data, rng))
print(json.dumps([[seed.name for seed in every], digest.hexdigest()]))
"""


@pytest.mark.parametrize(
    "reader", [r if r in ALWAYS else pytest.param(r, marks=pytest.mark.slow) for r in READERS]
)
def test_a_second_of_damaged_files_breaks_no_promise(reader, tmp_path):
    summary = tmp_path / "summary.json"
    done = subprocess.run(
        [sys.executable, FOLDER / "fuzz_readers.py", "--reader", reader, "--seconds", "1", "--seed", "1",
         "--out", tmp_path / "found", "--summary", summary], capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(summary.read_text(encoding="utf-8"))
    assert said["reader"] == reader and said["files"] > 0 and not said["findings"]


@pytest.mark.parametrize("reader", ["warc", "papers", "code"])
def test_a_seed_means_the_same_files(reader):
    def drawn(hashing: str) -> list:
        done = subprocess.run(
            [sys.executable, "-c", DRAWN, reader], cwd=FOLDER, env=os.environ | {"PYTHONHASHSEED": hashing},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return json.loads(done.stdout)

    names, digest = drawn("1")
    assert len(names) > 5 and [names, digest] == drawn("2")


def test_hours_add_up_and_those_of_other_code_are_told_apart():
    script = """
import json, campaign
now = campaign.code()
slices = [{"reader": "csv", "seed": n, "seconds": 240, "files": 1000, "errors": 1, "findings": found, "code": code,
           "date": "2026-11-29"} for n, (code, found) in enumerate([(now, {}), ("0" * 12, {"hung": 2})], 1)]
print(campaign.table(slices))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=FOLDER, capture_output=True, text=True, check=True
    )
    assert "| csv | 2,000 | 8 | 4 | 2 | 2 |" in done.stdout
    assert "csv, seed 2, code 000000000000: hung (2)" in done.stdout
    assert "| warc | 0 | 0 | 0 | 0 | 0 |" in done.stdout and "| all | 2,000 | 8 | 4 | 2 | 2 |" in done.stdout
