"""A worker's memory: what one large item took is given back after it."""

import subprocess
import sys

import pytest

CODE = """
import sys
from headwater.engine import heap
if sys.argv[1] == "settled":
    heap.settle()

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 >> 20

before = resident()
page = b"x" * (30 << 20)
del page  # from here on the C library takes 30 MB for an ordinary size
page = b"x" * (24 << 20)
kept = [b"y" * 50_000 for _ in range(4)]  # what was made of the page lies behind it
del page
print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, and the settings are glibc's")
def test_a_large_item_leaves_no_room_behind():
    def grown(how):
        done = subprocess.run([sys.executable, "-c", CODE, how], capture_output=True, text=True, check=True)
        return int(done.stdout)

    assert grown("settled") < 6 < 18 < grown("as it was")


STEPS = """
import resource, sys
from headwater.engine import heap
from headwater.engine.workers import resolve
if sys.argv[1] == "settled":
    heap.settle()
resolve("torch:relu")
import torch

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

weight = torch.ones(128, 1024)
for step in range(30):
    if step == 10:
        before = faults()
    logits = torch.ones(4096, 128) @ weight  # 16 MB
    torch.softmax(logits, -1)
print(faults() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the settings are glibc's")
def test_a_training_step_keeps_its_blocks():
    """16 MB that are mapped anew at each step are 4,096 faults, and took as long as the arithmetic."""
    done = subprocess.run(
        [sys.executable, "-c", STEPS, "settled"], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 20 * 4096 / 4
