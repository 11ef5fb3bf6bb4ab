"""A worker that had to compile ends before the others start."""

import os

import pytest

from headwater.engine.stages import run_before
from headwater.engine.workers import end_idle
from headwater.engine.workspace import Workspace

MODULE = """
import os
from pathlib import Path
from headwater.engine.kernels import kernel

@kernel
def twice(number):
    return number * 2

def warm(pids):
    assert twice(21) == 42
    with Path(pids).open("a") as file:
        file.write(f"{os.getpid()}\\n")
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "compiles_once.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ["PYTHONPATH"]]))
    end_idle()
    return "compiles_once:warm"


def test_who_compiled_ends_and_who_found_it_compiled_goes_on(tmp_path, module):
    workspace, pids = Workspace(tmp_path / "workspace"), tmp_path / "pids"
    for _ in range(3):
        run_before(workspace, module, {"pids": str(pids)}, workers=1, title="prepare")
    compiled, second, third = pids.read_text().split()
    assert compiled != second == third
