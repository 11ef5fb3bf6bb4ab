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
