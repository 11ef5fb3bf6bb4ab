"""Row 35: duplicates larger than the memory allowed go by files: the same survivors, and what was spilled is said."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

CHILD = """
import resource, sys, json
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from corpora import han, words, make
from headwater.curate.duplicates import exchange

texts = []
for n in range(1200):
    text = han(150, n) if n % 2 else words(90, n)
    texts.append(texts[n - 3] if n % 5 == 4 else texts[n - 2][:-3] + "尾声。" if n % 5 == 3 and n > 9 else text)
documents = [{"text": text} for text in texts]
settings = {"near": {"similarity": 0.7}, "keep": "first", "substring": {}}
place = Path(sys.argv[2])
make(place, documents[:20], settings, name="warm")  # kernels and libraries are in memory now
if sys.argv[3] == "small":
    # what is held now and 96 MB more, and partitions so small that every exchange goes by many files
    exchange.PARTITION_DOCUMENTS = 100
    used = int(next(line for line in open("/proc/self/status") if line.startswith("VmData")).split()[1]) << 10
    resource.setrlimit(resource.RLIMIT_DATA, (used + (96 << 20),) * 2)
made = make(place, documents, settings, name="all")
spilled = sum(
    entry.result.get("spilled", 0)
    for stage in made.workspace.stages()
    if stage.name.startswith(("duplicate", "passage"))
    for entry in stage.entries().values()
)
print(json.dumps([made.reasons, made.partners, made.texts, spilled]))
"""


@pytest.mark.slow
@pytest.mark.fault(35)
def test_the_same_survivors_within_little_memory(tmp_path: Path) -> None:
    helper = Path(__file__).parent.parent / "curate"
    answers = []
    for size in ("large", "small"):
        command = [sys.executable, "-c", CHILD, str(helper), str(tmp_path / size), size]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stderr[-2000:]
        answers.append(json.loads(answer.stdout.splitlines()[-1]))
    large, small = answers
    assert large[:3] == small[:3]
    assert set(large[0]) == {"", "exact_duplicate", "near_duplicate"} and small[3] > 0
