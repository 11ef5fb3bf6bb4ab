"""The functions that the tests run in workers can be imported there."""

import os
from pathlib import Path

import pytest

from headwater.engine.workers import end_idle


@pytest.fixture(autouse=True)
def functions_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here and in spawned workers, which inherit the environment; those of other tests have another."""
    here = str(Path(__file__).parent)
    monkeypatch.syspath_prepend(here)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([here, os.environ.get("PYTHONPATH", "")]))
    end_idle()
